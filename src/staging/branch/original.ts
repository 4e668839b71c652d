import type { WarehouseReader } from "../../warehouse/access.ts";
import { WarehouseFailure } from "../../warehouse/failure.ts";
import { quoteName } from "../../warehouse/statements.ts";

/** What of a catalog a branch is made from, as this principal sees it. */
export interface Original {
  catalog: string;
  /** Names in lower case, sorted. */
  schemas: string[];
  tables: OriginalTable[];
  views: OriginalView[];
}

export interface OriginalTable {
  /** `schema.table` in lower case. */
  name: string;
  /** As information_schema has it: MANAGED, EXTERNAL, FOREIGN, … */
  type: string;
  /** What hides its rows or values from a principal, as in "it has …". */
  hidden?: string;
}

export interface OriginalView {
  name: string;
  /** Undefined if the principal may not see it. */
  query: string | undefined;
  columns: string[];
}

/** What env-actions keeps in a catalog for itself, and what every catalog has. */
const ownSchemas = /^(?:information_schema|env_actions(?:_.*)?)$/;

/** Four questions at the same time. @throws WarehouseFailure */
export async function readOriginal(warehouse: WarehouseReader, catalog: string): Promise<Original> {
  const views = `${quoteName(catalog)}.information_schema`;
  const [schemata, tables, texts, columns, hidden] = await Promise.all([
    warehouse.query(`SELECT schema_name FROM ${views}.schemata`),
    warehouse.query(`SELECT table_schema, table_name, table_type FROM ${views}.tables`),
    warehouse.query(`SELECT table_schema, table_name, view_definition FROM ${views}.views`),
    warehouse.query(
      `SELECT c.table_schema, c.table_name, c.column_name, c.ordinal_position FROM ${views}.columns c JOIN ${views}.views v ON c.table_schema = v.table_schema AND c.table_name = v.table_name`,
    ),
    readHidden(warehouse, views),
  ]);
  const nameOf = (row: Record<string, unknown>) => `${String(row.table_schema)}.${String(row.table_name)}`.toLowerCase();
  const isOurs = (row: Record<string, unknown>) => !ownSchemas.test(String(row.table_schema).toLowerCase());
  const columnsOf = Map.groupBy(
    columns.toSorted((a, b) => Number(a.ordinal_position) - Number(b.ordinal_position)),
    nameOf,
  );
  const all = tables.filter(isOurs);
  return {
    catalog,
    schemas: schemata
      .map((row) => String(row.schema_name).toLowerCase())
      .filter((name) => !ownSchemas.test(name))
      .sort(),
    tables: all
      .filter((row) => row.table_type !== "VIEW")
      .map((row) => {
        const name = nameOf(row);
        const why = hidden.get(name);
        return { name, type: String(row.table_type), ...(why === undefined ? {} : { hidden: why }) };
      })
      .sort(byName),
    views: texts
      .filter(isOurs)
      .map((row) => ({
        name: nameOf(row),
        query: typeof row.view_definition === "string" && row.view_definition !== "" ? row.view_definition : undefined,
        columns: (columnsOf.get(nameOf(row)) ?? []).map((column) => String(column.column_name)),
      }))
      .filter(({ name }) => all.some((row) => row.table_type === "VIEW" && nameOf(row) === name))
      .sort(byName),
  };
}

/** SQLSTATEs of a table and of a schema that don't exist: a warehouse without these views has no policies. */
const notThere: ReadonlySet<string> = new Set(["42P01", "42704"]);

async function readHidden(warehouse: WarehouseReader, views: string): Promise<Map<string, string>> {
  const statement = `SELECT schema_name, table_name, 'a row filter' AS what FROM ${views}.row_filters UNION ALL SELECT schema_name, table_name, 'a column mask' AS what FROM ${views}.column_masks`;
  const rows = await warehouse.query(statement).catch((error: unknown) => {
    if (error instanceof WarehouseFailure && notThere.has(error.sqlState ?? "")) return [];
    throw error;
  });
  return new Map(
    rows.map(({ schema_name, table_name, what }) => [`${String(schema_name)}.${String(table_name)}`.toLowerCase(), String(what)]),
  );
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
