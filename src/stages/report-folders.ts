import { lstat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isInside, makePlainDirectory, NotAPlainFile } from "../lib/plain-file.ts";
import type { StageContext } from "./context.ts";
import type { Suite } from "./test-command.ts";

/**
 * Creates the folders in which the command writes its reports, because some reporters write no report into a folder that doesn't
 * exist. Only inside the workspace, and never through a link.
 */
export async function makeReportFolders({ workspace }: StageContext, { cwd, reports }: Suite): Promise<void> {
  // If the working directory doesn't exist, the command's own error says so.
  if (!(await isDirectory(cwd))) return;
  for (const glob of reports) {
    const folder = resolve(cwd, fixedFolder(glob));
    if (!isInside(workspace, folder)) continue;
    await makePlainDirectory(workspace, folder).catch((error: unknown) => {
      // The command may still create it, or write elsewhere. A missing report is an error of its own.
      if (!(error instanceof NotAPlainFile) && (error as NodeJS.ErrnoException).code === undefined) throw error;
    });
  }
}

/** The folder of a glob up to its first variable part. */
function fixedFolder(glob: string): string {
  const parts = dirname(glob.replaceAll("\\", "/")).split("/");
  const variable = parts.findIndex((part) => /[*?[\]{}!]/.test(part));
  return (variable < 0 ? parts : parts.slice(0, variable)).join("/") || (glob.startsWith("/") ? "/" : ".");
}

async function isDirectory(path: string): Promise<boolean> {
  return await lstat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
