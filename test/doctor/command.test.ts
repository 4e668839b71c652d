import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freshBundle } from "../harness/process.ts";
import { samples, writtenFor } from "../init/repositories.ts";
import { base, type Files, folder, writeFiles } from "./fixture.ts";

/** The command as people and programs start it. */

const repository = join(import.meta.dirname, "..", "..");
const entry = freshBundle;
let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "doctor-"));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function run(files: Files, ...args: string[]) {
  writeFiles(cwd, files);
  return start(cwd, ...args);
}

function start(where: string, ...args: string[]) {
  const { GITHUB_ACTIONS: _runner, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [entry, "doctor", ...args], {
    cwd: where,
    env,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const gate = ".github/workflows/gate.yml";
const withPaths = (base[gate] ?? "").replace("  pull_request:\n", "  pull_request:\n    paths: [src/**]\n");

test("a project without a mistake: a tick, what was looked at, and what was not", () => {
  expect(run(base)).toEqual({
    status: 0,
    stderr: "",
    stdout: `✔ No problem found in 1 workflow with 3 stages, .github/env-actions.yml
Not checked:
  ○ tables and clocks of the environment: run env-actions doctor --online to check them
`,
  });
});

test("a finding has a place, a code, what is there and what to do", () => {
  const { status, stdout } = run({ ...base, [gate]: withPaths });
  expect(status).toBe(1);
  expect(stdout).toMatch(
    /^\.github\/workflows\/gate\.yml:4:5 {2}ED202 will fail: pull_request has paths: .*\n {4}Remove the filter\. .*\n\n✘ 1 finding in \.github\/workflows\/gate\.yml: 1 will fail\nChecked: 1 workflow with 3 stages, \.github\/env-actions\.yml\n/,
  );
  expect(stdout).toContain("What each code means: https://github.com/classwaves/env-actions/blob/main/docs/reference/doctor.md");
});

test("findings of a broken workflow are said to be in it", () => {
  const { status, stdout } = run({ ...base, [gate]: "on: [pull_request\njobs: {}\n" });
  expect(status).toBe(1);
  expect(stdout).toMatch(/\n✘ \d findings? in \.github\/workflows\/gate\.yml: /);
  expect(stdout).toContain("\nChecked: .github/env-actions.yml\n");
});

test("a cure that fits several findings is printed once, and each kind of mistake has its own", () => {
  const configuration = ".github/env-actions.yml";
  const text = (base[configuration] ?? "")
    .replace("stages:\n", "stages:\n  integratoin: {}\n  e3e: {}\n")
    .replace("version: 1", "version: 2");
  const { stdout } = run({ ...base, [configuration]: text });
  expect(stdout.match(/ED101 will fail: EA1007: /g)).toHaveLength(2);
  expect(stdout.match(/^ {4}Write a key that the configuration has, or remove the line\.$/gm)).toHaveLength(1);
  expect(stdout.match(/^ {4}Correct the place: the message says what to write there\.$/gm)).toHaveLength(1);
  const { [configuration]: _, ...without } = base;
  rmSync(join(cwd, configuration));
  expect(run(without).stdout).toMatch(
    /ED101 will fail: the configuration does not exist.*\n {4}Run `env-actions init` to write one; beside workflows that it wrote, `env-actions init --overwrite`\. /,
  );
});

test("--json is for programs, and has all of it", () => {
  const { status, stdout } = run({ ...base, [gate]: withPaths }, "--json");
  expect(status).toBe(1);
  expect(JSON.parse(stdout)).toEqual({
    findings: [
      {
        code: "ED202",
        severity: "fails",
        title: "The gate has a path filter",
        file: gate,
        line: 4,
        column: 5,
        message: expect.stringContaining("pull_request has paths"),
        cure: expect.stringContaining("Remove the filter"),
      },
    ],
    accepted: [],
    lookedAt: { workflows: [gate], otherWorkflows: 0, stages: 3, configuration: ".github/env-actions.yml", environment: null },
    notLookedAt: [
      { what: "tables and clocks of the environment", why: "run env-actions doctor --online to check them", failed: false },
    ].map((one) => expect.objectContaining(one)),
  });
});

test.each([
  ["on its line", "    paths: [src/**] # doctor: accept ED203, ED202 because the check isn't required"],
  ["above it", "    # doctor: accept ED202 because the check isn't required\n    paths: [src/**]"],
])("an accepted finding doesn't count, and is listed with its reason: %s", (_, line) => {
  const { status, stdout } = run({ ...base, [gate]: withPaths.replace("    paths: [src/**]", line) });
  expect(status).toBe(0);
  expect(stdout).toMatch(/ED202 accepted: the check isn't required\n/);
  expect(stdout).toContain("✔ No problem found");
});

test.each([
  ["another code", "# doctor: accept ED203 because the check isn't required"],
  ["no reason", "# doctor: accept ED202"],
])("a comment with %s accepts nothing", (_, comment) => {
  expect(run({ ...base, [gate]: withPaths.replace("[src/**]", `[src/**] ${comment}`) }).status).toBe(1);
});

test("without workflows nothing was checked, and there is no tick", () => {
  const { [gate]: _, ...files } = base;
  const { status, stdout } = run(files);
  expect(status).toBe(3);
  expect(stdout).toContain(
    "○ Nothing was checked in .github/env-actions.yml: the doctor needs a workflow that uses env-actions, and its configuration",
  );
  expect(stdout).toContain("○ .github/workflows: no workflow could be read");
  expect(stdout).not.toContain("✔");
});

test("workflows that don't use env-actions are no check of it", () => {
  const { status, stdout } = run({
    ...base,
    [gate]: "on: push\njobs: { build: { runs-on: ubuntu-latest, steps: [{ run: make }] } }\n",
  });
  expect(status).toBe(3);
  expect(stdout).toContain("○ .github/workflows: no workflow uses env-actions");
  expect(stdout).not.toContain("✔");
});

test("an empty folder has no configuration, which is a finding", () => {
  const { status, stdout } = run({});
  expect(status).toBe(1);
  expect(stdout).toContain(".github/env-actions.yml:1:1  ED101 will fail: the configuration does not exist");
});

test.each([
  ["too large", "#".repeat(1_000_001), /gate2\.yml: it has more than 1000000 bytes/],
  ["not UTF-8", Buffer.from([0x6f, 0x6e, 0x3a, 0xff]), /gate2\.yml: it is not UTF-8/],
])("a workflow that can't be looked at is said, and isn't a success: %s", (_, content, said) => {
  writeFiles(cwd, base);
  writeFileSync(join(cwd, ".github/workflows/gate2.yml"), content);
  const { status, stdout } = start(cwd);
  expect(status).toBe(3);
  expect(stdout).toMatch(said);
  expect(stdout).toContain(
    "▲ No problem found in 1 workflow with 3 stages, .github/env-actions.yml, but not everything could be checked",
  );
});

test("a link out of the repository is not followed", () => {
  const secret = join(cwd, "..", `secret-${process.pid}.yml`);
  writeFileSync(secret, "on: push\njobs: { secret-words: {} }\n");
  writeFiles(join(cwd, "repository"), base);
  symlinkSync(secret, join(cwd, "repository/.github/workflows/linked.yml"));
  const { status, stdout } = start(join(cwd, "repository"));
  rmSync(secret);
  expect(status).toBe(3);
  expect(stdout).toContain("linked.yml: it is a link, or not a regular file");
  expect(stdout).not.toContain("secret-words");
});

test.skipIf(process.getuid?.() === 0)("a folder without permission is said", () => {
  writeFiles(cwd, base);
  chmodSync(join(cwd, ".github/workflows"), 0o000);
  const { status, stdout } = start(cwd);
  chmodSync(join(cwd, ".github/workflows"), 0o755);
  expect(status).toBe(3);
  expect(stdout).toContain(".github/workflows: the folder cannot be read");
});

test("names and texts of others can't command a terminal or a runner", () => {
  const evil = "\u001b[31mred\u0007 ::error::forged ##[error]x\u202e";
  const text = `on: [pull_request, merge_group]\npermissions: {}\njobs:\n  ${JSON.stringify(evil)}:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: ${JSON.stringify(`classwaves/env-actions/preflight@${evil}`)}\n`;
  const plain = run({ ...base, [gate]: text });
  const json = start(cwd, "--json");
  for (const { status, stdout, stderr } of [plain, json]) {
    expect(status).toBe(1);
    expect(stdout).toContain("forged");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
    expect(`${stdout}${stderr}`).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  }
  expect(plain.stdout).not.toMatch(/::error::|##\[error\]/);
});

test("a configuration's secret is in no output", () => {
  const configuration = (base[".github/env-actions.yml"] ?? "").replace(
    "${DATABRICKS_TOKEN}",
    "dapi0123456789abcdef0123456789abcdef",
  );
  for (const args of [[], ["--json"]]) {
    const { status, stdout, stderr } = run({ ...base, ".github/env-actions.yml": configuration }, ...args);
    expect(status).toBe(1);
    expect(stdout).toContain("EA1013");
    expect(stdout + stderr).not.toContain("dapi0123456789");
  }
});

test("the classroom has nothing to find", () => {
  const { status, stdout } = start(join(repository, "examples/classroom"));
  // Its own gate, the cleanup, and the gate that other repositories call.
  expect(stdout).toMatch(/^✔ No problem found in 3 workflows with 8 stages, \.github\/env-actions\.yml\n/);
  expect(status).toBe(0);
});

/** The questions that `init` leaves in the configuration, with their lines, as the doctor says them. */
function questionsIn(configuration: string): string[] {
  return configuration
    .split("\n")
    .flatMap((line, index) =>
      /^ *# TODO: /.test(line) ? [`ED108:${index + 1} ${line.trim().replace("# TODO", "still to fill in")}`] : [],
    );
}

const said = (findings: readonly { code: string; line: number; message: string }[]) =>
  findings.map(({ code, line, message }) => `${code}:${line} ${message}`);

/** What `init` names must be there. */
test("what init writes has nothing to find but its own questions", () => {
  const { GITHUB_ACTIONS: _runner, ...env } = process.env;
  cpSync(join(folder, "init"), cwd, { recursive: true });
  expect(spawnSync(process.execPath, [entry, "init"], { cwd, env, encoding: "utf8" }).status).toBe(0);
  const { stdout, status } = start(cwd, "--json");
  const { findings, lookedAt } = JSON.parse(stdout);
  const file = join(cwd, ".github/env-actions.yml");
  const written = readFileSync(file, "utf8");
  expect(questionsIn(written)).toHaveLength(3);
  expect(said(findings)).toEqual(questionsIn(written));
  // Nothing is cleaned up or deployed there, so these stages have no jobs.
  expect(lookedAt).toMatchObject({ workflows: [".github/workflows/quality-gate.yml"], stages: 3 });
  expect(status).toBe(1);
  writeFileSync(file, written.replaceAll(/^ *# TODO: .*\n/gm, ""));
  expect(start(cwd).status).toBe(0);
});

test.each([false, true])(
  "what init writes for ClassWaves has nothing to find but its own questions, standalone %s",
  (isStandalone) => {
    const { workflows, configuration } = writtenFor(samples.ClassWaves, { isStandalone });
    const written = Object.fromEntries(workflows.map(({ path, text }) => [path, text]));
    const { stdout, status } = run(
      { ...samples.ClassWaves.files, ...written, ".github/env-actions.yml": configuration },
      "--json",
    );
    const { findings, lookedAt } = JSON.parse(stdout);
    expect(questionsIn(configuration)).toHaveLength(2);
    expect(said(findings)).toEqual(questionsIn(configuration));
    expect(lookedAt).toMatchObject({ workflows: workflows.map(({ path }) => path).sort(), stages: 6 });
    expect(status).toBe(1);
  },
);

test("mistakes in a call of the reusable workflow are found, as in jobs that are written out", () => {
  const { workflows, configuration } = writtenFor(samples.ClassWaves, { isStandalone: false });
  const written = Object.fromEntries(workflows.map(({ path, text }) => [path, text]));
  const gate = ".github/workflows/quality-gate.yml";
  const examined = (change: (text: string) => string) => {
    const changed = change(written[gate] ?? "");
    expect(changed).not.toBe(written[gate]);
    const files = { ...samples.ClassWaves.files, ...written, [gate]: changed, ".github/env-actions.yml": configuration };
    return JSON.parse(run(files, "--json").stdout)
      .findings.map(({ code, file }: Record<string, string>) => `${code} ${file}`)
      .filter((found: string) => found.endsWith(gate));
  };
  expect(examined((text) => text.replace(/ +TEST_TOKEN_SECRET: .*\n/, ""))).toContain(`ED105 ${gate}`);
  expect(examined((text) => text.replace("environment: sandbox\n", "environment: sandbax\n"))).toContain(`ED103 ${gate}`);
  expect(examined((text) => text.replace(/ +install-command: .*\n/, "").replace(/ +playwright: .*\n/, ""))).toEqual([
    `ED507 ${gate}`,
  ]);
  expect(examined((text) => text.replace(/ {4}secrets:\n(?: {6}.*\n)+/, "    secrets: inherit\n"))).toContain(`ED410 ${gate}`);
});

test("a cleanup needs none of the variables that are only listed", () => {
  const sample = samples["own tables, Mocha, and a Redis in compose"];
  const { workflows, configuration } = writtenFor(sample);
  const written = Object.fromEntries(workflows.map(({ path, text }) => [path, text]));
  expect(configuration).toMatch(/variables: \[.*STRIPE_SECRET_KEY/);
  expect(written[".github/workflows/nightly-cleanup.yml"]).not.toContain("STRIPE_SECRET_KEY");
  const { stdout } = run({ ...sample.files, ...written, ".github/env-actions.yml": configuration }, "--json");
  expect(said(JSON.parse(stdout).findings)).toEqual(questionsIn(configuration));
});

test("the library has nothing to find", () => {
  cpSync(join(repository, "examples/library"), cwd, { recursive: true, filter: (path) => !/\.env-actions$|reports$/.test(path) });
  mkdirSync(join(cwd, ".git"), { recursive: true });
  const { status, stdout } = start(cwd);
  expect(stdout).toMatch(/^✔ No problem found in 3 workflows with 4 stages, \.github\/env-actions\.yml\n/);
  expect(status).toBe(0);
});

test("in a package of a monorepo, its own configuration is compared with the workflows of the root", () => {
  const moved = Object.fromEntries(
    // The workflow installs in the root, so the lock file is there.
    Object.entries(base).map(([name, text]) => [
      [gate, "package-lock.json"].includes(name) ? name : `packages/shop/${name}`,
      text,
    ]),
  );
  const text = (base[gate] ?? "").replaceAll(
    /( +)(- uses: classwaves\/env-actions\/\w+@.*)/g,
    "$1$2\n$1  with: { working-directory: packages/shop }",
  );
  writeFiles(cwd, { ...moved, [gate]: text, "packages/shop/.github/env-actions.yml": `${base[".github/env-actions.yml"]}` });
  const shop = start(join(cwd, "packages/shop"));
  expect(shop.stdout).toMatch(/^✔ No problem found in 1 workflow with 3 stages, \.github\/env-actions\.yml\n/);
  const root = start(cwd);
  expect(root.status).toBe(1);
  expect(root.stdout).toContain(
    "preflight of the job preflight: it uses another configuration (packages/shop/.github/env-actions.yml)",
  );
});
