import { lstatSync } from "node:fs";
import { readFile, realpath, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { mistakesError } from "../config/mistakes.ts";
import { parseYaml } from "../config/yaml.ts";
import { answered, answersOf, questionsOf } from "../init/answers.ts";
import { asWritten, namedAs } from "../init/configured.ts";
import { type Plan, type PlannedFile, planOf } from "../init/plan.ts";
import { detectProject, type Project } from "../init/project.ts";
import { openRepository, type Repository } from "../init/repository.ts";
import { foundLines, nextSteps } from "../init/summary.ts";
import { makePlainDirectory } from "../lib/plain-file.ts";
import { UserError } from "../model/user-error.ts";
import { logLine } from "../report/inert.ts";
import type { Arguments } from "./arguments.ts";
import { type Asker, openAsker } from "./ask.ts";
import { lookAtEnvironment } from "./environment-look.ts";
import { missingIgnores } from "./ignored-reports.ts";
import type { GuardedTerminal } from "./main.ts";

/**
 * Looks at the repository, and writes a configuration and the workflows that fit it. What a configuration that is there says is kept. If
 * one of the files is there already, it only shows the differences, except with `--overwrite`.
 * @returns the exit status: 1 if files differ and were left alone
 * @throws UserError
 */
export async function init({ config, yes, overwrite, standalone, json }: Arguments, world: GuardedTerminal): Promise<number> {
  const { root, repository } = openRepository(world.cwd);
  const folder = join(root, repository.folder);
  const configFile = config === defaultConfig ? join(folder, config) : resolve(world.cwd, config);
  const configPath = slashes(relative(root, configFile));
  const shown = (path: string) => slashes(relative(world.cwd, join(root, path)));
  const texts = existingTexts(root);
  const before = await texts(configPath);
  if (before !== undefined) refuseBroken(shown(configPath), before);
  const detected = namedAs(detectedIn(repository, await noteOfNpm(), standalone), before);
  const stream = json ? world.stderr : world.stdout;
  const say = (line = "") => stream.write(`${logLine(line)}\n`);

  if (folder !== resolve(world.cwd)) {
    say(
      `This folder has no manifest, such as package.json: init sets up ${slashes(relative(world.cwd, folder))}, to which it belongs.`,
    );
    say();
  }
  const isAsked = !yes && !json && before === undefined && world.stdout.isTTY && world.stdin?.().isTTY;
  const known = answered(detected, answersOf(before, detected));
  const project = await completed(known, world, {
    ...{ repository, say },
    found: foundIn(known, shown(configPath), before && (await planned(known, configPath, texts)).files[0]?.text),
    asker: isAsked ? openAsker(world) : undefined,
  });
  if (!project) {
    say();
    say("Stopped: nothing was written.");
    // As shells report a program that Ctrl-C ended.
    return 130;
  }

  const plan = await planned(project, configPath, texts);
  const ignores = missingIgnores(root, repository, plan.files[0]?.text ?? "");
  const all = [...plan.files, ...(ignores ? [ignores] : [])];
  const differing = all.filter(({ state }) => state !== "same");
  // Lines that are added to .gitignore take nothing away from anybody.
  const isFirst = plan.files.every(({ state }) => state === "new");
  const writes = isFirst || overwrite;
  const placed = <Place extends { path: string }>(one: Place) => ({ ...one, path: shown(one.path) });
  const open = plan.open.map(placed);
  const differences = plan.differences.map(placed);
  const notes = [...project.notes, ...plan.notes];
  const named = config === defaultConfig ? config : slashes(relative(folder, configFile));
  const steps = nextSteps(plan.project, {
    ...{ configFile: named, shownFile: shown(configPath), open },
    folder: slashes(relative(world.cwd, folder)),
  });
  if (writes) for (const file of differing) await write(root, file);
  const left = !writes && differing.length > 0;
  if (json) {
    const files = all.map(({ path, state, text }) => ({ path: shown(path), state, written: writes && state !== "same", text }));
    world.stdout.write(`${JSON.stringify({ files, open, differences, notes, steps }, undefined, 2)}\n`);
    return left ? 1 : 0;
  }
  const shownFiles = differing.map((file) => ({
    file,
    name: shown(file.path),
    isWorkflow: file !== ignores && file.path !== configPath,
  }));
  sayFiles(shownFiles, writes, say);
  sayDifferences(differences, say);
  if (left) {
    for (const note of plan.notes) say(`Note: ${note}`);
    sayLeft(shownFiles, say);
    return 1;
  }
  if (differing.length === 0)
    say(
      `Nothing to write: ${differences.length === 0 ? "every file is as init would write it" : "no file lacks what init would add"}.`,
    );
  sayRest({ ...project, notes }, open, steps, say);
  return 0;
}

interface ShownFile {
  file: PlannedFile;
  name: string;
  isWorkflow: boolean;
}

type Say = (line?: string) => void;

function sayFiles(files: readonly ShownFile[], writes: boolean, say: Say): void {
  for (const { file, name } of files)
    if (writes) say(`wrote ${name}`);
    else sayDifference(file, name, say);
}

function sayLeft(files: readonly ShownFile[], say: Say): void {
  const isLost = files.some(({ file, isWorkflow }) => isWorkflow && file.state === "different");
  const lost = isLost ? ", and what you changed in the workflows is lost" : "";
  say(`Nothing was written. \`env-actions init --overwrite\` writes these files: what the configuration says is kept${lost}.`);
}

function sayDifferences(differences: Plan["differences"], say: Say): void {
  if (differences.length === 0) return;
  say("The values of the configuration are used, also where the repository shows something else:");
  for (const { path, line, text } of differences) say(`  ${path}:${line}  ${text}`);
  say();
}

/** @param text the configuration that runs, if there is one: its values decide */
function foundIn(project: Project, name: string, text: string | undefined): string[] {
  return [
    `What this repository has${text === undefined ? "" : `, with the values of ${name}`}:`,
    ...foundLines(asWritten(project, text)).map((one) => `  ${one}`),
  ];
}

const defaultConfig = ".github/env-actions.yml";

interface Company {
  repository: Repository;
  say: Say;
  asker: Asker | undefined;
  /** What is known before anybody is asked. */
  found: readonly string[];
}

/**
 * The project with what people and the environment know of it.
 * @returns undefined after Ctrl-C
 */
async function completed(
  detected: Project,
  world: GuardedTerminal,
  { repository, say, asker, found }: Company,
): Promise<Project | undefined> {
  let project: Project = detected;
  try {
    for (const line of [...found, ""]) say(line);
    const first = await asker?.ask(questionsOf(project).filter(({ isLate }) => !isLate));
    if (asker && !first) return undefined;
    project = answered(project, first ?? {});
    const seen = await lookAtEnvironment(project, repository, world, say);
    project = seen.project;
    if (seen.lines.length > 0)
      for (const line of ["What the environment has:", ...seen.lines.map((one) => `  ${one}`), ""]) say(line);
    const second = await asker?.ask(questionsOf(project).filter(({ isLate }) => isLate));
    if (asker && !second) return undefined;
    return answered(project, second ?? {});
  } finally {
    asker?.close();
  }
}

/** @throws UserError with the places, if the file is no YAML: nothing could be kept of it */
function refuseBroken(name: string, text: string): void {
  const { broken, mistakes } = parseYaml(text);
  if (broken) throw mistakesError({ name, text, hidden: [{ start: 0, end: text.length }] }, mistakes);
}

/** @param standalone whether the jobs of the gate are written out in any case */
function detectedIn(repository: Repository, installation: string | undefined, standalone: boolean): Project {
  const project = detectProject(repository, installation);
  return standalone ? { ...project, isStandalone: true } : project;
}

function sayRest(project: Project, open: Plan["open"], steps: readonly string[], say: Say): void {
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

function sayDifference({ state, difference }: PlannedFile, name: string, say: Say): void {
  if (state === "new") say(`${name} does not exist, and would be written`);
  else for (const line of [`--- ${name}`, `+++ ${name}, as init would write it`, ...difference]) say(line);
  say();
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
function existingTexts(root: string): Texts {
  return async (path) => {
    const file = join(root, path);
    const found = lstatSync(file, { throwIfNoEntry: false });
    if (!found) return undefined;
    if (found.isFile()) return await readFile(file, "utf8");
    throw new UserError("EA1106", `${path} is a link, or no file: move it away first. Nothing was written`);
  };
}

async function planned(project: Project, configPath: string, texts: Texts): Promise<Plan> {
  // Which files there are depends on the project and its configuration.
  const before = await texts(configPath);
  const only = (path: string) => (path === configPath ? before : undefined);
  const names = planOf(project, configPath, only).files.map(({ path }) => path);
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
