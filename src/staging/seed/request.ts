import type { CopyWarehouse } from "../../warehouse/access.ts";
import type { Structure } from "../structure/structure.ts";
import type { SeedTable } from "./generators.ts";

/** What a seed is asked to do: plain data. Tables are `schema.table`. */
export interface SeedRequest {
  /** The copy's catalog, and what the connection must show before anything is written: all that is given is compared. */
  copy: { catalog: string; expect?: { host: string; catalog?: string; principal?: string } };
  /** Catalogs that must never be written: the original's, and those of all environments with `access: read-only`. */
  readOnly: readonly { environment: string; catalog: string }[];
  /** From 0 to {@link import("./random.ts").largestSeed}. The same seed, day and numbers give the same rows. */
  seed: number;
  /** The day that all times are relative to: `2026-11-30`. */
  day: string;
  /** Fills ClassWaves' tables with so many schools, and what belongs to them. Absent: they are tables like others. */
  schools?: number;
  /** Rows of each table that nothing else is said about; for tables with parents, each parent gets up to five. 0: none. */
  rows: number;
  tables: Readonly<Record<string, SeedTable>>;
  /** Empties the copy's tables before. */
  reset?: boolean;
  /** Adds the rows although tables have others. */
  add?: boolean;
  /** Looks and refuses as otherwise, and writes nothing. */
  dryRun?: boolean;
}

export interface SeedPorts {
  warehouse: CopyWarehouse;
  readStructure(catalog: string): Promise<Structure>;
  signal: AbortSignal;
  /** Called with a sentence for each step. */
  onStep?(text: string): void;
  /** For each table that was emptied or filled. Never rejects. */
  audit?(event: SeedEvent): Promise<void>;
}

export interface SeedEvent {
  what: "empty" | "seed";
  table: string;
  /** Absent if the answer was lost. */
  rows?: number;
  problem?: string;
}
