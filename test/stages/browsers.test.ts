import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { junit, runSuite } from "./suite.ts";

/** Browsers, shards, and what failed tests leave behind: on the stage as it runs, with commands in processes of their own. */

const base = "requiredProjects: ['*']\nreports: [r*.json]\n";

interface Spec {
  title: string;
  project: string;
  status?: "expected" | "unexpected";
}

/** As Playwright's JSON reporter writes it. */
function playwright(specs: readonly Spec[]): string {
  const written = specs.map(({ title, project, status = "expected" }) => ({
    title,
    ok: status === "expected",
    file: "a.spec.ts",
    line: 3,
    column: 1,
    id: title,
    tags: [],
    tests: [
      {
        projectId: project,
        projectName: project,
        status,
        expectedStatus: "passed",
        timeout: 1000,
        annotations: [],
        results: [{ status: status === "expected" ? "passed" : "failed", duration: 5, retry: 0, errors: [], workerIndex: 0 }],
      },
    ],
  }));
  const unexpected = specs.filter(({ status }) => status === "unexpected").length;
  return JSON.stringify({
    config: { version: "1.58.0", projects: [] },
    suites: [{ title: "a.spec.ts", file: "a.spec.ts", line: 0, column: 0, specs: written }],
    errors: [],
    stats: {
      startTime: "2026-11-23T20:00:00.000Z",
      duration: 5,
      expected: specs.length - unexpected,
      unexpected,
      flaky: 0,
      skipped: 0,
    },
  });
}

function write(file: string, content: string): string {
  return `writeFileSync(${file}, ${JSON.stringify(content)});`;
}

function writing(...statements: string[]): string {
  return ['import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";', ...statements].join("\n");
}

const two = [
  { title: "signs in", project: "authenticated-chrome" },
  { title: "signs in", project: "authenticated-safari" },
];

describe("browsers", () => {
  /** A folder with an `npx` that notes how it was called, and ends with this status. */
  async function installer(status: number): Promise<{ path: string; calls: string }> {
    const folder = await mkdtemp(join(tmpdir(), "npx-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const calls = join(folder, "calls");
    await writeFile(join(folder, "npx"), `#!/bin/sh\necho "$@" >> ${calls}\necho "no space left on the disk"\nexit ${status}\n`);
    await chmod(join(folder, "npx"), 0o755);
    return { path: `${folder}${delimiter}${process.env.PATH}`, calls };
  }

  const settings = `${base}command: node tests.mjs\nbrowsers: [chromium, webkit]\ninstall: true`;
  const files = { "tests.mjs": writing(write('"r.json"', playwright(two))) };

  test("are installed before the tests, and every browser must have run a test", async () => {
    const { path, calls } = await installer(0);
    const ran = await runSuite("e2e", { settings, files }, { PATH: path, CI: "true" });
    expect(await readFile(calls, "utf8")).toBe("--no-install playwright install --with-deps chromium webkit\n");
    expect(ran.said).toContain(
      "installing browsers that are missing: npx --no-install playwright install --with-deps chromium webkit",
    );
    expect(ran.check("tests.browsers-installed")?.verdict).toBe("passed");
    expect(ran.check("tests.browsers")).toMatchObject({ verdict: "passed" });
    expect(ran.report.verdict).toBe("passed");
  });

  test("fail the stage when no test ran in one of them", async () => {
    const ran = await runSuite("e2e", { settings: settings.replace("install: true", "").replace("webkit", "firefox"), files });
    expect(ran.check("tests.browsers")).toMatchObject({
      verdict: "failed",
      message: expect.stringMatching(/^No test ran in firefox\./),
    });
  });

  test("that cannot be installed are an error with the fix, and no test starts", async () => {
    const { path } = await installer(1);
    const ran = await runSuite("e2e", { settings, files }, { PATH: path });
    expect(ran.report.verdict).toBe("error");
    expect(ran.report.commands).toHaveLength(1);
    expect(ran.check("tests.browsers-installed")?.message).toMatch(
      /no space left on the disk\. Install them in a step before \(npx playwright install --with-deps chromium webkit\)/,
    );
  });
});

describe("shards", () => {
  const settings = `${base}command: node tests.mjs $ENV_ACTIONS_SHARD/$ENV_ACTIONS_SHARDS\nshards: 2`;
  const half = (index: number) => playwright(two.slice(index, index + 1));

  test("run in parallel, know their number, and are merged into one report", async () => {
    // Each waits for the other, so that they end only if they run at the same time.
    const meeting = `import { existsSync } from "node:fs";
      const { ENV_ACTIONS_SHARD: shard } = process.env;
      console.log("I am", process.argv[2]);
      writeFileSync("here-" + shard, "");
      while (!existsSync("here-" + (3 - shard))) await new Promise((resolve) => setTimeout(resolve, 10));
      writeFileSync("r" + shard + ".json", shard === "1" ? ${JSON.stringify(half(0))} : ${JSON.stringify(half(1))});`;
    const ran = await runSuite("e2e", { settings, files: { "tests.mjs": writing(meeting) } });
    expect(ran.said).toEqual(expect.arrayContaining(["I am 1/2", "I am 2/2"]));
    expect(ran.report.tests).toMatchObject({ total: 2, passed: 2 });
    expect(ran.report.verdict).toBe("passed");
    expect(ran.report.commands.map((command) => command.log).sort()).toEqual([
      `.env-actions/logs/${ran.report.runId}/e2e-tests-1.log`,
      `.env-actions/logs/${ran.report.runId}/e2e-tests-2.log`,
    ]);
  });

  test("fail the stage when they overwrite each other's report, although every remaining test passed", async () => {
    const ran = await runSuite("e2e", { settings, files: { "tests.mjs": writing(write('"r.json"', playwright(two))) } });
    expect(ran.check("tests.shards")).toMatchObject({ verdict: "failed", observed: "1 report" });
  });

  test("fail the stage when one of them fails", async () => {
    const one = `const { ENV_ACTIONS_SHARD: shard } = process.env;
      writeFileSync("r" + shard + ".json", shard === "1" ? ${JSON.stringify(half(0))} : ${JSON.stringify(half(1))});
      process.exitCode = shard === "2" ? 7 : 0;`;
    const ran = await runSuite("e2e", { settings, files: { "tests.mjs": writing(one) } });
    expect(ran.check("tests.exit")).toMatchObject({ verdict: "failed", observed: "7" });
  });
});

describe("what failed tests leave behind", () => {
  const settings = `${base}command: node tests.mjs`;
  const folder = "test-results/a-signs-in-1--unauthenticated-chrome";
  const leave = [
    `mkdirSync("${folder}", { recursive: true });`,
    `for (const name of ["shot.png", "trace.zip", "notes.txt"]) writeFileSync("${folder}/" + name, name);`,
  ];
  const failing = (...more: string[]) =>
    writing(
      ...leave,
      ...more,
      write(
        '"r.json"',
        // The one name holds the other, and both tests failed.
        playwright(
          ["authenticated-chrome", "unauthenticated-chrome"].map((project) => ({
            title: "signs in (1)",
            project,
            status: "unexpected",
          })),
        ),
      ),
      "process.exitCode = 1;",
    );

  test("is kept with the report under the name of its test", async () => {
    const ran = await runSuite("e2e", { settings, files: { "tests.mjs": failing() } });
    const kept = `.env-actions/attachments/e2e-${ran.report.runId}/${folder}`;
    expect(ran.report.attachments).toEqual([
      { file: `${kept}/shot.png`, bytes: 8, test: expect.stringMatching(/signs in \(1\)$/) },
      { file: `${kept}/trace.zip`, bytes: 9, test: expect.stringMatching(/signs in \(1\)$/) },
    ]);
    expect(await readFile(join(ran.workspace, kept, "trace.zip"), "utf8")).toBe("trace.zip");
  });

  test("links and files over the limit are named but not kept, and small files are kept first", async () => {
    const tests = failing(
      `symlinkSync("/etc/passwd", "${folder}/link.png");`,
      `writeFileSync("${folder}/a-video.webm", ""); truncateSync("${folder}/a-video.webm", 51 * 1024 * 1024);`,
    );
    const ran = await runSuite("e2e", { settings, files: { "tests.mjs": tests } });
    const names = ran.report.attachments?.map(({ file, leftOut }) => `${file.split("/").at(-1)}: ${leftOut ?? "kept"}`).sort();
    expect(names).toEqual(["a-video.webm: over the limit of 50 MiB", "link.png: a link", "shot.png: kept", "trace.zip: kept"]);
  });

  test("nothing is kept when all tests passed, and nothing from an earlier run", async () => {
    const green = await runSuite("e2e", {
      settings,
      files: { "tests.mjs": writing(...leave, write('"r.json"', playwright(two))) },
    });
    expect(green.report.verdict).toBe("passed");
    expect(green.report.attachments).toBeUndefined();

    const old = `import { utimesSync } from "node:fs"; utimesSync("${folder}/shot.png", 1, 1);`;
    const ran = await runSuite("e2e", { settings, files: { "tests.mjs": failing(old) } });
    expect(ran.report.attachments?.map(({ file }) => file.split("/").at(-1))).toEqual(["trace.zip"]);
  });
});

test("critical, quarantined and slow tests of the configuration appear in the report", async () => {
  const settings = `command: node tests.mjs
reports: [r.xml]
critical: ["*[critical]*"]
testTime: 1s
quarantine: [{ test: "*mail*", until: 2999-12-31, reason: the mail server moves }]`;
  const cases = '<testcase name="[critical] a" time="1.5"/><testcase name="mail"><failure message="x">x</failure></testcase>';
  const ran = await runSuite("integration", { settings, files: { "tests.mjs": writing(write('"r.xml"', junit(cases))) } });
  expect(ran.report.tests).toMatchObject({
    critical: [{ glob: "*[critical]*", total: 1, passed: 1 }],
    quarantine: [{ test: "*mail*", matched: 1, failed: 1, over: false }],
    failures: [{ quarantinedUntil: "2999-12-31" }],
  });
  const verdicts = Object.fromEntries(ran.report.checks.map((check) => [check.id, check.verdict]));
  expect(verdicts).toMatchObject({
    "tests.critical": "passed",
    "tests.pass-rate": "passed",
    "tests.quarantine": "degraded",
    "tests.test-time": "failed",
  });
});
