import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Run } from "../../scripts/corpus/workbench.ts";
import type { TestResults } from "../../src/model/test-results.ts";
import { readResults } from "../../src/test-reports/read.ts";

// What the real tools wrote, against what they said themselves in their last lines. `scripts/corpus.ts` stores both.

const corpus = join(import.meta.dirname, "corpus");

/** Reports that were not read to their end. */
function unreadable(results: TestResults): number {
  return results.unreadable?.length ?? 0;
}

function counted(results: TestResults, key: string): number {
  const count = (field: string): number => {
    if (field === "crashed") return results.crashedSuites.length + unreadable(results);
    const value = Reflect.get(results, field);
    if (typeof value !== "number") throw new Error(`no such count: ${field}`);
    return value;
  };
  return key.split("+").reduce((sum, field) => sum + count(field), 0);
}

test("each stored report belongs to a run", () => {
  const described = globSync("*/runs.json", { cwd: corpus }).flatMap((file) => {
    const runs: Run[] = JSON.parse(readFileSync(join(corpus, file), "utf8"));
    return [file, ...runs.flatMap(({ reports }) => reports.map((report) => join(dirname(file), report)))];
  });
  const stored = globSync("**/*.*", { cwd: corpus });
  expect(stored.length).toBeGreaterThan(0);
  expect(stored.sort()).toEqual([...new Set(described)].sort());
});

for (const file of globSync("*/runs.json", { cwd: corpus }).sort()) {
  const runs: Run[] = JSON.parse(readFileSync(join(corpus, file), "utf8"));
  describe(dirname(file), () => {
    test.each(runs)("$name: as $tool counted", async ({ reports, counts }) => {
      const results = await readResults({ cwd: join(corpus, dirname(file)), reports, startedAt: 0 });
      const got = Object.entries(counts).map(([key, expected]) => {
        const count = counted(results, key.replace(/[<>]$/, ""));
        if (key.endsWith(">")) return [key, count > expected ? expected : `${count}, not more`];
        if (key.endsWith("<")) return [key, count < expected ? expected : `${count}, not less`];
        return [key, count];
      });
      // A report that lacks tests because a program died may be called broken. All that it describes is counted.
      const died = Object.keys(counts).some((key) => key.includes("crashed") && key.endsWith(">"));
      if (!died) expect(unreadable(results)).toBe(0);
      expect(Object.fromEntries(got)).toEqual(counts);
      const { total, passed, failed, flaky, skipped, unknown } = results;
      expect(total).toBe(passed + failed + flaky + skipped + unknown);
    });
  });
}
