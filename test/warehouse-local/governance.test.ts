import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { connect, ownWarehouse, type TestClient } from "./client.ts";
import { call } from "./https.ts";

// Statements, privileges and views as Databricks documents them.
const use = [{ privilege: "USE CATALOG", on: "classwaves" } as const];
const own = ownWarehouse({
  owner: { user: "owner@school.test", grants: [{ privilege: "CREATE CATALOG", on: "METASTORE" }] },
  other: { user: "other@school.test", groups: ["teachers"], grants: use },
});
let admin: TestClient;
let owner: TestClient;
let other: TestClient;
let count = 0;
let copy = "";

beforeAll(async () => {
  admin = own.client;
  [owner, other] = await Promise.all([connect(own.warehouse, "owner", {}), connect(own.warehouse, "other", {})]);
});

afterAll(async () => {
  await Promise.all([owner, other].map((client) => client.close()));
});

beforeEach(async () => {
  copy = `copy_${count++}`;
  await owner.rows(`CREATE CATALOG ${copy}`);
  await owner.rows(`CREATE SCHEMA ${copy}.users`);
  await owner.rows(`CREATE TABLE ${copy}.users.teachers (id STRING, email STRING)`);
});

const denied = { sqlState: "42501", message: expect.stringContaining("[INSUFFICIENT_PERMISSIONS]") };
const tables = async (client: TestClient): Promise<unknown[]> =>
  (await client.rows(`SELECT table_name FROM ${copy}.information_schema.tables`)).map((row) => row.table_name);

describe("GRANT and REVOKE", () => {
  it("let others in and out again, one or several privileges at a time", async () => {
    const read = `SELECT * FROM ${copy}.users.teachers`;
    expect(await other.failure(read)).toMatchObject(denied);
    await owner.rows(`GRANT USE CATALOG, USE SCHEMA ON CATALOG ${copy} TO teachers`);
    await owner.rows(`GRANT SELECT ON ${copy}.users.teachers TO \`other@school.test\``);
    expect(await other.rows(read)).toEqual([]);
    expect(
      await owner.rows(
        `SELECT grantee, privilege_type, inherited_from FROM ${copy}.information_schema.table_privileges ORDER BY 1, 2`,
      ),
    ).toEqual([
      { grantee: "other@school.test", privilege_type: "SELECT", inherited_from: "NONE" },
      { grantee: "teachers", privilege_type: "USE_CATALOG", inherited_from: "CATALOG" },
      { grantee: "teachers", privilege_type: "USE_SCHEMA", inherited_from: "CATALOG" },
    ]);
    expect(await owner.rows(`SHOW GRANTS ON CATALOG ${copy}`)).toHaveLength(2);
    await owner.rows(`REVOKE SELECT ON TABLE ${copy}.users.teachers FROM \`other@school.test\``);
    await owner.rows(`REVOKE SELECT ON TABLE ${copy}.users.teachers FROM \`other@school.test\``);
    expect(await other.failure(read)).toMatchObject(denied);
  });

  it("take the owner or MANAGE, and a principal that exists", async () => {
    await owner.rows(`GRANT USE CATALOG, USE SCHEMA, SELECT ON CATALOG ${copy} TO teachers`);
    const statement = `GRANT MODIFY ON SCHEMA ${copy}.users TO teachers`;
    expect(await other.failure(statement)).toMatchObject(denied);
    await owner.rows(`GRANT ALL PRIVILEGES ON CATALOG ${copy} TO teachers`);
    expect(await other.failure(statement)).toMatchObject(denied);
    await owner.rows(`GRANT MANAGE ON CATALOG ${copy} TO teachers`);
    await other.rows(statement);
    expect(await owner.failure(`GRANT SELECT ON CATALOG ${copy} TO nobody`)).toMatchObject({
      message: expect.stringContaining("[PRINCIPAL_DOES_NOT_EXIST]"),
    });
    expect(await owner.failure(`GRANT SELECTION ON CATALOG ${copy} TO teachers`)).toMatchObject({ sqlState: "0A000" });
  });

  it("end with the object", async () => {
    await owner.rows(`GRANT USE CATALOG, USE SCHEMA ON CATALOG ${copy} TO teachers`);
    await owner.rows(`GRANT SELECT ON TABLE ${copy}.users.teachers TO teachers`);
    await owner.rows(`DROP TABLE ${copy}.users.teachers`);
    await owner.rows(`CREATE TABLE ${copy}.users.teachers (id STRING)`);
    expect(await other.failure(`SELECT * FROM ${copy}.users.teachers`)).toMatchObject(denied);
  });
});

describe("MANAGE, BROWSE and OWNER TO", () => {
  it("MANAGE drops, renames and sees the grants of others by SHOW GRANTS only, and doesn't read", async () => {
    await owner.rows(`GRANT USE CATALOG, USE SCHEMA, MANAGE ON CATALOG ${copy} TO teachers`);
    await owner.rows(`GRANT SELECT ON CATALOG ${copy} TO \`owner@school.test\``);
    expect(await other.failure(`SELECT * FROM ${copy}.users.teachers`)).toMatchObject(denied);
    const seen = await other.rows(`SHOW GRANTS ON CATALOG ${copy}`);
    expect(seen.map(({ Principal }) => Principal)).toContain("owner@school.test");
    const listed = await other.rows(`SELECT grantee FROM ${copy}.information_schema.catalog_privileges`);
    expect(listed.map(({ grantee }) => grantee)).not.toContain("owner@school.test");
    await other.rows(`DROP TABLE ${copy}.users.teachers`);
  });

  it("BROWSE shows what there is, and no rows", async () => {
    expect(await other.failure(`SELECT * FROM ${copy}.information_schema.tables`)).toMatchObject(denied);
    await owner.rows(`GRANT BROWSE ON CATALOG ${copy} TO teachers`);
    expect(await tables(other)).toEqual(["teachers"]);
    expect(await other.failure(`SELECT * FROM ${copy}.users.teachers`)).toMatchObject(denied);
  });

  it("OWNER TO gives a table, schema or catalog away", async () => {
    await owner.rows(`GRANT USE CATALOG, USE SCHEMA ON CATALOG ${copy} TO teachers`);
    await owner.rows(`ALTER TABLE ${copy}.users.teachers SET OWNER TO teachers`);
    expect(await other.rows(`SELECT table_owner FROM ${copy}.information_schema.tables`)).toEqual([{ table_owner: "teachers" }]);
    await other.rows(`INSERT INTO ${copy}.users.teachers VALUES ('a', 'b')`);
    expect(await other.failure(`ALTER SCHEMA ${copy}.users OWNER TO teachers`)).toMatchObject(denied);
    await owner.rows(`ALTER CATALOG ${copy} OWNER TO \`other@school.test\``);
    expect(await owner.failure(`DROP CATALOG ${copy} CASCADE`)).toMatchObject(denied);
    await other.rows(`DROP CATALOG ${copy} CASCADE`);
  });
});

describe("comments", () => {
  it("of everything are set and removed, as a version of a table", async () => {
    await owner.rows(`COMMENT ON CATALOG ${copy} IS 'it\\'s a copy'`);
    await owner.rows(`COMMENT ON SCHEMA ${copy}.users IS 'people'`);
    await owner.rows(`COMMENT ON TABLE ${copy}.users.teachers IS 'all of them'`);
    await owner.rows(`COMMENT ON COLUMN ${copy}.users.teachers.email IS 'personal'`);
    const all = () =>
      Promise.all([
        owner.rows(`SELECT comment FROM ${copy}.information_schema.catalogs`),
        owner.rows(`SELECT comment FROM ${copy}.information_schema.schemata WHERE schema_name = 'users'`),
        owner.rows(`SELECT comment FROM ${copy}.information_schema.tables`),
        owner.rows(`SELECT comment FROM ${copy}.information_schema.columns WHERE column_name = 'email'`),
      ]);
    expect((await all()).flat()).toEqual(["it's a copy", "people", "all of them", "personal"].map((comment) => ({ comment })));
    expect((await owner.rows(`DESCRIBE HISTORY ${copy}.users.teachers`)).map(({ operation }) => operation)).toEqual([
      "CHANGE COLUMN",
      "SET TBLPROPERTIES",
      "CREATE TABLE",
    ]);
    for (const what of [`CATALOG ${copy}`, `SCHEMA ${copy}.users`, `TABLE ${copy}.users.teachers`])
      await owner.rows(`COMMENT ON ${what} IS NULL`);
    await owner.rows(`COMMENT ON COLUMN ${copy}.users.teachers.email IS NULL`);
    expect((await all()).flat()).toEqual(Array.from({ length: 4 }, () => ({ comment: null })));
    expect(await other.failure(`COMMENT ON CATALOG ${copy} IS 'x'`)).toMatchObject(denied);
    expect(await owner.failure(`COMMENT ON COLUMN ${copy}.users.teachers.none IS 'x'`)).toMatchObject({ sqlState: "42703" });
  });
});

describe("tags", () => {
  const tags = async (client: TestClient, view: string): Promise<unknown[]> =>
    (await client.rows(`SELECT * FROM ${copy}.information_schema.${view} ORDER BY tag_name`)).map((row) => Object.values(row));

  it("of everything are set, replaced and removed, in both ways to write it", async () => {
    await owner.rows(`ALTER CATALOG ${copy} SET TAGS ('env' = 'staging')`);
    await owner.rows(`SET TAG ON SCHEMA ${copy}.users \`class.name\` = \`x y\``);
    await owner.rows(`ALTER TABLE ${copy}.users.teachers SET TAGS ('pii', 'owner' = 'a')`);
    await owner.rows(`ALTER TABLE ${copy}.users.teachers SET TAGS ('owner' = 'b')`);
    await owner.rows(`ALTER TABLE ${copy}.users.teachers ALTER COLUMN email SET TAGS ('class.email' = 'yes')`);
    await owner.rows(`SET TAG ON COLUMN ${copy}.users.teachers.id key`);
    expect(await tags(owner, "catalog_tags")).toEqual([[copy, "env", "staging"]]);
    expect(await tags(owner, "schema_tags")).toEqual([[copy, "users", "class.name", "x y"]]);
    expect(await tags(owner, "table_tags")).toEqual([
      [copy, "users", "teachers", "owner", "b"],
      [copy, "users", "teachers", "pii", ""],
    ]);
    expect(await tags(owner, "column_tags")).toEqual([
      [copy, "users", "teachers", "email", "class.email", "yes"],
      [copy, "users", "teachers", "id", "key", ""],
    ]);
    expect(await owner.rows(`DESCRIBE HISTORY ${copy}.users.teachers`)).toHaveLength(1);
    await owner.rows(`ALTER TABLE ${copy}.users.teachers UNSET TAGS ('owner', 'pii')`);
    await owner.rows(`UNSET TAG ON COLUMN ${copy}.users.teachers.id key`);
    expect(await tags(owner, "table_tags")).toEqual([]);
    expect(await tags(owner, "column_tags")).toHaveLength(1);
    await owner.rows(`CREATE TABLE ${copy}.users.clone SHALLOW CLONE ${copy}.users.teachers`);
    expect(await tags(owner, "column_tags")).toHaveLength(1);
  });

  it("take APPLY TAG, and are seen by those who see the object", async () => {
    await owner.rows(`GRANT USE CATALOG, USE SCHEMA ON CATALOG ${copy} TO teachers`);
    await owner.rows(`ALTER TABLE ${copy}.users.teachers SET TAGS ('pii')`);
    expect(await tags(other, "table_tags")).toEqual([]);
    const statement = `ALTER TABLE ${copy}.users.teachers SET TAGS ('a' = 'b')`;
    expect(await other.failure(statement)).toMatchObject(denied);
    await owner.rows(`GRANT APPLY TAG, SELECT ON CATALOG ${copy} TO teachers`);
    await other.rows(statement);
    expect(await tags(other, "table_tags")).toHaveLength(2);
  });
});

describe("workspace bindings", () => {
  const ask = (catalog: string, token: string) =>
    call(own.warehouse, "GET", `/api/2.1/unity-catalog/bindings/catalog/${catalog}`, { authorization: `Bearer ${token}` });

  it("are told by REST to those who manage the catalog", async () => {
    expect(await ask(copy, "owner")).toMatchObject({ status: 200, body: {} });
    own.warehouse.bindings[copy] = "BINDING_TYPE_READ_ONLY";
    const { status, body, headers } = await ask(copy, "owner");
    expect({ status, body }).toEqual({
      status: 200,
      body: { bindings: [{ workspace_id: Number(headers["x-databricks-org-id"]), binding_type: "BINDING_TYPE_READ_ONLY" }] },
    });
    expect(await ask(copy, "other")).toMatchObject({ status: 404 });
    await owner.rows(`SHOW TABLES IN ${copy}.users`);
    own.warehouse.bindings[copy] = "BINDING_TYPE_READ_WRITE";
    await owner.rows(`GRANT USE CATALOG ON CATALOG ${copy} TO teachers`);
    expect(await ask(copy, "other")).toMatchObject({ status: 403, body: { error_code: "PERMISSION_DENIED" } });
  });

  it("refuse every write to a read-only catalog, whatever was granted", async () => {
    const table = `${copy}.users.teachers`;
    own.warehouse.bindings[copy] = "BINDING_TYPE_READ_ONLY";
    for (const statement of [
      `INSERT INTO ${table} VALUES ('a', 'b')`,
      `DELETE FROM ${table}`,
      `UPDATE ${table} SET id = 'a'`,
      `TRUNCATE TABLE ${table}`,
      `RESTORE TABLE ${table} TO VERSION AS OF 0`,
      `DROP TABLE ${table}`,
      `ALTER TABLE ${table} ADD COLUMN a INT`,
      `ALTER TABLE ${table} RENAME TO ${copy}.users.b`,
      `ALTER TABLE ${table} SET TAGS ('a')`,
      `CREATE TABLE ${copy}.users.t (a INT)`,
      `CREATE TABLE ${copy}.users.t SHALLOW CLONE ${table}`,
      `CREATE VIEW ${copy}.users.v AS SELECT 1`,
      `CREATE SCHEMA ${copy}.s`,
      `DROP SCHEMA ${copy}.users CASCADE`,
      `DROP CATALOG ${copy} CASCADE`,
      `GRANT SELECT ON CATALOG ${copy} TO teachers`,
      `COMMENT ON SCHEMA ${copy}.users IS 'x'`,
    ])
      for (const client of [owner, admin])
        expect({ statement, ...(await client.failure(statement)) }).toMatchObject({
          sqlState: "42501",
          message: expect.stringContaining("read-only"),
        });
    expect(await owner.rows(`SELECT * FROM ${table}`)).toEqual([]);
    delete own.warehouse.bindings[copy];
    await owner.rows(`INSERT INTO ${table} VALUES ('a', 'b')`);
  });

  it("hide a catalog that isn't bound to the workspace, also from admins", async () => {
    own.warehouse.bindings[copy] = "unbound";
    for (const client of [owner, admin]) {
      expect(await client.rows("SHOW CATALOGS")).not.toContainEqual({ catalog: copy });
      expect(await client.failure(`SELECT * FROM ${copy}.users.teachers`)).toMatchObject(denied);
      expect(await client.failure(`SELECT * FROM ${copy}.information_schema.tables`)).toMatchObject(denied);
      expect(await client.failure(`USE CATALOG ${copy}`)).toMatchObject(denied);
    }
    delete own.warehouse.bindings[copy];
    expect(await tables(owner)).toEqual(["teachers"]);
  });
});
