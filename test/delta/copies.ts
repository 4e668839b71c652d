import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quoted } from "../../local/warehouse/catalog.ts";
import type { Parameter } from "../../local/warehouse/session.ts";
import type { Spark } from "./spark.ts";

/** Copies of local tables on Delta, and the parameters of statements about them. */

/** How Delta stores the copies. */
export const tableKinds = ["plain", "deletion vectors", "clustered", "partitioned"] as const;
export type TableKind = (typeof tableKinds)[number];

/** A column with its type in Databricks' notation. */
export type Column = readonly [name: string, type: string];

export function definitionOf(columns: readonly Column[]): string {
  return columns.map(([name, type]) => `${quoted(name)} ${type}`).join(", ");
}

/** The clause of CREATE TABLE. */
export function storedAs(kind: TableKind, columns: readonly Column[]): string {
  // The first column identifies a row, and is never empty: Delta stores an empty text in a partition's column as NULL.
  const first = columns.find(([, type]) => type === "string")?.[0];
  switch (kind) {
    case "plain":
      return "";
    case "deletion vectors":
      return "TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')";
    case "clustered":
      return first === undefined ? "" : `CLUSTER BY (${quoted(first)})`;
    case "partitioned":
      return first === undefined || columns.length < 2 ? "" : `PARTITIONED BY (${quoted(first)})`;
  }
}

/** Makes a table with these rows as its first version, in one step. @param rows one JSON object each */
export async function createTable(
  spark: Spark,
  table: string,
  columns: readonly Column[],
  stored: string,
  rows: readonly string[],
): Promise<void> {
  if (rows.length === 0) {
    await spark.run(`CREATE TABLE ${table} (${definitionOf(columns)}) USING delta ${stored}`);
    return;
  }
  await spark.run(`CREATE TABLE ${table} USING delta ${stored} AS ${selectOf(columns)}`, { rows: jsonOf(rows, columns) });
}

/** Replaces all rows of a table, as one version. @param rows one JSON object each */
export async function replaceRows(
  spark: Spark,
  table: string,
  columns: readonly Column[],
  rows: readonly string[],
): Promise<void> {
  await spark.run(`INSERT OVERWRITE ${table} ${selectOf(columns)}`, { rows: jsonOf(rows, columns) });
}

function selectOf(columns: readonly Column[]): string {
  const fields = columns.map(([name, type]) => `${quoted(name)}: ${type}`).join(", ");
  return `SELECT r.* FROM (SELECT explode(from_json(:rows, 'array<struct<${fields}>>')) AS r)`;
}

function jsonOf(rows: readonly string[], columns: readonly Column[]): string {
  return `[${rows.map((row) => plainJson(row, columns)).join(",")}]`;
}

let loads = 0;

/** Appends rows as one version; a table that doesn't exist is made. @param rows one JSON object each */
export async function loadRows(spark: Spark, table: string, columns: readonly Column[], rows: readonly string[]): Promise<void> {
  if (rows.length === 0) return;
  const path = join(tmpdir(), `delta-load-${process.pid}-${loads++}.json`);
  writeFileSync(path, rows.map((row) => plainJson(row, columns)).join("\n"));
  await spark.load(table, definitionOf(columns), path);
  rmSync(path);
}

/** In a VARIANT, JSON's null is a value of its own, and not NULL. */
function plainJson(row: string, columns: readonly Column[]): string {
  const variants = columns.filter(([, type]) => type === "variant").map(([name]) => `,${JSON.stringify(name)}:null`);
  return variants.reduce((text, none) => text.replace(none, ""), row);
}

/** As Spark takes them: by name, or in their order. */
export function argumentsOf(parameters: readonly Parameter[]): Record<string, unknown> | unknown[] {
  if (parameters.some(({ name }) => name === undefined)) return parameters.map(argumentOf);
  return Object.fromEntries(parameters.map((parameter) => [parameter.name ?? "", argumentOf(parameter)]));
}

function argumentOf({ type, value }: Parameter): unknown {
  if (value === undefined || type === undefined || type === "VOID") return null;
  if (/INT(EGER)?$/.test(type)) return Number(value);
  if (type === "BOOLEAN") return value.toLowerCase() === "true";
  return type === "DOUBLE" ? Number(value) : value;
}
