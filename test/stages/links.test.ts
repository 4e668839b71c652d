import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ArtifactService } from "../../src/github/artifacts.ts";
import { readResults } from "../../src/test-reports/read.ts";
import { performIn } from "../harness/stage.ts";

/** A link that a test put in the place of a file leads nowhere: nothing behind it is read, uploaded or written over. */

const precious = "precious: 4711\n";
let folder: string;
let workspace: string;
let outside: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "env-actions-links-")));
  workspace = join(folder, "workspace");
  outside = join(folder, "outside");
  for (const one of [workspace, outside]) mkdirSync(one);
  writeFileSync(join(outside, "secret"), precious);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("reports", () => {
  const report = '<testsuite name="s"><testcase name="a"/></testsuite>';
  const reading = () => readResults({ cwd: workspace, workspace, reports: ["out/r.xml"], startedAt: 0 });
  beforeEach(() => writeFileSync(join(outside, "r.xml"), report));

  test.each([
    ["a link", () => symlinkSync(join(outside, "r.xml"), join(workspace, "out", "r.xml")), /out\/r\.xml: not read: it is a link/],
    [
      "a folder that is a link",
      () => {
        rmSync(join(workspace, "out"), { recursive: true });
        symlinkSync(outside, join(workspace, "out"));
      },
      /out\/r\.xml: not read: it is behind a link to .*outside/,
    ],
    ["a named pipe", () => execFileSync("mkfifo", [join(workspace, "out", "r.xml")]), /no file in .* matches it/],
  ])("%s is not read as a report", async (_, make, message) => {
    mkdirSync(join(workspace, "out"));
    make();
    expect((await reading()).unreadable?.map((report) => report.message).join()).toMatch(message);
  });

  test("links within the workspace and hard links are read, because build tools make both", async () => {
    mkdirSync(join(workspace, "built"));
    linkSync(join(outside, "r.xml"), join(workspace, "built", "r.xml"));
    symlinkSync("built", join(workspace, "out"));
    expect((await reading()).total).toBe(1);
  });
});

const config = (command: string) =>
  JSON.stringify({
    version: 1,
    environments: { local: { access: "test-data", variables: ["PATH"] } },
    stages: {
      integration: { command, reports: ["r.xml"] },
      e2e: { command, reports: ["r.xml"], attachments: ["results/**"], passRate: "1%" },
    },
  });

/** Runs a stage in a workspace whose tests are this script. */
async function stage(name: "preflight" | "integration" | "e2e", script: string, artifacts?: ArtifactService) {
  writeFileSync(
    join(workspace, "tests.mjs"),
    `import * as fs from "node:fs";\nconst outside = ${JSON.stringify(outside)};\n${script}`,
  );
  writeFileSync(join(workspace, "c.yml"), config("node tests.mjs"));
  const env = { PATH: process.env.PATH };
  return await performIn(workspace, { stage: name, configFile: "c.yml", env, ...(artifacts ? { artifacts } : {}) });
}

const failing = `fs.writeFileSync("r.xml", '<testsuite name="s"><testcase name="a"/><testcase name="b"><failure/></testcase></testsuite>');
process.exitCode = 1;`;

test("logs and attachments that became links are not uploaded, all others are", async () => {
  const uploaded: Record<string, string> = {};
  const artifacts: ArtifactService = {
    list: async () => [],
    download: async () => [],
    upload: async (_, files) => {
      for (const file of files) uploaded[file.name] = file.content.toString();
    },
  };
  await stage("preflight", "");
  await stage("integration", "fs.writeFileSync('r.xml', '<testsuite><testcase name=\"a\"/></testsuite>')");
  const { report, warnings } = await stage(
    "e2e",
    `${failing}
    fs.mkdirSync("results/d", { recursive: true });
    fs.writeFileSync("results/good.txt", "good");
    fs.symlinkSync(outside + "/secret", "results/link.txt");
    fs.linkSync(outside + "/secret", "results/second-name.txt");
    // It has the time of the file outside, which on a busy machine is older than the stage: then it would not be a file of this run.
    fs.utimesSync("results/second-name.txt", new Date(), new Date());
    fs.symlinkSync(outside, "results/folder");
    const log = ".env-actions/logs/" + process.env.ENV_ACTIONS_RUN_ID + "/e2e-tests.log";
    fs.rmSync(log);
    fs.symlinkSync(outside + "/secret", log);`,
    artifacts,
  );
  expect(report.attachments?.map(({ file, leftOut }) => [file.split("/").at(-1), leftOut])).toEqual(
    expect.arrayContaining([
      ["good.txt", undefined],
      ["link.txt", "a link"],
      ["second-name.txt", expect.stringMatching(/a hard link to another file/)],
    ]),
  );
  expect(uploaded).toMatchObject({ "results/good.txt": "good" });
  expect(JSON.stringify(uploaded)).not.toContain("4711");
  expect(warnings).toEqual(
    expect.arrayContaining([expect.stringMatching(/\.env-actions\/logs\/\w+\/e2e-tests\.log was not uploaded: it is a link/)]),
  );
});

// What a run writes, each replaced by a link before the run.
test.each([
  "run.json",
  ".gitignore",
  "summary.md",
  "report.html",
  "reports/preflight.json",
  "evidence/preflight-local.json",
  "audit.jsonl",
  "logs/integration-tests.log",
])("%s as a link: the target is neither changed nor read", async (file) => {
  const path = join(workspace, ".env-actions", file);
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(join(outside, "secret"), path);
  const { report } = await stage("preflight", "");
  await stage("integration", failing);
  expect(readFileSync(join(outside, "secret"), "utf8")).toBe(precious);
  // A decision that can't be written down is no pass; everything else is written anew.
  expect(report.verdict).toBe(file === "audit.jsonl" ? "error" : "passed");
});

test.each([".env-actions", ".env-actions/reports", ".env-actions/evidence", ".env-actions/logs"])(
  "%s as a link to a folder elsewhere: nothing is written to that folder",
  async (name) => {
    mkdirSync(dirname(join(workspace, name)), { recursive: true });
    symlinkSync(outside, join(workspace, name));
    await expect(stage("preflight", "")).rejects.toThrow(/is a link, or not a folder: remove it/);
    expect(execFileSync("ls", ["-A", outside], { encoding: "utf8" })).toBe("secret\n");
  },
);

test("a ledger that is a link is not read, and the stage does not pass", async () => {
  await stage("preflight", "");
  const { report } = await stage(
    "integration",
    `fs.writeFileSync("r.xml", '<testsuite><testcase name="a"/></testsuite>');
    fs.rmSync(process.env.ENV_ACTIONS_LEDGER);
    fs.symlinkSync(outside + "/secret", process.env.ENV_ACTIONS_LEDGER);`,
  );
  expect(report.checks.find(({ id }) => id === "test-data.cleanup")).toMatchObject({
    verdict: "failed",
    message: expect.stringMatching(/the ledger was not read: .* is a link, and links are not followed/),
  });
});
