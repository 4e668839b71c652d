import { count, numberText } from "../../lib/count.ts";
import { opensTheGate } from "../../model/report.ts";
import {
  type Block,
  type Cell,
  type EntryResult,
  type Inline,
  isEmpty,
  type Line,
  type Section,
  type StageView,
  type Table,
  usedColumns,
} from "../view/shapes.ts";
import { latencyText } from "../words.ts";
import { chart } from "./charts.ts";
import { type Entries, entries, filter } from "./failures.ts";
import { type Content, code, folded, html, type Markup, nothing, pill, preformatted } from "./markup.ts";

/** Draws the sections of a stage. It knows no field of a report. */

/** Sections of a stage. What needs attention is open; the rest is folded if the stage closes the gate. */
export function sectionsOf({ id, sections, verdict }: StageView): Markup {
  const context: Context = {
    stage: id,
    foldQuiet: !opensTheGate(verdict),
    tests: sections.find(({ what }) => what === "tests")?.brief,
  };
  const isFolded = ({ title, quiet }: Section) => title !== undefined && quiet === true && context.foldQuiet;
  const place = (one: Section) => (one.what === "audit" ? 2 : isFolded(one) ? 1 : 0);
  const ordered = [...sections].sort((a, b) => place(a) - place(b));
  return html`${ordered.map((one) => section(one, context))}`;
}

interface Context {
  stage: string;
  foldQuiet: boolean;
  /** The results of all tests in one line, for those that stand alone. */
  tests: string | undefined;
}

function section(one: Section, context: Context): Markup {
  const { title, brief, quiet } = one;
  const drawn = content(one, context);
  if (title === undefined) return drawn;
  if (!quiet || !context.foldQuiet) return html`<h3>${title}</h3>\n${drawn}`;
  return html`<details class="quiet"><summary><h3>${title}</h3> <span class="about">${brief}</span></summary><div class="folded">${drawn}</div></details>\n`;
}

function content(one: Section, context: Context): Markup {
  const { blocks } = one;
  const draw = (all: readonly Block[]) => html`${all.map((each) => html`${block(each)}\n`)}`;
  if (one.chart?.kind === "flow") return html`${chart(one.chart, nothing)}${draw(blocks.map(beside))}`;
  const picture = one.chart ? chart(one.chart, table(one.chart.table)) : nothing;
  const isEntries = (each: Block): each is Entries => each.kind === "entries";
  if (!blocks.some(isEntries)) return html`${picture}${draw(blocks)}`;
  return html`${results(blocks.filter(isEntries), context)}${picture}${blocks.filter((each) => !isEntries(each)).map((each) => html`${each.kind === "table" ? html`<h4>${each.title}</h4>` : nothing}${block(each)}\n`)}`;
}

/** A table that says the same as the chart above it is folded, unless it names a problem. */
function beside(one: Block): Block {
  if (one.kind !== "table" || one.loses !== "row of test data") return one;
  const hasProblem = one.rows.some(({ cells }) =>
    cells.some((cell) => typeof cell === "object" && "below" in cell && cell.below.length > 0),
  );
  return hasProblem ? one : { ...one, folded: true };
}

/** Tests that did not pass, with a filter of what it can hide. */
function results(blocks: readonly Entries[], context: Context): Markup {
  const amounts = new Map<EntryResult, number>();
  for (const { entries } of blocks) for (const { result } of entries) amounts.set(result, (amounts.get(result) ?? 0) + 1);
  const all = context.tests === undefined ? nothing : html`<p class="about">Tests: ${context.tests}</p>\n`;
  return html`${all}<div class="results">${filter(context.stage, amounts)}${blocks.map((one) => entries(one))}</div>\n`;
}

function block(one: Block): Markup {
  switch (one.kind) {
    case "title":
      return html`<h4>${one.text}</h4>`;
    case "text":
      return html`<p class="${one.tone ?? ""}">${line(one.line)}</p>`;
    case "counts":
      return counts(one);
    case "list":
      return list(one);
    case "output":
      return folded(line(one.title), preformatted(one.text, one.label), one.open);
    case "entries":
      return entries(one);
    case "table":
      return table(one);
  }
}

/** With more, browsers need seconds to open the page. */
const mostRows = 2_000;
const mostItems = 1_000;

export function table(one: Table): Markup {
  const rows = one.rows.slice(0, mostRows);
  const said = one.rest?.(rows.length) ?? moreRows(one.rows.length - rows.length, "row");
  const drawn = html`${dataTable({ ...one, rows })}${said === "" ? nothing : html`<p>${said}</p>`}`;
  return one.folded ? folded(one.title, drawn) : drawn;
}

function moreRows(left: number, what: string): string {
  return left > 0 ? `${count(left, `more ${what}`)} ${left === 1 ? "is" : "are"} in the report's file.` : "";
}

function list({ title, tone, items }: Extract<Block, { kind: "list" }>): Markup {
  const rest = moreRows(items.length - mostItems, "line");
  return html`<div class="notes ${tone}">${title === undefined ? nothing : html`<h4>${title}</h4>`}<ul>${items.slice(0, mostItems).map((item) => html`<li>${item}</li>`)}</ul>${rest === "" ? nothing : html`<p>${rest}</p>`}</div>`;
}

type Counts = Extract<Block, { kind: "counts" }>;

function counts({ label, counts }: Counts): Markup {
  const swatch = (kind: string) =>
    html`<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect class="${kind}" width="10" height="10" rx="2"/></svg>`;
  const items = counts.map(
    ({ verdict, amount, remark }) =>
      html`<li class="${amount === 0 ? "none" : ""}">${swatch(verdict)}<span><b>${numberText(amount)}</b> ${verdict}${remark === undefined ? "" : ` (${remark})`}</span></li>`,
  );
  return html`${stackedBar(label, counts)}<ul class="legend">${items}</ul>`;
}

/** A bar with the parts of a whole. Parts above zero always stay wide enough to see. */
function stackedBar(label: string, parts: Counts["counts"]): Markup {
  const shown = parts.filter(({ amount }) => amount > 0);
  const total = shown.reduce((sum, { amount }) => sum + amount, 0);
  const widths = shown.map(({ amount }) => Math.max(amount, total * 0.008));
  const all = Math.max(
    1,
    widths.reduce((sum, width) => sum + width, 0),
  );
  const said = shown.map(({ verdict, amount }) => `${numberText(amount)} ${verdict}`).join(", ");
  let x = 0;
  const bars = shown.map(({ verdict }, index) => {
    const width = ((widths[index] ?? 0) * 100) / all;
    const bar = html`<rect class="${verdict}" x="${x.toFixed(2)}%" width="${width.toFixed(2)}%" height="100%"/>`;
    x += width;
    return bar;
  });
  return html`<svg class="bar" role="img" aria-label="${label}: ${said}">${bars}</svg>`;
}

/**
 * On a narrow screen, each row becomes a card with labelled cells; roles keep it a table for screen readers. Empty columns are
 * left out.
 */
function dataTable(table: Table): Markup {
  const used = usedColumns(table, { details: true });
  const kind = (numeric: boolean | undefined) => (numeric ? "numeric" : "");
  return html`<table role="table"><caption>${table.title}</caption>
<thead role="rowgroup"><tr role="row">${used.map(({ title, numeric }) => html`<th role="columnheader" scope="col" class="${kind(numeric)}">${title}</th>`)}</tr></thead>
<tbody role="rowgroup">${table.rows.map(
    ({ cells }) =>
      html`<tr role="row">${used.map(({ title, numeric, at }) => html`<td role="cell" class="${kind(numeric)}${isEmpty(cells[at]) ? " empty" : ""}" data-label="${title}">${cell(cells[at])}</td>`)}</tr>\n`,
  )}</tbody></table>`;
}

function cell(content: Cell): Content {
  if (content === undefined || typeof content === "string") return content;
  if ("samples" in content)
    return html`<ul class="samples">${content.samples.map((sample) => html`<li>${code(sample)}</li>`)}</ul>`;
  if ("latency" in content) return html`<span class="nowrap">${latencyText(content.latency)}</span>`;
  if (!("line" in content)) return inline(content);
  const below = content.below.filter((piece) => piece !== undefined && piece !== "");
  return html`<div class="lines">${line(content.line)}${below.map((piece) => html`<p class="message">${inline(piece)}</p>`)}</div>`;
}

function line(pieces: Line): Content {
  return pieces.map(inline);
}

export function inline(piece: Inline | undefined): Content {
  if (piece === undefined || typeof piece === "string") return piece;
  if ("code" in piece) return code(piece.code);
  if ("verdict" in piece) return pill(piece.verdict);
  return html`<b class="${piece.tone ?? ""}">${piece.strong}</b>`;
}
