import { expect, test } from "vitest";
import { nearest } from "../../src/lib/nearest.ts";

/** A wrong suggestion misleads people; a missing one for an obvious typo makes them search. */

const known = ["databricks", "redis", "api", "websocket", "access"];

test.each([
  ["databriks", "databricks"],
  ["databrikcs", "databricks"],
  ["Databricks", "databricks"],
  ["reids", "redis"],
  ["ap", "api"],
  ["pai", "api"],
  ["web-socket", "websocket"],
  ["acess", "access"],
  ["", undefined],
  ["colour", undefined],
  ["apex", undefined],
  ["database-url", undefined],
])("%j probably means %j", (written, meant) => {
  expect(nearest(written, known)).toBe(meant);
});

test("of two equally near names, the first is suggested", () => {
  expect(nearest("staging3", ["staging1", "staging2"])).toBe("staging1");
});
