import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commandNames, commands, optionHelp, optionNames, shells } from "../../src/cli/commands.ts";
import { completionScript } from "../../src/cli/completion.ts";
import { completionNames } from "../../src/cli/completion-names.ts";
import { folderForEachTest } from "../harness/folder.ts";

// The shells themselves say what they would offer, because only they know how they read a script.

const folder = folderForEachTest();

function shell(name: string, script: string): string[] {
  const { status, stdout, stderr, error } = spawnSync(name, name === "zsh" ? ["-f", "-c", script] : ["-c", script], {
    cwd: folder.path,
    encoding: "utf8",
    env: { PATH: `${join(folder.path, "bin")}:${process.env.PATH}`, HOME: folder.path, TERM: "dumb" },
  });
  if (error) throw error;
  expect({ status, stderr }, script).toEqual({ status: 0, stderr: "" });
  return stdout.split("\n").filter(Boolean);
}

const isThere = (name: string) => spawnSync(name, ["--version"]).status === 0;

/** What is offered for the last word. @param words after `env-actions` */
const offers = {
  bash(words: string[]): string[] {
    writeFileSync(join(folder.path, "completion"), completionScript("bash"));
    const typed = ["env-actions", ...words].map((word) => `'${word}'`).join(" ");
    return shell(
      "bash",
      `compopt() { :; }; source completion; COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _env_actions; printf '%s\\n' "\${COMPREPLY[@]}"`,
    );
  },
  fish(words: string[]): string[] {
    writeFileSync(join(folder.path, "completion"), completionScript("fish"));
    const lines = shell("fish", `source completion; complete -C 'env-actions ${words.join(" ")}'`);
    return lines.map((line) => line.split("\t", 1)[0] ?? "");
  },
};

const shellsHere = (["bash", "fish"] as const).filter((name) => {
  if (isThere(name)) return true;
  console.warn(`skipped: ${name} is not installed, so its completions were not tried`);
  return false;
});

test.each(shellsHere)("%s offers commands, the options of a command, values and files", (name) => {
  mkdirSync(join(folder.path, "some"));
  writeFileSync(join(folder.path, "some", "report.json"), "{}");
  const offer = offers[name];
  expect(offer(["pre"])).toEqual(["preflight"]);
  expect(offer([""]).sort()).toEqual([...commandNames].sort());
  expect(offer(["cleanup", "--sc"])).toEqual(["--scope"]);
  expect(offer(["preflight", "--sc"])).toEqual([]);
  expect(offer(["cleanup", "--execute", "--scope", "e"])).toEqual(["expired"]);
  expect(offer(["cleanup", "-c", "some/"])).toEqual(["some/report.json"]);
  expect(offer(["undo", "some/"])).toEqual(["some/report.json"]);
  expect(offer(["audit", "v"])).toEqual(["verify"]);
  expect(offer(["completion", "z"])).toEqual(["zsh"]);
  expect(offer(["help", "rep"])).toEqual(["repair"]);
});

/** Two configurations, one in a folder below, and a program on the PATH that is this repository's. */
function configured(): void {
  const main = join(import.meta.dirname, "..", "..", "src", "main.ts");
  for (const part of [".github", "bin", "below", ".env-actions/logs/1763920000000_1a2b3c4d", ".env-actions/logs/other"])
    mkdirSync(join(folder.path, part), { recursive: true });
  writeFileSync(join(folder.path, ".github", "env-actions.yml"), "environments: { sandbox: {}, staging: {}, 'two words': {} }");
  writeFileSync(join(folder.path, "below", "other.yml"), "environments: { elsewhere: {} }");
  writeFileSync(join(folder.path, "broken.yml"), "environments: {");
  writeFileSync(join(folder.path, "bin", "env-actions"), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  chmodSync(join(folder.path, "bin", "env-actions"), 0o755);
}

test.each(shellsHere)("%s offers the environments of the configuration, and the runs", (name) => {
  configured();
  const offer = offers[name];
  expect(offer(["gate", "--environment", ""])).toEqual(["sandbox", "staging"]);
  expect(offer(["gate", "-e", "st"])).toEqual(["staging"]);
  expect(offer(["gate", "--production", "sa"])).toEqual(["sandbox"]);
  expect(offer(["-c", "below/other.yml", "gate", "-e", ""])).toEqual(["elsewhere"]);
  expect(offer(["gate", "--config", "below/other.yml", "-e", ""])).toEqual(["elsewhere"]);
  expect(offer(["audit", "report", "--run", ""])).toEqual(["1763920000000_1a2b3c4d"]);
  for (const file of ["broken.yml", "missing.yml"]) expect(offer(["gate", "-c", file, "-e", ""])).toEqual([]);
});

test.skipIf(!isThere("zsh"))("zsh offers the environments of the configuration", () => {
  configured();
  writeFileSync(join(folder.path, "completion"), completionScript("zsh"));
  const names = (words: string) =>
    shell(
      "zsh",
      `autoload -U compinit; compinit -D -u; source ./completion; compadd() { print -l -- "$@"; }; words=(${words}); _env_actions_names -J x environments`,
    );
  expect(names("gate -e ''")).toEqual(["-J", "x", "--", "sandbox", "staging"]);
  expect(names("gate -c below/other.yml -e ''")).toEqual(["-J", "x", "--", "elsewhere"]);
  expect(completionScript("zsh")).toMatch(/'--environment\[.*\]:value:_env_actions_names environments'/);
});

test("the nearest configuration is the one in this folder or above it", async () => {
  configured();
  const below = join(folder.path, "below");
  const of = "environments" as const;
  expect(await completionNames(below, { of, config: undefined })).toEqual(["sandbox", "staging"]);
  expect(await completionNames(below, { of, config: "other.yml" })).toEqual(["elsewhere"]);
  writeFileSync(join(below, "list.yml"), "environments: [a]");
  expect(await completionNames(below, { of, config: "list.yml" })).toEqual([]);
});

test.each(shellsHere)("%s offers each option to each command that takes it, and to no other", (name) => {
  for (const command of commandNames) {
    const offered = offers[name]([command, "--"]).filter((word) => word.startsWith("--"));
    expect(offered.sort(), command).toEqual(commands[command].takes.map((option) => `--${option}`).sort());
  }
});

test("bash takes the value of an option for no command", () => {
  expect(offers.bash(["--environment", "gate", "clean"])).toEqual(["cleanup"]);
});

test.skipIf(!isThere("zsh"))("zsh loads its completions, and its rules name every command and option", () => {
  writeFileSync(join(folder.path, "completion"), completionScript("zsh"));
  expect(
    shell(
      "zsh",
      "autoload -U compinit; compinit -D -u; source ./completion; print $_comps[env-actions]; print $+functions[_env_actions]",
    ),
  ).toEqual(["_env_actions", "1"]);
  const script = completionScript("zsh");
  for (const command of commandNames) expect(script).toContain(`'${command}:`);
  for (const option of optionNames) expect(script).toContain(`--${option}[`);
});

test("every help text says what the option does for the command that takes it", () => {
  for (const option of optionNames)
    for (const { of } of optionHelp[option].help)
      for (const command of of ?? []) expect(commands[command].takes, `${option} of ${command}`).toContain(option);
  expect(shells.map((name) => completionScript(name).includes("plan-digest"))).toEqual([true, true, true]);
});
