import { proveWarehouse } from "../cleanup/execute/proof.ts";
import { readLedger } from "../cleanup/ledger/ledger.ts";
import { executeRepair } from "../cleanup/undo/repair.ts";
import { planRepair, type RepairPlan, type RepairResult } from "../cleanup/undo/repair-plan.ts";
import { UserError } from "../model/user-error.ts";
import { ledgerFile, runPrefixes } from "../stages/child-environment.ts";
import { withComparedReaders, withWriters } from "../stages/connections.ts";
import { fromReport, type ReportRequest } from "./from-report.ts";

export interface RepairAsked extends ReportRequest {
  /** The digest of the plan that was shown; required to write. */
  planDigest?: string;
}

/**
 * Restores old values in real rows that a test changed. The stage's report names the rows, and the tables' history has the
 * values.
 * @throws UserError before anything is sent; WrongTarget before anything is written; WarehouseFailure
 */
export async function performRepair(request: RepairAsked): Promise<RepairResult> {
  const { execute, planDigest, reportFile } = request;
  if (execute && planDigest === undefined)
    throw new UserError(
      "EA1105",
      "repair --execute requires the digest of a plan that you have seen: run repair without --execute, read the plan, and add --plan-digest DIGEST",
    );
  const { report, context, commit, record } = await fromReport(request, ({ cleanup }) => {
    if (!cleanup?.touched?.length)
      throw new UserError("EA7003", `${reportFile} names no real row that a test changed: there is nothing to repair`);
  });
  const { tables, config, environment, audit } = context;
  const asked = {
    report,
    tables,
    testData: { ...config.testData, prefixes: runPrefixes(config) },
    ledger: await readLedger(ledgerFile(context)),
    now: Date.now(),
  };
  const decided = (plan: RepairPlan, writes: boolean) =>
    audit({
      action: "decision",
      details: {
        what: "repair-plan",
        report: reportFile,
        digest: plan.result.digest,
        execute: writes,
        commit: commit.headSha ?? commit.sha,
      },
      counts: countsOf(plan),
    });
  if (!execute)
    return await withComparedReaders(context, async ({ warehouse }) => {
      if (!warehouse) throw new Error("no warehouse was opened");
      proveWarehouse(environment, await warehouse.identity());
      const plan = await planRepair(warehouse, asked);
      await decided(plan, false);
      return await record(plan.result, "repair.json");
    });
  return await withWriters(context, context.signal, async ({ warehouse }) => {
    if (!warehouse) throw new Error("no warehouse was opened");
    proveWarehouse(environment, await warehouse.identity());
    const plan = await planRepair(warehouse, asked);
    // With nothing to write, no digest has to match: a second repair reports that it is done.
    const writes = plan.cells.length === 0 || plan.result.digest === planDigest;
    await decided(plan, writes);
    if (plan.cells.length === 0 && plan.result.digest !== planDigest)
      plan.result.notes.push("nothing is left to restore: the digest belongs to an earlier plan");
    if (writes) return await record(await executeRepair({ warehouse, environment, audit }, plan), "repair.json");
    plan.result.problems.push(
      `the plan has changed since it was shown: its digest is now ${plan.result.digest}. Nothing was written; read the new plan and pass its digest`,
    );
    return await record(plan.result, "repair.json");
  });
}

/** `schema.table` → number of cells to write. */
function countsOf({ cells }: RepairPlan): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(cells, ({ table }) => table)].map(([table, some]) => [table, some.length]));
}
