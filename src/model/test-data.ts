/** What a cleanup planned and did, and the books: what a run wrote and what happened to it. */

/** The cleanup of one table: plan and result. */
export interface TableCleanup {
  /** `schema.table` */
  table: string;
  planned: number;
  /** Absent in a dry run, and if the warehouse gave no count (unknown is not zero). */
  deleted?: number;
  /** Rows found when we looked again; absent if we did not or could not look. */
  left?: number;
  oldest?: string;
  newest?: string;
  /** Example ids; masked if the column may hold personal data. */
  samples: string[];
  /** The statement with the number of values in place of the values. */
  statement: string;
  /** The table's Delta version before and after, for undo. */
  versionBefore?: number;
  versionAfter?: number;
  /** The deletes, oldest first; absent if nothing was deleted, or if the table's history did not show them. */
  deletions?: Deletion[];
  problem?: string;
}

/** One delete, with the details that undo needs. */
export interface Deletion {
  rows: number;
  /** The Delta version that it created; the version before still has the rows. */
  version: number;
  /** Rows that match any of these were deleted. */
  selection: SelectedRows[];
  /** Only rows of this time were deleted; absent if any were. */
  during?: TimeRange;
}

/** Rows whose time lies between two moments, both included. */
export interface TimeRange {
  /** A column of type TIMESTAMP. */
  column: string;
  /** Unix milliseconds. */
  from: number;
  to: number;
}

/** Rows whose column has one of these values. Exactly one of the two lists is present. */
export interface SelectedRows {
  column: string;
  values?: string[];
  /** SHA-256 of the values, in hex, if the column may hold personal data. */
  sha256?: string[];
}

/** Rows of test data whose value in this column looks like a real person's. */
export interface RealLooking {
  /** `schema.table` */
  table: string;
  column: string;
  rows: number;
}

/**
 * A real row that a test changed. It is older than the test data that this column refers to, or than the run whose prefix it
 * contains, so it existed before. It is never deleted; `env-actions repair` restores the old value.
 */
export interface TouchedRow {
  /** `schema.table` */
  table: string;
  /** The column that identifies the row, and its value. */
  key: { column: string; value: string };
  /** The changed column. */
  column: string;
  /** The current value: the id of a test row, or a text with a prefix. */
  now: string;
  /** The old value from the table's history; `null` for NULL; absent if unknown, see `why`. */
  before?: string | null;
  /** The table's version that still has the old value. */
  version?: number;
  /** Why the old value is unknown. */
  why?: string;
  /**
   * The fields replaced by their SHA-256, in hex, because the column may hold personal data: the key's value, or `now` and
   * `before`.
   */
  masked?: ("key" | "values")[];
}

/** Rows of one table that are or look like test data, but are kept: nothing proves that they may be deleted. */
export interface KeptRows {
  /** `schema.table` */
  table: string;
  rows: number;
  /** Some of their ids; masked if the column may hold personal data. */
  samples: string[];
  /** Why they are kept, and what to do about it. */
  why: string;
}

/** The expiry of test keys in Redis. A key without expiry remains if everything else fails. */
export interface KeyTtlResult {
  /** Milliseconds that a test key should live at most. */
  limitMs: number;
  /** Test keys without expiry. */
  unlimited: number;
  /** Test keys that expire later than `limitMs`. */
  over: number;
  /** Number of kept keys that were given the limit; absent in a dry run, and if this is not configured. */
  shortened?: number;
  samples: string[];
  problem?: string;
}

/**
 * What a cleanup found, deleted and left: `cleanup` in the report of the stage. A plan that was only shown is one, too, without what
 * is known only after a deletion. `undo` and `repair` work from it.
 */
export interface CleanupResult {
  scope: "run" | "expired" | "all";
  /** For scope `run`: the runs whose test data this is about, if it is not the report's own run. */
  runs?: string[];
  dryRun: boolean;
  digest: string;
  tables: TableCleanup[];
  /** `deleted` is absent in a dry run, and if an answer was lost (unknown is not zero). */
  keys: { planned: number; deleted?: number; left?: number; samples: string[]; problem?: string; ttl?: KeyTtlResult };
  /** Why the cleanup is incomplete: unreadable tables, rows in undeclared tables that depend on test data, limits. */
  problems: string[];
  /** Remarks that do not affect the verdict, such as rows kept because of unknown age, or protected tables. */
  notes: string[];
  plannedRows: number;
  deletedRows: number;
  /** Number of keys known to be deleted. */
  deletedKeys: number;
  /** Test rows with addresses or names that look real: a warning. Absent if there are none. */
  realLooking?: RealLooking[];
  /** Real rows that a test changed, at most 1,000. The stage fails, and `env-actions repair` restores the old values. */
  touched?: TouchedRow[];
  /** Number of further rows that are not listed. */
  touchedMore?: number;
  /**
   * The version of each changed table before this run's tests, by `schema.table`. `repair` uses it to tell old values from new
   * ones.
   */
  startVersions?: Record<string, number>;
  /** Rows that may be test data but were kept; absent if there are none. */
  kept?: KeptRows[];
  /** Rows and keys that still existed at the end; `null` if unknown. */
  leftOver: number | null;
  /** What was searched: the declared tables that exist, and whether Redis was searched; absent in older reports. */
  looked?: { tables: number; redis: boolean };
}

/** A count as a range. Both numbers are equal if it is exact; `most` is null if there is no known limit. */
export interface Amount {
  least: number;
  most: number | null;
}

/** What the run did to one table, according to the table's own history. */
export interface TableBooks {
  /** `schema.table` */
  table: string;
  /** The table's version at the start of the run; null if the table did not exist, or its version was not read. */
  from: number | null;
  /** The table's version at the end; null if it could not be read. */
  to: number | null;
  /** Rows that the run inserted. */
  made: Amount;
  /** Rows that the run and its cleanup deleted. */
  deleted: Amount;
  /** Rows that the run made and that still exist without a known reason. */
  unexplained: Amount;
  /** Rows that the run made and that are kept by design, because the table is protected. */
  kept: number;
  /** The unexplained rows that contain the run's id: test data that the cleanup did not find. */
  ofRun: number;
  /** Rows from before the run that the run or its cleanup changed or deleted. */
  touched: Amount;
  /** Keys of some unexplained rows; masked if the key may hold personal data. */
  samples: string[];
  touchedSamples: string[];
  /** The rows that the unexplained rows depend on: `teacher_id = integration_test_… (users.teachers)`. */
  hangsOn: string[];
  /** Why a count is unknown, and how to make it known. */
  why?: string;
}

/** Redis keys that were added since the start and still exist. */
export interface KeyBooks {
  unexplained: Amount;
  samples: string[];
  /** What was compared: `all 305 keys`, `keys in cw:test:*`. */
  looked: string;
  why?: string;
}

/**
 * What the run wrote and what happened to it, according to the tables' own history and to Redis. The books do not rely on what
 * test data looks like, so they reveal what the cleanup did not find.
 */
export interface Books {
  /** A one-line summary: `rows made 75, deleted 75, unexplained 0; real rows touched 0 (48 tables, versions 812–845)`. */
  line: string;
  made: Amount;
  deleted: Amount;
  unexplained: Amount;
  /** Rows kept by design, in protected tables. */
  kept: number;
  touched: Amount;
  /** Number of tables whose history was read. */
  tablesRead: number;
  /** The lowest version at the start and the highest at the end; absent if no table could be read. */
  versions?: { from: number; to: number };
  /** Tables with changes or unknown counts. */
  tables: TableBooks[];
  keys?: KeyBooks;
  /** Configuration to add, so that nothing is unexplained or unknown. */
  advice: string[];
  /** Why something could not be counted, in addition to the reasons in the tables. */
  problems: string[];
}

/** What became of the environment's own tables while a run had a copy of them. */
export interface SharedTables {
  /** Tables that got a version by this run's principals. */
  touched: Amount;
  /** Number of tables whose history was read. */
  read: number;
  /** The lowest version at the start and the highest at the end; absent if no table could be read. */
  versions?: { from: number; to: number };
  /** Every table that got a new version, and by whom. */
  writes: {
    /** `schema.table` */
    table: string;
    whose: "this run's" | "perhaps this run's" | "somebody else's";
    users: string[];
    /** As Delta names them: `WRITE`, `MERGE`, … */
    operations: string[];
    /** How many versions. */
    versions: number;
  }[];
  /** Why the number of touched tables is not known. */
  unknown: string[];
}

/** A run's own copy of the environment's tables, which is dropped at its end. */
export interface Isolation {
  /** `prefixes`: none could be made, so the run shared the tables. */
  by: "catalog" | "schemas" | "prefixes";
  /** The catalog, or the schemas in it. */
  branch: string[];
  /** Why the run shared the tables. */
  why?: string;
  cloned: number;
  /** Tables that have only their columns. */
  empty: number;
  views: number;
  /** What the configuration leaves out. */
  skipped: number;
  /** What is empty or absent, although the configuration asks for a clone. */
  exceptions: { table: string; state: "empty" | "left out"; why: string }[];
  createdMs?: number;
  droppedMs?: number;
  /** Whether it was looked for after it was dropped, and wasn't there; absent if that is unknown. */
  gone?: boolean;
  /** Tables of the branch that were written to, and the rows inserted there; absent if that could not be read. */
  written?: { tables: number; rows: Amount };
  shared?: SharedTables;
  /** Lost branches of earlier runs that this stage dropped. */
  swept: string[];
  problems: string[];
}
