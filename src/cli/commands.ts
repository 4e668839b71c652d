import { type GateStage, stageNames } from "../model/report.ts";
import type { CommandHelp, OptionHelp } from "./command-help.ts";

/** What can be typed: the source of parsing, of the help texts and of the completions. */

export type Command =
  | GateStage
  | "cleanup"
  | "staging"
  | "gate"
  | "plan"
  | "undo"
  | "repair"
  | "tables"
  | "audit"
  | "evidence"
  | "history"
  | "dashboard"
  | "compare"
  | "doctor"
  | "init"
  | "completion"
  | "help"
  | "version";

export const auditCommands = ["verify", "report"] as const;
export type AuditCommand = (typeof auditCommands)[number];

/** What `staging` does. The first six are stages, whose reports it writes; the others only print. */
export const stagingCommands = ["drift", "sync", "refresh", "seed", "reset", "sweep", "propose", "move"] as const;
export type StagingCommand = (typeof stagingCommands)[number];

/** What `history` shows. `runs` is meant if nothing is named. */
export const historyViews = ["runs", "tests", "test", "checks", "check", "diff", "compact"] as const;
export type HistoryView = (typeof historyViews)[number];

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** What completions ask the program for, when a value of it is typed: names that are in files. */
export const nameSources = ["environments", "runs"] as const;
export type NameSource = (typeof nameSources)[number];

export const defaultConfig = ".github/env-actions.yml";

export const options = {
  config: {
    type: "string",
    short: "c",
    default: defaultConfig,
    value: "FILE",
    values: "file",
    help: [{ text: `configuration file (default: ${defaultConfig})` }],
  },
  environment: {
    type: "string",
    short: "e",
    value: "NAME",
    values: "environments",
    help: [
      { text: "environment (default: defaultEnvironment in the configuration, or the only one)" },
      { of: ["history"], text: "only this environment" },
    ],
  },
  production: {
    type: "string",
    value: "NAME",
    values: "environments",
    help: [{ of: ["gate"], text: "environment that smoke checks" }],
  },
  budget: {
    type: "string",
    value: "15m",
    help: [
      { text: "time limit, instead of the configured budget" },
      { of: ["undo", "repair"], text: "time limit, instead of 30m" },
    ],
  },
  command: {
    type: "string",
    value: "CMD",
    help: [{ of: ["integration", "e2e", "gate"], text: "test command, instead of the configured one" }],
  },
  reports: {
    type: "string",
    multiple: true,
    value: "GLOB",
    help: [{ of: ["integration", "e2e", "gate"], text: "reports, instead of the configured ones; can be repeated" }],
  },
  "pass-rate": {
    type: "string",
    value: "95%",
    help: [{ of: ["integration", "e2e", "gate"], text: "pass rate, instead of the configured one" }],
  },
  deployment: { type: "string", value: "ID", help: [{ of: ["smoke", "gate"], text: "deployment that smoke follows" }] },
  follows: {
    type: "string",
    value: "nothing",
    values: ["nothing"],
    help: [{ of: ["smoke"], text: "needs neither evidence nor a deployment; the report says what is not proven" }],
  },
  "foreign-head": {
    type: "string",
    value: "SHA",
    help: [{ text: "on a runner: reviewed commit from another repository that may run (docs/trust.md)" }],
  },
  scope: {
    type: "string",
    value: "SCOPE",
    values: ["run", "expired", "all"],
    help: [{ of: ["cleanup", "plan"], text: "run, expired (default) or all" }],
  },
  execute: {
    type: "boolean",
    default: false,
    help: [
      { of: ["cleanup"], text: "delete" },
      { of: ["staging"], text: "carry out the plan of sync, refresh, seed, reset or sweep" },
      { of: ["undo", "repair"], text: "restore" },
    ],
  },
  "plan-digest": {
    type: "string",
    value: "DIGEST",
    help: [
      { of: ["cleanup"], text: "digest of the plan that was shown; required for --scope all --execute" },
      { of: ["repair"], text: "digest of the plan that was shown; required for --execute" },
      { of: ["staging"], text: "digest of the plan that was shown; required for a sync by which something is lost" },
    ],
  },
  "write-snapshot": {
    type: "string",
    value: "FILE",
    values: "file",
    help: [{ of: ["staging"], text: "with drift: write the original's structure to this file, and compare nothing" }],
  },
  run: { type: "string", value: "ID", values: "runs", help: [{ of: ["audit"], text: "only this run, in a report" }] },
  head: {
    type: "string",
    multiple: true,
    value: "N:HASH",
    help: [{ of: ["audit"], text: "head that was kept elsewhere (the output audit-head); can be repeated" }],
  },
  evidence: {
    type: "string",
    value: "FILE",
    values: "file",
    help: [{ of: ["evidence"], text: "the evidence that was signed (evidence.json of the stage's artifact)" }],
  },
  "signer-workflow": {
    type: "string",
    value: "WORKFLOW",
    help: [
      {
        of: ["evidence"],
        text: "workflow that may sign, with its ref: owner/name/.github/workflows/deploy.yml@refs/heads/main",
      },
    ],
  },
  "trusted-root": {
    type: "string",
    value: "FILE",
    values: "file",
    help: [{ of: ["evidence"], text: "authorities to trust, as `gh attestation trusted-root` prints them" }],
  },
  repository: {
    type: "string",
    value: "OWNER/NAME",
    help: [{ of: ["evidence"], text: "repository whose run signed (default: that of the workflow)" }],
  },
  "max-age": {
    type: "string",
    value: "4h",
    help: [{ of: ["evidence"], text: "how old the evidence may be (default: any age)" }],
  },
  commit: { type: "string", value: "SHA", help: [{ of: ["evidence"], text: "commit (default: the one that is checked out)" }] },
  stage: { type: "string", value: "STAGE", values: stageNames, help: [{ of: ["history"], text: "only this stage" }] },
  branch: { type: "string", value: "NAME", help: [{ of: ["history"], text: "only runs of this branch" }] },
  limit: {
    type: "string",
    value: "N",
    help: [{ of: ["history"], text: "the newest runs to show or to count (default: 20 runs; of tests and checks 50)" }],
  },
  out: { type: "string", value: "FILE", values: "file", help: [{ of: ["dashboard"], text: "write the page to this file" }] },
  published: {
    type: "string",
    value: "FILE",
    values: "file",
    help: [{ of: ["dashboard"], text: "write no older page than this" }],
  },
  "stale-after": {
    type: "string",
    value: "8d",
    help: [{ of: ["dashboard"], text: "what passed before is stale (default: 8d)" }],
  },
  json: {
    type: "boolean",
    default: false,
    help: [
      { text: "write the report to standard output, progress to standard error" },
      { of: ["gate"], text: "write the reports of all stages to standard output, progress to standard error" },
      { of: ["tables"], text: "write the proposal to standard output" },
      { of: ["audit"], text: "write the result to standard output" },
      { of: ["doctor"], text: "write the findings to standard output" },
      { of: ["init"], text: "write the names and texts of the files to standard output" },
      { of: ["history"], text: "write what it shows to standard output, for programs" },
      { of: ["compare"], text: "write the comparison to standard output" },
      { of: ["dashboard"], text: "write what was done to standard output" },
    ],
  },
  check: {
    type: "boolean",
    default: false,
    help: [{ of: ["tables"], text: "fail if the configuration and the warehouse differ" }],
  },
  online: {
    type: "boolean",
    default: false,
    help: [{ of: ["doctor"], text: "also ask the environment for its tables and clocks; --environment does this, too" }],
  },
  measure: {
    type: "boolean",
    default: false,
    help: [{ of: ["compare"], text: "also measure the routes of both now, in turns" }],
  },
  sizes: { type: "boolean", default: false, help: [{ of: ["compare"], text: "also ask for bytes; --verbose shows each table" }] },
  yes: {
    type: "boolean",
    short: "y",
    default: false,
    help: [{ of: ["init"], text: "ask nothing, and leave a TODO in the files for each open question" }],
  },
  overwrite: {
    type: "boolean",
    default: false,
    help: [{ of: ["init"], text: "write what differs: workflows are replaced, and the configuration gets what is new" }],
  },
  standalone: {
    type: "boolean",
    default: false,
    help: [{ of: ["init"], text: "write out the jobs of the gate, instead of a call of the reusable workflow" }],
  },
  quiet: { type: "boolean", short: "q", default: false, help: [{ text: "show only the verdict, and what did not pass" }] },
  verbose: {
    type: "boolean",
    short: "v",
    default: false,
    help: [{ text: "show also what passed, each step, and every line of servers and tests" }],
  },
  help: { type: "boolean", short: "h", default: false, help: [{ text: "show this text" }] },
  version: { type: "boolean", default: false, help: [{ text: "show the version" }] },
} as const satisfies Record<string, OptionHelp>;

export type Option = keyof typeof options;
/** The same, as texts and completions read it. */
export const optionHelp: Readonly<Record<Option, OptionHelp>> = options;
export const optionNames = Object.keys(options) as Option[];

const anywhere = ["help", "version"] as const;
const common = ["config", "environment", "json", "verbose", "foreign-head", ...anywhere] as const;
const run = [...common, "budget", "quiet"] as const;
const tested = ["command", "reports", "pass-rate"] as const;

export const commands: Readonly<Record<Command, CommandHelp>> = {
  preflight: { text: "check whether the environment is ready for tests", takes: run },
  integration: { text: "run the integration tests, and delete the data they created", takes: [...run, ...tested] },
  e2e: { text: "run the browser tests, and delete the data they created", takes: [...run, ...tested] },
  smoke: {
    text: "check a deployed environment; if it is read-only, clients send only reads",
    takes: [...run, "deployment", "follows"],
  },
  cleanup: {
    text: "show test data; with --execute, delete it and verify that it is gone",
    takes: [...run, "scope", "execute", "plan-digest"],
    examples: [
      ["env-actions cleanup --scope expired", "shows what it would delete"],
      ["env-actions cleanup --scope expired --execute", "deletes it"],
    ],
  },
  staging: {
    argument: "TASK",
    words: {
      drift: "compare the structure of the copy with that of its original",
      sync: "show what would make the copy's structure equal; with --execute, do it and compare again",
      refresh: "show what a refresh would do; with --execute, fill the copy with sanitised data",
      seed: "show the synthetic data; with --execute, fill the copy with it",
      reset: "the same as seed, and empty the copy before",
      sweep: "show what lost runs and earlier refreshes left; with --execute, drop it",
      propose: "print a first file of policies, from the columns of the original",
      move: "list what still points at production",
    },
    text: "keep a copy of production for the tests: drift, sync, refresh, seed, reset, sweep, propose or move",
    takes: [...run, "execute", "plan-digest", "write-snapshot"],
    examples: [
      ["env-actions staging drift", "fails if the copy's structure differs"],
      ["env-actions staging sync --execute", "makes it equal, if nothing is lost by that"],
    ],
  },
  plan: { text: "same as cleanup without --execute", takes: [...common, "budget", "scope"] },
  undo: {
    argument: "REPORT",
    text: "show what a cleanup deleted and can be restored; with --execute, restore it",
    takes: [...common, "budget", "execute"],
    examples: [["env-actions undo .env-actions/reports/cleanup.json", "shows what can be restored"]],
  },
  repair: {
    argument: "REPORT",
    text: "show real rows that a test changed, and their old values; with --execute, restore the old values",
    takes: [...common, "budget", "execute", "plan-digest"],
    examples: [["env-actions repair .env-actions/reports/integration.json", "shows the old values"]],
  },
  gate: {
    text: "run all stages in order",
    takes: [...run, "production", "deployment", ...tested],
    examples: [["env-actions gate --environment sandbox --production production", "smoke checks production"]],
  },
  tables: {
    text: "propose testData.tables from the warehouse's columns, and show differences from the configuration",
    takes: [...common, "budget", "check"],
  },
  audit: {
    argument: "verify|report",
    words: {
      verify: "check that every line of the audit log still follows from the line before it",
      report: "show from the audit log what was created, deleted and left, when and by whom",
    },
    text: "check or sum up the audit log",
    takes: ["run", "head", "json", ...anywhere],
  },
  evidence: {
    argument: "verify BUNDLE",
    words: { verify: "check that an attestation vouches for evidence, without asking anybody" },
    text: "verify signed evidence before a deployment",
    takes: ["evidence", "signer-workflow", "trusted-root", "repository", "commit", "environment", "max-age", "json", ...anywhere],
  },
  history: {
    argument: "[WHAT]",
    words: {
      runs: "the last runs, the newest first: also without a word",
      tests: "tests that failed or were flaky, with their rates",
      test: "the record of one test: history test NAME",
      checks: "latencies of all checks, now and before",
      check: "the latencies of one check: history check ID",
      diff: "what changed between two runs: history diff RUN RUN; without names: the last two of each stage",
      compact: "join old records into monthly files, and remove those that are too old",
    },
    text: "show what earlier runs left: runs, tests, test, checks, check, diff or compact",
    takes: ["config", "environment", "stage", "branch", "limit", "json", "foreign-head", ...anywhere],
    examples: [
      ["env-actions history test 'joins with a code'", "how often this test failed, and where"],
      ["env-actions history diff", "compares the last two runs of each stage"],
    ],
  },
  dashboard: {
    text: "write the history as one HTML file: health, flaky tests, latencies and test data",
    takes: ["config", "out", "published", "stale-after", "json", "foreign-head", ...anywhere],
    examples: [["env-actions dashboard", "writes .env-actions/dashboard.html"]],
  },
  compare: {
    argument: "A B",
    names: "environments",
    text: "show how two environments differ: latencies, versions, settings, rows; only reads",
    takes: ["config", "measure", "sizes", "budget", "json", "verbose", "foreign-head", ...anywhere],
    examples: [["env-actions compare staging production", "says of staging whether it is slower"]],
  },
  doctor: {
    text: "find mistakes in the configuration and the workflows; changes nothing",
    takes: [...common, "budget", "online"],
    examples: [
      ["env-actions doctor", "reads files only"],
      ["env-actions doctor --environment sandbox", "also asks this environment"],
    ],
  },
  init: {
    text: "write a configuration and the workflows that fit this repository; if they exist, show the differences",
    takes: ["config", "yes", "overwrite", "standalone", "json", ...anywhere],
    examples: [["env-actions init --yes", "in a script: asks nothing"]],
  },
  completion: {
    argument: "SHELL",
    words: { bash: "print the completions for bash", zsh: "the same for zsh", fish: "the same for fish" },
    text: "print what lets bash, zsh or fish complete commands, options and the names of environments",
    takes: anywhere,
    examples: [["source <(env-actions completion bash)", "for this terminal; the script says where to keep it"]],
  },
  help: { argument: "[COMMAND]", text: "show all commands, or one with its options", takes: optionNames },
  version: { text: "show the version", takes: optionNames },
};

export const commandNames = Object.keys(commands) as Command[];

/** The commands that take an option, apart from those that only print. */
export function takersOf(option: Option): Command[] {
  return commandNames.filter((name) => name !== "help" && name !== "version" && commands[name].takes.includes(option));
}
