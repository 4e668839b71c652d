import { randomBytes } from "node:crypto";

/**
 * A run's id, `<ms>_<8 hex>`: the time tells the age of everything that carries it, the random part keeps two runs apart. The
 * shape is ClassWaves' own, so that ids made by the suite and by their tests read alike.
 */
export function newRunId(now: number = Date.now()): string {
  return `${now}_${randomBytes(4).toString("hex")}`;
}

const runIdPattern = /^\d{13}_[0-9a-f]{8}$/;

export function isRunId(text: string): boolean {
  return runIdPattern.test(text);
}

/** Clocks differ a little; a run does not begin in the future. */
const futureToleranceMs = 5 * 60_000;

/**
 * Why a run that somebody names cannot be one that is under way: everything that is younger than a run may be taken for what it made, so a
 * time of long ago would make production rows its own.
 * @param maxAgeMs of a run, `evidence.maxAge`
 */
export function whyNotCurrentRun(
  runId: string,
  { now, maxAgeMs }: { now: number; maxAgeMs: number },
  limit = "evidence.maxAge allows",
): string | undefined {
  if (!isRunId(runId)) return `"${runId}" is no run id: expected <milliseconds>_<8 hexadecimal digits>, such as ${newRunId(now)}`;
  const began = Number(runId.split("_")[0]);
  if (began > now + futureToleranceMs) return `run ${runId} would begin in the future, at ${isoOf(began)}`;
  if (began < now - maxAgeMs) return `run ${runId} began at ${isoOf(began)}, longer ago than ${limit}`;
  return undefined;
}

/** Any number of 13 digits; not all are dates that can be written. */
function isoOf(time: number): string {
  return new Date(time).toISOString();
}

/** What the ids of one run's test data begin with: `integration_test_1763920000000_1a2b3c4d`. */
export function runPrefix(prefix: string, runId: string): string {
  return `${prefix}${runId}`;
}

/** The earliest time that an id is believed to hold. */
export const earliestInId = Date.UTC(2015, 0, 1);

/** Clocks differ. */
export function latestInId(now: number): number {
  return now + 86_400_000;
}

/**
 * The time in a key that any application may have made, as in `teacher_1763920000000_1a2b3c4d`: it stands there as a word of its own. Of
 * ten thousand hashes, some have thirteen digits between two letters that would pass for a time.
 */
export function timeInKey(key: string, now: number): number | undefined {
  for (const [word] of key.matchAll(/(?<![0-9A-Za-z])\d{13}(?![0-9A-Za-z])/g)) {
    const time = Number(word);
    if (time >= earliestInId && time <= latestInId(now)) return time;
  }
  return undefined;
}

/**
 * When a piece of test data was made, from the time inside its id; `undefined` where there is none. Thirteen digits that are not
 * part of a longer number and lie between 2015 and tomorrow are a time in Unix milliseconds.
 */
export function timeInId(id: string, now: number): number | undefined {
  for (const match of id.matchAll(/(?<!\d)\d{13}(?!\d)/g)) {
    const time = Number(match[0]);
    if (time >= earliestInId && time <= latestInId(now)) return time;
  }
  return undefined;
}
