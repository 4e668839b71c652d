import { glob, lstat } from "node:fs/promises";
import { resolve } from "node:path";
import { UnreadableReport } from "./unreadable.ts";

/** The kernel's file times may lag behind our clock by a tick. */
const clockLagMs = 20;

/** Absolute paths, sorted, without duplicates. @throws UnreadableReport for a glob that matches no file */
export async function findReports(cwd: string, globs: readonly string[]): Promise<string[]> {
  if (globs.length === 0)
    throw new UnreadableReport(
      "EA6001",
      "(no report)",
      "no report is configured, so it is unknown how the tests ended: add reports to the stage",
    );
  const paths = new Set<string>();
  for (const pattern of globs) {
    let matches = 0;
    for await (const match of glob(pattern, { cwd })) {
      const path = resolve(cwd, match);
      const found = await lstat(path);
      // Links are included, so that their own error explains what is wrong.
      if (!found.isFile() && !found.isSymbolicLink()) continue;
      matches++;
      paths.add(path);
    }
    if (matches === 0)
      throw new UnreadableReport("EA6002", pattern, `missing: no file in ${cwd} matches it, so the tests wrote no report`);
  }
  return [...paths].sort();
}

/** @throws UnreadableReport, which calls the file `name`, if it is from an earlier run. `startedAt` in Unix milliseconds. */
export async function requireFresh(path: string, name: string, startedAt: number): Promise<void> {
  const { mtimeMs } = await lstat(path);
  // A file system with whole seconds rounds down.
  const tolerance = mtimeMs % 1_000 === 0 ? 1_000 : clockLagMs;
  if (mtimeMs + tolerance >= startedAt) return;
  const [written, begun] = [mtimeMs, startedAt].map((time) => new Date(time).toISOString());
  throw new UnreadableReport("EA6003", name, `older than the run: written at ${written}, but the run began at ${begun}`);
}
