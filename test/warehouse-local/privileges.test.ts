import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { connect, schema, type TestClient } from "./client.ts";

// A read-only environment is only as safe as its credential. These tokens differ only in their grants.
let warehouse: Warehouse;
const clients: Record<string, TestClient> = {};

beforeAll(async () => {
  warehouse = await startWarehouse({
    principals: {
      admin: { user: "admin@school.test", grants: [], admin: true },
      reader: {
        user: "reader@school.test",
        grants: [
          { privilege: "USE CATALOG", on: "classwaves" },
          { privilege: "USE SCHEMA", on: "classwaves" },
          { privilege: "SELECT", on: "classwaves" },
        ],
      },
      writer: { user: "writer@school.test", grants: [{ privilege: "ALL PRIVILEGES", on: "classwaves" }] },
      member: { user: "member@school.test", groups: ["testers"], grants: [{ privilege: "USE CATALOG", on: "classwaves" }] },
      narrow: {
        user: "narrow@school.test",
        grants: [
          { privilege: "USE CATALOG", on: "classwaves" },
          { privilege: "USE SCHEMA", on: "classwaves.users" },
          { privilege: "SELECT", on: "classwaves.users.teachers" },
          { privilege: "SELECT", on: "classwaves.sessions" },
        ],
      },
      owner: { user: "owner@school.test", grants: [], owns: ["classwaves"] },
      nobody: { user: "nobody@school.test", grants: [] },
    },
    groupGrants: {
      testers: [
        { privilege: "USE SCHEMA", on: "classwaves.sessions" },
        { privilege: "SELECT", on: "classwaves.sessions" },
        { privilege: "MODIFY", on: "classwaves.sessions.classroom_sessions" },
      ],
    },
  });
  await warehouse.createTables(schema);
  await warehouse.load(
    "INSERT INTO sessions.classroom_sessions (id) VALUES ('real'); INSERT INTO users.teachers (id) VALUES ('t')",
  );
  for (const token of ["admin", "reader", "writer", "member", "narrow", "owner", "nobody"])
    clients[token] = await connect(warehouse, token);
});

afterAll(async () => {
  await Promise.all(Object.values(clients).map((client) => client.close()));
  await warehouse.stop();
});

function as(token: string): TestClient {
  const client = clients[token];
  if (!client) throw new Error(`no client for ${token}`);
  return client;
}

const writes = [
  "DELETE FROM sessions.classroom_sessions",
  "DELETE FROM sessions.classroom_sessions WHERE false",
  "UPDATE sessions.classroom_sessions SET title = 'x'",
  "INSERT INTO sessions.classroom_sessions (id) VALUES ('x')",
  "CREATE TABLE sessions.another (a INT)",
  "CREATE OR REPLACE TABLE sessions.classroom_sessions (a INT)",
  "DROP TABLE sessions.classroom_sessions",
  "CREATE SCHEMA another",
  "DROP SCHEMA sessions CASCADE",
];

describe("without MODIFY", () => {
  it.each(writes)("%s is refused, and nothing changes", async (sql) => {
    const before = await warehouse.checksum();
    for (const token of ["reader", "narrow", "nobody"])
      expect(await as(token).failure(sql)).toMatchObject({
        sqlState: "42501",
        message: expect.stringContaining("[INSUFFICIENT_PERMISSIONS]"),
      });
    expect(await warehouse.checksum()).toEqual(before);
  });
});

describe("reading", () => {
  const read = "SELECT id FROM sessions.classroom_sessions";

  it.each(["admin", "reader", "writer", "member", "owner"])("%s may", async (token) => {
    expect(await as(token).rows(read)).toEqual([{ id: "real" }]);
  });

  it("requires USE SCHEMA in addition to SELECT", async () => {
    expect((await as("narrow").failure(read)).message).toContain("USE SCHEMA on Schema 'classwaves.sessions'");
    expect(await as("narrow").rows("SELECT id FROM users.teachers")).toEqual([{ id: "t" }]);
  });

  it("requires USE CATALOG first", async () => {
    expect((await as("nobody").failure(read)).message).toContain("USE CATALOG on Catalog 'classwaves'");
  });

  it.each([
    ["a subquery", "DELETE FROM sessions.classroom_sessions WHERE id IN (SELECT id FROM users.teachers)"],
    ["a join", "SELECT 1 FROM sessions.classroom_sessions a JOIN users.teachers b ON a.id = b.id"],
    ["a common table expression", "WITH t AS (SELECT * FROM users.teachers) SELECT 1 FROM t"],
    ["an inserted query", "INSERT INTO sessions.classroom_sessions (id) SELECT id FROM users.teachers"],
    ["an older version", "SELECT * FROM users.teachers VERSION AS OF 0"],
    ["a description", "DESCRIBE HISTORY users.teachers"],
  ])("is checked within %s", async (_, sql) => {
    expect((await as("member").failure(sql)).sqlState).toBe("42501");
  });
});

describe("writing", () => {
  it("is allowed with ALL PRIVILEGES, through a group, and to the owner", async () => {
    for (const token of ["writer", "member", "owner"]) {
      expect(await as(token).rows(`INSERT INTO sessions.classroom_sessions (id) VALUES ('${token}')`)).toMatchObject([
        { num_affected_rows: 1n },
      ]);
      expect(await as(token).rows(`DELETE FROM sessions.classroom_sessions WHERE id = '${token}'`)).toEqual([
        { num_affected_rows: 1n },
      ]);
    }
  });

  it("makes only a table's creator its owner", async () => {
    await as("writer").rows("CREATE TABLE sessions.mine (a INT)");
    expect((await as("member").failure("DROP TABLE sessions.mine")).sqlState).toBe("42501");
    await as("writer").rows("DROP TABLE sessions.mine");
  });
});

describe("what a credential can read about itself", () => {
  it("SHOW GRANTS lists inherited grants with their object, only the principal's own and its groups'", async () => {
    expect(await as("member").rows("SHOW GRANTS ON TABLE sessions.classroom_sessions")).toEqual([
      { Principal: "member@school.test", ActionType: "USE CATALOG", ObjectType: "CATALOG", ObjectKey: "classwaves" },
      { Principal: "testers", ActionType: "USE SCHEMA", ObjectType: "SCHEMA", ObjectKey: "classwaves.sessions" },
      { Principal: "testers", ActionType: "SELECT", ObjectType: "SCHEMA", ObjectKey: "classwaves.sessions" },
      { Principal: "testers", ActionType: "MODIFY", ObjectType: "TABLE", ObjectKey: "classwaves.sessions.classroom_sessions" },
    ]);
    const own = await as("reader").rows("SHOW GRANTS `reader@school.test` ON CATALOG classwaves");
    expect(own.map((row) => row.ActionType)).toEqual(["USE CATALOG", "USE SCHEMA", "SELECT"]);
    const all = await as("admin").rows("SHOW GRANTS ON CATALOG classwaves");
    expect(new Set(all.map((row) => row.Principal)).size).toBe(5 - 1);
  });

  it("information_schema shows only what is granted", async () => {
    const tables = "SELECT table_schema, table_name FROM classwaves.information_schema.tables ORDER BY 1, 2";
    expect((await as("reader").rows(tables)).map((row) => row.table_schema)).toEqual(["sessions", "users"]);
    expect(await as("member").rows(tables)).toEqual([{ table_schema: "sessions", table_name: "classroom_sessions" }]);
    expect(await as("narrow").rows(tables)).toEqual([{ table_schema: "users", table_name: "teachers" }]);
    expect((await as("nobody").failure(tables)).sqlState).toBe("42501");
  });

  it("information_schema.table_privileges shows what was inherited, and from where", async () => {
    const rows = await as("reader").rows(
      "SELECT grantee, privilege_type, inherited_from FROM classwaves.information_schema.table_privileges WHERE table_name = 'teachers' AND privilege_type = 'SELECT'",
    );
    expect(rows).toEqual([{ grantee: "reader@school.test", privilege_type: "SELECT", inherited_from: "CATALOG" }]);
  });

  it("the driver's own metadata calls show no more", async () => {
    const operation = await as("member").session.getTables({});
    expect((await operation.fetchAll()).map((row) => (row as { TABLE_NAME: string }).TABLE_NAME)).toEqual(["classroom_sessions"]);
    await operation.close();
  });
});
