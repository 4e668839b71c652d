import type { RunCheck } from "../checks/run-check.ts";
import type { Config, Environment, Table } from "../config/schema.ts";
import type { Redaction } from "../lib/redaction/redactor.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import type { Check, CommandReport, Progress, ServerReport, StageName } from "../model/report.ts";
import type { Books, CleanupResult } from "../model/test-data.ts";
import type { Attachment, TestResults } from "../model/test-results.ts";

/** Everything a stage needs to know, and its ways to the outside. */
export interface StageContext {
  stage: StageName;
  config: Config;
  /** The test-data tables, preset and configuration joined. */
  tables: Readonly<Record<string, Table>>;
  environment: Environment & { name: string };
  /** Of this execution; its test data carries it. */
  runId: string;
  /** Unix milliseconds. */
  runStarted: number;
  /** What the stages of one gate have in common. */
  gateId?: string;
  /** For cleanup of scope `run`; the own run if left out. */
  cleans?: RunsToClean;
  /** Absolute path; everything the configuration names is relative to it. */
  workspace: string;
  /** Absolute path of `.env-actions` in it. */
  records: string;
  /** The process's own environment. */
  env: Readonly<Record<string, string | undefined>>;
  /** Ends at the stage's budget, or when the run is cancelled. */
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
  /** Resolves when the line is on disk. Never rejects: a line that could not be written is a problem of the report. */
  audit: (note: AuditEvent) => Promise<void>;
  secrets: SecretKeeper;
  overrides: Overrides;
  /** Runs one check; repeats it where it is declared flaky. */
  check: RunCheck;
}

/** The runs whose test data scope `run` deletes, and why it leaves that of others alone. */
export interface RunsToClean {
  /** `tracked`: its tests had a ledger in this workspace. */
  runs: { runId: string; tracked: boolean }[];
  leftAlone: string[];
}

/** Knows every secret of the run: the configuration's, those of the environment's variables, and those made on the way. */
export interface SecretKeeper extends Redaction {
  /** Hides a secret from now on, with its parts and its encodings. */
  add(secret: string): void;
  /** Hides, without announcing it, what may be a secret as far as anybody knows yet. Takes the place of earlier guesses. */
  guess(secrets: Iterable<string>): void;
  /** Grows with each secret that is learned. */
  readonly generation: number;
}

/** What inputs and flags say in place of the configuration. */
export interface Overrides {
  command?: string;
  reports?: string[];
  /** 0 to 1 */
  passRate?: number;
  scope?: "run" | "expired" | "all";
  execute?: boolean;
  planDigest?: string;
}

/** What a stage found and did. */
export interface StageOutcome {
  checks: Check[];
  tests?: TestResults;
  attachments?: Attachment[];
  commands: CommandReport[];
  servers: ServerReport[];
  cleanup?: CleanupResult;
  books?: Books;
  problems: string[];
}

export function emptyOutcome(): StageOutcome {
  return { checks: [], commands: [], servers: [], problems: [] };
}

/** Tells the progress of each check as it comes, and hands it on. */
export async function reportCheck<Result extends Check | Check[]>(
  context: StageContext,
  checking: Promise<Result>,
): Promise<Result> {
  const result = await checking;
  for (const check of Array.isArray(result) ? result : [result])
    context.onProgress({ kind: "check-finished", stage: context.stage, check });
  return result;
}

export function step(context: StageContext, text: string): void {
  context.onProgress({ kind: "step", stage: context.stage, text });
}

/** How a cleanup tells what it does: its steps, what remains, and its lines of the audit log. */
export function cleanupReporting(context: StageContext) {
  return {
    onStep: (text: string) => step(context, text),
    onRemaining: (remaining: { tables: { table: string; rows: number }[]; keys: number }) =>
      context.onProgress({ kind: "remaining", stage: context.stage, ...remaining }),
    audit: context.audit,
  };
}
