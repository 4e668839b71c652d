import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startGitHub } from "../../local/github/index.ts";
import { inParallel } from "../../src/lib/in-parallel.ts";
import { type LocalArtifacts, startArtifacts } from "../harness/artifact-service.ts";
import { folderForAllTests } from "../harness/folder.ts";
import type { Row } from "./attacks/question.ts";
import { themes } from "./attacks/rows.ts";
import { startGate } from "./attacks/start.ts";

// The same table of attacks and accidents as processes: the published program, started as the runner starts the gate's step, with evidence
// from a stand-in of the artifact service.

const folder = folderForAllTests();
let service: LocalArtifacts;
beforeAll(async () => {
  service = await startArtifacts();
});
afterAll(async () => {
  expect(service.violations).toEqual([]);
  await service.stop();
});

const atOnce = 4;
const exitStatus = { passed: 0, degraded: 0, failed: 1, error: 1, cancelled: 1, refused: 2 };

/** @returns what is wrong with the answer, each with the name of its row */
async function problemsOf(row: Row, workspace: string): Promise<string[]> {
  const [what, , outcome, says, runner] = row;
  const onGitHub = typeof runner === "object" ? runner.github : undefined;
  const github = onGitHub && (await startGitHub({ repositories: { "classwaves/app": {} }, tokens: { job: onGitHub.token } }));
  try {
    if (github) onGitHub?.before?.(github);
    const { status, log, verdict, summary } = await startGate(row, { workspace, service, apiUrl: github?.url });
    const problems: string[] = [];
    const check = (isRight: boolean, problem: string) => isRight || problems.push(`${what}: ${problem}`);
    check(status === exitStatus[outcome], `expected exit status ${exitStatus[outcome]}, got ${status}\n${log}`);
    check(verdict === (outcome === "refused" ? undefined : outcome), `expected the output ${outcome}, got ${verdict}\n${log}`);
    check(says.test(log), `expected ${says} in\n${log}`);
    const head = outcome === "refused" ? /^$/ : new RegExp(`^# \\S+ Gate ${outcome}\n`);
    check(head.test(summary), `expected ${head} in the summary\n${summary}`);
    const shown = outcome === "refused" ? "::error title=" : `::error title=gate ${outcome}::`;
    check(log.includes(shown) === (status !== 0), `expected an annotation only if the gate is closed\n${log}`);
    if (github) {
      for (const violation of github.violations) check(false, JSON.stringify(violation));
      try {
        onGitHub?.after(github);
      } catch (error) {
        check(false, String(error));
      }
    }
    return problems;
  } finally {
    await github?.stop();
  }
}

test.each(Object.entries(themes))("%s", async (theme, rows) => {
  const started = rows.filter(([, , , , runner]) => typeof runner !== "string");
  const problems = await inParallel(atOnce, started, (row) =>
    problemsOf(row, join(folder.path, `${theme} ${rows.indexOf(row)}`)),
  );
  expect(problems.flat()).toEqual([]);
});
