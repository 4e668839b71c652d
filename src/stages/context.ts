import type { RunCheck } from "../checks/run-check.ts";
import type { PlaceOf } from "../config/mistakes.ts";
import type { Config, Environment, Table } from "../config/schema.ts";
import type { StagingPlace } from "../config/staging-rules.ts";
import type { HistoryStore } from "../history/store/store.ts";
import type { Redaction } from "../lib/redaction/redactor.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import type { Check, CommandReport, Progress, ServerReport, StageName } from "../model/report.ts";
import type { StagingResult } from "../model/staging.ts";
import type { Books, CleanupResult, Isolation } from "../model/test-data.ts";
import type { Attachment, TestResults } from "../model/test-results.ts";

/** Everything a stage needs to know, and its outputs. */
export interface StageContext {
  stage: StageName;
  config: Config;
  /** Where a path of the configuration is written, for mistakes in it. */
  configPlace?: PlaceOf;
  /** The test-data tables: the preset and the configuration merged. */
  tables: Readonly<Record<string, Table>>;
  environment: Environment & { name: string };
  /** What the copy under `staging` is a copy of. */
  original?: StagingPlace;
  /** Unique to this execution; its test data contains it. */
  runId: string;
  /** Unix milliseconds. */
  runStarted: number;
  /** Shared by the stages of one gate. */
  gateId?: string;
  /** The path of the configuration in the checkout. Absent in a terminal. */
  project?: string;
  /** For cleanup of scope `run`; the stage's own run if absent. */
  cleans?: RunsToClean;
  /** The run's own copy of the tables, and the variables that hand it over; absent if the run shares the tables. */
  branch?: { variables: Readonly<Record<string, string>> };
  /** Absolute path; paths in the configuration are relative to it. */
  workspace: string;
  /** Absolute path of `.env-actions` in it. */
  records: string;
  /** The process's own environment. */
  env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the stage's budget is used up, or the run is cancelled. */
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
  /** Resolves when the line is on disk. Never rejects: a line that cannot be written becomes a problem in the report. */
  audit: (note: AuditEvent) => Promise<void>;
  /** Why a line could not be written; undefined if all lines so far are on disk. */
  notAudited: () => string | undefined;
  secrets: SecretKeeper;
  /** The records of earlier runs; undefined if none are kept. @throws HistoryFailure if their place can't be used */
  history: () => Promise<HistoryStore | undefined>;
  /** All samples that later runs may be compared with, by the redacted id of their check. The stage adds them. */
  baseline: Map<string, readonly number[]>;
  overrides: Overrides;
  /** Runs one check, and repeats it if it is declared flaky. */
  check: RunCheck;
}

/** The runs whose test data scope `run` deletes, and why it leaves others alone. */
export interface RunsToClean {
  /** `tracked`: its tests had a ledger in this workspace. */
  runs: { runId: string; tracked: boolean }[];
  leftAlone: string[];
}

/** Knows every secret of the run: from the configuration, the environment's variables, and sign-ins. */
export interface SecretKeeper extends Redaction {
  /** Hides a secret from now on, including its parts and encodings. */
  add(secret: string): void;
  /** Hides possible secrets without announcing them. Replaces earlier guesses. */
  guess(secrets: Iterable<string>): void;
  /** Increases with each new secret. */
  readonly generation: number;
}

/** A smoke that follows nothing. */
export interface Unproven {
  /** Why evidence that was found doesn't count. */
  found?: string;
  /** The event by which a deployment started this run, although it is not followed. */
  event?: string;
}

/** Inputs and flags that override the configuration. */
export interface Overrides {
  command?: string;
  reports?: string[];
  /** 0 to 1 */
  passRate?: number;
  scope?: "run" | "expired" | "all";
  execute?: boolean;
  planDigest?: string;
  /** `seed`: empties the copy before. */
  reset?: boolean;
  /** `drift`: where to write the original's structure, in place of comparing; relative to the workspace. */
  writeSnapshot?: string;
}

/**
 * What a stage found and did. The worst verdict of its checks, or their score, is the verdict of its report, which has everything
 * else here under the same names.
 */
export interface StageOutcome {
  checks: Check[];
  tests?: TestResults;
  attachments?: Attachment[];
  commands: CommandReport[];
  servers: ServerReport[];
  cleanup?: CleanupResult;
  books?: Books;
  staging?: StagingResult;
  isolation?: Isolation;
  /** What could not be done. With one, the stage's verdict is `error` or `failed`. */
  problems: string[];
}

export function emptyOutcome(): StageOutcome {
  return { checks: [], commands: [], servers: [], problems: [] };
}

/** Reports the progress of each check, and returns it. */
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

/** Callbacks by which a cleanup reports its steps, what remains, and its audit lines. */
export function cleanupReporting(context: StageContext) {
  return {
    onStep: (text: string) => step(context, text),
    onRemaining: (remaining: { tables: { table: string; rows: number }[]; keys: number }) =>
      context.onProgress({ kind: "remaining", stage: context.stage, ...remaining }),
    onTableDone: (table: string, left: { rows: number; keys: number }) =>
      context.onProgress({ kind: "table-done", stage: context.stage, table, left }),
    audit: context.audit,
    notAudited: context.notAudited,
  };
}

/** What is known about an execution that was killed. */
export interface CutShort {
  /** ISO 8601: when it began. */
  startedAt: string;
  /** The signal that cancelled the job before; undefined if the process got none. */
  cancelledBy: string | undefined;
  /** What happened to the processes it had started, if any still ran. */
  stillRan: string | undefined;
}
