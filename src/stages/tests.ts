import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { look } from "../checks/check.ts";
import { type Check, type CommandReport, type ServerReport, type TestResults, UserError } from "../model.ts";
import { runCommand } from "../process/command.ts";
import { judgeTests, type TestRules } from "../results/judge.ts";
import { MarkedTests, type Marks } from "../results/marked.ts";
import { readResults } from "../results/read.ts";
import { proveRedis, proveWarehouse } from "../testdata/proof.ts";
import { childEnvironment, ledgerFile } from "./child-environment.ts";
import { withReaders } from "./connections.ts";
import { type StageContext, type StageOutcome, step, told } from "./context.ts";
import { cleanUpRun } from "./run-cleanup.ts";
import { withApplication } from "./servers.ts";
import { withTokens } from "./tokens.ts";

/** What is run, and what it writes. */
interface Suite {
  command: string;
  /** Absolute. */
  cwd: string;
  reports: string[];
  rules: TestRules;
  marks: Marks;
  environment: Record<string, string>;
}

/**
 * Proves that we are where the test data may be, starts the application, runs the project's tests with the run's identity, reads
 * their reports, stops the application, and deletes what the tests made – whatever happened before.
 */
export async function runTests(context: StageContext, outcome: StageOutcome, rules: Partial<TestRules>): Promise<void> {
  const suite = suiteOf(context);
  const place = await told(context, provePlace(context));
  outcome.checks.push(place);
  // What cannot be deleted afterwards must not be made.
  if (place.verdict !== "passed") return;

  await mkdir(dirname(ledgerFile(context)), { recursive: true });
  try {
    await withApplication(context, outcome, (died) =>
      withTokens(context, outcome, (tokens) => {
        const supplied = { ...suite, environment: { ...suite.environment, ...tokens } };
        return testApplication(context, supplied, rules, outcome, died);
      }),
    );
  } finally {
    const { check, result } = await cleanUpRun(context);
    outcome.checks.push(await told(context, Promise.resolve(check)));
    if (result) outcome.cleanup = result;
  }
}

/** @throws UserError before anything is started. */
function suiteOf(context: StageContext): Suite {
  const { stage, environment, overrides, workspace } = context;
  const settings = context.config.stages[stage === "e2e" ? "e2e" : "integration"];
  const command = overrides.command ?? settings.command;
  const reports = overrides.reports ?? settings.reports;
  if (environment.access !== "test-data")
    throw new UserError(`environment ${environment.name} is read-only: tests that create data must not run there`);
  if (command === undefined)
    throw new UserError(`stages.${stage}.command is missing: say how the tests are run, such as command: npm run test:${stage}`);
  if (reports.length === 0)
    throw new UserError(
      `stages.${stage}.reports is missing: without a report nobody knows what ran, such as reports: [reports/*.xml]`,
    );
  return {
    command,
    cwd: join(workspace, settings.workingDirectory),
    reports,
    rules: {
      passRate: overrides.passRate ?? settings.passRate,
      flaky: settings.flaky,
      testTime: settings.testTime,
      commandTime: settings.commandTime,
    },
    marks: { critical: settings.critical, quarantine: settings.quarantine },
    environment: settings.environment,
  };
}

function provePlace(context: StageContext): Promise<Check> {
  const { environment } = context;
  return look("identity", "The right place for test data", () =>
    withReaders(context, async ({ warehouse, redis }) => {
      const seen: string[] = [];
      const [openWarehouse, openRedis] = await Promise.all([warehouse, redis]);
      if (openWarehouse) {
        const identity = await openWarehouse.identity();
        proveWarehouse(environment, identity);
        seen.push(`${identity.principal} on ${identity.host}, catalog ${identity.catalog}`);
      }
      if (openRedis) {
        proveRedis(environment, openRedis.identity);
        seen.push(`Redis ${openRedis.identity.host}:${openRedis.identity.port}`);
      }
      return { verdict: "passed", observed: seen.join("; ") || "nothing to clean up is configured" };
    }),
  );
}

async function testApplication(
  context: StageContext,
  suite: Suite,
  rules: Partial<TestRules>,
  outcome: StageOutcome,
  died: Promise<ServerReport>,
): Promise<void> {
  const command = await runTestCommand(context, suite, died);
  outcome.commands.push(command.report);
  const judged = await judgeCommand(context, suite, command, rules);
  outcome.checks.push(...(await told(context, Promise.resolve(judged.checks))));
  if (judged.tests) outcome.tests = judged.tests;
}

interface RanCommand {
  report: CommandReport;
  startedAt: number;
  /** A server that ended on its own while the tests ran. */
  serverDied: string | undefined;
}

async function runTestCommand(context: StageContext, suite: Suite, died: Promise<ServerReport>): Promise<RanCommand> {
  const { stage, records } = context;
  step(context, `running ${suite.command}`);
  const serverDeath = new AbortController();
  let serverDied: string | undefined;
  // Tests against a server that is gone would fail one by one, for minutes, with messages that mislead.
  void died.then((server) => {
    serverDied = `server ${server.name} ${server.ended} while the tests ran`;
    serverDeath.abort(new Error(serverDied));
  });
  const startedAt = Date.now();
  const report = await runCommand(
    {
      command: suite.command,
      cwd: suite.cwd,
      env: childEnvironment(context, suite.environment),
      logFile: join(records, "logs", `${stage}-tests.log`),
    },
    {
      signal: AbortSignal.any([context.signal, serverDeath.signal]),
      onLine: (line) => context.onProgress({ kind: "output", stage, source: "tests", line }),
      redact: (line) => context.secrets.redact(line),
    },
  );
  return { report, startedAt, serverDied };
}

async function judgeCommand(
  context: StageContext,
  suite: Suite,
  ran: RanCommand,
  rules: Partial<TestRules>,
): Promise<{ checks: Check[]; tests?: TestResults }> {
  const cut = whyCutShort(context, ran);
  try {
    const marked = new MarkedTests(suite.marks, new Date(ran.startedAt).toISOString().slice(0, 10));
    const results = await readResults({
      cwd: suite.cwd,
      workspace: context.workspace,
      reports: suite.reports,
      startedAt: ran.startedAt,
      onTest: (test) => marked.see(test),
    });
    const tests = marked.addTo(results);
    const judged = judgeTests(tests, { ...suite.rules, ...rules }, ran.report);
    return { checks: [...(cut ? [cut] : []), ...judged], tests };
  } catch (error) {
    if (error instanceof UserError) throw error;
    // After a run that was cut short, a missing report says nothing more; otherwise it is the finding.
    return { checks: [cut ?? unreadable(ran.report, error)] };
  }
}

/** What ended the tests before they ended by themselves. */
function whyCutShort(context: StageContext, { report, serverDied }: RanCommand): Check | undefined {
  const check = (id: string, title: string, verdict: "failed" | "error", message: string): Check => ({
    id,
    title,
    verdict,
    message,
    durationMs: report.durationMs,
  });
  if (serverDied)
    return check("tests.server", "Tests ended by themselves", "error", `The tests were stopped, because ${serverDied}.`);
  if (report.timedOut)
    return check(
      "tests.budget",
      "Tests ended in time",
      "failed",
      `The tests were stopped after ${Math.round(report.durationMs / 1000)} s: the stage's budget was used up.`,
    );
  if (context.signal.aborted)
    return check("tests.cancelled", "Tests ended by themselves", "error", "The run was cancelled while the tests ran.");
  return undefined;
}

function unreadable(report: CommandReport, error: unknown): Check {
  const message = error instanceof Error ? error.message : String(error);
  const observed = report.signal ? `ended by ${report.signal}` : `exit status ${report.exitCode}`;
  return {
    id: "tests.report",
    title: "Test report",
    verdict: "failed",
    observed,
    expected: "a report of this run",
    message,
    durationMs: 0,
  };
}
