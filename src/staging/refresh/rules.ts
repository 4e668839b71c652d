import type { UserError } from "../../model/user-error.ts";
import type { Structure } from "../structure/structure.ts";

/** What a refresh needs to know of the policies. */
export interface TableRules {
  /** Of the policies' text. */
  hash: string;
  /** Why they cannot be used for this original: everything that must be mended, each with its place. It refuses the refresh. */
  refusal(original: Structure): UserError | undefined;
  /** Whether a policy leaves out the whole table. */
  omits(table: string): boolean;
  /** Columns that together could tell who a row is about, and what happens to rows of which there are fewer than k. */
  quasiIdentifiers(table: string): QuasiIdentifiers | undefined;
  /** CHECK constraints, in lower case, that the copy's table doesn't get: the sanitised values may not meet them. */
  withoutChecks(table: string): readonly string[];
  /** For each domain the statements that make its mapping, unless it exists, in their order. */
  mappings(context: RulesContext): string[][];
  /** The sanitised values of a table's columns, and the joins to mapping tables that they need. */
  select(table: string, context: RulesContext): { columns: { name: string; sql: string }[]; joins: string };
  /**
   * Queries of one row each, `place`, `leaks` and `chance`: how many of production's values of a sanitised column are in the built
   * table, and how many of these say nothing, because the policy makes them of any other value too.
   */
  leaks(table: string, context: RulesContext): string[];
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
  workingSchema: { catalog: string; schema: string };
  /** The rows of the original that are copied, at their version: what may stand after FROM, before an alias. */
  from(table: string): string;
  /** The same, with an alias. */
  rows(table: string, alias: string): string;
  /** The built table, in SQL. */
  built(table: string): string;
  /** The alias of the original's row in `select`. */
  alias: string;
}
