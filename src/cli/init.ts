import { lstatSync } from "node:fs";
import { readFile, realpath, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { createInterface } from "node:readline";
import { type Answers, answered, answersOf, questionsOf } from "../init/answers.ts";
import { type Plan, type PlannedFile, planOf } from "../init/plan.ts";
import { detectProject, type Project } from "../init/project.ts";
import { openRepository } from "../init/repository.ts";
import { foundLines, nextSteps } from "../init/summary.ts";
import { makePlainDirectory } from "../lib/plain-file.ts";
import { UserError } from "../model/user-error.ts";
import { logLine } from "../report/inert.ts";
import type { Arguments } from "./arguments.ts";
import type { GuardedTerminal } from "./main.ts";
import { askForTables, canAsk } from "./warehouse-tables.ts";

/**
 * Looks at the repository, and writes a configuration and the workflows that fit it. If one of the files is there already, it only
 * shows the differences, unless it was told to overwrite.
 * @returns the exit status: 1 if files differ and were left alone
 * @throws UserError
 */
export async function init({ config, yes, overwrite, json }: Arguments, world: GuardedTerminal): Promise<number> {
  const { root, repository } = openRepository(world.cwd);
  const configPath = slashes(relative(root, resolve(world.cwd, config)));
  const shown = (path: string) => slashes(relative(world.cwd, join(root, path)));
  const texts = await existingTexts(root);
  const detected = detectProject(repository, await noteOfNpm());
  const before = await texts(configPath);
  let project = answered(detected, answersOf(before, detected));
  const stream = json ? world.stderr : world.stdout;
  const say = (line = "") => stream.write(`${logLine(line)}\n`);

  if (!json) for (const line of ["What this repository has:", ...foundLines(project).map((one) => `  ${one}`), ""]) say(line);
  if (!yes && !json && before === undefined && world.stdout.isTTY && world.stdin?.().isTTY) {
    const answers = await ask(project, world);
    if (answers === undefined) {
      say();
      say("Stopped: nothing was written.");
      // As shells report a program that Ctrl-C ended.
      return 130;
    }
    project = answered(project, answers);
  }

  if (canAsk(project, world.env)) {
    say(`Reading the names of tables and columns in ${project.databricks?.host} …`);
    const found = await askForTables(project, world);
    if (typeof found === "string")
      project = { ...project, notes: [...project.notes, `the tables of the warehouse could not be read: ${found}`] };
    else if (Object.keys(found.proposal.tables).length > 0) project = { ...project, tables: found };
    say();
  }

  const plan = await planned(project, configPath, texts);
  const differing = plan.files.filter(({ state }) => state !== "same");
  const isFirst = plan.files.every(({ state }) => state === "new");
  const writes = isFirst || overwrite;
  const open = plan.open.map((one) => ({ ...one, path: shown(one.path) }));
  const steps = nextSteps(project, { configFile: config, open });
  if (writes) for (const file of differing) await write(root, file);
  if (json) {
    const files = plan.files.map(({ path, state, text }) => ({
      path: shown(path),
      state,
      written: writes && state !== "same",
      text,
    }));
    world.stdout.write(`${JSON.stringify({ files, open, notes: project.notes, steps }, undefined, 2)}\n`);
    return writes || differing.length === 0 ? 0 : 1;
  }
  if (writes) for (const { path } of differing) say(`wrote ${shown(path)}`);
  else for (const file of differing) sayDifference(file, shown(file.path), say);
  if (!writes && differing.length > 0) {
    say("Nothing was written. `env-actions init --overwrite` writes these files, and what you changed in them is lost.");
    return 1;
  }
  if (differing.length === 0) say("Nothing to write: every file is as init would write it.");
  sayRest(project, open, steps, say);
  return 0;
}

function sayRest(project: Project, open: Plan["open"], steps: readonly string[], say: (line?: string) => void): void {
  const notes = [
    ...project.notes,
    ...project.users
      .filter((file) => !/\/(?:quality-gate|nightly-cleanup|cleanup-by-hand|smoke)[^/]*$/.test(file))
      .map((file) => `${file} uses env-actions already: keep one of the two`),
  ];
  if (open.length + notes.length > 0) say();
  if (open.length > 0) say("What init could not know:");
  for (const { path, line, question } of open) say(`  ${path}:${line}  ${question}`);
  for (const note of notes) say(`  Note: ${note}`);
  say();
  say("Next:");
  for (const [index, step] of steps.entries()) say(`  ${index + 1}. ${step}`);
}

function sayDifference({ state, difference }: PlannedFile, name: string, say: (line?: string) => void): void {
  if (state === "new") say(`${name} does not exist, and would be written`);
  else for (const line of [`--- ${name}`, `+++ ${name}, as init would write it`, ...difference]) say(line);
  say();
}

/**
 * An empty answer leaves a TODO in the file, or takes what is shown. Ctrl-D ends the questions.
 * @returns undefined after Ctrl-C
 */
async function ask(project: Project, { stdin, stdout }: GuardedTerminal): Promise<Answers | undefined> {
  const input = stdin?.();
  if (!input) return {};
  const terminal = createInterface({ input, output: stdout });
  let [isStopped, isClosed] = [false, false];
  terminal.once("close", () => {
    isClosed = true;
  });
  terminal.on("SIGINT", () => {
    isStopped = true;
    terminal.close();
  });
  // Not `question`, which loses the lines that were typed ahead.
  const lines = terminal[Symbol.asyncIterator]();
  const answers: Answers = {};
  try {
    for (const { name, text, otherwise, read, expected } of questionsOf(project)) {
      for (let isOpen = true; isOpen; ) {
        terminal.setPrompt(`${text} [${otherwise}]: `);
        // The last lines may still be waiting when the input has ended.
        if (!isClosed) terminal.prompt();
        const { value: said, done } = await lines.next();
        if (done) return isStopped ? undefined : answers;
        const answer = said.trim() === "" ? undefined : read(said.trim());
        isOpen = said.trim() !== "" && answer === undefined;
        if (isOpen) stdout.write(`  expected ${expected}\n`);
        else if (answer !== undefined) answers[name] = answer;
      }
    }
    return answers;
  } finally {
    terminal.close();
  }
}

/** npm notes beside the packages that it has installed, also in npx's own folder, which commit each is. */
async function noteOfNpm(): Promise<string | undefined> {
  try {
    const program = await realpath(process.argv[1] ?? "");
    return await readFile(join(dirname(program), "../../.package-lock.json"), "utf8");
  } catch {
    return undefined;
  }
}

type Texts = (path: string) => Promise<string | undefined>;

/** @throws UserError if something else than a file has the name of one that would be written */
async function existingTexts(root: string): Promise<Texts> {
  return async (path) => {
    const file = join(root, path);
    const found = lstatSync(file, { throwIfNoEntry: false });
    if (!found) return undefined;
    if (found.isFile()) return await readFile(file, "utf8");
    throw new UserError("EA1106", `${path} is a link, or no file: move it away first. Nothing was written`);
  };
}

async function planned(project: Project, configPath: string, texts: Texts): Promise<Plan> {
  // Which files there are depends on the project, not on what is there.
  const names = planOf(project, configPath, () => undefined).files.map(({ path }) => path);
  const there = new Map(await Promise.all(names.map(async (path) => [path, await texts(path)] as const)));
  return planOf(project, configPath, (path) => there.get(path));
}

/** A file that appeared meanwhile is not replaced unasked. */
async function write(root: string, { path, text, state }: PlannedFile): Promise<void> {
  const file = join(root, path);
  await makePlainDirectory(root, dirname(file));
  await writeFile(file, text, { flag: state === "new" ? "wx" : "w" });
}

function slashes(path: string): string {
  return path.split(sep).join("/");
}
