import type { DuckDBConnection } from "@duckdb/node-api";
import type { SharedRows, Table, TableColumn, Version } from "./catalog.ts";
import { began, conflict } from "./conflicts.ts";
import { type Database, identifier } from "./duckdb.ts";
import type { SqlError } from "./errors.ts";
import { type Faults, timeOf } from "./faults.ts";
import type { SharedStorage } from "./shared-rows.ts";
import { duckDbType } from "./types.ts";
import { addedRows, addSql, lastRemovedSql, liveRows, newVersion, recordAddedSql, removeSql, reshapeSql } from "./versions.ts";

/** Who changes a table and how, for its history. */
export interface Author {
  user: string;
  signal: AbortSignal;
}

/** How a version appears in the history. */
export interface Entry {
  operation: string;
  parameters: Record<string, string>;
  metrics: Record<string, string>;
}

/** The table of a DELETE or UPDATE under the alias that its condition uses, in DuckDB's dialect. */
export interface Target {
  table: Table;
  alias: string;
  /** Absent: every row. */
  condition: string | undefined;
  /** As the user wrote it, for the history. */
  predicate: string;
}

/** A condition, in DuckDB's dialect, that is true for every row of a table. */
export interface Rule {
  condition: string;
  /** The error for the first written row for which it isn't. */
  violation(row: Record<string, unknown>): SqlError;
}

/** Rows to write. */
export interface Rows {
  /** Called when it is this writer's turn. */
  select(): string;
  /** Called with their number, before the next writer's turn. */
  committed(count: number): void;
}

/** A change of a table's definition. */
export interface Alteration {
  /** Absent if the definition stays as it is, and no version is created. */
  entry?: Entry;
  /** The new columns; absent if the rows stay as they are. */
  columns?: TableColumn[];
  /** With `columns`: computes the new rows from a relation with the present ones, in DuckDB's dialect. */
  rows?(until: string): string;
  /** Further statements of DuckDB. */
  sql?: string;
  /** A rule that the present rows must keep; `violation` gets their number. */
  requires?: { condition: string; violation(rows: number): SqlError };
  /** Changes what is kept about the table, after the commit. */
  apply?(): void;
}

interface Write {
  /** The rows that it changes, if it changes nothing without them: then shared rows are not copied for it. */
  only?: Target;
  /** Returns the number of changed rows. */
  work(connection: DuckDBConnection): Promise<number>;
  /** Whether it depends on the rows of the table; absent: it does. */
  reads?(): boolean;
  /** The new version for a number of changed rows; undefined if there is none. */
  entry(count: number): Entry | undefined;
  /** What the version counts as changed; absent: the number of changed rows. */
  rowsChanged?(count: number): number;
  /** Called before the next writer's turn. */
  committed?(count: number): void;
}

/** Everything that changes the rows or columns of one table, each as one version in its history. */
export class TableWriter {
  readonly #database: Database;
  readonly #faults: Faults;
  readonly #sharing: SharedStorage;

  constructor(database: Database, sharing: SharedStorage, faults: Faults) {
    this.#database = database;
    this.#sharing = sharing;
    this.#faults = faults;
  }

  /**
   * @param rows a SELECT in DuckDB's dialect with every column of the table, in order
   * @returns the number of inserted rows
   */
  insert(table: Table, rows: Rows, rules: readonly Rule[], author: Author): Promise<number> {
    return this.#write(table, author, {
      work: (connection) => add(connection, table, rows.select(), rules),
      reads: () => rows.select().includes(liveRows(table)),
      entry: (count) => ({ operation: "WRITE", parameters: { mode: "Append" }, metrics: { numOutputRows: String(count) } }),
      committed: rows.committed,
    });
  }

  /** Deleting no rows creates no version. @returns the number of deleted rows */
  delete(target: Target, author: Author, entry: (rows: number) => Entry = deleted(target)): Promise<number> {
    const { table } = target;
    const remove = async (connection: DuckDBConnection): Promise<number> => {
      const count = await touch(connection, target);
      if (count > 0) await connection.run(removeSql(table, table.history.length));
      await connection.run("DROP TABLE touched");
      return count;
    };
    return this.#write(table, author, { only: target, work: remove, entry: (count) => (count > 0 ? entry(count) : undefined) });
  }

  /**
   * @param values one expression per column of the table, in order, in DuckDB's dialect
   * @param complete computes generated columns from a SELECT of the others
   * @returns the number of changed rows
   */
  update(
    target: Target,
    values: string[],
    complete: (rows: string) => string,
    rules: readonly Rule[],
    author: Author,
  ): Promise<number> {
    const { table } = target;
    const alias = identifier(target.alias);
    const replace = async (connection: DuckDBConnection): Promise<number> => {
      const count = await touch(connection, target);
      if (count > 0) {
        const touched = `FROM ${liveRows(table)} AS ${alias} WHERE ${alias}.rowid IN (SELECT __row FROM touched)`;
        // The new rows are computed from the old ones, and added after those are removed.
        await connection.run(
          `CREATE TEMP TABLE renewed AS ${complete(`${selectAs(table, values)} ${touched}`)}; ${removeSql(table, table.history.length)}`,
        );
        await add(connection, table, "SELECT * FROM renewed", rules);
        await connection.run("DROP TABLE renewed");
      }
      await connection.run("DROP TABLE touched");
      return count;
    };
    const entry = (count: number): Entry => ({
      operation: "UPDATE",
      parameters: { predicate: target.predicate },
      metrics: { numUpdatedRows: String(count) },
    });
    return this.#write(table, author, {
      only: target,
      work: replace,
      entry: (count) => (count > 0 ? entry(count) : undefined),
    });
  }

  /**
   * Replaces all rows, as one version. Delta's metrics for this don't count the removed rows.
   * @param rows a SELECT in DuckDB's dialect with every column of the table; absent: the table is empty afterwards
   * @returns the new number of rows
   */
  overwrite(
    table: Table,
    rows: Rows | undefined,
    rules: readonly Rule[],
    author: Author,
    entry: (rows: number) => Entry,
  ): Promise<number> {
    const replace = async (connection: DuckDBConnection): Promise<number> => {
      await touch(connection, { table, alias: table.name, condition: undefined, predicate: "true" });
      const renewed = rows?.select() ?? `SELECT * FROM ${liveRows(table)} WHERE false`;
      await connection.run(`CREATE TEMP TABLE renewed AS ${renewed}; ${removeSql(table, table.history.length)}`);
      const count = await add(connection, table, "SELECT * FROM renewed", rules);
      await connection.run("DROP TABLE renewed; DROP TABLE touched");
      return count;
    };
    // For readers of older versions, this always counts as a change.
    return this.#write(table, author, { work: replace, entry, rowsChanged: () => 1, committed: rows?.committed });
  }

  /**
   * Restores up to `limit` rows that the newest version of a table removed, as if another writer had done so.
   * @returns the number of restored rows
   */
  putBack(table: Table, limit: number): Promise<number> {
    const work = async (connection: DuckDBConnection): Promise<[number, SharedRows | undefined]> => {
      const until = await this.#sharing.own(connection, table);
      return [await add(connection, table, `${lastRemovedSql(table)} LIMIT ${limit}`, []), until];
    };
    return this.#database
      .write(
        work,
        undefined,
        ([count, until]) => {
          this.#sharing.owned(table, until);
          const entry = { operation: "WRITE", parameters: {}, metrics: { numOutputRows: String(count) } };
          this.#record(table, { user: "another-writer" }, entry, count);
        },
        table.id,
      )
      .then(([count]) => count);
  }

  /** @param plan called when it is this writer's turn, so that it sees what the writers before it changed */
  async alter(table: Table, author: Author, plan: () => Alteration): Promise<void> {
    const held = this.#begin();
    const change = async (connection: DuckDBConnection): Promise<[Alteration, SharedRows | undefined]> => {
      await held;
      const alteration = plan();
      const { columns, sql, requires } = alteration;
      if (requires) {
        const counted = await connection.runAndReadAll(
          `SELECT count(*)::INTEGER FROM ${liveRows(table)} WHERE (${requires.condition}) IS NOT TRUE`,
        );
        const count = Number(counted.value(0, 0));
        if (count > 0) throw requires.violation(count);
      }
      const touches = columns !== undefined || sql !== undefined;
      const until = touches ? await this.#sharing.own(connection, table) : undefined;
      if (columns && alteration.rows) await connection.run(reshapeSql(table, columns, alteration.rows));
      if (sql !== undefined) await connection.run(sql);
      return [alteration, until];
    };
    await this.#database.write(
      change,
      author.signal,
      ([{ entry, columns, apply }, until]) => {
        this.#sharing.owned(table, until);
        if (columns) {
          table.earlier.push({ columns: table.columns, until: table.history.length - 1 });
          table.columns = columns;
        }
        apply?.();
        if (entry) this.#record(table, author, entry, 0);
      },
      table.id,
    );
  }

  #write(
    table: Table,
    author: Author,
    { only, work, reads = () => true, entry, rowsChanged, committed }: Write,
  ): Promise<number> {
    const start = began(table);
    const held = this.#begin();
    const attempt = async (connection: DuckDBConnection): Promise<[number, SharedRows | undefined]> => {
      await held;
      // Checked first, because the statement was made for the columns of that time.
      if (table.earlier.length > start.layouts) throw conflict(table, start, true, this.#faults);
      if (table.shared && only && !(await touches(connection, only, table.shared))) return [0, undefined];
      const until = await this.#sharing.own(connection, table);
      const count = await work(connection);
      const refused = entry(count) && conflict(table, start, reads(), this.#faults);
      if (refused) throw refused;
      return [count, until];
    };
    return this.#database
      .write(
        attempt,
        author.signal,
        ([count, until]) => {
          this.#sharing.owned(table, until);
          committed?.(count);
          const version = entry(count);
          if (version) this.#record(table, author, version, rowsChanged?.(count) ?? count);
        },
        table.id,
      )
      .then(([count]) => count);
  }

  /** @returns what a write waits for when it is its turn */
  #begin(): Promise<void> | undefined {
    const { heldWrites } = this.#faults;
    if (heldWrites) heldWrites.begun++;
    return heldWrites?.until;
  }

  #record(table: Table, author: { user: string }, { operation, ...details }: Entry, rowsChanged: number): void {
    const version: Version = newVersion(author, operation, rowsChanged, { at: timeOf(this.#faults), ...details });
    table.history.push(version);
  }
}

function deleted(target: Target): (rows: number) => Entry {
  return (count) => ({
    operation: "DELETE",
    parameters: { predicate: target.predicate },
    metrics: { numDeletedRows: String(count) },
  });
}

/** Adds rows as the next version, after checking them. @returns their number */
async function add(connection: DuckDBConnection, table: Table, rows: string, rules: readonly Rule[]): Promise<number> {
  const version = table.history.length;
  await connection.run(recordAddedSql(table, version, rows));
  for (const { condition, violation } of rules) {
    const found = await connection.runAndReadAll(
      `SELECT * FROM (${addedRows(table, version)}) WHERE (${condition}) IS NOT TRUE LIMIT 1`,
    );
    const [row] = found.getRowObjectsJS();
    if (row) throw violation(row);
  }
  return (await connection.run(addSql(table, version))).rowsChanged;
}

/** A SELECT list with the table's own names and types. */
function selectAs(table: Table, values: string[]): string {
  const columns = table.columns.map(
    (column, index) => `CAST(${values[index]} AS ${duckDbType(column.type)}) AS ${identifier(column.name)}`,
  );
  return `SELECT ${columns.join(", ")}`;
}

/** Whether a row of shared ones matches. They are a table under another name, which has the row ids that a condition may use. */
async function touches(connection: DuckDBConnection, { table, alias, condition }: Target, rows: SharedRows): Promise<boolean> {
  const where = condition?.includes(".rowid ") ? condition.replaceAll(liveRows(table), rows.name) : condition;
  const found = await connection.runAndReadAll(
    `SELECT 1 FROM ${rows.name} AS ${identifier(alias)}${where === undefined ? "" : ` WHERE ${where}`} LIMIT 1`,
  );
  return found.currentRowCount > 0;
}

/** Collects the matching rows once, so that the condition cannot match others a moment later. */
async function touch(connection: DuckDBConnection, target: Target): Promise<number> {
  const where = target.condition === undefined ? "" : ` WHERE ${target.condition}`;
  const alias = identifier(target.alias);
  await connection.run(
    `CREATE TEMP TABLE touched AS SELECT ${alias}.rowid AS __row, * FROM ${liveRows(target.table)} AS ${alias}${where}`,
  );
  const counted = await connection.runAndReadAll("SELECT count(*)::INTEGER FROM touched");
  return Number(counted.value(0, 0));
}
