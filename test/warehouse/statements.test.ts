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
  "SELECT count(*) FROM sessions.classroom_sessions WHERE created_at > current_timestamp() - INTERVAL 1 DAY",
  "SELECT * FROM t TIMESTAMP AS OF date_sub(current_date(), 1)",
  "SELECT t.*, row_number() OVER (PARTITION BY t.a ORDER BY t.b DESC) AS n FROM t QUALIFY n = 1",
  "SELECT a, sum(b) FILTER (WHERE c > 0) FROM t GROUP BY ALL HAVING sum(b) > 10",
  "SELECT a FROM t WHERE b IN (SELECT b FROM u) AND EXISTS (SELECT 1 FROM v) AND NOT (c BETWEEN 1 AND (2))",
  "SELECT * FROM a LEFT JOIN b USING (id) LEFT ANTI JOIN c ON (a.id = c.id)",
  "SELECT explode(from_json(:list, 'array<string>')) AS id",
  "SELECT id, value FROM t LATERAL VIEW explode(split(tags, ',')) AS value",
  "SELECT CAST(a AS DECIMAL(10, 2)), try_cast(b AS VARCHAR(20)), c::int FROM t",
  "SELECT CASE WHEN a = 1 THEN 'one' ELSE (SELECT 'more') END FROM t",
  "SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY ms) FROM t",
  "SELECT transform(array(1, 2), x -> x + 1), aggregate(array(1), 0, (a, x) -> a + x)",
  "SELECT to_json(struct(a, b)), get_json_object(c, '$.d'), c:e.f FROM t",
  "SELECT date_trunc('DAY', created_at) AS day, approx_count_distinct(user_id) FROM t GROUP BY 1 ORDER BY 1",
  "SELECT * FROM VALUES (1, 'a'), (2, 'b') AS v(id, name)",
  "VALUES (1), (2)",
  "TABLE sessions.classroom_sessions",
  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT * FROM n",
  "SELECT * FROM t TABLESAMPLE (10 PERCENT) LIMIT 5",
  "SELECT * FROM t PIVOT (sum(a) FOR b IN ('x', 'y'))",
  "SELECT a, b FROM t GROUP BY GROUPING SETS ((a), (b))",
  "SELECT * EXCEPT (secret_column) FROM t",
  "SELECT a FROM t EXCEPT ALL SELECT a FROM u",
  "SELECT replace(a, 'x', 'y'), left(b, 1), right(b, 1), if(a = b, 1, 0) FROM t",
  "SELECT max_by(status, at), collect_list(DISTINCT id), any_value(x) FROM t",
  "SELECT * FROM range(10)",
  "SELECT * FROM table_changes('sessions.classroom_sessions', 1)",
  "SELECT is_account_group_member('editors'), current_user(), version()",
  "SELECT x.create, x.set, x.`insert` FROM t AS x",
  "SELECT 'it\\'s', 'it''s', \"say \"\"so\"\"\", 1.5e-3, 1., .5, 10L, 0x1F",
  "SELECT DATE '2026-01-01', TIMESTAMP '2026-01-01 00:00:00', INTERVAL '1' DAY",
  "SELECT a /* why */ FROM /* where */ t -- and so on",
  "SELECT `größe`, 'größe', '名前' FROM `schule`.`räume`",
  "SELECT count(DISTINCT id) AS ids FROM t WHERE a LIKE 'x%' ESCAPE '!' OR a RLIKE ('x+')",
  "SELECT a | b, a & b, ~a, a ^ b, a || b FROM t WHERE a <=> b AND a != b AND a <> b",
  "SELECT map['key'], list[0], element_at(list, 1) FROM t",
  "select\n\tid,\r\n\ttitle\nfrom sessions.classroom_sessions\nlimit 10;",
  "SHOW GRANTS ON TABLE t",
  "SHOW COLUMNS IN t",
  "SHOW SCHEMAS IN classwaves",
  "DESC EXTENDED t",
  "DESCRIBE DETAIL t",
  "EXPLAIN FORMATTED SELECT a FROM t WHERE b = 1",
  "SELECT * FROM classwaves.information_schema.tables WHERE table_schema <> 'information_schema'",
  "SELECT sha2(email, 256), md5(id), uuid(), hash(a) FROM t ORDER BY rand()",
  "SELECT window(at, '5 minutes').start, count(*) FROM t GROUP BY window(at, '5 minutes')",
  "SELECT 1 AS update_count, deleted_at, insert_time FROM t",
];

test("an ordinary reader's statements are many", () => {
  expect(new Set(reads).size).toBeGreaterThanOrEqual(55);
});

// What is refused stands in reader.test.ts: there it is also shown that nothing leaves.
test.each(reads)("reads: %s", (statement) => {
  expect(whyNotReading(statement)).toBeUndefined();
});

test("a name cannot leave its quotes", () => {
  expect(qualifiedName("c`x", "s.t")).toBe("`c``x`.`s`.`t`");
});
