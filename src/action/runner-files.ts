import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The runner reads these files after the step, and acts on them in later steps or in this step's name. GITHUB_STATE is not
 * listed, because the stage writes to it while it runs, and the last value counts.
 */
const files = ["GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] as const;

/**
 * Remembers the content of the runner's files. Servers and tests do not get the paths, but they run as the same user and can list
 * the folder.
 * @returns a function to call after all of them have ended: it removes what was added, and lists the changed files
 */
export async function guardRunnerFiles(env: Env): Promise<() => Promise<string[]>> {
  const known = await Promise.all(
    files.flatMap((name) => {
      const path = env[name];
      return path ? [content(path).then((before) => ({ name, path, before }))] : [];
    }),
  );
  return async () => {
    const changed: string[] = [];
    for (const { name, path, before } of known) {
      if (before === undefined || (await content(path))?.equals(before)) continue;
      await replace(path, before);
      changed.push(name);
    }
    return changed;
  };
}

/** `undefined` if the runner does not have the file. */
async function content(path: string): Promise<Buffer | undefined> {
  return await withFile(path, constants.O_RDONLY, (file) => file.readFile());
}

async function replace(path: string, bytes: Buffer): Promise<void> {
  const done = await withFile(path, constants.O_WRONLY, async (file) => {
    await file.truncate();
    await file.writeFile(bytes);
    return true;
  });
  if (!done) throw new Error(`${path} was changed while the stage ran, and could not be put back`);
}

/** Does not follow links, which somebody may have placed there. */
async function withFile<Result>(
  path: string,
  flags: number,
  work: (file: FileHandle) => Promise<Result>,
): Promise<Result | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, flags | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch {
    // The file is missing or is no regular file any more. The caller compares that with the earlier content, and reports it.
    return undefined;
  }
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}
