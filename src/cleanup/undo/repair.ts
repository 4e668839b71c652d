import type { Environment } from "../../config/schema.ts";
import { count } from "../../lib/count.ts";
import { errorText } from "../../lib/error-text.ts";
import { inParallel } from "../../lib/in-parallel.ts";
import type { AuditEvent } from "../../model/audit-event.ts";
import type { TestDataWarehouse } from "../../warehouse/access.ts";
import { mostKeysWritten } from "../../warehouse/writes.ts";
import { proveWarehouse } from "../execute/proof.ts";
import { askVersions } from "../touched/touched-rows.ts";
import type { RepairCell, RepairPlan, RepairResult } from "./repair-plan.ts";

export interface RepairPorts {
  warehouse: TestDataWarehouse;
  environment: Environment;
  /** Never rejects: an audit line that cannot be written doesn't stop the repair. */
  audit: (note: AuditEvent) => Promise<void>;
}

/** Tables written to at the same time. The updates of one table run one after another, because they would conflict. */
const tablesAtOnce = 8;

/**
 * Writes exactly the planned values back, then reads each cell again. That value counts, whatever the answer to the update was. A
 * failure never stops the rest.
 * @throws WrongTarget before the first write
 */
export async function executeRepair(ports: RepairPorts, plan: RepairPlan): Promise<RepairResult> {
  proveWarehouse(ports.environment, await ports.warehouse.identity());
  const result: RepairResult = { ...plan.result, dryRun: false };
  const tables = [...Map.groupBy(plan.cells, ({ table }) => table).values()];
  await inParallel(tablesAtOnce, tables, async (cells) => {
    for (const batch of batchesOf(cells)) await write(ports, batch, result);
  });
  return result;
}

/** What one update can write: the same value into the same column, replacing the same value. */
function batchesOf(cells: readonly RepairCell[]): RepairCell[][] {
  const alike = Map.groupBy(cells, ({ column, now, before }) => JSON.stringify([column, now, before]));
  return [...alike.values()].flatMap((all) =>
    Array.from({ length: Math.ceil(all.length / mostKeysWritten) }, (_, index) =>
      all.slice(index * mostKeysWritten, (index + 1) * mostKeysWritten),
    ),
  );
}

async function write({ warehouse, audit }: RepairPorts, batch: readonly RepairCell[], result: RepairResult): Promise<void> {
  const [first] = batch as [RepairCell];
  const { table, column } = first;
  let problem: string | undefined;
  try {
    const written = await send(warehouse, batch);
    if (written !== undefined && written > batch.length)
      result.problems.push(
        `${table}.${column}: ${count(batch.length, "row was", "rows were")} planned, but ${count(written, "was", "were")} written: a key is not unique any more`,
      );
  } catch (error) {
    problem = errorText(error);
  }
  await verify(warehouse, batch, problem);
  const repaired = batch.filter(({ row }) => row.state === "repaired").length;
  const failed = batch.find(({ row }) => row.problem !== undefined)?.row.problem;
  await audit({
    action: "statement",
    details: { what: "repair", table, column, ...(failed === undefined ? {} : { problem: failed }) },
    counts: { planned: batch.length, repaired },
  });
}

async function send(warehouse: TestDataWarehouse, batch: readonly RepairCell[]): Promise<number | undefined> {
  const [{ table, key, column, type, now, before }] = batch as [RepairCell];
  const keys = batch.map((cell) => cell.key.value);
  return await warehouse.writeCells({ table, key: key.column, keys, column, type, now, value: before });
}

async function verify(warehouse: TestDataWarehouse, batch: readonly RepairCell[], problem: string | undefined): Promise<void> {
  const [{ table, key, column }] = batch as [RepairCell];
  const fail = ({ row }: RepairCell, why: string) => {
    row.state = "failed";
    row.problem = why;
  };
  try {
    const keys = batch.map((cell) => cell.key.value);
    const [answer] = await askVersions(warehouse, [{ table, key: key.column, keys, columns: [column] }]);
    if (answer === undefined || "why" in answer) throw new Error(answer?.why ?? "no answer");
    for (const cell of batch) {
      const there = answer.found.get(cell.key.value);
      const value = there?.values.get(column) ?? null;
      if (there?.rows !== 1) fail(cell, there ? `${there.rows} rows have this key now` : "the row no longer exists");
      else if (value === cell.before) cell.row.state = "repaired";
      else if (value !== cell.now) cell.row.state = "written-since";
      else fail(cell, problem ?? "the warehouse reported no error, but the column still has the value of the test");
    }
  } catch (error) {
    const why = `${problem ?? "the update was sent"}; it could not be read whether the old value is back: ${errorText(error)}. Run repair without --execute to check`;
    for (const cell of batch) fail(cell, why);
  }
}
