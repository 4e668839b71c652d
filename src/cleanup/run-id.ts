import { randomBytes } from "node:crypto";

/**
 * Creates a run id, `<ms>_<8 hex>`: the time dates everything that carries the id, the random part separates runs. ClassWaves'
 * tests use the same form, so ids from the suite and from the tests read alike.
 */
export function newRunId(now: number = Date.now()): string {
  return `${now}_${randomBytes(4).toString("hex")}`;
}

const runIdPattern = /^\d{13}_[0-9a-f]{8}$/;

export function isRunId(text: string): boolean {
  return runIdPattern.test(text);
}

/** Clocks differ a little, but no run starts in the future. */
const futureToleranceMs = 5 * 60_000;

/**
 * Why a named run cannot be a current one. Everything newer than a run may count as created by it, so an old timestamp would
 * claim production rows.
 * @param maxAgeMs of a run, `evidence.maxAge`
 */
export function whyNotCurrentRun(
  runId: string,
  { now, maxAgeMs }: { now: number; maxAgeMs: number },
  limit = "evidence.maxAge allows",
): string | undefined {
  if (!isRunId(runId)) return `expected a run id <milliseconds>_<8 hexadecimal digits>, such as ${newRunId(now)}, got "${runId}"`;
  const began = Number(runId.split("_")[0]);
  if (began > now + futureToleranceMs) return `run ${runId} starts in the future, at ${isoOf(began)}`;
  if (began < now - maxAgeMs) return `run ${runId} started at ${isoOf(began)}, longer ago than ${limit}`;
  return undefined;
}

/** For any 13-digit number; not all are valid dates. */
function isoOf(time: number): string {
  return new Date(time).toISOString();
}

/** The prefix of one run's test data: `integration_test_1763920000000_1a2b3c4d`. */
export function runPrefix(prefix: string, runId: string): string {
  return `${prefix}${runId}`;
}
