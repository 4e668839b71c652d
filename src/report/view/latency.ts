import type { Check } from "../../model/report.ts";
import { latencyText } from "../words.ts";
import type { DotRow, Dots } from "./chart-shapes.ts";
import type { Row } from "./shapes.ts";

/** The latencies of a stage's checks as dots, each row on a scale of its own; undefined if no check measured any. */
export function latencyChart(checks: readonly Check[]): Dots | undefined {
  const measured = checks.flatMap((check) =>
    check.latency && check.latency.count > 0 ? [{ ...check, latency: check.latency }] : [],
  );
  if (measured.length === 0) return undefined;
  const rows = measured.map(({ title, verdict, latency, expected }): DotRow => {
    const limit = limitOf(expected);
    // A little room, so that the outermost mark is not cut.
    const end = Math.max(latency.max, limit ?? 0, Number.MIN_VALUE) * 1.06;
    return {
      label: title,
      verdict,
      text: latency.count === 1 ? `${milliseconds(latency.max)} ms, 1 sample` : latencyText(latency),
      marks: [
        ...(latency.count === 1
          ? []
          : [
              { what: "slowest" as const, at: latency.max / end },
              { what: "p95" as const, at: latency.p95 / end },
            ]),
        { what: "p50", at: latency.p50 / end },
      ],
      ...(limit === undefined ? {} : { limit: { at: limit / end, text: `limit ${milliseconds(limit)} ms` } }),
    };
  });
  return {
    kind: "dots",
    title: "Latency",
    note: "Each row has its own scale, which begins at 0 ms. The report keeps P50, P95 and the slowest of the samples.",
    rows,
    table: {
      kind: "table",
      title: "Latencies as a table",
      folded: true,
      columns: [
        { title: "Check" },
        ...["Samples", "P50 ms", "P95 ms", "Slowest ms", "Limit of P95 ms"].map((title) => ({ title, numeric: true as const })),
      ],
      rows: measured.map(({ title, latency, expected }): Row => {
        const limit = limitOf(expected);
        const numbers = [latency.p50, latency.p95, latency.max].map(milliseconds);
        return { cells: [title, String(latency.count), ...numbers, limit === undefined ? "" : milliseconds(limit)] };
      }),
      loses: "check",
    },
  };
}

/**
 * The report has the limit only in the words of the check that set it. If they are any other words, no limit is drawn; nothing
 * else depends on it.
 */
export function limitOf(expected: string | undefined): number | undefined {
  const [, number] = /^P95 < (\d+(?:\.\d+)?) ms$/.exec(expected ?? "") ?? [];
  return number === undefined ? undefined : Number(number);
}

function milliseconds(value: number): string {
  return String(value < 10 ? Math.round(value * 10) / 10 : Math.round(value));
}
