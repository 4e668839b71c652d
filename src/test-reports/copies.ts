import { lstat, open } from "node:fs/promises";

const chunkBytes = 64 * 1024;

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
    if (!found.isFile()) continue;
    const sameSize = bySize.get(found.size);
    if (sameSize) sameSize.push(path);
    else bySize.set(found.size, [path]);
  }
  // One for all files, because there may be thousands of small ones.
  const buffer = Buffer.allocUnsafe(chunkBytes);
  const copies = new Map<string, string>();
  for (const sameSize of bySize.values()) {
    if (sameSize.length < 2) continue;
    const firsts = new Map<string, string>();
    for (const path of sameSize) {
      const digest = await digestOf(path, buffer);
      if (digest === undefined) continue;
      const first = firsts.get(digest);
      if (first === undefined) firsts.set(digest, path);
      else copies.set(path, first);
    }
  }
  return copies;
}

async function digestOf(path: string, buffer: Buffer): Promise<string | undefined> {
  // Most runs have no two reports of one size, and loading it takes as long as reading a thousand tests.
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  try {
    const file = await open(path);
    try {
      for (;;) {
        const { bytesRead } = await file.read(buffer);
        if (bytesRead === 0) break;
        hash.update(buffer.subarray(0, bytesRead));
      }
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
  return hash.digest("hex");
}
