import fc from "fast-check";
import { expect, it } from "vitest";
import { bounded, byCodePoint, inList, narrowed, since, within } from "../../src/warehouse/comparison.ts";
import { deleteStatement, whyNotDeleted } from "../../src/warehouse/writes.ts";

// The ranges beside a list let the warehouse skip files. A range that leaves out one of the values would leave test data behind,
// and one that is wider than needed only reads more.

const bind = (value: string) => `«${value}»`;
const rangesIn = (values: readonly string[]) =>
  (inList("id", "STRING", values, bind).within ?? []).map((range) => {
    const [, first = "", last = ""] = /^`id` BETWEEN (?:'(.*)'|«.*») AND (?:'(.*)'|«.*»)$/su.exec(range) ?? [];
    return [first, last] as const;
  });

it("values are ordered by their bytes in UTF-8, as the warehouse orders them", () => {
  const letter = fc.constantFrom(
    "",
    "a",
    "Z",
    "\u00e9",
    "\u4e2d",
    "\ud7ff",
    "\ue000",
    "\uffff",
    "\u{10000}",
    "\u{1f600}",
    "\u{10ffff}",
  );
  const value = fc.array(letter, { maxLength: 4 }).map((letters) => letters.join(""));
  fc.assert(
    fc.property(value, value, (a, b) => {
      expect(Math.sign(byCodePoint(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { numRuns: 1_000 },
  );
});

it("every value is in one of its ranges, and there are at most four", () => {
  const id = fc
    .tuple(fc.constantFrom("integration_test_", "e2e_test_", "x", ""), fc.stringMatching(/^[a-f0-9]{0,12}$/))
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.uniqueArray(id, { minLength: 1, maxLength: 40 }), (ids) => {
      const ranges = rangesIn(ids);
      expect(ranges.length).toBeLessThanOrEqual(4);
      for (const one of ids)
        expect(ranges.some(([first, last]) => byCodePoint(first, one) <= 0 && byCodePoint(one, last) <= 0)).toBe(true);
    }),
  );
});

it.each([
  ["one prefix", ["integration_test_1", "integration_test_2"], [["integration_test_1", "integration_test_2"]]],
  [
    "two prefixes",
    ["e2e_test_17639_1", "integration_test_2", "e2e_test_17639_4", "integration_test_9"],
    [
      ["e2e_test_17639_1", "e2e_test_17639_4"],
      ["integration_test_2", "integration_test_9"],
    ],
  ],
  ["random ids", ["0a1", "3fe", "77c", "9d0", "f00"], [["0a1", "f00"]]],
])("%s: %j", (_what, values, ranges) => {
  expect(rangesIn(values)).toEqual(ranges);
});

it("a condition is narrowed together with its ranges", () => {
  const during = within({ column: "made", from: 1_000, to: 2_000 });
  expect(during).toBe("`made` >= timestamp_millis(1000) AND `made` < timestamp_millis(2001)");
  expect(bounded(narrowed({ text: "a OR b", within: ["r1", "r2"] }, during))).toBe(
    `((a OR b) AND ${during}) AND ((r1 AND ${during}) OR (r2 AND ${during}))`,
  );
  // Without ranges of its own, the condition has the time's.
  expect(bounded(narrowed({ text: "a", within: undefined }, "t"))).toBe("((a) AND t) AND ((t))");
  expect(narrowed({ text: "", within: [] }, "t").text).toBe("");
  expect(since({ column: "made", from: 5 })).toBe("(`made` >= timestamp_millis(5) OR `made` IS NULL)");
});

it("a delete in a range of times holds for all of its lists", () => {
  const columns = [
    { column: "id", type: "STRING", values: ["a"] },
    { column: "lesson_id", type: "STRING", values: ["b"] },
  ];
  const deletion = { table: "s.t", columns, during: { column: "made", from: 1, to: 2 } };
  expect(deleteStatement("c", deletion).statement).toBe(
    "DELETE FROM `c`.`s`.`t` WHERE (`id` IN ('a') OR `lesson_id` IN ('b')) AND `made` >= timestamp_millis(1) AND `made` < timestamp_millis(3)",
  );
  expect(whyNotDeleted(deletion)).toBeUndefined();
  expect(whyNotDeleted({ ...deletion, during: { column: "made", from: 2, to: 1 } })).toBe("its time ends before it begins");
  expect(whyNotDeleted({ ...deletion, during: { column: "made", from: Number.NaN, to: 1 } })).toBe(
    "its time ends before it begins",
  );
  expect(whyNotDeleted({ ...deletion, during: { column: "", from: 1, to: 1 } })).toBe("a column has no name");
});
