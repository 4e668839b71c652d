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

// What is refused stands in reader.test.ts: there it is also shown that nothing leaves.
test.each(reads)("reads: %s", (statement) => {
  expect(whyNotReading(statement)).toBeUndefined();
});

test("a name cannot leave its quotes", () => {
  expect(qualifiedName("c`x", "s.t")).toBe("`c``x`.`s`.`t`");
});
