import { lstat, opendir, readdir, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { errorText } from "../../../lib/error-text.ts";
import { CodedError } from "../../../model/coded-error.ts";
import { entryOrDraft } from "./names.ts";

/** Evidence that is too old no longer counts. It is kept for a day, because "it is too old" says more than "there is none". */
const shortestKeptMs = 86_400_000;
/** How many runs one stage looks at. Each stage that ends does so again. */
const runsAtOnce = 50;
const filesAtOnce = 1_000;

/**
 * Removes what old runs of this repository left. Removes nothing but files that have an entry's name, and folders that are then empty.
 * @param except the current run: "Re-run failed jobs" may need what its first attempt left
 * @returns what could not be removed
 */
export async function removeOld(
  directory: string,
  { except, maxAgeMs }: { except: string; maxAgeMs: number },
): Promise<string[]> {
  const before = Date.now() - Math.max(maxAgeMs, shortestKeptMs);
  // Runs are numbered, so the first ones are the oldest.
  const runs = (await readdir(directory))
    .filter((name) => /^\d+$/.test(name) && name !== except)
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
    .slice(0, runsAtOnce);
  for (const run of runs)
    try {
      await removeOldIn(join(directory, run), before);
    } catch (error) {
      // Another job removes the same, or just wrote there.
      if (passing.has((error as NodeJS.ErrnoException).code ?? "")) continue;
      return [
        errorText(
          new CodedError("EA8007", `old evidence could not be removed from ${join(directory, run)}: ${errorText(error)}`),
        ),
      ];
    }
  return [];
}

const passing: ReadonlySet<string> = new Set(["ENOENT", "ENOTEMPTY", "EEXIST"]);

async function removeOldIn(folder: string, before: number): Promise<void> {
  if (!(await lstat(folder)).isDirectory()) return;
  let seen = 0;
  let kept = 0;
  for await (const { name } of await opendir(folder)) {
    if (++seen > filesAtOnce) return;
    const path = join(folder, name);
    if (entryOrDraft.test(name) && (await lstat(path)).mtimeMs < before) await unlink(path);
    else kept += 1;
  }
  // A new folder is still empty, because its first entry comes in a moment.
  if (kept === 0 && (seen > 0 || (await lstat(folder)).mtimeMs < before)) await rmdir(folder);
}
