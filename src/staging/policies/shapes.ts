import { inParallel } from "../../lib/in-parallel.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { qualifiedName } from "../../warehouse/statements.ts";
import type { Structure } from "../structure/structure.ts";
import { parseColumnType } from "./column-type.ts";
import { columnOf, sourceAlias, textLiteral } from "./sql.ts";

/** What the texts of a column look like, as counts of a sample. No value is read. */
export interface Shape {
  filled: number;
  distinct: number;
  /** Letters of the longest. */
  longest: number;
  email: number;
  phone: number;
  uuid: number;
  url: number;
  ip: number;
  json: number;
}

/** By `schema.table.column`, in lower case. */
export type Shapes = ReadonlyMap<string, Shape>;

/** In the part of regular expressions that Java and RE2 share. */
const patterns = {
  email: "^[^@ ]+@[^@ ]+\\.[A-Za-z]{2,}$",
  phone: "^\\+?[0-9][0-9 ()/.-]{6,20}$",
  uuid: "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
  url: "^https?://",
  ip: "^[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}$",
  json: "^[ \\n\\t]*[\\[{]",
} as const;

const sampleRows = 10_000;
const atOnce = 8;

/**
 * One statement for each table, over its first rows. A table that can't be read has no shapes.
 * @returns also the tables that could not be read, with the reason
 */
export async function readShapes(
  warehouse: WarehouseReader,
  structure: Structure,
): Promise<{ shapes: Shapes; failed: Map<string, string> }> {
  const shapes = new Map<string, Shape>();
  const failed = new Map<string, string>();
  const tables = Object.entries(structure.schemas).flatMap(([schema, own]) =>
    Object.entries(own.tables)
      .filter(([, { kind }]) => kind === "table")
      .map(([table, { columns }]) => ({
        name: `${schema}.${table}`,
        columns: columns.filter(({ type }) => parseColumnType(type)?.kind === "text").map((column) => column.name),
      })),
  );
  await inParallel(atOnce, tables, async ({ name, columns }) => {
    if (columns.length === 0) return;
    try {
      const [row] = await warehouse.query(shapeQuery(qualifiedName(structure.catalog, name), columns));
      for (const [index, column] of columns.entries()) shapes.set(`${name}.${column.toLowerCase()}`, shapeIn(row ?? {}, index));
    } catch (error) {
      failed.set(name, error instanceof Error ? error.message : String(error));
    }
  });
  return { shapes, failed };
}

const counts = Object.keys(patterns) as (keyof typeof patterns)[];

function shapeQuery(table: string, columns: readonly string[]): string {
  const list = columns.flatMap((name, index) => {
    const column = columnOf(name);
    return [
      `count(${column}) AS filled_${index}`,
      `count(DISTINCT ${column}) AS distinct_${index}`,
      `coalesce(max(length(${column})), 0) AS longest_${index}`,
      ...counts.map((key) => `count_if(regexp_like(${column}, ${textLiteral(patterns[key])})) AS ${key}_${index}`),
    ];
  });
  const names = columns.map((name) => columnOf(name)).join(", ");
  return `SELECT ${list.join(", ")} FROM (SELECT ${names} FROM ${table} AS ${sourceAlias} LIMIT ${sampleRows}) AS ${sourceAlias}`;
}

function shapeIn(row: Readonly<Record<string, unknown>>, index: number): Shape {
  const number = (key: string) => Number(row[`${key}_${index}`] ?? 0);
  return {
    filled: number("filled"),
    distinct: number("distinct"),
    longest: number("longest"),
    email: number("email"),
    phone: number("phone"),
    uuid: number("uuid"),
    url: number("url"),
    ip: number("ip"),
    json: number("json"),
  };
}
