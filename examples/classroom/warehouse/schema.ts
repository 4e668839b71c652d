import { readFile } from "node:fs/promises";

/** The 48 tables of the real ClassWaves: columns with Databricks' types, and the number of rows. */
export type Schema = Record<string, TableShape>;

export interface TableShape {
  rows: number;
  columns: Record<string, string>;
}

/** By `catalog.schema.table`. */
export async function readSchema(): Promise<Schema> {
  return JSON.parse(await readFile(new URL("../schema.json", import.meta.url), "utf8"));
}
