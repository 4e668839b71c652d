import { randomBytes } from "node:crypto";
import type { CopyWarehouse, WarehouseReader } from "../../warehouse/access.ts";
import type { Row } from "../../warehouse/connection.ts";
import { WarehouseFailure } from "../../warehouse/failure.ts";
import { changeAgain } from "./again.ts";
import { kindOfSchema, recordsSchema, sqlName, sqlText, workingSchema } from "./names.ts";

/**
 * How far a refresh is, kept in its working schema, so that another process can continue it. Rows are only added.
 *
 * Every start adds a row with a higher number to `env_actions.starts`, and whoever sees a higher one than its own stops. So a process
 * that was believed dead cannot interfere with the one that took over, and of two that start together one stops.
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
  const read = await Promise.all(
    working.map(async ({ id, schema }) => {
      const reached = await unlessGone(warehouse, copy, schema, () => reachedBy(warehouse, copy, schema));
      return reached ? [{ id, reached }] : [];
    }),
  );
  return read.flat();
}

/** Does something with a schema that another start may drop at the same time. @returns undefined if it is gone */
export async function unlessGone<Result>(
  warehouse: WarehouseReader,
  copy: string,
  schema: string,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    const isStatement = error instanceof WarehouseFailure && error.kind === "statement";
    if (isStatement && !(await isThere(warehouse, copy, schema))) return undefined;
    throw error;
  }
}

export async function isThere(warehouse: WarehouseReader, copy: string, schema: string): Promise<boolean> {
  const rows = await warehouse.query(
    `SELECT schema_name FROM ${sqlName(copy, "information_schema", "schemata")} WHERE schema_name = ${sqlText(schema)}`,
  );
  return rows.length > 0;
}

async function reachedBy(warehouse: WarehouseReader, copy: string, schema: string): Promise<Reached[]> {
  const tables = await warehouse.query(
    `SELECT table_name FROM ${sqlName(copy, "information_schema", "tables")} WHERE table_schema = ${sqlText(schema)} AND table_name = ${sqlText(stateTable)}`,
  );
  if (tables.length === 0) return [];
  try {
    const rows = await warehouse.query(
      `SELECT step, unix_millis(at) AS at, detail FROM ${sqlName(copy, schema, stateTable)} ORDER BY at, number`,
    );
    return rows.map(reachedOf);
  } catch (error) {
    // Another start drops the schema, one table after another.
    if (isTableGone(error)) return [];
    throw error;
  }
}

export function isTableGone(error: unknown): boolean {
  return error instanceof WarehouseFailure && error.sqlState === "42P01";
}

function reachedOf({ step, at, detail }: Row): Reached {
  return { step: step as Step, at: Number(at), detail: JSON.parse(String(detail)) as unknown };
}

/**
 * Says that a refresh must not be continued, without being a start.
 * @returns false if a start came meanwhile, which may continue it
 */
export async function giveUpUnseen(warehouse: CopyWarehouse, copy: string, id: string): Promise<boolean> {
  const schema = workingSchema(id);
  const newest = async () => {
    const [row] = await warehouse.query(`SELECT count(*) AS starts FROM ${startsOf(copy)}`);
    return Number(row?.starts);
  };
  const done = await unlessGone(warehouse, copy, schema, async () => {
    if ((await reachedBy(warehouse, copy, schema)).length === 0) return true;
    const before = await newest();
    await changeAgain(
      warehouse,
      `INSERT INTO ${sqlName(copy, schema, stateTable)} SELECT current_timestamp(), 0, 'failed', '{}'`,
    );
    return (await newest()) === before;
  });
  return done ?? true;
}

/** Another start took over; this one must not change anything any more. */
export class TakenOver extends Error {}

/** The right to refresh a copy, until another start takes it. */
export class Start {
  readonly #warehouse: CopyWarehouse;
  readonly #copy: string;
  readonly #number: number;
  readonly #holder: string;

  private constructor(warehouse: CopyWarehouse, copy: string, number: number, holder: string) {
    this.#warehouse = warehouse;
    this.#copy = copy;
    this.#number = number;
    this.#holder = holder;
  }

  /** Takes over from every start before. */
  static async take(warehouse: CopyWarehouse, copy: string): Promise<Start> {
    const starts = startsOf(copy);
    await changeAgain(warehouse, `CREATE SCHEMA IF NOT EXISTS ${sqlName(copy, recordsSchema)}`);
    await changeAgain(warehouse, `CREATE TABLE IF NOT EXISTS ${starts} (at TIMESTAMP, number BIGINT, holder STRING)`);
    const holder = randomBytes(8).toString("hex");
    await changeAgain(
      warehouse,
      `INSERT INTO ${starts} SELECT current_timestamp(), coalesce(max(number), 0) + 1, :holder FROM ${starts}`,
      { holder },
    );
    const rows = await warehouse.query(`SELECT max(number) AS number FROM ${starts} WHERE holder = :holder`, { holder });
    return new Start(warehouse, copy, Number(rows[0]?.number), holder);
  }

  /** The state of one refresh, in its working schema, which is made unless it exists. */
  async stateOf(id: string): Promise<State> {
    const schema = workingSchema(id);
    const table = sqlName(this.#copy, schema, stateTable);
    await changeAgain(this.#warehouse, `CREATE SCHEMA IF NOT EXISTS ${sqlName(this.#copy, schema)}`);
    await changeAgain(
      this.#warehouse,
      `CREATE TABLE IF NOT EXISTS ${table} (at TIMESTAMP, number BIGINT, step STRING, detail STRING)`,
    );
    return {
      reach: (step, detail = {}) => this.#reach(table, step, detail),
      hold: () => this.hold(),
    };
  }

  /**
   * Says that a refresh must not be continued, before it is dropped: a later start might be about to.
   * @throws TakenOver if one is
   */
  async giveUp(id: string): Promise<void> {
    const schema = workingSchema(id);
    const table = sqlName(this.#copy, schema, stateTable);
    // Without a state nobody can continue it.
    await unlessGone(this.#warehouse, this.#copy, schema, async () => {
      if ((await reachedBy(this.#warehouse, this.#copy, schema)).length > 0) await this.#reach(table, "failed", {});
    }).catch((error: unknown) => {
      if (!isTableGone(error)) throw error;
    });
    await this.hold();
  }

  async #reach(table: string, step: Step, detail: unknown): Promise<void> {
    const written = await changeAgain(
      this.#warehouse,
      `INSERT INTO ${table} SELECT current_timestamp(), :number, :step, :detail WHERE NOT EXISTS (${this.#newer})`,
      { ...this.#own, step, detail: JSON.stringify(detail) },
    );
    if (written === 0) throw new TakenOver("another start continues this refresh");
    // A later start announces itself before it reads the steps, and this one looks for it after writing: so either that one sees the
    // step, or this one sees that one.
    await this.hold();
  }

  /** @throws TakenOver if another start took over */
  async hold(): Promise<void> {
    const newer = await this.#warehouse.query(`${this.#newer} LIMIT 1`, this.#own);
    if (newer.length > 0) throw new TakenOver("another start continues this refresh");
  }

  get #own() {
    return { number: this.#number, holder: this.#holder };
  }

  /** Two starts at the same moment may get the same number. */
  get #newer(): string {
    return `SELECT 1 AS newer FROM ${startsOf(this.#copy)} WHERE number > :number OR (number = :number AND holder > :holder)`;
  }
}

export interface State {
  /** Records a step. @throws TakenOver */
  reach(step: Step, detail?: unknown): Promise<void>;
  /** @throws TakenOver if another start took over */
  hold(): Promise<void>;
}

function startsOf(copy: string): string {
  return sqlName(copy, recordsSchema, "starts");
}
