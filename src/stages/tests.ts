import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { look } from "../checks/check.ts";
import type { Check, ServerReport } from "../model.ts";
import { proveRedis, proveWarehouse } from "../testdata/proof.ts";
import { collectAttachments, forgetAttachments } from "./attachments.ts";
import { installBrowsers } from "./browsers.ts";
import { ledgerFile } from "./child-environment.ts";
import { withReaders } from "./connections.ts";
import { type StageContext, type StageOutcome, told } from "./context.ts";
import { inTheRightPlace } from "./place.ts";
import { cleanUpRun } from "./run-cleanup.ts";
import { withApplication } from "./servers.ts";
import { type Suite, suiteOf } from "./suite-settings.ts";
import { runTestCommand } from "./test-command.ts";
import { judgeRun } from "./test-results.ts";
import { withTokens } from "./tokens.ts";

/**
 * Proves that we are where the test data may be, starts the application, runs the project's tests with the run's identity, reads
 * their reports, stops the application, and deletes what the tests made – whatever happened before.
 */
export async function runTests(context: StageContext, outcome: StageOutcome): Promise<void> {
  const suite = suiteOf(context);
  const place = await told(context, provePlace(context));
  outcome.checks.push(place);
  // What cannot be deleted afterwards must not be made.
  if (place.verdict !== "passed") return;

  await forgetAttachments(context);
  if (!(await installBrowsers(context, suite, outcome))) return;

  await mkdir(dirname(ledgerFile(context)), { recursive: true });
  try {
    await withApplication(context, outcome, (died) =>
      withTokens(context, outcome, (tokens) => {
        const supplied = { ...suite, environment: { ...suite.environment, ...tokens } };
        return testApplication(context, supplied, outcome, died);
      }),
    );
  } finally {
    const { check, result } = await cleanUpRun(context);
    outcome.checks.push(await told(context, Promise.resolve(check)));
    if (result) outcome.cleanup = result;
  }
}

function provePlace(context: StageContext): Promise<Check> {
  const { environment } = context;
  return look("identity", "The right place for test data", () =>
    inTheRightPlace(() =>
      withReaders(context, async ({ warehouse, redis }) => {
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
            return { verdict: "failed", message: `The tests were not started, because their keys could not be deleted: ${why}.` };
          seen.push(`Redis ${openRedis.identity.host}:${openRedis.identity.port}`);
        }
        return { verdict: "passed", observed: seen.join("; ") || "nothing to clean up is configured" };
      }),
    ),
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
  outcome.checks.push(...(await told(context, Promise.resolve(checks))));
  if (tests) outcome.tests = tests;
  // Where all is well, there is nothing to look at; a report that could not be read may hide anything.
  if (tests && tests.failed + tests.flaky + tests.crashedSuites.length === 0) return;
  const attachments = await collectAttachments(context, suite, ran.startedAt, tests);
  if (attachments.length > 0) outcome.attachments = attachments;
}
