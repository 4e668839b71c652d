import { join } from "node:path";
import { classWavesProjects } from "../config/classwaves.ts";
import { readOnlyError } from "../config/mistakes.ts";
import { namesShard } from "../config/suite-schema.ts";
import type { CommandReport, ServerReport } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { runCommand } from "../processes/command.ts";
import type { TestRules } from "../test-reports/judge/judge.ts";
import type { TestLists } from "../test-reports/judge/test-lists.ts";
import { childEnvironment, logFolder, stagePrefixes } from "./child-environment.ts";
import { reportCheck, type StageContext, type StageOutcome, step } from "./context.ts";
import { makeReportFolders } from "./report-folders.ts";

export interface RanTests {
  /** One per shard. */
  commands: CommandReport[];
  /** The worst of all shards; null if one of them was stopped. */
  exitCode: number | null;
  durationMs: number;
  /** Unix milliseconds. */
  startedAt: number;
  /** A server that ended by itself while the tests ran. */
  serverDied: string | undefined;
}

/** Runs the tests, in the configured number of parallel shards. */
export async function runTestCommand(context: StageContext, suite: Suite, died: Promise<ServerReport>): Promise<RanTests> {
  const { part } = suite;
  const ofJobs = part.of > 1 ? `, part ${part.number} of ${part.of}` : "";
  step(context, `running ${suite.command}${ofJobs}${suite.shards > 1 ? `, in ${suite.shards} shards` : ""}`);
  const serverDeath = new AbortController();
  let serverDied: string | undefined;
  // Without the server, the tests would fail one by one for minutes, with misleading messages.
  void died.then((server) => {
    serverDied = `server ${server.name} ${server.ended} while the tests ran`;
    serverDeath.abort(new Error(serverDied));
  });
  await makeReportFolders(context, suite);
  const startedAt = Date.now();
  const signal = AbortSignal.any([context.signal, serverDeath.signal]);
  const commands = await Promise.all(
    Array.from({ length: suite.shards }, (_, index) => runShard(context, suite, index + 1, signal)),
  );
  return {
    commands,
    exitCode: worstExit(commands),
    durationMs: Math.max(...commands.map((command) => command.durationMs)),
    startedAt,
    serverDied,
  };
}

async function runShard(context: StageContext, suite: Suite, shard: number, signal: AbortSignal): Promise<CommandReport> {
  const { stage } = context;
  const alone = suite.shards === 1;
  const ofAll = { number: (suite.part.number - 1) * suite.shards + shard, of: suite.part.of * suite.shards };
  const source = alone ? "tests" : `tests ${shard}`;
  const report = await runCommand(
    {
      command: suite.command,
      cwd: suite.cwd,
      env: childEnvironment(context, {
        ...suite.environment,
        ENV_ACTIONS_SHARD: String(ofAll.number),
        ENV_ACTIONS_SHARDS: String(ofAll.of),
      }),
      logFile: join(logFolder(context), `${stage}-tests${alone ? "" : `-${shard}`}.log`),
    },
    {
      signal,
      onLine: (line) => context.onProgress({ kind: "output", stage, source, line }),
      redaction: context.secrets,
      onQuiet: (sinceMs) => step(context, `${source}: still running, nothing printed for ${Math.round(sinceMs / 1000)} s`),
    },
  );
  return ofAll.of === 1 ? report : { ...report, command: `${report.command} (shard ${ofAll.number} of ${ofAll.of})` };
}

function worstExit(commands: readonly CommandReport[]): number | null {
  const exits = commands.map((command) => command.exitCode);
  if (exits.includes(null)) return null;
  return exits.find((exit) => exit !== 0) ?? 0;
}

/** What to run, what it writes, and what is required of it. */
export interface Suite {
  command: string;
  /** Absolute. */
  cwd: string;
  /** Globs, relative to `cwd`. */
  reports: string[];
  /** Whether each of these globs must match. */
  allReports: boolean;
  /** Globs of attachments that failed tests leave, relative to `cwd`. */
  attachments: string[];
  rules: TestRules;
  marks: TestLists;
  environment: Record<string, string>;
  /** The number of parallel runs of the command, each for a part of the tests. */
  shards: number;
  /** Which part of the tests this job has. */
  part: Part;
}

interface Part {
  /** From 1. */
  number: number;
  of: number;
}

/** What decides how the tests of a stage are run, before the stage begins. */
export type SuiteContext = Pick<
  StageContext,
  "stage" | "environment" | "overrides" | "workspace" | "config" | "configPlace" | "env"
>;

/** @throws UserError before anything is started */
export function suiteOf(context: SuiteContext): Suite {
  const { stage, environment, overrides, workspace, config, env } = context;
  const settings = config.stages[stage === "e2e" ? "e2e" : "integration"];
  const command = overrides.command ?? settings.command;
  const { files, all } = settings.reports;
  const reports = overrides.reports ?? files;
  const browsers = stage === "e2e" ? config.stages.e2e : undefined;
  const shards = browsers?.shards ?? 1;
  const part = partOf(env);
  if (environment.access !== "test-data")
    throw readOnlyError(
      environment.name,
      context.configPlace,
      `the environment is read-only, and the tests of ${stage} create data: write access: test-data, or name another environment with --environment (in a workflow: the input environment)`,
    );
  if (!stagePrefixes(config).includes(settings.prefix))
    throw new UserError(
      "EA1022",
      `what the ${stage} stage leaves behind would not be found by cleanup: add "${settings.prefix}" to testData.prefixes, or set stages.${stage}.prefix`,
    );
  if (command === undefined)
    throw new UserError(
      "EA5005",
      `stages.${stage}.command is missing: say how the tests are run, such as command: npm run test:${stage}`,
    );
  if (reports.length === 0)
    throw new UserError(
      "EA6001",
      `stages.${stage}.reports is missing: without a report it is unknown what ran; add, for example, reports: [reports/*.xml]`,
    );
  if (shards * part.of > 1 && !namesShard(command))
    throw new UserError(
      "EA5006",
      `every one of the ${shards * part.of} shards would run all the tests: add --shard=$ENV_ACTIONS_SHARD/$ENV_ACTIONS_SHARDS to the command`,
    );
  const { flaky, testTime, commandTime, critical, quarantine } = settings;
  return {
    command,
    cwd: join(workspace, settings.workingDirectory),
    reports,
    allReports: all,
    attachments: browsers?.attachments ?? [],
    rules: {
      ...{ passRate: overrides.passRate ?? settings.passRate, flaky, testTime, commandTime, shards },
      ...(browsers ? { requiredProjects: requiredProjects(context), requiredBrowsers: browsers.browsers } : {}),
    },
    marks: { critical, quarantine },
    environment: settings.environment,
    shards,
    part,
  };
}

/** The part that a workflow gives to the job, such as to a cell of a matrix. @throws UserError */
function partOf({ ENV_ACTIONS_SHARD: shard, ENV_ACTIONS_SHARDS: shards }: SuiteContext["env"]): Part {
  if (!shard && !shards) return { number: 1, of: 1 };
  const [number, of] = [Number(shard), countOf(shards ?? "")];
  if (!(Number.isInteger(number) && Number.isInteger(of) && number >= 1 && number <= of))
    throw new UserError(
      "EA5010",
      `the variables ENV_ACTIONS_SHARD and ENV_ACTIONS_SHARDS: expected two whole numbers such as 2 and 3, got "${shard ?? ""}" and "${shards ?? ""}"`,
    );
  return { number, of };
}

/** Only a gate that cleans up ClassWaves' tables tests ClassWaves. */
function requiredProjects({ config, environment }: SuiteContext): readonly string[] {
  const isClassWaves = config.preset === "classwaves" && environment.databricks !== undefined;
  return config.stages.e2e.requiredProjects ?? (isClassWaves ? classWavesProjects : []);
}

/** Where a runner does not say how many jobs there are, as act does not, the reusable workflow names the list of their numbers. */
function countOf(shards: string): number {
  return /^\[[\d\s,]+\]$/.test(shards) ? shards.split(",").length : Number(shards);
}

const longestMs = 10 * 60_000;

/**
 * Lets Playwright install missing browsers, if configured.
 * @returns whether the tests can start; otherwise the outcome says why not
 */
export async function installBrowsers(context: StageContext, suite: Suite, outcome: StageOutcome): Promise<boolean> {
  const { browsers, install } = context.config.stages.e2e;
  if (context.stage !== "e2e" || !install) return true;
  // Installing system libraries needs root, which a runner has; a person's terminal should not ask for it.
  const dependencies = context.env.CI ? "--with-deps " : "";
  // The project's own version, not any package of that name from a registry.
  const command = `npx --no-install playwright install ${dependencies}${browsers.join(" ")}`;
  step(context, `installing browsers that are missing: ${command}`);
  const report = await runCommand(
    {
      command,
      cwd: suite.cwd,
      env: childEnvironment(context, suite.environment),
      logFile: join(logFolder(context), `${context.stage}-browsers.log`),
    },
    {
      signal: AbortSignal.any([context.signal, AbortSignal.timeout(longestMs)]),
      onLine: (line) => context.onProgress({ kind: "output", stage: context.stage, source: "browsers", line }),
      redaction: context.secrets,
    },
  );
  outcome.commands.push(report);
  const passed = report.exitCode === 0;
  const lastLine = report.tail?.at(-1);
  const cure = `The tests were not started, because the browsers could not be installed${lastLine ? `: ${lastLine}` : ""}. Install them in a step before (npx playwright install --with-deps ${browsers.join(" ")}) and set stages.e2e.install to false, or see the log.`;
  const check = {
    id: "tests.browsers-installed",
    title: "Browsers installed",
    verdict: passed ? ("passed" as const) : ("error" as const),
    observed: report.timedOut
      ? "stopped: out of time"
      : report.signal
        ? `ended by ${report.signal}`
        : `exit status ${report.exitCode}`,
    expected: browsers.join(", "),
    ...(passed ? {} : { message: cure }),
    durationMs: report.durationMs,
  };
  outcome.checks.push(await reportCheck(context, Promise.resolve(check)));
  return passed;
}
