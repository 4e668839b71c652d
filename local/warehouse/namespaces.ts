import { type Catalog, type Catalogs, quoted, type Schema } from "./catalog.ts";
import { type Database, identifier } from "./duckdb.ts";
import { SqlError, UnsupportedSql } from "./errors.ts";
import type { SharedStorage } from "./shared-rows.ts";
import { historySchema } from "./versions.ts";

/** Creates and drops catalogs and schemas, in DuckDB and in the catalogs at the same time. */
export class Namespaces {
  readonly #catalogs: Catalogs;
  readonly #database: Database;
  readonly #sharing: SharedStorage;
  /** DuckDB's databases: one for each catalog that there ever was. */
  readonly #attached: Set<string>;
  /** The last catalog that was created: they are created one after another, because DuckDB attaches them outside of transactions. */
  #lastCatalog: Promise<unknown> = Promise.resolve();

  /** @param attached the catalog that DuckDB began with */
  constructor(catalogs: Catalogs, database: Database, sharing: SharedStorage, attached: string) {
    this.#catalogs = catalogs;
    this.#database = database;
    this.#sharing = sharing;
    this.#attached = new Set([attached]);
  }

  /**
   * With the schema `default`.
   * @returns undefined if it is there already, and may be
   * @throws SqlError CATALOG_ALREADY_EXISTS
   */
  createCatalog(name: string, user: string, ifNotExists = false): Promise<Catalog | undefined> {
    refuseReserved(name);
    const created = this.#lastCatalog.then(() => this.#createCatalog(name, user, ifNotExists));
    this.#lastCatalog = created.catch(() => undefined);
    return created;
  }

  async #createCatalog(name: string, user: string, ifNotExists: boolean): Promise<Catalog | undefined> {
    if (this.#catalogs.find(name)) return ifNotExists ? undefined : this.#catalogs.addCatalog(name, user); // throws
    const lower = name.toLowerCase();
    const database = identifier(lower);
    if (!this.#attached.has(lower)) {
      this.#attached.add(lower);
      await this.#database.use((connection) => connection.run(`ATTACH ':memory:' AS ${database}`));
    }
    await this.#database.write((connection) =>
      connection.run(`CREATE SCHEMA ${database}."${historySchema}"; CREATE SCHEMA ${database}."default"`),
    );
    const catalog = this.#catalogs.addCatalog(name, user);
    this.#catalogs.addSchema(name, "default", user);
    return catalog;
  }

  /** @throws SqlError CATALOG_NOT_EMPTY without `cascade` */
  async dropCatalog(catalog: Catalog, cascade: boolean, signal: AbortSignal): Promise<void> {
    if (!cascade && catalog.schemas.size > 0)
      throw new SqlError(
        "CATALOG_NOT_EMPTY",
        "2BP01",
        `Catalog ${quoted(catalog.name)} is not empty. It has ${catalog.schemas.size} schema(s).`,
      );
    const isDropped = async (): Promise<boolean> => {
      // Clones elsewhere keep their rows.
      await this.#sharing.ownAll((table) => table.shared?.catalog === catalog.name && table.catalog !== catalog.name);
      return this.#database.write(
        async (connection) => {
          if (this.#sharing.isUsed(catalog.name)) return false; // by a clone that was just made
          const schemas = [historySchema, ...(await this.#schemasIn(catalog))];
          await connection.run(
            schemas.map((name) => `DROP SCHEMA ${identifier(catalog.name)}.${identifier(name)} CASCADE`).join("; "),
          );
          return true;
        },
        signal,
        (dropped) => dropped && this.#forget(catalog),
      );
    };
    while (!(await isDropped()));
  }

  /** Also those that are only left because rows of others lie in them. */
  async #schemasIn(catalog: Catalog): Promise<string[]> {
    const rows = await this.#database.use(async (connection) =>
      (
        await connection.runAndReadAll(
          `SELECT schema_name FROM duckdb_schemas() WHERE database_name = '${catalog.name.replaceAll("'", "''")}' AND NOT internal`,
        )
      ).getRows(),
    );
    return rows.map(([name]) => String(name)).filter((name) => name !== historySchema && name !== "main");
  }

  #forget(catalog: Catalog): void {
    this.#catalogs.removeCatalog(catalog);
    for (const schema of catalog.schemas.values())
      for (const { shared } of schema.tables.values()) if (shared) this.#sharing.release(shared);
  }

  /** @returns whether it is new @throws SqlError SCHEMA_ALREADY_EXISTS */
  async createSchema(catalog: string, name: string, user: string, ifNotExists = false): Promise<boolean> {
    if ([historySchema, "information_schema", "main", "pg_catalog", "temp"].includes(name.toLowerCase()))
      throw new UnsupportedSql(`a schema named ${name}`);
    // It is still there if rows of others lie in it.
    const sql = `CREATE SCHEMA IF NOT EXISTS ${identifier(catalog.toLowerCase())}.${identifier(name.toLowerCase())}`;
    return await this.#database.write(
      async (connection) => {
        // Only now nobody else can create it.
        const isThere = this.#catalogs.catalog(catalog).schemas.has(name.toLowerCase());
        if (isThere && ifNotExists) return false;
        if (isThere) this.#catalogs.addSchema(catalog, name, user); // throws that it already exists
        await connection.run(sql);
        return true;
      },
      undefined,
      (isNew) => isNew && this.#catalogs.addSchema(catalog, name, user),
    );
  }

  /** Its tables are dropped already. @throws SqlError SCHEMA_NOT_EMPTY */
  async dropSchema(catalog: string, schema: Schema, signal: AbortSignal): Promise<void> {
    const drop = async (connection: { run(sql: string): Promise<unknown> }): Promise<void> => {
      this.#catalogs.requireEmpty(catalog, schema);
      if (this.#sharing.isUsed(catalog, schema.name)) return;
      await connection.run(`DROP SCHEMA ${identifier(catalog.toLowerCase())}.${identifier(schema.name)} CASCADE`);
    };
    await this.#database.write(drop, signal, () => this.#catalogs.removeSchema(catalog, schema));
  }
}

export function refuseReserved(catalog: string): void {
  if (["main", "system", "temp", "memory"].includes(catalog.toLowerCase()))
    throw new UnsupportedSql(`a catalog named ${catalog}`);
}
