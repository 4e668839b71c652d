import { inspect } from "node:util";
import type { Check, Latency, Verdict } from "../model.ts";
import { again } from "./retry.ts";

/** What a probe found out about one thing. */
export interface Finding {
  verdict: Verdict;
  observed?: string;
  expected?: string;
  message?: string;
  latency?: Latency;
  attempts?: number;
}

/**
 * Looks at one thing and says what was seen, with the time it took. A probe that throws could not look: that is an `error`,
 * never a `failed` and never a pass.
 */
export async function look(id: string, title: string, probe: () => Promise<Finding>): Promise<Check> {
  const started = performance.now();
  const finding = await again(id, () => attempt(probe));
  return { id, title, ...finding, durationMs: Math.round(performance.now() - started) };
}

async function attempt(probe: () => Promise<Finding>): Promise<Finding> {
  try {
    return await probe();
  } catch (error) {
    return { verdict: "error", message: sentence(error) };
  }
}

export function skipped(id: string, title: string, reason: string): Check {
  return { id, title, verdict: "skipped", message: reason, durationMs: 0 };
}

export function sentence(error: unknown): string {
  // Anything may be thrown, also what cannot be made into text.
  if (!(error instanceof Error)) return typeof error === "string" && error !== "" ? error : `unknown error: ${inspect(error)}`;
  // fetch says only "fetch failed"; what failed stands in the cause.
  const cause = error.cause instanceof Error ? (error.cause as NodeJS.ErrnoException) : undefined;
  return cause && error.message === "fetch failed" ? cause.message || cause.code || cause.name : error.message || error.name;
}

/**
 * Percentiles by nearest rank: with ten samples the P95 is the slowest, which is the honest reading of ten samples.
 * @throws RangeError for no samples: an unknown latency is not 0 ms.
 */
export function latencyOf(samples: readonly number[]): Latency {
  if (samples.length === 0) throw new RangeError("no latency was measured");
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = (share: number) => round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
  return { count: sorted.length, p50: rank(0.5), p95: rank(0.95), max: round(sorted.at(-1) ?? 0) };
}

export function milliseconds(value: number): string {
  return `${value < 10 ? Math.round(value * 10) / 10 : Math.round(value)} ms`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
