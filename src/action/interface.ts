import type { StageName } from "../model.ts";

/**
 * The face of the actions: every input and output, once. `action.yml`, the composites under `actions/` and the README's tables
 * are generated from here, and the code reads inputs only by these names, so the three cannot drift apart.
 */

export interface Input {
  description: string;
  /** The stages whose composite declares it; absent = all. */
  stages?: readonly StageName[];
  default?: string;
  /** The runner fills it in, and nobody writes it in a workflow: it stands in no table of the README. */
  hidden?: true;
}

const tested: readonly StageName[] = ["integration", "e2e"];

export const inputs = {
  config: { description: "The configuration file, relative to `working-directory`.", default: ".github/env-actions.yml" },
  environment: { description: "The environment to look at or test in; `defaultEnvironment` of the configuration if left out." },
  "working-directory": { description: "The workspace of the run, relative to the checkout.", default: "." },
  "foreign-head": {
    description:
      "Under `pull_request_target`, `workflow_run` and `issue_comment`: the full SHA of another repository's commit that somebody reviewed, and that may run with this job's credentials. See `docs/trust.md`.",
  },
  "fail-on": {
    description: "The verdict from which on the step fails: `failed`, or `degraded` to fail on warnings, too.",
    default: "failed",
  },
  budget: { description: "How long the stage may take, such as `15m`; the configuration's if left out." },
  command: { description: "The test command, run by the shell; the configuration's if left out.", stages: tested },
  reports: {
    description: "Globs of the reports that the command writes, one a line; the configuration's if left out.",
    stages: tested,
  },
  "pass-rate": {
    description: "More than this share of the tests must pass, such as `95%`; the configuration's if left out.",
    stages: tested,
  },
  deployment: {
    description:
      "The id of the deployment that smoke follows, which must have succeeded; without one, smoke asks for passed e2e evidence.",
    stages: ["smoke"],
  },
  "github-token": {
    description:
      "Asks GitHub whether `deployment` succeeded; the job needs `deployments: read` for that. A configured rollback needs `deployments: write` and `actions: write` (a workflow) or `contents: write` (an event).",
    stages: ["smoke"],
    default: "${{ github.token }}",
  },
  scope: {
    description:
      "`run`: this run's test data. `expired`: what is older than the limit. `all`: every test row and key, by hand, with `plan-digest`.",
    stages: ["cleanup"],
    default: "expired",
  },
  "dry-run": {
    description: "`true`: only plan, and show the plan. `false`: delete it, and prove it gone.",
    stages: ["cleanup"],
    default: "true",
  },
  "plan-digest": {
    description: "The digest that the dry run showed; needed for scope `all`, checked wherever it is given.",
    stages: ["cleanup"],
  },
  matrix: {
    description: "The cell of the job's matrix, which the runner fills in. Do not set it.",
    default: "${{ toJson(matrix) }}",
    hidden: true,
  },
} as const satisfies Record<string, Input>;

export type InputName = keyof typeof inputs;

export interface Output {
  description: string;
  stages?: readonly StageName[];
}

export const outputs = {
  verdict: { description: "`passed`, `degraded`, `failed` or `error`." },
  report: { description: "Path of the stage's report (JSON)." },
  summary: { description: "Path of the summary (Markdown)." },
  "audit-head": {
    description: "The last line of the audit log, `<number>:<hash>`; `env-actions audit verify --head` compares the log with it.",
  },
  "run-id": { description: "The identity of this execution of the stage, `<ms>_<8 hex>`; its test data carries it." },
  "gate-id": { description: "The same for all stages of one gate: on a runner it names the workflow run." },
  tests: { description: "How many tests ran.", stages: tested },
  "failed-tests": { description: "How many of them failed.", stages: tested },
  "flaky-tests": { description: "How many passed only when run again.", stages: tested },
  "pass-rate": { description: "The share that passed, such as `98.4%`.", stages: tested },
  "plan-digest": { description: "Digest of the cleanup plan.", stages: ["integration", "e2e", "cleanup"] },
  "deleted-rows": { description: "How many rows were deleted.", stages: ["integration", "e2e", "cleanup"] },
  "deleted-keys": { description: "How many Redis keys were deleted.", stages: ["integration", "e2e", "cleanup"] },
  "left-over": {
    description: "Rows and keys of test data that are still there; `unknown` where that could not be told.",
    stages: ["preflight", "integration", "e2e", "cleanup"],
  },
  score: {
    description: "What all checks reached together, such as `92.5%`; `none` where the configuration does not weigh them.",
    stages: ["preflight", "integration", "e2e", "smoke"],
  },
  rollback: {
    description:
      "What became of the rollback: `fired`, `dry-run`, `already-fired`, `not-fired`, `failed` or `unknown`; `none` where there was no reason for one.",
    stages: ["smoke"],
  },
} as const satisfies Record<string, Output>;

export type OutputName = keyof typeof outputs;
