import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { Redactor } from "../../src/lib/redaction/redactor.ts";
import type { TestCase, TestResults } from "../../src/model/test-results.ts";
import { collectAttachments, testsByFolder } from "../../src/stages/attachments.ts";
import type { StageContext } from "../../src/stages/context.ts";
import type { Suite } from "../../src/stages/test-command.ts";

/** The files that failed tests leave behind, and the test that each belongs to. */

function failed(name: string, project?: string): TestCase {
  return { name, status: "failed", durationMs: 1, attempts: 1, ...(project === undefined ? {} : { project }) };
}

/** The definition: every test is compared with the folder's name. */
function byDefinition(path: string, tests: readonly TestCase[]): string | undefined {
  const slug = (text: string) => (text.toLowerCase().match(/[\p{L}\d]+/gu) ?? []).join("-");
  const folder = `-${slug(basename(dirname(path))).replace(/-retry\d+$/, "")}`;
  const meant = tests.filter(({ name, project = "" }) => folder.endsWith(`-${slug(`${name.split(" › ").at(-1)} ${project}`)}`));
  return meant.length === 1 ? meant[0]?.name : undefined;
}

test("a file belongs to the one test whose title and project end its folder's name", () => {
  // Few words, so that titles are often equal, or the end of others.
  const word = fc.constantFrom("a", "b", "Ab", "é", "1", "retry1", "-", "…", "", " ", "_", "/", "漢");
  const words = fc.array(word, { maxLength: 5 });
  const title = fc.tuple(words, words).map(([outer, inner]) => `${outer.join(" ")} › ${inner.join(" ")}`);
  const tests = fc.array(fc.record({ name: title, project: fc.option(word, { nil: undefined }) }), { maxLength: 12 });
  const folders = fc.array(
    fc.tuple(words, fc.constantFrom("", "-retry1", "-retry12")).map(([parts, retry]) => parts.join("-") + retry),
    { minLength: 1 },
  );
  fc.assert(
    fc.property(tests, folders, (specs, names) => {
      const cases = specs.map(({ name, project }) => failed(name, project));
      const testOf = testsByFolder(cases);
      for (const name of names) {
        const path = `/w/test-results/${name}/shot.png`;
        expect(testOf(path), path).toBe(byDefinition(path, cases));
      }
    }),
    { numRuns: 2_000 },
  );
});

test("the names of failed tests are read a few times, however many files there are", async () => {
  const workspace = await realpath(await mkdtemp(join(tmpdir(), "env-actions-attachments-")));
  onTestFinished(() => rm(workspace, { recursive: true, force: true }));
  const many = 1_200;
  for (let at = 0; at < many; at++) {
    await mkdir(join(workspace, "test-results", `spec-ts-case-${at}-chrome`), { recursive: true });
    await writeFile(join(workspace, "test-results", `spec-ts-case-${at}-chrome`, "shot.txt"), "shot");
  }
  let reads = 0;
  const failures = Array.from(
    { length: many },
    (_, at): TestCase => ({
      ...failed("", "chrome"),
      get name() {
        reads++;
        return `spec › case ${at}`;
      },
    }),
  );
  const context = {
    stage: "e2e",
    runId: "1763917800000_9f3c1a7e",
    workspace,
    records: join(workspace, ".env-actions"),
    secrets: new Redactor(),
  } as unknown as StageContext;
  const suite = { cwd: workspace, attachments: ["test-results/**"] } as unknown as Suite;
  const results = { failures, flakyTests: [] } as unknown as TestResults;
  const found = await collectAttachments(context, suite, 0, results);

  expect(found).toHaveLength(many);
  for (const { file, test } of found) expect(test).toBe(`spec › case ${/case-(\d+)/.exec(file)?.[1]}`);
  expect(found.filter(({ leftOut }) => leftOut === undefined)).toHaveLength(1_000);
  expect(reads).toBeLessThanOrEqual(many * 2);
});
