import { expect, test } from "vitest";
import { amountText, count, numberText, percentOf } from "../../src/lib/count.ts";

test("whole numbers for people", () => {
  expect([0, 999, 12_040, 1_234_567].map(numberText)).toEqual(["0", "999", "12,040", "1,234,567"]);
  expect([count(1, "test"), count(2, "test"), count(0, "child", "children")]).toEqual(["1 test", "2 tests", "0 children"]);
});

test("numbers that may not be known exactly", () => {
  const amounts = [
    [3, 3],
    [0, 3],
    [1, 3],
    [1, null],
    [0, null],
  ] as const;
  expect(amounts.map(([least, most]) => amountText({ least, most }))).toEqual([
    "3",
    "unknown (at most 3)",
    "1 to 3",
    "at least 1",
    "unknown",
  ]);
});

test("a share in percent is cut to tenths, and exact tenths stay what they are", () => {
  expect([0, 0.9997, 0.8997, 2 / 3, 1].map(percentOf)).toEqual([0, 99.9, 89.9, 66.6, 100]);
  expect(percentOf(0.7 + 0.1)).toBe(80);
  for (let tenths = 0; tenths <= 1_000; tenths++) expect(percentOf(tenths / 1_000)).toBe(tenths / 10);
});
