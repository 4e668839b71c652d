import { describe, expect, test } from "vitest";
import { queryForCopy } from "../../src/staging/sync/view-text.ts";

const tables = new Set(["a.t", "a.u", "users.pupils", "prod.prod"]);
const names = new Map([
  ["prod", "staging"],
  ["shared", "shared_staging"],
]);

function carried(query: string): string {
  const result = queryForCopy(query, { original: "prod", names }, (table) => tables.has(table));
  return typeof result === "string" ? `! ${result}` : `${result.text.replaceAll("`", "")} | ${result.reads.join(" ")}`;
}

describe("reads the copy's tables", () => {
  test.each([
    ["SELECT * FROM prod.a.t", "SELECT * FROM staging.a.t | a.t"],
    ["SELECT * FROM PROD.A.T", "SELECT * FROM staging.A.T | a.t"],
    ["SELECT * FROM `prod`.`a`.`t` x", "SELECT * FROM staging.a.t x | a.t"],
    ["SELECT * FROM a.t", "SELECT * FROM a.t | a.t"],
    ["SELECT prod.a.t.id FROM prod.a.t", "SELECT staging.a.t.id FROM staging.a.t | a.t"],
    [
      "SELECT * FROM prod.a.t, prod.a.u AS u JOIN (prod.users.pupils) ON true",
      "SELECT * FROM staging.a.t, staging.a.u AS u JOIN (staging.users.pupils) ON true | a.t a.u users.pupils",
    ],
    [
      "WITH c AS (SELECT * FROM prod.a.t), d (x) AS (SELECT 1) SELECT * FROM c JOIN d",
      "WITH c AS (SELECT * FROM staging.a.t), d (x) AS (SELECT 1) SELECT * FROM c JOIN d | a.t",
    ],
    [
      "SELECT (SELECT max(id) FROM prod.a.t) FROM prod.a.u WHERE id IN (SELECT id FROM prod.a.t)",
      "SELECT (SELECT max(id) FROM staging.a.t) FROM staging.a.u WHERE id IN (SELECT id FROM staging.a.t) | a.t a.u",
    ],
    [
      "SELECT 1 FROM prod.a.t UNION ALL SELECT 2 FROM prod.a.u",
      "SELECT 1 FROM staging.a.t UNION ALL SELECT 2 FROM staging.a.u | a.t a.u",
    ],
    ["TABLE prod.a.t", "TABLE staging.a.t | a.t"],
    ["SELECT * FROM a.t UNION ALL TABLE prod.a.u", "SELECT * FROM a.t UNION ALL TABLE staging.a.u | a.t a.u"],
    ["SELECT * FROM a.t EXCEPT DISTINCT TABLE prod.a.u", "SELECT * FROM a.t EXCEPT DISTINCT TABLE staging.a.u | a.t a.u"],
    ["SELECT * FROM shared.x.y", "SELECT * FROM shared_staging.x.y | "],
    ["SELECT * FROM prod.prod.prod", "SELECT * FROM staging.prod.prod | prod.prod"],
  ])("%s", (query, expected) => {
    expect(carried(query)).toBe(expected);
  });
});

describe("leaves what only looks like a name", () => {
  test.each([
    "SELECT 'FROM prod.a.t' FROM a.t -- FROM prod.a.t",
    "SELECT /* prod.a.t */ extract(year FROM at), trim(BOTH 'x' FROM s) FROM a.t",
    "SELECT prod, x.prod.a.t AS y FROM a.t x",
    "SELECT a IS DISTINCT FROM b, substring(s FROM 2) FROM a.t",
    "SELECT k, v FROM a.t LATERAL VIEW explode(m) e AS k, v",
    "SELECT * FROM a.t, LATERAL (SELECT 1), range(10), explode(array(1)) AS x(y)",
    "SELECT id FROM a.t GROUP BY id, b ORDER BY a, b",
    "SELECT * FROM VALUES (1), (2) AS v(a)",
  ])("%s", (query) => {
    expect(carried(query).split(" | ")[0]).toBe(query);
  });
});

describe("says why it cannot", () => {
  test.each([
    ["SELECT * FROM t", "it reads t without a schema"],
    ["SELECT * FROM other.a.t", "other.a.t, which is in another catalog"],
    ["SELECT * FROM a.t JOIN other.a.t", "other.a.t, which is in another catalog"],
    ["SELECT * FROM a.t WHERE EXISTS (SELECT 1 FROM other.a.t)", "other.a.t, which is in another catalog"],
    ["SELECT * FROM prod.a.gone", "prod.a.gone, which was not seen"],
    ["SELECT * FROM a.b.c.d", "too many parts"],
    ["SELECT prod.a.t.id FROM prod.a.t CROSS JOIN a.u AS prod", "both a catalog and an alias"],
    ["SELECT 'x", "without an end"],
    ["SELECT * FROM table_changes('prod.a.t', 1)", "table_changes(), which gets a table's name as a text"],
    ["SELECT * FROM a.t JOIN prod.f.each(TABLE(prod.a.t))", "gives a table to a function"],
    ["SELECT * FROM range(3) JOIN stack(TABLE (prod.a.t))", "gives a table to a function"],
  ])("%s", (query, why) => {
    expect(carried(query)).toMatch(/^! /);
    expect(carried(query)).toContain(why);
  });
});
