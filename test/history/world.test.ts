import { expect, test } from "vitest";
import { readRecord } from "../../src/history/record/schema.ts";
import { worldOf } from "./world.ts";

/** The histories that other tests use are valid, and the same each time. */

test.each(["usual", "calm", "failing"] as const)(
  "a %s world has as many valid records as asked for, the same each time",
  (mood) => {
    const records = worldOf({ records: 300, mood });
    expect(records).toHaveLength(300);
    for (const record of records) expect(readRecord(JSON.parse(JSON.stringify(record)))).toEqual(record);
    expect(new Set(records.map(({ runId }) => runId)).size).toBe(300);
    expect(worldOf({ records: 300, mood })).toEqual(records);
    expect(worldOf({ records: 300, mood, seed: 2 })).not.toEqual(records);
  },
);

test("a usual world has what pages must show", () => {
  const records = worldOf({ records: 2_000 });
  const some = (matches: (record: (typeof records)[number]) => unknown) =>
    expect(records.filter((one) => matches(one)).length).toBeGreaterThan(0);
  for (const verdict of ["passed", "degraded", "failed", "error"]) some((one) => one.verdict === verdict);
  some(({ origin }) => origin.attempt === "2");
  some(({ origin }) => origin.cell === "firefox");
  some(({ tests }) => tests?.failures.some(({ quarantined }) => quarantined));
  some(({ data }) => data?.left === null);
  some(({ data }) => (data?.left ?? 0) > 0);
  some(({ copy }) => copy?.leaks === 0);
  some(({ copy }) => (copy?.leaks ?? 0) > 0 && copy?.switched === false);
  some(({ drift }) => drift?.verdict === "different");
  some(({ rollback }) => rollback);
});
