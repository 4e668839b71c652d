import type { LocalGitHub, Token } from "../../../local/github/index.ts";
import type { GateOutcome, GateQuestion } from "../../../src/gate/judge.ts";
import type { Evidence, Origin, StageName, Verdict } from "../../../src/model/report.ts";
import type { Fault, Stored } from "../../harness/artifact-service.ts";

// What a row of the table is made of, and what it changes: a run on a pull request, in which every stage passed.

export const now = Date.now();
export const commit = { sha: "e".repeat(40), headSha: "a".repeat(40) };
export const otherCommit = "b".repeat(40);
export const origin: Origin = { kind: "github", repository: "classwaves/app", workflowRun: "7", attempt: "3", job: "gate" };
/** The configuration of the gate, unless a row says otherwise. */
export const project = ".github/env-actions.yml";
export const gateStages = ["preflight", "integration", "e2e"] as const;

let ids = 0;

export type More = Partial<Omit<Evidence, "origin">> &
  Partial<Pick<Origin, "job" | "cell" | "attempt" | "workflowRun" | "repository">>;

export function left(stage: StageName, verdict: Verdict = "passed", more: More = {}): Evidence {
  const { job = stage, cell, attempt = "1", workflowRun = "7", repository = "classwaves/app", ...rest } = more;
  return {
    schemaVersion: 1,
    stage,
    verdict,
    environment: "sandbox",
    runId: `${now}_${String(ids++).padStart(8, "0")}`,
    gateId: `github-${workflowRun}`,
    project,
    commit,
    origin: { kind: "github", repository, workflowRun, job, attempt, ...(cell ? { cell } : {}) },
    finishedAt: at(-60_000),
    reportDigest: "0".repeat(64),
    ...rest,
  };
}

export const e2e = (verdict: Verdict = "passed", more: More = {}) => left("e2e", verdict, more);
export const endedBy = (...found: Evidence[]) => ({ evidence: [left("preflight"), left("integration"), ...found] });

export function at(ms: number): string {
  return new Date(now + ms).toISOString();
}

type Result = "success" | "failure" | "cancelled" | "skipped";

export const jobs = (results: Record<string, Result>) => Object.entries(results).map(([id, result]) => ({ id, result }));
export const results = (ofE2e: Result) => jobs({ preflight: "success", integration: "success", e2e: ofE2e });
export const allow = (...names: string[]) => names.map((name) => ({ name, allowed: true, reason: undefined }));

export const usual = (): GateQuestion => ({
  jobs: results("success"),
  stages: gateStages,
  leftOut: [],
  allowedSkips: [],
  evidence: [left("preflight"), left("integration"), e2e()],
  unread: {},
  event: "pull_request",
  commit,
  origin,
  project,
  now,
  maxAgeMs: 14_400_000,
});

/** An artifact beside those of the question's evidence. What it leaves out is as env-actions uploads it. */
export interface Uploaded extends Partial<Stored> {
  report?: object;
  evidence?: Evidence;
  /** In place of evidence.json and the report. */
  files?: Record<string, string>;
}

/** What only a runner has. A row with it is a process, and is not judged as a function. */
export interface Runner {
  artifacts?: Uploaded[];
  faults?: Fault[];
  /** In the records of the gate's own workspace, where earlier steps and other people's files are. */
  files?: Evidence[];
  /** Of the step. */
  inputs?: Record<string, string>;
  /** `undefined` takes a variable away. */
  env?: Record<string, string | undefined>;
  /** The text of the configuration. */
  config?: string;
  /** Beside the head of the pull request. */
  event?: Record<string, unknown>;
  github?: {
    token: Token;
    before?: (github: LocalGitHub) => void;
    /** What must be true afterwards; it throws otherwise. */
    after: (github: LocalGitHub) => void;
  };
}

/**
 * `refused`: the gate ends with exit status 2, without a verdict. `says`: what a person must learn from the reasons: why, and where. A text
 * in place of the runner says why no process can be asked this.
 */
export type Row = [
  what: string,
  question: Partial<GateQuestion>,
  outcome: GateOutcome | "refused",
  says: RegExp,
  runner?: Runner | string,
];
