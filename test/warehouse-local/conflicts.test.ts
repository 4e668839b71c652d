import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { connect, type Row, type TestClient } from "./client.ts";

let warehouse: Warehouse;
let client: TestClient;

beforeEach(async () => {
  warehouse = await startWarehouse({ principals: { token: { user: "admin@school.test", grants: [], admin: true } } });
  client = await connect(warehouse, "token", { initialCatalog: "classwaves", initialSchema: "default" });
  await client.rows("CREATE TABLE t (id STRING, n INT)");
  await client.rows("INSERT INTO t VALUES ('a', 1), ('b', 2), ('c', 3)");
});

afterEach(async () => {
  await client.close();
  await warehouse.stop();
});

const message = (operation: string, version: number): RegExp =>
  new RegExp(
    `^\\[DELTA_CONCURRENT_APPEND.WITHOUT_HINT\\] Transaction conflict detected. a concurrent ${operation} added data to table classwaves.default.t committed at version ${version}. `,
  );

describe("conflictingWrites", () => {
  it("refuses the next writes, which change nothing, and then no more", async () => {
    const before = await warehouse.checksum();
    warehouse.faults.conflictingWrites = 3;
    for (const statement of ["DELETE FROM t WHERE id = 'a'", "UPDATE t SET n = 0", "INSERT INTO t VALUES ('d', 4)"])
      expect(await client.failure(statement)).toMatchObject({
        sqlState: "2D521",
        message: expect.stringMatching(message("WRITE", 2)),
      });
    expect(await warehouse.checksum()).toEqual(before);
    expect(await client.rows("DESCRIBE HISTORY t")).toHaveLength(2);
    expect(await client.rows("DELETE FROM t WHERE id = 'a'")).toEqual([{ num_affected_rows: 1n }]);
  });

  it("doesn't concern a statement that writes nothing, or one that fails by itself", async () => {
    warehouse.faults.conflictingWrites = 1;
    expect(await client.rows("DELETE FROM t WHERE id = 'nobody'")).toEqual([{ num_affected_rows: 0n }]);
    expect((await client.failure("UPDATE t SET n = CAST(id AS INT)")).sqlState).toBe("22018");
    await client.rows("SELECT * FROM t");
    expect(warehouse.faults.conflictingWrites).toBe(1);
    expect((await client.failure("DELETE FROM t")).sqlState).toBe("2D521");
  });
});

describe("two writers at the same time", () => {
  /** Runs `second` while `first`, which is slow, is running. */
  async function race(first: string, second: string): Promise<PromiseSettledResult<Row[]>[]> {
    const other = await connect(warehouse, "token", { initialCatalog: "classwaves", initialSchema: "default" });
    const one = client.rows(first);
    await vi.waitFor(() => expect(warehouse.statements.at(-1)?.sql).toBe(first), { interval: 1 });
    const both = await Promise.allSettled([one, other.rows(second)]);
    await other.close();
    return both;
  }
  const long = "(SELECT count(*) FROM numbers x CROSS JOIN numbers y WHERE concat(x.id, y.id) > 'z') >= 0";

  beforeEach(async () => {
    await warehouse.createTables({ "classwaves.default.numbers": { columns: { id: "string" } } });
    await warehouse.load(`INSERT INTO "default".numbers SELECT 'x' || range FROM range(4000)`);
  });

  it("run one after the other by default", async () => {
    const results = await race(`DELETE FROM t WHERE id = 'a' AND ${long}`, "DELETE FROM t WHERE id = 'b'");
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
  });

  it("conflict if so set and the second read what the first changed", async () => {
    warehouse.faults.optimisticWrites = true;
    const [first, second] = await race(`DELETE FROM t WHERE id = 'a' AND ${long}`, "DELETE FROM t WHERE id = 'b'");
    expect(first).toMatchObject({ status: "fulfilled", value: [{ num_affected_rows: 1n }] });
    expect(second).toMatchObject({
      status: "rejected",
      reason: { response: { sqlState: "2D521" }, message: expect.stringMatching(message("DELETE", 2)) },
    });
    expect(await client.rows("SELECT id FROM t ORDER BY id")).toEqual([{ id: "b" }, { id: "c" }]);
    await client.rows("DELETE FROM t WHERE id = 'b'"); // later, it runs
  });

  it("don't conflict if the second only adds rows of its own, or the first did", async () => {
    warehouse.faults.optimisticWrites = true;
    const added = await race(`DELETE FROM t WHERE id = 'a' AND ${long}`, "INSERT INTO t VALUES ('d', 4)");
    const deleted = await race(`INSERT INTO t SELECT 'e', 5 WHERE ${long}`, "DELETE FROM t WHERE id = 'b'");
    expect([...added, ...deleted].map(({ status }) => status)).toEqual(Array(4).fill("fulfilled"));
    const [, undo] = await race(`DELETE FROM t WHERE id = 'c' AND ${long}`, "INSERT INTO t SELECT * FROM t");
    expect(undo).toMatchObject({ status: "rejected", reason: { response: { sqlState: "2D521" } } });
  });
});

it("refuses a write whose table was altered while it waited", async () => {
  const other = await connect(warehouse, "token", { initialCatalog: "classwaves", initialSchema: "default" });
  await warehouse.createTables({ "classwaves.default.numbers": { columns: { id: "string" } } });
  await warehouse.load(`INSERT INTO "default".numbers SELECT 'x' || range FROM range(4000)`);
  const slow = `UPDATE t SET n = 9 WHERE (SELECT count(*) FROM numbers x CROSS JOIN numbers y WHERE concat(x.id, y.id) > 'z') >= 0`;
  const one = client.rows(slow);
  await vi.waitFor(() => expect(warehouse.statements.at(-1)?.sql).toBe(slow), { interval: 1 });
  const alter = other.rows("ALTER TABLE t ADD COLUMN z INT FIRST");
  const third = await connect(warehouse, "token", { initialCatalog: "classwaves", initialSchema: "default" });
  await vi.waitFor(() => expect(warehouse.statements.at(-1)?.sql).toContain("ALTER"), { interval: 1 });
  expect(await third.failure("INSERT INTO t VALUES ('d', 4)")).toMatchObject({
    sqlState: "2D521",
    message: expect.stringContaining(
      "[DELTA_METADATA_CHANGED] MetadataChangedException: The metadata of the Delta table classwaves.default.t",
    ),
  });
  await Promise.all([one, alter]);
  await Promise.all([other.close(), third.close()]);
});
