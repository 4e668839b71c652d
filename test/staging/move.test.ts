import { expect, test } from "vitest";
import { whatIsMissing } from "../../src/staging/move/order.ts";
import { placesIn, variablesNaming } from "../../src/staging/move/places.ts";

/** A place that is not listed would go on reading production from tests; one too many hides the others. */

test.each([
  "SELECT * FROM classwaves.users.teachers",
  "spark.table('classwaves.sessions.classroom_sessions')",
  "FROM `classwaves`.`users`.`teachers`",
  'const catalog = "classwaves";',
  "      catalog: classwaves",
  "DATABRICKS_CATALOG=classwaves",
  "USE CATALOG classwaves;",
  "select * from Classwaves.users.teachers",
])("%s names the catalog", (line) => {
  expect(placesIn("a.sql", `\n${line}\n`, ["classwaves"])).toEqual([
    { file: "a.sql", line: 2, column: line.toLowerCase().indexOf("classwaves") + 1, names: "classwaves", text: line.trim() },
  ]);
});

test.each([
  "ClassWaves is for classrooms",
  "https://classwaves.example.com/api",
  "FROM classwaves_staging.users.teachers",
  "import { x } from '@classwaves/api'",
  "git clone git@github.com:classwaves/app.git",
  "my_classwaves.users.teachers",
])("%s doesn't", (line) => {
  expect(placesIn("a.md", line, ["classwaves"])).toEqual([]);
});

test("variables are named, and their values are not shown", () => {
  const env = { DATABRICKS_CATALOG: "classwaves", QUERY: "SELECT 1 FROM classwaves.users.teachers", OTHER: "classwaves_staging" };
  expect(variablesNaming(env, ["classwaves"])).toEqual(["DATABRICKS_CATALOG", "QUERY"]);
});

test("the gate's order has the copy in it only if tests run there and production accepts its evidence", () => {
  const original = { name: "production", host: undefined, catalog: "classwaves" };
  const moved = { original, copy: "staging", defaultEnvironment: "staging", promotedFrom: "staging", isolation: "clone" };
  expect(whatIsMissing(moved)).toEqual([]);
  expect(whatIsMissing({ ...moved, promotedFrom: "sandbox" })).toEqual([expect.stringContaining("promotedFrom: staging")]);
  expect(whatIsMissing({ ...moved, defaultEnvironment: undefined })).toHaveLength(1);
});
