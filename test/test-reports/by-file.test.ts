import { expect, test } from "vitest";
import { FileTally } from "../../src/test-reports/by-file.ts";

test("tests are counted by file, files with failures first", async () => {
  const tally = new FileTally();
  for (const [file, status] of [
    ["/app/b.test.ts", "passed"],
    ["a.test.ts", "passed"],
    ["b.test.ts", "failed"],
    ["c.test.ts", "unknown"],
    ["a.test.ts", "skipped"],
    [undefined, "failed"],
  ] as const)
    tally.add(file, status);
  const none = { passed: 0, failed: 0, flaky: 0, skipped: 0, unknown: 0 };
  expect(tally.files((file) => file.replace("/app/", ""))).toEqual([
    { ...none, file: "b.test.ts", total: 2, passed: 1, failed: 1 },
    { ...none, file: "c.test.ts", total: 1, unknown: 1 },
    { ...none, file: "a.test.ts", total: 2, passed: 1, skipped: 1 },
  ]);
  expect(new FileTally().files((file) => file)).toBeUndefined();
});

test("a thousand files are listed, those with failures among them", () => {
  const tally = new FileTally();
  for (let index = 0; index < 3_000; index++) tally.add(`t${index}.ts`, index === 2_999 ? "failed" : "passed");
  const files = tally.files((file) => file);
  expect(files).toHaveLength(1_000);
  expect(files?.[0]?.file).toBe("t2999.ts");
});
