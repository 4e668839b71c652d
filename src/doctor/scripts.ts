import { dirname, resolve } from "node:path";
import { group, list, text, texts } from "../config/path.ts";
import { known, type Suite } from "./configuration.ts";
import { environmentOf, isComputed, readsConfiguration } from "./gate.ts";
import type { Package, Project } from "./project.ts";
import type { Subject } from "./rule.ts";
import type { Job, StageUse } from "./workflow.ts";

/** What a command runs, through the scripts of package.json. */

/** The package.json that a package manager uses in a folder. */
export function packageAt(project: Project, folder: string): Package | undefined {
  for (let path = resolve(project.cwd, folder); ; path = dirname(path)) {
    const found = project.packages.get(path);
    if (found || path === project.root || dirname(path) === path) return found;
  }
}

export interface ScriptCall {
  name: string;
  /** Whether the word can only be a script: `yarn x` may also run a program. */
  certain: boolean;
}

const managers =
  /(?:^|[\s;&|(])(npm|pnpm|yarn|bun)\s+((?:-{1,2}[\w-]+(?:=\S+)?\s+)*)(run-script|run|test|start|t)?\s*([\w:.@/-]*)/g;

/** In another folder, or in all workspaces, another package.json counts. */
const elsewhere = /--(?:prefix|filter|workspace|cwd|dir)|\s-[wCFr]\b/;

/** The scripts of package.json that a command calls. */
export function scriptsIn(command: string): ScriptCall[] {
  if (elsewhere.test(command)) return [];
  return [...command.matchAll(managers)].flatMap(([, manager = "", , verb, word = ""]) => {
    // Bun has a test runner of its own under that name.
    if (manager === "bun" && verb === "test") return [];
    if (verb === "test" || verb === "t") return [{ name: "test", certain: true }];
    if (verb === "start") return [{ name: "start", certain: true }];
    if (verb !== undefined) return word === "" || word.startsWith("-") ? [] : [{ name: word, certain: manager !== "bun" }];
    return manager === "npm" || word === "" || word.startsWith("-") ? [] : [{ name: word, certain: false }];
  });
}

const deepest = 8;

/** A command, followed by the scripts that it calls. */
export function withScripts(project: Project, folder: string, command: string): string[] {
  const scripts = packageAt(project, folder)?.scripts ?? {};
  const found = [command];
  const seen = new Set<string>();
  const visit = (script: string, depth: number): void => {
    for (const { name } of scriptsIn(script)) {
      if (seen.has(name) || depth > deepest) continue;
      seen.add(name);
      for (const one of [`pre${name}`, name, `post${name}`]) {
        const body = Object.hasOwn(scripts, one) ? scripts[one] : undefined;
        if (body === undefined) continue;
        found.push(body);
        visit(body, depth + 1);
      }
    }
  };
  visit(command, 0);
  return found;
}

/** The commands of a stage's tests in the examined project; `undefined` if they aren't known. */
export function commandsOf(subject: Subject, use: StageUse, job: Job): string[] | undefined {
  const { configuration, project } = subject;
  if (
    !configuration ||
    (use.stage !== "integration" && use.stage !== "e2e") ||
    !readsConfiguration(use, job, configuration.file.path)
  )
    return undefined;
  const suite = configuration.suite(use.stage);
  const input = use.step.with.command;
  const command = isComputed(input) ? undefined : (text(input) ?? suite?.command);
  return command === undefined || suite?.workingDirectory === undefined
    ? undefined
    : withScripts(project, suite.workingDirectory, command);
}

export interface StartedCommand {
  /** What it is for, such as `the server api`. */
  what: string;
  command: string;
  /** Relative to the workspace. */
  folder: string;
}

/** What a stage starts in the examined project, as far as it is known: tasks, servers and its tests. */
export function startedCommands(subject: Subject, use: StageUse, job: Job): StartedCommand[] {
  const { configuration } = subject;
  const name = environmentOf(use, configuration);
  const environment = name === undefined ? undefined : configuration?.environments[name];
  if (!configuration || !environment || !readsConfiguration(use, job, configuration.file.path)) return [];
  const started = (what: string, value: unknown, usual: readonly string[]): StartedCommand[] => {
    const { command, workingDirectory = ".", stages } = group(value);
    const written = text(command);
    const folder = known(workingDirectory);
    const runs = (texts(stages) ?? usual).includes(use.stage);
    return runs && written !== undefined && folder !== undefined ? [{ what, command: written, folder }] : [];
  };
  const suite = use.stage === "integration" || use.stage === "e2e" ? configuration.suite(use.stage) : undefined;
  const [tests] = commandsOf(subject, use, job) ?? [];
  return [
    ...(list(environment.tasks) ?? []).flatMap((task) =>
      started(`the task ${String(group(task).name)}`, task, ["preflight", "integration", "e2e"]),
    ),
    ...Object.entries(group(environment.servers)).flatMap(([server, value]) =>
      started(`the server ${server}`, value, ["preflight", "integration", "e2e", "smoke"]),
    ),
    ...(tests === undefined ? [] : [{ what: "its test command", command: tests, folder: suite?.workingDirectory ?? "." }]),
  ];
}

export function folderOf(project: Project, suite: Suite): string | undefined {
  return suite.workingDirectory === undefined ? undefined : resolve(project.cwd, suite.workingDirectory);
}
