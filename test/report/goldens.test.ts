import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { digestOf, stampOf } from "../../scripts/picture/stamp.ts";
import { toMarkdown } from "../../src/report/markdown.ts";
import { parseReport } from "../../src/report/schema.ts";
import { withEarlierRuns } from "./earlier-runs.ts";
import { failedIntegration, passedPreflight } from "./sample.ts";

// What people see of real runs, as files: a change of the summary shows in the diff. `vitest run -u` writes them again.

const root = join(import.meta.dirname, "..", "..");
const runs = join(root, "test", "fixtures", "runs");
const summaries = join(root, "test", "fixtures", "summaries");

async function summaryOf(run: string): Promise<string> {
  const files = (await readdir(join(runs, run))).filter((file) => file.endsWith(".json")).sort();
  return toMarkdown(
    await Promise.all(files.map(async (file) => parseReport(await readFile(join(runs, run, file), "utf8"), file))),
  );
}

test.each(["passed", "failed", "failed-e2e"])("the summary of a real gate: %s", async (run) => {
  await expect(await summaryOf(run)).toMatchFileSnapshot(join(summaries, `${run}.md`));
});

test.each(["failed", "failed-e2e"])("the first failure of %s is in the first lines, outside of every fold", async (run) => {
  const text = await summaryOf(run);
  const before = text.slice(0, text.indexOf("the right answer"));
  expect(before.split("\n").length).toBeLessThan(25);
  expect(before).not.toContain("<details");
});

test("the summary of a run with earlier ones: a phrase beside each test, latency and stage", async () => {
  await expect(toMarkdown([withEarlierRuns(passedPreflight()), withEarlierRuns(failedIntegration())])).toMatchFileSnapshot(
    join(summaries, "with-earlier-runs.md"),
  );
});

test("docs/summary.png is drawn from the summary as it is now; if not: node scripts/picture/draw.ts", async () => {
  const golden = await readFile(join(summaries, "failed.md"), "utf8");
  expect(stampOf(await readFile(join(root, "docs", "summary.png")))).toBe(digestOf(golden));
});
