import { readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { isRunId } from "../cleanup/run-id.ts";
import { isGroup, valueAt } from "../config/path.ts";
import { parseYaml } from "../config/yaml.ts";
import type { Arguments } from "./arguments.ts";
import { defaultConfig } from "./commands.ts";

/** Enough for a list that a person reads. */
const mostRuns = 50;

/**
 * The names that a completion offers. Whatever is wrong with a file, the shell's line must not show it: then there are none.
 * @param config the file that the line names; otherwise the nearest one, in this folder or above it
 */
export async function completionNames(cwd: string, { of, config }: NonNullable<Arguments["names"]>): Promise<string[]> {
  return of === "runs" ? await runs(cwd) : await environments(cwd, config);
}

async function environments(cwd: string, config: string | undefined): Promise<string[]> {
  const text = config === undefined ? await nearest(cwd) : await textOf(cwd, config);
  const declared = text === undefined ? undefined : valueAt(parseYaml(text).data, ["environments"]);
  // Names that a line can't hold as they are would need quotes, which each shell writes otherwise.
  return Object.keys(isGroup(declared) ? declared : {}).filter((name) => /^[\w.@:+-]+$/.test(name));
}

async function nearest(folder: string): Promise<string | undefined> {
  const text = await textOf(folder, defaultConfig);
  const above = dirname(folder);
  return text !== undefined || above === folder ? text : await nearest(above);
}

async function textOf(folder: string, file: string): Promise<string | undefined> {
  // A shell that completes a line has no place for a message.
  return await readFile(resolve(folder, file), "utf8").catch(() => undefined);
}

/** The newest first. Each run has a folder of logs. */
async function runs(cwd: string): Promise<string[]> {
  const found = await readdir(join(cwd, ".env-actions", "logs")).catch(() => []);
  return found.filter(isRunId).sort().reverse().slice(0, mostRuns);
}
