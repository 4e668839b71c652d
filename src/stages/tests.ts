import { type Start, unknownStart } from "../cleanup/books/start.ts";
import { proveRedis, proveWarehouse } from "../cleanup/execute/proof.ts";
import { errorText } from "../lib/error-text.ts";
import type { Check, ServerReport } from "../model/report.ts";
import type { TestResults } from "../model/test-results.ts";
import { whyBrokenOff } from "../test-reports/judge/ended.ts";
import { judgeTests } from "../test-reports/judge/judge.ts";
import { TestListMatcher } from "../test-reports/judge/test-lists.ts";
import { isAnythingRead, unreadableCheck, withoutReports } from "../test-reports/judge/unreadable.ts";
import { readResults } from "../test-reports/read.ts";
import { collectAttachments, forgetAttachments } from "./attachments.ts";
import { beginLedger, wantsBranch } from "./child-environment.ts";
import { failedIfWrongTarget, type Readers, withReaders } from "./connections.ts";
import { reportCheck, type StageContext, type StageOutcome, step } from "./context.ts";
import { cleanUpRun, rememberStart } from "./run-cleanup.ts";
import { withApplication } from "./servers.ts";
import { installBrowsers, type RanTests, runTestCommand, type Suite, suiteOf } from "./test-command.ts";
import { withTokens } from "./tokens.ts";

/**
 * Proves that this is the target for test data, starts the application, runs the project's tests with the run's identity, reads
 * their reports, stops the application, and always deletes what the tests created.
 */
export async function runTests(context: StageContext, outcome: StageOutcome): Promise<void> {
  const suite = suiteOf(context);
  const looking = proveTargetAndRememberStart(context);
  try {
    await runAtProvenTarget(looking, suite, context, outcome);
  } finally {
    // Its connections stay open until this is called.
    await looking.start();
  }
}

async function runAtProvenTarget(looking: Looking, suite: Suite, context: StageContext, outcome: StageOutcome): Promise<void> {
  const place = await reportCheck(context, looking.place);
  outcome.checks.push(place);
  // Data that cannot be deleted afterwards must not be created. Skipped: there is no place where data could be deleted.
  if (place.verdict !== "passed" && place.verdict !== "skipped") return;

  await forgetAttachments(context);
  if (!(await installBrowsers(context, suite, outcome))) return;

  await beginLedger(context);
  if (wantsBranch(context)) return await runOnBranch(looking, suite, context, outcome);
  await runOnPrefixes(looking, suite, context, outcome);
}

async function runOnPrefixes(looking: Looking, suite: Suite, context: StageContext, outcome: StageOutcome): Promise<void> {
  try {
    await runWithApplication(looking, suite, context, outcome);
  } finally {
    const testsRan = (outcome.tests?.total ?? 0) > 0;
    const { checks, result, books } = await cleanUpRun(context, { start: await looking.start(), testsRan });
    outcome.checks.push(...(await reportCheck(context, Promise.resolve(checks))));
    if (result) outcome.cleanup = result;
    if (books) outcome.books = books;
  }
}

/** The run's own copy of the tables takes their place, and is dropped at the end. Redis is shared, and cleaned up as always. */
async function runOnBranch(looking: Looking, suite: Suite, context: StageContext, outcome: StageOutcome): Promise<void> {
  const { beginBranch, endBranch, readWritten } = await import("./branch.ts");
  const start = await looking.start();
  const begun = await beginBranch(context, start);
  outcome.isolation = begun.isolation;
  if (begun.kind !== "branch") {
    outcome.checks.push(await reportCheck(context, Promise.resolve(begun.check)));
    if (begun.kind === "prefixes") await runOnPrefixes(looking, suite, context, outcome);
    return;
  }
  try {
    await runWithApplication(looking, suite, begun.context, outcome);
  } finally {
    const testsRan = (outcome.tests?.total ?? 0) > 0;
    const written = context.environment.redis ? await readWritten(begun.context, begun) : undefined;
    // The tables are dropped, so that only keys are searched and counted.
    const { databricks: _, ...environment } = begun.context.environment;
    const onlyKeys = { ...begun.context, environment };
    const { checks, result, books } = environment.redis
      ? await cleanUpRun(onlyKeys, { start, testsRan: false, ...(written ? { addedIds: written.ids } : {}) })
      : { checks: [], result: undefined, books: undefined };
    outcome.checks.push(...(await reportCheck(context, Promise.resolve(checks))));
    if (result) outcome.cleanup = result;
    const wroteElsewhere = (result?.keys.planned ?? 0) > 0;
    const ended = await endBranch(context, begun, { start, testsRan, wroteElsewhere, redisBooks: books, written });
    outcome.checks.push(await reportCheck(context, Promise.resolve(ended.check)));
    outcome.books = ended.books;
  }
}

/** Starts the application, signs in, and runs the tests. */
async function runWithApplication(looking: Looking, suite: Suite, context: StageContext, outcome: StageOutcome): Promise<void> {
  await withApplication(
    context,
    outcome,
    async (died) => {
      // Read while the servers start, and complete before anything signs in or tests.
      await looking.start();
      await withTokens(context, outcome, (tokens) => {
        const supplied = { ...suite, environment: { ...suite.environment, ...tokens } };
        return testApplication(context, supplied, outcome, died);
      });
    },
    // Not earlier, because reading would delay the start of the servers.
    () => void looking.start(),
  );
}

interface Looking {
  place: Promise<Check>;
  start: () => Promise<Start>;
}

/**
 * Proves the target, then uses the same connections to record the state before the tests, once requested.
 * @returns `start` never rejects, whatever happens to the target, and says why it knows nothing
 */
function proveTargetAndRememberStart(context: StageContext): Looking {
  const proven = Promise.withResolvers<Check>();
  const asked = Promise.withResolvers<void>();
  const remembered = withReaders(context, async (readers) => {
    const place = await proveTarget(context, readers);
    proven.resolve(place);
    await asked.promise;
    return place.verdict === "passed"
      ? await rememberStart(context, readers)
      : unknownStart(Date.now(), "this is the wrong place");
  });
  // Callers that await it get the failure; with a wrong target none does.
  const known = remembered.catch((error: unknown) => {
    proven.reject(error);
    return unknownStart(Date.now(), errorText(error));
  });
  const start = () => {
    asked.resolve();
    return known;
  };
  return { place: proven.promise, start };
}

function proveTarget({ environment, check }: StageContext, { warehouse, redis }: Readers): Promise<Check> {
  return check("identity", "The expected environment for test data", () =>
    failedIfWrongTarget(async () => {
      const seen: string[] = [];
      const [openWarehouse, openRedis] = await Promise.all([warehouse?.(), redis?.()]);
      if (openWarehouse) {
        const identity = await openWarehouse.identity();
        proveWarehouse(environment, identity);
        seen.push(`${identity.principal} on ${identity.host}, catalog ${identity.catalog}`);
      }
      if (openRedis) {
        proveRedis(environment, openRedis.identity);
        const { possible, why } = await openRedis.deletability();
        if (possible === false)
          return { verdict: "failed", message: `The tests did not start, because their keys could not be deleted: ${why}.` };
        seen.push(`Redis ${openRedis.identity.host}:${openRedis.identity.port}`);
      }
      if (seen.length === 0)
        return {
          verdict: "skipped",
          message: "This environment has neither databricks nor redis, so there is no place to compare.",
        };
      return { verdict: "passed", observed: seen.join("; ") };
    }),
  );
}

async function testApplication(
  context: StageContext,
  suite: Suite,
  outcome: StageOutcome,
  died: Promise<ServerReport>,
): Promise<void> {
  const ran = await runTestCommand(context, suite, died);
  outcome.commands.push(...ran.commands);
  const { checks, tests } = await judgeRun(context, suite, ran);
  outcome.checks.push(...(await reportCheck(context, Promise.resolve(checks))));
  if (tests) outcome.tests = tests;
  // If everything passed, there is nothing to look at. A report that could not be read may hide anything.
  if (tests && !tests.unreadable && tests.failed + tests.unknown + tests.flaky + tests.crashedSuites.length === 0) return;
  const attachments = await collectAttachments(context, suite, ran.startedAt, tests);
  if (attachments.length > 0) outcome.attachments = attachments;
}

/** Reads and judges the test reports. A report that is missing or cannot be read is a check, never an exception. */
export async function judgeRun(
  context: StageContext,
  suite: Suite,
  ran: RanTests,
): Promise<{ checks: Check[]; tests?: TestResults }> {
  const marked = new TestListMatcher(suite.marks, new Date(ran.startedAt).toISOString().slice(0, 10));
  const results = await readResults({
    cwd: suite.cwd,
    workspace: context.workspace,
    reports: suite.reports,
    all: suite.allReports,
    startedAt: ran.startedAt,
    onTest: (test) => marked.see(test),
  });
  for (const { file, notes = [] } of results.sources) for (const note of notes) step(context, `${file}: ${note}`);
  const tests = marked.addTo(results);
  const cut = whyCutShort(context, ran);
  const brokenOff = cut ? undefined : whyBrokenOff(ran.commands);
  const end = { words: howEnded(ran), failed: ran.exitCode !== 0, brokenOff };
  const { unreadable = [] } = results;
  // After an interrupted run, a missing or broken report is no additional finding; otherwise it is the finding.
  if (!isAnythingRead(results)) return { checks: cut ? [cut] : unreadable.length > 0 ? withoutReports(unreadable, end) : [] };
  const findings = cut ? [cut] : unreadable.length > 0 ? [unreadableCheck(unreadable, end)] : [];
  return { checks: [...findings, ...judgeTests(tests, suite.rules, { ...ran, brokenOff })], tests };
}

/** What ended the tests early. */
function whyCutShort(context: StageContext, { commands, serverDied, durationMs }: RanTests): Check | undefined {
  const check = (id: string, title: string, verdict: "failed" | "error", message: string): Check => ({
    id,
    title,
    verdict,
    message,
    durationMs,
  });
  if (serverDied)
    return check("tests.server", "The tests ran to their end", "error", `The tests were stopped, because ${serverDied}.`);
  if (commands.some((command) => command.timedOut))
    return check(
      "tests.budget",
      "The tests ended in time",
      "failed",
      `The tests were stopped after ${Math.round(durationMs / 1000)} s: the stage's budget was used up.`,
    );
  if (context.signal.aborted)
    return check("tests.cancelled", "The tests ran to their end", "error", "The run was cancelled while the tests ran.");
  return undefined;
}

function howEnded({ commands, exitCode }: RanTests): string {
  const signal = commands.find((command) => command.signal !== null)?.signal;
  return signal ? `ended by ${signal}` : `exit status ${exitCode}`;
}
