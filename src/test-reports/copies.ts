import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat } from "node:fs/promises";

/**
 * Finds reports that are copies of another one: the same bytes. Nothing less proves it, because two jobs of a matrix may run the same
 * tests in the same time.
 * @returns the path of each copy, and of the first report with these bytes
 */
export async function findCopies(paths: readonly string[]): Promise<Map<string, string>> {
  const bySize = new Map<number, string[]>();
  for (const path of paths) {
    const found = await lstat(path);
    // Anything else is an error when it is read.
    if (found.isFile()) bySize.set(found.size, [...(bySize.get(found.size) ?? []), path]);
  }
  const copies = new Map<string, string>();
  for (const sameSize of bySize.values()) {
    if (sameSize.length < 2) continue;
    const firsts = new Map<string, string>();
    for (const path of sameSize) {
      const digest = await digestOf(path);
      if (digest === undefined) continue;
      const first = firsts.get(digest);
      if (first === undefined) firsts.set(digest, path);
      else copies.set(path, first);
    }
  }
  return copies;
}

async function digestOf(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk);
  } catch {
    return undefined;
  }
  return hash.digest("hex");
}
