import type { DuckDBConnection } from "@duckdb/node-api";
import type { Catalogs, Table, TableColumn, TableName } from "./catalog.ts";
import { Database, identifier, literal } from "./duckdb.ts";
import { UnsupportedSql } from "./errors.ts";
import { type ResultSet, readResult } from "./results.ts";
import { columnsOf, newTable, resultColumns, splitName } from "./table-definition.ts";
import { duckDbType } from "./types.ts";
import {
  addSql,
  createTableSql,
  dropTableSql,
  historySchema,
  lastRemovedSql,
  liveRows,
  newVersion,
  removeSql,
} from "./versions.ts";

export interface Checksum {
  rows: number;
  hash: string;
}

/** Who changes a table and how, for its history. */
export interface Author {
  user: string;
  signal: AbortSignal;
}

/** How a version that replaced all rows appears in the history. */
export interface Overwriting {
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

const owner = "admin";

/** The rows and everything that changes them. Updates the catalogs at the same time. */
export class Storage {
  readonly #catalogs: Catalogs;
  readonly #database: Database;
  readonly #initialCatalog: string;
  readonly #clock: () => number;

  private constructor(catalogs: Catalogs, database: Database, initialCatalog: string, clock: () => number) {
    this.#clock = clock;
    this.#catalogs = catalogs;
    this.#database = database;
    this.#initialCatalog = initialCatalog;
  }

  /**
   * @param catalog exists from the start, with the schema `default`
   * @param clock gives the time of new versions
   */
  static async open(catalogs: Catalogs, catalog: string, clock: () => number): Promise<Storage> {
    refuseReserved(catalog);
    const storage = new Storage(catalogs, await Database.open(catalog.toLowerCase()), catalog.toLowerCase(), clock);
    await storage.#furnish(catalog);
    return storage;
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  /** Runs a reading statement in DuckDB's dialect, with three-part names. */
  read(sql: string, signal: AbortSignal): Promise<ResultSet> {
    return this.#database.use(async (connection) => readResult(await connection.runAndReadAll(sql)), signal);
  }

  async #createCatalog(name: string): Promise<void> {
    refuseReserved(name);
    await this.#database.use((connection) => connection.run(`ATTACH ':memory:' AS ${identifier(name.toLowerCase())}`));
    await this.#furnish(name);
  }

  async #furnish(name: string): Promise<void> {
    const catalog = identifier(name.toLowerCase());
    await this.#database.write((connection) =>
      connection.run(`CREATE SCHEMA ${catalog}."${historySchema}"; CREATE SCHEMA ${catalog}."default"`),
    );
    this.#catalogs.addCatalog(name, owner);
    this.#catalogs.addSchema(name, "default", owner);
  }

  /** @throws SqlError SCHEMA_ALREADY_EXISTS */
  async createSchema(catalog: string, name: string, user = owner): Promise<void> {
    if ([historySchema, "information_schema", "main", "pg_catalog", "temp"].includes(name.toLowerCase()))
      throw new UnsupportedSql(`a schema named ${name}`);
    this.#catalogs.addSchema(catalog, name, user);
    const sql = `CREATE SCHEMA ${identifier(catalog.toLowerCase())}.${identifier(name.toLowerCase())}`;
    await this.#database.write((connection) => connection.run(sql));
  }

  async createTables(definitions: Record<string, { columns: Record<string, string> }>): Promise<void> {
    const tables = Object.entries(definitions).map(([name, definition]) =>
      newTable(splitName(name), columnsOf(definition.columns), owner, this.#clock()),
    );
    for (const { catalog, schema } of tables) {
      if (!this.#catalogs.find(catalog)) await this.#createCatalog(catalog);
      if (!this.#catalogs.catalog(catalog).schemas.has(schema)) await this.createSchema(catalog, schema);
    }
    for (const part of Map.groupBy(tables, (table) => table.catalog).values()) {
      await this.#database.write((connection) => connection.run(part.map(createTableSql).join(";\n")));
      for (const table of part) this.#catalogs.addTable(table);
    }
  }

  /**
   * @param given the columns, or rows in DuckDB's dialect whose types become the columns'. With `replace`, an existing table of
   * that name is dropped, and its older versions can no longer be read.
   */
  async createTable(
    name: TableName,
    given: { columns?: TableColumn[]; asSelect?: string; replace: boolean; comment?: string },
    author: Author,
  ): Promise<void> {
    const create = async (connection: DuckDBConnection): Promise<Table> => {
      const old = this.#catalogs.findTable(name);
      if (old && !given.replace) this.#catalogs.addTable(old); // throws that it already exists
      const columns = given.columns ?? (await resultColumns(connection, given.asSelect ?? ""));
      const table = newTable(name, columns, author.user, this.#clock());
      const operation = `CREATE ${old ? "OR REPLACE " : ""}TABLE${given.asSelect === undefined ? "" : " AS SELECT"}`;
      table.comment = given.comment;
      // The rows are read before the old table is dropped, because they may come from it.
      if (given.asSelect !== undefined) await connection.run(`CREATE TEMP TABLE added AS ${given.asSelect}`);
      if (old) await connection.run(dropTableSql(old));
      await connection.run(createTableSql(table));
      let metrics: { metrics?: Record<string, string> } = {};
      if (given.asSelect !== undefined) {
        const { rowsChanged } = await connection.run(`INSERT INTO ${liveRows(table)} FROM added`);
        await connection.run("DROP TABLE added");
        metrics = { metrics: { numOutputRows: String(rowsChanged) } };
      }
      table.history = [...(old?.history ?? []), newVersion(author, operation, 0, { at: this.#clock(), ...metrics })];
      table.readableFrom = table.history.length - 1;
      return table;
    };
    await this.#database.write(create, author.signal, (table) => {
      const old = this.#catalogs.findTable(name);
      if (old) this.#catalogs.removeTable(old);
      this.#catalogs.addTable(table);
    });
  }

  async dropTable(table: Table, signal: AbortSignal): Promise<void> {
    await this.#database.write(
      (connection) => connection.run(dropTableSql(table)),
      signal,
      () => this.#catalogs.removeTable(table),
    );
  }

  /** @throws SqlError SCHEMA_NOT_EMPTY without `cascade` */
  async dropSchema(catalog: string, name: string, cascade: boolean, signal: AbortSignal): Promise<void> {
    const schema = this.#catalogs.schema(catalog, name);
    if (cascade) for (const table of schema.tables.values()) await this.dropTable(table, signal);
    this.#catalogs.requireEmpty(catalog, schema);
    const sql = `DROP SCHEMA ${identifier(catalog.toLowerCase())}.${identifier(schema.name)}`;
    await this.#database.write(
      (connection) => connection.run(sql),
      signal,
      () => this.#catalogs.removeSchema(catalog, schema),
    );
  }

  /** @param rows a SELECT in DuckDB's dialect with every column of the table, in order @returns the number of inserted rows */
  insert(table: Table, rows: string, author: Author): Promise<number> {
    const add = async (connection: DuckDBConnection): Promise<number> =>
      (await connection.run(addSql(table, table.history.length, rows))).rowsChanged;
    return this.#database.write(
      add,
      author.signal,
      (count) => {
        table.history.push(
          newVersion(author, "WRITE", count, {
            at: this.#clock(),
            parameters: { mode: "Append" },
            metrics: { numOutputRows: String(count) },
          }),
        );
      },
      table.id,
    );
  }

  /** Deleting no rows creates no version. @returns the number of deleted rows */
  delete(target: Target, author: Author): Promise<number> {
    const { table } = target;
    const remove = async (connection: DuckDBConnection): Promise<number> => {
      const count = await touch(connection, target);
      if (count > 0) await connection.run(removeSql(table, table.history.length));
      await connection.run("DROP TABLE touched");
      return count;
    };
    return this.#database.write(
      remove,
      author.signal,
      (count) => {
        const details = {
          at: this.#clock(),
          parameters: { predicate: target.predicate },
          metrics: { numDeletedRows: String(count) },
        };
        if (count > 0) table.history.push(newVersion(author, "DELETE", count, details));
      },
      table.id,
    );
  }

  /** @param values one expression per column of the table, in order, in DuckDB's dialect @returns the number of changed rows */
  update(target: Target, values: string[], author: Author): Promise<number> {
    const { table } = target;
    const alias = identifier(target.alias);
    const replace = async (connection: DuckDBConnection): Promise<number> => {
      const count = await touch(connection, target);
      if (count > 0) {
        const touched = `FROM ${liveRows(table)} AS ${alias} WHERE ${alias}.rowid IN (SELECT __row FROM touched)`;
        const version = table.history.length;
        // The new rows are computed from the old ones, and added after those are removed.
        await connection.run(`CREATE TEMP TABLE renewed AS ${selectAs(table, values)} ${touched}; ${removeSql(table, version)}`);
        await connection.run(`${addSql(table, version, "SELECT * FROM renewed")}; DROP TABLE renewed`);
      }
      await connection.run("DROP TABLE touched");
      return count;
    };
    return this.#database.write(
      replace,
      author.signal,
      (count) => {
        const details = {
          at: this.#clock(),
          parameters: { predicate: target.predicate },
          metrics: { numUpdatedRows: String(count) },
        };
        if (count > 0) table.history.push(newVersion(author, "UPDATE", count, details));
      },
      table.id,
    );
  }

  /**
   * Replaces all rows, as one version. Delta's metrics for this don't count the removed rows.
   * @param rows a SELECT in DuckDB's dialect with every column of the table; absent: the table is empty afterwards
   * @returns the new number of rows
   */
  overwrite(table: Table, rows: string | undefined, author: Author, entry: (rows: number) => Overwriting): Promise<number> {
    const replace = async (connection: DuckDBConnection): Promise<number> => {
      await touch(connection, { table, alias: table.name, condition: undefined, predicate: "true" });
      const version = table.history.length;
      const renewed = rows ?? `SELECT * FROM ${liveRows(table)} WHERE false`;
      await connection.run(`CREATE TEMP TABLE renewed AS ${renewed}; ${removeSql(table, version)}`);
      const { rowsChanged } = await connection.runAndReadAll(addSql(table, version, "SELECT * FROM renewed"));
      await connection.run("DROP TABLE renewed; DROP TABLE touched");
      return rowsChanged;
    };
    return this.#database.write(
      replace,
      author.signal,
      (count) => {
        const { operation, ...details } = entry(count);
        // For readers of older versions, this always counts as a change.
        table.history.push(newVersion(author, operation, 1, { at: this.#clock(), ...details }));
      },
      table.id,
    );
  }

  /**
   * Restores up to `limit` rows that the newest version of a table removed, as if another writer had done so.
   * @returns the number of restored rows
   */
  putBack(table: Table, limit: number): Promise<number> {
    const add = async (connection: DuckDBConnection): Promise<number> =>
      (await connection.run(addSql(table, table.history.length, `${lastRemovedSql(table)} LIMIT ${limit}`))).rowsChanged;
    return this.#database.write(
      add,
      undefined,
      (count) => {
        table.history.push(
          newVersion({ user: "another-writer" }, "WRITE", count, {
            at: this.#clock(),
            metrics: { numOutputRows: String(count) },
          }),
        );
      },
      table.id,
    );
  }

  async load(sql: string): Promise<void> {
    const run = async (connection: DuckDBConnection): Promise<[Checksums, Checksums]> => {
      const before = await this.#checksums(connection);
      await connection.run(sql);
      return [before, await this.#checksums(connection)];
    };
    await this.#database.write(run, undefined, ([before, after]) => {
      for (const table of this.#tables()) {
        const [old, now] = [before[this.#displayName(table)], after[this.#displayName(table)]];
        if (!now || old?.hash === now.hash) continue;
        table.history.push(
          newVersion({ user: owner }, "WRITE", now.rows, {
            at: this.#clock(),
            metrics: { numOutputRows: String(now.rows) },
          }),
        );
        // A change without history cannot be undone, but that the table was empty before is still known.
        table.readableFrom = table.history.length - 1;
        table.emptyUntil = old?.rows === 0 && table.readableFrom === 1 ? 0 : -1;
      }
    });
  }

  query(sql: string): Promise<Record<string, unknown>[]> {
    return this.#database.use(async (connection) => (await connection.runAndReadAll(sql)).getRowObjectsJS());
  }

  checksum(where?: (table: string) => string | undefined): Promise<Record<string, Checksum>> {
    return this.#database.use((connection) => this.#checksums(connection, where));
  }

  async #checksums(connection: DuckDBConnection, where?: (table: string) => string | undefined): Promise<Checksums> {
    const tables = this.#tables();
    if (tables.length === 0) return {};
    const parts = tables.map((table) => {
      const condition = where?.(this.#displayName(table));
      return `SELECT ${literal(this.#displayName(table))}, count(*)::INTEGER, coalesce(sum(hash(__row)), 0)::VARCHAR
        FROM ${liveRows(table)} AS __row ${condition === undefined ? "" : `WHERE ${condition}`}`;
    });
    const result = await connection.runAndReadAll(parts.join(" UNION ALL "));
    return Object.fromEntries(
      result.getRows().map(([name, rows, hash]) => [String(name), { rows: Number(rows), hash: `${rows}-${hash}` }]),
    );
  }

  #tables(): Table[] {
    return this.#catalogs
      .all()
      .flatMap((catalog) => [...catalog.schemas.values()].flatMap((schema) => [...schema.tables.values()]));
  }

  /** `schema.table`, with the catalog if it isn't the initial one. */
  #displayName(table: Table): string {
    return `${table.catalog === this.#initialCatalog ? "" : `${table.catalog}.`}${table.schema}.${table.name}`;
  }
}

type Checksums = Record<string, Checksum>;

function refuseReserved(catalog: string): void {
  if (["main", "system", "temp", "memory"].includes(catalog.toLowerCase()))
    throw new UnsupportedSql(`a catalog named ${catalog}`);
}

/** A SELECT list with the table's own names and types. */
function selectAs(table: Table, values: string[]): string {
  const columns = table.columns.map(
    (column, index) => `CAST(${values[index]} AS ${duckDbType(column.type)}) AS ${identifier(column.name)}`,
  );
  return `SELECT ${columns.join(", ")}`;
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
