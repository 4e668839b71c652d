/**
 * The words that every room shares. This file imports nothing, so that any room may import it.
 */

/** The stages of the quality gate, in the order in which the gate asks for them; cleanup may run at any time. */
export const stageNames = ["preflight", "integration", "e2e", "smoke", "cleanup"] as const;
export type StageName = (typeof stageNames)[number];

/**
 * - `passed`: we looked, and it is right.
 * - `degraded`: it works, but inside a warning band; the gate opens, and it shows.
 * - `failed`: we looked, and it is wrong.
 * - `error`: we could not look. Unknown is never passed.
 * - `skipped`: it was not asked for, and the reason is said.
 */
export const verdicts = ["passed", "degraded", "failed", "error", "skipped"] as const;
export type Verdict = (typeof verdicts)[number];

/** The gate opens for these two and for nothing else. */
export function opensTheGate(verdict: Verdict): boolean {
  return verdict === "passed" || verdict === "degraded";
}

/**
 * The verdict of a whole, from its parts. What we saw to be wrong (`failed`) outweighs what we could not see (`error`), and both
 * outweigh every success. Nothing looked at (no parts, or only skipped ones) is an error: an empty set of checks never passes.
 */
export function worstVerdict(parts: readonly Verdict[]): Verdict {
  if (parts.includes("failed")) return "failed";
  if (parts.includes("error")) return "error";
  if (parts.includes("degraded")) return "degraded";
  return parts.includes("passed") ? "passed" : "error";
}

/** Latency of some samples, in milliseconds. `count` says how far the other three can be believed. */
export interface Latency {
  count: number;
  p50: number;
  p95: number;
  max: number;
}

/** One thing that was looked at, with what was seen and what should have been. */
export interface Check {
  /** Stable, dotted, lower case: `redis.hit-rate`, `api.health`. */
  id: string;
  /** For people: `Redis hit rate`. */
  title: string;
  verdict: Verdict;
  /** What was seen, in words or with a unit: `412 ms`, `503`. */
  observed?: string;
  /** What should have been: `P95 < 500 ms`. */
  expected?: string;
  /** What it means, and what to do: the sentence a tired person needs. Present whenever the verdict is not `passed`. */
  message?: string;
  durationMs: number;
  latency?: Latency;
  /** How often it was looked at, where it is declared flaky and the first look was no pass. */
  attempts?: number;
  /** Recorded as it was, and not counted. */
  dryRun?: boolean;
  /** A failure is this check's own, whatever else is broken: it looks elsewhere, or somebody was let in who should not be. */
  independent?: true;
  /** The id of the check that could not be done and that this one stands on: its failure may have no other cause, and is an error. */
  cause?: string;
}

/** How all checks of a stage were weighed together; see `stages/score.ts`. */
export interface Score {
  /** Of what could be reached; cut off after one digit. */
  percent: number;
  /** Percent from which the stage is passed. */
  pass: number;
  /** Percent from which it is degraded. */
  warning: number;
  reached: number;
  possible: number;
  /** In the order of the report's checks. */
  checks: ScoredCheck[];
  /** Globs of the configuration that mean no check of this run. */
  unmatched: string[];
}

export interface ScoredCheck {
  id: string;
  weight: number;
  /** Its failure fails the stage, whatever the score. */
  key: boolean;
  dryRun: boolean;
  /** Of its weight. */
  points: number;
}

/** A message about a verdict: to a channel, and what became of it. */
export interface Alert {
  channel: AlertChannel;
  event: AlertEvent;
  /** `repeated`: the same was sent within the window, so it was not sent again. */
  outcome: "sent" | "repeated" | "failed";
  /** ISO 8601. */
  at: string;
  attempts: number;
  /** Why it could not be sent. */
  problem?: string;
}

export const alertChannels = ["webhook", "slack", "pagerDuty", "openTelemetry"] as const;
export type AlertChannel = (typeof alertChannels)[number];

/** `recovered`: the first passed after a bad one. `measured`: metrics, which are sent whatever the verdict. */
export type AlertEvent = "failed" | "error" | "degraded" | "recovered" | "measured";

/** What was asked for after a bad verdict, once for a deployment. */
export interface Rollback {
  /** `workflow_dispatch of rollback.yml at main in classwaves/app`, or the command. */
  trigger: string;
  /** What is rolled back: `deployment 4711`, or `production at 4b7e1d90c2f6`. */
  of: string;
  /**
   * `fired`: it was accepted, or the command ended with 0. `dry-run`: it would have been. `already-fired`: another run did, or is about to.
   * `not-fired`: it must not be now. `failed`: it could not be. `unknown`: it may have been.
   */
  outcome: "fired" | "dry-run" | "already-fired" | "not-fired" | "failed" | "unknown";
  /** ISO 8601. */
  at: string;
  why: string;
}

export type TestStatus = "passed" | "failed" | "flaky" | "skipped";

export interface TestCase {
  /** Full name with its describe blocks: `sessions › creates a session`. */
  name: string;
  status: TestStatus;
  durationMs: number;
  /** As the report says it, relative to the workspace where that can be told. */
  file?: string;
  line?: number;
  /** Playwright project, Maven module and the like. */
  project?: string;
  /** How often it ran; 1 without retries. */
  attempts: number;
  /** First line(s) of the failure. */
  message?: string;
  stack?: string;
  /** YYYY-MM-DD: until then its failure does not count; see `QuarantineEntry`. Absent where no entry in force means it. */
  quarantinedUntil?: string;
}

/** The tests that one glob of critical tests means. */
export interface CriticalTests extends TestCounts {
  glob: string;
}

/** Tests that are known to fail, for a time and for a reason. */
export interface QuarantineEntry {
  /** A glob over file and name. */
  test: string;
  /** YYYY-MM-DD, the last day, in UTC. */
  until: string;
  reason: string;
  /** That day is over: its tests count again. */
  over: boolean;
  /** Tests of this run that it means. */
  matched: number;
  /** Of them, those that failed, and that no other entry in force covers. */
  failed: number;
}

/** A test file that could not be loaded, so that none of its tests ran: counts as a failure, whatever the pass rate. */
export interface CrashedSuite {
  file: string;
  message: string;
}

export interface TestCounts {
  total: number;
  passed: number;
  failed: number;
  flaky: number;
  skipped: number;
}

/** What all the reports of one command said, merged. */
export interface TestResults extends TestCounts {
  durationMs: number;
  crashedSuites: CrashedSuite[];
  /** Every failed test: none is ever dropped from here. */
  failures: TestCase[];
  flakyTests: TestCase[];
  /** At most ten. */
  slowest: TestCase[];
  /** By project name; empty where the format knows no projects. */
  projects: Record<string, TestCounts>;
  /** The files read, and as what. */
  sources: { file: string; format: string; tests: number }[];
  /** Where two reports of one run disagree: what each said, and that the worse was believed. */
  disagreements: string[];
  /** By glob, in the order of the configuration; absent where none is configured. */
  critical?: CriticalTests[];
  /** In the order of the configuration; absent where none is configured. */
  quarantine?: QuarantineEntry[];
}

/** A screenshot, trace or video that a failed test left behind. */
export interface Attachment {
  /** Relative to the workspace, with slashes: where it is kept, or where it was when it could not be kept. */
  file: string;
  bytes: number;
  /** Full name, where it can be told. */
  test?: string;
  /** It is neither text nor an archive of texts, such as a picture or a video: what is seen in it is not redacted. */
  binary?: true;
  /** Why it was not kept. */
  leftOut?: string;
}

/** A server that the suite started for a stage. */
export interface ServerReport {
  name: string;
  /** Milliseconds from spawn until its ready condition held; absent when it never did. */
  readyMs?: number;
  /** How it ended: `stopped`, `killed`, `died with exit code 1`. */
  ended: string;
  port?: number;
  portFreed?: boolean;
  /** Workspace-relative path of the log that was kept. */
  log?: string;
  /** Its last lines; only when something went wrong. */
  tail?: string[];
}

/** A command that the stage ran. */
export interface CommandReport {
  command: string;
  exitCode: number | null;
  signal: string | null;
  timedOut: boolean;
  durationMs: number;
  log?: string;
  tail?: string[];
}

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

export interface Commit {
  /** What was checked out: on a pull request the merge commit. */
  sha: string;
  /** The head of the pull request, where it differs. */
  headSha?: string;
}

/** Where a run happens: on a runner, or in somebody's terminal. */
export interface Origin {
  kind: "github" | "terminal";
  repository?: string;
  workflow?: string;
  /** GITHUB_RUN_ID and attempt. */
  workflowRun?: string;
  attempt?: string;
  job?: string;
  /** The cell of the job's matrix: `browser=firefox, shard=2`. */
  cell?: string;
  /** GITHUB_ACTION: the step's id, or a name that the runner made up. */
  step?: string;
  actor?: string;
}

/** What a stage says about an environment. Follows schema/report.schema.json. */
export interface StageReport {
  schemaVersion: 1;
  stage: StageName;
  verdict: Verdict;
  /** One sentence that says why. */
  reason: string;
  environment: { name: string; access: "read-only" | "test-data" };
  /** `<ms>_<8 hex>`: this execution of the stage, and no other. Its test data carries it. */
  runId: string;
  /** What all stages of one gate have in common: the workflow run, or in a terminal the run of the preflight that began it. */
  gateId?: string;
  commit: Commit;
  origin: Origin;
  startedAt: string;
  finishedAt: string;
  durationMs: number;
  budgetMs: number;
  checks: Check[];
  /** Absent where the verdict is that of the worst check. */
  score?: Score;
  tests?: TestResults;
  /** Absent where failed tests left nothing behind, or none failed. */
  attachments?: Attachment[];
  servers: ServerReport[];
  commands: CommandReport[];
  cleanup?: CleanupResult;
  /** Absent where nobody looked: in stages without tests, and where the environment has no warehouse and no Redis. */
  books?: Books;
  /** Absent where none is configured for this verdict. */
  rollback?: Rollback;
  /** Absent where there was none to send. */
  alerts?: Alert[];
  /** What could not be done, beside the checks: no failure is swallowed. */
  problems: string[];
  /** The last line of the audit log that this stage wrote; absent where it could write none. */
  auditHead?: AuditHead;
}

/** A place in the audit log: the line with this hash was once its last. */
export interface AuditHead {
  /** How many lines had been written until then. */
  sequence: number;
  /** SHA-256, hex. */
  hash: string;
}

/** A report bound to commit, environment, run and time: what a later stage asks for. */
export interface Evidence {
  schemaVersion: 1;
  stage: StageName;
  verdict: Verdict;
  environment: string;
  runId: string;
  /** As in the report; absent in evidence of versions that had one run id for all stages. */
  gateId?: string;
  commit: Commit;
  origin: Origin;
  finishedAt: string;
  /** SHA-256 of the report file's bytes, hex. */
  reportDigest: string;
  /** As in the report. */
  auditHead?: AuditHead;
}

/** What a room says for the audit log; who, when, where and which run is added by whoever keeps the log. Never values of people. */
export interface AuditNote {
  /** `decision`: what was decided. `statement`: what was written to the environment. */
  action: "decision" | "statement";
  /** The run whose test data this is about, where it is not the stage's own. */
  run?: string;
  details: Record<string, string | number | boolean | null>;
  counts: Record<string, number>;
}

/** What a stage tells while it runs, for the terminal's progress and the runner's log. */
export type Progress =
  | { kind: "stage-started"; stage: StageName; environment: string; budgetMs: number }
  | { kind: "check-finished"; stage: StageName; check: Check }
  | { kind: "step"; stage: StageName; text: string }
  | { kind: "warning"; stage: StageName; text: string }
  | { kind: "output"; stage: StageName; source: string; line: string }
  /** While a cleanup executes: what of its plan is not known to be deleted yet. Empty tables and no keys when nothing remains. */
  | { kind: "remaining"; stage: StageName; tables: { table: string; rows: number }[]; keys: number }
  | { kind: "stage-finished"; stage: StageName; report: StageReport };

/**
 * The user's mistake: a wrong input, flag or configuration. Exit status 2. The message names the place and the cure, and is shown
 * without a stack.
 */
export class UserError extends Error {
  override name = "UserError";
  /** Where the mistakes stand, if they stand in a file. The message has all of them. */
  readonly mistakes: readonly PlacedMistake[];

  constructor(message: string, { mistakes = [], ...options }: ErrorOptions & { mistakes?: readonly PlacedMistake[] } = {}) {
    super(message, options);
    this.mistakes = mistakes;
  }
}

/** Line and column count from 1, as editors do. */
export interface PlacedMistake {
  /** As the person named it. */
  file: string;
  line: number;
  column: number;
  message: string;
}

/** Whether a text can be the digest of a plan at all: SHA-256, as it is shown. */
export function isPlanDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** Whether a text is the full SHA of a commit; a shorter one could come to mean another. */
export function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$|^[0-9a-f]{64}$/i.test(text);
}
