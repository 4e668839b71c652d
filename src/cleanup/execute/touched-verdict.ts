import { count } from "../../lib/count.ts";
import type { Check, StageName } from "../../model/report.ts";
import type { CleanupResult, TouchedRow } from "../../model/test-data.ts";

/** The most rows that a sentence names; the report lists all. */
const mostNamed = 3;

type Judgement = Pick<Check, "verdict" | "observed" | "expected" | "message">;

/** A real row that a test changed fails the check, whatever its verdict was: production data was modified. */
export function withTouchedRows<Judged extends Judgement>(
  judged: Judged,
  { touched = [], touchedMore = 0 }: CleanupResult,
  stage: StageName,
): Judged {
  if (touched.length === 0) return judged;
  const rows = touched.length + touchedMore;
  const changed = `${count(rows, "real row")} changed by tests`;
  const message = [touchedSentence(touched, touchedMore, stage), judged.message].filter(Boolean).join(" ");
  return {
    ...judged,
    verdict: "failed",
    observed: judged.observed === undefined ? changed : `${judged.observed}; ${changed}`,
    expected: judged.expected === undefined ? "0 real rows changed" : `${judged.expected}; 0 real rows changed`,
    message,
  };
}

function touchedSentence(touched: readonly TouchedRow[], more: number, stage: StageName): string {
  // Rows that can be repaired come first.
  const ordered = [...touched].sort((a, b) => Number(a.before === undefined) - Number(b.before === undefined));
  const named = ordered.slice(0, mostNamed).map(touchedWords);
  const rest = ordered.length - named.length + more;
  const others = rest > 0 ? ` ${count(rest, "more cell")} of real rows ${rest === 1 ? "was" : "were"} changed.` : "";
  const known = touched.filter(({ before }) => before !== undefined).length;
  const todo =
    known === 0
      ? "The old values are unknown: restore them by hand."
      : `\`env-actions repair .env-actions/reports/${stage}.json\` shows how to restore ${known === touched.length + more ? (known === 1 ? "the old value" : "the old values") : `${known} of the old values`}.`;
  return `Tests changed real rows. ${named.join(" ")}${others} ${todo}`;
}

function touchedWords(row: TouchedRow): string {
  const { table, key, column, version, why } = row;
  const shown = (value: string) => (row.masked?.includes("values") ? "(masked)" : value);
  const name = row.masked?.includes("key") ? "(masked)" : key.value;
  const before =
    row.before === undefined
      ? `the old value is unknown, because ${why ?? "it was not read"}`
      : `before: ${row.before === null ? "NULL" : shown(row.before)}, version ${version ?? "unknown"}`;
  return `${table}, row ${name}: a test changed ${column} to ${shown(row.now)} (${before}).`;
}
