import { type CheckComparison, compareEnvironments } from "../../compare/from-history.ts";
import type { EnvironmentHealth } from "../../history/ask/health.ts";
import type { HistoryRecord } from "../../model/history.ts";

/** Environments beside the one that people use. */

export interface Beside {
  /** The one that is judged, and the one that it is compared with. */
  environment: string;
  reference: string;
  checks: CheckComparison[];
}

/** Of them the worst. */
const mostEnvironments = 4;

/** The newest runs say how it is now, and of months all of them would be compared for nothing. */
const mostRecords = 2_000;

/**
 * Compares each environment with the one that is only read, which is production: `production` if there are several of them.
 * @param records oldest first
 */
export function besideReference(records: readonly HistoryRecord[], environments: readonly EnvironmentHealth[]): Beside[] {
  const readOnly = environments.filter(({ access }) => access === "read-only").map(({ name }) => name);
  const reference = readOnly.find((name) => name === "production") ?? readOnly.sort()[0];
  if (reference === undefined) return [];
  const newest = records.slice(-mostRecords).map(withoutSamples);
  return environments
    .map(({ name }) => name)
    .filter((name) => name !== reference)
    .slice(0, mostEnvironments)
    .sort()
    .map((environment) => ({ environment, reference, checks: compareEnvironments(newest, environment, reference) }))
    .filter(({ checks }) => checks.length > 0);
}

/** Older records have none, and the page must not depend on when records are joined: each run counts with its median. */
function withoutSamples(record: HistoryRecord): HistoryRecord {
  return {
    ...record,
    checks: record.checks.map(({ latency, ...check }) => {
      if (!latency) return check;
      const { samples: _, ...rest } = latency;
      return { ...check, latency: rest };
    }),
  };
}
