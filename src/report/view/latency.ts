import { count } from "../../lib/count.ts";
import type { Check, EarlierLatency } from "../../model/report.ts";
import { latencyText } from "../words.ts";
import type { DotRow, Dots } from "./chart-shapes.ts";
import type { Row } from "./shapes.ts";

/** With more, the slow ones can't be seen. */
const mostRows = 40;

/** The latencies of a stage's checks as dots, each row on a scale of its own; undefined if no check measured any. */
export function latencyChart(checks: readonly Check[]): Dots | undefined {
  const measured = checks.flatMap((check) =>
    check.latency && check.latency.count > 0 ? [{ ...check, latency: check.latency }] : [],
  );
  if (measured.length === 0) return undefined;
  const before = new Map(checks.flatMap(({ earlier }) => (earlier ? [[earlier.of, earlier] as const] : [])));
  const shown = measured.length <= mostRows ? measured : worstFirst(measured).slice(0, mostRows);
  const rest = measured.length - shown.length;
  const rows = shown.map(({ id, title, verdict, latency }): DotRow => {
    const { limit } = latency;
    const earlier = before.get(id);
    // A little room, so that the outermost mark is not cut.
    const end = Math.max(latency.max, limit ?? 0, earlier?.p95 ?? 0, Number.MIN_VALUE) * 1.06;
    return {
      label: title,
      verdict,
      text: latency.count === 1 ? `${milliseconds(latency.max)} ms, 1 sample` : latencyText(latency),
      marks: [
        ...(latency.count === 1 ? [] : (latency.samples ?? []).map((sample) => ({ what: "sample" as const, at: sample / end }))),
        ...(latency.count === 1
          ? []
          : [
              { what: "slowest" as const, at: latency.max / end },
              { what: "p95" as const, at: latency.p95 / end },
            ]),
        { what: "p50", at: latency.p50 / end },
      ],
      ...(limit === undefined ? {} : { limit: { at: limit / end, text: `limit ${milliseconds(limit)} ms` } }),
      ...(earlier ? { band: { from: earlier.p50 / end, to: earlier.p95 / end, text: earlierText(earlier) } } : {}),
    };
  });
  return {
    kind: "dots",
    title: "Latency",
    note: "Each row has its own scale, which begins at 0 ms. The small dots are the samples. The band reaches from P50 to P95 of earlier runs.",
    rows,
    ...(rest > 0 ? { rest: `${count(rest, "more check")}: see the table below.` } : {}),
    table: {
      kind: "table",
      title: "Latencies as a table",
      folded: true,
      columns: [
        { title: "Check" },
        ...["Samples", "P50 ms", "P95 ms", "Slowest ms", "Limit of P95 ms", "Earlier P50 ms", "Earlier P95 ms"].map((title) => ({
          title,
          numeric: true as const,
        })),
      ],
      rows: measured.map(({ id, title, latency }): Row => {
        const earlier = before.get(id);
        const numbers = [latency.p50, latency.p95, latency.max, latency.limit, earlier?.p50, earlier?.p95];
        const shown = numbers.map((value) => (value === undefined ? "" : milliseconds(value)));
        return { cells: [title, String(latency.count), ...shown] };
      }),
      loses: "check",
    },
  };
}

function worstFirst<One extends Pick<Check, "verdict">>(checks: readonly One[]): One[] {
  const hasPassed = ({ verdict }: One) => Number(verdict === "passed");
  return [...checks].sort((a, b) => hasPassed(a) - hasPassed(b));
}

function earlierText({ runs, p50, p95 }: EarlierLatency): string {
  return `in ${count(runs, "earlier run")} P50 ${milliseconds(p50)} ms, P95 ${milliseconds(p95)} ms`;
}

function milliseconds(value: number): string {
  return String(value < 10 ? Math.round(value * 10) / 10 : Math.round(value));
}
