import type { WritingPorts } from "../../src/cleanup/execute/execute.ts";
import type { Table } from "../../src/config/schema.ts";
import type { TestDataWarehouse } from "../../src/warehouse/access.ts";
import type { Parameters, Row } from "../../src/warehouse/connection.ts";
import { WarehouseFailure } from "../../src/warehouse/failure.ts";
import { environmentOf, runStarted, table } from "./test-stores.ts";

/** A table of the recorded warehouse: column → its type, and its rows, whose times are in Unix milliseconds. */
interface RecordedTable {
  types: Record<string, string>;
  rows: Record<string, string | number>[];
}

export interface SentStatement {
  /** The round in which it was sent; see {@link RecordedWarehouse.rounds}. */
  round: number;
  kind: "catalog" | "search" | "count" | "version" | "history" | "delete" | "other";
  sql: string;
}

/**
 * A warehouse in memory that knows the statements of a cleanup and nothing else. Time stands still while anything is running, then
 * all statements that wait are answered together. So the number of rounds is the longest chain of statements that wait for each
 * other: what a cleanup takes where each statement takes equally long.
 */
export class RecordedWarehouse implements TestDataWarehouse {
  readonly catalog = "recorded";
  readonly sent: SentStatement[] = [];
  rounds = 0;
  /** Tables that are younger than any moment that is asked about, so that they have no version before it. */
  readonly young = new Set<string>();
  /** Table → keys of rows that every version has. All others were created after any moment that is asked about. */
  readonly older = new Map<string, readonly string[]>();
  readonly #tables: ReadonlyMap<string, RecordedTable>;
  readonly #deletions = new Map<string, number[]>();
  #waiting: (() => void)[] = [];

  constructor(tables: ReadonlyMap<string, RecordedTable>) {
    this.#tables = tables;
  }

  get rowsLeft(): number {
    return [...this.#tables.values()].reduce((sum, { rows }) => sum + rows.length, 0);
  }

  query = async (sql: string, parameters: Parameters = {}): Promise<Row[]> => {
    await this.#answered(sql);
    return this.#answer(sql, parameters);
  };

  deleteRows: TestDataWarehouse["deleteRows"] = async ({ table: name, columns }) => {
    await this.#answered(`DELETE FROM ${name}`);
    const of = this.#table(name);
    const values = columns.map(({ column, values: list }) => ({ column, list: new Set(list) }));
    const kept = of.rows.filter((row) => !values.some(({ column, list }) => list.has(String(row[column]))));
    const gone = of.rows.length - kept.length;
    of.rows = kept;
    this.#deletions.set(name, [...(this.#deletions.get(name) ?? []), gone]);
    return gone;
  };

  identity: TestDataWarehouse["identity"] = async () => ({
    host: "localhost",
    catalog: this.catalog,
    principal: "runner@school.example",
    serverTime: undefined,
  });

  restoreRows = unexpected;
  tryRestoring = unexpected;
  writeCells = unexpected;

  async close(): Promise<void> {}

  async #answered(sql: string): Promise<void> {
    this.sent.push({ round: this.rounds, kind: kindOf(sql), sql });
    if (this.#waiting.length === 0)
      setImmediate(() => {
        const waiting = this.#waiting;
        this.#waiting = [];
        this.rounds++;
        for (const answer of waiting) answer();
      });
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #table(name: string): RecordedTable {
    const known = this.#tables.get(name);
    if (!known) throw new Error(`the recorded warehouse has no table ${name}`);
    return known;
  }

  #answer(sql: string, parameters: Parameters): Row[] {
    if (sql.includes("information_schema.columns"))
      return [...this.#tables].flatMap(([name, { types }]) => {
        const [table_schema, table_name] = name.split(".");
        return Object.entries(types).map(([column_name, full_data_type]) => ({
          table_schema,
          table_name,
          column_name,
          full_data_type,
        }));
      });
    if (sql.includes("information_schema")) return [];
    return sql.split(" UNION ALL ").flatMap((one) => this.#answerOne(one, parameters));
  }

  #answerOne(sql: string, parameters: Parameters): Row[] {
    const [, name = ""] = /`recorded`\.(`\w+`\.`\w+`)/.exec(sql) ?? [];
    const table = name.replaceAll("`", "");
    const asked = Number(/^SELECT (\d+) AS asked/.exec(sql)?.[1] ?? Number.NaN);
    if (sql.includes("DESCRIBE HISTORY")) return this.#history(table).map((row) => ({ asked, ...row }));
    if (sql.includes(" AS OF ")) {
      if (this.young.has(table)) throw new WarehouseFailure("statement", "there is no version before that moment");
      return (this.older.get(table) ?? []).map((row_key) => ({ asked, row_key }));
    }
    const { rows } = this.#table(table);
    const condition = sql.slice(sql.indexOf(" WHERE ") + " WHERE ".length);
    const [wanted = "", except = ""] = condition.split(" AND NOT coalesce(");
    const [matchesWanted, matchesExcept] = [conditionOf(wanted, parameters), conditionOf(except, parameters)];
    const found = rows.filter((row) => matchesWanted(row) && !matchesExcept(row));
    if (sql.includes("AS selected")) return [{ asked, total: rows.length, selected: found.length }];
    if (!sql.includes("looked_at")) throw new Error(`the recorded warehouse does not know this statement: ${sql}`);
    const columns = [...sql.matchAll(/(?:`(\w+)`|unix_millis\(`(\w+)`\)) AS (\w+)/g)];
    return found.map((row) => ({
      asked,
      ...Object.fromEntries(columns.map(([, column, time, as]) => [as, row[column ?? time ?? ""] ?? null])),
    }));
  }

  /** Newest first: its deletes, the load of its rows, and its creation. */
  #history(table: string): Row[] {
    const deletes = (this.#deletions.get(table) ?? []).map((gone) => ["DELETE", { numDeletedRows: String(gone) }] as const);
    return [["CREATE TABLE", {}] as const, ["WRITE", {}] as const, ...deletes]
      .map(([operation, operationMetrics], version) => ({
        version,
        timestamp: new Date(runStarted + version),
        operation,
        operationParameters: {},
        operationMetrics,
      }))
      .reverse();
  }
}

function kindOf(sql: string): SentStatement["kind"] {
  if (sql.startsWith("DELETE FROM")) return "delete";
  if (sql.includes("information_schema")) return "catalog";
  if (sql.includes("DESCRIBE HISTORY")) return "history";
  if (sql.includes(" AS OF ")) return "version";
  if (sql.includes("AS selected")) return "count";
  return sql.includes("looked_at") ? "search" : "other";
}

async function unexpected(): Promise<never> {
  throw new Error("a cleanup only reads and deletes");
}

/** The terms of a condition that select rows; its ranges only help to skip files. */
function conditionOf(text: string, parameters: Parameters): (row: Record<string, string | number>) => boolean {
  const prefixes = [...text.matchAll(/startswith\(`(\w+)`, :(\w+)\)/g)].map(([, column = "", name = ""]) => {
    const prefix = String(parameters[name]);
    return (row: Record<string, string | number>) => String(row[column] ?? "").startsWith(prefix);
  });
  const lists = [...text.matchAll(/`(\w+)` IN \(SELECT explode\(from_json\(:(\w+),/g)].map(([, column = "", name = ""]) => {
    const values = new Set<string>(JSON.parse(String(parameters[name])));
    return (row: Record<string, string | number>) => values.has(String(row[column] ?? ""));
  });
  const terms = [...prefixes, ...lists];
  return (row) => terms.some((matches) => matches(row));
}

export interface Graph {
  warehouse: RecordedWarehouse;
  tables: Record<string, Table>;
  rows: number;
}

const rowsPerTable = 3;
/** Two days before the run, so that a sweep of expired test data includes it. */
export const madeAt = runStarted - 2 * 86_400_000;

/**
 * `count` tables in which each row of a table depends on a row of its parent's. Only rows of the first match by themselves.
 * @param parentOf the number of the table that this one depends on
 * @param filled how many of the tables have rows, from the first on
 */
export function graphOf(count: number, parentOf: (table: number) => number, filled = count): Graph {
  const recorded = new Map<string, RecordedTable>();
  const tables: Record<string, Table> = {};
  for (let index = 0; index < count; index++) {
    const name = `s.t${index}`;
    const parent = index === 0 ? undefined : parentOf(index);
    tables[name] = table({
      time: "created_at",
      ...(parent === undefined
        ? { match: [{ column: "title", prefix: true }] }
        : { parents: { parent_id: { partOf: `s.t${parent}` } } }),
    });
    recorded.set(name, {
      types: { id: "STRING", [parent === undefined ? "title" : "parent_id"]: "STRING", created_at: "TIMESTAMP" },
      rows: Array.from({ length: index < filled ? rowsPerTable : 0 }, (_, row) => ({
        id: `k${index}-${row}`,
        ...(parent === undefined
          ? { title: `integration_test_${madeAt}_0a0b0c0d lesson ${row}` }
          : { parent_id: `k${parent}-${row}` }),
        created_at: madeAt,
      })),
    });
  }
  return { warehouse: new RecordedWarehouse(recorded), tables, rows: filled * rowsPerTable };
}

export const chain = (depth: number, filled = depth): Graph => graphOf(depth, (table) => table - 1, filled);
export const wide = (count: number): Graph => graphOf(count, () => 0);
/** Each table has four children. */
export const tree = (count: number): Graph => graphOf(count, (table) => Math.floor((table - 1) / 4));

export function portsOf(warehouse: RecordedWarehouse): WritingPorts {
  const environment = environmentOf(warehouse.catalog, { host: "localhost", warehouseId: "none" }, "redis://127.0.0.1");
  return {
    warehouse,
    environment,
    signal: new AbortController().signal,
    onStep: () => undefined,
    onRemaining: () => undefined,
    audit: async () => undefined,
  };
}
