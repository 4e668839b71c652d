import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Warehouse } from "../../local/warehouse/index.ts";
import { ownWarehouse, type TestClient } from "./client.ts";

// What real Spark 4.2 with Delta 4.4 answered to the same statements.
let warehouse: Warehouse;
let client: TestClient;
let count = 0;
let table = "";

const own = ownWarehouse();
beforeAll(() => {
  ({ warehouse, client } = own);
});

beforeEach(async () => {
  table = `t${count++}`;
  await client.rows(`CREATE TABLE ${table} (id STRING, n INT)`);
  await client.rows(`INSERT INTO ${table} VALUES ('a', 1), ('b', 2), ('c', 3), ('c', 4)`);
});

const ids = async (): Promise<unknown[]> => (await client.rows(`SELECT id FROM ${table} ORDER BY id, n`)).map(({ id }) => id);
const p = { namedParameters: { p: '["a","c","nobody"]' } };

describe("a subquery in a condition", () => {
  it("is refused as in Delta without Databricks if so set, and nothing is deleted", async () => {
    warehouse.faults.refusesSubqueriesInDelete = true;
    for (const [statement, condition] of [
      [`DELETE FROM ${table} WHERE id IN (SELECT explode(from_json('["a"]', 'array<string>')))`, "(id IN (listquery()))"],
      [`DELETE FROM ${table} WHERE n > 0 AND EXISTS (SELECT 1)`, "((n > 0) AND exists())"],
      [`DELETE FROM ${table} WHERE n = (SELECT max(n) FROM ${table})`, "(n = scalarsubquery())"],
    ] as const)
      expect(await client.failure(statement)).toMatchObject({
        sqlState: "0AKDC",
        message: expect.stringContaining(
          `[DELTA_UNSUPPORTED_SUBQUERY] Subqueries are not supported in the DELETE (condition = ${condition}).`,
        ),
      });
    expect((await client.failure(`UPDATE ${table} SET n = 0 WHERE id IN (SELECT 'a')`)).message).toContain("in the UPDATE");
    expect(await ids()).toEqual(["a", "b", "c", "c"]);
    expect(await client.rows(`DELETE FROM ${table} WHERE id IN ('a')`)).toEqual([{ num_affected_rows: 1n }]);
    warehouse.faults.refusesSubqueriesInDelete = false;
    expect(await client.rows(`DELETE FROM ${table} WHERE id IN (SELECT 'b')`)).toEqual([{ num_affected_rows: 1n }]);
  });
});

describe("MERGE … WHEN MATCHED THEN DELETE", () => {
  const keys = "(SELECT explode(from_json(:p, 'array<string>')) AS k)";

  it("deletes the rows that a query names, also where subqueries in DELETE are refused", async () => {
    warehouse.faults.refusesSubqueriesInDelete = true;
    expect(await client.rows(`MERGE INTO ${table} AS t USING ${keys} AS s ON t.id = s.k WHEN MATCHED THEN DELETE`, p)).toEqual([
      { num_affected_rows: 3n, num_updated_rows: 0n, num_deleted_rows: 3n, num_inserted_rows: 0n },
    ]);
    warehouse.faults.refusesSubqueriesInDelete = false;
    expect(await ids()).toEqual(["b"]);
    expect((await client.rows(`DESCRIBE HISTORY ${table} LIMIT 1`))[0]).toMatchObject({
      version: 2n,
      operation: "MERGE",
      operationMetrics: { numTargetRowsDeleted: "3", numTargetRowsInserted: "0", numTargetRowsUpdated: "0" },
      operationParameters: { predicate: '["(id = k)"]', matchedPredicates: '[{"actionType":"delete"}]' },
    });
    expect(await client.rows(`SELECT count(*) AS n FROM ${table} VERSION AS OF 1`)).toEqual([{ n: 4n }]);
    await client.rows(`INSERT INTO ${table} BY NAME SELECT * FROM ${table} VERSION AS OF 1 WHERE id <> 'b'`);
    expect(await ids()).toEqual(["a", "b", "c", "c"]);
  });

  it("counts a row once that the query names twice, and makes no version if none matches", async () => {
    const twice = "(SELECT 'b' AS k UNION ALL SELECT 'b')";
    expect(await client.rows(`MERGE INTO ${table} USING ${twice} s ON ${table}.id = s.k WHEN MATCHED THEN DELETE`)).toMatchObject(
      [{ num_deleted_rows: 1n }],
    );
    expect(
      await client.rows(`MERGE INTO ${table} USING (SELECT 'zzz' AS k) s ON id = k WHEN MATCHED THEN DELETE;`),
    ).toMatchObject([{ num_affected_rows: 0n }]);
    expect(await client.rows(`DESCRIBE HISTORY ${table}`)).toHaveLength(3);
  });

  it("suffers the faults of deletions", async () => {
    warehouse.faults.wrongDeleteCount = 1;
    warehouse.faults.reappearingRows = 1;
    expect(await client.rows(`MERGE INTO ${table} t USING ${keys} s ON t.id = s.k WHEN MATCHED THEN DELETE`, p)).toMatchObject([
      { num_affected_rows: 4n },
    ]);
    warehouse.faults.wrongDeleteCount = 0;
    expect(await ids()).toHaveLength(2);
  });

  it("refuses ambiguous columns and every other form", async () => {
    expect(
      await client.failure(`MERGE INTO ${table} t USING (SELECT 'a' AS id) s ON id = s.id WHEN MATCHED THEN DELETE`),
    ).toMatchObject({ sqlState: "42704", message: expect.stringContaining("[AMBIGUOUS_REFERENCE]") });
    for (const rest of [
      "WHEN MATCHED AND t.n > 1 THEN DELETE",
      "WHEN MATCHED THEN UPDATE SET n = 1",
      "WHEN NOT MATCHED THEN INSERT *",
      "WHEN MATCHED THEN DELETE WHEN NOT MATCHED BY SOURCE THEN DELETE",
    ])
      expect(await client.failure(`MERGE INTO ${table} t USING ${keys} s ON t.id = s.k ${rest}`, p)).toMatchObject({
        sqlState: "0A000",
      });
    expect(await ids()).toHaveLength(4);
  });
});
