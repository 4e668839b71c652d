/** What a cleanup planned and did, and the books: what a run wrote and what became of it. */

/** One table, as planned and as done. */
export interface TableCleanup {
  /** `schema.table` */
  table: string;
  planned: number;
  /** Absent in a dry run, and where the warehouse did not tell (unknown is not zero). */
  deleted?: number;
  /** What was still there when we looked again; absent when we did not or could not look. */
  left?: number;
  oldest?: string;
  newest?: string;
  /** Ids that show what it is about; masked where a column may hold a person. */
  samples: string[];
  /** The statement, with named parameters, never with values. */
  statement: string;
  /** Delta version of the table before and after, for undo. */
  versionBefore?: number;
  versionAfter?: number;
  /** What each delete took, oldest first; absent where nothing was deleted, or where the table's history did not show it. */
  deletions?: Deletion[];
  problem?: string;
}

/** One delete, as undo needs it. */
export interface Deletion {
  rows: number;
  /** The Delta version that it made: the one before still has the rows. */
  version: number;
  /** Rows that meet any of these were deleted. */
  selection: SelectedRows[];
}

/** Rows whose column has one of these values; exactly one of the two lists is there. */
export interface SelectedRows {
  column: string;
  values?: string[];
  /** In place of the values of a column that may hold a person: their SHA-256, hex. */
  sha256?: string[];
}

/** Rows of test data whose value in this column looks as if it were about a real person. */
export interface RealLooking {
  /** `schema.table` */
  table: string;
  column: string;
  rows: number;
}

/**
 * A real row that a test changed: it is older than the test data that this column points at, or than the run whose prefix it shows, so it
 * was there before. It is never deleted; `env-actions repair` puts the old value back.
 */
export interface TouchedRow {
  /** `schema.table` */
  table: string;
  /** The column that names the row, and its value. */
  key: { column: string; value: string };
  /** The column that was changed. */
  column: string;
  /** What stands there now: the id of a test row, or a text with a prefix. */
  now: string;
  /** What stood there before, by the table's history; `null` for NULL; absent where that could not be told, see `why`. */
  before?: string | null;
  /** The table's version that still has the old value. */
  version?: number;
  /** Why the old value could not be told. */
  why?: string;
  /** What stands here as its SHA-256, hex, because its column may hold a person: the key's value, or `now` and `before`. */
  masked?: ("key" | "values")[];
}

/** Rows of one table that look like test data, or are, and stay: nothing proves that they may go. */
export interface KeptRows {
  /** `schema.table` */
  table: string;
  rows: number;
  /** Ids of some of them; masked where a column may hold a person. */
  samples: string[];
  /** Why they stay, and what to do about it. */
  why: string;
}

/** What the life of test keys in Redis is limited to: a key without a limit stays when everything else fails. */
export interface KeyTtlResult {
  /** Milliseconds: no test key should live longer. */
  limitMs: number;
  /** Test keys that have no limit at all. */
  unlimited: number;
  /** Test keys whose limit is beyond `limitMs`. */
  over: number;
  /** Of those that are kept, how many were given the limit; absent in a dry run and where that is not configured. */
  shortened?: number;
  samples: string[];
  problem?: string;
}

export interface CleanupResult {
  scope: "run" | "expired" | "all";
  /** Of scope `run`: the runs whose test data this is about, where it is not the report's own. */
  runs?: string[];
  dryRun: boolean;
  digest: string;
  tables: TableCleanup[];
  /** `deleted` is absent in a dry run, and where an answer was lost (unknown is not zero). */
  keys: { planned: number; deleted?: number; left?: number; samples: string[]; problem?: string; ttl?: KeyTtlResult };
  /** Why the cleanup is not complete: tables that could not be read, rows that hang on test data in undeclared tables, limits. */
  problems: string[];
  /** Worth knowing, and no hindrance: rows kept because their age cannot be told, protected tables, and the like. */
  notes: string[];
  plannedRows: number;
  deletedRows: number;
  /** Keys that are known to have been deleted. */
  deletedKeys: number;
  /** Test rows with addresses or names that nobody invented: a warning. Absent where there are none. */
  realLooking?: RealLooking[];
  /** Real rows that a test changed, at most 1,000: the stage fails, and `env-actions repair` puts their old values back. */
  touched?: TouchedRow[];
  /** How many more there are than are listed. */
  touchedMore?: number;
  /** Where rows were touched: `schema.table` → its version before the tests of this run, so that `repair` knows what is older. */
  startVersions?: Record<string, number>;
  /** Rows that may be test data and were kept; absent where there are none. */
  kept?: KeptRows[];
  /** Rows and keys that were still there at the end; `null` = could not be told. */
  leftOver: number | null;
  /** What was looked at: declared tables that exist, and whether Redis was; absent in older reports. */
  looked?: { tables: number; redis: boolean };
}

/** A count that may not be known exactly: the two are equal where it is. `most` is null where no limit is known. */
export interface Amount {
  least: number;
  most: number | null;
}

/** What the run did to one table, by the table's own history. */
export interface TableBooks {
  /** `schema.table` */
  table: string;
  /** The table's version at the start of the run; null where the table was not there, or its version was not read. */
  from: number | null;
  /** Its version at the end; null where it could not be read. */
  to: number | null;
  /** Rows that the run inserted. */
  made: Amount;
  /** Rows that the run and its cleanup deleted. */
  deleted: Amount;
  /** Rows that the run made, and that are still there although nothing says that they should be. */
  unexplained: Amount;
  /** Rows that the run made and that stay by design, because the table is protected. */
  kept: number;
  /** Of them, those that carry the run's id: they are test data that no cleanup found. */
  ofRun: number;
  /** Rows that were there at the start, and that the run or its cleanup changed or deleted. */
  touched: Amount;
  /** Some of the unexplained rows, by key; masked where the key may be about a person. */
  samples: string[];
  touchedSamples: string[];
  /** What the unexplained rows hang on: `teacher_id = integration_test_… (users.teachers)`. */
  hangsOn: string[];
  /** Why a count is unknown, and what would make it known. */
  why?: string;
}

/** Redis keys that are new since the start and still there. */
export interface KeyBooks {
  unexplained: Amount;
  samples: string[];
  /** What was compared: `all 305 keys`, `keys in cw:test:*`. */
  looked: string;
  why?: string;
}

/**
 * What the run wrote and what became of it, by the tables' own history and by Redis. It does not rely on what test data looks like:
 * what the cleanup did not find shows here.
 */
export interface Books {
  /** One line to quote: `rows made 75, deleted 75, unexplained 0; real rows touched 0 (48 tables, versions 812–845)`. */
  line: string;
  made: Amount;
  deleted: Amount;
  unexplained: Amount;
  /** Rows that stay by design, in protected tables. */
  kept: number;
  touched: Amount;
  /** Tables whose history was read. */
  tablesRead: number;
  /** The lowest version at the start and the highest at the end; absent where no table could be read. */
  versions?: { from: number; to: number };
  /** Tables in which something changed or is unknown. */
  tables: TableBooks[];
  keys?: KeyBooks;
  /** What to write so that nothing stays unexplained or unknown. */
  advice: string[];
  /** Why something could not be counted, beside what the tables say. */
  problems: string[];
}
