import { expect, test } from "vitest";
import { compareStructures } from "../../src/staging/drift/compare.ts";
import { sameSql } from "../../src/staging/drift/sql-text.ts";
import { structureOf, tableOf } from "./policies-world.ts";

const catalogs = new Map([["prod", "copy"]]);
const read = "A view of the copy that reads production, whatever else in it is called like the catalog.";

test.each([
  "SELECT * FROM prod.a.t",
  "SELECT 'x' AS prod FROM prod.a.t",
  "SELECT prod FROM prod.a.t",
  "SELECT prod.id FROM (prod.a.t) AS prod",
  "SELECT prod FROM b.u, prod.a.t",
  "SELECT prod FROM b.u JOIN b.v ON b.u.id = b.v.id, prod.a.t",
  "SELECT prod FROM b.u UNION ALL TABLE prod.a.t",
])(`${read} %s`, (query) => {
  expect(sameSql(query, query, catalogs)).toBe(false);
  expect(sameSql(query, query.replace("prod.a.t", "copy.a.t"), catalogs)).toBe(true);
});

test.each(["SELECT prod.a.t FROM b.u AS prod", "SELECT x, prod.a.t FROM b.u AS prod ORDER BY 1, prod.a.t"])(
  "a field of an alias is no table: %s",
  (query) => {
    expect(sameSql(query, query, catalogs)).toBe(true);
  },
);

test("names of fields may differ by a blank alone", () => {
  const of = (type: string) => structureOf({ "a.t": tableOf({ s: type }) });
  const types = (one: string, other: string) => compareStructures(of(one), of(other)).facets.types.verdict;
  expect(types("struct<`a b`:int>", "struct<`ab`:int>")).toBe("different");
  expect(types("struct<`a b`:int, c:int>", "struct<`a b`: int,c: int>")).toBe("equal");
});
