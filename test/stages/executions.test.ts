import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { beginExecution, endExecution } from "../../src/app/executions.ts";
import type { StageName } from "../../src/model/report.ts";
import { folderForEachTest } from "../harness/folder.ts";

// A workspace that is used for years must not grow without end: screenshots and videos go with the next run of the stage, the rest after a
// week.

const folder = folderForEachTest();
const dayMs = 86_400_000;
const runId = (agoMs: number, of: string) => `${Date.now() - agoMs}_${of.repeat(8)}`;

async function ran(id: string, stage: StageName, hasAttachments = true): Promise<string[]> {
  await beginExecution(folder.path, { runId: id, gateId: "g", stage, environment: "here", origin: {} });
  const paths = [join("logs", id), ...(hasAttachments ? [join("attachments", `${stage}-${id}`)] : [])];
  for (const path of paths) {
    await mkdir(join(folder.path, path), { recursive: true });
    await writeFile(join(folder.path, path, "a.png"), "x");
  }
  await endExecution(folder.path, id);
  return paths;
}

const there = (paths: readonly string[]) => paths.map((path) => existsSync(join(folder.path, path)));

test("a run removes the attachments of earlier runs of its stage, and nothing else of them", async () => {
  const other = await ran(runId(4_000, "b"), "integration");
  const first = await ran(runId(3_000, "a"), "e2e");
  const without = await ran(runId(2_000, "c"), "e2e", false);
  const last = await ran(runId(1_000, "d"), "e2e");
  expect([there(first), there(without), there(other), there(last)]).toEqual([[true, false], [true], [true, true], [true, true]]);
});

test("what is older than a week goes completely, also without attachments", async () => {
  const old = await ran(runId(8 * dayMs, "a"), "e2e");
  const without = await ran(runId(9 * dayMs, "b"), "integration", false);
  const younger = await ran(runId(6 * dayMs, "c"), "smoke");
  await ran(runId(0, "d"), "preflight");
  expect([there(old), there(without), there(younger)]).toEqual([[false, false], [false], [true, true]]);
});
