import { createHash } from "node:crypto";
import { numberText } from "../lib/count.ts";
import type { StageReport, Verdict } from "../model/report.ts";
import { style } from "./html-style.ts";
import { htmlText } from "./inert.ts";
import { gateView } from "./view/report.ts";
import {
  type Block,
  type Cell,
  type Entry,
  type GateView,
  type Inline,
  isEmpty,
  type Line,
  type Section,
  type StageView,
  type Table,
  usedColumns,
} from "./view/shapes.ts";
import { cut, latencyText } from "./words.ts";

/** Draws the view of a report as one page. It knows no field of a report. */

const longestText = 16_000;
/** With more, browsers could not open the page. Messages are shown for all. */
const mostWholeEntries = 500;
/** Number of failures that are open at first; with more, readers would not find the end of the page. */
const openEntries = 3;

/**
 * One self-contained HTML file, without scripts or external content, and with a policy that forbids both. All text in a report is
 * untrusted and is made safe here.
 */
export function toHtml(reports: readonly StageReport[]): string {
  const { verdict, title, headline, explanation, stops, stages, legend } = gateView(reports);
  return html`${new Markup("<!doctype html>")}
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<a class="skip" href="#stages">Skip to the stages</a>
<header>
<h1>Quality gate</h1>
<div class="banner ${verdict}">${icon(verdict)}<div><strong>${headline}</strong><p>${explanation}</p></div></div>
<nav aria-label="Stages of the gate"><ol class="gate">${stops.map(gateStop)}</ol></nav>
</header>
<main id="stages">
${stages.map(stageSection)}
</main>
<footer><h2>What the verdicts mean</h2>
<dl>${legend.map(({ verdict, meaning }) => html`<div><dt>${pill(verdict)}</dt><dd>${meaning}</dd></div>`)}</dl></footer>
</body>
</html>
`.text;
}

const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** A stage in the overview of the gate; links to the stage's section. */
function gateStop(stop: GateView["stops"][number]): Markup {
  if ("missing" in stop) return html`<li><div class="stop missing"><b>${stop.missing}</b><p>${stop.word}</p></div></li>\n`;
  const { id, title, verdict, reason, environment, time } = stop;
  return html`<li><a class="stop ${verdict}" href="#${id}"><b>${title}</b>${pill(verdict)}
<p>${reason}</p>
${budgetBar(time)}<small>${environment}<br>${time.text}</small></a></li>\n`;
}

function stageSection({ id, title, environment, verdict, reason, facts, sections }: StageView): Markup {
  return html`<section class="stage" id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title} on ${environment} ${pill(verdict)}</h2>
<p class="reason">${reason}</p>
<dl class="facts">${facts.map(({ name, value }) => html`<div><dt>${name}</dt><dd>${inline(value)}</dd></div>`)}</dl>
${sections.map(section)}
</section>\n`;
}

function section({ title, blocks }: Section): Markup {
  return html`${title === undefined ? nothing : html`<h3>${title}</h3>\n`}${blocks.map((one) => html`${block(one)}\n`)}`;
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
      return html`<div class="notes ${one.tone}">${one.title === undefined ? nothing : html`<h4>${one.title}</h4>`}<ul>${one.items.map((item) => html`<li>${item}</li>`)}</ul></div>`;
    case "output":
      return folded(line(one.title), preformatted(one.text, one.label), one.open);
    case "entries":
      return entries(one);
    case "table": {
      const table = html`${dataTable(one)}${restOf(one)}`;
      return one.folded ? folded(one.title, table) : table;
    }
  }
}

/** The page lists all rows below its table. Anything not listed is missing from the report too. */
function restOf({ rows, rest }: Table): Markup {
  const said = rest?.(rows.length) ?? "";
  return said === "" ? nothing : html`<p>${said}</p>`;
}

type Counts = Extract<Block, { kind: "counts" }>;

function counts({ label, counts }: Counts): Markup {
  const swatch = (kind: string) =>
    html`<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect class="${kind}" width="10" height="10" rx="2"/></svg>`;
  const items = counts.map(
    ({ verdict, amount, remark }) =>
      html`<li>${swatch(verdict)}<span><b>${numberText(amount)}</b> ${verdict}${remark === undefined ? "" : ` (${remark})`}</span></li>`,
  );
  return html`${stackedBar(label, counts)}<ul class="legend">${items}</ul>`;
}

type Entries = Extract<Block, { kind: "entries" }>;

function entries({ what, title, entries, file }: Entries): Markup {
  const left =
    entries.length > mostWholeEntries
      ? html`<p>Stacks are shown for the first ${mostWholeEntries}. ${code(file)} has all of them.</p>`
      : nothing;
  const isOpen = (index: number) => what === "crashed suite" || index < openEntries;
  return html`<h4>${title}</h4>${left}${entries.map((one, index) => entry(one, isOpen(index), index < mostWholeEntries))}`;
}

function entry({ name, place, about, brief, whole }: Entry, open: boolean, isWhole: boolean): Markup {
  const text = ((isWhole ? whole : undefined) ?? [brief]).map((one) => cut(one, longestText)).join("\n");
  return folded(
    html`${icon("failed")}<span class="name">${inline(name)}</span><span class="about">${code(place)} ${about.join(" · ")}</span>`,
    preformatted(text, "Message and stack"),
    open,
  );
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
  if ("latency" in content) return latencyBar(content);
  if (!("line" in content)) return inline(content);
  const below = content.below.filter((piece) => piece !== undefined && piece !== "");
  return html`<div class="lines">${line(content.line)}${below.map((piece) => html`<p class="message">${inline(piece)}</p>`)}</div>`;
}

function line(pieces: Line): Content {
  return pieces.map(inline);
}

function inline(piece: Inline | undefined): Content {
  if (piece === undefined || typeof piece === "string") return piece;
  if ("code" in piece) return code(piece.code);
  if ("verdict" in piece) return pill(piece.verdict);
  return html`<b class="${piece.tone ?? ""}">${piece.strong}</b>`;
}

/** Each verdict has its own shape, so it is readable without colour. The word is always shown beside it. */
const shapes: Record<Verdict, string> = {
  passed: `<circle cx="8" cy="8" r="7"/><path d="m4.8 8.3 2.2 2.2 4.3-4.6"/>`,
  degraded: `<path d="M8 1.4 15.2 14H.8Z"/><path d="M8 6v3.6M8 11.6v.1"/>`,
  failed: `<circle cx="8" cy="8" r="7"/><path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2"/>`,
  error: `<path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1Z"/><path d="M6.2 6.3a1.9 1.9 0 1 1 2.6 1.8c-.5.2-.8.5-.8 1.2M8 11.6v.1"/>`,
  skipped: `<circle cx="8" cy="8" r="7"/><path d="M5 8h6"/>`,
};

function icon(verdict: Verdict): Markup {
  return new Markup(`<svg class="icon ${verdict}" viewBox="0 0 16 16" aria-hidden="true">${shapes[verdict]}</svg>`);
}

function pill(verdict: Verdict): Markup {
  return html`<span class="pill ${verdict}">${icon(verdict)}${verdict}</span>`;
}

function latencyBar({ latency, longest }: Extract<Cell, { longest: number }>): Markup {
  const { count, p50, p95, max } = latency;
  const at = (value: number) => `${((Math.min(value, longest) / longest) * 99).toFixed(1)}%`;
  return html`<div class="latency"><svg class="bar" role="img" aria-label="P50, P95 and slowest of ${count} samples">
<rect class="slowest" width="${at(max)}" height="100%"/><rect class="p95" width="${at(p95)}" height="100%"/><rect class="p50" width="${at(p50)}" height="100%"/></svg><span>${latencyText(latency)}</span></div>`;
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
  let x = 0;
  const bars = shown.map(({ verdict }, index) => {
    const width = ((widths[index] ?? 0) * 100) / all;
    const bar = html`<rect class="${verdict}" x="${x.toFixed(2)}%" width="${width.toFixed(2)}%" height="100%"/>`;
    x += width;
    return bar;
  });
  return html`<svg class="bar" role="img" aria-label="${label}">${bars}</svg>`;
}

/** A share above the budget is drawn as a full bar. */
function budgetBar({ used, budget }: StageView["time"]): Markup {
  const share = budget > 0 ? Math.min(1, used / budget) : 1;
  return html`<svg class="bar budget" role="img" aria-label="Used share of the time budget"><rect width="${(share * 100).toFixed(1)}%" height="100%"/></svg>`;
}

function folded(summary: Content, content: Content, open = false): Markup {
  return html`<details${open ? html` open` : nothing}><summary>${summary}</summary><div class="folded">${content}</div></details>\n`;
}

function code(text: string | undefined): Markup {
  return text === undefined || text === "" ? nothing : html`<code>${text}</code>`;
}

function preformatted(text: string, label: string): Markup {
  // Keyboard users must be able to focus it to scroll.
  return html`<pre tabindex="0" role="region" aria-label="${label}">${text}</pre>`;
}

/** HTML written by us. Only this file creates it, so that untrusted text is never taken for markup. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Markup | string | number | undefined | readonly Content[];

/** A template for HTML: inserts markup unchanged and escapes everything else. Attributes need double quotes. */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return new Markup(strings.map((string, index) => string + render(contents[index])).join(""));
}

function render(content: Content): string {
  if (content === undefined) return "";
  if (content instanceof Markup) return content.text;
  if (typeof content === "string") return htmlText(content);
  if (typeof content === "number") return String(content);
  return content.map(render).join("");
}

export const nothing = new Markup("");
