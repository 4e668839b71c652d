import { type Catalogs, schemasOf, type Table, tablesOf } from "./catalog.ts";
import type { Privileges } from "./privileges.ts";
import { type Column, type ResultSet, resultOf, texts, type Value } from "./results.ts";
import type { Session } from "./session.ts";
import { type DataType, int, typeName } from "./types.ts";

/** Patterns in the driver's metadata calls: `%` and `_` are wildcards, absent means all. */
export interface MetadataPattern {
  catalogName?: string;
  schemaName?: string;
  tableName?: string;
  columnName?: string;
}

/** Answers the driver's getCatalogs, getSchemas, getTables and getColumns, restricted to what the caller may see. */
export class Metadata {
  readonly #catalogs: Catalogs;
  readonly #privileges: Privileges;

  constructor(catalogs: Catalogs, privileges: Privileges) {
    this.#catalogs = catalogs;
    this.#privileges = privileges;
  }

  catalogs(session: Session): ResultSet {
    const visible = this.#catalogs.all().filter((catalog) => this.#privileges.seesCatalog(session.principal, catalog));
    return resultOf(
      texts("TABLE_CAT"),
      visible.map((catalog) => [catalog.name]),
    );
  }

  schemas(session: Session, pattern: MetadataPattern): ResultSet {
    const rows = this.#catalogs
      .all()
      .filter((catalog) => matches(catalog.name, pattern.catalogName))
      .flatMap((catalog) =>
        schemasOf(catalog)
          .filter((schema) => matches(schema.name, pattern.schemaName))
          .filter((schema) => this.#privileges.seesSchema(session.principal, catalog, schema))
          .map((schema) => [schema.name, catalog.name]),
      );
    return resultOf(texts("TABLE_SCHEM", "TABLE_CATALOG"), rows);
  }

  tables(session: Session, pattern: MetadataPattern): ResultSet {
    const columns = texts("TABLE_CAT", "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE", "REMARKS");
    const rows = this.#visible(session, pattern).map((table) => [
      table.catalog,
      table.schema,
      table.name,
      table.view ? "VIEW" : "TABLE",
      table.comment ?? "",
    ]);
    return resultOf(columns, rows);
  }

  tableTypes(): ResultSet {
    return resultOf(texts("TABLE_TYPE"), [["TABLE"], ["VIEW"]]);
  }

  columns(session: Session, pattern: MetadataPattern): ResultSet {
    const rows = this.#visible(session, pattern).flatMap((table) =>
      table.columns
        .map((column, index): Value[] => [
          table.catalog,
          table.schema,
          table.name,
          column.name,
          jdbcTypes[column.type.kind === "primitive" ? column.type.name : column.type.kind] ?? 1111,
          typeName(column.type).toUpperCase(),
          sizeOf(column.type),
          column.type.kind === "decimal" ? column.type.scale : null,
          column.nullable ? 1 : 0,
          column.comment ?? "",
          index,
          column.nullable ? "YES" : "NO",
          "NO",
        ])
        .filter((row) => matches(String(row[3]), pattern.columnName)),
    );
    return resultOf(columnColumns, rows);
  }

  #visible(session: Session, pattern: MetadataPattern): Table[] {
    return this.#catalogs
      .all()
      .filter((catalog) => matches(catalog.name, pattern.catalogName))
      .flatMap(schemasOf)
      .filter((schema) => matches(schema.name, pattern.schemaName))
      .flatMap(tablesOf)
      .filter((table) => matches(table.name, pattern.tableName))
      .filter((table) => this.#privileges.seesTable(session.principal, table));
  }
}

const columnColumns: Column[] = [
  ...texts("TABLE_CAT", "TABLE_SCHEM", "TABLE_NAME", "COLUMN_NAME"),
  { name: "DATA_TYPE", type: int },
  ...texts("TYPE_NAME"),
  { name: "COLUMN_SIZE", type: int },
  { name: "DECIMAL_DIGITS", type: int },
  { name: "NULLABLE", type: int },
  ...texts("REMARKS"),
  { name: "ORDINAL_POSITION", type: int },
  ...texts("IS_NULLABLE", "IS_AUTO_INCREMENT"),
];

/** java.sql.Types, which JDBC's getColumns, and so this call, returns. */
const jdbcTypes: Readonly<Record<string, number>> = {
  boolean: 16,
  tinyint: -6,
  smallint: 5,
  int: 4,
  bigint: -5,
  float: 6,
  double: 8,
  string: 12,
  binary: -2,
  date: 91,
  timestamp: 93,
  decimal: 3,
  array: 2003,
  map: 2000,
  struct: 2002,
};

function sizeOf(type: DataType): number | null {
  return type.kind === "decimal" ? type.precision : null;
}

/** A SQL pattern; `\` escapes. */
export function matches(name: string, pattern: string | undefined | null): boolean {
  if (pattern === undefined || pattern === null || pattern === "") return true;
  const expression = pattern.replace(/\\([%_\\])|[%_]|[^\w%_]/g, (found, escaped: string | undefined) => {
    if (escaped !== undefined) return escaped === "\\" ? "\\\\" : escaped;
    return found === "%" ? ".*" : found === "_" ? "." : `\\${found}`;
  });
  return new RegExp(`^${expression}$`, "is").test(name);
}
