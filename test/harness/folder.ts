import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, onTestFinished } from "vitest";

/** Where a test may write: empty at the start, and removed at the end. */
export interface Folder {
  readonly path: string;
}

/** One for each test of a file. Call it at the top of the file. */
export function folderForEachTest(): Folder {
  const folder = { path: "" };
  beforeEach(async () => {
    folder.path = await newFolder();
  });
  afterEach(() => remove(folder.path));
  return folder;
}

/** One for all tests of a file. Call it at the top of the file. */
export function folderForAllTests(): Folder {
  const folder = { path: "" };
  beforeAll(async () => {
    folder.path = await newFolder();
  });
  afterAll(() => remove(folder.path));
  return folder;
}

/** One for the test that is running, with these files in it, by their paths. */
export async function folderForThisTest(files: Record<string, string> = {}): Promise<string> {
  const folder = await newFolder();
  onTestFinished(() => remove(folder));
  await writeFiles(folder, files);
  return folder;
}

export async function writeFiles(folder: string, files: Record<string, string>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

/** Without links in its path, because the stages report the real one. */
async function newFolder(): Promise<string> {
  return await realpath(await mkdtemp(join(tmpdir(), "env-actions-test-")));
}

function remove(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true });
}
