import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshBundle } from "../harness/process.ts";

/** What tests can reach of the runner while the action runs them: as a test would try it, from within. */

const entry = freshBundle;
const secret = "a-token-of-the-runner-4711";

/** Prints what it finds, and writes wherever it can. */
const tests = `import * as fs from "node:fs";
import { dirname, basename, join } from "node:path";
const found = [];
for (const [name, value] of Object.entries(process.env)) if (value.includes(${JSON.stringify(secret)})) found.push(name);
let pid = process.ppid;
for (; process.platform === "linux" && pid > 1 && fs.existsSync("/proc/" + pid + "/environ"); ) {
  const environ = fs.readFileSync("/proc/" + pid + "/environ", "latin1");
  // Up to the action's own process; what started it is this test.
  if (environ.includes("THE_TEST_ITSELF=")) break;
  for (const line of environ.split("\\0")) if (line.includes(${JSON.stringify(secret)})) found.push("/proc: " + line.split("=")[0]);
  pid = Number(fs.readFileSync("/proc/" + pid + "/stat", "latin1").split(") ").at(-1).split(" ")[1]);
}
console.log("found: " + JSON.stringify(found));
const summary = process.env.GITHUB_STEP_SUMMARY;
fs.appendFileSync(summary, "# All well [here](https://evil.example) ::set-env name=A::b\\n");
// By its name, as GitHub's own tools do it, and by looking into the folder.
const sibling = join(dirname(summary), basename(summary).replace("step_summary_", "set_env_"));
if (sibling !== summary) fs.appendFileSync(sibling, "NODE_OPTIONS=--require=/tmp/evil.js\\n");
if (process.env.LISTS_THE_FOLDER) for (const file of fs.readdirSync(process.env.LISTS_THE_FOLDER)) fs.appendFileSync(join(process.env.LISTS_THE_FOLDER, file), "verdict=passed\\n");
if (process.env.BREAKS_THE_RECORDS) {
  fs.rmSync(".env-actions/reports", { recursive: true });
  fs.symlinkSync("/tmp", ".env-actions/reports");
}
fs.writeFileSync("r.xml", '<testsuite name="s"><testcase name="a"/></testsuite>');
`;

let folder: string;
let workspace: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "env-actions-children-")));
  workspace = join(folder, "workspace");
  mkdirSync(workspace);
  mkdirSync(join(folder, "commands"));
  const stages = { integration: { command: "node tests.mjs", reports: ["r.xml"] } };
  const environments = { local: { access: "test-data", variables: ["PATH"] } };
  writeFileSync(join(workspace, "c.yml"), JSON.stringify({ version: 1, environments, stages }));
  writeFileSync(join(workspace, "tests.mjs"), tests);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const kinds = {
  GITHUB_STEP_SUMMARY: "step_summary",
  GITHUB_ENV: "set_env",
  GITHUB_PATH: "add_path",
  GITHUB_OUTPUT: "set_output",
};
const runnerFile = (name: keyof typeof kinds) => join(folder, "commands", `${kinds[name]}_1f0d`);
const content = (name: keyof typeof kinds) => readFileSync(runnerFile(name), "utf8");

function stage(name: string, more: Record<string, string> = {}) {
  const files = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, runnerFile(kind as keyof typeof kinds)]));
  for (const file of [...Object.values(files), join(folder, "state")]) writeFileSync(file, "");
  return spawnSync(process.execPath, [entry], {
    cwd: workspace,
    encoding: "utf8",
    env: {
      PATH: process.env.PATH,
      GITHUB_ACTIONS: "true",
      GITHUB_WORKSPACE: workspace,
      GITHUB_SHA: "a".repeat(40),
      GITHUB_RUN_ID: "1",
      GITHUB_STATE: join(folder, "state"),
      ...files,
      INPUT_STAGE: name,
      INPUT_CONFIG: "c.yml",
      "INPUT_GITHUB-TOKEN": secret,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: secret,
      ACTIONS_NEW_THING_TOKEN: secret,
      ...more,
    },
  });
}

describe("an integration stage", () => {
  let ran: ReturnType<typeof stage>;
  beforeAll(() => {
    expect(stage("preflight").status).toBe(0);
    ran = stage("integration");
  });

  test("keeps the runner's tokens from its tests, in their environment and in its own process", () => {
    expect(ran.stdout).toContain("found: []");
    expect(ran.status, ran.stdout).toBe(0);
  });

  test("gives tests a summary file of their own, and shows its content as text", () => {
    expect(content("GITHUB_ENV")).toBe("");
    const summary = content("GITHUB_STEP_SUMMARY");
    expect(summary).toMatch(/Integration.*passed/is);
    expect(summary).toMatch(/What servers and tests wrote to this summary.*```text\n# All well \[here\]/s);
    expect(content("GITHUB_OUTPUT")).toContain("verdict<<");
  });
});

test("fails the step, and removes and reports what tests wrote to the runner's files", () => {
  expect(stage("preflight").status).toBe(0);
  const ran = stage("integration", { LISTS_THE_FOLDER: join(folder, "commands") });
  expect(ran.stdout).toMatch(/^::error .*wrote to the runner's GITHUB_ENV, GITHUB_PATH, GITHUB_OUTPUT, GITHUB_STEP_SUMMARY, /m);
  expect([content("GITHUB_ENV"), content("GITHUB_PATH")]).toEqual(["", ""]);
  expect(content("GITHUB_OUTPUT")).not.toContain("verdict=passed");
  expect(content("GITHUB_STEP_SUMMARY")).not.toContain("verdict=passed");
  expect(ran.status).toBe(1);
});

test("does so even if the tests prevent the stage from writing a report", () => {
  expect(stage("preflight").status).toBe(0);
  const ran = stage("integration", { LISTS_THE_FOLDER: join(folder, "commands"), BREAKS_THE_RECORDS: "true" });
  rmSync(join(workspace, ".env-actions"), { recursive: true });
  expect(ran.stdout).toMatch(/^::error .*wrote to the runner's GITHUB_ENV, GITHUB_PATH, GITHUB_OUTPUT, GITHUB_STEP_SUMMARY, /m);
  expect(ran.stdout).toMatch(/^::error .*reports is a link, or not a folder/m);
  for (const name of Object.keys(kinds) as (keyof typeof kinds)[]) expect(content(name)).toBe("");
  expect(ran.status).toBe(3);
});
