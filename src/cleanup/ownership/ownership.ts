import type { ParentKind } from "../../config/test-data-schema.ts";
import type { Scope } from "../plan/row-plan.ts";
import { type Age, exactAge, type Relation, relate, startOfRun } from "./age.ts";

/**
 * Whose row is it? The one rule, for every scope; docs/ownership.md explains it.
 *
 * A row is test data when
 * (a) it shows it itself, by its own id, title, name or address; or
 * (b) the ledger names it and it was provably made after the run began; or
 * (c) it depends on a row that is test data and is not older than that.
 * Pointing at a test row shows nothing. What is not known to be test data is kept.
 */

/** A row that is test data, and that the judged row points at. */
export interface Owner {
  kind: ParentKind;
  /** Since when rows that depend on it can be test data: the start of its run, or when it was made, as far as that is known. */
  reference: Age | undefined;
  /** It has no row and no time, so that nothing tells whether what depends on it is old enough for scope `expired`. */
  undated?: boolean;
}

/** What is known about one row. */
export interface Facts {
  scope: Scope;
  /** `testData.keep` names it. */
  fixed: boolean;
  /**
   * It shows itself as test data of this scope: by its key or by another column. `times` are those in the values that show it; `ofRun`: they
   * stand in the ids of runs.
   */
  shown: { byKey: boolean; times: readonly number[]; ofRun?: boolean } | undefined;
  /** Scope `run`: it shows itself as test data of another run. */
  ofAnotherRun: boolean;
  /** The ledger names it. */
  named: boolean;
  owners: readonly Owner[];
  /** By its time column. */
  age: Age | undefined;
  /** The time in its own key. */
  timeInKey: number | undefined;
  /**
   * Whether the table had the row's key before a moment, by its history; for scope `run` the start of the stage stands for any moment where
   * it is known. `unasked` where nobody has asked, `undefined` where the history does not tell.
   */
  wasThere: (moment: number) => boolean | "unasked" | undefined;
  /** The table's version at this moment is known, where its tests began: the history is asked also where times seem to tell. */
  isExact: (moment: number) => boolean;
  /** When the run began, Unix milliseconds. */
  runStarted: number;
  /** Scope `expired`: made at this moment or before, Unix milliseconds. */
  olderThan: number;
}

/**
 * - `test-data`: it goes.
 * - `foreign`: nothing says that it is test data.
 * - `fixed`: `testData.keep` names it.
 * - `another-run`: test data of another run, for scope `run`.
 * - `too-recent`: test data, and not old enough for scope `expired`.
 * - `renamed`: a real row whose title or name a test changed: it is older than the run whose time it shows.
 * - `moved`: a real row that a test pointed at test data: it is older than that.
 * - `wrongly-named`: the ledger names it, but it is older than the run.
 * - `unknown`: it may be test data, and its age cannot be told.
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
  /** For what depends on this row, where it is test data. */
  reference?: Age | undefined;
  /** Positions in `owners`: those that made it test data, or, where it is a moved row, those that it was moved to. */
  because: number[];
  /** Moments at which the table's history has still to be asked about this row: until then the judgement is not final. */
  asks: number[];
}

/** The rule. Pure: all that it goes by is in the facts. */
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
  // One claim that nothing can shake is enough.
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

/** What speaks for a row: the ledger, or a row that it depends on. */
interface Claim {
  relation: Relation;
  accepts: boolean;
  asks: number[];
}

function judgeShown(facts: Facts, { byKey, times, ofRun }: NonNullable<Facts["shown"]>): Judgement {
  const { scope, owners } = facts;
  const time = times.length > 0 ? Math.min(...times) : undefined;
  const run = startOfRun(facts.runStarted);
  // Where the tests began is known, what shows no time is compared with that.
  const since = time !== undefined ? exactAge(time) : scope === "run" && facts.isExact(run.earliest) ? run : undefined;
  const { relation: age, asks } =
    byKey || since === undefined ? { relation: "unknown", asks: [] } : relation(facts, since, false);
  if (age === "older") return { standing: "renamed", because: [], asks };
  const dated = time ?? facts.timeInKey;
  const own = dated === undefined ? facts.age : ofRun ? startOfRun(dated) : exactAge(dated);
  const reference = scope === "run" ? run : own;
  if (scope !== "expired") return { standing: "test-data", because: [], reference, asks };
  const due = dueOf(facts, times);
  // Whose it is, is known; that it is old enough, the row that it depends on may tell.
  const telling = [...owners.keys()].filter((index) => !owners[index]?.undated);
  return due === "unknown" && telling.length > 0
    ? { standing: "test-data", because: telling, reference, asks }
    : { standing: due, because: [], reference, asks };
}

/** A time that is not exact to this much says too little for what is only to be refuted. */
const nearlyExactMs = 10 * 60_000;

/**
 * Whether the row is older than a reference, and what could still be asked. A time that says older wins over everything: a row that was
 * deleted and put back has a new history. What was there and seems young by its time is doubtful: somebody else may have made it just before
 * the tests began.
 * @param mustBeProven else the history is asked only where the times say little, or where it costs little
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
  // Where the tests began is known, no time counts against it: a test can write any time into a row, and an application often does.
  if (before === true) return { relation: byTime === "not-older" && !isExact ? "unknown" : "older", asks: [] };
  if (after === false) return { relation: "not-older", asks: [] };
  const isNear = times.some(({ earliest, latest }) => latest - earliest <= nearlyExactMs);
  // Near the time of another row, rows are written with it: the clocks of application and warehouse differ by more than that.
  const isWorthIt = isExact || (byTime === "unknown" && (mustBeProven || !isNear || reference.ofRun === true));
  const asks = isWorthIt ? moments.filter((moment) => facts.wasThere(moment) === "unasked") : [];
  return { relation: byTime, asks };
}

/** Of several runs, or rows, the latest: what depends on all of them is not older than any. */
function latestOf(references: readonly Age[]): Age {
  return {
    earliest: Math.max(...references.map(({ earliest }) => earliest)),
    latest: Math.max(...references.map(({ latest }) => latest)),
    ...(references.every(({ ofRun }) => ofRun) ? { ofRun: true } : {}),
  };
}

/** Scope `expired`, for what shows itself: only what is surely old enough goes. */
function dueOf(facts: Facts, timesShown: readonly number[]): "test-data" | "too-recent" | "unknown" {
  const times = [...timesShown, ...(facts.timeInKey === undefined ? [] : [facts.timeInKey])];
  if (times.length === 0 && facts.age === undefined) return "unknown";
  if (isTooRecent(facts) || times.some((time) => time > facts.olderThan)) return "too-recent";
  const { age } = facts;
  const inId = times.length > 0 ? Math.max(...times) : undefined;
  // A time column that is not exact says nothing against the time in an id that it agrees with.
  const agrees = inId !== undefined && age !== undefined && age.earliest <= inId && inId <= age.latest;
  const latest = agrees || age === undefined ? (inId ?? 0) : Math.max(inId ?? 0, age.latest);
  return latest <= facts.olderThan ? "test-data" : "unknown";
}

/** What depends on expired test data goes with it, unless it is surely in use. */
function dueWithOwner(facts: Facts, undated: boolean): "test-data" | "too-recent" | "unknown" {
  if (undated) return dueOf(facts, []);
  return isTooRecent(facts) ? "too-recent" : "test-data";
}

/** Surely made after the moment up to which scope `expired` deletes. */
function isTooRecent({ age, timeInKey, olderThan }: Facts): boolean {
  return (age !== undefined && age.earliest > olderThan) || (timeInKey !== undefined && timeInKey > olderThan);
}
