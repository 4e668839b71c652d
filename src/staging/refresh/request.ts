import type { CopyWarehouse } from "../../warehouse/access.ts";
import type { Structure } from "../structure/structure.ts";
import type { TableRules } from "./rules.ts";

/** What a refresh is asked to do: plain data. Tables are `schema.table`, in lower case. */
export interface RefreshRequest {
  /** Catalogs. */
  original: string;
  copy: string;
  /** In addition to the foreign keys of the original. */
  references: readonly Reference[];
  /** Key columns of tables without a primary key. */
  keys: Readonly<Record<string, readonly string[]>>;
  /** Where the sample begins, by table. None: everything is copied. */
  roots: Readonly<Record<string, Root>>;
  /** The smallest group of rows with equal quasi-identifiers. */
  k: number;
  /** How long the old copy is kept; 0: not at all. */
  keepOldMs: number;
  /** After this time the copy must be gone or refreshed. */
  retentionMs: number;
}

/** Columns that name a row of another table. */
export interface Reference {
  table: string;
  columns: readonly string[];
  parent: string;
  parentColumns: readonly string[];
}

/** `where` is a condition in SQL over the table's own columns. */
export type Root = { share: number } | { count: number } | { where: string };

export interface RefreshPorts {
  warehouse: CopyWarehouse;
  readStructure(catalog: string): Promise<Structure>;
  rules: TableRules;
  signal: AbortSignal;
  /** Called with a sentence for each step. */
  onStep?(text: string): void;
}
