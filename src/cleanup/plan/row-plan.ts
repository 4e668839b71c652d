import type { Table, TestDataConfig } from "../../config/schema.ts";
import type { KeptRows, RealLooking, TouchedRow } from "../../model/test-data.ts";
import type { References } from "../ownership/judging.ts";
import type { StartState } from "../ownership/start.ts";
import type { CatalogColumns } from "../tables/catalog.ts";
import type { Selection } from "../tables/selection.ts";
import type { RetainedTables } from "./retained.ts";

export type Scope = "run" | "expired" | "all";

/** What is looked for. */
export interface PlanRequest {
  scope: Scope;
  /** What ids of test data begin with: for scope `run` this run's own prefixes, else all of them. */
  prefixes: readonly string[];
  /** All of them, whatever the scope: what a later sweep goes by. */
  sweptPrefixes: readonly string[];
  tables: Readonly<Record<string, Table>>;
  /** Those that the configuration declares by itself, beyond the preset: one that is not there is a mistake. */
  own: ReadonlySet<string>;
  protectedTables: readonly string[];
  /** `schema.table` → keys that the ledger claims for this run. */
  known: ReadonlyMap<string, ReadonlySet<string>>;
  /** Scope `expired`: test data made after this moment (Unix milliseconds) is left alone. */
  olderThan: number;
  /** Scope `run`: when the run began. What is known only from the ledger, or from what it depends on, must not be older. */
  bornAfter: number;
  /** What stood there before the tests of the run began that `bornAfter` is of, where somebody looked. */
  start: StartState | undefined;
  /** Values of suffix and equals rules by which scope `expired` may go. */
  sweep: ReadonlySet<string>;
  /** `schema.table` → keys or matched values of fixed rows. */
  keep: TestDataConfig["keep"];
  /** The zone of times that have none. */
  timeZone: string | undefined;
  now: number;
  maxRows: number;
  maxShare: number;
  synthetic: TestDataConfig["synthetic"];
}

export interface TablePlan {
  table: string;
  selection: Selection;
  rows: number;
  /** Unix milliseconds, where a row told. */
  oldest?: number;
  newest?: number;
  samples: string[];
  /** Tables whose rows alone tell that some rows of this one are test data. */
  foundThrough: Set<string>;
  /** Columns that may hold a person: their values are never kept. */
  person: ReadonlySet<string>;
}

export interface RowPlan {
  catalog: CatalogColumns;
  /** Those of it that are views. */
  views: ReadonlySet<string>;
  /** Declared tables that exist and have a rule by which test data would be found. */
  lookedAt: number;
  /** In the order of deletion, each batch at once; see {@link import("./deletion-batches.ts").deletionBatchesOf}. */
  batches: TablePlan[][];
  rows: number;
  /** Keys of the rows that go, and of those that an earlier look found: Redis keys may carry them. */
  ids: Map<string, Set<string>>;
  /** Ids that other rows may depend on, with the moment since which they can; for the next look. */
  references: References;
  /** Things worth knowing that hinder nothing. */
  notes: string[];
  /** Reasons why this plan cannot be called complete; it may still run. */
  problems: string[];
  /** Reasons why it must not run. */
  blockers: string[];
  /** Protected tables → how many rows they have: nothing here deletes from them, and the next look shows it. */
  protectedRows: Map<string, number>;
  /** Test rows that look as if they were about real people. */
  realLooking: RealLooking[];
  /** Real rows that point at test data, and are older than it. */
  touched: TouchedRow[];
  /** Rows that are, or may be, test data and stay, by table and reason. */
  kept: KeptRows[];
  /** Tables that could not be looked at. */
  unreadable: { table: string; why: string }[];
  /** Tables whose rows stay, because nothing else tells of what hangs on them and cannot be deleted. */
  retained: RetainedTables;
  digest: string;
}
