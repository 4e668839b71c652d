import type { DuckDBConnection } from "@duckdb/node-api";
import type { Catalogs, SharedRows, Table } from "./catalog.ts";
import { type Database, identifier } from "./duckdb.ts";
import { createTableSql, liveRows } from "./versions.ts";

/**
 * Rows that several tables have, or whose table moved to another schema. Nobody changes them: a table that is written to first gets
 * rows of its own. Until then DuckDB has a view under the table's name, so that clones and moves cost no copy.
 */
export class SharedStorage {
  readonly #catalogs: Catalogs;
  readonly #database: Database;
  #count = 0;

  constructor(catalogs: Catalogs, database: Database) {
    this.#catalogs = catalogs;
    this.#database = database;
  }

  /** Puts a table's rows aside, if they aren't yet. Whoever calls it sets `Table.shared` after the commit. */
  async share(connection: DuckDBConnection, table: Table): Promise<SharedRows> {
    const rows = await this.putAside(connection, table);
    if (!table.shared) await connection.run(borrowSql(table, rows));
    return rows;
  }

  /** The same without anything under the table's name. */
  async putAside(connection: DuckDBConnection, table: Table): Promise<SharedRows> {
    if (table.shared) return table.shared;
    const hidden = `__rows ${this.#count++}`;
    await connection.run(`ALTER TABLE ${liveRows(table)} RENAME TO ${identifier(hidden)}`);
    const { catalog, schema } = table;
    return { catalog, schema, name: [catalog, schema, hidden].map(identifier).join("."), users: 1 };
  }

  /** Gives a table rows of its own, before a write in the same transaction. @returns what to release after the commit */
  async own(connection: DuckDBConnection, table: Table): Promise<SharedRows | undefined> {
    if (!table.shared) return undefined;
    await connection.run(
      `DROP VIEW ${liveRows(table)}; ${createTableSql(table)}; INSERT INTO ${liveRows(table)} FROM ${table.shared.name}`,
    );
    return table.shared;
  }

  /** After the commit of `own`. */
  owned(table: Table, rows: SharedRows | undefined): void {
    if (!rows) return;
    table.shared = undefined;
    this.release(rows);
  }

  /** One table less has these rows. They go with the last one, when nobody waits for it. */
  release(rows: SharedRows): void {
    rows.users--;
    if (rows.users > 0) return;
    const sql = `DROP TABLE IF EXISTS ${rows.name}`;
    // Readers that began before keep what they see, and `close` waits for it.
    this.#database.write((connection) => connection.run(sql), undefined, undefined, rows.name).catch(() => undefined);
  }

  /** Gives rows of their own to all tables that a condition names. */
  async ownAll(which: (table: Table) => boolean): Promise<void> {
    for (const table of this.#borrowers().filter(which))
      await this.#database.write(
        (connection) => this.own(connection, table),
        undefined,
        (rows) => this.owned(table, rows),
        table.id,
      );
  }

  /** Whether a table elsewhere has rows that lie in a catalog, or in one of its schemas. */
  isUsed(catalog: string, schema?: string): boolean {
    return this.#borrowers().some(
      ({ shared, ...table }) =>
        shared?.catalog === catalog &&
        (schema === undefined ? table.catalog !== catalog : shared.schema === schema && table.schema !== schema),
    );
  }

  #borrowers(): Table[] {
    return this.#catalogs.allTables().filter((table) => table.shared);
  }
}

export function borrowSql(table: Table, rows: SharedRows): string {
  return `CREATE VIEW ${liveRows(table)} AS FROM ${rows.name}`;
}
