import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { connect, type Options, schema, type TestClient } from "./client.ts";

// DuckDB is not Databricks. These are the cases in which the two differ, or in which a wrong translation would go unnoticed.
let warehouse: Warehouse;
let client: TestClient;

beforeAll(async () => {
  warehouse = await startWarehouse({ principals: { token: { user: "admin@school.test", grants: [], admin: true } } });
  await warehouse.createTables(schema);
  await warehouse.load(`INSERT INTO sessions.classroom_sessions (id, title, students, score, created_at) VALUES
    ('integration_test_1', 'one', 1, 1.25, '2024-01-01'), ('integrationXtest_2', 'two', 2, NULL, '2024-02-01'), ('other', NULL, NULL, 3, NULL)`);
  client = await connect(warehouse, "token");
});

afterAll(async () => {
  await client.close();
  await warehouse.stop();
});

describe("expressions", () => {
  it.each<[string, unknown]>([
    ["'it\\'s'", "it's"],
    ['"double"', "double"],
    ["r'raw\\d'", "raw\\d"],
    ["'a' 'b'", "ab"],
    ["'tab\\tnew\\n\\u0041'", "tab\tnew\nA"],
    ["'100\\%' LIKE '100\\%'", false], // the text keeps its backslash, the pattern's escapes
    ["'100%' LIKE '100\\%'", true],
    ["'a_b' LIKE 'a\\_b'", true],
    ["'axb' LIKE 'a\\_b'", false],
    ["'axb' LIKE 'a_b'", true],
    ["'AB' ILIKE 'a%'", true],
    ["startswith('integrationXtest', 'integration_')", false],
    ["endswith('x@testschool.edu', '@testschool.edu')", true],
    ["regexp_extract('test_1763900000000_a', '(^|[^0-9])([0-9]{13})([^0-9]|$)', 2)", "1763900000000"],
    ["regexp_extract('test_17639000000001', '(^|[^0-9])([0-9]{13})([^0-9]|$)', 2)", ""],
    ["regexp_extract('100-200', '([0-9]+)-([0-9]+)')", "100"],
    ["(SELECT count_if(x > 1) FROM (SELECT 1 AS x) WHERE x > 5)", 0n], // DuckDB alone would answer NULL
    ["(SELECT count_if(x > 1) FROM (SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT NULL))", 1n],
    ["NULL <=> NULL", true],
    ["1 == 1 AND 1 != 2", true],
    ["CAST(1.9 AS INT)", 1], // DuckDB alone would round
    ["CAST(-1.9D AS BIGINT)", -1n],
    ["CAST(' 12 ' AS INT)", 12],
    ["TRY_CAST('x' AS INT)", null],
    ["7 / 2", 3.5],
    ["-7 % 3", -1],
    ["round(2.675D, 2)", 2.68],
    ["round(2.5)", "3"], // a decimal stays a decimal
    ["round(1.25, 1)", "1.3"],
    ["round(7)", 7],
    ["concat('a', NULL)", null], // DuckDB's own concat skips NULL
    ["'a' || 1", "a1"],
    ["substring('abc', 0, 2)", "ab"],
    ["substr('abc', 2)", "bc"],
    ["length('é😀')", 2],
    ["sha2('a', 256)", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"],
    ["floor(-1.5D)", -2n],
    ["greatest(1, NULL, 3)", 3],
    ["if(1 > 2, 'a', 'b')", "b"],
    ["CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END", "b"],
    ["2 BETWEEN 1 AND 3 AND NOT 5 BETWEEN 1 AND 3", true],
    ["3 IN (1, 2) OR 3 NOT IN (1, 2)", true],
    ["CAST(TIMESTAMP '2024-01-01 10:00:00.5' AS STRING)", "2024-01-01 10:00:00.5"],
    ["TIMESTAMP '2024-01-01T00:00:00+02:00' = TIMESTAMP '2023-12-31 22:00:00'", true],
    ["datediff('2024-03-01', '2024-02-28')", 2],
    ["timestampdiff(HOUR, '2024-01-01 00:00', '2024-01-01 01:59')", 1n],
    ["dayofweek(DATE '2024-01-07')", 1],
    ["unix_millis(TIMESTAMP '1970-01-01 00:00:01')", 1000n],
    ["date_format(TIMESTAMP '2024-01-02 03:04:05', 'yyyy-MM-dd HH:mm:ss')", "2024-01-02 03:04:05"],
    ["DATE '2024-01-31' + 1 = date_add('2024-01-31', 1)", true],
    ["array_contains(from_json('[\"a\",\"b\"]', 'array<string>'), 'b')", true],
    ["from_json('broken', 'array<string>')", null],
    ["map('a', 'b')['a']", "b"],
    ["size(array(1, 2, 3))", 3],
    ["transform(array('a', 'b'), x -> concat(x, '!'))", ["a!", "b!"]],
    ["transform(array('a', 'b'), (x, i) -> concat(x, i))", ["a0", "b1"]], // DuckDB alone would count from 1
    ["transform(array(array(1), array(2)), (x, i) -> transform(x, (y, j) -> y + i + j))", [[1], [3]]],
    ["filter(array(1, 2, 3), x -> x > 1)", [2, 3]],
    ["flatten(array(array(1), array(2, 3)))", [1, 2, 3]],
    ["flatten(array(array(1), NULL))", null],
    ["array_compact(array(1, NULL))", [1]],
    ["array_distinct(array(2, NULL, 1, 2, NULL))", [2, null, 1]],
    ["array_sort(array(2, NULL, 1))", [1, 2, null]],
    ["array_join(array('a', NULL, 'b'), '-')", "a-b"],
    ["element_at(array('a', 'b'), 2)", "b"],
    ["try_element_at(map('a', 'b'), 'z')", null],
    ["map_from_entries(transform(map_entries(map('a', 'b')), x -> named_struct('key', x.value, 'value', x.key)))['b']", "a"],
    ["conv('ff', 16, 10)", "255"],
    ["regexp_like('abc', '^a(b|x)c$')", true],
    ["rand() >= 0 AND rand() < 1", true],
    ["get_json_object('{\"a\":{\"b\":[1,2]}}', '$.a.b[1]')", "2"],
    ["current_user()", "admin@school.test"],
    ["current_catalog()", "classwaves"],
    ["current_version().dbsql_version", "2026.30"],
    ["current_version().dbr_version", null],
  ])("%s", async (expression, expected) => {
    expect(await client.rows(`SELECT ${expression} AS value`)).toEqual([{ value: expected }]);
  });
});

describe("queries", () => {
  it.each<[string, string, Options, unknown[]]>([
    ["nulls come first, as the smallest", "SELECT title FROM classroom_sessions ORDER BY title", {}, [null, "one", "two"]],
    ["and last when descending", "SELECT title FROM classroom_sessions ORDER BY title DESC", {}, ["two", "one", null]],
    [
      "named parameters",
      "SELECT id FROM classroom_sessions WHERE startswith(id, :p)",
      { namedParameters: { p: "integration_" } },
      ["integration_test_1"],
    ],
    [
      "ordinal parameters",
      "SELECT id FROM classroom_sessions WHERE students > ? AND id LIKE ?",
      { ordinalParameters: [1, "int%"] },
      ["integrationXtest_2"],
    ],
    [
      "a text as a timestamp",
      "SELECT id FROM classroom_sessions WHERE created_at > :t",
      { namedParameters: { t: "2024-01-15T00:00:00Z" } },
      ["integrationXtest_2"],
    ],
    [
      "a date as a timestamp",
      "SELECT id FROM classroom_sessions WHERE created_at < :t",
      { namedParameters: { t: new Date("2024-01-15") } },
      ["integration_test_1"],
    ],
    [
      "a hostile text stays a text",
      "SELECT id FROM classroom_sessions WHERE id = :p",
      { namedParameters: { p: "x' OR '1'='1" } },
      [],
    ],
    [
      "an id list as one parameter",
      "SELECT id FROM classroom_sessions WHERE id IN (SELECT explode(from_json(:ids, 'array<string>')))",
      { namedParameters: { ids: '["other","nobody"]' } },
      ["other"],
    ],
    ["LATERAL VIEW", "SELECT t.c FROM (SELECT 1 AS a) LATERAL VIEW explode(array('x', 'y')) t AS c", {}, ["x", "y"]],
    ["whole numbers from range", "SELECT id FROM range(2, 4) r WHERE r.id < 9", {}, [2n, 3n]],
    ["range without a start", "SELECT id FROM range(2)", {}, [0n, 1n]],
    ["hexadecimal digits as a number", "SELECT conv('fffffffffffff', 16, 10) AS a", {}, ["4503599627370495"]],
    [
      "common table expressions",
      "WITH a AS (SELECT id FROM classroom_sessions), b(n) AS (SELECT count(*) FROM a) SELECT n FROM b",
      {},
      [3n],
    ],
    [
      "a common table expression hides a table",
      "WITH classroom_sessions AS (SELECT 'cte' AS id) SELECT id FROM classroom_sessions",
      {},
      ["cte"],
    ],
    ["three-part names, quoted", "SELECT count(*) FROM `classwaves`.sessions.`classroom_sessions`", {}, [3n]],
    [
      "semi join",
      "SELECT a.id FROM classroom_sessions a LEFT SEMI JOIN classroom_sessions b ON a.students = b.students AND b.students = 2",
      {},
      ["integrationXtest_2"],
    ],
    [
      "anti join",
      "SELECT a.id FROM classroom_sessions a LEFT ANTI JOIN classroom_sessions b ON a.students = b.students",
      {},
      ["other"],
    ],
    ["UNION and its order", "(SELECT 1 AS a UNION ALL SELECT 2) ORDER BY a DESC LIMIT 1", {}, [2]],
    [
      "HAVING and GROUP BY place",
      "SELECT left(id, 3), count(*) FROM classroom_sessions GROUP BY 1 HAVING count(*) > 1",
      {},
      ["int"],
    ],
    ["DISTINCT within an aggregate", "SELECT sum(DISTINCT students) FROM classroom_sessions", {}, [3n]],
    [
      "a long chain of operators",
      `SELECT ${Array(30).fill("students").join(" - ")} FROM classroom_sessions WHERE students = 1`,
      {},
      [-28],
    ],
    [
      "a long concatenation",
      `SELECT ${Array(30).fill("id").join(" || ")} = repeat(id, 30) FROM classroom_sessions WHERE students = 1`,
      {},
      [true],
    ],
    [
      "a grouped expression",
      "SELECT concat(left(id, 3), '!') FROM classroom_sessions GROUP BY concat(left(id, 3), '!') ORDER BY 1",
      {},
      ["int!", "oth!"],
    ],
    [
      "a very long condition",
      `SELECT count(*) FROM classroom_sessions WHERE ${Array.from({ length: 3000 }, (_, n) => `id = 'x${n}'`).join(" OR ")}`,
      {},
      [0n],
    ],
    ["QUALIFY", "SELECT id FROM classroom_sessions QUALIFY row_number() OVER (ORDER BY id DESC) = 1", {}, ["other"]],
    ["inline table", "SELECT b FROM VALUES (1, 'x'), (2, 'y') AS t(a, b) WHERE a = 2", {}, ["y"]],
    ["columns of VALUES", "SELECT col2 FROM (VALUES (1, 'x'))", {}, ["x"]],
    ["comments", "/* run /* nested */ 1 */ SELECT 1 -- done", {}, [1]],
  ])("%s", async (_, sql, options, expected) => {
    const rows = await client.rows(sql, options);
    expect(rows.map((row) => Object.values(row)[0])).toEqual(expected);
  });

  it("names columns without an alias like Databricks", async () => {
    const [row] = await client.rows(
      "SELECT count(*), max(students), 1 + 1, 'x', CAST('1' AS INT), count(DISTINCT id) FROM classroom_sessions",
    );
    expect(Object.keys(row ?? {})).toEqual(["count(1)", "max(students)", "(1 + 1)", "x", "CAST(1 AS INT)", "count(DISTINCT id)"]);
  });
});

describe("errors", () => {
  it.each([
    ["SELEKT 1", "42601", "PARSE_SYNTAX_ERROR"],
    ["SELECT FROM classroom_sessions", "42601", "PARSE_SYNTAX_ERROR"],
    ["SELECT 1; SELECT 2", "42601", "PARSE_SYNTAX_ERROR"],
    ["SELECT 'open", "42601", "PARSE_SYNTAX_ERROR"],
    ["SELECT /* open", "42601", "UNCLOSED_BRACKETED_COMMENT"],
    ["SELECT * FROM nowhere", "42P01", "TABLE_OR_VIEW_NOT_FOUND"],
    ["SELECT * FROM other.sessions.classroom_sessions", "42P01", "TABLE_OR_VIEW_NOT_FOUND"],
    ["DELETE FROM nowhere", "42P01", "TABLE_OR_VIEW_NOT_FOUND"],
    ["SELECT * FROM classwaves.__history.`sessions.classroom_sessions`", "42P01", "TABLE_OR_VIEW_NOT_FOUND"],
    ["SELECT * FROM pg_catalog.pg_tables", "42P01", "TABLE_OR_VIEW_NOT_FOUND"],
    ["SELECT nothing FROM classroom_sessions", "42703", "UNRESOLVED_COLUMN"],
    ["DELETE FROM classroom_sessions WHERE nothing = 1", "42703", "UNRESOLVED_COLUMN"],
    ["UPDATE classroom_sessions SET nothing = 1", "42703", "UNRESOLVED_COLUMN"],
    ["SELECT id AS x FROM classroom_sessions WHERE x = 'other'", "42703", "UNRESOLVED_COLUMN"],
    ["INSERT INTO classroom_sessions (id) VALUES ('a', 'b')", "21S01", "INSERT_COLUMN_ARITY_MISMATCH"],
    ["INSERT INTO classroom_sessions SELECT 'a'", "21S01", "INSERT_COLUMN_ARITY_MISMATCH"],
    ["INSERT INTO classroom_sessions (id, students) VALUES ('a', 'many')", "22018", "CAST_INVALID_INPUT"],
    ["INSERT INTO classroom_sessions (id, ID) VALUES ('a', 'b')", "42711", "COLUMN_ALREADY_EXISTS"],
    ["UPDATE classroom_sessions SET title = 'a', title = 'b'", "42711", "COLUMN_ALREADY_EXISTS"],
    ["CREATE TABLE twice (a INT, A STRING)", "42711", "COLUMN_ALREADY_EXISTS"],
    ["SELECT CAST('2024-13-01' AS DATE)", "22018", "CAST_INVALID_INPUT"],
    ["SELECT CAST('x' AS INT)", "22018", "CAST_INVALID_INPUT"],
    ["SELECT CAST('1.5' AS INT)", "22018", "CAST_INVALID_INPUT"],
    ["SELECT 2147483647 + 1", "22003", "ARITHMETIC_OVERFLOW"],
    ["SELECT 1 / 0", "22012", "DIVIDE_BY_ZERO"],
    ["SELECT 1 % 0", "22012", "DIVIDE_BY_ZERO"],
    ["SELECT :missing", "42P02", "UNBOUND_SQL_PARAMETER"],
    ["SELECT id, count(*) FROM classroom_sessions", "42803", "MISSING_AGGREGATION"],
    ["USE SCHEMA nowhere", "42704", "SCHEMA_NOT_FOUND"],
    ["CREATE TABLE classroom_sessions (a INT)", "42P07", "TABLE_OR_VIEW_ALREADY_EXISTS"],
    ["DROP SCHEMA sessions", "2BP01", "SCHEMA_NOT_EMPTY"],
    ["SET nonsense = 1", "42K0I", "CONFIG_NOT_AVAILABLE"],
  ])("%s → %s", async (sql, sqlState, errorClass) => {
    const failure = await client.failure(sql);
    expect(failure).toMatchObject({ sqlState, message: expect.stringContaining(`[${errorClass}`) });
  });

  // Each of these would run in DuckDB with another meaning, or isn't known to mean the same.
  it.each([
    "SELECT 'it''s'",
    "SELECT array(1, 2)[0]",
    "SELECT 1.5 / 2.5",
    "SELECT avg(score) FROM classroom_sessions",
    "SELECT DATE '2024-01-02' - DATE '2024-01-01'",
    "SELECT sum(true)",
    "SELECT CAST(1e10D AS STRING)",
    "SELECT CAST(array(1) AS STRING)",
    "SELECT id RLIKE 'a.*' FROM classroom_sessions",
    "SELECT hash(1)",
    "SELECT read_csv('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT 5 & 3",
    "SELECT 7 DIV 2",
    "SELECT substring('abc', -2)",
    "SELECT date_format(now(), 'EEEE')",
    "SELECT CAST(now() AS BIGINT)",
    "MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE",
    "CREATE SCHEMA main",
    "CREATE TABLE hidden (rowid INT)",
    "ALTER TABLE classroom_sessions SET LOCATION 'other'",
    "SET TIME ZONE 'Europe/Berlin'",
    "SET ansi_mode = false",
    "COPY INTO classroom_sessions FROM '/tmp/x'",
  ])("refuses %s", async (sql) => {
    const failure = await client.failure(sql);
    expect(["0A000", "42K09", "22018"]).toContain(failure.sqlState);
  });

  it("changes nothing if a statement fails half-way", async () => {
    const before = await warehouse.checksum();
    await client.failure("UPDATE classroom_sessions SET students = CAST(title AS INT)");
    await client.failure("INSERT INTO classroom_sessions (id, students) SELECT id, CAST(title AS INT) FROM classroom_sessions");
    expect(await warehouse.checksum()).toEqual(before);
    expect((await client.rows("DESCRIBE HISTORY classroom_sessions")).length).toBe(2);
  });
});

describe("describing", () => {
  it("DESCRIBE TABLE", async () => {
    expect(await client.rows("DESCRIBE TABLE sessions.classroom_sessions")).toEqual([
      { col_name: "id", data_type: "string", comment: null },
      { col_name: "title", data_type: "string", comment: null },
      { col_name: "students", data_type: "int", comment: null },
      { col_name: "score", data_type: "decimal(5,2)", comment: null },
      { col_name: "created_at", data_type: "timestamp", comment: null },
      { col_name: "settings", data_type: "map<string,string>", comment: null },
    ]);
  });

  it("DESCRIBE EXTENDED, DETAIL and QUERY", async () => {
    const extended = await client.rows("DESCRIBE EXTENDED users.teachers");
    expect(extended).toContainEqual({ col_name: "Owner", data_type: "admin", comment: "" });
    expect(await client.rows("DESCRIBE DETAIL users.teachers")).toMatchObject([
      { format: "delta", name: "classwaves.users.teachers" },
    ]);
    expect(
      await client.rows("DESCRIBE QUERY SELECT sum(students) AS s, avg(students) AS a FROM classroom_sessions"),
    ).toMatchObject([
      { col_name: "s", data_type: "bigint" },
      { col_name: "a", data_type: "double" },
    ]);
  });

  it("SHOW with patterns", async () => {
    expect(await client.rows("SHOW TABLES IN users LIKE 'teach*'")).toEqual([
      { database: "users", tableName: "teachers", isTemporary: false },
    ]);
    expect((await client.rows("SHOW SCHEMAS")).map((row) => row.databaseName)).toEqual([
      "default",
      "information_schema",
      "sessions",
      "users",
    ]);
    expect(await client.rows("SHOW CATALOGS")).toEqual([{ catalog: "classwaves" }]);
    expect((await client.rows("SHOW COLUMNS IN users.teachers"))[0]).toEqual({ col_name: "id" });
  });

  it("information_schema.columns gives the real types, in order", async () => {
    const rows = await client.rows(
      "SELECT column_name, full_data_type, ordinal_position FROM classwaves.information_schema.columns WHERE table_name = 'teachers' ORDER BY ordinal_position",
    );
    expect(rows.map((row) => Object.values(row))).toEqual([
      ["id", "string", 1],
      ["email", "string", 2],
      ["born", "date", 3],
      ["active", "boolean", 4],
      ["logins", "bigint", 5],
    ]);
  });
});

describe("large statements", () => {
  it("takes an INSERT of thousands of rows", async () => {
    await client.rows("CREATE TABLE large (id STRING, n INT)");
    const rows = Array.from({ length: 5000 }, (_, index) => `('row_${index}', ${index})`);
    expect(await client.rows(`INSERT INTO large VALUES ${rows.join(", ")}`)).toMatchObject([{ num_affected_rows: 5000n }]);
    expect(await client.rows("SELECT sum(n) AS s FROM large")).toEqual([{ s: 12497500n }]);
  });
});

describe("defining", () => {
  it("creates, fills, replaces and drops a table", async () => {
    await client.rows("CREATE SCHEMA IF NOT EXISTS staging");
    await client.rows(
      "CREATE TABLE staging.copy AS SELECT sha2(id, 256) AS id, students FROM classroom_sessions WHERE students IS NOT NULL",
    );
    expect(await client.rows("SELECT length(id) AS l, students FROM staging.copy ORDER BY students")).toEqual([
      { l: 64, students: 1 },
      { l: 64, students: 2 },
    ]);
    await client.rows("CREATE OR REPLACE TABLE staging.copy AS SELECT * FROM staging.copy WHERE students = 2");
    expect(await client.rows("SELECT students FROM staging.copy")).toEqual([{ students: 2 }]);
    await client.rows("DROP SCHEMA staging CASCADE");
    expect((await client.failure("SELECT * FROM staging.copy")).sqlState).toBe("42P01");
  });
});
