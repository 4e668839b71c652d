import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { connect, ownWarehouse, type TestClient } from "./client.ts";

// Statements and errors as Databricks documents them.
const own = ownWarehouse({
  maker: { user: "maker@school.test", grants: [{ privilege: "CREATE CATALOG", on: "METASTORE" }] },
  other: { user: "other@school.test", grants: [{ privilege: "USE CATALOG", on: "classwaves" }] },
});
let maker: TestClient;
let other: TestClient;
let count = 0;
let name = "";

beforeAll(async () => {
  maker = await connect(own.warehouse, "maker", {});
  other = await connect(own.warehouse, "other", {});
});

afterAll(async () => {
  await maker.close();
  await other.close();
});

beforeEach(() => {
  name = `run_${count++}`;
});

const catalogs = async (client: TestClient) => (await client.rows("SHOW CATALOGS")).map(({ catalog }) => catalog);

describe("CREATE CATALOG", () => {
  it("takes the privilege on the metastore, and its creator owns it", async () => {
    expect(await other.failure(`CREATE CATALOG ${name}`)).toMatchObject({
      sqlState: "42501",
      message: expect.stringContaining("CREATE CATALOG on Metastore"),
    });
    await maker.rows(`CREATE CATALOG ${name} MANAGED LOCATION 's3://bucket/a' COMMENT 'of a run'`);
    await maker.rows(`CREATE SCHEMA ${name}.users`);
    await maker.rows(`CREATE TABLE ${name}.users.teachers (id STRING)`);
    await maker.rows(`INSERT INTO ${name}.users.teachers VALUES ('a')`);
    expect(await maker.rows(`SELECT * FROM ${name}.information_schema.catalogs`)).toMatchObject([
      { catalog_name: name, catalog_owner: "maker@school.test", comment: "of a run" },
    ]);
    expect(await maker.rows(`SHOW SCHEMAS IN ${name}`)).toEqual([
      { databaseName: "default" },
      { databaseName: "information_schema" },
      { databaseName: "users" },
    ]);
    expect(await catalogs(other)).not.toContain(name);
    const listed = "SELECT catalog_name, `comment` FROM system.information_schema.catalogs";
    expect(await maker.rows(listed)).toContainEqual({ catalog_name: name, comment: "of a run" });
    expect(await other.rows(listed)).toEqual([{ catalog_name: "classwaves", comment: null }]);
    expect(await other.failure(`SELECT * FROM ${name}.users.teachers`)).toMatchObject({ sqlState: "42501" });
  });

  it("fails if there is one of that name, unless told otherwise", async () => {
    await maker.rows(`CREATE CATALOG ${name}`);
    expect(await maker.failure(`CREATE CATALOG ${name.toUpperCase()}`)).toMatchObject({
      message: expect.stringContaining("[CATALOG_ALREADY_EXISTS]"),
    });
    await maker.rows(`CREATE CATALOG IF NOT EXISTS ${name}`);
  });
});

describe("CREATE … IF NOT EXISTS at the same time", () => {
  it("makes it once, and nobody gets an error", async () => {
    const together = (statement: string) => Promise.all([1, 2, 3, 4].map(() => maker.rows(statement)));
    await together(`CREATE CATALOG IF NOT EXISTS ${name}`);
    await together(`CREATE SCHEMA IF NOT EXISTS ${name}.s`);
    await together(`CREATE TABLE IF NOT EXISTS ${name}.s.t AS SELECT 1 AS a`);
    await together(`CREATE TABLE IF NOT EXISTS ${name}.s.l LIKE ${name}.s.t`);
    await together(`CREATE TABLE IF NOT EXISTS ${name}.s.c SHALLOW CLONE ${name}.s.t`);
    await together(`CREATE TABLE IF NOT EXISTS ${name}.s.old SHALLOW CLONE ${name}.s.t VERSION AS OF 0`);
    expect(await maker.rows(`SELECT * FROM ${name}.s.t UNION ALL SELECT * FROM ${name}.s.c`)).toEqual([{ a: 1 }, { a: 1 }]);
    expect(await maker.rows(`DESCRIBE HISTORY ${name}.s.l`)).toHaveLength(1);
  });

  it("lets nobody use a schema before it is there", async () => {
    await maker.rows(`CREATE CATALOG ${name}`);
    const use = async (at: number) => {
      await maker.rows(`CREATE SCHEMA IF NOT EXISTS ${name}.s`);
      await maker.rows(`CREATE TABLE IF NOT EXISTS ${name}.s.t${at} (a INT)`);
    };
    await Promise.all([1, 2, 3, 4].map(use));
    expect(await maker.rows(`SHOW TABLES IN ${name}.s`)).toHaveLength(4);
  });
});

describe("RETAIN DROPPED", () => {
  it("is for who manages the schema", async () => {
    await maker.rows(`CREATE CATALOG ${name}`);
    await maker.rows(`ALTER SCHEMA ${name}.default SET RETAIN DROPPED TO 0 HOURS`);
    await maker.rows(`ALTER CATALOG ${name} RETAIN DROPPED TO 2 WEEKS`);
    await maker.rows(`GRANT USE CATALOG ON CATALOG ${name} TO \`other@school.test\``);
    expect(await other.failure(`ALTER SCHEMA ${name}.default SET RETAIN DROPPED TO 1 DAY`)).toMatchObject({ sqlState: "42501" });
    expect(await maker.failure(`ALTER SCHEMA ${name}.default SET RETAIN DROPPED TO 1 YEAR`)).toMatchObject({
      message: expect.stringContaining("[PARSE_SYNTAX_ERROR]"),
    });
  });
});

describe("DROP CATALOG", () => {
  it("takes its owner, and CASCADE for one with schemas", async () => {
    await maker.rows(`CREATE CATALOG ${name}`);
    await maker.rows(`CREATE TABLE ${name}.default.t AS SELECT 1 AS a`);
    expect(await other.failure(`DROP CATALOG ${name} CASCADE`)).toMatchObject({ sqlState: "42501" });
    expect(await maker.failure(`DROP CATALOG ${name}`)).toMatchObject({
      message: expect.stringContaining("[CATALOG_NOT_EMPTY]"),
    });
    await maker.rows(`DROP CATALOG ${name} CASCADE`);
    expect(await catalogs(maker)).not.toContain(name);
    expect(await maker.failure(`SELECT * FROM ${name}.default.t`)).toMatchObject({ sqlState: "42P01" });
    expect(await maker.failure(`DROP CATALOG ${name}`)).toMatchObject({ sqlState: "42704" });
    await maker.rows(`DROP CATALOG IF EXISTS ${name}`);
  });

  it("leaves nothing to a new one of the same name", async () => {
    await maker.rows(`CREATE CATALOG ${name}`);
    await maker.rows(`CREATE SCHEMA ${name}.users`);
    await maker.rows(`CREATE TABLE ${name}.users.t (a INT)`);
    await maker.rows(`DROP CATALOG ${name} CASCADE`);
    await own.client.rows(`CREATE CATALOG ${name}`);
    expect(await maker.failure(`USE CATALOG ${name}`)).toMatchObject({ sqlState: "42501" });
    expect(await own.client.rows(`SHOW SCHEMAS IN ${name}`)).toEqual([
      { databaseName: "default" },
      { databaseName: "information_schema" },
    ]);
    await own.client.rows(`CREATE SCHEMA ${name}.users`);
    await own.client.rows(`CREATE TABLE ${name}.users.t (b STRING)`);
    expect(await own.client.rows(`SELECT * FROM ${name}.users.t`)).toEqual([]);
  });

  it("works for the catalog that the sessions began in", async () => {
    await own.client.rows("CREATE TABLE classwaves.default.t (a INT)");
    await own.client.rows("DROP CATALOG classwaves CASCADE");
    expect(await catalogs(own.client)).not.toContain("classwaves");
    await own.client.rows("CREATE CATALOG classwaves");
    await own.client.rows("CREATE TABLE classwaves.default.t (a INT)");
    expect(await own.client.rows("SELECT count(*) AS n FROM classwaves.default.t")).toEqual([{ n: 0n }]);
  });
});

describe("DROP SCHEMA CASCADE", () => {
  it("drops tables and views with it, and refuses without the word", async () => {
    await maker.rows(`CREATE CATALOG ${name}`);
    await maker.rows(`CREATE SCHEMA ${name}.work COMMENT 'temporary'`);
    await maker.rows(`CREATE TABLE ${name}.work.t AS SELECT 1 AS a`);
    await maker.rows(`CREATE VIEW ${name}.work.v AS SELECT * FROM ${name}.work.t`);
    expect(await maker.rows(`SELECT comment FROM ${name}.information_schema.schemata WHERE schema_name = 'work'`)).toEqual([
      { comment: "temporary" },
    ]);
    expect(await maker.failure(`DROP SCHEMA ${name}.work`)).toMatchObject({ sqlState: "2BP01" });
    await maker.rows(`DROP SCHEMA ${name}.work CASCADE`);
    await maker.rows(`DROP SCHEMA IF EXISTS ${name}.work CASCADE`);
    expect(await maker.failure(`DROP SCHEMA ${name}.work CASCADE`)).toMatchObject({ sqlState: "42704" });
  });
});
