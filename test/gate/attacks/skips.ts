import type { Verdict } from "../../../src/model/report.ts";
import { allow, e2e, endedBy, jobs, left, type Row, results } from "./question.ts";

// How jobs ended: failed, skipped, cancelled, renamed, or left out of `needs`.

const nothingRan = { evidence: [], stages: [] };
const none: Row[1] = { evidence: [] };
const cancelledRun = /the run was cancelled; nothing failed/;

const strangers = ["PASSED", "green", "passed ", "success", "", "constructor", "__proto__"];

export const verdicts: Row[] = [
  ...strangers.map(
    (word): Row => [
      `the verdict ${JSON.stringify(word)}`,
      endedBy(e2e(word as Verdict)),
      "error",
      /✘ e2e error: (?:\S* {0,2})in job e2e, environment sandbox/,
      "a process refuses the file before anything is judged",
    ],
  ),
  ...["PASSED", "", "__proto__"].map(
    (word): Row => [
      `a file with the verdict ${JSON.stringify(word)}`,
      endedBy(e2e(word as Verdict)),
      "error",
      /EA8005: the evidence in artifact env-actions-e2e-\S+ cannot be read: expected evidence .*verdict is missing, or not as/,
      {},
    ],
  ),
  ["a skipped stage", endedBy(e2e("skipped")), "error", /✘ e2e error: skipped in job e2e, environment sandbox/],
  ["a stage that only warns", endedBy(e2e("degraded")), "degraded", /e2e passed with warnings/],
];

export const skips: Row[] = [
  [
    "its job was skipped after its stage passed in an earlier attempt",
    { jobs: results("skipped") },
    "failed",
    /job e2e was skipped/,
  ],
  [
    "skipped by an `if` that nobody allowed",
    { ...endedBy(), jobs: results("skipped") },
    "failed",
    /it did not run: job e2e was skipped\. A skipped job proves nothing/,
  ],
  [
    "skipped by a filter for paths, for a reason that holds",
    { ...endedBy(), jobs: results("skipped"), allowedSkips: [{ name: "e2e", allowed: true, reason: "only docs changed" }] },
    "passed",
    /✔ e2e skipped: skipped for an allowed reason: only docs changed/,
  ],
  [
    "skipped by a filter for paths, and the reason does not hold",
    { ...endedBy(), jobs: results("skipped"), allowedSkips: [{ name: "e2e", allowed: false, reason: "only docs changed" }] },
    "failed",
    /job e2e was skipped, and the reason that `allow-skips` names does not hold now/,
  ],
  [
    "a broken dependency: preflight failed, and the others were skipped",
    { evidence: [left("preflight", "failed")], jobs: jobs({ preflight: "failure", integration: "skipped", e2e: "skipped" }) },
    "failed",
    /preflight failed.*integration has no evidence[\s\S]*failed in job preflight[\s\S]*integration missing: it did not run: job integration was skipped/,
  ],
  [
    "a broken dependency that is no stage: the build failed, and all were skipped",
    { evidence: [], jobs: jobs({ build: "failure", preflight: "skipped", integration: "skipped", e2e: "skipped" }) },
    "failed",
    /job preflight was skipped[\s\S]*✘ job build: failed/,
  ],
  [
    "the skip of a job does not excuse its stage's failure",
    { ...endedBy(e2e("failed")), jobs: results("skipped"), allowedSkips: allow("e2e") },
    "failed",
    /failed in job e2e, environment sandbox/,
  ],
  [
    "the skip of another job does not excuse a stage with a job of its own",
    { ...endedBy(), jobs: [...results("success"), ...jobs({ lint: "skipped" })], allowedSkips: allow("e2e", "lint") },
    "failed",
    /✘ e2e missing: job e2e succeeded, but it left no evidence/,
  ],
  [
    "a skip that is allowed for a name that only begins alike",
    { ...endedBy(), jobs: results("skipped"), allowedSkips: allow("e2e-nightly") },
    "failed",
    /job e2e was skipped[\s\S]*`allow-skips` does not name it/,
  ],
  [
    "a renamed job, which ran",
    {
      ...endedBy(e2e("passed", { job: "end-to-end" })),
      jobs: jobs({ preflight: "success", integration: "success", "end-to-end": "success" }),
    },
    "passed",
    /✔ e2e passed: job end-to-end, environment sandbox/,
  ],
  [
    "a renamed job was skipped, and `allow-skips` has its old name",
    {
      ...endedBy(),
      jobs: jobs({ preflight: "success", integration: "success", "end-to-end": "skipped" }),
      allowedSkips: allow("browser-tests"),
    },
    "failed",
    /it did not run: job end-to-end was skipped[\s\S]*✘ job end-to-end: skipped, and `allow-skips` does not name it/,
  ],
  [
    "the gate does not wait for e2e's job, which is still running",
    { ...endedBy(), jobs: jobs({ preflight: "success", integration: "success" }) },
    "failed",
    /every job that the gate waited for succeeded, but none left evidence of e2e/,
  ],
  [
    "a job succeeded without its stage, such as by `continue-on-error`",
    endedBy(),
    "failed",
    /✘ e2e missing: job e2e succeeded, but it left no evidence/,
  ],
  ["a stage failed, and its job was told to go on", endedBy(e2e("failed")), "failed", /failed in job e2e, environment sandbox/],
  [
    "e2e's machine died before it left anything",
    { ...endedBy(), jobs: results("failure") },
    "failed",
    /it left no evidence, and job e2e failed: the log says where it ended/,
  ],
  ["a job that is no stage failed", { jobs: [...results("success"), ...jobs({ lint: "failure" })] }, "failed", /job lint failed/],
  ["no stage is expected", { ...nothingRan, leftOut: ["preflight", "integration", "e2e"] }, "failed", /nothing was proven/],
  ["no evidence and no job at all", { ...none, jobs: [] }, "failed", /preflight has no evidence/, "an empty `needs` is refused"],
  [
    "no artifact service",
    { ...none, cutOff: "this step has no artifact service" },
    "error",
    /evidence of other jobs cannot be read: .*artifact service/,
  ],
  [
    "no artifact service, and everything skipped for a reason",
    {
      ...none,
      cutOff: "this step has no artifact service",
      jobs: jobs({ preflight: "skipped", integration: "skipped", e2e: "skipped" }),
      allowedSkips: allow("preflight", "integration", "e2e"),
    },
    "failed",
    /nothing was proven/,
  ],
];

export const cancels: Row[] = [
  [
    "cancelled in preflight",
    { ...none, jobs: jobs({ preflight: "cancelled", integration: "skipped", e2e: "skipped" }) },
    "cancelled",
    /the run was cancelled; nothing failed[\s\S]*preflight cancelled: it left no evidence, and job preflight was cancelled/,
  ],
  [
    "cancelled in integration",
    { evidence: [left("preflight")], jobs: jobs({ preflight: "success", integration: "cancelled", e2e: "cancelled" }) },
    "cancelled",
    cancelledRun,
  ],
  [
    "cancelled in e2e",
    { ...endedBy(), jobs: results("cancelled") },
    "cancelled",
    /the run was cancelled; nothing failed[\s\S]*e2e cancelled: it left no evidence, and job e2e was cancelled/,
  ],
  ["cancelled after every stage passed", { jobs: results("cancelled") }, "cancelled", cancelledRun],
  [
    "cancelled, and a stage failed",
    { ...endedBy(e2e("failed")), jobs: results("cancelled") },
    "failed",
    /failed in job e2e, environment sandbox/,
  ],
  [
    "cancelled, and evidence of a cell can't be read",
    { jobs: results("cancelled"), unread: { e2e: ["env-actions-e2e-x"] } },
    "error",
    /evidence that cannot be read may be of a job or cell that failed: env-actions-e2e-x/,
  ],
  [
    "cancelled, and its post step left an error",
    { ...endedBy(e2e("error")), jobs: results("cancelled") },
    "cancelled",
    /the run was cancelled; nothing failed[\s\S]*error in job e2e, environment sandbox: its job was cancelled/,
  ],
  [
    "a merge queue took the group apart",
    { ...endedBy(), event: "merge_group", jobs: results("cancelled") },
    "cancelled",
    /the run was cancelled, as a merge queue does with a group that it takes apart; nothing failed/,
  ],
  [
    "a merge queue took the group apart after every stage passed",
    { event: "merge_group", jobs: results("cancelled") },
    "cancelled",
    /as a merge queue does with a group that it takes apart/,
  ],
];
