import { describe, expect, test } from "vitest";
import { type WritableScope, whyNotChange } from "../../src/warehouse/changes.ts";

/** What the client for a copy may send: a mistake here is a write to production. */
const scope: WritableScope = { catalog: "staging", ownsCatalog: false };

describe("a change of the copy is sent", () => {
  test.each([
    "CREATE SCHEMA IF NOT EXISTS `staging`.`users`",
    "CREATE TABLE staging.users.teachers (id STRING NOT NULL, `with` INT) COMMENT 'people'",
    "CREATE OR REPLACE TABLE `staging`.`users`.`teachers` AS SELECT id, upper(name) AS name FROM classwaves.users.teachers VERSION AS OF 3",
    "CREATE TABLE staging.a.b SHALLOW CLONE classwaves.a.b VERSION AS OF 7",
    "CREATE TABLE staging.a.b LIKE classwaves.a.b",
    "CREATE VIEW staging.a.v (id COMMENT 'key') AS WITH t AS (SELECT 1 AS id) SELECT id FROM t",
    "ALTER TABLE staging.a.b ADD COLUMNS (c INT AFTER a)",
    "ALTER TABLE staging.a.b ALTER COLUMN c SET DEFAULT 3",
    "ALTER TABLE staging.a.b RENAME TO staging.a.c",
    "ALTER TABLE staging.a.b ADD CONSTRAINT low CHECK (level < 10)",
    "COMMENT ON TABLE staging.a.b IS 'DROP TABLE classwaves.a.b; x'",
    "COMMENT ON COLUMN staging.a.b.c IS NULL",
    "DROP TABLE IF EXISTS staging.a.b",
    "DROP SCHEMA staging.a CASCADE",
    "TRUNCATE TABLE staging.a.b",
    "INSERT INTO staging.a.b BY NAME SELECT * FROM classwaves.a.b",
    "INSERT INTO TABLE staging.a.b (id, n) VALUES (:a, 1)",
    "DELETE FROM staging.a.b WHERE id = :id",
    "GRANT SELECT ON TABLE staging.a.b TO `readers`",
    "REVOKE MODIFY ON SCHEMA staging.a FROM `writers`",
    "CREATE TABLE IF NOT EXISTS staging.a.b AS SELECT id, left(sha2(concat(secret('s', 'k'), '/', id), 256), 32) AS h FROM classwaves.a.b",
    "INSERT INTO staging.a.b SELECT sha2(concat(secret('s', 'k'), id), 256) FROM classwaves.a.b",
    "SET TAG ON COLUMN staging.a.b.c class.name = `x`",
    "CREATE TABLE staging.a.b (`location` STRING, n INT GENERATED ALWAYS AS (m + 1), m INT) USING DELTA CLUSTER BY (`location`)",
    "CREATE TABLE staging.a.b AS (SELECT location FROM classwaves.a.b)",
    "ALTER TABLE staging.a.b ALTER COLUMN c SET MASK staging.f.m USING COLUMNS (a)",
    "ALTER TABLE staging.a.b SET ROW FILTER staging.f.m ON (a)",
    "ALTER SCHEMA staging.a OWNER TO `me`",
    "ALTER SCHEMA staging.a SET RETAIN DROPPED TO 0 HOURS",
    "ALTER TABLE staging.a.b DROP CONSTRAINT IF EXISTS `c`",
    "ALTER VIEW staging.a.v AS SELECT upper(a) AS a FROM staging.a.b",
    "INSERT INTO staging.a.b (SELECT 1)",
  ])("%s", (statement) => {
    expect(whyNotChange(statement, scope)).toBeUndefined();
  });
});

describe("anything else is refused before it is sent", () => {
  test.each([
    ["another catalog", "DROP TABLE classwaves.a.b", "classwaves.a.b, which is not in catalog staging"],
    ["a name without its catalog", "DROP TABLE a.b", "a.b is not the full name"],
    ["a rename out of the copy", "ALTER TABLE staging.a.b RENAME TO classwaves.a.b", "classwaves.a.b, which is not in"],
    ["a rename without a catalog", "ALTER TABLE staging.a.b RENAME TO b", "b is not the full name"],
    ["two statements", "TRUNCATE TABLE staging.a.b; TRUNCATE TABLE classwaves.a.b", "more than one statement"],
    ["the catalog itself", "DROP CATALOG staging CASCADE", "catalog staging itself"],
    ["a grant on production", "GRANT ALL PRIVILEGES ON CATALOG classwaves TO `all`", "classwaves, which is not in"],
    ["a function that reaches out", "INSERT INTO staging.a.b SELECT ai_query('m', name) FROM classwaves.a.b", "ai_query()"],
    ["a function of a user", "INSERT INTO staging.a.b SELECT classwaves.f.leak(name) FROM classwaves.a.b", "leak() of a schema"],
    ["a write within", "CREATE TABLE staging.a.b AS SELECT * FROM (DELETE FROM classwaves.a.b)", "it contains DELETE"],
    ["a read", "SELECT 1", "begins with SELECT"],
    ["a merge", "MERGE INTO staging.a.b USING s ON true WHEN MATCHED THEN DELETE", "begins with MERGE"],
    ["a hidden name", "DROP TABLE IDENTIFIER('classwaves.a.b')", "identifier()"],
    ["a variable that Spark replaces", "DROP TABLE staging.a.$" + "{b}", "$" + "{"],
    ["another location", "CREATE TABLE classwaves.a.b LIKE staging.a.b", "classwaves.a.b, which is not in"],
    ["nothing", "", "begins with nothing"],
    ["a key in plain text", "INSERT INTO staging.a.b SELECT secret('s', 'k')", "secret()"],
    ["a key beside a hash", "INSERT INTO staging.a.b SELECT concat(sha2(id, 256), secret('s', 'k')) FROM c.a.b", "secret()"],
    ["a key of a column's name", "INSERT INTO staging.a.b SELECT sha2(secret(scope, 'k'), 256) FROM c.a.b", "secret()"],
    ["a key in double quotes", 'INSERT INTO staging.a.b SELECT sha2(secret("s", "k"), 256) FROM c.a.b', "secret()"],
    ["a key with more arguments", "INSERT INTO staging.a.b SELECT sha2(secret('s', 'k', id), 256) FROM c.a.b", "secret()"],
    ["a key that may be missing", "INSERT INTO staging.a.b SELECT sha2(try_secret('s', 'k'), 256) FROM c.a.b", "try_secret()"],
    ["a quoted function", "INSERT INTO staging.a.b SELECT sha2(`secret`('s', 'k'), 256) FROM c.a.b", "secret()"],
    ["a function of that name", "INSERT INTO staging.a.b SELECT sha2(staging.f.secret('s', 'k'), 256) FROM c.a.b", "secret()"],
    ["a hash of one's own", "INSERT INTO staging.a.b SELECT staging.f.sha2(secret('s', 'k'), 256) FROM c.a.b", "secret()"],
    ["a key in a view", "CREATE VIEW staging.a.v AS SELECT sha2(secret('s', 'k'), 256) AS h", "secret()"],
    ["a key in a comment", "COMMENT ON TABLE staging.a.b IS sha2(secret('s', 'k'), 256)", "secret()"],
    ["the hash of a letter of a key", "INSERT INTO staging.a.b SELECT sha2(left(secret('s', 'k'), 1), 256)", "secret()"],
    [
      "a letter of a joined key",
      "INSERT INTO staging.a.b SELECT sha2(left(concat(secret('s', 'k'), id), 1), 256) FROM c.a.b",
      "secret()",
    ],
    [
      "a key in an error",
      "INSERT INTO staging.a.b SELECT sha2(concat(CAST(secret('s', 'k') AS INT), id), 256) FROM c.a.b",
      "secret()",
    ],
    [
      "a key that is compared",
      "INSERT INTO staging.a.b SELECT sha2(concat(secret('s', 'k') < 'm', id), 256) FROM c.a.b",
      "secret()",
    ],
    ["a joined key that is compared", "INSERT INTO staging.a.b SELECT sha2(concat(secret('s', 'k'), '') < 'm', 256)", "secret()"],
    [
      "a key that decides",
      "INSERT INTO staging.a.b SELECT sha2(id, CASE WHEN secret('s', 'k') < 'm' THEN 256 ELSE 512 END) FROM c.a.b",
      "secret()",
    ],
    [
      "a key that every later row is hashed with",
      "CREATE TABLE staging.a.b (id STRING, h STRING GENERATED ALWAYS AS (sha2(concat(secret('s', 'k'), id), 256)))",
      "secret()",
    ],
    [
      "the same, replaced",
      "CREATE OR REPLACE TABLE staging.a.b (id STRING, h STRING DEFAULT sha2(concat(secret('s', 'k'), 'x'), 256))",
      "secret()",
    ],
    ["a key to delete by", "DELETE FROM staging.a.b WHERE id = sha2(secret('s', 'k'), 256)", "secret()"],
    ["production's files as a table", "CREATE TABLE staging.a.b (id INT) LOCATION 's3://production/a/b'", "LOCATION"],
    [
      "production's files, replaced",
      "CREATE OR REPLACE TABLE staging.a.b LOCATION 's3://production/a/b' AS SELECT 1 AS id",
      "LOCATION",
    ],
    [
      "production's files, of a format",
      "CREATE TABLE staging.a.b USING parquet OPTIONS (path 's3://production') AS SELECT 1",
      "USING",
    ],
    ["another system's table", "CREATE TABLE staging.a.b USING jdbc OPTIONS (url 'jdbc:x', dbtable 'y')", "USING"],
    ["options with a path", "CREATE TABLE staging.a.b (id INT) OPTIONS (path 's3://production')", "OPTIONS"],
    ["a clone to elsewhere", "CREATE TABLE staging.a.b DEEP CLONE classwaves.a.b LOCATION 's3://x'", "LOCATION"],
    ["a structure elsewhere", "CREATE TABLE staging.a.b LIKE classwaves.a.b LOCATION 's3://x'", "LOCATION"],
    ["a schema elsewhere", "CREATE SCHEMA staging.a MANAGED LOCATION 's3://production'", "LOCATION"],
    [
      "a table moved onto production's files",
      "ALTER TABLE staging.a.b SET LOCATION 's3://production/a/b'",
      "alters by SET LOCATION",
    ],
    [
      "a partition of production's files",
      "ALTER TABLE staging.a.b ADD PARTITION (d = 1) LOCATION 's3://x'",
      "alters by ADD PARTITION",
    ],
    ["a partition moved", "ALTER TABLE staging.a.b PARTITION (d = 1) SET LOCATION 's3://x'", "alters by PARTITION"],
    [
      "exchanged partitions",
      "ALTER TABLE staging.a.b EXCHANGE PARTITION (d = 1) WITH TABLE classwaves.a.b",
      "alters by EXCHANGE",
    ],
    ["a format of files", "ALTER TABLE staging.a.b SET FILEFORMAT parquet", "alters by SET FILEFORMAT"],
    ["a share as the catalog", "CREATE CATALOG staging USING SHARE p.s", "catalog staging itself"],
    ["a query without AS", "CREATE TABLE staging.a.b SELECT classwaves.f.leak(1)", "leak() of a schema"],
    [
      "a query without AS after WITH",
      "CREATE TABLE staging.a.b USING delta WITH t AS (SELECT 1) SELECT classwaves.f.leak(1)",
      "leak() of a schema",
    ],
    ["a script", "CREATE TABLE staging.a.b AS MAP id USING 'sh' AS id FROM classwaves.a.b", "begins with MAP"],
    ["a script of an old form", "CREATE TABLE staging.a.b AS FROM classwaves.a.b MAP id USING 'sh'", "begins with FROM"],
    [
      "rows replaced by a user's function",
      "INSERT INTO staging.a.b REPLACE WHERE classwaves.f.leak(id) SELECT 1 AS id",
      "only be columns and BY NAME",
    ],
    ["rows deleted by a user's function", "DELETE FROM staging.a.b WHERE classwaves.f.leak(id)", "leak() of a schema"],
    [
      "a view that gets a user's function",
      "ALTER VIEW staging.a.v AS SELECT classwaves.f.leak(id) AS id FROM staging.a.b",
      "leak() of a schema",
    ],
    ["a grant on two things", "GRANT SELECT ON TABLE staging.a.b, classwaves.a.b TO `all`", "more than one thing"],
    ["two tables", "DROP TABLE staging.a.b, classwaves.a.b", "more than one thing"],
    ["a rename and more", "ALTER TABLE staging.a.b RENAME TO staging.a.c, classwaves.a.b", "more than a rename"],
    ["a letter that looks like another", "DROP TABLE `sta\u212aing`.a.b", "looks like another"],
  ])("%s", (_what, statement, why) => {
    expect(whyNotChange(statement, scope)).toContain(why);
  });

  test("a schema of another run", () => {
    const own: WritableScope = { ...scope, ownsSchema: (schema) => schema.startsWith("run_7_") };
    expect(whyNotChange("DROP SCHEMA staging.run_7_users CASCADE", own)).toBeUndefined();
    expect(whyNotChange("DROP SCHEMA staging.run_8_users CASCADE", own)).toContain("not one of this run");
    expect(whyNotChange("DROP TABLE staging.users.teachers", own)).toContain("not one of this run");
  });

  test("a catalog that is its own may be made and dropped", () => {
    expect(whyNotChange("CREATE CATALOG IF NOT EXISTS staging", { ...scope, ownsCatalog: true })).toBeUndefined();
    expect(whyNotChange("DROP CATALOG IF EXISTS staging CASCADE", { ...scope, ownsCatalog: true })).toBeUndefined();
    expect(whyNotChange("DROP CATALOG classwaves CASCADE", { ...scope, ownsCatalog: true })).toContain("not in catalog staging");
  });

  test("of one that isn't, only the labels", () => {
    const labels: WritableScope = { ...scope, labelsCatalog: true };
    for (const statement of [
      "COMMENT ON CATALOG staging IS 'the copy'",
      "GRANT USE CATALOG ON CATALOG staging TO `readers`",
      "REVOKE USE CATALOG ON CATALOG `staging` FROM `readers`",
      "ALTER CATALOG staging SET TAGS ('team' = 'classroom')",
      "ALTER CATALOG staging UNSET TAGS ('team')",
      "SET TAG ON CATALOG staging team = classroom",
    ]) {
      expect(whyNotChange(statement, labels)).toBeUndefined();
      expect(whyNotChange(statement.replace("staging", "classwaves"), labels)).toBeDefined();
      expect(whyNotChange(statement, scope)).toContain("catalog staging itself");
    }
    expect(whyNotChange("DROP CATALOG staging", labels)).toContain("catalog staging itself");
    expect(whyNotChange("CREATE CATALOG staging", labels)).toContain("catalog staging itself");
    expect(whyNotChange("ALTER CATALOG staging OWNER TO `me`", labels)).toContain("catalog staging itself");
    expect(whyNotChange("ALTER CATALOG staging OWNER TO `me`", { ...scope, ownsCatalog: true })).toContain("only changes tags");
  });

  test("catalogs that other runs left are its own by their names, and no other", () => {
    const own: WritableScope = {
      ...{ catalog: "classwaves_ea_2", ownsCatalog: true, ownsCatalogs: (name) => /^classwaves_ea_\d$/.test(name) },
    };
    expect(whyNotChange("DROP CATALOG IF EXISTS `classwaves_EA_1` CASCADE", own)).toBeUndefined();
    expect(whyNotChange("DROP CATALOG classwaves CASCADE", own)).toContain("not in catalog classwaves_ea_2");
    expect(whyNotChange("DROP TABLE classwaves.a.b", own)).toContain("not in catalog classwaves_ea_2");
    expect(whyNotChange("CREATE TABLE classwaves_ea_2.a.b SHALLOW CLONE classwaves.a.b VERSION AS OF 3", own)).toBeUndefined();
    expect(whyNotChange("ALTER TABLE classwaves_ea_2.a.b RENAME TO classwaves.a.b", own)).toContain("not in catalog");
    expect(whyNotChange("DROP CATALOG classwaves_ea_1 CASCADE", { ...own, ownsCatalog: false })).toContain("itself");
  });
});
