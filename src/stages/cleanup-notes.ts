import type { CleanupResult } from "../model.ts";
import type { CleanupPlan, CleanupRequest } from "../testdata/cleanup.ts";
import type { StageContext } from "./context.ts";

/** What a cleanup plans, and what of it remains, told before anything is deleted: then a stage that is killed has said it. */
export async function tellPlan(
  context: StageContext,
  request: CleanupRequest,
  plan: CleanupPlan,
  execute: boolean,
): Promise<void> {
  const { ledger, scope } = request;
  if (scope === "run")
    await context.audit({
      action: "decision",
      details: { what: "created" },
      counts: { ...Object.fromEntries([...ledger.rows].map(([table, ids]) => [table, ids.size])), keys: ledger.keys.size },
    });
  const tables = (plan.rows?.levels.flat() ?? []).map(({ table, rows }) => ({ table, rows }));
  const keys = plan.keys?.keys.size ?? 0;
  await context.audit({
    action: "decision",
    details: { what: "plan", scope, digest: plan.digest, execute },
    counts: { ...Object.fromEntries(tables.map(({ table, rows }) => [table, rows])), keys },
  });
  if (execute) context.onProgress({ kind: "remaining", stage: context.stage, tables, keys });
}

/** What was deleted and what is left. */
export async function tellResult(context: StageContext, result: CleanupResult): Promise<void> {
  const { tables, keys } = result;
  const left = tables.map((table) => ({ table: table.table, rows: table.left ?? table.planned - (table.deleted ?? 0) }));
  const keysLeft = keys.left ?? keys.planned - (keys.deleted ?? 0);
  context.onProgress({
    kind: "remaining",
    stage: context.stage,
    tables: left.filter(({ rows }) => rows > 0),
    keys: Math.max(0, keysLeft),
  });
  for (const { table, statement, planned, deleted, versionBefore, versionAfter, problem } of tables) {
    // A plan that must not run sends no statement.
    if (deleted === undefined && problem === undefined) continue;
    await context.audit({
      action: "statement",
      details: {
        what: "delete",
        table,
        statement,
        versionBefore: versionBefore ?? null,
        versionAfter: versionAfter ?? null,
        ...(problem === undefined ? {} : { problem }),
      },
      counts: { planned, ...(deleted === undefined ? {} : { deleted }) },
    });
  }
  if (keys.deleted !== undefined || keys.problem !== undefined)
    await context.audit({
      action: "statement",
      details: { what: "unlink", ...(keys.problem === undefined ? {} : { problem: keys.problem }) },
      counts: { planned: keys.planned, ...(keys.deleted === undefined ? {} : { deleted: keys.deleted }) },
    });
  await context.audit({
    action: "decision",
    details: { what: "verified", leftOver: result.leftOver ?? "unknown" },
    counts: { ...Object.fromEntries(left.map(({ table, rows }) => [table, rows])), keys: Math.max(0, keysLeft) },
  });
}
