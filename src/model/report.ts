import type { PastLatency, PastRuns } from "./past.ts";
import type { StagingResult } from "./staging.ts";
import type { Books, CleanupResult, Isolation } from "./test-data.ts";
import type { Attachment, TestResults } from "./test-results.ts";

/** What a stage reports, in the terms that all rooms share. */

/** The stages of the quality gate, in the gate's order. Only they open it. */
export const gateStages = ["preflight", "integration", "e2e", "smoke"] as const;
export type GateStage = (typeof gateStages)[number];

/** The tasks that keep a copy of production. They are stages outside the gate. */
export const stagingStages = ["drift", "sync", "refresh", "seed", "sweep"] as const;
export type StagingStage = (typeof stagingStages)[number];

/** All stages. Cleanup and the tasks about a copy may run at any time. */
export const stageNames = [...gateStages, "cleanup", ...stagingStages] as const;
export type StageName = (typeof stageNames)[number];

export function isStagingStage(stage: string): stage is StagingStage {
  return stagingStages.some((one) => one === stage);
}

/** Whether the gate needs its verdict. */
export function isGateStage(stage: string): stage is GateStage {
  return gateStages.some((one) => one === stage);
}

/**
 * - `passed`: we looked, and it is right.
 * - `degraded`: it works, but within a warning range; the gate opens and shows a warning.
 * - `failed`: we looked, and it is wrong.
 * - `error`: we could not look. Unknown is never passed.
 * - `skipped`: it was not requested; the reason is reported.
 */
export const verdicts = ["passed", "degraded", "failed", "error", "skipped"] as const;
export type Verdict = (typeof verdicts)[number];

/** Only these two verdicts open the gate. */
export function opensTheGate(verdict: Verdict): boolean {
  return verdict === "passed" || verdict === "degraded";
}

/**
 * The overall verdict of several parts. `failed` (we saw something wrong) outweighs `error` (we could not look), and both
 * outweigh every success. Without any parts, or with skipped ones only, it is an error: an empty set of checks never passes.
 */
export function worstVerdict(parts: readonly Verdict[]): Verdict {
  if (parts.includes("failed")) return "failed";
  if (parts.includes("error")) return "error";
  if (parts.includes("degraded")) return "degraded";
  return parts.includes("passed") ? "passed" : "error";
}

/** Latency of some samples, in milliseconds. With a low `count`, the other three are less reliable. */
export interface Latency {
  count: number;
  p50: number;
  p95: number;
  max: number;
  /** Each sample, the shortest first; absent if there are too many for a report. */
  samples?: number[];
  /** The P95 must be below it. */
  limit?: number;
}

/** The same latency in earlier runs, all samples together. Milliseconds. */
export interface EarlierLatency {
  /** The id of the check whose latency it is. */
  of: string;
  runs: number;
  p50: number;
  p95: number;
}

/** One thing that was checked, with what was observed and what was expected. */
export interface Check {
  /** Stable, dotted, lower case: `redis.hit-rate`, `api.health`. */
  id: string;
  /** The title for people: `Redis hit rate`. */
  title: string;
  verdict: Verdict;
  /** What was observed, in words or with a unit: `412 ms`, `503`. */
  observed?: string;
  /** What was expected: `P95 < 500 ms`. */
  expected?: string;
  /** What the result means and what to do. Present unless the verdict is `passed`. */
  message?: string;
  durationMs: number;
  latency?: Latency;
  /** What the latency of another check is compared with. */
  earlier?: EarlierLatency;
  /** Its own latency in earlier runs; absent if there are none. */
  past?: PastLatency;
  /** Number of attempts, if the check is declared flaky and the first attempt did not pass. */
  attempts?: number;
  /** The check ran and is reported, but does not count. */
  dryRun?: boolean;
  /**
   * A failure counts even if another check failed: this check does not depend on it, or it found access that should have been
   * denied.
   */
  independent?: true;
  /**
   * The id of the check that explains this one, so that one cause is counted once. Either that check could not run and this one
   * depends on it: then this failure is reported as an error, because it may have the same cause. Or this one only repeats its
   * finding, as an exit status repeats failed tests.
   */
  cause?: string;
  /** What ends at a known time, also if that is far away. Never the value of a token. */
  expires?: CheckExpiry[];
}

/** Something that a check saw, and that ends: a certificate, a token, an exception in the configuration, a copy's retention. */
export interface CheckExpiry {
  what: "certificate" | "token" | "exception" | "copy";
  /** Whose: a host, a variable, a key of the configuration, a catalog. */
  name: string;
  /** ISO 8601. */
  at: string;
}

/** Whether one of these checks explains this one. */
export function isConsequence({ cause }: Check, checks: readonly Check[]): boolean {
  return cause !== undefined && checks.some(({ id, verdict }) => id === cause && verdict !== "passed" && verdict !== "skipped");
}

/** The checks that no other of them explains; never none of several. */
export function withoutConsequences(checks: readonly Check[]): readonly Check[] {
  const causes = checks.filter((check) => !isConsequence(check, checks));
  return causes.length > 0 ? causes : checks;
}

/** The combined score of a stage's checks; see `stages/score.ts`. */
export interface Score {
  /** Percentage of the possible points; cut off after one decimal. */
  percent: number;
  /** Minimum percentage for `passed`. */
  pass: number;
  /** Minimum percentage for `degraded`. */
  warning: number;
  reached: number;
  possible: number;
  /** In the order of the report's checks. */
  checks: ScoredCheck[];
  /** Globs of the configuration that match no check of this run. */
  unmatched: string[];
}

export interface ScoredCheck {
  id: string;
  weight: number;
  /** A key check: its failure fails the stage, whatever the score. */
  key: boolean;
  dryRun: boolean;
  /** The part of its weight that the check earned. */
  points: number;
}

/** An alert about a verdict: its channel, and the outcome. */
export interface Alert {
  channel: AlertChannel;
  event: AlertEvent;
  /** `repeated`: not sent, because the same alert was sent within the window. */
  outcome: "sent" | "repeated" | "failed";
  /** ISO 8601. */
  at: string;
  attempts: number;
  /** Why it could not be sent. */
  problem?: string;
}

export const alertChannels = ["webhook", "slack", "pagerDuty", "openTelemetry"] as const;
export type AlertChannel = (typeof alertChannels)[number];

/** `recovered`: the first pass after a bad verdict. `measured`: metrics, which are sent for every verdict. */
export type AlertEvent = "failed" | "error" | "degraded" | "recovered" | "measured";

/** A rollback requested after a bad verdict, at most once per deployment. */
export interface Rollback {
  /** `workflow_dispatch of rollback.yml at main in classwaves/app`, or the command. */
  trigger: string;
  /** What is rolled back: `deployment 4711`, or `production at 4b7e1d90c2f6`. */
  of: string;
  /**
   * `fired`: the request was accepted, or the command exited with 0. `dry-run`: it would have been requested. `already-fired`:
   * another run requested it, or is about to. `not-fired`: it must not be requested now. `failed`: the request failed. `unknown`:
   * the request may have succeeded.
   */
  outcome: "fired" | "dry-run" | "already-fired" | "not-fired" | "failed" | "unknown";
  /** ISO 8601. */
  at: string;
  why: string;
  /** Only if `rollback.workflow.wait` is set, and GitHub said which run it started. */
  result?: RollbackResult;
}

/** What became of the workflow run that a rollback started: its conclusion, or why that is unknown. */
export interface RollbackResult {
  run: number;
  url: string;
  /** GitHub's word, such as `success` or `failure`. */
  conclusion?: string;
  problem?: string;
}

/** A server that the suite started for a stage. */
export interface ServerReport {
  name: string;
  /** Milliseconds from the start until the server was ready; absent if it never was. */
  readyMs?: number;
  /** How it ended: `stopped`, `killed`, `died with exit code 1`. */
  ended: string;
  port?: number;
  portFreed?: boolean;
  /** Path of the stored log, relative to the workspace. */
  log?: string;
  /** The log's last lines; only if something went wrong. */
  tail?: string[];
}

/** A command that the stage ran. */
export interface CommandReport {
  command: string;
  /** The name of the task that it is; absent for test commands. */
  task?: string;
  exitCode: number | null;
  signal: string | null;
  timedOut: boolean;
  durationMs: number;
  log?: string;
  tail?: string[];
}

export interface Commit {
  /** The checked-out commit; the merge commit on a pull request. */
  sha: string;
  /** The head of the pull request, if it differs. */
  headSha?: string;
}

/** Where a run takes place: on a runner or in a terminal. */
export interface Origin {
  kind: "github" | "terminal";
  repository?: string;
  workflow?: string;
  /** GITHUB_RUN_ID and the attempt. */
  workflowRun?: string;
  attempt?: string;
  job?: string;
  /** The cell of the job's matrix: `browser=firefox, shard=2`. */
  cell?: string;
  /** GITHUB_ACTION: the step's id, or a name that the runner generated. */
  step?: string;
  actor?: string;
}

/** A stage's report on an environment. Follows schema/report.schema.json. */
export interface StageReport {
  schemaVersion: 1;
  stage: StageName;
  verdict: Verdict;
  /** The reason for the verdict, in one sentence. */
  reason: string;
  environment: { name: string; access: "read-only" | "test-data" };
  /** `<ms>_<8 hex>`: the id of this execution of the stage. Its test data contains it. */
  runId: string;
  /**
   * The id that all stages of one gate share: the workflow run, or in a terminal the run of the preflight that started the gate.
   */
  gateId?: string;
  commit: Commit;
  origin: Origin;
  startedAt: string;
  finishedAt: string;
  durationMs: number;
  budgetMs: number;
  checks: Check[];
  /** Absent if the worst check decides the verdict. */
  score?: Score;
  tests?: TestResults;
  /** Absent if no test failed, or if failed tests left no files. */
  attachments?: Attachment[];
  servers: ServerReport[];
  commands: CommandReport[];
  cleanup?: CleanupResult;
  /** Absent if the books were not checked: in stages without tests, and in environments without a warehouse and Redis. */
  books?: Books;
  /** What a task about a copy of production found and did; absent in every other stage. */
  staging?: StagingResult;
  /** Absent if the run shares the tables by its configuration. */
  isolation?: Isolation;
  /** Of a stage that failed or ended in an error: how it ended before. Absent if nothing is known of earlier runs. */
  past?: PastRuns;
  /** Absent if none is configured for this verdict. */
  rollback?: Rollback;
  /** Absent if there were none to send. */
  alerts?: Alert[];
  /** Stages that the project doesn't have, by its configuration; absent if there are none. */
  leftOut?: StageName[];
  /** Smoke only: neither evidence nor a deployment shows what it checked. Absent if one does. */
  follows?: "nothing";
  /** Failures outside the checks, so that none is hidden. */
  problems: string[];
  /** The last line that this stage wrote to the audit log; absent if it could not write any. */
  auditHead?: AuditHead;
}

/** A position in the audit log: the line with this hash was once the last one. */
export interface AuditHead {
  /** The number of lines in the log at that time. */
  sequence: number;
  /** SHA-256, hex. */
  hash: string;
}

/** A report bound to commit, environment, run and time. A later stage requires it. */
export interface Evidence {
  schemaVersion: 1;
  stage: StageName;
  verdict: Verdict;
  environment: string;
  runId: string;
  /** As in the report; absent in evidence of old versions, which used one run id for all stages. */
  gateId?: string;
  /** The configuration's path in the checkout, which tells the projects of a monorepo apart; absent in a terminal and in older evidence. */
  project?: string;
  commit: Commit;
  origin: Origin;
  finishedAt: string;
  /** SHA-256 of the report file, in hex. */
  reportDigest: string;
  /** As in the report. */
  auditHead?: AuditHead;
}

/** What a stage reports while it runs, for the terminal and the runner's log. */
export type Progress =
  | { kind: "stage-started"; stage: StageName; environment: string; budgetMs: number }
  | { kind: "check-finished"; stage: StageName; check: Check }
  | { kind: "step"; stage: StageName; text: string }
  | { kind: "warning"; stage: StageName; text: string }
  | { kind: "output"; stage: StageName; source: string; line: string }
  /** During a cleanup: the part of the plan that is not yet known to be deleted. No tables and no keys if nothing remains. */
  | { kind: "remaining"; stage: StageName; tables: { table: string; rows: number }[]; keys: number }
  /** After `remaining`: this table no longer belongs to it. `left`: all that still does. */
  | { kind: "table-done"; stage: StageName; table: string; left: { rows: number; keys: number } }
  | { kind: "stage-finished"; stage: StageName; report: StageReport };

/** Whether a text has the form of a plan's digest, a SHA-256 in hex. */
export function isPlanDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** Whether a text is a full commit SHA. A short one may become ambiguous. */
export function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$|^[0-9a-f]{64}$/i.test(text);
}
