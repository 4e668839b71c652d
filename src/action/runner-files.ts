import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The runner reads them when the step has ended, and does what they say: to later steps, or in this step's name. GITHUB_STATE is not
 * among them: the stage itself writes to it while it runs, and what it writes last counts.
 */
const files = ["GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] as const;

/**
 * Remembers what the runner's files hold. Servers and tests are not told where they are, but they run as the same user and can list
 * the folder.
 * @returns to be called when none of them runs any more: takes out what was added, and names the files
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

/** Undefined where the runner has none. */
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

/** Not through a link, which may have been put there. */
async function withFile<Result>(
  path: string,
  flags: number,
  work: (file: FileHandle) => Promise<Result>,
): Promise<Result | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, flags | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch {
    // Not there, or no file any more: whoever asks compares that with what was there, and says so.
    return undefined;
  }
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}
