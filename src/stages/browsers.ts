import { join } from "node:path";
import { runCommand } from "../processes/command.ts";
import { childEnvironment, logFolder } from "./child-environment.ts";
import { reportCheck, type StageContext, type StageOutcome, step } from "./context.ts";
import type { Suite } from "./suite-settings.ts";

const longestMs = 10 * 60_000;

/**
 * Lets Playwright install the browsers that are missing, where the configuration asks for it.
 * @returns whether the tests can start; otherwise the outcome says why not.
 */
export async function installBrowsers(context: StageContext, suite: Suite, outcome: StageOutcome): Promise<boolean> {
  const { browsers, install } = context.config.stages.e2e;
  if (context.stage !== "e2e" || !install) return true;
  // The system's libraries need root, which a runner has and a person's terminal should not be asked for.
  const dependencies = context.env.CI ? "--with-deps " : "";
  // Not whatever package of that name a registry has: the one that the project's tests run with.
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
