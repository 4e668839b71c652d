import { type Catalogs, fullName, quoted, type Table, type TableName } from "./catalog.ts";
import { type Database, identifier } from "./duckdb.ts";
import { SqlError, tableExpected, tableNotFound } from "./errors.ts";
import { type Faults, timeOf } from "./faults.ts";
import { borrowSql, type SharedStorage } from "./shared-rows.ts";
import { type Definition, newTable } from "./table-definition.ts";
import type { Author, Entry } from "./table-writer.ts";
import { dropTableSql, liveRows, newVersion } from "./versions.ts";

/** What a clone is made as, once it is its turn. */
export interface ClonePlan {
  definition: Definition;
  entry: Entry;
}

/** Clones and renames tables, which copies no row. */
export class Moves {
  readonly #catalogs: Catalogs;
  readonly #database: Database;
  readonly #sharing: SharedStorage;
  readonly #faults: Faults;

  constructor(catalogs: Catalogs, database: Database, sharing: SharedStorage, faults: Faults) {
    this.#catalogs = catalogs;
    this.#database = database;
    this.#sharing = sharing;
    this.#faults = faults;
  }

  /** A table with the newest rows of another one. @returns whether it is new */
  async clone(
    source: Table,
    name: TableName,
    plan: () => ClonePlan,
    { replace, ifNotExists }: { replace: boolean; ifNotExists: boolean },
    author: Author,
  ): Promise<boolean> {
    // Two transactions, because DuckDB's write to one catalog each.
    const { rows, definition, entry } = await this.#database.write(
      async (connection) => {
        this.#requireStill(source);
        return { rows: await this.#sharing.share(connection, source), ...plan() };
      },
      author.signal,
      (shared) => {
        source.shared = shared.rows;
        shared.rows.users++;
      },
      source.id,
    );
    const table = newTable(name, definition, author.user, timeOf(this.#faults));
    table.shared = rows;
    const create = async (connection: { run(sql: string): Promise<unknown> }): Promise<Table | "there" | undefined> => {
      const old = this.#catalogs.findTable(name);
      if (old && ifNotExists) return "there";
      if (old && !replace) this.#catalogs.addTable(old); // throws that it already exists
      if (old?.view) throw tableExpected("CREATE OR REPLACE TABLE", quoted(old.catalog, old.schema, old.name));
      this.#catalogs.schema(name.catalog, name.schema);
      if (old) await connection.run(dropTableSql(old));
      await connection.run(borrowSql(table, rows));
      table.history = [...(old?.history ?? []), newVersion(author, entry.operation, 0, { at: timeOf(this.#faults), ...entry })];
      table.readableFrom = table.history.length - 1;
      return old;
    };
    const found = await this.#database
      .write(create, author.signal, (old) => {
        if (old === "there") return this.#sharing.release(rows);
        if (old) this.#catalogs.removeTable(old);
        if (old?.shared) this.#sharing.release(old.shared);
        this.#catalogs.addTable(table);
      })
      .catch((error: unknown) => {
        this.#sharing.release(rows);
        throw error;
      });
    return found !== "there";
  }

  /** Its history and its id stay. @throws SqlError TABLE_OR_VIEW_ALREADY_EXISTS, or SCHEMA_NOT_FOUND */
  async rename(table: Table, to: TableName, signal: AbortSignal): Promise<void> {
    const from = liveRows(table);
    const target = { ...table, schema: to.schema, name: to.table };
    await this.#database.write(
      async (connection) => {
        this.#requireStill(table);
        this.#catalogs.requireFree(to);
        if (table.view) return undefined;
        const rows = table.shared || to.schema !== table.schema ? await this.#sharing.putAside(connection, table) : undefined;
        if (!rows) await connection.run(`ALTER TABLE ${from} RENAME TO ${identifier(to.table)}`);
        else await connection.run(`${table.shared ? `DROP VIEW ${from}; ` : ""}${borrowSql(target, rows)}`);
        return rows;
      },
      signal,
      (rows) => {
        table.shared = rows;
        this.#catalogs.moveTable(table, to);
      },
    );
  }

  #requireStill(table: Table): void {
    const name = { catalog: table.catalog, schema: table.schema, table: table.name };
    if (this.#catalogs.findTable(name) !== table) throw tableNotFound(quoted(...fullName(name).split(".")));
  }
}

export function acrossCatalogs(): SqlError {
  return new SqlError("CANNOT_RENAME_ACROSS_CATALOG", "0AKD0", "Renaming a TABLE across catalogs is not allowed.");
}
