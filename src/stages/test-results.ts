import type { Check } from "../model/report.ts";
import type { TestResults } from "../model/test-results.ts";
import { judgeTests } from "../test-reports/judge/judge.ts";
import { TestListMatcher } from "../test-reports/judge/test-lists.ts";
import { readResults } from "../test-reports/read.ts";
import { UnreadableReport } from "../test-reports/unreadable.ts";
import type { StageContext } from "./context.ts";
import type { Suite } from "./suite-settings.ts";
import type { RanTests } from "./test-command.ts";

/** Reads what the tests reported and judges it. A report that is missing or cannot be read is a check, never an exception. */
export async function judgeRun(
  context: StageContext,
  suite: Suite,
  ran: RanTests,
): Promise<{ checks: Check[]; tests?: TestResults }> {
  const cut = whyCutShort(context, ran);
  try {
    const marked = new TestListMatcher(suite.marks, new Date(ran.startedAt).toISOString().slice(0, 10));
    const results = await readResults({
      cwd: suite.cwd,
      workspace: context.workspace,
      reports: suite.reports,
      startedAt: ran.startedAt,
      onTest: (test) => marked.see(test),
    });
    const tests = marked.addTo(results);
    return { checks: [...(cut ? [cut] : []), ...judgeTests(tests, suite.rules, ran)], tests };
  } catch (error) {
    // Anything else is a mistake of ours or of the machine, and says nothing about the tests.
    if (!(error instanceof UnreadableReport)) throw error;
    // After a run that was cut short, a missing report says nothing more; otherwise it is the finding.
    return { checks: [cut ?? unreadable(ran, error)] };
  }
}

/** What ended the tests before they ended by themselves. */
function whyCutShort(context: StageContext, { commands, serverDied, durationMs }: RanTests): Check | undefined {
  const check = (id: string, title: string, verdict: "failed" | "error", message: string): Check => ({
    id,
    title,
    verdict,
    message,
    durationMs,
  });
  if (serverDied)
    return check("tests.server", "Tests ended by themselves", "error", `The tests were stopped, because ${serverDied}.`);
  if (commands.some((command) => command.timedOut))
    return check(
      "tests.budget",
      "Tests ended in time",
      "failed",
      `The tests were stopped after ${Math.round(durationMs / 1000)} s: the stage's budget was used up.`,
    );
  if (context.signal.aborted)
    return check("tests.cancelled", "Tests ended by themselves", "error", "The run was cancelled while the tests ran.");
  return undefined;
}

function unreadable({ commands, exitCode }: RanTests, { message }: UnreadableReport): Check {
  const signal = commands.find((command) => command.signal !== null)?.signal;
  return {
    id: "tests.report",
    title: "Test report",
    verdict: "failed",
    observed: signal ? `ended by ${signal}` : `exit status ${exitCode}`,
    expected: "a report of this run",
    message,
    durationMs: 0,
  };
}
