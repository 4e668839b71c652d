import { randomBytes } from "node:crypto";
import type { CopyWarehouse, WarehouseReader } from "../../warehouse/access.ts";
import type { Row } from "../../warehouse/connection.ts";
import { kindOfSchema, sqlName, sqlText, workingSchema } from "./names.ts";

/**
 * How far a refresh is, kept in its working schema, so that another process can continue it. Rows are only added. Each start adds a
 * row `start` with a higher number, and whoever sees a higher one than its own stops: so a process that was believed dead cannot
 * interfere with the one that took over.
 */

export const stateTable = "env_actions_state";

const steps = [
  "start",
  "begun",
  "pinned",
  "descended",
  "selected",
  "mapped",
  "built",
  "checked",
  "switching",
  "switched",
  "failed",
] as const;
export type Step = (typeof steps)[number];

export interface Reached {
  step: Step;
  /** Milliseconds since 1970, by the warehouse's clock. */
  at: number;
  detail: unknown;
}

/** A refresh whose working schema exists. */
export interface Unfinished {
  id: string;
  /** Oldest first. Empty if it was killed before its first step. */
  reached: readonly Reached[];
}

export function detailOf<Detail>(unfinished: Unfinished, step: Step): Detail | undefined {
  return unfinished.reached.findLast((one) => one.step === step)?.detail as Detail | undefined;
}

export function hasReached({ reached }: Unfinished, step: Step): boolean {
  return reached.some((one) => one.step === step);
}

/** Schemas of earlier refreshes in the copy, oldest first. */
export async function refreshSchemas(warehouse: WarehouseReader, copy: string) {
  const rows = await warehouse.query(
    `SELECT schema_name FROM ${sqlName(copy, "information_schema", "schemata")} WHERE startswith(schema_name, 'env_actions_')`,
  );
  return rows
    .flatMap((row) => {
      const schema = String(row.schema_name);
      const kind = kindOfSchema(schema);
      return kind ? [{ schema, ...kind }] : [];
    })
    .sort((a, b) => a.begunAt - b.begunAt);
}

/** The refreshes that did not come to an end, oldest first. */
export async function unfinishedRefreshes(warehouse: WarehouseReader, copy: string): Promise<Unfinished[]> {
  const working = (await refreshSchemas(warehouse, copy)).filter(({ kind }) => kind === "working");
  return await Promise.all(working.map(async ({ id }) => ({ id, reached: await reachedBy(warehouse, copy, id) })));
}

async function reachedBy(warehouse: WarehouseReader, copy: string, id: string): Promise<Reached[]> {
  const schema = workingSchema(id);
  const tables = await warehouse.query(
    `SELECT table_name FROM ${sqlName(copy, "information_schema", "tables")} WHERE table_schema = ${sqlText(schema)} AND table_name = ${sqlText(stateTable)}`,
  );
  if (tables.length === 0) return [];
  const rows = await warehouse.query(
    `SELECT step, unix_millis(at) AS at, detail FROM ${sqlName(copy, schema, stateTable)} ORDER BY at, number`,
  );
  return rows.map(reachedOf);
}

function reachedOf({ step, at, detail }: Row): Reached {
  return { step: step as Step, at: Number(at), detail: JSON.parse(String(detail)) as unknown };
}

/** Another start took over; this one must not change anything any more. */
export class TakenOver extends Error {}

/** Writes the state, for one start. */
export class State {
  readonly #warehouse: CopyWarehouse;
  readonly #table: string;
  readonly #number: number;
  readonly #holder: string;

  private constructor(warehouse: CopyWarehouse, table: string, number: number, holder: string) {
    this.#warehouse = warehouse;
    this.#table = table;
    this.#number = number;
    this.#holder = holder;
  }

  /** Makes the working schema and its state, unless they exist, and takes over. */
  static async take(warehouse: CopyWarehouse, copy: string, id: string): Promise<State> {
    const schema = workingSchema(id);
    const table = sqlName(copy, schema, stateTable);
    await warehouse.change(`CREATE SCHEMA IF NOT EXISTS ${sqlName(copy, schema)}`, {}, { again: true });
    await warehouse.change(
      `CREATE TABLE IF NOT EXISTS ${table} (at TIMESTAMP, number BIGINT, holder STRING, step STRING, detail STRING)`,
      {},
      { again: true },
    );
    const holder = randomBytes(8).toString("hex");
    await warehouse.change(
      `INSERT INTO ${table} SELECT current_timestamp(), coalesce(max(number), 0) + 1, :holder, 'start', '{}' FROM ${table}`,
      { holder },
      { again: true },
    );
    const rows = await warehouse.query(`SELECT max(number) AS number FROM ${table} WHERE holder = :holder`, { holder });
    return new State(warehouse, table, Number(rows[0]?.number), holder);
  }

  /** Records a step. @throws TakenOver */
  async reach(step: Step, detail: unknown = {}): Promise<void> {
    const written = await this.#warehouse.change(
      `INSERT INTO ${this.#table} SELECT current_timestamp(), :number, :holder, :step, :detail WHERE NOT EXISTS (SELECT 1 FROM ${this.#table} WHERE ${this.#newer})`,
      { ...this.#own, step, detail: JSON.stringify(detail) },
      { again: true },
    );
    if (written === undefined) await this.hold();
    else if (written === 0) throw new TakenOver("another start continues this refresh");
  }

  /** @throws TakenOver if another start took over */
  async hold(): Promise<void> {
    const newer = await this.#warehouse.query(`SELECT number FROM ${this.#table} WHERE ${this.#newer} LIMIT 1`, this.#own);
    if (newer.length > 0) throw new TakenOver("another start continues this refresh");
  }

  get #own() {
    return { number: this.#number, holder: this.#holder };
  }

  /** Two starts at the same moment may get the same number. */
  get #newer(): string {
    return "step = 'start' AND (number > :number OR (number = :number AND holder > :holder))";
  }
}
