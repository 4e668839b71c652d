import { isProtected } from "../../config/protection.ts";
import type { Environment, Table } from "../../config/schema.ts";
import { count } from "../../lib/count.ts";
import { errorText } from "../../lib/error-text.ts";
import { inParallel } from "../../lib/in-parallel.ts";
import type { AuditEvent } from "../../model/audit-event.ts";
import type { StageReport } from "../../model/report.ts";
import type { Deletion, TableCleanup } from "../../model/test-data.ts";
import type { TestDataWarehouse, WarehouseReader } from "../../warehouse/access.ts";
import { isVersionGone } from "../../warehouse/failure.ts";
import { quoteName } from "../../warehouse/statements.ts";
import { missingRows, nameCounts, type OlderRows, olderRows, rowsBeside } from "../../warehouse/writes.ts";
import { proveWarehouse } from "../execute/proof.ts";
import { type CatalogColumns, noPolicies, readCatalogColumns, readPolicies } from "../tables/catalog.ts";
import { deletesOf, type HistoryEntry } from "../tables/history.ts";
import { Binder, storedConditionOf } from "../tables/selection.ts";
import { addedWithoutNull, type Columns, columnsNow, columnsThen, mapColumns, schemaChanges } from "./columns.ts";

/** What was deleted from one table, and what can be restored. */
export interface TableUndo {
  /** `schema.table` */
  table: string;
  /** Rows deleted according to the report. */
  deleted: number;
  /** Rows that the table's history still has and that don't exist now. */
  restorable: number;
  /** Rows whose key exists again, written since; they are kept. */
  present: number;
  /** Absent in a dry run, and if the warehouse didn't say. */
  restored?: number;
  problem?: string;
}

export interface UndoResult {
  dryRun: boolean;
  /** The run of the cleanup that is undone. */
  runId: string;
  environment: string;
  tables: TableUndo[];
  /** What cannot be restored, apart from the tables. */
  notes: string[];
  /** Problems that concern no single table. With any, the undo is not complete, even if every row may be back. */
  problems: string[];
}

/** One delete to undo, from the history. */
interface Step {
  rows: OlderRows;
  /** After the newer deletes were undone. */
  restorable: number;
}

export interface UndoPlan {
  result: UndoResult;
  /** By table, newest delete first: a row written between two deletes has its latest content there. */
  steps: Map<string, Step[]>;
}

export interface UndoRequest {
  report: Pick<StageReport, "runId" | "environment" | "cleanup">;
  tables: Readonly<Record<string, Table>>;
  protectedTables: readonly string[];
}

/** Tables read or restored at the same time. */
const atOnce = 8;

/**
 * Plans what can be restored of the report's cleanup; only reads.
 * @param onStep reports progress
 */
export async function planUndo(
  warehouse: WarehouseReader,
  request: UndoRequest,
  onStep: (text: string) => void = () => undefined,
): Promise<UndoPlan> {
  const { report } = request;
  const steps = new Map<string, Step[]>();
  const notes: string[] = [];
  const cleaned = (report.cleanup?.tables ?? []).filter((table) => table.deleted !== 0 || table.deletions);
  // Read once for all tables; if it fails, each of them reports it.
  const columns = cleaned.length > 0 ? readCatalogColumns(warehouse) : Promise.resolve<CatalogColumns>(new Map());
  const policies = cleaned.length > 0 ? readPolicies(warehouse) : Promise.resolve(noPolicies);
  for (const read of [columns, policies]) read.catch(() => undefined);
  const howMany = count(cleaned.length, "table");
  let lookedUp = 0;
  const tables = await inParallel(atOnce, cleaned, async (cleaned) => {
    const undo: TableUndo = { table: cleaned.table, deleted: deletedFrom(cleaned), restorable: 0, present: 0 };
    const refusal = whyNot(cleaned, request);
    if (refusal !== undefined) return { ...undo, problem: refusal };
    try {
      const { filtered, masked } = await policies;
      if (filtered.has(cleaned.table) || masked.has(cleaned.table))
        throw new NotRestorable("it has a row filter or a mask, so its older rows cannot be read as they were");
      const newestFirst = [...(cleaned.deletions ?? [])].reverse();
      const types = (await columns).get(cleaned.table) ?? new Map<string, string>();
      const [now, history] = await Promise.all([columnsNow(warehouse, cleaned.table), schemaChanges(warehouse, cleaned.table)]);
      const found = await inParallel(atOnce, newestFirst, (deletion) => {
        const binder = new Binder(`d${newestFirst.indexOf(deletion)}_`);
        return findDeletion(warehouse, cleaned.table, deletion, {
          types,
          binder,
          now,
          history,
          declaredKey: request.tables[cleaned.table]?.key,
        });
      });
      const known = found.filter((rows) => rows !== undefined);
      const declared = request.tables[cleaned.table];
      // As in the plan: a table that only depends on others may lack the column that is declared or assumed as its key.
      const keyed = declared !== undefined && types.has(declared.key);
      const planned = await stepsOf(warehouse, known, keyed ? declared : undefined);
      steps.set(cleaned.table, planned.steps);
      for (const step of planned.steps) undo.restorable += step.restorable;
      undo.present = planned.rows - undo.restorable;
      if (planned.twice > 0)
        notes.push(
          `${cleaned.table}: ${planned.twice} of the deleted rows had come back and were deleted again: each is restored once`,
        );
      if (known.length < found.length) addProblem(undo, "the table's history no longer has the deleted rows");
      const unaccounted = whatIsMissing(cleaned);
      if (unaccounted !== undefined) addProblem(undo, unaccounted);
    } catch (error) {
      addProblem(undo, errorText(error));
    }
    onStep(`${cleaned.table} looked up (${++lookedUp} of ${howMany})`);
    return undo;
  });
  const keys = report.cleanup?.deletedKeys ?? 0;
  if (keys > 0)
    notes.push(`${count(keys, "Redis key was", "Redis keys were")} deleted and cannot be restored: Redis has no history`);
  return {
    result: {
      dryRun: true,
      runId: report.runId,
      environment: report.environment.name,
      tables,
      notes,
      problems: [],
    },
    steps,
  };
}

/**
 * Restores exactly what was planned, parents first. A failure never stops the rest.
 * @param ports.audit never rejects: an audit line that cannot be written doesn't stop the undo
 * @throws WrongTarget before the first write
 */
export async function executeUndo(
  ports: {
    warehouse: TestDataWarehouse;
    environment: Environment;
    audit: (note: AuditEvent) => Promise<void>;
    onStep?: (text: string) => void;
  },
  plan: UndoPlan,
  order: ReadonlyMap<string, number>,
): Promise<UndoResult> {
  proveWarehouse(ports.environment, await ports.warehouse.identity());
  const result: UndoResult = { ...plan.result, dryRun: false, tables: plan.result.tables.map((table) => ({ ...table })) };
  const takesRows = await inParallel(atOnce, result.tables, (table) =>
    tryTable(ports.warehouse, table, plan.steps.get(table.table)),
  );
  const refused = new Set(result.tables.filter((_, index) => !takesRows[index]));
  const rank = (table: TableUndo) => order.get(table.table) ?? 0;
  for (const level of Map.groupBy(
    [...result.tables].sort((a, b) => rank(a) - rank(b)),
    rank,
  ).values())
    await inParallel(atOnce, level, async (table) => {
      if (refused.has(table)) return;
      ports.onStep?.(`restoring ${count(table.restorable, "row")} of ${table.table}`);
      for (const step of plan.steps.get(table.table) ?? []) await restore(ports, table, step);
    });
  return result;
}

/** Before anything is written, so that what cannot come back is known first. @returns whether the table takes the rows */
async function tryTable(warehouse: TestDataWarehouse, table: TableUndo, steps: readonly Step[] = []): Promise<boolean> {
  const [step] = steps.filter(({ restorable }) => restorable > 0);
  if (!step) return true;
  try {
    await warehouse.tryRestoring(step.rows);
    return true;
  } catch (error) {
    addProblem(table, `nothing was written to it: ${errorText(error)}`);
    return false;
  }
}

async function restore(
  { warehouse, audit }: { warehouse: TestDataWarehouse; audit: (note: AuditEvent) => Promise<void> },
  table: TableUndo,
  { rows, restorable }: Step,
): Promise<void> {
  if (restorable === 0) return;
  let restored: number | undefined;
  try {
    restored = await warehouse.restoreRows(rows);
    if (restored === undefined)
      addProblem(table, "the warehouse did not report how many rows it restored: run undo again without --execute to check");
    else {
      table.restored = (table.restored ?? 0) + restored;
      if (restored !== restorable)
        addProblem(table, `${count(restorable, "row was", "rows were")} planned, but ${count(restored, "was", "were")} restored`);
    }
  } catch (error) {
    const why = errorText(error);
    addProblem(table, `${why}; to check whether rows were restored, run undo again without --execute`);
  }
  await audit({
    action: "statement",
    details: { what: "restore", table: table.table, version: rows.version, ...(table.problem ? { problem: table.problem } : {}) },
    counts: { planned: restorable, ...(restored === undefined ? {} : { restored }) },
  });
}

function addProblem(table: TableUndo, problem: string): void {
  table.problem = table.problem === undefined ? problem : `${table.problem}; ${problem}`;
}

/** Rows that the cleanup deleted without recording the version; they cannot be restored here. */
function whatIsMissing({ deleted, deletions }: TableCleanup): string | undefined {
  if (deleted === undefined)
    return "the cleanup could not report how many rows it deleted, so maybe not all of them can be restored";
  const noted = (deletions ?? []).reduce((sum, one) => sum + one.rows, 0);
  if (noted === deleted) return undefined;
  return `${count(deleted, "row was", "rows were")} deleted, but the report names the version of only ${noted} of them`;
}

function deletedFrom({ deleted, deletions }: TableCleanup): number {
  return deleted ?? (deletions ?? []).reduce((sum, one) => sum + one.rows, 0);
}

function whyNot(cleaned: TableCleanup, request: UndoRequest): string | undefined {
  if (isProtected(cleaned.table, request.protectedTables)) return "the table is protected: nothing is written to it";
  if (!Object.hasOwn(request.tables, cleaned.table)) return "the table is no longer declared in testData.tables";
  if (!cleaned.deletions?.length) return "the report does not name the version that has the rows";
  return undefined;
}

/** The versions to search for another delete of as many rows. */
const versionsSearched = 200;

/** What is known about a table's columns. */
interface Known {
  /** Column → its type in the catalog, in upper case. */
  types: ReadonlyMap<string, string>;
  /** Unique parameter names, because one statement may cover several deletes. */
  binder: Binder;
  now: Columns;
  history: readonly HistoryEntry[];
  /** As the configuration names it. */
  declaredKey: string | undefined;
}

/**
 * @returns the rows, not yet by key; undefined if no version has them any more
 * @throws WarehouseFailure; NotRestorable if a value has no certain place in the table now
 */
async function findDeletion(
  warehouse: WarehouseReader,
  table: string,
  { rows, version, selection, during }: Deletion,
  { types, binder, now, history, declaredKey }: Known,
): Promise<FoundRows | undefined> {
  const before = async (other: number): Promise<FoundRows | undefined> => {
    const then = await unlessGone(columnsThen(warehouse, table, other - 1));
    if (!then) return undefined;
    const mapping = mapColumns(then, now, history, other - 1);
    if ("refused" in mapping) throw new NotRestorable(mapping.refused);
    if (declaredKey !== undefined && mapping.renamed.has(declaredKey.toLowerCase()))
      throw new NotRestorable(`its key ${declaredKey} was renamed since, so rows that exist again cannot be recognized`);
    const without = await addedWithoutNull(warehouse, table, mapping.columns);
    if (without.length > 0)
      throw new NotRestorable(
        `its column ${without.join(", ")} was added since and refuses NULL, so the older rows have no value`,
      );
    const asBefore = (column: string) =>
      !mapping.renamed.has(column.toLowerCase()) && then.get(column.toLowerCase())?.type === now.get(column.toLowerCase())?.type;
    const typesThen = new Map([...types].filter(([column]) => asBefore(column)));
    const [only, ...more] = selection;
    return {
      selectedBy: more.length === 0 ? only?.column : undefined,
      table,
      version: other - 1,
      key: "",
      nameless: true,
      byKey: false,
      ofSomeTime: during !== undefined,
      // Without the time: a row with the same key that was written since has another one.
      conditionNow: selection.every(({ column }) => asBefore(column))
        ? storedConditionOf([{ selection }], typesThen, binder)
        : undefined,
      condition: storedConditionOf([{ selection, ...(during ? { during } : {}) }], typesThen, binder),
      parameters: binder.parameters,
      columns: mapping.columns,
    };
  };
  const has = async (older: OlderRows) => (await countOlder(warehouse, older)) === rows;
  const noted = await before(version);
  if (noted && (await has(noted))) return noted;
  // Two runs may have deleted as many rows at the same moment, so the recorded version may be the other run's.
  for (const other of await deletesOf(warehouse, table, rows, versionsSearched)) {
    if (other === version) continue;
    const older = await before(other);
    if (older && (await has(older))) return older;
  }
  return undefined;
}

interface FoundRows extends OlderRows {
  /** The only column that the condition compares, if there is only one. */
  selectedBy: string | undefined;
}

/** The table has changed so that its older rows don't fit any more. */
class NotRestorable extends Error {
  override name = "NotRestorable";
}

/** @returns undefined if the version is gone @throws WarehouseFailure */
async function unlessGone<Result>(asked: Promise<Result>): Promise<Result | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isVersionGone(error)) return undefined;
    throw error;
  }
}

/** @returns undefined if the version is gone */
function countOlder(warehouse: WarehouseReader, rows: OlderRows): Promise<number | undefined> {
  return unlessGone(countRows(warehouse, olderRows(warehouse.catalog, rows), rows));
}

/** @param about whose parameters the SELECT uses */
async function countRows(warehouse: WarehouseReader, select: string, ...about: readonly OlderRows[]): Promise<number> {
  const parameters = Object.assign({}, ...about.map((rows) => rows.parameters));
  return Number((await warehouse.query(`SELECT count(*) AS found FROM (${select})`, parameters))[0]?.found);
}

/**
 * A row that was restored and deleted again is in the older rows of both deletes. It counts once, with its latest content.
 * @param found newest first
 * @param keyed the declared table, if it has its key column
 */
async function stepsOf(
  warehouse: WarehouseReader,
  found: readonly FoundRows[],
  keyed: Table | undefined,
): Promise<{ steps: Step[]; rows: number; twice: number }> {
  const { catalog } = warehouse;
  const key = keyed !== undefined && (await namesRows(warehouse, found, keyed)) ? keyed.key : "";
  const named = await inParallel(atOnce, found, async (older) => {
    if (key === "") return older;
    const nameless = await countRows(
      warehouse,
      `SELECT 1 AS one FROM (${olderRows(catalog, older)}) WHERE ${quoteName(key)} IS NULL`,
      older,
    );
    return { ...older, key, nameless: nameless > 0, byKey: older.conditionNow !== undefined && older.selectedBy === key };
  });
  const counted = await inParallel(atOnce, named, async (rows) => {
    const newer = named.slice(0, named.indexOf(rows));
    const [all, own, restorable] = await Promise.all([
      countRows(warehouse, olderRows(catalog, rows), rows),
      countRows(warehouse, rowsBeside(catalog, rows, newer), rows, ...newer),
      countRows(warehouse, missingRows(catalog, rows, newer), rows, ...newer),
    ]);
    return { rows, all, own, restorable };
  });
  const rows = counted.reduce((sum, step) => sum + step.own, 0);
  return { steps: counted, rows, twice: counted.reduce((sum, step) => sum + step.all, 0) - rows };
}

/**
 * Whether the declared key is unique among these rows. A members table may be declared with the lesson's id, which many rows
 * share: one member added since would count for all the deleted ones.
 */
async function namesRows(warehouse: WarehouseReader, found: readonly OlderRows[], { key, parents }: Table): Promise<boolean> {
  const pointsAtParent = key in parents;
  const statements = found.flatMap((rows) =>
    nameCounts(warehouse.catalog, rows, key, pointsAtParent).map((statement) => ({ statement, rows })),
  );
  const unique = await inParallel(atOnce, statements, async ({ statement, rows }) => {
    const [row] = await warehouse.query(statement, pointsAtParent ? {} : rows.parameters);
    return row !== undefined && Number(row.named) === Number(row.names);
  });
  return unique.every((one) => one);
}
