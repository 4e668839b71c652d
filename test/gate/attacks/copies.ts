import type { Evidence } from "../../../src/model/report.ts";
import { at, e2e, endedBy, gateStages, left, otherCommit, type Row } from "./question.ts";

// Two files with one run id, and attempts: which evidence counts.

const same = `${Date.now()}_1a2b3c4d`;
const failedWithIt = (more: Partial<Evidence> & { cell?: string } = {}) => e2e("failed", { runId: same, ...more });
const e2eFailed = /✘ e2e failed: failed in job e2e, environment sandbox/;

export const copies: Row[] = [
  [
    "a copy with the run id of a failure, and a later date",
    endedBy(failedWithIt(), e2e("passed", { runId: same, finishedAt: at(0) })),
    "failed",
    e2eFailed,
  ],
  [
    "the same, with an earlier date",
    endedBy(failedWithIt(), e2e("passed", { runId: same, finishedAt: at(-9e5) })),
    "failed",
    e2eFailed,
  ],
  [
    "the same, from another job",
    endedBy(failedWithIt(), e2e("passed", { runId: same, job: "lint", finishedAt: at(0) })),
    "failed",
    e2eFailed,
  ],
  [
    "the same, of another cell",
    endedBy(failedWithIt({ cell: "a" }), e2e("passed", { runId: same, cell: "b", finishedAt: at(0) })),
    "failed",
    /failed in job e2e \(a\), environment sandbox/,
  ],
  [
    "a copy hides an error",
    endedBy(e2e("error", { runId: same }), e2e("passed", { runId: same, finishedAt: at(0) })),
    "error",
    /✘ e2e error: error in job e2e, environment sandbox/,
  ],
  [
    "a copy hides evidence of another commit",
    endedBy(e2e("passed", { runId: same, commit: { sha: otherCommit } }), e2e("passed", { runId: same, finishedAt: at(0) })),
    "error",
    /job e2e, environment sandbox: expected evidence for commit a{12}, got evidence for b{12}/,
  ],
  [
    "one run id in two stages",
    { evidence: gateStages.map((stage) => left(stage, "passed", { runId: same })) },
    "passed",
    /every stage passed/,
  ],
  [
    "a failed stage has the run id of another stage that passed",
    { evidence: [left("preflight", "passed", { runId: same }), left("integration"), failedWithIt()] },
    "failed",
    e2eFailed,
  ],
  [
    "cut short after its pass was written",
    endedBy(e2e("passed", { runId: same }), e2e("error", { runId: same, finishedAt: at(0) })),
    "error",
    /error in job e2e, environment sandbox/,
  ],
];
