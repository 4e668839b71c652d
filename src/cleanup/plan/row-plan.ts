import type { Table, TestDataConfig } from "../../config/schema.ts";
import type { KeptRows, RealLooking, TouchedRow } from "../../model/test-data.ts";
import type { StartState } from "../ownership/age.ts";
import type { References } from "../ownership/judging.ts";
import type { CatalogColumns } from "../tables/catalog.ts";
import type { Selection } from "../tables/selection.ts";
import type { RetainedTables } from "./deletion-batches.ts";

export type Scope = "run" | "expired" | "all";

/** A request to find test data. */
export interface PlanRequest {
  scope: Scope;
  /** The prefixes of test data: in scope `run` this run's own, otherwise all. */
  prefixes: readonly string[];
  /** All prefixes, in any scope: what a later sweep uses. */
  sweptPrefixes: readonly string[];
  tables: Readonly<Record<string, Table>>;
  /** Tables from the configuration itself, not the preset: if one of them is missing, that is a mistake. */
  own: ReadonlySet<string>;
  protectedTables: readonly string[];
  /** `schema.table` → keys that the ledger claims for this run. */
  known: ReadonlyMap<string, ReadonlySet<string>>;
  /** Scope `expired`: test data created after this moment (Unix milliseconds) is kept. */
  olderThan: number;
  /** Scope `run`: when the run began. Rows known only from the ledger or through dependencies must not be older. */
  bornAfter: number;
  /** The state before the tests of the run in `bornAfter`, if recorded. */
  start: StartState | undefined;
  /** Values of suffix and equals rules that scope `expired` may use. */
  sweep: ReadonlySet<string>;
  /** `schema.table` → keys or matched values of fixed rows. */
  keep: TestDataConfig["keep"];
  /** The zone for times without one. */
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
  /** Unix milliseconds, if known from a row. */
  oldest?: number;
  newest?: number;
  samples: string[];
  /** Tables through whose rows alone some rows of this table are known to be test data. */
  foundThrough: Set<string>;
  /** Columns that may contain personal data: their values are never stored. */
  person: ReadonlySet<string>;
}

export interface RowPlan {
  catalog: CatalogColumns;
  /** The views in the catalog. */
  views: ReadonlySet<string>;
  /** The number of declared tables that exist and have a rule that matches test data. */
  lookedAt: number;
  /** In the order of deletion, one batch at a time; see {@link import("./deletion-batches.ts").deletionBatchesOf}. */
  batches: TablePlan[][];
  rows: number;
  /** Keys of the rows to delete, and of those that an earlier search found: Redis keys may contain them. */
  ids: Map<string, Set<string>>;
  /** Ids that other rows may depend on, each with the time from which they can; for the next search. */
  references: References;
  /** Notes that prevent nothing. */
  notes: string[];
  /** Why this plan is incomplete; it may still run. */
  problems: string[];
  /** Why the plan must not run. */
  blockers: string[];
  /** Protected tables → how many rows they have. Nothing is deleted from them, and the next search confirms it. */
  protectedRows: Map<string, number>;
  /** Test rows that look like data about real people. */
  realLooking: RealLooking[];
  /** Real rows that point at test data and are older than it. */
  touched: TouchedRow[];
  /** Rows that are or may be test data and are kept, by table and reason. */
  kept: KeptRows[];
  /** Tables that could not be read. */
  unreadable: { table: string; why: string }[];
  /** Tables whose rows are kept, because rows that cannot be deleted are only findable through them. */
  retained: RetainedTables;
  digest: string;
}
