import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { connect, schema, type TestClient } from "./client.ts";
import { call } from "./https.ts";

// If a fault doesn't do what it says, every test that relies on it is worthless.
/** RUNNING_STATE of the protocol. */
const runningState = 1;

let warehouse: Warehouse;
let client: TestClient;

beforeEach(async () => {
  warehouse = await startWarehouse({
    principals: {
      token: { user: "admin@school.test", grants: [], admin: true },
      other: { user: "other@school.test", grants: [] },
    },
  });
  await warehouse.createTables(schema);
  client = await connect(warehouse, "token");
});

afterEach(async () => {
  warehouse.faults.refuse = [];
  warehouse.faults.coldStart = undefined;
  await client.close();
  await warehouse.stop();
});

async function rest(action = "", method = "GET"): Promise<Record<string, unknown>> {
  const path = `/api/2.0/sql/warehouses/${warehouse.warehouseId}${action}`;
  return (await call(warehouse, method, path, { authorization: "Bearer token" })).body;
}

describe("refusals", () => {
  it("answers 429 and 503 as often as set, then no more", async () => {
    warehouse.faults.refuse = [
      { status: 429, times: 1, retryAfter: 1, rpc: "ExecuteStatement" },
      { status: 503, times: 1, rpc: "ExecuteStatement" },
    ];
    await expect(client.rows("SELECT 1")).rejects.toMatchObject({ statusCode: 429 });
    await expect(client.rows("SELECT 1")).rejects.toMatchObject({ statusCode: 503 });
    expect(await client.rows("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });
});

describe("dropped sockets", () => {
  it("before: the statement was not executed", async () => {
    warehouse.faults.dropSockets = [{ times: 1, when: "before", rpc: "ExecuteStatement" }];
    await expect(client.rows("INSERT INTO classroom_sessions (id) VALUES ('a')")).rejects.toThrow(/hang up|ECONNRESET/);
    expect(await client.rows("SELECT count(*) AS n FROM classroom_sessions")).toEqual([{ n: 0n }]);
  });

  it("after: it was executed, and the client cannot know", async () => {
    warehouse.faults.dropSockets = [{ times: 1, when: "after", rpc: "ExecuteStatement" }];
    await expect(client.rows("INSERT INTO classroom_sessions (id) VALUES ('a')")).rejects.toThrow(/hang up|ECONNRESET/);
    expect(await client.rows("SELECT count(*) AS n FROM classroom_sessions")).toEqual([{ n: 1n }]);
  });
});

describe("cold start", () => {
  it("opens a session, rejects statements in every known form, and starts by REST", async () => {
    warehouse.faults.coldStart = { seconds: 3600 };
    expect(await rest()).toMatchObject({ state: "STOPPED" });
    const cold = await connect(warehouse, "token"); // a session opens, which begins to start it
    expect(await rest()).toMatchObject({ state: "STARTING" });
    await expect(cold.rows("SELECT 1")).rejects.toMatchObject({ statusCode: 503 });
    await expect(cold.rows("SELECT 1")).rejects.toMatchObject({ message: expect.stringContaining("is not initialized") });
    await expect(cold.rows("SELECT 1")).rejects.toMatchObject({ statusCode: 400 });
    expect(warehouse.statements).toHaveLength(0);
    warehouse.faults.coldStart = { seconds: 0 };
    expect(await rest()).toMatchObject({ state: "STOPPED" });
    await rest("/start", "POST");
    expect(await rest()).toMatchObject({ state: "RUNNING" });
    expect(await cold.rows("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await cold.close();
  });

  it("never starts if so configured", async () => {
    warehouse.faults.neverWakes = true;
    expect(await rest()).toMatchObject({ state: "STOPPED" });
    await rest("/start", "POST");
    expect(await rest()).toMatchObject({ state: "STARTING" });
    await expect(client.rows("SELECT 1")).rejects.toMatchObject({ statusCode: 503 });
    warehouse.faults.neverWakes = false;
  });

  it("stops by REST", async () => {
    await rest("/stop", "POST");
    expect(await rest()).toMatchObject({ state: "STOPPED", num_clusters: 0 });
    await rest("/start", "POST");
    expect(await rest()).toMatchObject({ state: "RUNNING" });
  });
});

describe("tokens", () => {
  it("expire after a number of statements, each separately", async () => {
    warehouse.faults.tokenExpiresAfterStatements = 2;
    await client.rows("SELECT 1");
    await client.rows("SELECT 2");
    await expect(client.rows("SELECT 3")).rejects.toMatchObject({ statusCode: 403 });
    const other = await connect(warehouse, "other");
    expect(await other.rows("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await other.close();
    warehouse.faults.tokenExpiresAfterStatements = undefined;
  });
});

describe("wrong answers", () => {
  beforeEach(() => warehouse.load("INSERT INTO sessions.classroom_sessions (id) SELECT 'test_' || range FROM range(5)"));

  it("reports a wrong count, but deletes correctly", async () => {
    warehouse.faults.wrongDeleteCount = -2;
    expect(await client.rows("DELETE FROM classroom_sessions")).toEqual([{ num_affected_rows: 3n }]);
    expect(await client.rows("SELECT count(*) AS n FROM classroom_sessions")).toEqual([{ n: 0n }]);
  });

  it("restores rows, once, as another writer's version", async () => {
    warehouse.faults.reappearingRows = 2;
    expect(await client.rows("DELETE FROM classroom_sessions")).toEqual([{ num_affected_rows: 5n }]);
    expect(await client.rows("SELECT count(*) AS n FROM classroom_sessions")).toEqual([{ n: 2n }]);
    expect((await client.rows("DESCRIBE HISTORY classroom_sessions"))[0]).toMatchObject({ userName: "another-writer" });
    expect(await client.rows("SELECT count(*) AS n FROM classroom_sessions VERSION AS OF 2")).toEqual([{ n: 0n }]);
    await client.rows("DELETE FROM classroom_sessions");
    expect(await client.rows("SELECT count(*) AS n FROM classroom_sessions")).toEqual([{ n: 0n }]);
  });
});

describe("slow operations", () => {
  it("can be cancelled, and then change nothing", async () => {
    await warehouse.load("INSERT INTO sessions.classroom_sessions (id) VALUES ('a')");
    warehouse.faults.slowOperation = { seconds: 3600, matching: "DELETE" };
    warehouse.faults.directResultsMs = 0;
    const operation = await client.session.executeStatement("DELETE FROM classroom_sessions");
    await operation.cancel();
    await expect(operation.finished()).rejects.toThrow();
    expect(await client.rows("SELECT count(*) AS n FROM classroom_sessions")).toEqual([{ n: 1n }]);
    expect(warehouse.statements[0]).toMatchObject({
      sql: "DELETE FROM classroom_sessions",
      ok: false,
      error: expect.stringContaining("canceled"),
    });
  });

  it("end after STATEMENT_TIMEOUT", async () => {
    warehouse.faults.slowOperation = { seconds: 3600, matching: "slow" };
    await client.rows("SET STATEMENT_TIMEOUT = 1");
    expect((await client.failure("SELECT 'slow'")).message).toContain("STATEMENT_TIMEOUT");
  });

  it("are interrupted during the work", async () => {
    await client.rows("SET STATEMENT_TIMEOUT = 1");
    await warehouse.load("INSERT INTO users.teachers (id) SELECT 't' || range FROM range(20000)");
    const heavy =
      "SELECT count(*) FROM users.teachers a CROSS JOIN users.teachers b CROSS JOIN users.teachers c WHERE a.id || b.id > c.id";
    expect((await client.failure(heavy)).message).toContain("STATEMENT_TIMEOUT");
    expect(await client.rows("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });
});

describe("latency", () => {
  it("delays every statement", async () => {
    warehouse.faults.latencyMs = 3_600_000;
    warehouse.faults.directResultsMs = 0;
    const operation = await client.session.executeStatement("SELECT 1");
    expect((await operation.status()).operationState).toBe(runningState);
    await operation.cancel();
  });
});

describe("the record", () => {
  it("lists every statement with its user and outcome", async () => {
    await client.rows("SELECT 1");
    await client.failure("SELECT nothing FROM classroom_sessions");
    expect(warehouse.statements).toMatchObject([
      { user: "admin@school.test", token: "token", sql: "SELECT 1", ok: true },
      { sql: "SELECT nothing FROM classroom_sessions", ok: false, error: expect.stringContaining("UNRESOLVED_COLUMN") },
    ]);
  });
});
