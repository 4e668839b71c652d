import { count } from "../lib/count.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import type { Check } from "../model/report.ts";
import type { Drift, SyncResult, SyncStep } from "../model/staging.ts";
import { summariseDrift } from "../staging/drift/count.ts";
import { sync as synchronise } from "../staging/sync/sync.ts";
import { failedIfWrongTarget } from "./connections.ts";
import { reportCheck, type StageContext, type StageOutcome, step } from "./context.ts";
import { withCopy } from "./copy.ts";
import { compareOptions, driftNote, reasonsOf, unseenVerdict } from "./drift.ts";

/** Shows what makes the copy's structure equal to its original's; with `execute`, does exactly that and compares again. */
export async function sync(context: StageContext, outcome: StageOutcome): Promise<void> {
  const { execute = false, planDigest } = context.overrides;
  const { revoke = false, recreate = [] } = context.config.staging?.sync ?? {};
  const check = await context.check("sync", "Structure of the copy", () =>
    failedIfWrongTarget(
      async () =>
        await withCopy(context, async ({ warehouse, original, copy }) => {
          step(context, `comparing ${copy} with ${original}`);
          const { result, drift } = await synchronise(
            {
              warehouse,
              signal: context.signal,
              now: () => new Date(),
              onStep: (done) => {
                step(context, `${done.outcome}: ${done.statement}`);
                void context.audit(statementNote(done));
              },
            },
            {
              ...(await compareOptions(context)),
              ...{ original, copy, revoke, recreate, dryRun: !execute },
              ...(planDigest === undefined ? {} : { digest: planDigest }),
            },
          );
          outcome.staging = { ...outcome.staging, sync: result, drift };
          await context.audit(driftNote(drift));
          await context.audit(planNote(result, execute));
          return findingOf(result, execute);
        }),
    ),
  );
  outcome.checks.push(await reportCheck(context, Promise.resolve(check)));
  const { sync: done, drift } = outcome.staging ?? {};
  const more = [
    ...(done && done.impossible.length > 0 ? [impossibleCheck(done)] : []),
    ...(drift ? unseenCheck(context, drift) : []),
  ];
  outcome.checks.push(...(await reportCheck(context, Promise.resolve(more))));
}

function findingOf(result: SyncResult, execute: boolean): Omit<Check, "id" | "title" | "durationMs"> {
  const { steps, withheld, left, digest } = result;
  const losing = steps.filter(({ loses }) => loses !== undefined);
  const statements = count(steps.length, "statement");
  const lost = losing.length === 0 ? "" : `, ${losing.length} of which ${losing.length === 1 ? "loses" : "lose"} something`;
  if (withheld === "digest needed")
    return {
      verdict: "failed",
      observed: `${statements}${lost}`,
      expected: "nothing lost, or the digest of the plan",
      message: `Nothing was changed. Read the plan, and carry it out with the digest: --plan-digest ${digest} (in a workflow: the input plan-digest).`,
    };
  if (withheld)
    return {
      verdict: "failed",
      observed: digest,
      expected: "the digest that was given",
      message:
        "The plan has changed since it was shown, because one of the catalogs did. Nothing was changed; review the new plan.",
    };
  if (steps.length === 0) return { verdict: "passed", observed: "nothing to do" };
  if (!execute)
    return {
      verdict: "passed",
      observed: `${statements} planned${lost}`,
      message: "Only the plan is shown: nothing was changed.",
    };
  const failed = steps.filter(({ outcome }) => outcome === "failed");
  const reached = steps.filter(({ outcome }) => outcome === "done").length;
  if (failed.length > 0 || reached < steps.length)
    return {
      verdict: "failed",
      observed: `${reached} of ${statements} done`,
      message:
        failed.length === 0
          ? "The run ended before the others were sent. Start it again: it plans what is left."
          : `${failed
              .slice(0, 3)
              .map(({ object, problem }) => `${object}: ${problem}`)
              .join("; ")}${failed.length > 3 ? `; and ${failed.length - 3} more` : ""}`,
    };
  // What no statement can remove has a check of its own.
  if ((left ?? 0) > 0 && result.impossible.length === 0)
    return {
      verdict: "failed",
      observed: `${statements} done, ${count(left ?? 0, "difference")} left`,
      expected: "none left",
      message: "Every statement was accepted, and the structures still differ: `env-actions staging drift` shows where.",
    };
  return { verdict: "passed", observed: `${statements} done, ${count(left ?? 0, "difference")} left` };
}

function impossibleCheck({ impossible }: SyncResult): Check {
  const named = impossible.slice(0, 3).map(({ object, why, instead }) => `${object}: ${why}; instead: ${instead}`);
  const more = impossible.length > 3 ? ` And ${impossible.length - 3} more.` : "";
  return {
    id: "sync.impossible",
    title: "What no statement can change",
    verdict: "failed",
    observed: count(impossible.length, "difference"),
    expected: "none",
    message: `${named.join(". ")}.${more}`,
    durationMs: 0,
  };
}

/** What wasn't seen cannot have been made equal. */
function unseenCheck(context: StageContext, drift: Drift): Check[] {
  const { unseen } = summariseDrift(drift);
  if (unseen.length === 0) return [];
  return [
    {
      id: "sync.unseen",
      title: "What could not be compared",
      verdict: unseenVerdict(context),
      observed: count(unseen.length, "place"),
      expected: "none",
      message: `${reasonsOf(unseen)}. It was left as it is.`,
      durationMs: 0,
    },
  ];
}

function statementNote({ object, statement, problem }: SyncStep): AuditEvent {
  return {
    action: "statement",
    details: { what: "sync", object, statement, ...(problem === undefined ? {} : { problem }) },
    counts: {},
  };
}

function planNote({ digest, steps, impossible, withheld }: SyncResult, execute: boolean): AuditEvent {
  return {
    action: "decision",
    details: { what: "sync-plan", digest, execute: execute && withheld === undefined },
    counts: {
      steps: steps.length,
      losing: steps.filter(({ loses }) => loses !== undefined).length,
      impossible: impossible.length,
    },
  };
}
