import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { connect, schema, type TestClient } from "./client.ts";

// Undo relies on exact older versions. They are not stored as copies but computed from the changes, which is easy to get wrong
// for rows that are equal, come back, or change twice.
let warehouse: Warehouse;
let client: TestClient;

beforeEach(async () => {
  warehouse = await startWarehouse({ principals: { token: { user: "admin@school.test", grants: [], admin: true } } });
  await warehouse.createTables(schema);
  client = await connect(warehouse, "token");
});

afterEach(async () => {
  await client.close();
  await warehouse.stop();
});

const id = fc.constantFrom("a", "b", "c");
const change = fc.oneof(
  fc.record({ kind: fc.constant("insert" as const), ids: fc.array(id, { minLength: 1, maxLength: 3 }) }),
  fc.record({ kind: fc.constant("delete" as const), id }),
  fc.record({ kind: fc.constant("update" as const), from: id, to: id }),
);

type Step = typeof change extends fc.Arbitrary<infer Kind> ? Kind : never;

interface Line {
  id: string;
  students: number | null;
}

/** The effect of a change, without a database. */
function apply(rows: Line[], step: Step): Line[] {
  switch (step.kind) {
    case "insert":
      return [...rows, ...step.ids.map((own) => ({ id: own, students: null }))];
    case "delete":
      return rows.filter((row) => row.id !== step.id);
    case "update":
      return rows.map((row) => (row.id === step.from ? { id: step.to, students: (row.students ?? 0) + 1 } : row));
  }
}

function statement(step: Step): string {
  switch (step.kind) {
    case "insert":
      return `INSERT INTO classroom_sessions (id) VALUES ${step.ids.map((own) => `('${own}')`).join(", ")}`;
    case "delete":
      return `DELETE FROM classroom_sessions WHERE id = '${step.id}'`;
    case "update":
      return `UPDATE classroom_sessions SET id = '${step.to}', students = coalesce(students, 0) + 1 WHERE id = '${step.from}'`;
  }
}

const sorted = (rows: Line[]): string[] => rows.map((row) => `${row.id} ${row.students}`).sort();

describe("VERSION AS OF", () => {
  it("reads back every version of any sequence of changes, as a bag", async () => {
    let table = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 8 }), async (steps) => {
        const name = `run_${table++}`;
        await client.rows(`CREATE TABLE ${name} (id STRING, students INT)`);
        let rows: Line[] = [];
        const versions = [rows];
        for (const step of steps) {
          const before = rows;
          rows = apply(rows, step);
          await client.rows(statement(step).replace("classroom_sessions", name));
          const touched =
            step.kind === "insert" || before.some((row) => row.id === (step.kind === "delete" ? step.id : step.from));
          if (touched) versions.push(rows);
        }
        for (const [version, expected] of versions.entries()) {
          const seen = await client.rows(`SELECT id, students FROM ${name} VERSION AS OF ${version}`);
          expect(sorted(seen as unknown as Line[])).toEqual(sorted(expected));
        }
        expect(await client.rows(`DESCRIBE HISTORY ${name}`)).toHaveLength(versions.length);
      }),
      { numRuns: 12 },
    );
  });

  it("undoes a deletion by its own predicate, including maps and NULLs", async () => {
    await warehouse.load(`INSERT INTO sessions.classroom_sessions VALUES
      ('test_1', 'x', 1, 1.5, '2024-01-01', MAP {'a': 'b'}), ('test_2', NULL, NULL, NULL, NULL, NULL), ('real', 'y', 2, 2, NULL, NULL)`);
    const before = await warehouse.checksum();
    expect(await client.rows("DELETE FROM classroom_sessions WHERE startswith(id, 'test_')")).toEqual([
      { num_affected_rows: 2n },
    ]);
    expect(await warehouse.checksum()).not.toEqual(before);
    await client.rows(
      "INSERT INTO classroom_sessions SELECT * FROM classroom_sessions VERSION AS OF 1 WHERE startswith(id, 'test_')",
    );
    expect(await warehouse.checksum()).toEqual(before);
  });

  it("replaces all rows as one version, whose metrics don't count removed rows, as in Delta", async () => {
    await client.rows("CREATE TABLE other AS SELECT 'a' AS id UNION ALL SELECT 'b'");
    await client.rows("INSERT OVERWRITE other VALUES ('c')");
    await client.rows("TRUNCATE TABLE other");
    await client.rows("RESTORE TABLE other TO VERSION AS OF 0");
    const ids = async (version: number) =>
      (await client.rows(`SELECT id FROM other VERSION AS OF ${version} ORDER BY id`)).map(({ id }) => id);
    expect(await Promise.all([0, 1, 2, 3].map(ids))).toEqual([["a", "b"], ["c"], [], ["a", "b"]]);
    const history = await client.rows("DESCRIBE HISTORY other");
    expect(history.map((row) => [row.operation, row.operationMetrics])).toEqual([
      ["RESTORE", { numRestoredFiles: "1", numRemovedFiles: "1" }],
      ["TRUNCATE", { numRemovedFiles: "1" }],
      ["WRITE", { numOutputRows: "1" }],
      ["CREATE TABLE AS SELECT", { numOutputRows: "2" }],
    ]);
    expect(history[2]).toMatchObject({ operationParameters: { mode: "Overwrite" } });
  });

  it("lists each change in DESCRIBE HISTORY, newest first", async () => {
    await client.rows("INSERT INTO classroom_sessions (id) VALUES ('a'), ('b')");
    await client.rows("UPDATE classroom_sessions SET title = 'x' WHERE id = 'a'");
    await client.rows("DELETE FROM classroom_sessions WHERE id = 'b'");
    await client.rows("DELETE FROM classroom_sessions WHERE id = 'nobody'"); // changes nothing: no version
    const history = await client.rows("DESCRIBE HISTORY classroom_sessions");
    expect(history.map((row) => [row.version, row.operation, row.userName])).toEqual([
      [3n, "DELETE", "admin@school.test"],
      [2n, "UPDATE", "admin@school.test"],
      [1n, "WRITE", "admin@school.test"],
      [0n, "CREATE TABLE", "admin"],
    ]);
    expect(history[0]).toMatchObject({
      operationMetrics: { numDeletedRows: "1" },
      operationParameters: { predicate: "id = 'b'" },
    });
    expect(await client.rows("DESCRIBE HISTORY classroom_sessions LIMIT 1")).toHaveLength(1);
  });

  it("lists the same inside a query, as Databricks does; Delta without Databricks doesn't support it", async () => {
    await client.rows("INSERT INTO classroom_sessions (id) VALUES ('a'), ('b')");
    await client.rows("DELETE FROM classroom_sessions WHERE id = 'b'");
    const within =
      "SELECT 'x' AS asked, version, timestamp, operation, operationMetrics, operationParameters FROM (DESCRIBE HISTORY classroom_sessions LIMIT 2) UNION ALL SELECT 'y', version, timestamp, operation, operationMetrics, operationParameters FROM (DESCRIBE HISTORY users.teachers)";
    const rows = await client.rows(within);
    const alone = await client.rows("DESCRIBE HISTORY classroom_sessions LIMIT 2");
    expect(rows.filter(({ asked }) => asked === "x")).toEqual(
      alone.map(({ version, timestamp, operation, operationMetrics, operationParameters }) => ({
        asked: "x",
        version,
        timestamp,
        operation,
        operationMetrics,
        operationParameters,
      })),
    );
    expect(rows.filter(({ asked }) => asked === "y")).toMatchObject([{ version: 0n, operation: "CREATE TABLE" }]);
    warehouse.faults.historyInQueries = false;
    expect(await client.failure(within)).toMatchObject({ sqlState: "42601" });
    warehouse.faults.historyInQueries = true;
    expect(await client.failure("SELECT 1 FROM (DESCRIBE HISTORY nowhere)")).toMatchObject({ sqlState: "42P01" });
  });

  it("records loading as one version, with only the empty table before it", async () => {
    await warehouse.load(
      "INSERT INTO sessions.classroom_sessions (id) VALUES ('a'); INSERT INTO sessions.classroom_sessions (id) VALUES ('b')",
    );
    const count = async (version: number) =>
      (await client.rows(`SELECT count(*) AS n FROM classroom_sessions VERSION AS OF ${version}`))[0];
    expect(await count(0)).toEqual({ n: 0n });
    expect(await count(1)).toEqual({ n: 2n });
    expect(await client.failure("SELECT * FROM classroom_sessions VERSION AS OF 2")).toMatchObject({ sqlState: "22003" });
    expect(await client.rows("DESCRIBE HISTORY users.teachers")).toHaveLength(1);
    await warehouse.load("DELETE FROM sessions.classroom_sessions WHERE id = 'a'");
    expect(await client.failure("SELECT * FROM classroom_sessions VERSION AS OF 1")).toMatchObject({ sqlState: "22003" });
  });

  it("finds a version by time, and none before the first or after the last", async () => {
    await client.rows("INSERT INTO classroom_sessions (id) VALUES ('a')");
    const [{ at = "" } = {}] = await client.rows(
      "SELECT CAST(created AS STRING) AS at FROM classwaves.information_schema.tables WHERE table_name = 'classroom_sessions'",
    );
    expect(await client.rows(`SELECT count(*) AS n FROM classroom_sessions TIMESTAMP AS OF '${at}'`)).toEqual([{ n: 0n }]);
    expect((await client.failure("SELECT * FROM classroom_sessions TIMESTAMP AS OF '2001-01-01'")).sqlState).toBe("42816");
    expect((await client.failure("SELECT * FROM classroom_sessions TIMESTAMP AS OF '2999-01-01'")).sqlState).toBe("42816");
  });
});

describe("checksum", () => {
  it("ignores order, and detects a changed value, a lost row and a duplicate", async () => {
    await warehouse.load("INSERT INTO users.teachers (id, logins) SELECT 't' || range, range FROM range(1000)");
    const { "users.teachers": before } = await warehouse.checksum();
    await warehouse.load(
      "CREATE TEMP TABLE turned AS FROM users.teachers ORDER BY id DESC; DELETE FROM users.teachers; INSERT INTO users.teachers FROM turned; DROP TABLE turned",
    );
    expect((await warehouse.checksum())["users.teachers"]).toEqual(before);
    await client.rows("UPDATE users.teachers SET logins = 0 WHERE id = 't500'");
    expect((await warehouse.checksum())["users.teachers"]).not.toEqual(before);
    await client.rows("UPDATE users.teachers SET logins = 500 WHERE id = 't500'");
    expect((await warehouse.checksum())["users.teachers"]).toEqual(before);
    await client.rows("DELETE FROM users.teachers WHERE id = 't1'");
    await client.rows("INSERT INTO users.teachers SELECT * FROM users.teachers WHERE id = 't2'");
    expect((await warehouse.checksum())["users.teachers"]).not.toEqual(before);
  });

  it("covers only the selected rows", async () => {
    await warehouse.load("INSERT INTO users.teachers (id) VALUES ('real'), ('test_1')");
    const real = (table: string): string | undefined => (table === "users.teachers" ? "NOT starts_with(id, 'test_')" : undefined);
    const before = await warehouse.checksum(real);
    expect(before["users.teachers"]?.rows).toBe(1);
    await client.rows("DELETE FROM users.teachers WHERE startswith(id, 'test_')");
    expect(await warehouse.checksum(real)).toEqual(before);
  });
});
