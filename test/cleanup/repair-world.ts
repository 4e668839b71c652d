import type { WritingPorts } from "../../src/cleanup/execute/execute.ts";
import { describePlan } from "../../src/cleanup/plan/describe-plan.ts";
import { planCleanup, planRows, rowRequest } from "../../src/cleanup/plan/plan-cleanup.ts";
import { touchedResult, touchedRowsWithOldValues } from "../../src/cleanup/touched/touched-rows.ts";
import { executeRepair } from "../../src/cleanup/undo/repair.ts";
import { planRepair, type RepairPlan, type RepairResult } from "../../src/cleanup/undo/repair-plan.ts";
import type { Table } from "../../src/config/schema.ts";
import type { StageReport } from "../../src/model/report.ts";
import type { TouchedRow } from "../../src/model/test-data.ts";
import { type Catalog, requestFor, runId, table } from "./test-stores.ts";

/** Schools and teachers, some of them real: what a run's tests may move, and what repair must restore. */

export const mySchool = `integration_test_${runId}_school`;
export const otherSchool = `integration_test_${runId}_other`;

export const tables: Record<string, Table> = {
  "users.schools": table({
    match: [
      { column: "id", prefix: true },
      { column: "name", prefix: true },
    ],
  }),
  "users.teachers": table({ parents: { school_id: { belongsTo: "users.schools" }, second_id: { belongsTo: "users.schools" } } }),
};

export const definitions = (keyType: string) => ({
  "users.schools": { columns: { id: keyType, name: "string" } },
  "users.teachers": { columns: { id: keyType, school_id: keyType, second_id: keyType, note: "string" } },
});

export function cell(id: string, now = mySchool, column = "school_id"): TouchedRow {
  return { table: "users.teachers", key: { column: "id", value: id }, column, now };
}

type Report = Pick<StageReport, "runId" | "environment" | "cleanup">;

/** A dry run's report with these cells and their old values from the history. */
export async function reportOf(school: Catalog, touched: TouchedRow[], declared = tables): Promise<Report> {
  const request = requestFor(declared);
  const rows = await planRows(school.warehouse, rowRequest(request));
  const found = await touchedRowsWithOldValues(
    school.warehouse,
    { ...rows, touched },
    { tables: declared, prefixes: request.testData.prefixes, keep: {} },
  );
  const cleanup = describePlan(await planCleanup({ ...school.ports(), redis: undefined } as never, request), true);
  return {
    runId,
    environment: { name: "sandbox", access: "test-data" },
    cleanup: { ...cleanup, ...touchedResult(found, declared) },
  };
}

export async function plan(school: Catalog, report: Report, declared = tables, changes = {}): Promise<RepairPlan> {
  const { testData, now } = requestFor(declared);
  return await planRepair(school.warehouse, { report, tables: declared, testData: { ...testData, ...changes }, now });
}

export async function repair(school: Catalog, report: Report, changes: Partial<WritingPorts> = {}): Promise<RepairResult> {
  const { warehouse = school.warehouse, environment, audit } = school.ports(changes);
  return await executeRepair({ warehouse, environment, audit }, await plan(school, report));
}
