import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** The programs that the set-up found on this machine, as absolute paths. */
export interface Tools {
  redisServer: string;
  chrome: string;
}

const toolsSchema = z.object({ redisServer: z.string(), chrome: z.string() });

/** The file with the results of the set-up. */
export function toolsFile(root = join(import.meta.dirname, "..")): string {
  return join(root, ".cache", "tools.json");
}

/**
 * @param root the repository
 * @throws Error if the set-up has not run, or did not find everything
 */
export function readTools(root?: string): Tools {
  const file = toolsFile(root);
  const found = existsSync(file) ? toolsSchema.safeParse(JSON.parse(readFileSync(file, "utf8"))) : undefined;
  if (!found?.success) throw new Error(`${file} does not name a Redis server and a browser: run node scripts/setup/main.mjs`);
  return found.data;
}
