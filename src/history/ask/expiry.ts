import type { Expiry, HistoryCopy, HistoryRecord } from "../../model/history.ts";
import { byRun, compare, getOr } from "./executions.ts";

/** What ends at a known time, and how old copies are. */

export interface KnownExpiry extends Expiry {
  environment: string;
  /** When a run last said so. */
  seenAt: string;
  hasEnded: boolean;
}

/**
 * What the newest runs of each stage said. Runs that could not look at everything take nothing away.
 * @returns the soonest first
 */
export function expiriesOf(records: readonly HistoryRecord[], now: number): KnownExpiry[] {
  const stages = new Map<string, HistoryRecord[]>();
  for (const record of records)
    if (record.expires || record.copy) getOr(stages, `${record.environment.name} ${record.stage}`, () => []).push(record);
  const known = new Map<string, KnownExpiry>();
  for (const of of stages.values()) {
    for (const record of of.sort(byRun).reverse()) {
      for (const expiry of endsIn(record)) {
        const key = JSON.stringify([expiry.what, expiry.name, record.environment.name]);
        const before = known.get(key);
        if (before && before.seenAt >= record.finishedAt) continue;
        known.set(key, {
          ...expiry,
          environment: record.environment.name,
          seenAt: record.finishedAt,
          hasEnded: Date.parse(expiry.at) <= now,
        });
      }
      if (record.verdict !== "error") break;
    }
  }
  return [...known.values()].sort(
    (a, b) => compare(a.at, b.at) || compare(a.what, b.what) || compare(a.name, b.name) || compare(a.environment, b.environment),
  );
}

function endsIn({ expires = [], copy, environment }: HistoryRecord): readonly Expiry[] {
  if (copy?.keepUntil === undefined || copy.switched === false || expires.some(({ what }) => what === "copy")) return expires;
  return [...expires, { what: "copy", name: environment.name, at: copy.keepUntil }];
}

export interface KnownCopy {
  environment: string;
  /** The newest that is in use. */
  used?: HistoryCopy;
  /** A newer one that is not, as after a leak. */
  unused?: HistoryCopy;
  /** The newest comparison of its structure. */
  drift?: { at: string } & NonNullable<HistoryRecord["drift"]>;
}

/** @returns by name of the environment */
export function copiesOf(records: readonly HistoryRecord[]): KnownCopy[] {
  const known = new Map<string, KnownCopy>();
  for (const { copy, drift, environment, finishedAt } of [...records].sort(byRun)) {
    if (!copy && !drift) continue;
    const one = getOr(known, environment.name, (): KnownCopy => ({ environment: environment.name }));
    if (drift) one.drift = { at: finishedAt, ...drift };
    if (!copy) continue;
    if (copy.switched === false) one.unused = copy;
    else {
      one.used = copy;
      delete one.unused;
    }
  }
  return [...known.values()].sort((a, b) => compare(a.environment, b.environment));
}
