import type { Finding } from "../checks/run-check.ts";
import { count } from "../lib/count.ts";
import type { SweptThing } from "../model/staging.ts";
import type { DroppedBranch } from "../staging/branch/drop.ts";
import { abandonedAfterMs, type LeftSchema, leftOfRefreshes } from "../staging/refresh/past.ts";
import { sweepRefreshes } from "../staging/refresh/sweep.ts";
import { coded } from "./branch-verdict.ts";
import { mayHaveBranches } from "./child-environment.ts";
import { failedIfWrongTarget } from "./connections.ts";
import { reportCheck, type StageContext, type StageOutcome, step } from "./context.ts";
import { type CopyAndOriginal, withCopy, withCopyReader } from "./copy.ts";

/** Shows what lost runs and earlier refreshes left in the copy, and is past its time; with `execute`, drops it. */
export async function sweep(context: StageContext, outcome: StageOutcome): Promise<void> {
  const { execute = false } = context.overrides;
  const things: SweptThing[] = [];
  outcome.staging = { ...outcome.staging, sweep: { planned: !execute, things } };
  const branches = context.check("sweep.branches", "Branches of ended runs", () =>
    failedIfWrongTarget(() => sweptBranches(context, execute, things)),
  );
  outcome.checks.push(await reportCheck(context, branches));
  const schemas = context.check("sweep.refreshes", "Schemas of earlier refreshes", () =>
    failedIfWrongTarget(() => sweptSchemas(context, execute, things)),
  );
  outcome.checks.push(await reportCheck(context, schemas));
}

async function sweptBranches(context: StageContext, execute: boolean, things: SweptThing[]): Promise<Finding> {
  if (!mayHaveBranches(context))
    return { verdict: "skipped", message: "testData.isolation is prefix, so that no run has a branch." };
  if (!execute) {
    const { findBranches } = await import("./branch-sweep.ts");
    const { found, strangers } = await withCopyReader(context, ({ warehouse }) =>
      findBranches(context, warehouse, { runs: [], expired: true }),
    );
    things.push(
      ...found.map(({ parts }) => ({
        what: "branch" as const,
        name: parts.map(({ name }) => name).join(", "),
        state: "planned" as const,
      })),
    );
    return {
      verdict: "passed",
      observed: `${count(found.length, "branch", "branches")} would be dropped`,
      ...othersSaid(strangers),
    };
  }
  const { sweepBranches } = await import("./branch.ts");
  step(context, "looking for branches of ended runs");
  const { branches, strangers } = await sweepBranches(context, { runs: [], expired: true });
  things.push(...branches.map(branchThing));
  const left = branches.filter(({ gone }) => gone !== true);
  const dropped = `${count(branches.length - left.length, "branch", "branches")} dropped`;
  if (left.length === 0) return { verdict: "passed", observed: `${dropped}, 0 left`, ...othersSaid(strangers) };
  return {
    verdict: left.some(({ gone }) => gone === false) ? "failed" : "error",
    observed: `${dropped}, ${left.length} not proven gone`,
    expected: "0 left",
    message: coded("EA5104", `${left.map(({ names, problem }) => `${names.join(", ")}: ${problem ?? "unknown"}`).join("; ")}.`),
  };
}

function branchThing({ names, gone, problem }: DroppedBranch): SweptThing {
  return {
    ...{ what: "branch", name: names.join(", "), state: gone === true ? "dropped" : "left" },
    ...(gone === true ? {} : { why: problem ?? "unknown" }),
  };
}

const named = 5;

function othersSaid(strangers: readonly string[]): { message?: string } {
  return strangers.length === 0 ? {} : { message: `Not ours to drop: ${strangers.slice(0, named).join("; ")}.` };
}

async function sweptSchemas(context: StageContext, execute: boolean, things: SweptThing[]): Promise<Finding> {
  const look = async ({
    warehouse,
    copy,
  }: Pick<CopyAndOriginal, "copy"> & { warehouse: CopyAndOriginal["warehouse"] | Reader }) => {
    const limits = await limitsOf(context, warehouse);
    return { limits, found: await leftOfRefreshes(warehouse, copy, limits) };
  };
  if (!execute) {
    const { found } = await withCopyReader(context, look);
    things.push(...found.map((one) => schemaThing(one, "planned")));
    const past = found.filter(({ kept }) => kept === undefined);
    return {
      verdict: "passed",
      observed: `${count(past.length, "schema")} would be dropped, ${found.length - past.length} kept`,
    };
  }
  step(context, "looking for schemas of earlier refreshes");
  return await withCopy(context, async (both) => {
    const { limits, found } = await look(both);
    const { dropped } = await sweepRefreshes(both.warehouse, both.copy, limits);
    for (const schema of dropped)
      await context.audit({ action: "statement", details: { what: "schema-dropped", schema, of: both.copy }, counts: {} });
    things.push(...found.map((one) => schemaThing(dropped.includes(one.schema) ? { ...one, kept: undefined } : one, "dropped")));
    return { verdict: "passed", observed: `${count(dropped.length, "schema")} dropped, ${found.length - dropped.length} kept` };
  });
}

type Reader = Parameters<Parameters<typeof withCopyReader<unknown>>[1]>[0]["warehouse"];

async function limitsOf({ config }: StageContext, warehouse: Reader) {
  const { serverTime } = await warehouse.identity();
  return {
    now: serverTime === undefined ? Date.now() : Date.parse(serverTime),
    keepOldMs: config.staging?.refresh.keepOld ?? abandonedAfterMs,
    keepWorkingMs: abandonedAfterMs,
  };
}

const whyKept = {
  young: "not past its time",
  "half switched": "the copy would stay half new; the next `staging refresh --execute` completes it",
} as const;

function schemaThing(
  { schema, kind, kept }: { schema: string; kind: LeftSchema["kind"]; kept?: LeftSchema["kept"] | undefined },
  state: "planned" | "dropped",
): SweptThing {
  const what = kind === "old" ? "old copy" : "working schema";
  return kept === undefined ? { what, name: schema, state } : { what, name: schema, state: "kept", why: whyKept[kept] };
}
