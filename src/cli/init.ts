import { lstatSync } from "node:fs";
import { readFile, realpath, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { mistakesError } from "../config/mistakes.ts";
import { parseYaml } from "../config/yaml.ts";
import { answered, answersOf, questionsOf } from "../init/answers.ts";
import { namedAs } from "../init/configured.ts";
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
import type { GuardedTerminal } from "./main.ts";

/**
 * Looks at the repository, and writes a configuration and the workflows that fit it. What a configuration that is there says is kept. If
 * one of the files is there already, it only shows the differences, unless it was told to overwrite.
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
  const project = await completed(answered(detected, answersOf(before, detected)), world, {
    ...{ repository, say },
    asker: isAsked ? openAsker(world) : undefined,
  });
  if (!project) {
    say();
    say("Stopped: nothing was written.");
    // As shells report a program that Ctrl-C ended.
    return 130;
  }

  const plan = await planned(project, configPath, texts);
  const differing = plan.files.filter(({ state }) => state !== "same");
  const isFirst = plan.files.every(({ state }) => state === "new");
  const writes = isFirst || overwrite;
  const open = plan.open.map((one) => ({ ...one, path: shown(one.path) }));
  const notes = [...project.notes, ...plan.notes];
  const named = config === defaultConfig ? config : slashes(relative(folder, configFile));
  const steps = nextSteps(plan.project, {
    ...{ configFile: named, shownFile: shown(configPath), open },
    folder: slashes(relative(world.cwd, folder)),
  });
  if (writes) for (const file of differing) await write(root, file);
  if (json) {
    const files = plan.files.map(({ path, state, text }) => ({
      path: shown(path),
      state,
      written: writes && state !== "same",
      text,
    }));
    world.stdout.write(`${JSON.stringify({ files, open, notes, steps }, undefined, 2)}\n`);
    return writes || differing.length === 0 ? 0 : 1;
  }
  if (writes) for (const { path } of differing) say(`wrote ${shown(path)}`);
  else for (const file of differing) sayDifference(file, shown(file.path), say);
  if (!writes && differing.length > 0) {
    for (const note of plan.notes) say(`Note: ${note}`);
    const lost = differing.some(({ path, state }) => path !== configPath && state === "different");
    say(
      `Nothing was written. \`env-actions init --overwrite\` writes these files: what the configuration says is kept${lost ? ", and what you changed in the workflows is lost" : ""}.`,
    );
    return 1;
  }
  if (differing.length === 0) say("Nothing to write: every file is as init would write it.");
  sayRest({ ...project, notes }, open, steps, say);
  return 0;
}

const defaultConfig = ".github/env-actions.yml";

interface Company {
  repository: Repository;
  say: (line?: string) => void;
  asker: Asker | undefined;
}

/**
 * The project with what people and the environment know of it.
 * @returns undefined after Ctrl-C
 */
async function completed(
  detected: Project,
  world: GuardedTerminal,
  { repository, say, asker }: Company,
): Promise<Project | undefined> {
  let project: Project = detected;
  try {
    for (const line of ["What this repository has:", ...foundLines(project).map((one) => `  ${one}`), ""]) say(line);
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
