import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { look } from "../checks/check.ts";
import { type Check, type CommandReport, type ServerReport, type TestResults, UserError } from "../model.ts";
import { runCommand } from "../process/command.ts";
import { judgeTests } from "../results/judge.ts";
import { readResults } from "../results/read.ts";
import { proveRedis, proveWarehouse } from "../testdata/proof.ts";
import { childEnvironment, ledgerFile } from "./child-environment.ts";
import { withReaders } from "./connections.ts";
import { emptyOutcome, type StageContext, type StageOutcome, step, told } from "./context.ts";
import { cleanUpRun } from "./run-cleanup.ts";
import { withApplication } from "./servers.ts";

/** Files and suites differ between the two testing stages; their story is the same. */
export interface TestRules {
  requiredProjects?: string[];
}

/**
 * Proves that we are where the test data may be, starts the application, runs the project's tests with the run's identity, reads
 * their reports, stops the application, and deletes what the tests made – whatever happened before.
 */
export async function runTests(context: StageContext, rules: TestRules): Promise<StageOutcome> {
  const outcome = emptyOutcome();
  const place = await told(context, provePlace(context));
  outcome.checks.push(place);
  // What cannot be deleted afterwards must not be made.
  if (place.verdict !== "passed") return outcome;

  await mkdir(dirname(ledgerFile(context)), { recursive: true });
  try {
    await withApplication(context, outcome, (died) => testApplication(context, rules, outcome, died));
  } finally {
    const { check, result } = await cleanUpRun(context);
    outcome.checks.push(await told(context, Promise.resolve(check)));
    if (result) outcome.cleanup = result;
  }
  return outcome;
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
      if (environment.access !== "test-data")
        return {
          verdict: "failed",
          observed: "read-only",
          expected: "test-data",
          message: "Tests that create data must not run in a read-only environment.",
        };
      return { verdict: "passed", observed: seen.join("; ") || "nothing to clean up is configured" };
    }),
  );
}

async function testApplication(
  context: StageContext,
  rules: TestRules,
  outcome: StageOutcome,
  died: Promise<ServerReport>,
): Promise<void> {
  const command = await runTestCommand(context, died);
  outcome.commands.push(command.report);
  const judged = await judgeCommand(context, command, rules);
  outcome.checks.push(...(await told(context, Promise.resolve(judged.checks))));
  if (judged.tests) outcome.tests = judged.tests;
}

interface RanCommand {
  report: CommandReport;
  startedAt: number;
  /** A server that ended on its own while the tests ran. */
  serverDied: string | undefined;
}

async function runTestCommand(context: StageContext, died: Promise<{ name: string; ended: string }>): Promise<RanCommand> {
  const { stage, records, workspace } = context;
  const settings = suiteOf(context);
  const command = context.overrides.command ?? settings.command;
  if (command === undefined)
    throw new UserError(`stages.${stage}.command is missing: say how the tests are run, such as: command: npm run test:${stage}`);
  step(context, `running ${command}`);
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
      command,
      cwd: join(workspace, settings.workingDirectory),
      env: childEnvironment(context, settings.environment),
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
  ran: RanCommand,
  rules: TestRules,
): Promise<{ checks: Check[]; tests?: TestResults }> {
  const { report, startedAt, serverDied } = ran;
  const settings = suiteOf(context);
  const checks: Check[] = [];
  const stopped = (id: string, title: string, message: string): Check => ({
    id,
    title,
    verdict: "failed",
    message,
    durationMs: report.durationMs,
  });
  if (serverDied) checks.push(stopped("tests.server", "Servers stayed up", `${serverDied}; its last lines are below.`));
  else if (report.timedOut)
    checks.push(
      stopped(
        "tests.budget",
        "Tests ended in time",
        `The tests were stopped after ${Math.round(report.durationMs / 1000)} s: the stage's budget was used up.`,
      ),
    );
  else if (context.signal.aborted)
    checks.push({
      ...stopped("tests.cancelled", "Tests ended by themselves", "The run was cancelled while the tests ran."),
      verdict: "error",
    });

  try {
    const reports = context.overrides.reports ?? settings.reports;
    if (reports.length === 0)
      throw new UserError(`stages.${context.stage}.reports is missing: without a report nobody knows what ran`);
    const tests = await readResults({
      cwd: join(context.workspace, settings.workingDirectory),
      workspace: context.workspace,
      reports,
      startedAt,
    });
    const passRate = context.overrides.passRate ?? settings.passRate;
    return {
      checks: [
        ...checks,
        ...judgeTests(tests, {
          passRate,
          commandExit: report.exitCode,
          ...(rules.requiredProjects ? { requiredProjects: rules.requiredProjects } : {}),
        }),
      ],
      tests,
    };
  } catch (error) {
    if (error instanceof UserError) throw error;
    // No report after a run that was cut short says nothing more; otherwise it is the finding.
    if (checks.length > 0) return { checks };
    const message = error instanceof Error ? error.message : String(error);
    return {
      checks: [
        {
          id: "tests.report",
          title: "Test report",
          verdict: "failed",
          observed: `exit status ${report.exitCode ?? report.signal}`,
          message,
          durationMs: 0,
        },
      ],
    };
  }
}

function suiteOf(context: StageContext) {
  return context.config.stages[context.stage === "e2e" ? "e2e" : "integration"];
}
