import { randomUUID } from "node:crypto";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { Table, TableColumn, TableName } from "./catalog.ts";
import { checkColumns } from "./column-rules.ts";
import { refuseRepeatedColumns, SqlError, UnsupportedSql } from "./errors.ts";
import { readResult } from "./results.ts";
import type { Clause, ColumnDefinition, TableLayout } from "./sql/ast.ts";
import { clauseOf } from "./sql/parse-definition.ts";
import { parseType } from "./types.ts";
import { newVersion } from "./versions.ts";

/** A new table: its name, its definition and its first version. */

/** Columns by name, with Databricks' types, such as `map<string,string>`. */
export interface TableDefinition {
  columns: Record<string, string | ColumnSpecification>;
  /** CHECK constraints by name, as SQL. */
  constraints?: Record<string, string>;
  /** TBLPROPERTIES. */
  properties?: Record<string, string>;
}

/** A column with more than a type. `default` and `generatedAs` are SQL. */
export interface ColumnSpecification {
  type: string;
  /** `true` if absent. */
  nullable?: boolean;
  comment?: string;
  default?: string;
  generatedAs?: string;
  /** `always`: values cannot be given. `startWith` and `incrementBy` are 1 if absent. */
  identity?: { always: boolean; startWith?: number; incrementBy?: number };
}

export interface Definition {
  columns: TableColumn[];
  constraints: Record<string, Clause>;
  properties: Record<string, string>;
  layout: TableLayout;
}

/** The constraint that a property such as `delta.constraints.positive` means. */
const constraintPrefix = "delta.constraints.";

export const noLayout: TableLayout = { clusteredBy: [], partitionedBy: [] };

/** A definition as CREATE TABLE has it. @throws SqlError */
export function definitionOf(
  columns: readonly ColumnDefinition[],
  constraints: Record<string, Clause>,
  properties: Record<string, string>,
  layout: TableLayout = noLayout,
): Definition {
  const [checks, others] = [true, false].map((isCheck) =>
    Object.entries(properties).filter(([key]) => key.startsWith(constraintPrefix) === isCheck),
  );
  const definition = {
    columns: columns.map(columnOf),
    constraints: {
      ...constraints,
      ...Object.fromEntries((checks ?? []).map(([key, text]) => [key.slice(constraintPrefix.length), clauseOf(text)])),
    },
    properties: Object.fromEntries(others ?? []),
    layout,
  };
  checkColumns(definition.columns);
  return definition;
}

/** The definition of a table that is created from outside, where DEFAULT needs no table feature. @throws SqlError */
export function specified({ columns, constraints = {}, properties = {} }: TableDefinition): Definition {
  const definitions = Object.entries(columns).map(([name, given]): ColumnDefinition => {
    const { type, nullable = true, comment, ...more }: ColumnSpecification = typeof given === "string" ? { type: given } : given;
    return {
      name,
      type,
      nullable,
      ...(comment === undefined ? {} : { comment }),
      ...(more.default === undefined ? {} : { default: clauseOf(more.default) }),
      ...(more.generatedAs === undefined ? {} : { generated: clauseOf(more.generatedAs) }),
      ...(more.identity
        ? {
            identity: { always: more.identity.always, start: more.identity.startWith ?? 1, step: more.identity.incrementBy ?? 1 },
          }
        : {}),
    };
  });
  const checks = Object.entries(constraints).map(([name, text]): [string, Clause] => [name, clauseOf(text)]);
  return definitionOf(definitions, Object.fromEntries(checks), properties);
}

function columnOf({ identity, type, ...column }: ColumnDefinition): TableColumn {
  return {
    ...column,
    type: parseType(type),
    ...(identity ? { identity: { ...identity, next: identity.start } } : {}),
  };
}

export function splitName(name: string): TableName {
  const [catalog, schema, table, ...rest] = name.split(".");
  if (!catalog || !schema || !table || rest.length > 0) throw new Error(`expected catalog.schema.table, got ${name}`);
  return { catalog, schema, table };
}

export function newTable(name: TableName, definition: Definition, user: string, at: number): Table {
  const { columns, constraints, properties, layout } = definition;
  refuseRepeatedColumns(columns.map((column) => column.name));
  const hidden = columns.find((column) => /^(rowid|__.*)$/i.test(column.name));
  if (hidden) throw new UnsupportedSql(`a column named ${hidden.name}`);
  const created = newVersion({ user }, "CREATE TABLE", 0, { at });
  return {
    catalog: name.catalog.toLowerCase(),
    schema: name.schema.toLowerCase(),
    name: name.table.toLowerCase(),
    columns,
    properties: new Map(Object.entries(properties)),
    constraints: new Map(Object.entries(constraints).map(([check, clause]) => [check.toLowerCase(), clause])),
    foreignKeys: new Map(),
    tags: new Map(),
    ...checkedLayout(layout, columns),
    masks: new Map(),
    earlier: [],
    owner: user,
    // One reading of the clock, because a second one may be later.
    createdAt: created.at,
    id: randomUUID(),
    history: [created],
    readableFrom: 0,
    vacuumed: new Map(),
    loggedFrom: 0,
    emptyUntil: -1,
  };
}

/** Delta's rules for CLUSTER BY and PARTITIONED BY. @throws SqlError */
export function checkedLayout({ clusteredBy, partitionedBy }: TableLayout, columns: readonly TableColumn[]): TableLayout {
  if (clusteredBy.length > 0 && partitionedBy.length > 0)
    throw new SqlError(
      "SPECIFY_CLUSTER_BY_WITH_PARTITIONED_BY_IS_NOT_ALLOWED",
      "42908",
      "Cannot specify both CLUSTER BY and PARTITIONED BY.",
    );
  if (clusteredBy.length > 4)
    throw new SqlError(
      "DELTA_CLUSTER_BY_INVALID_NUM_COLUMNS",
      "54000",
      `CLUSTER BY for Liquid clustering supports up to 4 clustering columns, but the table has ${clusteredBy.length} clustering columns. Please remove the extra clustering columns.`,
    );
  const known = (name: string): string => {
    const column = columns.find((one) => one.name.toLowerCase() === name.toLowerCase());
    if (column) return column.name;
    throw new SqlError(
      "UNRESOLVED_COLUMN.WITH_SUGGESTION",
      "42703",
      `A column, variable, or function parameter with name \`${name}\` cannot be resolved. Did you mean one of the following? [${columns.map((column) => `\`${column.name}\``).join(", ")}]`,
    );
  };
  if (partitionedBy.length > 0 && partitionedBy.length === columns.length)
    throw new SqlError("ALL_PARTITION_COLUMNS_NOT_ALLOWED", "KD005", "Cannot use all columns for partition columns.");
  return { clusteredBy: clusteredBy.map(known), partitionedBy: partitionedBy.map(known) };
}

/** The columns of a SELECT in DuckDB's dialect. */
export async function resultColumns(connection: DuckDBConnection, sql: string): Promise<TableColumn[]> {
  const { columns } = readResult(await connection.runAndReadAll(`SELECT * FROM (${sql}) LIMIT 0`));
  return columns.map((column) => ({ ...column, nullable: true }));
}
