import { mayHoldPerson, mayHoldSecret } from "../../config/columns.ts";
import { isProtected } from "../../config/protection.ts";
import type { Table } from "../../config/schema.ts";
import { numberText } from "../../lib/count.ts";
import { errorText } from "../../lib/error-text.ts";
import { inParallel } from "../../lib/in-parallel.ts";
import type { Amount, CleanupResult, Deletion, TableBooks } from "../../model/test-data.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { qualifiedName } from "../../warehouse/statements.ts";
import { type CatalogColumns, readCatalogColumns, readViews, type Views } from "../tables/catalog.ts";
import { type Binder, queryInBatches, storedConditionOf } from "../tables/selection.ts";
import {
  amountOf,
  attribute,
  type Counted,
  type DescribedFinding,
  describeFinding,
  detailLimit,
  parentsOfRows,
  rowsOfOtherRuns,
  samplesOf,
  touchedRows,
  unexplainedRows,
} from "./attribution.ts";
import { exactAmount, isKnown, type KnownState, sumOfAmounts, unknownAmount, zeroAmount } from "./balance.ts";
import { carryingRun, type VersionAt } from "./contents.ts";
import { type HistorySinceStart, historiesSince } from "./history.ts";
import { adviceFor } from "./judge.ts";
import type { Start } from "./start.ts";
import {
  type Finding,
  findingFromMetrics,
  findingFromRows,
  isByRunOrCleanup,
  type TableCase,
  unreadable,
  untouchedByRun,
  versionsToCount,
} from "./table.ts";

export interface BooksRequest {
  start: Start;
  runId: string;
  /** The declared tables. */
  tables: Readonly<Record<string, Table>>;
  /** `testData.principals` */
  principals: readonly string[];
  prefixes: readonly string[];
  protectedTables: readonly string[];
  protectedKeys: readonly string[];
  maxRead: number;
  /** No other client writes to this Redis. */
  exclusiveRedis: boolean;
  /** What the cleanup deleted. */
  cleanup: Pick<CleanupResult, "tables" | "kept"> | undefined;
  /** As the cleanup read it; read here if absent. */
  catalog?: { columns: CatalogColumns; views: Views };
  /** Read while the cleanup ran; what is missing is read here. */
  known?: KnownState;
}

/** Tables read in full at the same time; each is a scan. */
const comparedAtOnce = 8;

export interface TablesBalance {
  tables: TableBooks[];
  /** Whether the tables could be listed. */
  listed: boolean;
  /** The number of tables whose history was read. */
  read: number;
  versions?: { from: number; to: number };
  advice: string[];
  problems: string[];
}

/** What the run wrote into the warehouse's tables, according to their histories and rows. */
export class TableBalance {
  readonly #warehouse: WarehouseReader;
  readonly #request: BooksRequest;
  readonly #tables: TableBooks[] = [];
  readonly #problems: string[] = [];
  readonly #advice: string[] = [];
  #self: string | undefined;
  /** Histories of all tables in which something changed. */
  readonly #histories = new Map<string, { since: HistorySinceStart; from: number | undefined }>();
  /** Table → what the cleanup deleted from it. */
  readonly #deletions: ReadonlyMap<string, readonly Deletion[]>;
  /** Tables of which the cleanup kept rows, for reasons that it reports itself. */
  readonly #kept: ReadonlySet<string>;
  #columns: CatalogColumns = new Map();
  #read: { from: number; to: number }[] = [];

  constructor(warehouse: WarehouseReader, request: BooksRequest) {
    this.#warehouse = warehouse;
    this.#request = request;
    this.#deletions = new Map(request.cleanup?.tables.map(({ table, deletions }) => [table, deletions ?? []]));
    this.#kept = new Set(request.cleanup?.kept?.map(({ table }) => table));
  }

  async result(): Promise<TablesBalance> {
    let listed = this.#request.start.problem === undefined;
    if (!listed) this.#problems.push(`the tables at the start are unknown: ${this.#request.start.problem}`);
    try {
      await this.#readHistories();
      await this.#balanceAll();
    } catch (error) {
      listed = false;
      this.#problems.push(`the tables' histories could not be compared: ${errorText(error)}`);
    }
    const [from, to] = [Math.min(...this.#read.map((one) => one.from)), Math.max(...this.#read.map((one) => one.to))];
    return {
      tables: this.#tables.sort((a, b) => (a.table < b.table ? -1 : 1)),
      listed,
      read: this.#read.length,
      ...(this.#read.length > 0 ? { versions: { from, to } } : {}),
      advice: [...new Set(this.#advice)],
      problems: this.#problems,
    };
  }

  async #readHistories(): Promise<void> {
    const { start, catalog } = this.#request;
    const [columns, views] = await Promise.all([
      catalog?.columns ?? readCatalogColumns(this.#warehouse),
      catalog?.views ?? readViews(this.#warehouse),
    ]);
    this.#columns = columns;
    const tables = [...columns.keys()].filter((table) => !views.has(table));
    for (const table of start.moments.keys())
      if (!columns.has(table) || views.has(table))
        this.#unknown(table, "the table existed at the start, but no longer exists, or is no longer visible");
    const readable = tables.filter((table) => this.#startIsKnown(table));
    const known = this.#request.known?.histories;
    const unread = readable.filter((table) => !known?.has(table)).map((table) => [table, start.moments.get(table)] as const);
    const [identity, read] = await Promise.all([this.#warehouse.identity(), historiesSince(this.#warehouse, new Map(unread))]);
    this.#self = identity.principal;
    for (const table of readable) this.#take(table, known?.get(table) ?? read.get(table));
  }

  /** Whether we know the table's version at the start, or that it didn't exist then. */
  #startIsKnown(table: string): boolean {
    const { moments, unread, problem } = this.#request.start;
    if (moments.has(table)) return true;
    const why = unread.get(table);
    if (why !== undefined) this.#unknown(table, `its version at the start could not be read: ${why}`);
    // If nothing could be listed, that is reported once.
    return why === undefined && problem === undefined;
  }

  #take(table: string, since: HistorySinceStart | Error | undefined): void {
    const moment = this.#request.start.moments.get(table);
    if (since === undefined || since instanceof Error) {
      this.#unknown(table, since?.message ?? "the table's history was not read");
      return;
    }
    this.#read.push({ from: moment?.version ?? 0, to: since.to });
    if (!since.continuous && moment)
      this.#unknown(table, "the table was dropped and created again since the start, so it is unknown what happened to its rows");
    else if (since.changes.length > 0) this.#histories.set(table, { since, from: moment?.version });
  }

  #unknown(table: string, why: string): void {
    const from = this.#request.start.moments.get(table)?.version ?? null;
    const counts = { made: unknownAmount, deleted: unknownAmount, unexplained: unknownAmount, touched: unknownAmount };
    this.#tables.push({ table, from, to: null, ...counts, kept: 0, ofRun: 0, samples: [], touchedSamples: [], hangsOn: [], why });
  }

  async #balanceAll(): Promise<void> {
    const cases = [...this.#histories].map(([table, history]) => this.#caseOf(table, history));
    // Rows with the run's id belong to the run, whoever wrote them.
    const carrying = await this.#carrying(
      cases.filter(({ changes }) => changes.some(({ side, inserted }) => side === "other" && inserted !== 0)),
    );
    const findings = await this.#findAll(cases, carrying);
    const others = rowsOfOtherRuns(findings);
    for (const one of findings) this.#conclude(one, others.get(one.table.table) ?? new Set(), carrying.get(one.table.table) ?? 0);
  }

  #caseOf(name: string, { since, from }: { since: HistorySinceStart; from: number | undefined }): TableCase {
    const { runId, principals, tables } = this.#request;
    const columns = this.#columns.get(name) ?? new Map<string, string>();
    const declared = tables[name];
    const key = [declared?.key, "id"].find((column) => column !== undefined && columns.has(column)) ?? "";
    const deletions = this.#deletions.get(name) ?? [];
    const changes = attribute(since.changes, new Set(deletions.map(({ version }) => version)), {
      exclusive: principals,
      self: this.#self,
      runId,
    });
    // For undeclared tables, the column names show what must not be reported.
    const named = [...columns.keys()].filter((column) => mayHoldSecret(column) || (!declared && mayHoldPerson(column)));
    const person = new Set([...(declared?.person ?? []), ...named]);
    const parents = Object.fromEntries(Object.entries(declared?.parents ?? {}).map(([column, parent]) => [column, parent.table]));
    return { table: name, columns, key, parents, from, to: since.to, changes, deletions, person };
  }

  /** Tables that others added rows to → how many more rows carry the run's id than at the start. */
  async #carrying(cases: readonly TableCase[]): Promise<Map<string, number>> {
    const { runId } = this.#request;
    const asked = cases.flatMap((table) => [
      { table, version: table.to, sign: 1 },
      ...(table.from === undefined ? [] : [{ table, version: table.from, sign: -1 }]),
    ]);
    const answers = await queryInBatches(this.#warehouse, asked, ({ table, version }, binder) =>
      carryingRun(this.#warehouse, table, version, binder.bind(runId)),
    );
    const failed = new Map(answers.failed.map(({ item, why }) => [item.table.table, why]));
    for (const [table, why] of failed) this.#problems.push(`it could not be read whether ${table} has rows of this run: ${why}`);
    const counts = new Map<string, number>();
    for (const { item, row } of answers.rows)
      counts.set(item.table.table, (counts.get(item.table.table) ?? 0) + item.sign * Number(row.n));
    return new Map([...counts].filter(([table, more]) => more > 0 && !failed.has(table)));
  }

  async #findAll(cases: readonly TableCase[], carrying: ReadonlyMap<string, number>): Promise<DescribedFinding[]> {
    const selected = await this.#countSelected(cases.filter(({ changes }) => changes.some(isByRunOrCleanup)));
    return await inParallel(comparedAtOnce, cases, async (table) => {
      const finding = await this.#find(table, selected.get(table.table) ?? new Map(), Boolean(carrying.get(table.table)));
      try {
        return await describeFinding(this.#warehouse, table, finding, this.#request);
      } catch (error) {
        return { table, finding: unreadable(errorText(error)), made: new Map(), changed: new Map() };
      }
    });
  }

  async #find(table: TableCase, selected: ReadonlyMap<VersionAt, number>, carries: boolean): Promise<Finding> {
    if (!table.changes.some(isByRunOrCleanup) && !carries) return untouchedByRun();
    const fromMetrics = carries ? undefined : findingFromMetrics(table, selected, table.from);
    if (fromMetrics && fromMetrics.unexplained.most === 0) return fromMetrics;
    try {
      const found = await findingFromRows(this.#warehouse, table, this.#request.maxRead);
      // We don't know which rows these are, only how many.
      return fromMetrics && !found.rows
        ? { ...found, ...fromMetrics, ...(isKnown(fromMetrics.unexplained) ? { why: undefined } : {}) }
        : found;
    } catch (error) {
      return fromMetrics ? { ...fromMetrics, why: errorText(error) } : unreadable(errorText(error));
    }
  }

  /** Table → version → how many rows the cleanup's deletes select there. */
  async #countSelected(cases: readonly TableCase[]): Promise<Map<string, Map<VersionAt, number>>> {
    const counts = new Map<string, Map<VersionAt, number>>();
    const note = ({ table }: TableCase, version: number, rows: number) =>
      counts.set(table, (counts.get(table) ?? new Map<VersionAt, number>()).set(version, rows));
    const asked = cases.flatMap((table) =>
      versionsToCount(table).flatMap((version) => {
        // The count read in advance is for one delete; with a second one, more rows are selected.
        const known = table.deletions.length === 1 ? this.#request.known?.selectedAtStart.get(table.table) : undefined;
        if (version !== table.from || known === undefined) return [{ table, version }];
        note(table, version, known);
        return [];
      }),
    );
    const { rows } = await queryInBatches(this.#warehouse, asked, ({ table, version }, binder: Binder) => {
      const condition = storedConditionOf(table.deletions, table.columns, binder);
      return {
        columns: "count(*) AS n",
        from: `${qualifiedName(this.#warehouse.catalog, table.table)} VERSION AS OF ${version} WHERE ${condition}`,
      };
    });
    for (const { item, row } of rows) note(item.table, item.version, Number(row.n));
    return counts;
  }

  #conclude(described: DescribedFinding, others: ReadonlySet<string>, carrying: number): void {
    const { table, finding } = described;
    const { tables, prefixes } = this.#request;
    const isKept = isProtected(table.table, this.#request.protectedTables);
    const [found, changed] = [unexplainedRows(described, others), touchedRows(described, others)];
    // Rows that tests write into a protected table stay there by design.
    const left: Counted = isKept ? { certain: [], doubtful: [] } : found;
    const rows = finding.rows !== undefined;
    const unexplained = isKept
      ? zeroAmount
      : rows
        ? sumOfAmounts([amountOf(left), finding.unexplained])
        : atLeast(finding.unexplained, carrying);
    const touched = finding.changed ? sumOfAmounts([amountOf(changed), finding.touched]) : finding.touched;
    const ofRun = isKept ? 0 : rows ? left.certain.filter(({ details }) => details?.ofRun).length : carrying;
    const kept = !isKept ? 0 : rows ? (amountOf(found).most ?? 0) : finding.unexplained.least;
    const foreign = left.certain.flatMap(({ row }) =>
      row.origin !== "start" && row.origin.side === "other" ? [row.origin.user] : [],
    );
    if (isNone(finding) && unexplained.most === 0 && touched.most === 0) return;
    for (const user of new Set(foreign))
      this.#advice.push(`${user} writes rows of this run, but testData.principals does not list it: add it if only tests use it`);
    if (unexplained.most !== 0)
      this.#advice.push(
        ...adviceFor({ table, declared: table.table in tables, rows: left, prefixes, kept: this.#kept.has(table.table) }),
      );
    const doubtful = [...left.doubtful, ...changed.doubtful];
    const shared = doubtful.some(({ details }) => details !== undefined);
    const unread =
      doubtful.length > 0 && !shared
        ? `more than ${numberText(detailLimit)} of its rows changed, more than are checked one by one`
        : undefined;
    const why = finding.why ?? (shared ? this.#whyShared(table) : unread);
    if (shared) this.#advice.push(this.#adviceOnPrincipals(table));
    this.#tables.push({
      table: table.table,
      from: table.from ?? null,
      to: table.to,
      made: foreign.length > 0 ? sumOfAmounts([finding.made, exactAmount(foreign.length)]) : finding.made,
      deleted: finding.deleted,
      unexplained,
      kept,
      ofRun,
      touched,
      samples: samplesOf(left, table),
      touchedSamples: samplesOf(changed, table),
      hangsOn: parentsOfRows(left, table),
      ...(why === undefined ? {} : { why }),
    });
  }

  #whyShared(table: TableCase): string {
    const users = sharedUsers(table).join(", ");
    return this.#request.principals.length > 0
      ? `others may also sign in as ${users}, so these rows may be theirs`
      : `testData.principals does not say who writes for the tests, so rows of ${users} may belong to this run or to someone else`;
  }

  #adviceOnPrincipals(table: TableCase): string {
    if (this.#request.principals.length > 0)
      return "give the tests their own principal, which nothing else uses, and list it in testData.principals";
    return `list in testData.principals the principals that write only for the tests: those of the application under test, the tests and the cleanup (${sharedUsers(table).join(", ")} wrote here)`;
  }
}

function sharedUsers({ changes }: TableCase): string[] {
  return [...new Set(changes.filter(({ side }) => side === "shared").map(({ user }) => user))];
}

function isNone({ made, deleted }: Finding): boolean {
  return made.most === 0 && deleted.most === 0;
}

/** Rows that carry the run's id are the run's, even if little else is known. */
function atLeast({ least, most }: Amount, carrying: number): Amount {
  if (carrying === 0) return { least, most };
  return { least: Math.max(least, carrying), most: most === null ? null : Math.max(most, carrying) };
}
