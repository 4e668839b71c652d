import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { inputs } from "../../src/action/interface.ts";
import { auditLine } from "../../src/audit/chain.ts";
import { inputsWithoutOption } from "../../src/cli/arguments.ts";
import { commandNames, commands, type Option, optionHelp, optionNames } from "../../src/cli/commands.ts";
import { helpFor, helpOf } from "../../src/cli/help.ts";
import { version } from "../../src/lib/version.ts";
import { freshBundle } from "../harness/process.ts";

const entry = freshBundle;
let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "terminal-"));
});
afterEach(() => rmSync(cwd, { recursive: true }));

function run(...args: string[]) {
  const { GITHUB_ACTIONS: _runner, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [entry, ...args], { cwd, env, encoding: "utf8" });
  return { status, stdout, stderr };
}

test("the version is package.json's", () => {
  expect(version).toBe(packageJson.version);
  expect(run("version")).toEqual({ status: 0, stdout: `${version}\n`, stderr: "" });
});

test("without a command, and with help, it lists the commands", () => {
  for (const args of [[], ["help"], ["--help"], ["help", "--help"]])
    expect(run(...args)).toMatchObject({ status: 0, stdout: expect.stringContaining("env-actions <command>") });
});

test("the help of one command has its options and no others", () => {
  for (const args of [
    ["cleanup", "--help"],
    ["help", "cleanup"],
    ["cleanup", "--scope", "run", "-h"],
  ]) {
    const { status, stdout } = run(...args);
    expect([status, stdout.split("\n")[0]]).toEqual([0, "env-actions cleanup [options]"]);
    expect(stdout).toMatch(/--scope SCOPE {2,}run, expired \(default\) or all\n/);
    expect(stdout).not.toContain("--deployment");
  }
});

test("the help of one command says nothing that is about another command", () => {
  for (const command of commandNames)
    for (const [name, { help }] of Object.entries(optionHelp)) {
      if (!commands[command].takes.some((one) => one === name)) continue;
      const shown = helpFor(name as Option, command);
      for (const { of, text } of help) if (of && !of.includes(command)) expect(shown, `${command} --${name}`).not.toContain(text);
      if (command !== "help" && command !== "version") expect(shown, `${command} --${name}`).not.toBe("");
    }
  expect(helpOf("cleanup")).not.toMatch(/repair|tables|doctor|init|undo|gate/);
  expect(helpOf("repair")).toMatch(/--plan-digest DIGEST {2,}digest of the plan that was shown; required for --execute\n/);
  expect(helpOf("undo")).toMatch(/--budget 15m {2,}time limit, instead of 30m\n/);
  expect(helpOf("version")).not.toContain("--config");
});

test.each([
  [["prefligth"], /EA1101: unknown command "prefligth"; did you mean "preflight"\?/],
  [["preflight", "integration"], /EA1102: unexpected argument "integration" after "preflight": remove it$/m],
  [["gate", "sandbox"], /unexpected argument "sandbox" after "gate": remove it, or write -e sandbox if it is the environment/],
  [["gate", "--fail-on", "degraded"], /unknown option --fail-on of "gate": in a workflow it is an input of the action, and the/],
  [["preflight", "--budget", "soon"], /EA1104: --budget: expected a duration such as 15m, above 0 and at most 24d, got "soon"/],
  // A timer would fire at once, or throw.
  [
    ["undo", "x.json", "--budget", "30d"],
    /EA1104: --budget: expected a duration such as 15m, above 0 and at most 24d, got "30d"/,
  ],
  [["cleanup", "--budget", "0s"], /EA1104: --budget: expected a duration such as 15m, above 0 and at most 24d, got "0s"/],
  [["cleanup", "--scope", "everything"], /EA1104: --scope: expected run, expired or all, got "everything"/],
  [
    ["cleanup", "--plan-digest", "abc"],
    /EA1104: --plan-digest: expected the 64 hexadecimal digits shown with the plan, got "abc"/,
  ],
  [["cleanup", "--scope", "all", "--execute"], /EA1105: --scope all --execute requires the digest of a plan that you have seen/],
  [["cleanup", "--run", "abc", "--execute"], /EA1103: --run is an option of audit, not of "cleanup": remove it/],
  [["plan", "--execute"], /EA1103: --execute is an option of cleanup, staging, undo, repair, not of "plan"/],
  [["integration", "--scope", "run"], /EA1103: --scope is an option of cleanup, plan, not of "integration"/],
  [
    ["preflight", "--enviroment", "x"],
    /unknown option --enviroment of "preflight"; did you mean "--environment"\? `env-actions help preflight` lists its options\n/,
  ],
  [["preflight", "--env", "x"], /unknown option --env of "preflight"; did you mean "--environment"\?/],
  [
    ["cleanup", "--ex"],
    /unknown option --ex of "cleanup"; did you mean "--execute"\? `env-actions help cleanup` lists its options\n/,
  ],
  [["preflight", "-x"], /unknown option -x of "preflight"; `env-actions help preflight` lists its options\n/],
  [
    ["--exekute"],
    /unknown option --exekute; did you mean "--execute"\? `env-actions help` lists the commands and their options\n/,
  ],
  [["cleanup", "--scope"], /--scope needs a value: expected --scope VALUE/],
  [["cleanup", "--scope", "--execute"], /--scope needs a value/],
  [["cleanup", "--execute=yes"], /--execute takes no value/],
  [["help", "cleanpu"], /EA1101: unknown command "cleanpu"; did you mean "cleanup"\?/],
  [["help", "cleanup", "now"], /EA1102: unexpected argument "now" after "help": remove it/],
  [["audit", "verify", "-e", "sandbox"], /EA1103: --environment is an option of preflight, .*, not of "audit": remove it/],
  [["audit", "verify", "--run", "1"], /EA1103: --run is an option of audit report, not of audit verify/],
  [["gate", "-q", "-v"], /EA1103: --quiet and --verbose contradict each other: remove one of them/],
  [["completion", "tcsh"], /EA1102: completion: expected bash, zsh, fish, got "tcsh", such as: env-actions completion bash/],
  [["completion"], /EA1102: completion: expected bash, zsh, fish, got no shell, such as: env-actions completion bash/],
  [["preflight"], /\.github\/env-actions\.yml.*env-actions init/s],
  [["preflight", "--config", "other.yml"], /other\.yml/],
] as [string[], RegExp][])("a user error exits with 2 and one readable message: %j", (args, message) => {
  const ran = run(...args);
  expect(ran.status).toBe(2);
  expect(ran.stderr).toMatch(message);
  expect(ran.stderr).not.toMatch(/ at .*\.ts:\d+/);
});

test("audit verify passes an untouched log, fails a changed one with the line, and a missing one is an error", () => {
  expect(run("audit", "verify")).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("EA8001: the file .env-actions/audit.jsonl does not exist here"),
  });
  expect(run("audit")).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('EA1102: expected "audit verify" or "audit report", got "audit"'),
  });
  const entry = {
    at: "2026-11-23T12:00:00.000Z",
    who: "somebody",
    run: "1763920000000_1a2b3c4d",
    environment: "local",
    stage: "preflight" as const,
    action: "decision" as const,
    details: { verdict: "passed" },
    counts: {},
  };
  const first = auditLine(undefined, entry);
  const second = auditLine(first.hash, { ...entry, stage: "integration" });
  mkdirSync(join(cwd, ".env-actions"));
  const file = join(cwd, ".env-actions", "audit.jsonl");
  writeFileSync(file, `${first.line}\n${second.line}\n`);
  expect(run("audit", "verify")).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(
      /^\.env-actions\/audit\.jsonl: 2 lines, the chain of hashes is intact\nnot keyed: .*\nnot anchored: /,
    ),
  });
  writeFileSync(file, `${first.line.replace("passed", "failed")}\n${second.line}\n`);
  expect(run("audit", "verify")).toMatchObject({ status: 1, stdout: expect.stringMatching(/audit\.jsonl:1 /) });
});

test("each input of the actions is an option, or known to be none", () => {
  const own: readonly string[] = optionNames;
  expect([...inputsWithoutOption].sort()).toEqual(
    Object.keys(inputs)
      .filter((name) => !own.includes(name))
      .sort(),
  );
});
