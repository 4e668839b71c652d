import { count } from "../../lib/count.ts";
import type { CleanupResult, TableCleanup } from "../../model/test-data.ts";
import { deletedKeys, keyTtl, known, statementText, touchedRest, touchedTitle, touchedWords } from "../words.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { code, dataTable, folded, notes, preformatted } from "./parts.ts";

export function testDataPart(cleanup: CleanupResult | undefined): Markup {
  if (!cleanup) return nothing;
  return html`<h3>Test data</h3>
${summary(cleanup)}
${notes("bad", "What stands in the way", cleanup.problems)}
${changed(cleanup)}
${places(cleanup)}
${lives(cleanup)}
${notes("info", "Worth knowing", cleanup.notes)}
${statements(cleanup.tables)}
<p class="digest">Plan ${code(cleanup.digest)}</p>`;
}

function summary(cleanup: CleanupResult): Markup {
  const planned = `${count(cleanup.plannedRows, "row")} and ${count(cleanup.keys.planned, "key")}`;
  if (cleanup.dryRun) return html`<p>Dry run, scope <b>${cleanup.scope}</b>: ${planned} would be deleted; nothing was.</p>`;
  const left = cleanup.leftOver === null ? "whether anything is left could not be told" : `${known(cleanup.leftOver)} left`;
  return html`<p>Scope <b>${cleanup.scope}</b>: ${planned} planned, ${count(cleanup.deletedRows, "row")} and ${deletedKeys(cleanup)} deleted, <b class="${cleanup.leftOver === 0 ? "good" : "bad"}">${left}</b>.</p>`;
}

function changed(cleanup: CleanupResult): Markup {
  const { touched = [] } = cleanup;
  if (touched.length === 0) return nothing;
  const columns = [{ title: "Column" }, { title: "Row" }, { title: "Now, by a test" }, { title: "Before" }];
  const rows = touched.map((one) => {
    const { place, row, now, before } = touchedWords(one);
    return [code(place), code(row), code(now), code(before)];
  });
  const rest = touchedRest(cleanup, touched.length);
  return html`<p class="message bad">${touchedTitle}</p>${dataTable(touchedTitle, columns, rows)}${rest === "" ? nothing : html`<p>${rest}.</p>`}`;
}

function places({ tables, keys, dryRun }: CleanupResult): Markup {
  if (tables.length === 0 && keys.planned === 0 && keys.problem === undefined) return nothing;
  const row = (name: Markup | string, done: Pick<TableCleanup, "planned" | "deleted" | "left" | "samples" | "problem">) => [
    html`${name}${done.problem === undefined ? nothing : html`<p class="message bad">${done.problem}</p>`}`,
    known(done.planned),
    dryRun ? nothing : known(done.deleted),
    dryRun ? nothing : known(done.left),
    html`<ul class="samples">${done.samples.map((sample) => html`<li>${code(sample)}</li>`)}</ul>`,
  ];
  const columns = [
    { title: "Where" },
    { title: "Planned", numeric: true },
    { title: "Deleted", numeric: true },
    { title: "Left", numeric: true },
    { title: "Samples" },
  ];
  const rows = [...tables.map((table) => row(code(table.table), table)), row("Redis keys", keys)];
  return dataTable("Test data by table", columns, rows);
}

function lives({ keys }: CleanupResult): Markup {
  const life = keyTtl(keys);
  if (life === undefined) return nothing;
  return html`<p>Redis: ${life}</p><ul class="samples">${(keys.ttl?.samples ?? []).map((sample) => html`<li>${code(sample)}</li>`)}</ul>`;
}

function statements(tables: readonly TableCleanup[]): Markup {
  if (tables.length === 0) return nothing;
  return folded("Statements and versions, for undo", preformatted(tables.map(statementText).join("\n\n"), "Statements"));
}
