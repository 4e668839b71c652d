import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it, test } from "vitest";
import { budgetFor } from "../../src/config/budgets.ts";
import type { Config } from "../../src/config/schema.ts";
import { folderForThisTest } from "../harness/folder.ts";
import { performIn } from "../harness/stage.ts";

/** A sweep of another run deletes what looks expired, so nobody may give a run more time than its data has. */

const minute = 60_000;
const config = {
  stages: { preflight: { budget: 2 * minute }, integration: { budget: 15 * minute }, e2e: { budget: 30 * minute } },
  testData: { expireAfter: 120 * minute },
} as unknown as Config;

test.each(["integration", "e2e"] as const)("%s gets no more time than its data", (stage) => {
  for (const asked of [120 * minute, 180 * minute])
    expect(() => budgetFor(config, stage, asked)).toThrow(
      /^the budget of \w+ is [23] h, but test data expires after 2 h, so .*: ask for less, or raise testData.expireAfter$/,
    );
  expect(budgetFor(config, stage, 119 * minute)).toBe(119 * minute);
});

test("a stage that makes no test data may take longer", () => {
  expect(budgetFor(config, "preflight", 180 * minute)).toBe(180 * minute);
});

it.each([
  ["preflight", 2],
  ["integration", 15],
] as const)("%s has its configured budget if nobody asks for another", (stage, minutes) => {
  expect(budgetFor(config, stage, undefined)).toBe(minutes * minute);
});

test("is refused before anything starts", async () => {
  const workspace = await folderForThisTest({
    "config.yml": JSON.stringify({
      version: 1,
      preset: "none",
      environments: { sandbox: { access: "test-data", api: { url: "http://127.0.0.1:9", endpoints: [{ path: "/" }] } } },
      stages: { integration: { command: "echo ran > ran.txt", reports: ["r.xml"] } },
    }),
  });
  await expect(performIn(workspace, { stage: "integration", budgetMs: 180 * minute })).rejects.toMatchObject({
    codes: ["EA1023"],
  });
  expect(existsSync(join(workspace, "ran.txt"))).toBe(false);
  expect(existsSync(join(workspace, ".env-actions"))).toBe(false);
});
