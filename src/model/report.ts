import type { Books, CleanupResult } from "./test-data.ts";
import type { Attachment, TestResults } from "./test-results.ts";

/** What a stage reports, in the words that every room shares. */

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

/** Whether a text can be the digest of a plan at all: SHA-256, as it is shown. */
export function isPlanDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** Whether a text is the full SHA of a commit; a shorter one could come to mean another. */
export function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$|^[0-9a-f]{64}$/i.test(text);
}
