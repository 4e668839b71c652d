import { type Content, html, type Markup } from "./markup.ts";

/** Tables of every page. On a narrow screen, each row becomes a card with labelled cells. */

export interface Column {
  title: string;
  numeric?: boolean;
}

/** Roles keep it a table for screen readers, whatever it looks like. */
export function dataTable(title: string, columns: readonly Column[], rows: readonly Markup[]): Markup {
  return html`<table role="table"><caption>${title}</caption>
<thead role="rowgroup"><tr role="row">${columns.map(({ title, numeric }) => html`<th role="columnheader" scope="col" class="${kindOf(numeric)}">${title}</th>`)}</tr></thead>
<tbody role="rowgroup">${rows}</tbody></table>`;
}

/** @param cells one for each column; undefined for an empty one, which cards leave out */
export function dataRow(columns: readonly Column[], cells: readonly Content[]): Markup {
  return html`<tr role="row">${columns.map(({ title, numeric }, at) => html`<td role="cell" class="${kindOf(numeric)}${cells[at] === undefined ? " empty" : ""}" data-label="${title}">${cells[at]}</td>`)}</tr>\n`;
}

function kindOf(numeric: boolean | undefined): string {
  return numeric ? "numeric" : "";
}
