import { gunzipSync, gzipSync } from "node:zlib";
import { errorText } from "../../lib/error-text.ts";
import type { HistoryRecord } from "../../model/history.ts";
import { readRecord } from "../record/schema.ts";
import type { FoundRecords } from "./store.ts";

/**
 * Monthly files: one record a line, oldest first, compressed. Samples are left out, but for the newest runs that later ones may be
 * compared with: where a stage seldom runs, they are all that there is.
 */

/** Of one month, unpacked: a bound for files that aren't ours. */
const mostBytes = 512 * 1024 * 1024;

/** Of each stage in each environment: as many as a baseline has by default. */
const runsWithSamples = 10;

export function writeMonth(records: readonly HistoryRecord[]): Buffer {
  const ordered = inOrder(records);
  const kept = newestBaselines(ordered);
  const lines = ordered.map((record) => JSON.stringify(kept.has(record) ? record : withoutSamples(record)));
  return gzipSync(lines.map((line) => `${line}\n`).join(""), { level: 9 });
}

export function readMonth(name: string, content: Uint8Array): FoundRecords {
  let text: string;
  try {
    text = gunzipSync(content, { maxOutputLength: mostBytes }).toString("utf8");
  } catch (error) {
    return { records: [], unreadable: [{ name, why: errorText(error) }] };
  }
  const found: FoundRecords = { records: [], unreadable: [] };
  for (const [index, line] of text.split("\n").entries()) {
    if (line === "") continue;
    addTo(found, `${name}, line ${index + 1}`, line);
  }
  return found;
}

/** Reads the text of one record, or notes why it is none. */
export function addTo(found: FoundRecords, name: string, text: string): void {
  try {
    found.records.push(readRecord(JSON.parse(text)));
  } catch (error) {
    found.unreadable.push({ name, why: error instanceof SyntaxError ? "it is not JSON" : errorText(error) });
  }
}

/** Oldest first, each execution once: it is in two places while records are joined. */
export function inOrder(records: readonly HistoryRecord[]): HistoryRecord[] {
  const once = new Map<string, HistoryRecord>();
  for (const record of records) {
    const key = `${record.runId} ${record.stage} ${record.environment.name}`;
    if (!once.has(key)) once.set(key, record);
  }
  return [...once.values()].sort(
    (a, b) => compare(a.runId, b.runId) || compare(a.stage, b.stage) || compare(a.environment.name, b.environment.name),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function newestBaselines(ordered: readonly HistoryRecord[]): ReadonlySet<HistoryRecord> {
  const counts = new Map<string, number>();
  const newest = ordered.toReversed().filter(({ checks, environment, stage, project = "" }) => {
    if (!checks.some(({ latency }) => latency?.isBaseline)) return false;
    const subject = [environment.name, stage, project].join(" ");
    const before = counts.get(subject) ?? 0;
    counts.set(subject, before + 1);
    return before < runsWithSamples;
  });
  return new Set(newest);
}

function withoutSamples(record: HistoryRecord): HistoryRecord {
  return {
    ...record,
    checks: record.checks.map(({ latency, ...check }) => {
      if (!latency) return check;
      const { samples: _, isBaseline: __, ...rest } = latency;
      return { ...check, latency: rest };
    }),
  };
}
