import type { Verdict } from "../../model/report.ts";
import { type Content, html, Markup, nothing } from "./markup.ts";

/** The shapes that the page is made of. */

/** A shape of its own for each verdict, so that it shows without colour. The word always stands beside it. */
const shapes: Record<Verdict, string> = {
  passed: `<circle cx="8" cy="8" r="7"/><path d="m4.8 8.3 2.2 2.2 4.3-4.6"/>`,
  degraded: `<path d="M8 1.4 15.2 14H.8Z"/><path d="M8 6v3.6M8 11.6v.1"/>`,
  failed: `<circle cx="8" cy="8" r="7"/><path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2"/>`,
  error: `<path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1Z"/><path d="M6.2 6.3a1.9 1.9 0 1 1 2.6 1.8c-.5.2-.8.5-.8 1.2M8 11.6v.1"/>`,
  skipped: `<circle cx="8" cy="8" r="7"/><path d="M5 8h6"/>`,
};

export function icon(verdict: Verdict): Markup {
  return new Markup(`<svg class="icon ${verdict}" viewBox="0 0 16 16" aria-hidden="true">${shapes[verdict]}</svg>`);
}

export function pill(verdict: Verdict): Markup {
  return html`<span class="pill ${verdict}">${icon(verdict)}${verdict}</span>`;
}

export interface Column {
  title: string;
  numeric?: boolean;
}

/**
 * On a narrow screen each row becomes a card whose cells are labelled; the roles keep it a table for screen readers. Columns of
 * which every cell is empty are left out.
 */
export function dataTable(caption: string, columns: readonly Column[], rows: readonly (readonly Content[])[]): Markup {
  const used = columns
    .map((column, index) => ({ ...column, index }))
    .filter(({ index }) => rows.some((row) => !isEmpty(row[index])));
  const kind = (column: Column) => (column.numeric ? "numeric" : "");
  return html`<table role="table"><caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${used.map((column) => html`<th role="columnheader" scope="col" class="${kind(column)}">${column.title}</th>`)}</tr></thead>
<tbody role="rowgroup">${rows.map(
    (row) =>
      html`<tr role="row">${used.map((column) => html`<td role="cell" class="${kind(column)}${isEmpty(row[column.index]) ? " empty" : ""}" data-label="${column.title}">${row[column.index]}</td>`)}</tr>\n`,
  )}</tbody></table>`;
}

function isEmpty(content: Content): boolean {
  return content === undefined || content === "" || content === nothing;
}

/** Parts of a whole, side by side. A part that is there is never too thin to be seen. */
export function stackedBar(label: string, parts: readonly { kind: string; amount: number }[]): Markup {
  const shown = parts.filter(({ amount }) => amount > 0);
  const total = shown.reduce((sum, { amount }) => sum + Math.max(amount, 0), 0);
  const thinnest = total * 0.008;
  const widths = shown.map(({ amount }) => Math.max(amount, thinnest));
  const scale =
    100 /
    Math.max(
      1,
      widths.reduce((sum, width) => sum + width, 0),
    );
  let x = 0;
  const bars = shown.map(({ kind }, index) => {
    const width = (widths[index] ?? 0) * scale;
    const bar = html`<rect class="${kind}" x="${x.toFixed(2)}%" width="${width.toFixed(2)}%" height="100%"/>`;
    x += width;
    return bar;
  });
  return html`<svg class="bar" role="img" aria-label="${label}">${bars}</svg>`;
}

/** How much of the budget is used; more than all of it is a full bar. */
export function budgetBar(label: string, used: number, budget: number): Markup {
  const share = budget > 0 ? Math.min(1, used / budget) : 1;
  return html`<svg class="bar budget" role="img" aria-label="${label}"><rect width="${(share * 100).toFixed(1)}%" height="100%"/></svg>`;
}

export function folded(summary: Content, content: Content, open = false): Markup {
  return html`<details${open ? html` open` : nothing}><summary>${summary}</summary><div class="folded">${content}</div></details>\n`;
}

export function code(text: string | undefined): Markup {
  return text === undefined || text === "" ? nothing : html`<code>${text}</code>`;
}

export function preformatted(text: string, label: string): Markup {
  // Reachable by keyboard, because it may have to be scrolled.
  return html`<pre tabindex="0" role="region" aria-label="${label}">${text}</pre>`;
}

export function notes(kind: "bad" | "info", title: string, lines: readonly string[]): Markup {
  if (lines.length === 0) return nothing;
  return html`<div class="notes ${kind}"><h4>${title}</h4><ul>${lines.map((line) => html`<li>${line}</li>`)}</ul></div>`;
}
