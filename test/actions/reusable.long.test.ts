import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FoundAct, findAct } from "../../scripts/act.ts";
import { readZip } from "../../src/github/zip.ts";
import type { Evidence } from "../../src/model/report.ts";
import { freePort } from "../harness/free-port.ts";
import { bundle, run, runnerEnvironment } from "../harness/process.ts";
import { type Finished, runWorkflow, type WorkflowRun } from "./act.ts";
import { publishForAct } from "./published.ts";
import { makeConsumer, standIns } from "./reusable.ts";
import { git } from "./workspace.ts";

/**
 * The reusable workflow as the release publishes it, called by what `init` writes, under act: however a run goes, the required check
 * gives the right answer and its cause. act has neither branch rules nor a cancelled job, so what it can't show is said where it is missing.
 */

let act: FoundAct;
let scratch: string;
let repositories: Record<string, string>;

beforeAll(() => {
  act = findAct();
  scratch = mkdtempSync(join(tmpdir(), "env-actions-reusable-"));
  if ("missing" in act) return console.warn(`SKIPPED: no reusable workflow was run under act. ${act.missing}`);
  repositories = { ...publishForAct(join(scratch, "published")), ...standIns(join(scratch, "stand-ins")) };
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const workflow = ".github/workflows/quality-gate.yml";
const configuration = ".github/env-actions.yml";
/** Nobody answers for GitHub's API here. */
const withoutComment = (text: string) => text.replace("    with:\n", "    with:\n      comment: false\n");
const inShards = (text: string) => text.replace("    with:\n", "    with:\n      integration-shards: '[1, 2]'\n");
/** Cells share this machine, and so the port of a server. On GitHub each has a machine of its own. */
const namesShard = (text: string) =>
  text
    .replace("command: npm test", "command: 'npm test # part $ENV_ACTIONS_SHARD'")
    .replace("command: npm start\n", "command: npm start\n        stages: [preflight]\n");

let consumers = 0;

interface Consumer {
  workspace: string;
  commit: string;
  /** Runs the workflow for a pull request. */
  start(more?: Partial<WorkflowRun>, from?: string): Promise<Finished>;
}

async function consumer(change: Record<string, (text: string) => string> = {}): Promise<Consumer> {
  if ("missing" in act) throw new Error(act.missing);
  const { path } = act;
  const place = join(scratch, String(++consumers));
  const workspace = join(place, "consumer");
  mkdirSync(workspace, { recursive: true });
  const { [workflow]: changeCall = (text: string) => text, ...others } = change;
  const commit = makeConsumer(workspace, {
    port: await freePort(),
    change: { ...others, [workflow]: (text) => changeCall(withoutComment(text)) },
  });
  return {
    workspace,
    commit,
    start: (more = {}, from = "classwaves/consumer") =>
      runWorkflow({
        ...{ act: path, workspace, workflow: "quality-gate.yml", repositories, scratch: join(place, "act") },
        event: {
          name: "pull_request",
          payload: { pull_request: { number: 7, head: { sha: commit, repo: { full_name: from } } } },
        },
        ...more,
      }),
  };
}

/** What the required check said: its verdict and cause, and a line for each stage. */
function gateOf({ output }: Finished): string[] {
  return [...output.matchAll(/\/gate *\] {3}\| ((?:gate|✔|✘) .*|::error.*)$/gm)].map(([, line = ""]) => line);
}
const verdictOf = ({ output }: Finished) => /\/gate *\].*::set-output:: verdict=(\w+)/.exec(output)?.[1];

test("pass: a consumer of few files, and every stage left evidence", async (context) => {
  if ("missing" in act) return context.skip(act.missing);
  const { start, workspace } = await consumer();
  const files = git(workspace, "ls-files").split("\n");
  expect(files.length).toBeLessThanOrEqual(10);
  const finished = await start();
  expect(finished.exitCode, finished.output).toBe(0);
  expect(verdictOf(finished)).toBe("passed");
  expect(gateOf(finished)).toEqual([
    "gate passed: every stage passed",
    "✔ preflight passed: job preflight, environment sandbox",
    "✔ integration passed: job integration (shard=1), environment sandbox",
    "✔ e2e left out: the configuration leaves it out",
    "✔ job e2e: skipped for an allowed reason: the caller says that there are none",
  ]);
}, 300_000);

test("a failing stage fails the check, and is its cause", async (context) => {
  if ("missing" in act) return context.skip(act.missing);
  const { start } = await consumer();
  const finished = await start({ env: { FAILS: "all" } });
  expect(finished.exitCode).toBe(1);
  expect(verdictOf(finished)).toBe("failed");
  expect(gateOf(finished)).toEqual(
    expect.arrayContaining([
      "✘ integration failed: failed in job integration (shard=1), environment sandbox",
      "✘ job integration: failed",
    ]),
  );
}, 300_000);

test("a failing cell fails the check although the other passed, and a second attempt that passes mends it", async (context) => {
  if ("missing" in act) return context.skip(act.missing);
  const { start } = await consumer({ [workflow]: inShards, [configuration]: namesShard });
  const first = await start({ env: { FAILS: "2" } });
  expect(first.output).toMatch(/orders, part 1 of 2/);
  expect(verdictOf(first)).toBe("failed");
  expect(gateOf(first)).toContain("✘ integration failed: failed in job integration (shard=2), environment sandbox");
  // act runs all jobs again, where GitHub can leave out those that passed. The artifacts of the first attempt are still there.
  const second = await start({ env: { GITHUB_RUN_ATTEMPT: "2" } });
  expect(second.exitCode, second.output).toBe(0);
  expect(verdictOf(second)).toBe("passed");
  expect(gateOf(second).find((line) => line.includes("integration"))).toMatch(
    /^✔ integration passed: job integration \(shard=\d\), environment sandbox and job integration \(shard=\d\), environment sandbox$/,
  );
}, 300_000);

describe("skip", () => {
  test("by a stage that failed before: what did not run is missing, and never a success", async (context) => {
    if ("missing" in act) return context.skip(act.missing);
    const broken = (text: string) =>
      text.replace("node server.js", "node no-server.js").replace("npm start", "node no-server.js");
    const { start } = await consumer({ [configuration]: broken });
    const finished = await start();
    expect(finished.exitCode).toBe(1);
    expect(verdictOf(finished)).toBe("failed");
    expect(gateOf(finished)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^✘ preflight (?:failed|error): .* in job preflight, environment sandbox$/),
        "✘ integration missing: it did not run: job integration was skipped, and the reason that `allow-skips` names does not hold now. A skipped job proves nothing",
        "✘ job integration: skipped, but the reason that `allow-skips` names does not hold now",
      ]),
    );
  }, 300_000);

  test("by the caller's word: it is allowed, and the check says whose word it was", async (context) => {
    if ("missing" in act) return context.skip(act.missing);
    const { start } = await consumer({
      [workflow]: (text) => text.replace("    with:\n", "    with:\n      integration: false\n"),
    });
    const finished = await start();
    expect(finished.exitCode, finished.output).toBe(0);
    expect(verdictOf(finished)).toBe("passed");
    expect(gateOf(finished)).toContain(
      "✔ integration skipped: skipped for an allowed reason: the caller says that there are none",
    );
  }, 300_000);

  test("of the whole call: no gate runs, so GitHub goes on waiting for its check", async (context) => {
    if ("missing" in act) return context.skip(act.missing);
    const never = (text: string) =>
      text.replace("    permissions:\n      contents", "    if: github.actor == 'nobody'\n    permissions:\n      contents");
    const { start } = await consumer({ [workflow]: never });
    const finished = await start();
    expect(finished.output).not.toMatch(/\/gate *\]/);
    expect(gateOf(finished)).toEqual([]);
  }, 300_000);
});

test("cancel: the post step says how the stage ended, and the gate that the run was cancelled", async (context) => {
  if ("missing" in act) return context.skip(act.missing);
  const { start, commit } = await consumer();
  const place = join(scratch, String(consumers));
  const blocks = join(place, "blocks");
  let isCancelled = false;
  const finished = await start({
    env: { BLOCKS: blocks },
    during(child) {
      const waiting = setInterval(() => {
        // The tests are running now.
        if (!existsSync(blocks)) return;
        clearInterval(waiting);
        isCancelled = child.kill("SIGINT");
        // act kills the step at once and leaves its children, where a runner asks the step first.
        setTimeout(() => rmSync(blocks), 2_000);
      }, 50);
      child.once("close", () => clearInterval(waiting));
    },
  });
  expect(isCancelled, finished.output).toBe(true);
  expect(finished.output).toMatch(/integration error: Cut short/);
  // act ends a cancelled run without the jobs that follow. GitHub starts those with `always()`: so the published gate is started here.
  expect(gateOf(finished)).toEqual([]);
  const workspace = join(place, "gate");
  const left = join(workspace, ".env-actions", "evidence");
  mkdirSync(left, { recursive: true });
  for (const file of ["output", "state", "summary"]) writeFileSync(join(workspace, file), "");
  const evidence = globSync("act/artifacts/*/*/*.zip", { cwd: place })
    .flatMap((archive) => readZip(readFileSync(join(place, archive))))
    .filter(({ name }) => name === "evidence.json")
    .map(({ content }) => JSON.parse(content.toString()) as Evidence);
  for (const one of evidence) writeFileSync(join(left, `${one.stage}-${one.environment}-${one.runId}.json`), JSON.stringify(one));
  const inputs = {
    ...{ stage: "gate", environment: "sandbox", stages: "preflight, integration", "allow-skips": "e2e: true # there are none" },
    needs: JSON.stringify({ preflight: { result: "success" }, integration: { result: "cancelled" }, e2e: { result: "skipped" } }),
  };
  const { status, stdout } = await run(bundle, {
    cwd: workspace,
    env: {
      ...runnerEnvironment(workspace, inputs),
      ...{ GITHUB_SHA: commit, GITHUB_REPOSITORY: "classwaves/consumer", GITHUB_EVENT_NAME: "pull_request" },
    },
  });
  expect(status).toBe(1);
  const of = "environment sandbox, configuration .github/env-actions.yml";
  expect(stdout).toContain("gate cancelled: the run was cancelled; nothing failed");
  expect(stdout).toContain(`✔ preflight passed: job preflight, ${of}`);
  expect(stdout).toContain(`✘ integration cancelled: error in job integration (shard=1), ${of}: its job was cancelled`);
  expect(stdout).toMatch(/^✘ job integration: cancelled$/m);
}, 300_000);

describe("a pull request from a fork", () => {
  const twoEnvironments = (text: string) =>
    text.replace(/^ {2}sandbox:\n(?: {4}.*\n)+/m, (own) => `${own}${own.replace("sandbox:", "local:")}`);
  const standIn = (text: string) => text.replace("    with:\n", "    with:\n      fork-environment: local\n");

  test("is tested in its stand-in, and the check says what was not proven", async (context) => {
    if ("missing" in act) return context.skip(act.missing);
    const { start } = await consumer({ [workflow]: standIn, [configuration]: twoEnvironments });
    const finished = await start({}, "somebody/consumer");
    expect(finished.exitCode, finished.output).toBe(0);
    expect(verdictOf(finished)).toBe("degraded");
    expect(gateOf(finished)).toContain(
      "gate degraded: preflight and integration ran in local, because a fork gets no credentials; nothing was proven about sandbox",
    );
  }, 300_000);

  test("of the repository itself is not one", async (context) => {
    if ("missing" in act) return context.skip(act.missing);
    const { start } = await consumer({ [workflow]: standIn, [configuration]: twoEnvironments });
    const finished = await start();
    expect(verdictOf(finished), finished.output).toBe("passed");
    expect(gateOf(finished)).toContain("✔ integration passed: job integration (shard=1), environment sandbox");
  }, 300_000);
});
