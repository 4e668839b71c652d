import { expect, test } from "vitest";
import { budgetUse, headline, versionSpan } from "../../src/report/words.ts";

test.each([
  [{ from: 12, to: 15 }, "12–15"],
  [{ from: 12, to: 12 }, "12"],
  [{ from: null, to: 3 }, "new–3"],
  [{ from: 12, to: null }, "12–unknown"],
  // The version at the start could not be read. That does not make the table a new one.
  [{ from: null, to: null }, "unknown"],
])("versions %j of a table are shown as %s", (versions, shown) => {
  expect(versionSpan(versions)).toBe(shown);
});

test.each([
  [{ durationMs: 40, budgetMs: 1_800_000 }, "40 ms (less than 1 % of the 30 min budget)"],
  [{ durationMs: 17_999, budgetMs: 1_800_000 }, "18 s (less than 1 % of the 30 min budget)"],
  [{ durationMs: 18_000, budgetMs: 1_800_000 }, "18 s (1 % of the 30 min budget)"],
  [{ durationMs: 900_000, budgetMs: 1_800_000 }, "15 min (50 % of the 30 min budget)"],
  [{ durationMs: 900_000, budgetMs: 0 }, "15 min (no budget)"],
])("%j of a budget is shown as %s", (report, shown) => {
  expect(budgetUse(report)).toBe(shown);
});

test.each([
  ["Expected values to be strictly equal:\n\n404 !== 405\n", "Expected values to be strictly equal: 404 !== 405"],
  ["AssertionError: no\nmore", "AssertionError: no"],
  ["only an announcement:", "only an announcement:"],
  ["\n  first\nsecond", "first"],
  ["", ""],
])("the headline of %j", (text, expected) => expect(headline(text)).toBe(expected));
