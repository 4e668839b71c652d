import { catalogNotFound, SqlError, schemaNotFound, tableExpected, tableNotFound } from "./errors.ts";
import type { Clause, Query } from "./sql/ast.ts";
import type { DataType } from "./types.ts";

/** The objects of Unity Catalog. DuckDB has the rows; names, types, owners and versions are kept here. */

export interface TableColumn {
  name: string;
  type: DataType;
  nullable: boolean;
  comment?: string;
  default?: Clause;
  /** Of a column GENERATED ALWAYS AS. */
  generated?: Clause;
  identity?: Identity;
  tags?: Map<string, string>;
}

export interface Identity {
  /** Whether values cannot be given. */
  always: boolean;
  start: number;
  step: number;
  /** The next value. */
  next: number;
}

/** The columns that a table had until an ALTER changed them. The rows and changes of that time are kept as well. */
export interface Layout {
  columns: TableColumn[];
  /** The last version with these columns. */
  until: number;
}

/** It is told, and never enforced. */
export interface PrimaryKey {
  name: string;
  columns: string[];
  /** Whether the optimizer may rely on it. */
  rely: boolean;
}

export interface ForeignKey extends PrimaryKey {
  parent: Table;
  /** The columns of the parent's primary key, in the order of `columns`. */
  to: string[];
}

/** A function of SQL, for row filters and column masks. */
export interface Routine {
  parameters: { name: string; type: DataType }[];
  returns: DataType | undefined;
  body: Clause;
}

/** A row filter or column mask: a function and the columns it gets. */
export interface Policy {
  routine: { catalog: string; schema: string; name: string };
  columns: string[];
}

/** A view's query, and the catalog and schema of the names in it. */
export interface View {
  query: Query;
  text: string;
  catalog: string;
  schema: string;
}

/** Rows of one or several tables, under a name of DuckDB's that isn't theirs. */
export interface SharedRows {
  /** Where they lie: not where their tables are. */
  catalog: string;
  schema: string;
  /** In DuckDB's dialect. */
  name: string;
  /** How many tables have them. */
  users: number;
}

/** A table or a view. */
export interface Table {
  catalog: string;
  schema: string;
  name: string;
  columns: TableColumn[];
  owner: string;
  createdAt: number;
  id: string;
  comment?: string;
  /** Of a view: it has columns, but no rows and versions of its own. */
  view?: View;
  /** TBLPROPERTIES. */
  properties: Map<string, string>;
  /** CHECK constraints by name, in lower case. */
  constraints: Map<string, Clause>;
  primaryKey?: PrimaryKey;
  /** By name, in lower case. */
  foreignKeys: Map<string, ForeignKey>;
  clusteredBy: string[];
  partitionedBy: string[];
  tags: Map<string, string>;
  rowFilter?: Policy;
  /** Column masks by column, in lower case; the column itself is the function's first argument. */
  masks: Map<string, Policy>;
  /** Oldest first; the current columns are not among them. */
  earlier: Layout[];
  /** Oldest first; the index is the version. */
  history: Version[];
  /** The oldest version that can still be read. */
  readableFrom: number;
  /** Older versions whose files VACUUM removed, and whose wording a read of them gets. */
  vacuumed: Map<number, "databricks" | "spark">;
  /** The oldest version whose log exists. */
  loggedFrom: number;
  /** Up to this version the table certainly had no rows; -1 if unknown. */
  emptyUntil: number;
  /** Rows that it hasn't changed since it was cloned or moved; absent: it has its own. */
  shared?: SharedRows;
}

/** One entry of DESCRIBE HISTORY. */
export interface Version {
  at: number;
  user: string;
  operation: string;
  parameters: Record<string, string>;
  metrics: Record<string, string>;
  /** Rows that were added and removed; 0 if no row changed. */
  rowsChanged: number;
}

export interface Schema {
  name: string;
  owner: string;
  createdAt: number;
  comment?: string;
  tags: Map<string, string>;
  tables: Map<string, Table>;
  /** By name, in lower case. */
  routines: Map<string, Routine>;
}

export interface Catalog {
  name: string;
  owner: string;
  createdAt: number;
  comment?: string;
  tags: Map<string, string>;
  schemas: Map<string, Schema>;
}

/** Three parts, lower case: names in Unity Catalog are case-insensitive. */
export interface TableName {
  catalog: string;
  schema: string;
  table: string;
}

export function fullName(name: TableName): string {
  return `${name.catalog}.${name.schema}.${name.table}`;
}

/** A name as Databricks shows it in messages. */
export function quoted(...parts: string[]): string {
  return parts.map((part) => `\`${part}\``).join(".");
}

export class Catalogs {
  readonly #catalogs = new Map<string, Catalog>();

  all(): Catalog[] {
    return [...this.#catalogs.values()].sort(byName);
  }

  allTables(): Table[] {
    return this.all().flatMap((catalog) => [...catalog.schemas.values()].flatMap((schema) => [...schema.tables.values()]));
  }

  find(catalog: string): Catalog | undefined {
    return this.#catalogs.get(catalog.toLowerCase());
  }

  /** @throws SqlError NO_SUCH_CATALOG_EXCEPTION */
  catalog(name: string): Catalog {
    const catalog = this.find(name);
    if (!catalog) throw catalogNotFound(quoted(name));
    return catalog;
  }

  /** @throws SqlError SCHEMA_NOT_FOUND, or NO_SUCH_CATALOG_EXCEPTION */
  schema(catalog: string, name: string): Schema {
    const schema = this.catalog(catalog).schemas.get(name.toLowerCase());
    if (!schema) throw schemaNotFound(quoted(catalog, name));
    return schema;
  }

  findTable(name: TableName): Table | undefined {
    return this.find(name.catalog)?.schemas.get(name.schema.toLowerCase())?.tables.get(name.table.toLowerCase());
  }

  /** @throws SqlError TABLE_OR_VIEW_NOT_FOUND */
  table(name: TableName): Table {
    const table = this.findTable(name);
    if (!table) throw tableNotFound(quoted(name.catalog, name.schema, name.table));
    return table;
  }

  /** @throws SqlError ROUTINE_NOT_FOUND */
  routine({ catalog, schema, name }: Policy["routine"]): Routine {
    const routine = this.schema(catalog, schema).routines.get(name);
    if (!routine)
      throw new SqlError("ROUTINE_NOT_FOUND", "42883", `The routine ${quoted(catalog, schema, name)} cannot be found.`);
    return routine;
  }

  /** @throws SqlError TABLE_OR_VIEW_NOT_FOUND, or EXPECT_TABLE_NOT_VIEW */
  tableForChange(name: TableName, operation: string): Table {
    const table = this.table(name);
    if (table.view) throw tableExpected(operation, quoted(table.catalog, table.schema, table.name));
    return table;
  }

  /** @throws SqlError CATALOG_ALREADY_EXISTS */
  addCatalog(name: string, owner: string): Catalog {
    if (this.find(name))
      throw new SqlError("CATALOG_ALREADY_EXISTS", "42710", `Catalog ${quoted(name.toLowerCase())} already exists.`);
    const catalog: Catalog = { name: name.toLowerCase(), owner, createdAt: Date.now(), tags: new Map(), schemas: new Map() };
    this.#catalogs.set(catalog.name, catalog);
    return catalog;
  }

  /** @throws SqlError SCHEMA_ALREADY_EXISTS */
  addSchema(catalog: string, name: string, owner: string): Schema {
    const { schemas } = this.catalog(catalog);
    if (schemas.has(name.toLowerCase()))
      throw new SqlError(
        "SCHEMA_ALREADY_EXISTS",
        "42P06",
        `Cannot create schema ${quoted(catalog, name)} because it already exists.`,
      );
    const schema: Schema = {
      name: name.toLowerCase(),
      owner,
      createdAt: Date.now(),
      tags: new Map(),
      tables: new Map(),
      routines: new Map(),
    };
    schemas.set(schema.name, schema);
    return schema;
  }

  /** @throws SqlError TABLE_OR_VIEW_ALREADY_EXISTS */
  addTable(table: Table): void {
    this.requireFree({ catalog: table.catalog, schema: table.schema, table: table.name });
    this.schema(table.catalog, table.schema).tables.set(table.name, table);
  }

  removeTable(table: Table): void {
    this.schema(table.catalog, table.schema).tables.delete(table.name);
  }

  /** Gives a table another name, and perhaps another schema, which nothing has. */
  moveTable(table: Table, to: TableName): void {
    this.removeTable(table);
    this.addTable(Object.assign(table, { schema: to.schema, name: to.table }));
  }

  /** @throws SqlError TABLE_OR_VIEW_ALREADY_EXISTS, or SCHEMA_NOT_FOUND */
  requireFree(name: TableName): void {
    if (this.schema(name.catalog, name.schema).tables.has(name.table))
      throw new SqlError(
        "TABLE_OR_VIEW_ALREADY_EXISTS",
        "42P07",
        `Cannot create table or view ${quoted(name.catalog, name.schema, name.table)} because it already exists.`,
      );
  }

  /** @throws SqlError SCHEMA_NOT_EMPTY */
  requireEmpty(catalog: string, schema: Schema): void {
    if (schema.tables.size > 0)
      throw new SqlError(
        "SCHEMA_NOT_EMPTY",
        "2BP01",
        `Cannot drop a schema ${quoted(catalog, schema.name)} because it contains objects.`,
      );
  }

  removeCatalog(catalog: Catalog): void {
    this.#catalogs.delete(catalog.name);
  }

  removeSchema(catalog: string, schema: Schema): void {
    this.catalog(catalog).schemas.delete(schema.name);
  }
}

export function schemasOf(catalog: Catalog): Schema[] {
  return [...catalog.schemas.values()].sort(byName);
}

export function tablesOf(schema: Schema): Table[] {
  return [...schema.tables.values()].sort(byName);
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
