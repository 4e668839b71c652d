import { createHash } from "node:crypto";
import type { Sum } from "../../history/ask/data.ts";
import { compare } from "../../history/ask/executions.ts";
import type { EnvironmentHealth, HealthState } from "../../history/ask/health.ts";
import { amountText, numberText } from "../../lib/count.ts";
import { type Content, html, Markup, nothing, pill } from "../../report/html/markup.ts";
import { type Column, dataRow, dataTable } from "../../report/html/tables.ts";
import { moment } from "../view/times.ts";

/** Small parts that all sections draw with. */

export interface Section {
  id: string;
  title: string;
  /** In the navigation. */
  short: string;
  content: Markup;
}

export function card({ id, title, content }: Section): Markup {
  return html`<section class="card" id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${content}</section>\n`;
}

export function about(...text: readonly Content[]): Markup {
  return html`<p class="about">${text}</p>\n`;
}

/** In UTC, as all times. */
export function time(iso: string): Markup {
  return html`<time class="nowrap" datetime="${iso}">${moment(iso)}</time>`;
}

export interface DataTable {
  title: string;
  columns: readonly Column[];
  rows: readonly (readonly Content[])[];
  /** Above the table, where several stand below each other. */
  heading?: string;
  /** How many rows there are, if more than are drawn. */
  of?: number;
}

/** Wide ones scroll, also by keyboard. */
export function table({ title, columns, rows, heading, of = rows.length }: DataTable): Markup {
  const drawn = rows.map((cells) => dataRow(columns, cells.map(whole)));
  const rest = of > rows.length ? html`<p class="note">${numberText(rows.length)} of ${numberText(of)} are shown.</p>` : nothing;
  const above = heading === undefined ? nothing : html`<h3>${heading}</h3>`;
  return html`${above}<div class="region" tabindex="0" role="group" aria-label="${title}">${dataTable(title, columns, drawn)}</div>${rest}\n`;
}

/** In a card, a cell stands beside its label, so it must be one element. */
function whole(cell: Content): Content {
  return cell === undefined || typeof cell === "string" ? cell : html`<div>${cell}</div>`;
}

const clock = new Markup(
  `<svg class="icon stale" viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="7"/><path d="M8 4v4.3l2.7 1.6"/></svg>`,
);

export function stalePill(): Markup {
  return html`<span class="pill stale">${clock}stale</span>`;
}

/**
 * How something is now. What is good is only shown as such while it is new, by the clock of the reader.
 * @param at when it was last seen, or the first of several moments
 */
export function statePill(state: HealthState, at: string): Markup {
  if (state === "stale") return stalePill();
  if (state === "failed" || state === "error") return pill(state);
  return html`<span class="now" data-at="${Date.parse(at)}">${pill(state)}${stalePill()}</span>`;
}

/** A test, and where it is. */
export function testCell({ name, file, project }: { name: string; file?: string; project?: string }): Markup {
  const place = [file, project].filter((part) => part !== undefined && part !== name).join(" · ");
  return html`${name}${place === "" ? nothing : html`<div class="place">${place}</div>`}`;
}

/** A number, a range, or `unknown`, which is not 0. */
export function sumText(sum: Sum): string {
  return sum.runs === 0 ? "unknown" : amountText(sum);
}

export function placeText({
  environment,
  stage,
  job,
  cell,
}: {
  environment: string;
  stage: string;
  job?: string;
  cell?: string;
}): string {
  return [environment, stage, ...(job === undefined || job === stage ? [] : [job]), ...(cell === undefined ? [] : [cell])].join(
    " · ",
  );
}

/** Names are checked when a configuration is read, but not those of others' records. */
export function environmentId(name: string): string {
  return `environment-${/^[a-z][a-z0-9-]{0,62}$/.test(name) ? name : createHash("sha256").update(name).digest("hex").slice(0, 12)}`;
}

/** When the first of the newest executions ended. */
export function firstSeen(environments: readonly EnvironmentHealth[]): string {
  return environments.flatMap(({ stages }) => stages.map(({ last }) => last.finishedAt)).sort(compare)[0] ?? "";
}
