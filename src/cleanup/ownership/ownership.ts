import type { ParentKind } from "../../config/test-data-schema.ts";
import type { Scope } from "../plan/table-plans.ts";
import { type Age, exactAge, type Relation, relate, startOfRun } from "./age.ts";

/**
 * The one rule for whose a row is, for every scope; docs/ownership.md explains it.
 *
 * A row is test data if (a) it identifies itself, by its own id, title, name or address; or (b) the ledger names it and it was
 * provably created after the run began; or (c) it depends on a row that is test data and is not older than that row. Pointing at
 * a test row alone proves nothing. A row that is not known to be test data is kept.
 */

/** A row of test data that the judged row points at. */
export interface Owner {
  kind: ParentKind;
  /** The time from which dependent rows can be test data: the start of its run, or its creation, if known. */
  reference: Age | undefined;
  /** It has no row and no time, so nothing shows whether its dependents are old enough for scope `expired`. */
  undated?: boolean;
}

/** What is known about one row. */
export interface Facts {
  scope: Scope;
  /** `testData.keep` names it. */
  fixed: boolean;
  /**
   * It identifies itself as test data of this scope: by its key or another column. `times` are the times in those values;
   * `ofRun`: they are from run ids.
   */
  shown: { byKey: boolean; times: readonly number[]; ofRun?: boolean } | undefined;
  /** Scope `run`: it identifies itself as test data of another run. */
  ofAnotherRun: boolean;
  /** Named by the ledger. */
  named: boolean;
  owners: readonly Owner[];
  /** From its time column. */
  age: Age | undefined;
  /** The time in its own key. */
  timeInKey: number | undefined;
  /**
   * Whether the table had the row's key before a moment, from its history. In scope `run` the start of the stage, if known, is
   * used for any moment. `unasked` if not asked yet, `undefined` if the history doesn't say.
   */
  wasThere: (moment: number) => boolean | "unasked" | undefined;
  /**
   * Whether the table's version at this moment, where its tests began, is known. Then the history is asked even if times seem to
   * decide.
   */
  isExact: (moment: number) => boolean;
  /** When the run began, Unix milliseconds. */
  runStarted: number;
  /** Scope `expired`: created at this moment or before, Unix milliseconds. */
  olderThan: number;
}

/**
 * - `test-data`: deleted.
 * - `foreign`: nothing marks it as test data.
 * - `fixed`: listed in `testData.keep`.
 * - `another-run`: test data of another run, in scope `run`.
 * - `too-recent`: test data, but too recent for scope `expired`.
 * - `renamed`: a real row whose title or name a test changed: it is older than the run in its new name.
 * - `moved`: a real row that a test pointed at test data: it is older than that data.
 * - `wrongly-named`: the ledger names it, but it is older than the run.
 * - `unknown`: may be test data, but its age is unknown.
 */
export type Standing =
  | "test-data"
  | "foreign"
  | "fixed"
  | "another-run"
  | "too-recent"
  | "renamed"
  | "moved"
  | "wrongly-named"
  | "unknown";

export interface Judgement {
  standing: Standing;
  /** For rows that depend on this one, if it is test data. */
  reference?: Age | undefined;
  /** Indexes in `owners`: those that made it test data; for a moved row, those that it was moved to. */
  because: number[];
  /** Moments at which the table's history must still be asked about this row. Until then the judgement is not final. */
  asks: number[];
}

/** Applies the rule above: whether a row is test data, and which of its owners made it so. A pure function of the facts. */
export function judgeRow(facts: Facts): Judgement {
  const { scope, shown, named, owners } = facts;
  const run = startOfRun(facts.runStarted);
  if (facts.fixed) return { standing: "fixed", because: [], asks: [] };
  if (shown) return judgeShown(facts, shown);
  if (facts.ofAnotherRun) return { standing: "another-run", because: [], asks: [] };
  if (!named && owners.length === 0) return { standing: "foreign", because: [], asks: [] };

  const claims = owners.map(({ kind, reference }): Claim => {
    const related = relation(facts, reference, kind === "belongs-to");
    return { ...related, accepts: related.relation === "not-older" || (related.relation === "unknown" && kind === "part-of") };
  });
  const toRun = named ? relation(facts, run, true) : undefined;
  const byLedger: Claim[] = toRun ? [{ ...toRun, accepts: toRun.relation === "not-older" }] : [];
  const accepting = [...owners.keys()].filter((index) => claims[index]?.accepts);
  const accepted = [...claims, ...byLedger].filter(({ accepts }) => accepts);
  // One claim without open questions is enough.
  const isSettled = accepted.some((claim) => claim.asks.length === 0);
  const open = isSettled ? [] : accepted.length > 0 ? accepted : [...claims, ...byLedger];
  const asks = [...new Set(open.flatMap((claim) => claim.asks))];
  if (accepted.length > 0) {
    const undated = accepting.every((index) => owners[index]?.undated);
    const due = scope === "expired" ? dueWithOwner(facts, undated) : "test-data";
    if (due !== "test-data") return { standing: due, because: accepting, asks };
    const references = accepting.flatMap((index) => owners[index]?.reference ?? []);
    const reference = references.length > 0 ? latestOf(references) : facts.age;
    return { standing: "test-data", because: accepting, reference: scope === "run" ? run : reference, asks };
  }
  const older = [...owners.keys()].filter((index) => claims[index]?.relation === "older");
  if (older.length > 0) return { standing: "moved", because: older, asks };
  return { standing: toRun?.relation === "older" ? "wrongly-named" : "unknown", because: [...owners.keys()], asks };
}

/** A reason why a row may be test data: the ledger, or a row that it depends on. */
interface Claim {
  relation: Relation;
  accepts: boolean;
  asks: number[];
}

function judgeShown(facts: Facts, { byKey, times, ofRun }: NonNullable<Facts["shown"]>): Judgement {
  const { scope, owners } = facts;
  const time = times.length > 0 ? Math.min(...times) : undefined;
  const run = startOfRun(facts.runStarted);
  // If the moment when the tests began is known, rows without a time are compared with that.
  const since = time !== undefined ? exactAge(time) : scope === "run" && facts.isExact(run.earliest) ? run : undefined;
  const { relation: age, asks } =
    byKey || since === undefined ? { relation: "unknown", asks: [] } : relation(facts, since, false);
  if (age === "older") return { standing: "renamed", because: [], asks };
  const dated = time ?? facts.timeInKey;
  const own = dated === undefined ? facts.age : ofRun ? startOfRun(dated) : exactAge(dated);
  const reference = scope === "run" ? run : own;
  if (scope !== "expired") return { standing: "test-data", because: [], reference, asks };
  const due = dueOf(facts, times);
  // The owner is known; the row that it depends on may show that it is old enough.
  const telling = [...owners.keys()].filter((index) => !owners[index]?.undated);
  return due === "unknown" && telling.length > 0
    ? { standing: "test-data", because: telling, reference, asks }
    : { standing: due, because: [], reference, asks };
}

/** A less exact time is not enough to refute a claim. */
const nearlyExactMs = 10 * 60_000;

/**
 * Whether the row is older than a reference, and what can still be asked. A time that says older always wins, because a row that
 * was deleted and restored has a new history. A row that existed but looks new by its time is unknown: somebody else may have
 * created it just before the tests.
 * @param mustBeProven asks the history always; otherwise only if the times say little, or asking is cheap
 */
function relation(facts: Facts, reference: Age | undefined, mustBeProven: boolean): { relation: Relation; asks: number[] } {
  const inKey = facts.timeInKey === undefined ? undefined : exactAge(facts.timeInKey);
  const times = [facts.age, inKey].filter((age) => age !== undefined);
  const relations = times.map((age) => relate(age, reference));
  if (relations.includes("older")) return { relation: "older", asks: [] };
  const byTime = relations.includes("not-older") ? "not-older" : "unknown";
  if (reference === undefined) return { relation: byTime, asks: [] };
  const moments = [...new Set([reference.earliest, reference.latest])];
  const [before, after] = [facts.wasThere(reference.earliest), facts.wasThere(reference.latest)];
  const isExact = facts.isExact(reference.earliest);
  // If the moment when the tests began is known, times don't count against it: tests and applications can write any time into a
  // row.
  if (before === true) return { relation: byTime === "not-older" && !isExact ? "unknown" : "older", asks: [] };
  if (after === false) return { relation: "not-older", asks: [] };
  const isNear = times.some(({ earliest, latest }) => latest - earliest <= nearlyExactMs);
  // Rows created close together have close times, and the clocks of application and warehouse can differ by more than that.
  const isWorthIt = isExact || (byTime === "unknown" && (mustBeProven || !isNear || reference.ofRun === true));
  const asks = isWorthIt ? moments.filter((moment) => facts.wasThere(moment) === "unasked") : [];
  return { relation: byTime, asks };
}

/** The latest of several runs or rows: what depends on all of them cannot be older than any. */
function latestOf(references: readonly Age[]): Age {
  return {
    earliest: Math.max(...references.map(({ earliest }) => earliest)),
    latest: Math.max(...references.map(({ latest }) => latest)),
    ...(references.every(({ ofRun }) => ofRun) ? { ofRun: true } : {}),
  };
}

/** For rows that identify themselves, in scope `expired`: only those that are certainly old enough are deleted. */
function dueOf(facts: Facts, timesShown: readonly number[]): "test-data" | "too-recent" | "unknown" {
  const times = [...timesShown, ...(facts.timeInKey === undefined ? [] : [facts.timeInKey])];
  if (times.length === 0 && facts.age === undefined) return "unknown";
  if (isTooRecent(facts) || times.some((time) => time > facts.olderThan)) return "too-recent";
  const { age } = facts;
  const inId = times.length > 0 ? Math.max(...times) : undefined;
  // An inexact time column doesn't contradict a time in the id that lies within its range.
  const agrees = inId !== undefined && age !== undefined && age.earliest <= inId && inId <= age.latest;
  const latest = agrees || age === undefined ? (inId ?? 0) : Math.max(inId ?? 0, age.latest);
  return latest <= facts.olderThan ? "test-data" : "unknown";
}

/** Rows that depend on expired test data are deleted with it, unless they are certainly in use. */
function dueWithOwner(facts: Facts, undated: boolean): "test-data" | "too-recent" | "unknown" {
  if (undated) return dueOf(facts, []);
  return isTooRecent(facts) ? "too-recent" : "test-data";
}

/** Certainly created after the cutoff of scope `expired`. */
function isTooRecent({ age, timeInKey, olderThan }: Facts): boolean {
  return (age !== undefined && age.earliest > olderThan) || (timeInKey !== undefined && timeInKey > olderThan);
}
