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

/** Begins these writes one by one, before the first of them can commit. */
async function atTheSameTime(...writes: (() => Promise<Row[]>)[]): Promise<PromiseSettledResult<Row[]>[]> {
  const { promise: until, resolve: release } = Promise.withResolvers<void>();
  const held = { until, begun: 0 };
  warehouse.faults.heldWrites = held;
  const running: Promise<Row[]>[] = [];
  try {
    for (const write of writes) {
      running.push(write());
      await vi.waitFor(() => expect(held.begun).toBe(running.length), { interval: 1, timeout: 30_000 });
    }
  } finally {
    warehouse.faults.heldWrites = undefined;
    release();
  }
  return await Promise.allSettled(running);
}

describe("two writers at the same time", () => {
  /** Runs `second` while `first` is running. */
  async function race(first: string, second: string): Promise<PromiseSettledResult<Row[]>[]> {
    const other = await connect(warehouse, "token", { initialCatalog: "classwaves", initialSchema: "default" });
    const both = await atTheSameTime(
      () => client.rows(first),
      () => other.rows(second),
    );
    await other.close();
    return both;
  }

  it("run one after the other by default", async () => {
    const results = await race("DELETE FROM t WHERE id = 'a'", "DELETE FROM t WHERE id = 'b'");
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
  });

  it("conflict if so set and the second read what the first changed", async () => {
    warehouse.faults.optimisticWrites = true;
    const [first, second] = await race("DELETE FROM t WHERE id = 'a'", "DELETE FROM t WHERE id = 'b'");
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
    const added = await race("DELETE FROM t WHERE id = 'a'", "INSERT INTO t VALUES ('d', 4)");
    const deleted = await race("INSERT INTO t SELECT 'e', 5", "DELETE FROM t WHERE id = 'b'");
    expect([...added, ...deleted].map(({ status }) => status)).toEqual(Array(4).fill("fulfilled"));
    const [, undo] = await race("DELETE FROM t WHERE id = 'c'", "INSERT INTO t SELECT * FROM t");
    expect(undo).toMatchObject({ status: "rejected", reason: { response: { sqlState: "2D521" } } });
  });
});

it("refuses a write whose table was altered while it waited", async () => {
  const other = await connect(warehouse, "token", { initialCatalog: "classwaves", initialSchema: "default" });
  const third = await connect(warehouse, "token", { initialCatalog: "classwaves", initialSchema: "default" });
  const [first, altered, last] = await atTheSameTime(
    () => client.rows("UPDATE t SET n = 9"),
    () => other.rows("ALTER TABLE t ADD COLUMN z INT FIRST"),
    () => third.rows("INSERT INTO t VALUES ('d', 4)"),
  );
  expect([first?.status, altered?.status]).toEqual(["fulfilled", "fulfilled"]);
  expect(last).toMatchObject({
    status: "rejected",
    reason: {
      response: { sqlState: "2D521" },
      message: expect.stringContaining(
        "[DELTA_METADATA_CHANGED] MetadataChangedException: The metadata of the Delta table classwaves.default.t",
      ),
    },
  });
  await Promise.all([other.close(), third.close()]);
});
