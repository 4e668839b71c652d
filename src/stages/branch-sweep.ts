import type { Finding } from "../checks/run-check.ts";
import { count } from "../lib/count.ts";
import type { Check } from "../model/report.ts";
import { chosen, type DroppedBranch, type FoundBranch, listBranches, type Which } from "../staging/branch/drop.ts";
import type { WarehouseReader } from "../warehouse/access.ts";
import { coded } from "./branch-verdict.ts";
import { mayHaveBranches } from "./child-environment.ts";
import { failedIfWrongTarget, type Readers, withComparedReaders } from "./connections.ts";
import { reportCheck, type StageContext, type StageOutcome, step } from "./context.ts";

/** Branches that runs lost because they were killed: what is shown of them, and what is dropped. */

const [id, title] = ["isolation.branches", "Branches of ended runs"];
const expected = "0 left";
const named = 5;

/** Preflight: branches of runs that have ended; if configured, they are swept right away. */
export function checkLostBranches(context: StageContext, readers: Readers): Promise<Check> {
  return context.check(id, title, async () => {
    const sweeps = context.config.stages.preflight.sweep && context.environment.access === "test-data";
    if (sweeps) return await dropAndJudge(context, { runs: [], expired: true });
    const warehouse = await readers.warehouse?.();
    return warehouse ? await findAndJudge(context, warehouse, { runs: [], expired: true }, "degraded") : nothingToSee;
  });
}

const nothingToSee: Finding = { verdict: "skipped", message: "This environment has no warehouse." };

/** Cleanup: in scope `run` the branches of these runs, otherwise those of runs that have ended; only shown without `execute`. */
export async function cleanUpBranches(context: StageContext, outcome: StageOutcome, runs: readonly string[]): Promise<void> {
  if (!mayHaveBranches(context)) return;
  const { scope = "expired", execute = false } = context.overrides;
  const which = scope === "run" ? { runs, expired: false } : { runs: [], expired: true };
  const check = context.check(id, title, () =>
    failedIfWrongTarget(async () => {
      if (execute) return await dropAndJudge(context, which);
      return await withComparedReaders(context, async ({ warehouse }) =>
        warehouse ? await findAndJudge(context, warehouse, which, "passed") : nothingToSee,
      );
    }),
  );
  outcome.checks.push(await reportCheck(context, check));
}

/** After a stage that was killed: its own branch, if it had made one. */
export async function dropBranchOfKilledRun(context: StageContext): Promise<Check> {
  // The stage's own signal may have ended with it.
  const signal = AbortSignal.timeout(context.config.stages.cleanup.budget);
  const check = await context.check(id, title, () =>
    failedIfWrongTarget(() => dropAndJudge({ ...context, signal }, { runs: [context.runId], expired: false })),
  );
  return { ...check, title: "The run's branch" };
}

interface Asked {
  runs: readonly string[];
  expired: boolean;
}

/** What would be dropped; only reads. */
export async function findBranches(
  context: StageContext,
  warehouse: WarehouseReader,
  { runs, expired }: Asked,
): Promise<{ found: FoundBranch[]; strangers: string[] }> {
  const { formOf } = await import("./branch.ts");
  const { serverTime } = await warehouse.identity();
  const which: Which = {
    runs,
    ...(expired ? { expireAfter: context.config.testData.expireAfter } : {}),
    now: serverTime === undefined ? Date.now() : Date.parse(serverTime),
  };
  return chosen(await listBranches(warehouse, { original: warehouse.catalog, form: formOf(context) }), which);
}

async function findAndJudge(
  context: StageContext,
  warehouse: WarehouseReader,
  asked: Asked,
  verdict: "passed" | "degraded",
): Promise<Finding> {
  const { found, strangers } = await findBranches(context, warehouse, asked);
  return judgeFound(found, strangers, verdict);
}

function judgeFound(found: readonly FoundBranch[], strangers: readonly string[], verdict: "passed" | "degraded"): Finding {
  const observed = `${count(found.length, "branch", "branches")} would be dropped`;
  const notes = strangersSaid(strangers);
  if (found.length === 0) return { verdict: "passed", observed: "0 left", expected, ...(notes ? { message: notes } : {}) };
  const names = listed(found.flatMap(({ parts }) => parts.map(({ name }) => name)));
  const message = `Ended runs left ${names}. \`env-actions cleanup --scope expired --execute\` drops them. ${notes}`.trim();
  return { verdict, observed, expected, message };
}

async function dropAndJudge(context: StageContext, asked: Asked): Promise<Finding> {
  const { sweepBranches } = await import("./branch.ts");
  step(context, "looking for branches of ended runs");
  const { branches, strangers } = await sweepBranches(context, asked);
  return judgeDropped(branches, strangers);
}

function judgeDropped(branches: readonly DroppedBranch[], strangers: readonly string[]): Finding {
  const left = branches.filter(({ gone }) => gone === false);
  const unknown = branches.filter(({ gone }) => gone === undefined);
  const dropped = branches.length - left.length - unknown.length;
  const observed = `${count(dropped, "branch", "branches")} dropped, ${unknown.length > 0 ? "unknown" : left.length} left`;
  const said = [...left, ...unknown].map(({ names, problem }) => `${listed(names)}: ${problem ?? "unknown"}.`);
  const failures = said.length > 0 ? coded("EA5104", said.join(" ")) : "";
  const message = `${failures} ${strangersSaid(strangers)}`.trim();
  const verdict = left.length > 0 ? "failed" : unknown.length > 0 ? "error" : "passed";
  return { verdict, observed, expected, ...(message === "" ? {} : { message }) };
}

function strangersSaid(strangers: readonly string[]): string {
  return strangers.length === 0 ? "" : `Not dropped, because others own them: ${strangers.slice(0, named).join("; ")}.`;
}

function listed(names: readonly string[]): string {
  return [...names.slice(0, named), ...(names.length > named ? [`${names.length - named} more`] : [])].join(", ");
}
