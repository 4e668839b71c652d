import { randomUUID } from "node:crypto";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { Table, TableColumn, TableName } from "./catalog.ts";
import { refuseRepeatedColumns, UnsupportedSql } from "./errors.ts";
import { readResult } from "./results.ts";
import { parseType } from "./types.ts";
import { newVersion } from "./versions.ts";

/** A new table: its name, its columns and its first version. */

export function columnsOf(types: Record<string, string>): TableColumn[] {
  return Object.entries(types).map(([name, type]) => ({ name, type: parseType(type), nullable: true }));
}

export function splitName(name: string): TableName {
  const [catalog, schema, table, ...rest] = name.split(".");
  if (!catalog || !schema || !table || rest.length > 0) throw new Error(`expected catalog.schema.table, got ${name}`);
  return { catalog, schema, table };
}

export function newTable(name: TableName, columns: TableColumn[], user: string, at: number): Table {
  refuseRepeatedColumns(columns.map((column) => column.name));
  const hidden = columns.find((column) => /^(rowid|__.*)$/i.test(column.name));
  if (hidden) throw new UnsupportedSql(`a column named ${hidden.name}`);
  const created = newVersion({ user }, "CREATE TABLE", 0, { at });
  return {
    catalog: name.catalog.toLowerCase(),
    schema: name.schema.toLowerCase(),
    name: name.table.toLowerCase(),
    columns,
    properties: new Map(),
    constraints: new Map(),
    earlier: [],
    owner: user,
    // One reading of the clock, because a second one may be later.
    createdAt: created.at,
    id: randomUUID(),
    history: [created],
    readableFrom: 0,
    emptyUntil: -1,
  };
}

/** The columns of a SELECT in DuckDB's dialect. */
export async function resultColumns(connection: DuckDBConnection, sql: string): Promise<TableColumn[]> {
  const { columns } = readResult(await connection.runAndReadAll(`SELECT * FROM (${sql}) LIMIT 0`));
  return columns.map((column) => ({ ...column, nullable: true }));
}
