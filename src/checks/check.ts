import { errorText } from "../lib/error-text.ts";
import type { Check, Latency, Verdict } from "../model/report.ts";
import { again } from "./retry.ts";

/** What a probe found out about one thing. */
export interface Finding {
  verdict: Verdict;
  observed?: string;
  expected?: string;
  message?: string;
  latency?: Latency;
  attempts?: number;
  independent?: true;
}

/**
 * Looks at one thing and says what was seen, with the time it took. A probe that throws could not look: that is an `error`,
 * never a `failed` and never a pass.
 * @param options `independent`: nothing else that is broken explains its failure
 */
export async function look(
  id: string,
  title: string,
  probe: () => Promise<Finding>,
  { independent }: Pick<Check, "independent"> = {},
): Promise<Check> {
  const started = performance.now();
  const finding = await again(id, () => attempt(probe));
  return {
    id,
    title,
    ...finding,
    ...(independent && finding.verdict === "failed" ? { independent } : {}),
    durationMs: Math.round(performance.now() - started),
  };
}

async function attempt(probe: () => Promise<Finding>): Promise<Finding> {
  try {
    return await probe();
  } catch (error) {
    return { verdict: "error", message: errorText(error) };
  }
}

export function skipped(id: string, title: string, reason: string): Check {
  return { id, title, verdict: "skipped", message: reason, durationMs: 0 };
}

/**
 * Percentiles by nearest rank: with ten samples the P95 is the slowest, which is the honest reading of ten samples.
 * @param byDesign the check takes so many samples and no more, whatever anybody configures
 * @throws RangeError for no samples: an unknown latency is not 0 ms.
 */
export function latencyOf(samples: readonly number[], byDesign = false): Latency {
  if (samples.length === 0) throw new RangeError("no latency was measured");
  const [p50, p95, max] = [0.5, 0.95, 1].map((share) => round(percentile(samples, share)));
  const latency = { count: samples.length, p50: p50 ?? 0, p95: p95 ?? 0, max: max ?? 0 };
  measured.set(latency, { samples, byDesign });
  return latency;
}

/** The samples themselves stay out of the report, which has room for their summary only; comparisons with other runs need them. */
const measured = new WeakMap<Latency, Measured>();

interface Measured {
  readonly samples: readonly number[];
  /** Nobody can ask for more of them. */
  readonly byDesign: boolean;
}

/** What a latency was made of; no samples for one that was not made here. */
export function measuredOf(latency: Latency): Measured {
  return measured.get(latency) ?? { samples: [], byDesign: false };
}

/** By nearest rank. @param share from 0 to 1 */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

export function milliseconds(value: number): string {
  return `${value < 10 ? Math.round(value * 10) / 10 : Math.round(value)} ms`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
