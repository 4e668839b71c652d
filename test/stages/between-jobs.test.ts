import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { folderForEachTest } from "../harness/folder.ts";
import { freshBundle, run, runnerEnvironment } from "../harness/process.ts";
import { performIn } from "../harness/stage.ts";

/**
 * Evidence between the jobs of a server without an artifact service: each job has a checkout of its own, and all reach one folder. The
 * stages are whole, on an environment without warehouse and Redis.
 */

const folder = folderForEachTest();
const share = () => join(folder.path, "share");
beforeEach(() => mkdirSync(share()));

const server = {
  GITHUB_ACTIONS: "true",
  GITHUB_SERVER_URL: "https://git.school.edu",
  GITHUB_REPOSITORY: "classwaves/app",
  GITHUB_RUN_ID: "77",
  GITHUB_RUN_ATTEMPT: "1",
  GITHUB_SHA: "a".repeat(40),
};

interface Job {
  id?: string;
  cell?: string;
  /** The folder of the project in the checkout. */
  project?: string;
  /** Whether its tests pass. */
  passes?: boolean;
  store?: object | "artifacts";
  env?: Record<string, string>;
}

let checkouts = 0;

/** A job on a machine of its own. */
async function job(
  stage: "preflight" | "integration" | "e2e",
  { id = stage, cell, project = ".", passes = true, store, env = {} }: Job = {},
) {
  const checkout = join(folder.path, `checkout-${++checkouts}`);
  const workspace = join(checkout, project);
  mkdirSync(workspace, { recursive: true });
  const outcome = passes ? "" : '<failure message="no"/>';
  const junit = `<testsuite name="s"><testcase name="works" time="0.01">${outcome}</testcase></testsuite>`;
  writeFileSync(
    join(workspace, "tests.mjs"),
    `require("fs").writeFileSync("r.xml", ${JSON.stringify(junit)})`.replace('require("fs")', "(await import('node:fs'))"),
  );
  const tests = { command: "node tests.mjs", reports: ["r.xml"] };
  return await performIn(workspace, {
    stage,
    ...(cell ? { cell } : {}),
    config: {
      preset: "none",
      environments: { here: { access: "test-data", variables: ["HOME"] } },
      stages: { integration: tests, e2e: tests },
      evidence: { store: store ?? { folder: share() } },
    },
    env: {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME },
      ...server,
      GITHUB_WORKSPACE: checkout,
      GITHUB_JOB: id,
      ...env,
    },
  });
}

/** The required check, in a job of its own. @param config the path of the configuration in the checkout */
async function gate(
  stages: string,
  { project = ".", more = {}, store }: { project?: string; more?: Record<string, string>; store?: string } = {},
) {
  const checkout = join(folder.path, `checkout-${++checkouts}`);
  mkdirSync(join(checkout, project), { recursive: true });
  for (const name of ["output", "state", "summary"]) writeFileSync(join(checkout, name), "");
  writeFileSync(join(checkout, project, "config.yml"), `version: 1\nevidence: { store: ${store ?? `{ folder: ${share()} }`} }\n`);
  const needs = JSON.stringify(Object.fromEntries(stages.split(", ").map((stage) => [stage, { result: "success" }])));
  const inputs = { stage: "gate", needs, stages, config: "config.yml", "working-directory": project };
  const { status, stdout } = await run(freshBundle, {
    cwd: checkout,
    env: { ...runnerEnvironment(checkout, inputs), ...server, GITHUB_JOB: "gate", ...more },
  });
  return { status, stdout };
}

test("stages and gate find the evidence of other jobs in the folder", async () => {
  expect((await job("preflight")).report.verdict).toBe("passed");
  expect((await job("integration")).report.verdict).toBe("passed");
  expect(await gate("preflight, integration")).toMatchObject({ status: 0, stdout: expect.stringMatching(/gate passed/) });
});

test.each<[string, Record<string, string>, RegExp]>([
  [
    "GitHub Enterprise Server",
    {},
    /If another job ran it: git\.school\.edu is a GitHub Enterprise Server, which has no artifact service/,
  ],
  ["Gitea", { GITEA_ACTIONS: "true" }, /If another job ran it: git\.school\.edu is a Gitea or Forgejo server/],
])("without the folder, stage and gate name the cause and the cure: %s", async (_, env, why) => {
  await job("preflight", { store: "artifacts", env });
  const { report } = await job("integration", { store: "artifacts", env });
  expect(report.verdict).not.toBe("passed");
  expect(report.reason).toMatch(why);
  expect(report.reason).toMatch(/name a folder that all jobs reach in `evidence\.store`/);
  const asked = await gate("preflight", { store: "artifacts", more: env });
  expect(asked.status).toBe(1);
  expect(asked.stdout).toMatch(/evidence of other jobs cannot be read: git\.school\.edu is a .*`evidence\.store`/);
});

test("evidence that can't be read stops the next stage, although another cell passed", async () => {
  await job("preflight", { cell: "1" });
  await job("preflight", { cell: "2" });
  const ofRun = join(share(), "git.school.edu", "classwaves", "app", "77");
  const [first = ""] = readdirSync(ofRun);
  writeFileSync(join(ofRun, first), "torn");
  const { report } = await job("integration");
  expect(report.verdict).not.toBe("passed");
  expect(report.reason).toContain(first);
  expect(await gate("preflight")).toMatchObject({ status: 1, stdout: expect.stringMatching(/gate error/) });
});

test("a machine without the share: the stage and the gate end with an error that says to mount it", async () => {
  await job("preflight");
  const store = { folder: join(folder.path, "not-mounted") };
  const { report, warnings } = await job("integration", { store });
  expect(report.verdict).toBe("error");
  expect(warnings.join("\n")).toMatch(
    /EA8007: .*not-mounted could not be listed: it does not exist on this machine: create it, or mount/,
  );
  const asked = await gate("preflight", { store: `{ folder: ${store.folder} }` });
  expect(asked).toMatchObject({ status: 1, stdout: expect.stringMatching(/gate error/) });
  expect(asked.stdout).toMatch(/mount the share that holds it/);
});

test.each(["{ folder: evidence }", "{ folder: '${SHARE}/evidence' }", "{ folder: [] }", "{ branch: evidence }", "share", "[]"])(
  "a gate doesn't guess where evidence is: %s",
  async (store) => {
    const asked = await gate("preflight", { store });
    expect(asked.status).toBe(2);
    expect(asked.stdout).toMatch(/EA1010: config\.yml: evidence\.store: expected artifacts, or \{ folder: \/mnt\/evidence \}/);
  },
);

test("one project of a repository doesn't open the next stage of another", async () => {
  await job("preflight", { project: "packages/a", id: "a" });
  const { report } = await job("integration", { project: "packages/b", id: "b" });
  expect(report.verdict).not.toBe("passed");
  expect(report.reason).toMatch(
    /expected evidence for the configuration packages\/b\/config\.yml, got evidence for packages\/a\/config\.yml/,
  );
});

test("nor does its failure close it", async () => {
  for (const project of ["packages/a", "packages/b"]) await job("preflight", { project, id: project.slice(-1) });
  await job("integration", { project: "packages/a", id: "a", passes: false });
  await job("integration", { project: "packages/b", id: "b" });
  expect((await job("e2e", { project: "packages/a", id: "a" })).report.reason).toMatch(
    /integration in job a|integration ended with failed/,
  );
  expect((await job("e2e", { project: "packages/b", id: "b" })).report.verdict).toBe("passed");
});

test("two gates in one repository: each judges the evidence of its own configuration", async () => {
  for (const [project, passes] of [
    ["packages/a", true],
    ["packages/b", false],
  ] as const) {
    await job("preflight", { project, id: project.slice(-1) });
    await job("integration", { project, id: project.slice(-1), passes });
  }
  const [a, b] = [
    await gate("preflight, integration", { project: "packages/a" }),
    await gate("preflight, integration", { project: "packages/b" }),
  ];
  expect(a).toMatchObject({ status: 0, stdout: expect.stringMatching(/gate passed/) });
  expect(b).toMatchObject({ status: 1, stdout: expect.stringMatching(/gate failed: integration failed/) });
});

test("two gates of two workflow runs that share the folder don't see each other", async () => {
  await job("preflight", { env: { GITHUB_RUN_ID: "78" } });
  const { report } = await job("integration");
  expect(report.reason).toMatch(/needs passed evidence of preflight: there is none/);
  expect(await gate("preflight")).toMatchObject({ status: 1, stdout: expect.stringMatching(/preflight missing/) });
  expect(await gate("preflight", { more: { GITHUB_RUN_ID: "78" } })).toMatchObject({ status: 0 });
});

test('"Re-run failed jobs": the new attempt stands on what passed in the first one', async () => {
  await job("preflight");
  expect((await job("integration", { cell: "1" })).report.verdict).toBe("passed");
  expect((await job("integration", { cell: "2", passes: false })).report.verdict).toBe("failed");
  expect((await gate("preflight, integration")).status).toBe(1);

  const again = { GITHUB_RUN_ATTEMPT: "2" };
  expect((await job("integration", { cell: "2", env: again })).report.verdict).toBe("passed");
  expect((await job("e2e", { env: again })).report.verdict).toBe("passed");
  expect((await gate("preflight, integration, e2e", { more: again })).status).toBe(0);
});

test.each(["schedule", "workflow_dispatch", "push", "merge_group"])("a run by %s needs no pull request", async (event) => {
  const env = { GITHUB_EVENT_NAME: event };
  await job("preflight", { env });
  expect((await job("integration", { env })).report.verdict).toBe("passed");
  expect((await gate("preflight, integration", { more: env })).status).toBe(0);
  // The next run of the same schedule, on the same commit, begins with nothing.
  const next = { ...env, GITHUB_RUN_ID: "78" };
  expect((await job("integration", { env: next })).report.verdict).not.toBe("passed");
  expect((await gate("preflight, integration", { more: next })).status).toBe(1);
});
