import { dependencyLevels } from "../cleanup/tables/catalog.ts";
import { executeUndo, planUndo, type UndoResult } from "../cleanup/undo/restore-rows.ts";
import { UserError } from "../model/user-error.ts";
import { withComparedReaders, withWriters } from "../stages/connections.ts";
import { fromReport, type ReportRequest } from "./from-report.ts";

/**
 * Restores rows that a stage's cleanup deleted. The report names them, and the tables' history has them.
 * @throws UserError before anything is sent; WarehouseFailure; WrongTarget before anything is written
 */
export async function performUndo(request: ReportRequest): Promise<UndoResult> {
  const { report, context, commit, record } = await fromReport(request, ({ cleanup }) => {
    if (!cleanup || cleanup.dryRun)
      throw new UserError(
        "EA7003",
        `${request.reportFile} is the report of a stage that deleted nothing: there is nothing to undo`,
      );
  });
  const { tables, config, environment, audit } = context;
  const asked = { report, tables, protectedTables: config.testData.protectedTables };
  const result = request.execute
    ? await withWriters(context, context.signal, async ({ warehouse }) => {
        if (!warehouse) throw new Error("no warehouse was opened");
        const plan = await planUndo(warehouse, asked);
        const planned = plan.result.tables.map(({ table, restorable }) => [table, restorable] as const);
        await audit({
          action: "decision",
          details: { what: "undo", report: request.reportFile, commit: commit.headSha ?? commit.sha },
          counts: Object.fromEntries(planned),
        });
        const order = new Map(dependencyLevels(tables).flatMap((level, index) => level.map((name) => [name, index] as const)));
        return await executeUndo({ warehouse, environment, audit }, plan, order);
      })
    : await withComparedReaders(context, async ({ warehouse }) => {
        if (!warehouse) throw new Error("no warehouse was opened");
        return (await planUndo(warehouse, asked)).result;
      });
  return await record(result, "undo.json");
}
