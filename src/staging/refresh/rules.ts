import type { Structure } from "../structure/structure.ts";

/** What a refresh needs to know of the policies. */
export interface TableRules {
  /** Of the policies' text. */
  hash: string;
  /** What has no policy. Anything in here refuses the refresh. */
  gaps(original: Structure): { object: string; why: string }[];
  /** Whether a policy leaves out the whole table. */
  omits(table: string): boolean;
  /** Columns that together could tell who a row is about, and what happens to rows of which there are fewer than k. */
  quasiIdentifiers(table: string): QuasiIdentifiers | undefined;
  /** Each makes one mapping table, unless it exists, in one statement. */
  mappings(context: RulesContext): { name: string; statement: string }[];
  /** The sanitised values of a table's columns, and the joins to mapping tables that they need. */
  select(table: string, context: RulesContext): { columns: { name: string; sql: string }[]; joins: string };
  /** Reads of one count each, in a column `leaks`: production's values of sanitised columns in the built table. */
  leaks(table: string, context: RulesContext): { object: string; statement: string }[];
}

export interface QuasiIdentifiers {
  columns: readonly string[];
  /** `null`: these columns of the row become NULL. `omit`: the row is left out. */
  suppress: "null" | "omit";
}

export interface RulesContext {
  original: Structure;
  /** The refresh's id, which is no secret. */
  id: string;
  /** The full name of a table of the working schema, in SQL. */
  working(name: string): string;
  /** The rows of the original that are copied, at their version: what stands after FROM, with its alias. */
  rows(table: string, alias: string): string;
  /** The built table, in SQL. */
  built(table: string): string;
  /** The alias of the original's row in `select`. */
  alias: string;
}
