import { count } from "../../lib/count.ts";
import type { HistoryRecord } from "../../model/history.ts";

/** A record of an ordinary run has 3 to 20 kB. More than this doesn't help anybody, and a history has thousands of them. */
export const mostRecordBytes = 64 * 1024;

/** A list of a record that may be cut, as it is in the record. */
interface Part {
  /** For the reader: `12 more checks`. */
  what: [one: string, many: string];
  of(record: HistoryRecord): readonly unknown[];
  /** The same record with only as many of the list. */
  keeping(record: HistoryRecord, most: number): HistoryRecord;
}

const parts: readonly Part[] = [
  {
    // Of each check some, so that later runs can still compare all of them.
    what: ["sample", "samples"],
    of: ({ checks }) => checks.flatMap(({ latency }) => latency?.samples ?? []),
    keeping(record, most) {
      const all = record.checks.reduce((sum, { latency }) => sum + (latency?.samples?.length ?? 0), 0);
      const checks = record.checks.map((check) => {
        if (!check.latency?.samples) return check;
        const { samples, isBaseline, ...latency } = check.latency;
        const kept = samples.slice(0, Math.floor((samples.length * most) / all));
        if (kept.length === 0) return { ...check, latency };
        return { ...check, latency: { ...latency, samples: kept, ...(isBaseline ? { isBaseline } : {}) } };
      });
      return { ...record, checks };
    },
  },
  {
    what: ["check", "checks"],
    of: ({ checks }) => checks,
    keeping: (record, most) => ({ ...record, checks: first(record.checks, most, ({ verdict }) => verdict !== "passed") }),
  },
  {
    what: ["failed test", "failed tests"],
    of: ({ tests }) => tests?.failures ?? [],
    keeping: (record, most) => ofTests(record, (tests) => ({ failures: tests.failures.slice(0, most) })),
  },
  {
    what: ["flaky test", "flaky tests"],
    of: ({ tests }) => tests?.flakyTests ?? [],
    keeping: (record, most) => ofTests(record, (tests) => ({ flakyTests: tests.flakyTests.slice(0, most) })),
  },
  {
    what: ["slow test", "slow tests"],
    of: ({ tests }) => tests?.slowest ?? [],
    keeping: (record, most) => ofTests(record, (tests) => ({ slowest: tests.slowest.slice(0, most) })),
  },
  {
    what: ["table", "tables"],
    of: ({ data }) => data?.tables ?? [],
    keeping({ data, ...record }, most) {
      if (!data) return record;
      const isBad = ({ left, unexplained }: (typeof data.tables)[number]) => left !== 0 || unexplained?.most !== 0;
      return { ...record, data: { ...data, tables: first(data.tables, most, isBad) } };
    },
  },
  {
    what: ["server", "servers"],
    of: ({ servers }) => servers ?? [],
    keeping: (record, most) => ({ ...record, servers: record.servers?.slice(0, most) ?? [] }),
  },
  {
    what: ["thing that ends", "things that end"],
    of: ({ expires }) => expires ?? [],
    keeping: (record, most) => ({ ...record, expires: record.expires?.slice(0, most) ?? [] }),
  },
  {
    what: ["cause of alerts", "causes of alerts"],
    of: ({ alerts }) => Object.values(alerts ?? {}).flatMap(({ sent }) => Object.entries(sent)),
    keeping(record, most) {
      let kept = 0;
      const cut = Object.entries(record.alerts ?? {}).map(([channel, alert]) => {
        const newest = Object.entries(alert.sent).sort(([, a], [, b]) => (a < b ? 1 : a > b ? -1 : 0));
        return [channel, { ...alert, sent: Object.fromEntries(newest.filter(() => kept++ < most)) }];
      });
      return { ...record, alerts: Object.fromEntries(cut) };
    },
  },
];

/** Halves the largest list until the record is small, and says how much was cut. */
export function bounded(record: HistoryRecord, most = mostRecordBytes): HistoryRecord {
  const before = parts.map((part) => part.of(record).length);
  let cut = record;
  while (bytesOf(withMore(cut)) > most) {
    const [largest, bytes] = parts
      .map((part) => [part, bytesOf(part.of(cut))] as const)
      .reduce((most, one) => (one[1] > most[1] ? one : most));
    // Its other members are short.
    if (bytes <= 2) break;
    cut = largest.keeping(cut, Math.floor(largest.of(cut).length / 2));
  }
  return cut === record ? record : withMore(cut);

  function withMore(smaller: HistoryRecord): HistoryRecord {
    const left = parts.flatMap((part, index) => {
      const less = (before[index] ?? 0) - part.of(smaller).length;
      return less > 0 ? [`${count(less, `more ${part.what[0]}`, `more ${part.what[1]}`)}, to keep the record small`] : [];
    });
    return left.length > 0 ? { ...smaller, more: [...(record.more ?? []), ...left] } : smaller;
  }
}

/** Keeps the order, and rather those that matter. */
function first<Value>(values: readonly Value[], most: number, matters: (value: Value) => boolean): Value[] {
  const kept = new Set([...values.filter(matters), ...values.filter((value) => !matters(value))].slice(0, most));
  return values.filter((value) => kept.has(value));
}

function ofTests(
  { tests, ...record }: HistoryRecord,
  change: (tests: NonNullable<HistoryRecord["tests"]>) => Partial<NonNullable<HistoryRecord["tests"]>>,
): HistoryRecord {
  return tests ? { ...record, tests: { ...tests, ...change(tests) } } : record;
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
