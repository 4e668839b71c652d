import type { Table } from "../../config/schema.ts";
import { count } from "../../lib/count.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import type { Row } from "../../warehouse/connection.ts";
import { clockToleranceMs } from "../ownership/age.ts";
import { type Judged, type JudgedRow, type JudgingContext, judgeAll, namesOf, type References } from "../ownership/judging.ts";
import { Presence } from "../ownership/presence.ts";
import { type Settled, settle } from "../ownership/settling.ts";
import {
  addRow,
  instantOf,
  markAnswered,
  newTableScan,
  type Question,
  questionText,
  type TableScan,
  type TableScanRequest,
  valuesNotYetAsked,
} from "../ownership/table-scan.ts";
import { emptySelection, isEmpty, queryInBatches, select } from "../tables/selection.ts";
import { type PlanRequest, type RowPlan, type TableDeletion, type TablePlan, tableDeletionOf } from "./table-plans.ts";

interface Fetched {
  fetched: Map<TableScan, Row[]>;
  /** Table name → why. */
  unreadable: Map<string, string>;
}

/** A refused plan still says how many rows it would have, up to this number. */
const fewestFetched = 20_000;

export interface SearchRequest extends TableScanRequest {
  /** Position of each table in the graph, parents first. */
  order: ReadonlyMap<string, number>;
}

/**
 * Finds test data in all tables. The first round asks every table for directly matched rows. Each further round asks the tables
 * that depend on what was found, until nothing new turns up. After each round the rule of `ownership/ownership.ts` is applied to
 * every row. So the number of rounds grows with the dependency depth, not with the number of tables. Proof from the tables'
 * histories is fetched during the next round.
 */
export class Search {
  readonly #warehouse: WarehouseReader;
  readonly #looking: SearchRequest;
  readonly #plan: RowPlan;
  readonly #earlier: References;
  readonly #presence: Presence;
  /** Every table that can be read. */
  readonly #scans = new Map<string, TableScan>();
  #next: Question[];
  #judged: Judged;
  #settled: { settled: Settled; going: TableDeletion[] } | undefined;
  #signature: string;
  #changes = 0;
  #stopped = false;

  /**
   * @param plan receives tables that cannot be read or have too many rows
   * @param earlier ids from an earlier search: the first round also asks for what depends on them
   */
  constructor(warehouse: WarehouseReader, looking: SearchRequest, plan: RowPlan, earlier: References) {
    this.#warehouse = warehouse;
    this.#looking = looking;
    this.#plan = plan;
    this.#earlier = earlier;
    const { declared, catalog, request } = looking;
    this.#presence = new Presence(warehouse, declared, catalog, request.start, {
      started: request.bornAfter,
      alone: request.scope === "run",
    });
    for (const name of Object.keys(declared)) this.#scans.set(name, newTableScan(name, looking));
    for (const [name, ids] of request.known)
      if (declared[name]?.key) for (const id of ids) this.#presence.want(name, { key: id }, request.bornAfter);
    this.#judged = { rows: new Map(), known: earlier };
    this.#signature = signatureOf(this.#judged);
    this.#next = this.#questions();
  }

  get scans(): TableScan[] {
    return [...this.#scans.values()];
  }

  get done(): boolean {
    return this.#stopped || (this.#next.length === 0 && !this.#presence.isWaiting);
  }

  /** The next round asks only how old rows are, which seldom changes what was found. */
  get onlyProves(): boolean {
    return this.#next.length === 0;
  }

  /** Changes whenever something new was found. */
  get changes(): number {
    return this.#changes;
  }

  get known(): References {
    return this.#judged.known;
  }

  /** Table → the keys of its rows that were found, including those that are kept. */
  get seenKeys(): ReadonlyMap<string, ReadonlySet<string>> {
    return new Map([...this.#scans].map(([name, { keys }]) => [name, keys]));
  }

  get rows(): JudgedRow[] {
    return [...this.#judged.rows.values()].flat();
  }

  get settled(): Settled {
    return this.#outcome.settled;
  }

  get going(): TableDeletion[] {
    return this.#outcome.going;
  }

  get found(): TablePlan[] {
    return this.going.map(({ plan }) => plan);
  }

  /** Tables with rows that a later sweep, which has no ledger, couldn't find directly or through dependencies. */
  get doubtful(): Set<string> {
    const { request } = this.#looking;
    const going = new Map(this.going.map((one) => [one.scan.name, one]));
    // For keys from the ledger or an earlier search, the rows may be gone.
    const knowsMore = ({ name }: TableScan) =>
      [...(request.known.get(name) ?? []), ...(this.#earlier.get(name)?.keys() ?? [])].some(
        (id) => !going.get(name)?.keys.has(id),
      );
    return new Set(
      [...this.#scans.values()].filter((scan) => going.get(scan.name)?.hasLoneRows || knowsMore(scan)).map(({ name }) => name),
    );
  }

  /**
   * `RowPlan.searchAgainFrom`. A row that comes back while a run's data is deleted is not older than the run, or than what was
   * found before. A table with kept rows is searched completely again, because the report takes what it says about them from
   * the last search.
   */
  searchAgainFrom(earlier: RowPlan | undefined): Map<string, number> {
    const { scope, bornAfter } = this.#looking.request;
    const going = new Map(this.going.map((one) => [one.scan, one.plan]));
    const from = new Map<string, number>();
    for (const scan of scope === "run" ? this.scans : []) {
      const [plan, before] = [going.get(scan), earlier?.searchAgainFrom.get(scan.name)];
      const during = plan?.selection.during;
      const keepsRows = (this.#judged.rows.get(scan.name)?.length ?? 0) !== (plan?.rows ?? 0);
      if (instantOf(scan) === undefined || (earlier && before === undefined) || keepsRows || (plan && !during)) continue;
      from.set(scan.name, Math.min(before ?? bornAfter - clockToleranceMs, during?.from ?? Number.POSITIVE_INFINITY));
    }
    return from;
  }

  /** Nothing is deleted from a table whose content is not certain, nor from those through which its rows are found. */
  leaveOut(table: string, why: string): void {
    this.#scans.delete(table);
    this.#plan.unreadable.push({ table, why });
    this.#next = this.#questions();
  }

  /** Reads every row that these selections would delete, because another row may have the same key. */
  widen(tables: readonly TablePlan[]): void {
    this.#next = tables.flatMap(({ table, selection }): Question[] => {
      const scan = this.#scans.get(table);
      return scan ? [{ scan, asked: selection }] : [];
    });
  }

  /** @throws WarehouseFailure */
  async round(): Promise<void> {
    const { request } = this.#looking;
    const round = this.#next;
    const most = Math.max(request.maxRows, fewestFetched);
    const [{ fetched, unreadable }] = await Promise.all([this.#fetch(round, most), this.#presence.ask()]);
    for (const [name, why] of unreadable) {
      this.#scans.delete(name);
      this.#plan.unreadable.push({ table: name, why });
    }
    this.#judge();
    const crowded = round.filter(({ scan }) => !unreadable.has(scan.name) && scan.candidates.length > most);
    // What is deleted is only worked out when it is needed.
    const going = crowded.length === 0 ? undefined : new Map(this.going.map(({ plan }) => [plan.table, plan.rows]));
    for (const { scan } of crowded) {
      const rows = going?.get(scan.name) ?? 0;
      if (rows > most)
        this.#stop(
          scan.name,
          `${scan.name} alone has more than ${most} rows of test data; testData.maxRows is ${request.maxRows}`,
          `it has more than ${most} rows of test data`,
        );
      // Rows that are kept because of their age also fill the answer, so rows to delete may be missing from it.
      else if ((fetched.get(scan)?.length ?? 0) > most)
        this.#stop(
          scan.name,
          `${scan.name} has more than ${most} rows that look like test data (kept ones included), and only ${most} were fetched, so the plan is incomplete: raise testData.maxRows (${request.maxRows})`,
          `more than ${most} of its rows look like test data`,
        );
    }
    this.#next = this.#stopped ? [] : this.#questions();
  }

  #stop(table: string, blocker: string, why: string): void {
    this.#plan.blockers.push(blocker);
    this.#plan.unreadable.push({ table, why });
    this.#stopped = true;
  }

  get #outcome(): { settled: Settled; going: TableDeletion[] } {
    const { request, order } = this.#looking;
    this.#settled ??= (() => {
      const settled = settle(this.#judged, request);
      const going = [...this.#judged.rows.values()].flatMap((rows): TableDeletion[] => {
        const [leaving, staying] = [true, false].map((goes) => rows.filter((row) => settled.going.has(row) === goes));
        const [first] = leaving ?? [];
        return first ? [tableDeletionOf(first.scan, { rows: leaving ?? [], staying: staying ?? [] }, request, order)] : [];
      });
      const owners = new Set(going.flatMap((one) => [...one.owners]));
      for (const { plan } of going) plan.ownsRows = owners.has(plan.table) || request.countedWhole.has(plan.table);
      return { settled, going };
    })();
    return this.#settled;
  }

  #judge(): void {
    const { request, order } = this.#looking;
    const context: JudgingContext = {
      order: [...order.keys()],
      scans: this.#scans,
      request,
      presence: this.#presence,
      earlier: this.#earlier,
    };
    this.#judged = judgeAll(context);
    this.#settled = undefined;
    for (const row of this.rows)
      for (const moment of row.judgement.asks)
        for (const named of namesOf(row)) this.#presence.want(row.scan.name, named, moment);
    const now = signatureOf(this.#judged);
    if (now !== this.#signature) this.#changes++;
    this.#signature = now;
  }

  /** The open questions to every table that can be read. */
  #questions(): Question[] {
    const { request } = this.#looking;
    return [...this.#scans.values()].flatMap((scan): Question[] => {
      const { name, table } = scan;
      const asked = emptySelection(scan.types);
      if (table.key !== "") {
        const ids = [...(request.known.get(name) ?? []), ...(this.#earlier.get(name)?.keys() ?? [])];
        select(asked, table.key, valuesNotYetAsked(scan, table.key, ids));
      }
      for (const [column, parent] of Object.entries(table.parents))
        select(asked, column, valuesNotYetAsked(scan, column, this.#judged.known.get(parent.table)?.keys() ?? []));
      return scan.begun && isEmpty(asked) ? [] : [{ scan, asked }];
    });
  }

  /** Usually one round trip. A second one for tables with too many rows, if some may be kept because of their age. */
  async #fetch(round: readonly Question[], most: number): Promise<Fetched> {
    if (round.length === 0) return { fetched: new Map(), unreadable: new Map() };
    const { request } = this.#looking;
    const all = await this.#ask(round, most, undefined);
    const crowded = round.filter(({ scan }) => scan.begun === undefined && (all.fetched.get(scan)?.length ?? 0) > most);
    const older = request.scope === "expired" && crowded.length > 0 ? await this.#ask(crowded, most, request) : undefined;
    for (const { scan } of older ? crowded : []) all.fetched.set(scan, older?.fetched.get(scan) ?? []);
    for (const question of round) markAnswered(question, older && crowded.includes(question) ? "older" : "all");
    for (const [scan, rows] of all.fetched) for (const row of rows) addRow(scan, row, request.now);
    return { fetched: all.fetched, unreadable: new Map([...all.unreadable, ...(older?.unreadable ?? [])]) };
  }

  async #ask(round: readonly Question[], most: number, older: PlanRequest | undefined): Promise<Fetched> {
    const width = Math.max(...round.map(({ scan }) => scan.columns.length));
    const { request } = this.#looking;
    const { rows, failed } = await queryInBatches(this.#warehouse, round, (question, binder) =>
      questionText(this.#warehouse, question, { width, limit: most + 1, older }, binder, request),
    );
    const fetched = new Map<TableScan, Row[]>();
    for (const { item, row } of rows) {
      const known = fetched.get(item.scan);
      if (known) known.push(row);
      else fetched.set(item.scan, [row]);
    }
    return { fetched, unreadable: new Map(failed.map(({ item, why }) => [item.scan.name, why])) };
  }
}

/**
 * Changes whenever other rows are deleted or other ids are known. Tables without known ids are left out, because an earlier
 * search doesn't list them.
 */
function signatureOf({ rows, known }: Judged): string {
  const standings = [...rows].map(([table, judged]) => `${table} ${judged.map(({ judgement }) => judgement.standing).join()}`);
  const ids = [...known].flatMap(([table, { size }]) => (size > 0 ? [`${table} ${size}`] : []));
  return [...standings.filter((line) => !line.endsWith(" ")), ...ids.sort()].join("\n");
}

/**
 * Reports ledger lines that cannot be followed: for undeclared tables, whose rows are kept, and for rows that don't exist: a test
 * may have deleted its row itself, or the line is wrong.
 * @param found table → the keys of its rows that were found, including those that are kept
 */
export function reportLedger(
  declared: Readonly<Record<string, Table>>,
  request: PlanRequest,
  found: ReadonlyMap<string, ReadonlySet<string>>,
  plan: RowPlan,
): void {
  for (const [name, keys] of found) {
    const missing = [...(request.known.get(name) ?? [])].filter((id) => !keys.has(id));
    if (missing.length > 0)
      plan.notes.push(
        `${name}: ${count(missing.length, "row", "rows")} that the ledger names ${missing.length === 1 ? "was" : "were"} not found: the tests deleted ${missing.length === 1 ? "it" : "them"}, or the ledger names the wrong table or id`,
      );
  }
  // Not `in`: a test may use the name of a member that every object has.
  for (const [table, ids] of request.known)
    if (!Object.hasOwn(declared, table))
      plan.problems.push(
        `the ledger names ${count(ids.size, "row")} of ${table}, which is not a table that cleanup may delete from: they are kept`,
      );
}
