import { type GateStage, gateStages, isStagingStage, type StageName } from "../model/report.ts";
import { stagingTasks } from "../model/staging.ts";

/**
 * The only declaration of the actions' inputs and outputs. `action.yml`, the composites under `actions/` and the tables of
 * docs/reference/actions.md are generated from it. The code reads inputs by these names only, so they always agree.
 */

/** A stage, what judges them all, or what tells it to people or to GitHub. */
export type ActionName = StageAction | "gate" | "comment" | "approve" | "dashboard";
/** What runs a stage. `staging` has one for each of its tasks. */
export type StageAction = GateStage | "cleanup" | "staging";
export const stageActions: readonly StageAction[] = [...gateStages, "cleanup", "staging"];
export const actionNames: readonly ActionName[] = [...stageActions, "gate", "comment", "approve", "dashboard"];

/** The action that runs a stage. */
export function actionOf(stage: StageName): StageAction {
  return isStagingStage(stage) ? "staging" : stage;
}

export interface Input {
  description: string;
  /** The actions whose composite declares it; those of all stages if absent. */
  stages?: readonly ActionName[];
  /** Actions that declare it beside those of all stages. */
  also?: readonly ActionName[];
  default?: string;
  /** The runner fills it in and workflows never set it, so docs/reference/actions.md does not list it. */
  hidden?: true;
}

/** These judge what the stages left. */
export const judging: readonly ActionName[] = ["gate", "approve"];
/** These read the configuration, and run no stage. */
const reading: readonly ActionName[] = [...judging, "dashboard"];
const tested: readonly StageAction[] = ["integration", "e2e"];

export const inputs = {
  config: {
    description: "Configuration file, relative to `working-directory`.",
    default: ".github/env-actions.yml",
    also: reading,
  },
  environment: {
    description:
      "Environment to check or to test in. Default: `defaultEnvironment` in the configuration, or the only environment that there is. The gate fails if a stage has no evidence of it, and `approve` permits nothing; without this input, any environment will do. `comment` names the stages that ran elsewhere.",
    also: ["gate", "comment", "approve"],
  },
  "working-directory": { description: "Workspace of the run, relative to the checkout.", default: ".", also: reading },
  "foreign-head": {
    description:
      "Full SHA of a reviewed commit from another repository that may run with this job's credentials. For `pull_request_target`, `workflow_run` and `issue_comment`. See `docs/trust.md`.",
  },
  "fail-on": {
    description:
      "Verdict from which the step fails: `failed`, or `degraded` to fail on warnings, too. The verdict `error` always fails the step.",
    default: "failed",
  },
  budget: { description: "Time limit for the stage, such as `15m`. Default: the limit in the configuration." },
  command: { description: "Test command that the shell runs. Default: the command in the configuration.", stages: tested },
  reports: {
    description: "Globs for the reports that the command writes, one per line. Default: the globs in the configuration.",
    stages: tested,
  },
  "pass-rate": {
    description: "More than this share of the tests must pass, such as `95%`. Default: the share in the configuration.",
    stages: tested,
  },
  deployment: {
    description:
      "Id of the deployment that smoke follows. The deployment must have succeeded. Without an id, smoke requires passed evidence of the stage before it, unless `stages.smoke.follows` is `nothing`.",
    stages: ["smoke"],
  },
  "github-token": {
    description:
      "Token for GitHub's API; servers and tests never get it. Smoke asks with it whether `deployment` succeeded, for which the job needs `deployments: read`. A configured rollback needs `deployments: write` and `actions: write` (a workflow) or `contents: write` (an event). A history on a branch needs `contents: write`. The gate and the comment write with it, and the dashboard reads and collects the history.",
    also: ["gate", "comment", "dashboard"],
    default: "${{ github.token }}",
  },
  task: {
    description: `What to do with the copy of production: ${stagingTasks.map((task) => `\`${task}\``).join(", ")}. See \`docs/guides/staging.md\`.`,
    stages: ["staging"],
    default: "drift",
  },
  scope: {
    description:
      "Test data to delete. `run`: that of this run. `expired`: data older than the limit. `all`: every test row and key, by hand, with `plan-digest`.",
    stages: ["cleanup"],
    default: "expired",
  },
  "dry-run": {
    description:
      "`true`: only shows the plan. `false`: carries it out. Cleanup deletes the data and verifies that it is gone; a task of `staging` changes the copy.",
    stages: ["cleanup", "staging"],
    default: "true",
  },
  "plan-digest": {
    description:
      "Digest that the dry run showed. Required for scope `all`, and for a `sync` by which something is lost; always checked if set.",
    stages: ["cleanup", "staging"],
  },
  needs: {
    description:
      "How the jobs ended that this job waits for: the expression `toJson(needs)`. See `docs/guides/required-check.md`.",
    stages: judging,
  },
  stages: {
    description:
      "Stages that must have passed. Default: `preflight, integration, e2e`, and for `approve` also `smoke`, without those that the configuration leaves out.",
    stages: judging,
  },
  "allow-skips": {
    description:
      "Jobs and stages that may be skipped, one per line: a name, a colon, and an expression; after `#` the reason. A skip is allowed only if the expression is `true` in this job.",
    stages: judging,
  },
  "fork-environment": {
    description:
      "Environment that may stand in for `environment` on pull requests from forks, which get no credentials. The gate is then `degraded` at best, and says what was not proven.",
    stages: ["gate"],
  },
  comment: {
    description:
      "`true`: writes the result as a comment on the pull request, and edits it later. The job needs `pull-requests: write`.",
    stages: ["gate"],
    default: "false",
  },
  statuses: {
    description:
      "`true`: shows each stage as a commit status `env-actions / <stage>`. Only for people: anybody with write access can set one, and the gate reads none. The job needs `statuses: write`.",
    stages: ["gate"],
    default: "false",
  },
  job: {
    description: "Name of the gate's job in the finished workflow run. In a reusable workflow, the part after ` / `.",
    stages: ["comment"],
    default: "gate",
  },
  "deployment-environment": {
    description: "GitHub environment whose waiting deployment is approved, such as `production`. Required.",
    stages: ["approve"],
  },
  "approval-token": {
    description:
      "Token that approves: of a GitHub App's installation, or of a reviewer. It needs `actions: read` and `deployments: write`. Required. See `docs/guides/approvals.md`.",
    stages: ["approve"],
  },
  "approve-as": {
    description:
      "`app`: answers the App's own deployment protection rule. `reviewer`: reviews as the token's user, one of the required reviewers.",
    stages: ["approve"],
    default: "app",
  },
  "run-id": {
    description:
      "Id of another workflow run of this repository. `approve`: whose deployment waits; its jobs and artifacts are read from GitHub, and `needs` is not. Default: this job's own run. `dashboard`: whose records are first taken from its artifacts into the history.",
    stages: ["approve", "dashboard"],
  },
  "on-failure": {
    description:
      "If the evidence doesn't permit the deployment: `reject` ends it with the reason, `abstain` leaves it waiting. Neither lets it through.",
    stages: ["approve"],
    default: "reject",
  },
  wait: {
    description: "How long to wait until the deployment waits for its rules, such as `10m`.",
    stages: ["approve"],
    default: "10m",
  },
  branch: {
    description:
      "Branch with the history, in place of `history.store`: the records of `run-id` are collected there, and the dashboard shows it. The job needs `contents: write`.",
    stages: ["dashboard"],
  },
  published: {
    description:
      "Address of the published dashboard. It is read first, so that an older run doesn't replace a newer page. Default: nothing is compared.",
    stages: ["dashboard"],
  },
  "stale-after": {
    description:
      "Age from which a good verdict says nothing about now, such as `26h`. The default fits what runs each week. The dashboard then shows it as stale.",
    stages: ["dashboard"],
    default: "8d",
  },
  matrix: {
    description: "Cell of the job's matrix. The runner sets it; do not set it yourself.",
    default: "${{ toJson(matrix) }}",
    hidden: true,
  },
} as const satisfies Record<string, Input>;

export type InputName = keyof typeof inputs;

export interface Output {
  description: string;
  stages?: readonly ActionName[];
  also?: readonly ActionName[];
}

export const outputs = {
  verdict: {
    description:
      "Verdict of the stage: `passed`, `degraded`, `failed` or `error`. Of the gate also `cancelled`; `approve` sets the gate's.",
    also: ["gate", "comment", "approve"],
  },
  report: { description: "Path of the stage's report (JSON)." },
  summary: { description: "Path of the summary (Markdown)." },
  evidence: {
    description: "Path of the evidence of this execution (JSON): what an attestation is about.",
    stages: ["smoke"],
  },
  predicate: {
    description:
      "Path of the predicate for an attestation of the evidence (in-toto test result). Empty if there is nothing to attest: the verdict is `error`, or nothing shows which commit is deployed.",
    stages: ["smoke"],
  },
  "audit-head": {
    description: "Last line of the audit log, as `<number>:<hash>`. `env-actions audit verify --head` compares the log with it.",
  },
  "run-id": { description: "Id of this execution of the stage, as `<ms>_<8 hex>`. Its test data contains this id." },
  "gate-id": { description: "Id shared by all stages of one gate. On a runner, it names the workflow run." },
  tests: { description: "Number of tests that ran.", stages: tested },
  "failed-tests": {
    description: "Number of tests that failed or whose result is unknown, and of test files that could not be loaded.",
    stages: tested,
  },
  "flaky-tests": { description: "Number of tests that passed only when retried.", stages: tested },
  "pass-rate": { description: "Share of the tests that passed, such as `98.4%`.", stages: tested },
  "plan-digest": {
    description: "Digest of the plan: of the cleanup, or of `sync`.",
    stages: ["integration", "e2e", "cleanup", "staging"],
  },
  drift: {
    description:
      "How the copy's structure compares with the original's: `equal`, `different`, or `unseen` if nothing differs but not everything could be seen. Of `sync`: before it.",
    stages: ["staging"],
  },
  differences: {
    description: "Number of differences between the original and the copy, without ignored ones.",
    stages: ["staging"],
  },
  unseen: { description: "Number of things that could not be seen when the structures were compared.", stages: ["staging"] },
  leaks: {
    description: "Production values of sanitised columns that `refresh` found in the copy before the switch.",
    stages: ["staging"],
  },
  "deleted-rows": { description: "Number of deleted rows.", stages: ["integration", "e2e", "cleanup"] },
  "deleted-keys": { description: "Number of deleted Redis keys.", stages: ["integration", "e2e", "cleanup"] },
  "left-over": {
    description: "Number of test rows and keys that are still there, or `unknown`.",
    stages: ["preflight", "integration", "e2e", "cleanup"],
  },
  score: {
    description: "Score of all checks together, such as `92.5%`. `none` if the configuration does not weigh the checks.",
    stages: ["preflight", "integration", "e2e", "smoke"],
  },
  approval: {
    description:
      "What became of the deployment: `approved`, `rejected`, `abstained`, `already-approved`, `already-rejected`, `bypassed`, `expired`, `not-waiting`, `unprotected`, `refused`, or `unknown` if GitHub could not be asked.",
    stages: ["approve"],
  },
  page: { description: "Path of the dashboard, one HTML file that needs nothing else.", stages: ["dashboard"] },
  publish: {
    description: "`true` if the dashboard may be published. `false` if a newer one is published already, or if that is unknown.",
    stages: ["dashboard"],
  },
  newest: {
    description: "When the newest run in the dashboard ended (ISO 8601). Empty if the history is empty.",
    stages: ["dashboard"],
  },
  rollback: {
    description:
      "Outcome of the rollback: `fired`, `dry-run`, `already-fired`, `not-fired`, `failed` or `unknown`. `none` if there was no reason for one.",
    stages: ["smoke"],
  },
} as const satisfies Record<string, Output>;

export type OutputName = keyof typeof outputs;

/** Whether the composite of an action declares an input or output. The action in the repository's root declares all of them. */
export function isDeclaredBy(action: ActionName, { stages, also }: Input | Output): boolean {
  if (stages) return stages.includes(action);
  return stageActions.some((stage) => stage === action) || also?.includes(action) === true;
}
