import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { terminal } from "../../src/cli/main.ts";
import { freshBundle } from "../harness/process.ts";
import { type Sample, samples } from "./repositories.ts";

/** `env-actions init` as it is typed: what it writes, shows, asks and leaves alone. */

const entry = freshBundle;
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "init-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
}

function run(args: readonly string[] = [], folder = "") {
  const { GITHUB_ACTIONS: _runner, ...env } = process.env;
  const options = { cwd: join(root, folder), env, encoding: "utf8" } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [entry, "init", ...args], options);
  return { status, stdout, stderr };
}

/** Every file with its content. */
function files(): Record<string, string> {
  const names = readdirSync(root, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  return Object.fromEntries(
    names.map((one) => {
      const path = join(one.parentPath, one.name);
      return [path.slice(root.length + 1), readFileSync(path, "utf8")];
    }),
  );
}

const express = samples["Express, Jest and npm"].files;
const configuration = ".github/env-actions.yml";
const gate = ".github/workflows/quality-gate.yml";

describe("the first time", () => {
  test("it says what it found, writes what fits, and names three steps", () => {
    put({ ...express, ".git/HEAD": "" });
    const { status, stdout, stderr } = run(["--yes"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain(`wrote ${configuration}\nwrote ${gate}\n`);
    expect(stdout).toMatch(/servers {7}npm start, port 8080\n/);
    expect(
      stdout
        .split("\nNext:\n")[1]
        ?.trim()
        .split("\n")
        .map((line) => line.slice(0, 5)),
    ).toEqual(["1. Re", "  2. ", "  3. "]);
    expect(stdout).not.toContain("What init could not know");
    expect(Object.keys(files()).sort()).toEqual([...Object.keys(express), ".git/HEAD", configuration, gate].sort());
  });

  test("without a terminal it asks nothing, with and without --yes", () => {
    put(express);
    expect(run().status).toBe(0);
    const written = files();
    rmSync(join(root, ".github"), { recursive: true });
    expect(run(["-y"]).status).toBe(0);
    expect(files()).toEqual(written);
  });

  test("each open question has file and line", () => {
    put(samples["no tests at all"].files);
    const { stdout } = run(["--yes"]);
    const [, line, question] = /^ {2}\.github\/env-actions\.yml:(\d+) {2}(which route .*)$/m.exec(stdout) ?? [];
    expect(files()[configuration]?.split("\n")[Number(line) - 1]).toContain(`# TODO: ${question}`);
  });

  test("in a package of a monorepo, the workflow goes to the root of the repository", () => {
    put({ ...samples["package of a monorepo"].files, ".git/HEAD": "" });
    const { status, stdout } = run(["--yes"], "packages/shop");
    expect(status).toBe(0);
    expect(stdout).toContain(`wrote ${configuration}\nwrote ../../.github/workflows/quality-gate-packages-shop.yml\n`);
    expect(existsSync(join(root, "packages/shop/.github/workflows"))).toBe(false);
    expect(files()[".github/workflows/quality-gate-packages-shop.yml"]).toContain("working-directory: packages/shop");
  });

  test("in a folder without a manifest it sets up the project around it, and says so", () => {
    put({ ...express, ".git/HEAD": "", "src/routes/orders.js": "" });
    const { status, stdout } = run(["--yes"], "src/routes");
    expect(status).toBe(0);
    expect(stdout).toContain("This folder has no manifest, such as package.json: init sets up ../.., to which it belongs.\n");
    expect(stdout).toContain(`wrote ../../${configuration}\nwrote ../../${gate}\n`);
    expect(stdout).toContain("(cd ../.. && ");
    expect(Object.keys(files()).filter((name) => name.includes(".github"))).toEqual([configuration, gate].sort());
    expect(files()[configuration]).toContain("defaultEnvironment: sandbox\n");
    // It is the same gate from everywhere.
    expect(run(["--yes"]).stdout).toContain("Nothing to write");
  });

  test("in a folder of a package, it sets up the package; in one of a repository without manifests, the repository", () => {
    put({ ...samples["package of a monorepo"].files, ".git/HEAD": "", "packages/shop/src/deep/a.ts": "" });
    expect(run(["--yes"], "packages/shop/src/deep").stdout).toContain(`wrote ../../${configuration}\n`);
    expect(existsSync(join(root, "packages/shop", configuration))).toBe(true);
    rmSync(root, { recursive: true });
    put({ ".git/HEAD": "", "src/a.c": "" });
    expect(run(["--yes"], "src").stdout).toContain(`wrote ../${configuration}\n`);
    expect(existsSync(join(root, configuration))).toBe(true);
  });

  test("without git, the nearest manifest above", () => {
    put({ ...express, "src/a.js": "" });
    expect(run(["--yes"], "src").stdout).toContain(`wrote ../${configuration}\n`);
  });

  test("the next steps are at most three, and one of them is the doctor", () => {
    for (const name of ["no tests at all", "Go service", "Django with poetry and Databricks"] as const) {
      const sample: Sample = samples[name];
      rmSync(root, { recursive: true });
      put(sample.files);
      const steps = run(["--yes"], sample.folder).stdout.split("\nNext:\n")[1] ?? "";
      expect(steps.trimEnd().split("\n").length).toBeLessThanOrEqual(3);
      expect(steps).toMatch(/env-actions doctor$/m);
    }
  });

  test("without a package.json nothing is to be installed by npm: an exact version is run", () => {
    put(samples["Go service"].files);
    const { stdout } = run(["--yes"]);
    expect(stdout).toMatch(/npx --yes --package=github:classwaves\/env-actions#v\d+\.\d+\.\d+ env-actions gate /);
    expect(Object.values(files()).join("\n")).not.toContain("npm i ");
    expect(files()[gate]).toContain("# --package=github:classwaves/env-actions#v1.2.3 env-actions init --overwrite)");
  });

  test("outside of a git repository it says where GitHub looks", () => {
    put(express);
    expect(run(["--yes"]).stdout).toContain("Note: this folder belongs to no git repository");
  });

  test("another name of the configuration is passed on to the workflow", () => {
    put(express);
    expect(run(["--yes", "--config", "ci/gate.yml"]).stdout).toContain("wrote ci/gate.yml\n");
    expect(files()[gate]).toContain("config: ci/gate.yml");
  });

  test("--json: files, open questions, notes and steps, for programs", () => {
    put(samples["no tests at all"].files);
    const { status, stdout } = run(["--json"]);
    expect(status).toBe(0);
    const answer = JSON.parse(stdout);
    expect(answer.files.map(({ path, state, written }: Record<string, unknown>) => [path, state, written])).toEqual([
      [configuration, "new", true],
      [gate, "new", true],
    ]);
    expect(answer.steps).toHaveLength(3);
    expect(answer.open[0]).toMatchObject({ path: configuration, question: expect.stringMatching(/^which route/) });
  });
});

describe("again", () => {
  test("nothing differs: nothing is written, exit status 0", () => {
    put(express);
    run(["--yes"]);
    const before = files();
    const again = run();
    expect(again).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("Nothing to write: every file is as init would write it."),
    });
    expect(files()).toEqual(before);
  });

  test("a changed file: the difference is shown, nothing is written, exit status 1", () => {
    put(express);
    // A gate that is written out stays so.
    run(["--yes", "--standalone"]);
    put({ [gate]: (files()[gate] ?? "").replace("timeout-minutes: 25", "timeout-minutes: 99") });
    const before = files();
    const again = run(["--yes"]);
    expect(again.status).toBe(1);
    expect(again.stdout).toContain(`--- ${gate}\n+++ ${gate}, as init would write it\n@@ -`);
    expect(again.stdout).toContain("-    timeout-minutes: 99\n+    timeout-minutes: 25\n");
    expect(again.stdout).toContain(
      "Nothing was written. `env-actions init --overwrite` writes these files: what the configuration says is kept, and what you changed in the workflows is lost.",
    );
    expect(again.stdout).not.toMatch(/^wrote /m);
    expect(files()).toEqual(before);
  });

  test("a call of the reusable workflow stays one, and --standalone shows the jobs in its place", () => {
    put(express);
    run(["--yes"]);
    expect(files()[gate]).toContain("uses: classwaves/env-actions/.github/workflows/quality-gate.yml@");
    expect(run(["--yes"]).stdout).toContain("Nothing to write");
    const { status, stdout } = run(["--yes", "--standalone"]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^\+ {4}timeout-minutes: 25$/m);
  });

  test("an edited configuration: what it says is kept, also by --overwrite, and what is new is shown", () => {
    put(express);
    run(["--yes"]);
    const edited = (files()[configuration] ?? "")
      .replace("url: http://localhost:8080", "url: https://test.shop.example")
      .replace("port: 8080", "port: 9999");
    put({ [configuration]: edited });
    expect(run(["--yes"])).toMatchObject({ status: 0, stdout: expect.stringContaining("Nothing to write") });
    put({ ".env.example": "COLOUR=blue\n" });
    const again = run(["--yes"]);
    expect(again.status).toBe(1);
    expect(again.stdout).toContain("+      COLOUR: ${COLOUR:-blue}\n");
    expect(again.stdout).not.toMatch(/^-[^-]/m);
    expect(again.stdout).toContain("writes these files: what the configuration says is kept.");
    expect(run(["--overwrite"]).status).toBe(0);
    expect(files()[configuration]).toContain("url: https://test.shop.example\n");
    expect(files()[configuration]).toContain("port: 9999\n");
    expect(files()[configuration]).toContain("COLOUR: ${COLOUR:-blue}\n");
  });

  test("the doctor's cure for a configuration that can't be used works: a new one beside the workflows that are there", () => {
    put(express);
    run(["--yes"]);
    const written = files()[configuration];
    rmSync(join(root, configuration));
    const { stdout } = spawnSync(process.execPath, [entry, "doctor"], {
      cwd: root,
      env: { PATH: process.env.PATH },
      encoding: "utf8",
    });
    expect(stdout.replace(/\s+/g, " ")).toContain("beside workflows that it wrote, `env-actions init --overwrite`");
    expect(run(["--overwrite"]).status).toBe(0);
    expect(files()[configuration]).toBe(written);
  });

  test("a configuration that is no YAML is shown with its place, and not replaced", () => {
    put({ ...express, [configuration]: "version: 1\nenvironments: [\n" });
    const again = run(["--yes", "--overwrite"]);
    expect(again.status).toBe(2);
    expect(again.stderr).toMatch(/\.github\/env-actions\.yml:\d+:\d+ {2}EA1005: invalid YAML/);
    expect(files()[configuration]).toBe("version: 1\nenvironments: [\n");
  });

  test("a missing file beside one that exists is shown, too", () => {
    put(express);
    run(["--yes"]);
    rmSync(join(root, gate));
    expect(run()).toMatchObject({ status: 1, stdout: expect.stringContaining(`${gate} does not exist, and would be written`) });
    expect(existsSync(join(root, gate))).toBe(false);
  });

  test("--overwrite writes what differs, and nothing else", () => {
    put(express);
    run(["--yes"]);
    const before = files();
    put({ [configuration]: "version: 1\n" });
    expect(run(["--overwrite"])).toMatchObject({ status: 0, stdout: expect.stringContaining(`wrote ${configuration}\n`) });
    expect(run(["--overwrite"]).stdout).not.toMatch(/^wrote /m);
    expect(files()).toEqual(before);
  });

  test("an answer in the file is no difference once its TODO is gone", () => {
    put(samples["Django with poetry and Databricks"].files);
    run(["--yes"], "service");
    const path = "service/.github/env-actions.yml";
    const answeredBy = (from: RegExp, to: string) => put({ [path]: (files()[path] ?? "").replace(from, to) });
    answeredBy(/ *# TODO: which host.*\n(.*expect: \{ host: )[^ ]+/, "$1dbc-7.cloud.databricks.com");
    answeredBy(/ *# TODO: which catalog.*\n(.*catalog: )main/, "$1shop");
    const { stdout } = run(["--yes"], "service");
    expect(stdout).not.toContain("dbc-7");
    expect(stdout).not.toContain("catalog");
  });

  test.each(["link", "folder"])("a %s in the place of a file is refused before anything is written", (kind) => {
    put(express);
    mkdirSync(join(root, ".github/workflows"), { recursive: true });
    if (kind === "link") symlinkSync("/etc/hostname", join(root, gate));
    else mkdirSync(join(root, gate));
    const { status, stderr } = run(["--yes", "--overwrite"]);
    expect(status).toBe(2);
    expect(stderr).toContain(`EA1106: ${gate} is a link, or no file: move it away first. Nothing was written`);
    expect(existsSync(join(root, configuration))).toBe(false);
  });
});

describe("on a terminal", () => {
  /** Runs `init` with these lines as typed. */
  async function typed(lines: string, args: readonly string[] = []): Promise<{ status: number; shown: string }> {
    const stdin = Object.assign(new PassThrough(), { isTTY: true });
    const stdout = Object.assign(new PassThrough(), { isTTY: true });
    const shown = text(stdout);
    stdin.end(lines);
    const status = await terminal(["init", ...args], {
      cwd: root,
      env: {},
      stdin: () => stdin as unknown as NodeJS.ReadStream,
      stdout: stdout as unknown as NodeJS.WriteStream,
      stderr: new PassThrough() as unknown as NodeJS.WriteStream,
    });
    stdout.end();
    return { status, shown: await shown };
  }

  /** Answers each question when it is asked, and returns the questions. */
  async function conversed(answers: readonly string[]): Promise<{ questions: string[]; shown: string }> {
    const stdin = Object.assign(new PassThrough(), { isTTY: true });
    const stdout = Object.assign(new PassThrough(), { isTTY: true });
    const waiting = [...answers];
    const questions: string[] = [];
    let shown = "";
    stdout.setEncoding("utf8").on("data", (chunk: string) => {
      shown += chunk;
      const question = /([A-Z][^\]\n]*\[[^\]\n]*\]): /.exec(stripVTControlCharacters(chunk))?.[1];
      if (question === undefined) return;
      questions.push(question);
      const next = waiting.shift();
      if (next === undefined) stdin.end();
      else stdin.write(`${next}\n`);
    });
    const status = await terminal(["init"], {
      cwd: root,
      env: {},
      stdin: () => stdin as unknown as NodeJS.ReadStream,
      stdout: stdout as unknown as NodeJS.WriteStream,
      stderr: new PassThrough() as unknown as NodeJS.WriteStream,
    });
    expect(status).toBe(0);
    return { questions, shown };
  }

  const bare = samples["no tests at all"].files;

  test("it asks what the repository doesn't show, until the answer can be used", async () => {
    put(bare);
    const { status, shown } = await typed("health\n/health\nhttps://site.example.org/path\n");
    expect(status).toBe(0);
    expect(shown).toContain("Route that shows that the application works [later]: ");
    expect(shown).toContain("expected a path such as /health");
    expect(files()[configuration]).toContain("- path: /health");
    expect(files()[configuration]).toContain("url: https://site.example.org\n");
    expect(files()[configuration]).not.toContain("TODO: which");
    expect(Object.keys(files())).toContain(".github/workflows/smoke.yml");
  });

  test("an empty answer leaves the TODO, and the end of the input ends the questions", async () => {
    put(bare);
    const { status } = await typed("\n");
    expect(status).toBe(0);
    expect(files()[configuration]).toContain("# TODO: which route");
    expect(files()[configuration]).toContain("smoke: false");
  });

  test("in an empty repository: first the address, then its route", async () => {
    put({ "README.md": "# Hello\n" });
    const { questions, shown } = await conversed(["https://test.shop.example", "/up", "https://shop.example"]);
    expect(questions).toEqual([
      "Address of the application that is tested [later]",
      "Route that shows that the application works [later]",
      "Address of the deployed application, for smoke [none]",
    ]);
    expect(files()[configuration]).toContain("url: https://test.shop.example\n");
    expect(files()[configuration]).toContain("- path: /up\n");
    expect(files()[configuration]).not.toContain("TODO: ");
    expect(shown).not.toContain("What init could not know");
  });

  test("an empty answer takes what is shown in brackets: nothing stays open", async () => {
    put({
      "package.json": JSON.stringify({ name: "shop", scripts: { start: "node server.js", test: "make check" } }),
      "server.js": 'router.get("/health", health);\n',
      ".env.example": "REDIS_URL=redis://redis.internal:6379\n",
    });
    const { questions } = await conversed(["", "", "out/*.xml, out/e2e.json", "", ""]);
    expect(questions).toEqual([
      "Port of the application [3000]",
      "Route that shows that the application works [/health]",
      "Test reports that the test command writes [later]",
      "What ids of test data begin with [shop_test_]",
      "Address of the deployed application, for smoke [none]",
    ]);
    const written = files()[configuration] ?? "";
    expect(written).toContain('reports: ["out/*.xml", out/e2e.json]');
    expect(written).not.toContain("TODO: ");
  });

  test("--yes asks nothing", async () => {
    put(bare);
    const { shown } = await typed("/health\n", ["--yes"]);
    expect(shown).not.toContain("]: ");
    expect(files()[configuration]).toContain("# TODO: which route");
  });
});
