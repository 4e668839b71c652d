import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { recordsFolder } from "../../src/history/store/layout.ts";
import { toAnnotations } from "../../src/report/annotations.ts";
import { pastLines } from "../../src/report/view/past.ts";
import { folderForThisTest } from "../harness/folder.ts";
import { type Performed, performIn } from "../harness/stage.ts";

/** A stage says how earlier runs of it ended, wherever people read of it, and a history that can't be read changes no verdict. */

const today = new Date().toISOString().slice(0, 10);

/** @param failing the names of its tests that fail; the others pass */
async function integration(
  workspace: string,
  failing: readonly string[],
  store: object | string = "workspace",
): Promise<Performed> {
  const tests = ["sums up", "sorts"].map(
    (name) => `<testcase name="${name}" classname="s">${failing.includes(name) ? '<failure message="no"/>' : ""}</testcase>`,
  );
  await writeFile(join(workspace, "made.xml"), `<testsuite name="s" tests="2">${tests.join("")}</testsuite>`);
  const config = {
    environments: { here: { access: "test-data", variables: ["PATH"] } },
    history: { store },
    stages: { integration: { command: "cp made.xml r.xml", reports: ["r.xml"] } },
  };
  const env = { PATH: process.env.PATH };
  await performIn(workspace, { stage: "preflight", config, env });
  return await performIn(workspace, { stage: "integration", config, env });
}

test("a failure is said to be the first one, then since when it is there, in every place", async () => {
  const workspace = await folderForThisTest();
  const first = await integration(workspace, ["sorts"]);
  expect([first.report.verdict, pastLines(first.report)]).toEqual(["failed", []]);
  expect(first.report.past).toBeUndefined();

  await integration(workspace, []);
  const again = await integration(workspace, ["sorts"]);
  expect(pastLines(again.report)).toEqual([
    "This stage: failed in 1 of the last 2 runs",
    expect.stringMatching(/sorts: failed in 1 of the last 2 runs$/),
  ]);

  const { report, files, warnings } = await integration(workspace, ["sorts", "sums up"]);
  const since = `failing since ${today} (1 run before this one)`;
  expect(pastLines(report)).toEqual([
    `This stage: not passed since ${today} (1 run before this one)`,
    expect.stringMatching(/sums up: first failure in 3 runs$/),
    expect.stringContaining(`sorts: ${since}`),
  ]);
  expect(files.summaryText).toContain(since);
  expect(files.summaryText).toContain(`Not passed since ${today} (1 run before this one).`);
  expect(await readFile(files.html, "utf8")).toContain(since);
  expect(toAnnotations(report).map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/^Failing since .* before this one\)\.$/m),
  );
  expect(warnings).toEqual([]);
});

test("a history that can't be read changes no verdict, and is named once", async () => {
  const [workspace, folder] = [await folderForThisTest(), await folderForThisTest()];
  await writeFile(join(folder, recordsFolder), "a file where the records would be");
  const { report, warnings } = await integration(workspace, [], { folder });
  expect(report.verdict).toBe("passed");
  expect(warnings.filter((text) => text.startsWith("how earlier runs ended is unknown: EA8101"))).toHaveLength(1);
});

test("beside a record that can't be read, no failure is called the first", async () => {
  const workspace = await folderForThisTest();
  await integration(workspace, []);
  const now = Date.now();
  const day = new Date(now).toISOString();
  const place = join(workspace, ".env-actions/history", recordsFolder, day.slice(0, 7), day.slice(8, 10));
  await mkdir(place, { recursive: true });
  await writeFile(join(place, `${now}_00000000.integration.here.json`), "{");
  const { report, warnings } = await integration(workspace, ["sorts"]);
  expect(pastLines(report)).toEqual([]);
  expect(warnings).toEqual([expect.stringMatching(/^how some earlier runs ended is unknown: records.*not JSON$/)]);
});
