import { stat } from "node:fs/promises";
import { UserError } from "../model/user-error.ts";
import { type CapturedOutput, captureOutput, type OutputOptions, openLog } from "./output.ts";
import { type ProcessTree, spawnTree } from "./tree.ts";

export interface Launch {
  /** Run by the system's shell. */
  command: string;
  cwd: string;
  /** The whole environment. The suite adds only one variable, which marks its processes. */
  env: Record<string, string>;
  /** Overwritten; missing folders are created. */
  logFile: string;
}

/** Starts a command and captures its output from the first byte. @throws UserError if `cwd` is not a folder */
export async function launch(
  { command, cwd, env, logFile }: Launch,
  options: OutputOptions,
): Promise<{ tree: ProcessTree; output: CapturedOutput }> {
  await requireDirectory(cwd);
  const log = await openLog(logFile);
  try {
    const tree = await spawnTree(command, cwd, env);
    return { tree, output: captureOutput(tree.streams, log, options) };
  } catch (error) {
    await log.file.close();
    throw error;
  }
}

async function requireDirectory(path: string): Promise<void> {
  try {
    if ((await stat(path)).isDirectory()) return;
  } catch (error) {
    const missing = error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
    if (!missing) throw error;
  }
  throw new UserError(
    "EA5004",
    `the working directory ${path} does not exist: correct workingDirectory, or create the folder first`,
  );
}
