import { existsSync, lstatSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { urgentChecks } from "../../src/report/words.ts";
import { junit, type Ran, runSuite } from "./suite.ts";

/** Which reports a stage reads, as it runs: the folders that it makes, and what it says of those that it can't read. */

const failing = '<testcase name="b"><failure message="no"/></testcase>';
const write = (file: string, text: string) => `fs.writeFileSync(${JSON.stringify(file)}, ${JSON.stringify(text)});\n`;
const script = (...lines: string[]) => ({ "tests.mjs": `import * as fs from "node:fs";\n${lines.join("")}` });

describe("a report that can't be read", () => {
  const settings = "command: node tests.mjs\nreports: [r*.xml]";

  test("beside one with a failure: both are shown, and the failure fails the stage", async () => {
    const files = script(write("r1.xml", "<testsuite><testcase"), write("r2.xml", junit(failing)), "process.exitCode = 1;\n");
    const { report, check } = await runSuite("integration", { settings, files });
    expect(report.verdict).toBe("failed");
    expect(report.tests).toMatchObject({ failed: 1, failures: [{ name: "b" }], unreadable: [{ file: "r1.xml" }] });
    expect(check("tests.report")).toMatchObject({ verdict: "error", message: expect.stringMatching(/^EA6004: r1\.xml, line 1/) });
    expect(check("tests.pass-rate")?.verdict).toBe("failed");
  });

  test("beside one that passed is an error: passes don't make up for it", async () => {
    const files = script(write("r1.xml", "<testsuite><testcase"), write("r2.xml", junit()));
    const { report, check } = await runSuite("integration", { settings, files });
    expect(report.verdict).toBe("error");
    expect(check("tests.pass-rate")?.verdict).toBe("passed");
    expect(report.tests).toMatchObject({ passed: 1, unreadable: [{ file: "r1.xml" }] });
  });

  test("alone is an error without results", async () => {
    const { report } = await runSuite("integration", { settings, files: script(write("r1.xml", "<testsuite>")) });
    expect(report.verdict).toBe("error");
    expect(report.tests).toBeUndefined();
    expect(report.checks.filter(({ id }) => id.startsWith("tests.")).map(({ id }) => id)).toEqual(["tests.report"]);
  });

  test("as it was written is read, and what was replaced is said", async () => {
    const files = script(write("r1.xml", junit('<testcase name="a&#27;"/>')));
    const { report, said } = await runSuite("integration", { settings, files });
    expect(report.verdict).toBe("passed");
    expect(said).toContain("r1.xml: 1 forbidden character became U+FFFD");
  });

  test("of an earlier run fails the stage, as one that is missing", async () => {
    const old = 'fs.utimesSync("r1.xml", 0, 1);\n';
    const { report, check } = await runSuite("integration", { settings, files: script(write("r1.xml", junit()), old) });
    expect(report.verdict).toBe("failed");
    expect(check("tests.report")).toMatchObject({ verdict: "failed", message: expect.stringMatching(/^EA6003: r1\.xml: older/) });
  });
});

describe("a command that wrote no report because of how it ended", () => {
  const old = { files: { "r1.xml": junit() }, old: ["r1.xml"] };
  const tests = (command: string) => `command: ${command}\nreports: [r*.xml]`;
  /** The checks of the tests that decide, the first one first. */
  const causes = ({ report }: Ran) => urgentChecks(report).causes;

  const none = { files: {} };
  const left = [
    ["an old report", old, "EA6003"],
    ["no report", none, "EA6002"],
  ] as const;
  const ends: [string, string, string][] = [
    ["a program that is not there", "no-such-runner", "EA5008: the shell found no such program for `no-such-runner`"],
    ["a file that is no program", "./c.yml", "EA5008: the shell may not run this program: `./c.yml`"],
    ["a signal", "kill -KILL $$", "EA5009: SIGKILL ended `kill -KILL $$`"],
    ["a signal inside its shell", "sh -c 'kill -SEGV $$'; exit $?", "EA5009: SIGSEGV ended"],
  ];
  for (const [what, files, code] of left)
    test.each(ends)(`%s, with ${what}: the command is the cause`, async (_, command, said) => {
      const ran = await runSuite("integration", { settings: tests(JSON.stringify(command)), ...files });
      expect(ran.report.verdict).toBe("failed");
      expect(causes(ran)).toMatchObject([{ id: "tests.exit", message: expect.stringContaining(said) }]);
      expect(ran.check("tests.report")).toMatchObject({ cause: "tests.exit", message: expect.stringContaining(code) });
    });

  test("the shell's own sentence is quoted", async () => {
    const ran = await runSuite("integration", { settings: tests("no-such-runner"), files: {} });
    expect(ran.check("tests.exit")?.message).toMatch(/It printed: .*no-such-runner.*not found/);
  });

  test("a signal explains a report that was cut off; the stage is still an error, because failures may be missing", async () => {
    const files = script(write("r1.xml", "<testsuite><testcase"), 'process.kill(process.ppid, "SIGKILL");\n');
    const ran = await runSuite("integration", { settings: tests("node tests.mjs; true"), files });
    expect(causes(ran)).toMatchObject([{ id: "tests.exit", message: expect.stringContaining("EA5009: SIGKILL") }]);
    expect(ran.report.verdict).toBe("error");
  });

  test("a damaged report of this run is its own finding, although a later program is missing", async () => {
    const files = script(write("r1.xml", "<testsuite><testcase"));
    const ran = await runSuite("integration", { settings: tests("node tests.mjs; no-such-program"), files });
    expect(causes(ran)).toMatchObject([{ id: "tests.report", message: expect.stringContaining("EA6004") }]);
  });

  test("beside a report with a failure, both are shown", async () => {
    const files = { ...script(write("r2.xml", junit(failing))), ...old.files };
    const ran = await runSuite("integration", { settings: tests("node tests.mjs; no-such-program"), ...old, files });
    expect(causes(ran).map(({ id }) => id)).toEqual(["tests.pass-rate", "tests.exit"]);
  });

  test("out of time is the cause, with an old report as without", async () => {
    for (const files of [old, none]) {
      const ran = await runSuite("integration", { settings: tests("sleep 60"), ...files, budgetMs: 1_500 });
      expect(causes(ran).map(({ id }) => id)[0]).toBe("tests.budget");
      expect(ran.check("tests.report")).toBeUndefined();
    }
  });

  test("an ordinary failure before the report is named, and the report leads", async () => {
    const ran = await runSuite("integration", { settings: tests("exit 3"), ...old });
    expect(causes(ran)).toMatchObject([{ id: "tests.report", observed: "exit status 3" }]);
    expect(ran.check("tests.report")?.message).toMatch(
      /EA6003: .*The command ended with exit status 3, perhaps before it wrote a report/,
    );
  });
});

describe("several globs", () => {
  const files = script(write("r.xml", junit()));

  test("one that matches is enough", async () => {
    const settings = "command: node tests.mjs\nreports: ['*.xml', '*.json']";
    expect((await runSuite("integration", { settings, files })).report.verdict).toBe("passed");
  });

  test("with all: true, each must match", async () => {
    const settings = "command: node tests.mjs\nreports: { files: ['*.xml', '*.json'], all: true }";
    const { report, check } = await runSuite("integration", { settings, files });
    expect(report.verdict).toBe("failed");
    expect(check("tests.report")?.message).toMatch(/^EA6002: \*\.json: missing/);
    const both = "command: node tests.mjs\nreports: { files: ['*.xml'], all: true }";
    expect((await runSuite("integration", { settings: both, files })).report.verdict).toBe("passed");
  });

  test("each shard must report all the same", async () => {
    const settings = `command: node tests.mjs ENV_ACTIONS_SHARD\nshards: 2\nreports: ['*.xml', '*.json']`;
    const { check } = await runSuite("e2e", { settings, files });
    expect(check("tests.shards")?.verdict).toBe("failed");
  });
});

describe("the folders of reports", () => {
  test("are there when the command starts, up to the variable part of the glob", async () => {
    const files = { ...script(write("../out/deep/r.xml", junit())), "web/keep": "" };
    const settings =
      "command: node ../tests.mjs\nworkingDirectory: web\nreports: ['../out/deep/*.xml', 'a/b/r.json', 'c/{d,e}/*.xml', '*.json']";
    const { report, workspace } = await runSuite("integration", { settings, files });
    // The script's paths are relative to its working directory.
    expect(report.verdict).toBe("passed");
    for (const folder of ["out/deep", "web/a/b", "web/c"]) expect(lstatSync(join(workspace, folder)).isDirectory()).toBe(true);
    expect(existsSync(join(workspace, "web/c/{d,e}"))).toBe(false);
  });

  test("are not made through a link, nor outside of the workspace", async () => {
    const outside = await mkdtemp(join(tmpdir(), "env-actions-outside-"));
    onTestFinished(() => rm(outside, { recursive: true, force: true }));
    await mkdir(join(outside, "there"));
    const settings = `command: node tests.mjs\nreports: ['link/made/*.xml', '${join(outside, "made")}/*.xml', '../${"made-beside"}/*.xml', 'r.xml']`;
    const { report, workspace } = await runSuite("integration", {
      settings,
      files: script(write("r.xml", junit())),
      links: { link: join(outside, "there") },
    });
    expect(report.verdict).toBe("passed");
    expect(existsSync(join(outside, "there", "made"))).toBe(false);
    expect(existsSync(join(outside, "made"))).toBe(false);
    expect(existsSync(join(workspace, "../made-beside"))).toBe(false);
  });

  test("a file in the place of a folder is left alone", async () => {
    const settings = "command: node tests.mjs\nreports: ['file/made/*.xml', 'r.xml']";
    const files = { ...script(write("r.xml", junit())), file: "mine" };
    expect((await runSuite("integration", { settings, files })).report.verdict).toBe("passed");
  });

  test("without the working directory, the command's own error stays", async () => {
    const settings = "command: node tests.mjs\nworkingDirectory: gone\nreports: ['a/*.xml']";
    await expect(runSuite("integration", { settings, files: {} })).rejects.toThrow(/gone/);
  });
});

describe("e2e", () => {
  const project = (name: string) =>
    JSON.stringify({
      config: {},
      errors: [],
      suites: [
        {
          title: "a.spec.ts",
          file: "a.spec.ts",
          specs: [
            {
              title: "signs in",
              file: "a.spec.ts",
              line: 3,
              tests: [{ projectName: name, status: "expected", results: [{ status: "passed", duration: 5, errors: [] }] }],
            },
          ],
        },
      ],
    });

  test.each([
    ["Playwright without named projects", "r.json", project("")],
    ["Cypress or WebdriverIO by JUnit", "r.xml", junit()],
  ])("passes with %s", async (_what, file, text) => {
    const settings = `command: node tests.mjs\nreports: [${file}]`;
    const { report, check } = await runSuite("e2e", { settings, files: script(write(file, text)) });
    expect(report.verdict).toBe("passed");
    expect(check("tests.projects")).toBeUndefined();
    const anyProject = await runSuite("e2e", {
      settings: `${settings}\nrequiredProjects: ["*"]`,
      files: script(write(file, text)),
    });
    expect(anyProject.report.verdict).toBe("passed");
    const named = await runSuite("e2e", {
      settings: `${settings}\nrequiredProjects: [chrome]`,
      files: script(write(file, text)),
    });
    expect(named.check("tests.projects")?.verdict).toBe("failed");
  });
});
