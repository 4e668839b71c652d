import fc from "fast-check";
import { expect, test } from "vitest";
import { qualifiedName, whyNotReading } from "../../src/warehouse/statements.ts";

const reads = [
  "SELECT 1",
  "select * from sessions.classroom_sessions where title = 'DELETE FROM x; DROP TABLE y'",
  "WITH recent AS (SELECT id FROM a.b) SELECT count(*) FROM recent",
  "/* INSERT INTO x */ SELECT 1 -- DELETE FROM y",
  "SELECT `delete`, `set` FROM t",
  "SHOW TABLES IN classwaves.sessions",
  "SHOW CREATE TABLE t",
  "DESCRIBE HISTORY classwaves.sessions.classroom_sessions",
  "EXPLAIN SELECT 1",
  "SELECT t.update FROM t",
  "(SELECT 1) UNION ALL (SELECT 2);",
  "SELECT r'\\' AS raw",
  'SELECT "drop" AS text',
  "SELECT startswith(id, :prefix) FROM t VERSION AS OF 3",
];

const writes = [
  "DELETE FROM t",
  "  delete\nfrom t",
  "/* SELECT */ DELETE FROM t",
  "SELECT 1; DELETE FROM t",
  "SELECT 1;;DROP TABLE t",
  "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
  "WITH x AS (DELETE FROM t) SELECT 1",
  "EXPLAIN DELETE FROM t",
  "SELECT 1 -- comment\n; TRUNCATE TABLE t",
  "SELECT 1 /* a /* nested */ */ ; UPDATE t SET a = 1",
  "SELECT * INTO t FROM u",
  "CREATE TABLE t AS SELECT 1",
  "INSERT INTO t VALUES (1)",
  "MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE",
  "GRANT MODIFY ON TABLE t TO me",
  "RESTORE TABLE t TO VERSION AS OF 1",
  "OPTIMIZE t",
  "VACUUM t",
  "USE CATALOG other",
  "SET x = 1",
  "CALL p()",
  "EXECUTE IMMEDIATE 'DELETE FROM t'",
  "BEGIN DELETE FROM t; END",
  "SELECT ai_query('model', 'x')",
  "SELECT http_request(conn => 'c', method => 'POST')",
  "SELECT java_method('java.lang.Runtime', 'exec')",
  "FROM t INSERT OVERWRITE u SELECT *",
  "",
  "   ",
  "-- only a comment",
  "SELECT 'unfinished",
  "SELECT 1 /* unfinished",
  "SELECT `unfinished",
  "\u00a0DELETE FROM t",
  "ＤＥＬＥＴＥ FROM t",
];

test.each(reads)("reads: %s", (statement) => {
  expect(whyNotReading(statement)).toBeUndefined();
});

test.each(writes)("refused: %s", (statement) => {
  expect(whyNotReading(statement)).toBeTypeOf("string");
});

test("a write behind any comment, string or name is still seen", () => {
  const noise = fc.constantFrom(
    "/* x */",
    "-- x\n",
    " ",
    "\n",
    "'text;'",
    "`name`",
    '"text"',
    "(",
    ")",
    "1",
    ",",
    "r'\\'",
    "''''",
    "/* ; -- */",
  );
  const write = fc.constantFrom("DELETE FROM t", "DROP TABLE t", "INSERT INTO t VALUES (1)", "UPDATE t SET a = 1");
  fc.assert(
    fc.property(
      fc.array(noise, { maxLength: 8 }),
      write,
      (before, statement) => whyNotReading(`SELECT 1 ${before.join(" ")} ; ${statement}`) !== undefined,
    ),
    { numRuns: 2000 },
  );
});

test("a name cannot leave its quotes", () => {
  expect(qualifiedName("c`x", "s.t")).toBe("`c``x`.`s`.`t`");
});
