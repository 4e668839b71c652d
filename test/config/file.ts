import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LoadedConfig, type LoadOptions, loadConfig } from "../../src/config/load.ts";
import { UserError } from "../../src/model/user-error.ts";

export type Surroundings = Partial<Pick<LoadOptions, "env" | "environment">>;

/** Loads a configuration file, named `c.yml`, with this content. */
export async function load(content: string | Uint8Array, { env = {}, environment }: Surroundings = {}): Promise<LoadedConfig> {
  const directory = await mkdtemp(join(tmpdir(), "env-actions-config-"));
  try {
    await writeFile(join(directory, "c.yml"), content);
    return await loadConfig({ file: "c.yml", cwd: directory, env, environment });
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Returns the whole message for an invalid file. */
export async function refusal(content: string | Uint8Array, surroundings?: Surroundings): Promise<string> {
  const outcome = await load(content, surroundings).catch((error: unknown) => error);
  if (outcome instanceof UserError) return outcome.message;
  throw new Error("expected the file to be refused with a UserError", { cause: outcome });
}

/** Returns the lines of the message that name a position, without the excerpts. */
export async function mistakes(content: string | Uint8Array, surroundings?: Surroundings): Promise<string[]> {
  return (await refusal(content, surroundings)).split("\n").filter((line) => /^c\.yml:\d+:\d+ {2}/.test(line));
}

/** A file with one read-only environment, and these lines below it, inside it or at the top. */
export function minimal({ inside = "", below = "" }: { inside?: string; below?: string } = {}): string {
  const indented = inside === "" ? "" : `\n${inside.replaceAll(/^/gm, "    ")}`;
  return `version: 1\nenvironments:\n  sandbox:\n    access: read-only${indented}\n${below}`;
}
