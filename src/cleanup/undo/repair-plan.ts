import { createHash } from "node:crypto";
import { isProtected } from "../../config/protection.ts";
import type { Table, TestDataConfig } from "../../config/schema.ts";
import { count } from "../../lib/count.ts";
import type { StageReport } from "../../model/report.ts";
import type { TouchedRow } from "../../model/test-data.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { whyTypeNotWritable } from "../../warehouse/writes.ts";
import { type Ledger, parseLedger } from "../ledger/ledger.ts";
import type { StartState } from "../ownership/age.ts";
import { planRows, rowRequest } from "../plan/plan-cleanup.ts";
import type { Scope } from "../plan/table-plans.ts";
import { type CatalogColumns, readCatalogColumns, readViews, type Views } from "../tables/catalog.ts";
import { withBefore } from "../touched/old-values.ts";
import { askVersions, mostTouched, nameOf, rowName, searchContext, sha256 } from "../touched/touched-rows.ts";

/**
 * - `repairable`: the old value can be restored; `repaired`: it was.
 * - `already`: the old value is already back.
 * - `written-since`: somebody has written another value since, which is kept.
 * - `refused`: it must not or cannot be restored. `failed`: restoring failed, or its outcome is unknown.
 */
export type RepairState = "repairable" | "repaired" | "already" | "written-since" | "refused" | "failed";

/** One column of one row, and the outcome of its repair. */
export interface RepairRow extends TouchedRow {
  state: RepairState;
  /** Why it is refused, or failed. */
  problem?: string;
}

export interface RepairResult {
  dryRun: boolean;
  /** The run of the report. */
  runId: string;
  environment: string;
  /** SHA-256 of exactly what would be written. */
  digest: string;
  rows: RepairRow[];
  notes: string[];
  /** Problems that concern no single row. */
  problems: string[];
}

/** What is written. Has the actual values, which a result must not contain. */
export interface RepairCell {
  row: RepairRow;
  table: string;
  key: { column: string; value: string };
  column: string;
  type: string;
  now: string;
  before: string | null;
}

export interface RepairPlan {
  result: RepairResult;
  cells: RepairCell[];
}

export interface RepairRequest {
  report: Pick<StageReport, "runId" | "environment" | "cleanup">;
  tables: Readonly<Record<string, Table>>;
  testData: TestDataConfig;
  /** The ledger of that run, if it can still be read. */
  ledger?: Ledger;
  now: number;
}

/** A row of the report, with what the warehouse says about it. */
interface Found {
  row: RepairRow;
  type: string;
  /** As stored in the table. */
  key: string;
  value: string;
}

/**
 * Plans which of the report's touched rows can be repaired; only reads. The report only says where to look. That the row points
 * at test data, and its old value, are read from the warehouse again, so a forged report cannot cause a write.
 * @throws WarehouseFailure
 */
export async function planRepair(warehouse: WarehouseReader, request: RepairRequest): Promise<RepairPlan> {
  const { cleanup, result, rows } = begin(request);
  const asked = rows.filter((row) => row.state === "repairable");
  const [catalog, views] =
    asked.length > 0
      ? await Promise.all([readCatalogColumns(warehouse), readViews(warehouse)])
      : [new Map() as CatalogColumns, new Map() as Views];
  for (const row of asked) refuse(row, whyNotThere(row, catalog, views));
  const found = await lookNow(warehouse, rows, catalog);
  const cells = await findValues(warehouse, found, catalog, request);
  if ((cleanup?.touchedMore ?? 0) > 0)
    result.notes.push(
      `${count(cleanup?.touchedMore ?? 0, "more cell")} of real rows were changed that the report does not list: repair these first, then run the stage again`,
    );
  result.digest = digestOf(cells, result);
  return { result, cells };
}

/** Refuses what is recognisably wrong without asking the warehouse. */
function begin(request: RepairRequest) {
  const { report } = request;
  const touched = [...new Map((report.cleanup?.touched ?? []).map((row) => [nameOf(row), row])).values()];
  const rows = touched.slice(0, mostTouched).map((row): RepairRow => ({ ...row, state: "repairable" }));
  for (const row of rows) refuse(row, whyNotAllowed(row, request));
  const result: RepairResult = {
    dryRun: true,
    runId: report.runId,
    environment: report.environment.name,
    digest: "",
    rows,
    notes: [],
    problems:
      touched.length > mostTouched
        ? [`the report lists ${touched.length} rows, but at most ${mostTouched} are repaired at once`]
        : [],
  };
  return { cleanup: report.cleanup, result, rows };
}

function refuse(row: RepairRow, why: string | undefined): void {
  if (why === undefined) return;
  row.state = "refused";
  row.problem = why;
}

function whyNotAllowed({ table, key, column, now, before }: TouchedRow, { tables, testData }: RepairRequest): string | undefined {
  if (isProtected(table, testData.protectedTables)) return "the table is protected: nothing is written to it";
  const declared = Object.hasOwn(tables, table) ? tables[table] : undefined;
  if (!declared) return "the table is not declared in testData.tables";
  if (key.column !== declared.key) return `expected ${declared.key} as the key of the table, got ${key.column}`;
  if (!mayBeTouched(declared, column))
    return `${column} is declared neither under parents nor under match with prefix, so nothing proves that a test wrote it`;
  if (column === key.column) return `${column} identifies the row, and is never changed`;
  if (![key.value, now, before ?? ""].every((text) => text.isWellFormed())) return "a value is not well-formed Unicode";
  return undefined;
}

/** A column that points at another row, or one that identifies test data. A test's write can only be recognised there. */
function mayBeTouched({ parents, match }: Table, column: string): boolean {
  return Object.hasOwn(parents, column) || match.some((rule) => rule.prefix === true && rule.column === column);
}

function whyNotThere({ table, key, column }: TouchedRow, catalog: CatalogColumns, views: Views): string | undefined {
  const columns = catalog.get(table);
  if (!columns) return "the table does not exist, or this principal may not see it";
  const view = views.get(table);
  if (view) return `this is ${view.name}, and cannot be written`;
  const missing = [key.column, column].filter((name) => !columns.has(name));
  return missing.length > 0 ? `the table has no column ${missing.join(", ")}` : undefined;
}

/** The cells' current values. Rows that cannot or need not be repaired are settled here. */
async function lookNow(warehouse: WarehouseReader, rows: readonly RepairRow[], catalog: CatalogColumns): Promise<Found[]> {
  const open = rows.filter(({ state }) => state === "repairable");
  const isHashed = (row: RepairRow) => row.masked?.includes("key") === true;
  const groups = [...Map.groupBy(open, (row) => JSON.stringify([row.table, isHashed(row)])).values()];
  const answers = await askVersions(
    warehouse,
    groups.map((group) => {
      const [first] = group as [RepairRow];
      return {
        table: first.table,
        key: first.key.column,
        hashed: isHashed(first),
        keys: [...new Set(group.map(({ key }) => key.value))],
        columns: [...new Set(group.map(({ column }) => column))],
      };
    }),
  );
  return groups.flatMap((group, index) => {
    const answer = answers[index];
    return group.flatMap((row): Found[] => {
      if (answer === undefined || "why" in answer) {
        refuse(row, `the row could not be read: ${answer?.why ?? "no answer"}`);
        return [];
      }
      const there = answer.found.get(row.key.value);
      if (there?.rows !== 1) {
        refuse(row, there ? `${there.rows} rows have this key, so it does not identify one` : "the row no longer exists");
        return [];
      }
      const value = there.values.get(row.column) ?? null;
      const shown = value !== null && row.masked?.includes("values") ? sha256(value) : value;
      if (value === null || shown !== row.now) {
        row.state = row.before !== undefined && shown === row.before ? "already" : "written-since";
        return [];
      }
      return [{ row, type: catalog.get(row.table)?.get(row.column) ?? "", key: there.key, value }];
    });
  });
}

/** The old values of cells that do point at test data, from the tables' own history. */
async function findValues(
  warehouse: WarehouseReader,
  found: readonly Found[],
  catalog: CatalogColumns,
  request: RepairRequest,
): Promise<RepairCell[]> {
  if (found.length === 0) return [];
  const { tables, testData } = request;
  const ids = new Map<string, Set<string>>();
  const seen = new Set<string>();
  const isTest = ({ row, key, value }: Found) =>
    testData.prefixes.some((prefix) => value.startsWith(prefix)) ||
    ids.get(tables[row.table]?.parents[row.column]?.table ?? "")?.has(value) === true ||
    seen.has(cellName(row, key, value));
  for (const scope of scopesOf(request)) {
    if (scope === "run" && found.every(isTest)) break;
    const { references, touched } = await planned(warehouse, request, scope);
    for (const [table, some] of references) ids.set(table, new Set([...(ids.get(table) ?? []), ...some.keys()]));
    for (const row of touched) seen.add(cellName(row, row.key.value, row.now));
  }
  for (const one of found)
    if (!isTest(one))
      refuse(
        one.row,
        `the current value is not known to be test data, so it is unknown whether a test wrote it. If the tests tracked it, run repair where the ledger of the run is: .env-actions/ledger/${request.report.runId}.jsonl`,
      );
  const open = found.filter(({ row }) => row.state === "repairable");
  const guesses = Map.groupBy(open, ({ row }) => row.table);
  const context = searchContext({
    tables,
    catalog,
    ids,
    prefixes: testData.prefixes,
    keep: testData.keep,
    // The stage knew its own start, and found that these rows are older.
    real: new Set(open.map(({ row, key }) => rowName(row.table, key))),
    limitMs: Number.POSITIVE_INFINITY,
    guesses: (table) => [...new Set(guesses.get(table)?.flatMap(({ row }) => row.version ?? []))],
  });
  const looked = await withBefore(
    warehouse,
    open.map(({ row, key, value }) => ({
      table: row.table,
      key: { column: row.key.column, value: key },
      column: row.column,
      now: value,
    })),
    context,
  );
  return open.flatMap((one, index): RepairCell[] => {
    const { before, version, why } = looked[index] as TouchedRow;
    const { row, type } = one;
    if (before === undefined) {
      refuse(row, `the old value is unknown: ${why ?? "no reason was given"}`);
      return [];
    }
    const shown = before !== null && row.masked?.includes("values") ? sha256(before) : before;
    if (row.before !== undefined && shown !== row.before) {
      refuse(row, "the table's history has another old value than the report");
      return [];
    }
    refuse(row, whyTypeNotWritable(type, before));
    if (row.state !== "repairable") return [];
    Object.assign(row, { before: shown, version });
    delete row.why;
    const key = { column: row.key.column, value: one.key };
    return [{ row, table: row.table, key, column: row.column, type, now: one.value, before }];
  });
}

/** Rows that identify themselves are found for any run and age; others only through the run's ledger. */
function scopesOf({ ledger }: RepairRequest): Scope[] {
  return ledger && ledger.rows.size > 0 ? ["all", "run"] : ["all"];
}

/** What a cleanup would find now: ids of test data, and rows that tests changed. */
async function planned(warehouse: WarehouseReader, request: RepairRequest, scope: Scope) {
  const { report, testData, now, ledger } = request;
  const runStarted = Number(report.runId.split("_")[0]);
  // Fixed accounts match suffixes and whole names too, so these count no more here than in a sweep.
  const decides = ({ prefix, suffix, equals }: Table["match"][number]) =>
    prefix === true || testData.sweep.includes(suffix ?? equals ?? "");
  const shown = Object.entries(request.tables).map(([name, table]) => [name, { ...table, match: table.match.filter(decides) }]);
  const tables: Record<string, Table> = Object.fromEntries(shown);
  const start = startOf(report.cleanup?.startVersions, runStarted);
  const asked = { scope, runId: report.runId, runStarted, testData, tables, ledger: ledger ?? parseLedger(""), now };
  return await planRows(warehouse, rowRequest({ ...asked, ...(start ? { start } : {}) }));
}

/** The start that the stage knew: a row that existed before its tests is older than them, whatever its time says. */
function startOf(versions: Record<string, number> | undefined, takenAt: number): StartState | undefined {
  return versions && { takenAt, versions: new Map(Object.entries(versions)), hadKey: () => undefined };
}

function cellName({ table, key, column }: TouchedRow, value: string, now: string): string {
  return JSON.stringify([table, key.column, value, column, now]);
}

/** Covers exactly what would be written, and where. */
function digestOf(cells: readonly RepairCell[], { environment }: RepairResult): string {
  const written = cells.map(({ table, key, column, now, before }) =>
    JSON.stringify([table, key.column, key.value, column, now, before]),
  );
  return createHash("sha256")
    .update(JSON.stringify(["repair", environment, written.sort()]))
    .digest("hex");
}
