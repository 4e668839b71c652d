import type { Table } from "../config/schema.ts";
import type { WarehouseReader } from "../warehouse/access.ts";
import type { Row } from "../warehouse/connection.ts";
import { type KnownIds, type Look, type LookRequest, lookAt, lookFurther, questionOf, rowTaker, widthOf } from "./look.ts";
import type { PlanRequest, RowPlan, TablePlan } from "./row-plan.ts";
import { askTogether } from "./together.ts";

const none: ReadonlySet<string> = new Set();

interface Fetched {
  fetched: Map<Look, Row[]>;
  /** Name of the table → why. */
  unreadable: Map<string, string>;
}

/** A plan that is refused still says how many rows it would have; above this it only says that they are more. */
const fewestFetched = 20_000;

/**
 * Finds what is test data in all tables. Every table is asked at once, by what shows by itself; then those that hang on what was
 * found are asked again, until nothing new turns up: as many rounds as rows are deep, however many tables there are.
 */
export class Search {
  readonly #warehouse: WarehouseReader;
  readonly #looking: LookRequest;
  readonly #plan: RowPlan;
  readonly #verified: KnownIds;
  readonly #ids: Map<string, ReadonlySet<string>>;
  /** The last look at each table that could be read. */
  readonly #looks = new Map<string, Look>();
  /** The ids of its parents that a table was asked about. */
  readonly #asked = new Map<string, readonly ReadonlySet<string>[]>();
  #next: readonly string[];
  #changes = 0;

  /**
   * @param plan is told of tables that cannot be read, and of those that have too much.
   * @param verified ids that an earlier look found: what hangs on them is asked for in the first round.
   */
  constructor(warehouse: WarehouseReader, looking: LookRequest, plan: RowPlan, verified: KnownIds) {
    this.#warehouse = warehouse;
    this.#looking = looking;
    this.#plan = plan;
    this.#verified = verified;
    this.#ids = new Map(verified);
    this.#next = Object.keys(looking.declared);
  }

  get done(): boolean {
    return this.#next.length === 0;
  }

  /** Another number whenever something new was found. */
  get changes(): number {
    return this.#changes;
  }

  get ids(): KnownIds {
    return this.#ids;
  }

  /** Of them, those of rows that were found and taken, or that an earlier plan had taken. What is only claimed is not among them. */
  acceptedIds(earlier: KnownIds | undefined): Map<string, Set<string>> {
    const accepted = [...this.#ids].map(([table, ids]) => {
      const keys = this.#looks.get(table)?.keys;
      return [table, new Set([...ids].filter((id) => keys?.has(id) || earlier?.get(table)?.has(id)))] as const;
    });
    return new Map(accepted);
  }

  get looks(): Look[] {
    return [...this.#looks.values()];
  }

  get found(): TablePlan[] {
    return this.looks.map((look) => look.found).filter((table) => table.rows > 0);
  }

  /** Tables with rows that a later sweep, which has no ledger, would not find by themselves nor by what they hang on. */
  get doubtful(): Set<string> {
    // Of keys that the ledger claims, or an earlier look found, the rows may be gone.
    const knowsMore = ({ inherited, table, keys }: Look) =>
      [...(inherited.values.get(table.key) ?? [])].some((id) => !keys.has(id));
    return new Set(this.looks.filter((look) => look.alone.size > 0 || knowsMore(look)).map(({ name }) => name));
  }

  /** @throws WarehouseFailure */
  async round(): Promise<void> {
    const { declared, request } = this.#looking;
    const round = this.#next.map((name) => this.#look(name));
    const before = new Map(round.map((look) => [look, look.found.rows]));
    const most = Math.max(request.maxRows, fewestFetched);
    const { fetched, unreadable } = await this.#fetch(round, most);
    for (const [look, rows] of fetched) {
      const take = rowTaker(look, request);
      for (const row of rows) take(row);
    }
    for (const look of round) {
      const why = unreadable.get(look.name);
      if (why !== undefined) {
        this.#looks.delete(look.name);
        this.#plan.unreadable.push({ table: look.name, why });
        continue;
      }
      this.#looks.set(look.name, look);
      if (look.found.rows !== before.get(look)) this.#changes++;
      this.#remember(look);
    }
    const tooMany = round.filter((look) => look.found.rows > most);
    for (const { name } of tooMany) {
      this.#plan.blockers.push(`${name} alone has more than ${most} rows of test data; testData.maxRows is ${request.maxRows}`);
      this.#plan.unreadable.push({ table: name, why: `it has more than ${most} rows of test data` });
    }
    // Rows that are kept, for their age, fill the answer as well: what should go may be among those that it left out.
    const cutOff = round.filter((look) => (fetched.get(look)?.length ?? 0) > most && !tooMany.includes(look));
    for (const { name } of cutOff) {
      this.#plan.blockers.push(
        `${name} has more than ${most} rows that look like test data, with those that are kept, and no more are fetched, so that not all were looked at: set testData.maxRows (${request.maxRows}) above their number`,
      );
      this.#plan.unreadable.push({ table: name, why: `more than ${most} of its rows look like test data` });
    }
    const behind = (name: string) => this.#looks.has(name) && this.#isBehind(name, declared);
    this.#next = tooMany.length + cutOff.length > 0 ? [] : Object.keys(declared).filter(behind);
  }

  /** One round trip; a second one for tables that have too many rows, where those may be rows that are kept for their age. */
  async #fetch(round: readonly Look[], most: number): Promise<Fetched> {
    const all = await this.#ask(round, most, undefined);
    const { request } = this.#looking;
    const crowded = round.filter((look) => !look.begun && (all.fetched.get(look)?.length ?? 0) > most);
    if (request.scope !== "expired" || crowded.length === 0) return all;
    const older = await this.#ask(crowded, most, request);
    for (const look of crowded) all.fetched.set(look, older.fetched.get(look) ?? []);
    return { fetched: all.fetched, unreadable: new Map([...all.unreadable, ...older.unreadable]) };
  }

  async #ask(round: readonly Look[], most: number, older: PlanRequest | undefined): Promise<Fetched> {
    const width = Math.max(...round.map(widthOf));
    const { rows, failed } = await askTogether(this.#warehouse, round, (look, binder) =>
      questionOf(this.#warehouse, look, { width, limit: most + 1, older }, binder),
    );
    const fetched = new Map<Look, Row[]>();
    for (const { item: look, row } of rows) {
      const known = fetched.get(look);
      if (known) known.push(row);
      else fetched.set(look, [row]);
    }
    return { fetched, unreadable: new Map(failed.map(({ item, why }) => [item.name, why])) };
  }

  #look(name: string): Look {
    const [before, verified] = [this.#looks.get(name), this.#verified.get(name) ?? none];
    this.#asked.set(name, parentIds(this.#looking.declared, name, this.#ids));
    return before ? lookFurther(before, this.#ids, verified, this.#looking) : lookAt(name, this.#ids, verified, this.#looking);
  }

  /** Which ids of a table others may hang on. Replaced only where they are others, so that sameness tells whether to look again. */
  #remember(look: Look): void {
    const verified = this.#verified.get(look.name) ?? none;
    const others = (id: string) => look.refused.has(id) || look.renewed.has(id);
    const now = new Set([...verified, ...look.claimed, ...look.keys].filter((id) => !others(id)));
    const before = this.#ids.get(look.name) ?? none;
    if (now.size === before.size && [...now].every((id) => before.has(id))) return;
    this.#ids.set(look.name, now);
    this.#changes++;
  }

  #isBehind(name: string, declared: Readonly<Record<string, Table>>): boolean {
    const asked = this.#asked.get(name);
    return parentIds(declared, name, this.#ids).some((ids, index) => ids !== asked?.[index]);
  }
}

function parentIds(declared: Readonly<Record<string, Table>>, name: string, ids: KnownIds): ReadonlySet<string>[] {
  return Object.values(declared[name]?.parents ?? {}).map((parent) => ids.get(parent) ?? none);
}
