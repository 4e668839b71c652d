import type { DuckDBConnection } from "@duckdb/node-api";
import { type Catalogs, quoted, type Table, type TableName } from "./catalog.ts";
import { Database, literal } from "./duckdb.ts";
import { tableExpected } from "./errors.ts";
import { type Faults, timeOf } from "./faults.ts";
import { Moves } from "./moves.ts";
import { Namespaces, refuseReserved } from "./namespaces.ts";
import { type ResultSet, readResult } from "./results.ts";
import { SharedStorage } from "./shared-rows.ts";
import { type Definition, newTable, resultColumns, specified, splitName, type TableDefinition } from "./table-definition.ts";
import { type Author, type Entry, TableWriter } from "./table-writer.ts";
import { createTableSql, dropTableSql, liveRows, newVersion, removesFiles, rowsAtVersion } from "./versions.ts";

export interface Checksum {
  rows: number;
  hash: string;
}

const owner = "admin";

/** The schemas and tables with their rows. Updates the catalogs at the same time. */
export class Storage {
  readonly #catalogs: Catalogs;
  readonly #database: Database;
  readonly #initialCatalog: string;
  readonly #faults: Faults;
  readonly #sharing: SharedStorage;
  /** Changes the rows and columns of one table. */
  readonly writer: TableWriter;
  /** Clones and renames tables. */
  readonly moves: Moves;
  /** Creates and drops catalogs and schemas. */
  readonly namespaces: Namespaces;

  private constructor(catalogs: Catalogs, database: Database, initialCatalog: string, faults: Faults) {
    this.#faults = faults;
    this.#catalogs = catalogs;
    this.#database = database;
    this.#initialCatalog = initialCatalog;
    this.#sharing = new SharedStorage(catalogs, database);
    this.writer = new TableWriter(database, this.#sharing, faults);
    this.moves = new Moves(catalogs, database, this.#sharing, faults);
    this.namespaces = new Namespaces(catalogs, database, this.#sharing, initialCatalog);
  }

  /** @param catalog exists from the start, with the schema `default` */
  static async open(catalogs: Catalogs, catalog: string, faults: Faults): Promise<Storage> {
    refuseReserved(catalog);
    const storage = new Storage(catalogs, await Database.open(catalog.toLowerCase()), catalog.toLowerCase(), faults);
    await storage.namespaces.createCatalog(catalog, owner);
    return storage;
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  /** Runs a reading statement in DuckDB's dialect, with three-part names. */
  read(sql: string, signal: AbortSignal): Promise<ResultSet> {
    return this.#database.use(async (connection) => readResult(await connection.runAndReadAll(sql)), signal);
  }

  async createTables(definitions: Record<string, TableDefinition>): Promise<void> {
    const tables = Object.entries(definitions).map(([name, definition]) =>
      newTable(splitName(name), specified(definition), owner, timeOf(this.#faults)),
    );
    for (const { catalog, schema } of tables) {
      if (!this.#catalogs.find(catalog)) await this.namespaces.createCatalog(catalog, owner);
      if (!this.#catalogs.catalog(catalog).schemas.has(schema)) await this.namespaces.createSchema(catalog, schema, owner);
    }
    for (const part of Map.groupBy(tables, (table) => table.catalog).values()) {
      await this.#database.write((connection) => connection.run(part.map((table) => createTableSql(table)).join(";\n")));
      for (const table of part) this.#catalogs.addTable(table);
    }
  }

  /**
   * @param given the definition, and perhaps rows in DuckDB's dialect whose types become the columns'. With `replace`, an existing table of
   * that name is dropped, and its older versions can no longer be read.
   * @returns whether it is new
   */
  async createTable(
    name: TableName,
    given: {
      definition: Definition;
      /** Its columns become the table's, if the definition has none. */
      asSelect?: string;
      /** The first version; absent: that of a CREATE TABLE. */
      entry?: Entry;
      replace: boolean;
      /** A table of that name that is there when it is this one's turn stays as it is. */
      ifNotExists?: boolean;
      comment?: string;
      /** Adds what is only told of it, and refuses what cannot be. */
      complete?(table: Table): void;
    },
    author: Author,
  ): Promise<boolean> {
    const create = async (connection: DuckDBConnection): Promise<Table | undefined> => {
      const old = this.#catalogs.findTable(name);
      if (old && given.ifNotExists) return undefined;
      if (old && !given.replace) this.#catalogs.addTable(old); // throws that it already exists
      if (old?.view) throw tableExpected("CREATE OR REPLACE TABLE", quoted(old.catalog, old.schema, old.name));
      const columns =
        given.asSelect === undefined || given.definition.columns.length > 0
          ? given.definition.columns
          : await resultColumns(connection, given.asSelect);
      const table = newTable(name, { ...given.definition, columns }, author.user, timeOf(this.#faults));
      const operation = `CREATE ${old ? "OR REPLACE " : ""}TABLE${given.asSelect === undefined ? "" : " AS SELECT"}`;
      table.comment = given.comment;
      given.complete?.(table);
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
      table.history = [
        ...(old?.history ?? []),
        newVersion(author, operation, 0, { at: timeOf(this.#faults), ...metrics, ...given.entry }),
      ];
      table.readableFrom = table.history.length - 1;
      return table;
    };
    const created = await this.#database.write(create, author.signal, (table) => {
      if (!table) return;
      const old = this.#catalogs.findTable(name);
      if (old) this.#remove(old);
      this.#catalogs.addTable(table);
    });
    return created !== undefined;
  }

  async dropTable(table: Table, signal: AbortSignal): Promise<void> {
    if (table.view) {
      this.#catalogs.removeTable(table);
      return;
    }
    await this.#database.write(
      (connection) => connection.run(dropTableSql(table)),
      signal,
      () => this.#remove(table),
    );
  }

  #remove(table: Table): void {
    this.#catalogs.removeTable(table);
    if (table.shared) this.#sharing.release(table.shared);
  }

  /** @throws SqlError SCHEMA_NOT_EMPTY without `cascade` */
  async dropSchema(catalog: string, name: string, cascade: boolean, signal: AbortSignal): Promise<void> {
    const schema = this.#catalogs.schema(catalog, name);
    if (cascade) for (const table of [...schema.tables.values()]) await this.dropTable(table, signal);
    await this.namespaces.dropSchema(catalog, schema, signal);
  }

  async load(sql: string): Promise<void> {
    const text = sql.toLowerCase();
    await this.#sharing.ownAll((table) => text.includes(table.name));
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
            at: timeOf(this.#faults),
            metrics: { numOutputRows: String(now.rows) },
          }),
        );
        // A change without history cannot be undone, but that the table was empty before is still known.
        table.readableFrom = table.history.length - 1;
        table.emptyUntil = old?.rows === 0 && table.readableFrom === 1 ? 0 : -1;
      }
    });
  }

  /**
   * Removes the files of older versions that newer ones don't have. A version without rows has no files.
   * @throws SqlError TABLE_OR_VIEW_NOT_FOUND
   */
  async vacuum(name: string, wording: "databricks" | "spark"): Promise<void> {
    const table = this.#catalogs.table(splitName(name));
    await this.#database.write(
      async (connection) => {
        const newest = table.history.findLastIndex(removesFiles);
        for (let version = table.readableFrom; version < newest; version++) {
          if (table.vacuumed.has(version)) continue;
          const rows = await connection.runAndReadAll(`SELECT count(*)::INTEGER FROM ${rowsAtVersion(table, version)}`);
          if (Number(rows.value(0, 0)) > 0) table.vacuumed.set(version, wording);
        }
      },
      undefined,
      () => {
        const details = { at: timeOf(this.#faults), parameters: { status: "COMPLETED" } };
        table.history.push(newVersion({ user: owner }, "VACUUM START", 0, { at: timeOf(this.#faults) }));
        table.history.push(newVersion({ user: owner }, "VACUUM END", 0, details));
      },
      table.id,
    );
  }

  /** Removes a table's log before a version. @throws SqlError TABLE_OR_VIEW_NOT_FOUND */
  loseLog(name: string, before: number): void {
    const table = this.#catalogs.table(splitName(name));
    if (!Number.isInteger(before) || before < 0 || before >= table.history.length)
      throw new Error(`expected a version of ${name} from 0 to ${table.history.length - 1}, got ${before}`);
    table.loggedFrom = Math.max(table.loggedFrom, before);
    table.readableFrom = Math.max(table.readableFrom, before);
    table.emptyUntil = -1;
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
    return this.#catalogs.allTables().filter((table) => !table.view);
  }

  /** `schema.table`, with the catalog if it isn't the initial one. */
  #displayName(table: Table): string {
    return `${table.catalog === this.#initialCatalog ? "" : `${table.catalog}.`}${table.schema}.${table.name}`;
  }
}

type Checksums = Record<string, Checksum>;
