import { afterAll, beforeAll, expect, it } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { readStructure } from "../../src/staging/structure/read.ts";
import type { WarehouseReader } from "../../src/warehouse/access.ts";
import type { Row } from "../../src/warehouse/connection.ts";
import { now, openAs } from "./read.ts";

// How often reading a structure waits for the warehouse: statements that are sent together are one round.

const sizes = { few: 8, many: 48 };

let warehouse: Warehouse;
beforeAll(async () => {
  warehouse = await startWarehouse({
    principals: { mirror: { user: "mirror@school.test", grants: [], owns: ["classwaves", ...Object.keys(sizes)] } },
  });
  for (const [catalog, tables] of Object.entries(sizes))
    await warehouse.createTables(
      Object.fromEntries(
        Array.from({ length: tables }, (_, at) => [`${catalog}.school.table_${at}`, { columns: { id: "string", level: "int" } }]),
      ),
    );
});
afterAll(() => warehouse.stop());

/** Answers a round only when everything has been sent that doesn't wait for it. */
async function roundsOf(
  catalog: string,
  protocol: Record<string, string>,
): Promise<{ rounds: number; most: number; statements: number }> {
  const reader = await openAs(warehouse, "mirror");
  const found = { rounds: 0, most: 0, statements: 0 };
  /** Each sends a statement, and returns what hands its answer over. */
  let waiting: (() => Promise<() => void>)[] = [];
  const round = async (): Promise<void> => {
    const sent = waiting;
    waiting = [];
    found.rounds++;
    found.most = Math.max(found.most, sent.length);
    found.statements += sent.length;
    for (const answer of await Promise.all(sent.map((send) => send()))) answer();
  };
  const inRounds: WarehouseReader = {
    ...reader,
    query: (statement, parameters) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) setImmediate(() => void round());
        waiting.push(() =>
          reader.query(statement, parameters).then(
            (rows) => () => resolve(rows.map((row) => withProtocol(row, protocol))),
            (error: unknown) => () => reject(error),
          ),
        );
      }),
  };
  await readStructure(inRounds, catalog, now);
  await reader.close();
  return found;
}

/** On Databricks the protocol of a Delta table is among its properties. */
function withProtocol(row: Row, protocol: Record<string, string>): Row {
  if (typeof row.json_metadata !== "string") return row;
  const { table_properties = {}, ...table } = JSON.parse(row.json_metadata) as { table_properties?: object };
  return { json_metadata: JSON.stringify({ ...table, table_properties: { ...table_properties, ...protocol } }) };
}

it("needs one round more for each eight tables, and never has more than nine statements at once", async () => {
  const protocol = { "delta.minReaderVersion": "1", "delta.minWriterVersion": "2" };
  const [few, many] = [await roundsOf("few", protocol), await roundsOf("many", protocol)];
  expect(many.statements - few.statements).toBe(40);
  expect(many.rounds - few.rounds).toBeLessThanOrEqual(40 / 8);
  expect(few.rounds).toBeLessThanOrEqual(6);
  // Eight, and the question about the metastore's owner.
  expect(many.most).toBeLessThanOrEqual(9);
});

it("asks a second time about tables whose protocol allows generated columns", async () => {
  const protocol = { "delta.minWriterVersion": "7", "delta.feature.generatedColumns": "supported" };
  const [plain, generated] = [await roundsOf("few", { "delta.minWriterVersion": "7" }), await roundsOf("few", protocol)];
  expect(generated.statements - plain.statements).toBe(8);
});
