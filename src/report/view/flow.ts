import { amountText, count, numberText } from "../../lib/count.ts";
import type { Books, CleanupResult } from "../../model/test-data.ts";
import { deletedKeys, known } from "../words.ts";
import type { Flow, FlowRow } from "./chart-shapes.ts";

/** More rows would be a table, not a picture. */
const mostRows = 24;

/** Test data from its creation to what is left; undefined if there was none. */
export function testDataChart(cleanup: CleanupResult, books: Books | undefined): Flow | undefined {
  const { tables, keys, dryRun } = cleanup;
  const all = [...tables].sort((a, b) => b.planned - a.planned || a.table.localeCompare(b.table, "en"));
  const shown = all.filter(({ planned }) => planned > 0);
  if (shown.length === 0 && keys.planned === 0) return undefined;
  const largest = Math.max(1, ...shown.map(({ planned, left = 0 }) => Math.max(planned, left)));
  const rows = shown
    .slice(0, mostRows)
    .map(({ table, ...done }) => flowRow(table, done, largest, dryRun, (number) => count(number, "row")));
  const keyRow = keys.planned > 0 ? [flowRow("Redis keys", keys, keys.planned, dryRun, (number) => count(number, "key"))] : [];
  const rest = shown.length - rows.length;
  return {
    kind: "flow",
    title: dryRun ? "What would be deleted" : "What became of the test data",
    steps: steps(cleanup, books),
    rows: [...rows, ...keyRow],
    ...(rest > 0 ? { rest: `${count(rest, "more table")}: see the table below.` } : {}),
  };
}

function steps(cleanup: CleanupResult, books: Books | undefined): Flow["steps"] {
  const { plannedRows, deletedRows, keys, dryRun, leftOver } = cleanup;
  const planned = {
    label: dryRun ? "To delete" : "Found",
    amount: `${count(plannedRows, "row")}, ${count(keys.planned, "key")}`,
  };
  const created = books && books.tablesRead > 0 ? [{ label: "Created", amount: `${amountText(books.made)} rows` }] : [];
  if (dryRun) return [...created, planned];
  return [
    ...created,
    planned,
    { label: "Deleted", amount: `${count(deletedRows, "row")}, ${deletedKeys(cleanup)}` },
    { label: "Left", amount: known(leftOver), tone: leftOver === 0 ? ("good" as const) : ("bad" as const) },
  ];
}

function flowRow(
  label: string,
  done: { planned: number; deleted?: number; left?: number },
  largest: number,
  dryRun: boolean,
  amount: (number: number) => string,
): FlowRow {
  const { planned, deleted, left } = done;
  if (dryRun) return { label, parts: [{ what: "planned", share: planned / largest }], text: amount(planned) };
  const open = planned - (deleted ?? 0) - (left ?? 0);
  const parts = [
    { what: "deleted" as const, share: (deleted ?? 0) / largest },
    { what: "left" as const, share: (left ?? 0) / largest },
    // Neither known to be deleted nor known to be left.
    { what: "unknown" as const, share: Math.max(0, open) / largest },
  ].filter(({ share }) => share > 0);
  const of = deleted === planned ? numberText(planned) : `${known(deleted)} of ${numberText(planned)}`;
  return { label, parts, text: `${of} deleted, ${known(left)} left` };
}
