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

/** Earlier times in an id are not taken as times. */
export const earliestInId = Date.UTC(2015, 0, 1);

/** Allows for differing clocks. */
export function latestInId(now: number): number {
  return now + 86_400_000;
}

/**
 * The time in a key of any application, as in `teacher_1763920000000_1a2b3c4d`: it must be a separate word. Of ten thousand
 * hashes, some contain thirteen digits between two letters that look like a time.
 */
export function timeInKey(key: string, now: number): number | undefined {
  for (const [word] of key.matchAll(/(?<![0-9A-Za-z])\d{13}(?![0-9A-Za-z])/g)) {
    const time = Number(word);
    if (time >= earliestInId && time <= latestInId(now)) return time;
  }
  return undefined;
}

/**
 * When test data was created, from the time in its id; `undefined` if there is none. A time is a thirteen-digit number, not part
 * of a longer one, that as Unix milliseconds lies between 2015 and tomorrow.
 */
export function timeInId(id: string, now: number): number | undefined {
  for (const match of id.matchAll(/(?<!\d)\d{13}(?!\d)/g)) {
    const time = Number(match[0]);
    if (time >= earliestInId && time <= latestInId(now)) return time;
  }
  return undefined;
}
