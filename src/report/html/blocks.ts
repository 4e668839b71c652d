import { numberText } from "../../lib/count.ts";
import { opensTheGate } from "../../model/report.ts";
import {
  type Block,
  type Cell,
  type EntryResult,
  type Inline,
  isEmpty,
  type Line,
  type Row,
  type Section,
  type StageView,
  type Table,
  usedColumns,
} from "../view/shapes.ts";
import { cut, latencyText } from "../words.ts";
import { chart } from "./charts.ts";
import { type Entries, entries, filter } from "./failures.ts";
import { type Content, code, folded, html, Markup, nothing, pill, preformatted } from "./markup.ts";
import { type Room, shownOf } from "./room.ts";
import { dataRow, dataTable } from "./tables.ts";

/** Draws the sections of a stage. It knows no field of a report. */

/** Draws all sections of a stage: its tables, lists, texts and charts. What needs attention is open; the rest is folded if the stage closes the gate. */
export function sectionsOf({ id, sections, verdict, file }: StageView, room: Room): Markup {
  const context: Context = {
    stage: id,
    foldQuiet: !opensTheGate(verdict),
    tests: sections.find(({ what }) => what === "tests")?.brief,
    file,
    room,
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
  /** The report. */
  file: string;
  room: Room;
}

/** Texts of checks may be as long as an answer of a server. */
const longestText = 4_000;
/** With more, browsers need seconds to open the page. */
const mostRows = 2_000;
const mostItems = 1_000;
const mostLines = 5_000;
/** The share of the room that one list may have, so that something is left for the next. */
const shareOfList = 1 / 2;
/** What failed comes first, and is what people look for. */
const shareOfEntries = 2 / 3;

function section(one: Section, context: Context): Markup {
  const { title, brief, quiet } = one;
  const drawn = content(one, context);
  if (title === undefined) return drawn;
  if (!quiet || !context.foldQuiet) return html`<h3>${title}</h3>\n${drawn}`;
  return html`<details class="quiet"><summary><h3>${title}</h3> <span class="about">${brief}</span></summary><div class="folded">${drawn}</div></details>\n`;
}

function content(one: Section, context: Context): Markup {
  const { blocks } = one;
  const draw = (all: readonly Block[]) => html`${all.map((each) => html`${block(each, context)}\n`)}`;
  if (one.chart?.kind === "flow") return html`${chart(one.chart, nothing)}${draw(blocks.map(beside))}`;
  const isEntries = (each: Block): each is Entries => each.kind === "entries";
  const failed = blocks.some(isEntries) ? results(blocks.filter(isEntries), context) : undefined;
  const picture = one.chart ? chart(one.chart, table(one.chart.table, context)) : nothing;
  if (failed === undefined) return html`${picture}${draw(blocks)}`;
  return html`${failed}${picture}${blocks.filter((each) => !isEntries(each)).map((each) => html`${each.kind === "table" ? html`<h4>${each.title}</h4>` : nothing}${block(each, context)}\n`)}`;
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
  return html`${all}<div class="results">${filter(context.stage, amounts)}${blocks.map((one) => drawnEntries(one, context))}</div>\n`;
}

function drawnEntries(one: Entries, context: Context): Markup {
  return context.room.part(shareOfEntries, (room) => {
    const often = one.often ? table(one.often, { ...context, room }) : nothing;
    return entries(one, { often, elsewhere: line(one.elsewhere), room });
  });
}

function block(one: Block, context: Context): Markup {
  switch (one.kind) {
    case "title":
      return html`<h4>${one.text}</h4>`;
    case "text":
      return html`<p class="${one.tone ?? ""}">${line(one.line)}</p>`;
    case "counts":
      return counts(one);
    case "list":
      return list(one, context);
    case "output":
      return output(one, context);
    case "entries":
      return drawnEntries(one, context);
    case "table":
      return table(one, context);
  }
}

type Around = Pick<Context, "room"> & { file?: string };

/** @param around the file is absent if several reports have the rows */
export function table(one: Table, { room, file }: Around): Markup {
  return room.part(shareOfList, (inside) => {
    const used = usedColumns(one, { details: true });
    const rows = inside.fill(one.rows, mostRows, (row) => tableRow(row, used));
    const said = one.rest?.(rows.length);
    const rest = said === undefined ? shownOf(rows.length, one.rows.length, "row", file) : said && html`<p>${said}</p>`;
    const drawn = html`${dataTable(one.title, used, rows)}${rest}`;
    return one.folded ? folded(one.title, drawn) : drawn;
  });
}

function list({ title, tone, items }: Extract<Block, { kind: "list" }>, { room, file }: Around): Markup {
  return room.part(shareOfList, (inside) => {
    const shown = inside.fill(items, mostItems, (item) => html`<li>${cut(item, longestText)}</li>`);
    return html`<div class="notes ${tone}">${title === undefined ? nothing : html`<h4>${title}</h4>`}<ul>${shown}</ul>${shownOf(shown.length, items.length, "line", file)}</div>`;
  });
}

function output({ title, label, text, open }: Extract<Block, { kind: "output" }>, { room, file }: Around): Markup {
  return room.part(shareOfList, (inside) => {
    const lines = text.split("\n");
    const shown = inside.fill(lines, mostLines, (one) => html`${cut(one, longestText)}\n`);
    const whole = new Markup(
      shown
        .map((one) => one.text)
        .join("")
        .trimEnd(),
    );
    return folded(line(title), html`${preformatted(whole, label)}${shownOf(shown.length, lines.length, "line", file)}`, open);
  });
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

type Used = ReturnType<typeof usedColumns>[number];

function tableRow({ cells }: Row, used: readonly Used[]): Markup {
  return dataRow(
    used,
    used.map(({ at }) => (isEmpty(cells[at]) ? undefined : cell(cells[at]))),
  );
}

function cell(content: Cell): Content {
  if (content === undefined || typeof content === "string") return inline(content);
  if ("samples" in content)
    return html`<ul class="samples">${content.samples.map((sample) => html`<li>${code(cut(sample, longestText))}</li>`)}</ul>`;
  if ("latency" in content) return html`<span class="nowrap">${latencyText(content.latency)}</span>`;
  if (!("line" in content)) return inline(content);
  const below = content.below.filter((piece) => piece !== undefined && piece !== "");
  return html`<div class="lines">${line(content.line)}${below.map((piece) => html`<p class="message">${inline(piece)}</p>`)}</div>`;
}

function line(pieces: Line): Content {
  return pieces.map(inline);
}

export function inline(piece: Inline | undefined): Content {
  if (piece === undefined) return piece;
  if (typeof piece === "string") return cut(piece, longestText);
  if ("code" in piece) return code(cut(piece.code, longestText));
  if ("verdict" in piece) return pill(piece.verdict);
  return html`<b class="${piece.tone ?? ""}">${cut(piece.strong, longestText)}</b>`;
}
