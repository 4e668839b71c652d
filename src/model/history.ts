import type { AlertChannel, AlertEvent, Commit, Origin, Rollback, StageName, Verdict } from "./report.ts";
import type { FacetVerdict } from "./staging.ts";
import type { Amount } from "./test-data.ts";
import type { TestCounts } from "./test-results.ts";

/**
 * What is remembered of one execution of a stage, after its report is gone. Each attempt and each cell of a matrix has its own record,
 * so that a re-run that passed doesn't hide the failure before it. A record never changes.
 *
 * It has names, counts and times: no values of rows, no messages of tests, no output, no person. Texts of others are made plain and
 * short when the record is made, and are still untrusted wherever they are shown.
 */
export interface HistoryRecord {
  schemaVersion: 1;
  stage: StageName;
  verdict: Verdict;
  /** At most 300 characters. */
  reason: string;
  environment: { name: string; access: "read-only" | "test-data" };
  /** Unique for each execution: `<ms>_<8 hex>`. */
  runId: string;
  gateId?: string;
  commit: Commit;
  /** The branch under test: the head's on a pull request; absent if unknown, as for a tag. */
  branch?: string;
  /** The branch is the repository's default one. Absent if it isn't, or if that is unknown. */
  isDefaultBranch?: true;
  /** The branch is in another repository: the head of a pull request from a fork. */
  isFork?: true;
  /** GitHub's event, such as `push`. */
  event?: string;
  origin: Omit<Origin, "actor" | "step">;
  /** The path of the configuration in the checkout: applications of one repository may share a history. Absent in a terminal. */
  project?: string;
  /** ISO 8601, like every moment here. */
  startedAt: string;
  finishedAt: string;
  durationMs: number;
  budgetMs: number;
  /** At most 500. */
  checks: HistoryCheck[];
  tests?: HistoryTests;
  servers?: { name: string; readyMs?: number; ended: string }[];
  /** Absent if the stage neither looked for test data nor kept books. */
  data?: HistoryData;
  drift?: { verdict: FacetVerdict; differences: number; unseen: number };
  /** What the copy was filled with. */
  copy?: HistoryCopy;
  /** What ends at a known time, such as a certificate. */
  expires?: Expiry[];
  /** What was sent, and what each channel knows since, by channel. */
  alerts?: Partial<Record<AlertChannel, HistoryAlert>>;
  /** `again`: nothing was requested, so a later run may do so. */
  rollback?: Pick<Rollback, "of" | "outcome" | "trigger" | "at"> & { again?: true };
  /** What was cut off to keep the record small, such as `12 more failed tests`. */
  more?: string[];
}

export interface HistoryCheck {
  id: string;
  /** Absent if it is the same as the id. */
  title?: string;
  verdict: Verdict;
  durationMs?: number;
  latency?: HistoryLatency;
  /** As in the report: the id of the check that explains this one. */
  cause?: string;
  dryRun?: true;
}

/** Milliseconds, rounded to microseconds. */
export interface HistoryLatency {
  count: number;
  p50: number;
  p95: number;
  max: number;
  limit?: number;
  /** At most 200, in the order of the measurement. Left out when the record is compacted. */
  samples?: number[];
  /** Fit to be compared with by later runs: the check passed in a passing run, and wasn't slower than the runs before. */
  isBaseline?: true;
}

/** Identifies a test over runs. */
export interface HistoryTest {
  /** At most 300 characters, like the others. */
  name: string;
  file?: string;
  project?: string;
}

export interface HistoryTests extends TestCounts {
  durationMs: number;
  /** Failed, unknown or crashed; at most 100. A crashed file has its path as name. */
  failures: (HistoryTest & { quarantined?: true })[];
  /** At most 100. */
  flakyTests: HistoryTest[];
  /** At most 10. */
  slowest: (HistoryTest & { durationMs: number })[];
  crashedSuites: number;
  /** A test report is missing or broken, so other tests may have failed as well. */
  incomplete?: true;
}

/** Rows and keys of tests. A number that is not known is null, never 0. */
export interface HistoryData {
  scope: "run" | "expired" | "all";
  dryRun: boolean;
  /** Inserted by the run, as its books say; absent without books. */
  made?: Amount;
  /** Known to be deleted. */
  deletedRows: number;
  deletedKeys: number;
  /** Answers were lost: more rows or keys may be gone. */
  deletedAtLeast?: true;
  /** Rows and keys that were still there at the end, or after a dry run. */
  left: number | null;
  /** Of them, keys. Absent in older records. */
  leftKeys?: number | null;
  /** Rows that the run made and that are kept by design, because their table is protected. */
  kept?: number;
  unexplained?: Amount;
  unexplainedKeys?: Amount;
  /** Rows of the run were on a branch of its own, and what became of it. `made` is then about the branch. */
  branch?: "dropped" | "left" | "unknown";
  /** Real rows that the run changed. */
  touched?: Amount;
  /** Only tables with anything to say; at most 200. */
  tables: {
    table: string;
    made?: Amount;
    deleted: number | null;
    left: number | null;
    kept?: number;
    unexplained?: Amount;
    /** The oldest test row that was found. */
    oldest?: string;
  }[];
}

export interface HistoryCopy {
  by: "refresh" | "seed";
  at: string;
  rows: number;
  /** Only of a refresh. */
  leaks?: number;
  switched?: boolean;
  keepUntil?: string;
}

export interface Expiry {
  what: "certificate" | "token" | "quarantine" | "exception" | "copy";
  /** Whose: a host, a variable's name, a test's glob. */
  name: string;
  at: string;
}

export interface HistoryAlert {
  event?: AlertEvent;
  outcome?: "sent" | "repeated" | "failed";
  /** When an alert for each cause was last sent. */
  sent: Record<string, string>;
  /** Whether the next pass is a recovery. */
  open: boolean;
  /** This run passed and ended what the channel knew: what older records say holds no longer. */
  closed?: true;
}
