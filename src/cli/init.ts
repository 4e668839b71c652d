import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { initialConfig, initialWorkflow } from "../config/init.ts";
import { UserError } from "../model/user-error.ts";

/**
 * Writes a commented configuration and a workflow. Never overwrites a file.
 * @returns the files written
 * @throws UserError
 */
export async function init(workspace: string, configFile: string): Promise<string[]> {
  const files: [string, string][] = [
    [configFile, initialConfig()],
    [".github/workflows/quality-gate.yml", initialWorkflow()],
  ];
  const written: string[] = [];
  for (const [name, content] of files) {
    const file = join(workspace, name);
    await mkdir(dirname(file), { recursive: true });
    try {
      await writeFile(file, content, { flag: "wx" });
      written.push(name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      throw new UserError(
        "EA1106",
        `the file ${name} already exists: move it away first${written.length > 0 ? ` (written so far: ${written.join(", ")})` : ""}`,
      );
    }
  }
  return written;
}
