import type { ParentKind } from "../../config/test-data-schema.ts";
import type { PlanRequest } from "../plan/table-plans.ts";
import { isRunId } from "../run-id.ts";
import { matchesRule } from "../tables/selection.ts";
import { type Age, exactAge, startOfRun, timeInId } from "./age.ts";
import { type Judgement, judgeRow, type Owner } from "./ownership.ts";
import type { NamedRow, Presence } from "./presence.ts";
import type { Candidate, TableScan } from "./table-scan.ts";

/** Table → ids of test data → what is known for rows that depend on them. */
export type References = ReadonlyMap<string, ReadonlyMap<string, KnownId>>;

/** A column through which a row points at test data. */
export interface Link {
  column: string;
  /** `schema.table` of the row that it points at. */
  table: string;
  id: string;
}

/** A row and its judgement. */
export interface JudgedRow {
  scan: TableScan;
  candidate: Candidate;
  judgement: Judgement;
  /** In the same order as the owners passed to the rule. */
  links: readonly Link[];
}

export interface Judged {
  /** Table → its rows. */
  rows: ReadonlyMap<string, readonly JudgedRow[]>;
  /** Ids that other rows may depend on: confirmed test data, and rows that probably are but still need proof. */
  known: References;
}

export interface JudgingContext {
  /** Tables in dependency order, parents first. */
  order: readonly string[];
  scans: ReadonlyMap<string, TableScan>;
  request: PlanRequest;
  presence: Presence;
  /** Found by an earlier search; the rows may be deleted by now. */
  earlier: References;
}

export interface KnownId {
  /** The time from which dependent rows can be test data. */
  reference: Age | undefined;
  /** Known only from the ledger, without a row: rows that point at it must be proven new, whatever their kind. */
  strict: boolean;
}

type Known = Map<string, Map<string, KnownId>>;

/**
 * Applies the rule to every row that was read, parents first. Starts over each time: if a row turns out not to be test data, the
 * rows that depend on it aren't either.
 */
export function judgeAll(context: JudgingContext): Judged {
  const known: Known = new Map();
  const rows = new Map<string, JudgedRow[]>();
  for (const name of context.order) {
    const scan = context.scans.get(name);
    known.set(name, withoutRows(name, scan, context));
    if (!scan) continue;
    const passed = known.get(name);
    // Rows that depend on rows of their own table are found step by step.
    for (;;) {
      const judged = scan.candidates.map((candidate) => judgeOne(scan, candidate, known, context));
      rows.set(name, judged);
      const ids = acceptedKeys(judged);
      const news = [...ids].filter(([id]) => !passed?.has(id));
      for (const [id, reference] of news) passed?.set(id, { reference, strict: false });
      if (news.length === 0 || !Object.values(scan.table.parents).some(({ table }) => table === name)) break;
    }
  }
  return { rows, known };
}

/** Ids of test data without a row: found by an earlier search, or named by the ledger and new since the start. */
function withoutRows(
  name: string,
  scan: TableScan | undefined,
  { request, presence, earlier }: JudgingContext,
): Map<string, KnownId> {
  const existing = new Set(scan?.candidates.map(({ key }) => key));
  const ids = new Map<string, KnownId>();
  for (const id of request.known.get(name) ?? []) {
    const there = presence.wasThere(name, { key: id }, request.bornAfter, false);
    if (!existing.has(id) && there !== true && there !== "unasked")
      ids.set(id, { reference: startOfRun(request.bornAfter), strict: true });
  }
  for (const [id, one] of earlier.get(name) ?? []) if (!existing.has(id)) ids.set(id, one);
  return ids;
}

/** If several rows share a key, it is test data only if all of them are. */
function acceptedKeys(judged: readonly JudgedRow[]): Map<string, Age | undefined> {
  const ids = new Map<string, Age | undefined>();
  const refused = new Set<string>();
  for (const { candidate, judgement } of judged) {
    if (candidate.key === undefined) continue;
    if (isAccepted(judgement, candidate)) ids.set(candidate.key, judgement.reference);
    else refused.add(candidate.key);
  }
  for (const id of refused) ids.delete(id);
  return ids;
}

/**
 * Whether to treat a row as test data for now. A row of recent age whose history is still being asked about probably is, so the
 * search for its dependents goes on. A row of unknown age is not: it may be real, and a whole school may depend on it.
 */
function isAccepted({ standing, asks }: Judgement, { age }: Candidate): boolean {
  return standing === "test-data" || (standing === "unknown" && asks.length > 0 && age !== undefined);
}

function judgeOne(scan: TableScan, candidate: Candidate, known: Known, context: JudgingContext): JudgedRow {
  const { name } = scan;
  const { request, presence } = context;
  const { key } = candidate;
  const found = ownersOf(scan, candidate, known, context);
  const judgement = judgeRow({
    scope: request.scope,
    fixed: isFixed(scan, candidate, request),
    shown: shownBy(scan, candidate, request),
    ofAnotherRun: request.scope === "run" && isOfAnotherRun(scan, candidate, request),
    named: key !== undefined && request.known.get(name)?.has(key) === true,
    owners: found.map(({ owner }) => owner),
    age: candidate.age,
    timeInKey: candidate.timeInKey,
    wasThere: (moment) => wasThere(presence, { scan, candidate, links: found.map(({ link }) => link) }, moment),
    isExact: (moment) => presence.isExact(name, moment),
    runStarted: request.bornAfter,
    olderThan: request.olderThan,
  });
  return { scan, candidate, judgement, links: found.map(({ link }) => link) };
}

/** What the table's history can be asked about a row: its key, or else what it points at. */
export function namesOf({ candidate: { key }, links }: Pick<JudgedRow, "candidate" | "links">): NamedRow[] {
  return key === undefined ? links.map(({ column, id }) => ({ column, id })) : [{ key }];
}

function wasThere(presence: Presence, row: Pick<JudgedRow, "scan" | "candidate" | "links">, moment: number) {
  const answers = namesOf(row).map((named) => presence.wasThere(row.scan.name, named, moment, true));
  // For a row without a key, each pointing column is asked separately. One proof is enough.
  if (answers.includes(true)) return true;
  return answers.includes("unasked") ? "unasked" : answers[0];
}

function ownersOf(scan: TableScan, { values }: Candidate, known: Known, context: JudgingContext): { owner: Owner; link: Link }[] {
  return Object.entries(scan.table.parents).flatMap(([column, { table, kind }]) => {
    const id = values.get(column);
    if (id === undefined) return [];
    const one = known.get(table)?.get(id);
    const owner = one ? knownOwner(kind, one) : ownerWithoutRow(scan, column, kind, id, context);
    return owner ? [{ owner, link: { column, table, id } }] : [];
  });
}

function knownOwner(kind: ParentKind, { reference, strict }: KnownId): Owner {
  return { kind: strict ? "belongs-to" : kind, reference };
}

/** An id with a test prefix belongs to test data even if its row is gone. The time in the id tells since when. */
function ownerWithoutRow(
  scan: TableScan,
  column: string,
  kind: ParentKind,
  id: string,
  { scans: looks, request }: JudgingContext,
): Owner | undefined {
  if (!scan.pointing.some((rule) => rule.column === column && matchesRule(rule, id))) return undefined;
  const table = scan.table.parents[column]?.table ?? "";
  if (request.keep[table]?.includes(id)) return undefined;
  // If it has a row, that row was judged.
  if (looks.get(table)?.keys.has(id)) return undefined;
  if (request.scope === "run") return { kind, reference: startOfRun(request.bornAfter) };
  const time = timeInId(id, request.now);
  if (request.scope === "expired" && time !== undefined && time > request.olderThan) return undefined;
  if (time === undefined) return { kind, reference: undefined, undated: true };
  return { kind, reference: runOf(id, request) === undefined ? exactAge(time) : startOfRun(time), undated: false };
}

function isFixed({ name, table }: TableScan, { key, values }: Candidate, { keep }: PlanRequest): boolean {
  const fixed = keep[name];
  if (!fixed) return false;
  const shown = [key, ...table.match.map(({ column }) => values.get(column))];
  return shown.some((value) => value !== undefined && fixed.includes(value));
}

function shownBy({ rules, table }: TableScan, { values }: Candidate, request: PlanRequest) {
  const showing = rules.flatMap((rule) => {
    const value = values.get(rule.column);
    return value !== undefined && matchesRule(rule, value) ? [{ column: rule.column, value }] : [];
  });
  if (showing.length === 0) return undefined;
  const dated = showing.filter(({ value }) => timeInId(value, request.now) !== undefined);
  return {
    byKey: showing.some(({ column }) => column === table.key),
    times: dated.flatMap(({ value }) => timeInId(value, request.now) ?? []),
    ofRun: dated.every(({ value }) => runOf(value, request) !== undefined),
  };
}

/** A value begins with a prefix and the id of another run. */
function isOfAnotherRun({ sweepRules }: TableScan, { values }: Candidate, request: PlanRequest): boolean {
  return sweepRules.some(({ column }) => {
    const value = values.get(column);
    if (value === undefined || request.prefixes.some((prefix) => value.startsWith(prefix))) return false;
    return runOf(value, request) !== undefined;
  });
}

/** The run id in a value that begins with a prefix and a run id. */
function runOf(value: string, { sweptPrefixes }: PlanRequest): string | undefined {
  return sweptPrefixes
    .filter((prefix) => value.startsWith(prefix))
    .map((prefix) => value.slice(prefix.length, prefix.length + 22))
    .find(isRunId);
}

/** The values by which a later sweep, which has no ledger, would match this row directly. */
export function valuesFoundInSweep(scan: TableScan, candidate: Candidate): string[] {
  return scan.sweepRules.flatMap((rule) => {
    const value = candidate.values.get(rule.column);
    return value !== undefined && matchesRule(rule, value) ? [value] : [];
  });
}
