import { randomUUID } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  fsync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { promisify } from "node:util";
import { takeLock } from "./lock-file.ts";
import { redacted } from "./redaction/redactor.ts";
import type { z } from "./zod.ts";

/**
 * Files in a workspace, where a test can replace any file with a link. Nothing here follows a link: files that are read may be
 * uploaded or shown, and writing must not change a file elsewhere.
 *
 * Folders, checks and small files are done at once, without Node's threads: a stage does hundreds of them, each takes
 * microseconds, and the way through a thread ten times as long.
 */

/** The path is not a regular file of its own. The message is a sentence without a period, so that callers can extend it. */
export class NotAPlainFile extends Error {
  override name = "NotAPlainFile";
  readonly code = "EA9102";
}

/** Everything that a run writes in a workspace is below this folder. */
export const recordsDirectory = ".env-actions";

interface Opening {
  /** Absolute. The file must be inside it after all links are resolved. */
  root: string;
  /** Allows links to folders on the way, as long as they stay inside the root. */
  linkedFolders?: boolean;
  /** Allows files that have a second hard link. */
  hardLinks?: boolean;
}

/** Opens a file for reading. @throws NotAPlainFile, and Node's own errors, such as ENOENT */
export async function openPlain(path: string, opening: Opening): Promise<FileHandle> {
  return await opened(path, constants.O_RDONLY, 0, opening);
}

/** Opens one of the suite's own files, which are never links. */
export async function openOwn(path: string, flags: number = constants.O_RDONLY, mode = 0o644): Promise<FileHandle> {
  return await opened(path, flags, mode, { root: rootOf(path) });
}

/** Reads one of the suite's own files. @throws NotAPlainFile, and Node's own errors */
export async function readOwn(path: string): Promise<Buffer> {
  const file = openedAtOnce(path, constants.O_RDONLY, 0, { root: rootOf(path) });
  try {
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** Reads a file. @param mostBytes reads no more than this @throws as {@link openPlain} */
export async function readPlain(path: string, opening: Opening, mostBytes?: number): Promise<Buffer> {
  return await contentOf(await openPlain(path, opening), mostBytes);
}

async function contentOf(file: FileHandle, mostBytes?: number): Promise<Buffer> {
  try {
    if (mostBytes === undefined) return await file.readFile();
    const { bytesRead, buffer } = await file.read(Buffer.alloc(mostBytes), 0, mostBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/**
 * Replaces one of the suite's own files atomically: readers see the old content or the new.
 * @throws NotAPlainFile, Node's own errors
 */
export async function writeOwn(path: string, content: string | Uint8Array, options: WriteOptions = {}): Promise<void> {
  const { mode = 0o644, sync = false, root } = options;
  if (root === undefined) await makeOwnDirectory(dirname(path), options.folderMode);
  else await makePlainDirectory(root, dirname(path), options.folderMode);
  const draft = `${path}.${randomUUID()}`;
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    const file = openedAtOnce(draft, flags, mode, { root: root ?? rootOf(draft) });
    try {
      writeFileSync(file, content);
      if (sync) await promisify(fsync)(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

interface WriteOptions {
  mode?: number;
  /** Flushes the content to disk before the name appears. */
  sync?: boolean;
  folderMode?: number;
  /** An existing folder outside the records; nothing below it may be a link. */
  root?: string;
}

/** Creates a folder for the suite's own files. @throws NotAPlainFile if a part of its path is a link or not a folder */
export async function makeOwnDirectory(path: string, mode = 0o777): Promise<void> {
  const root = rootOf(join(path, "file"));
  mkdirSync(root, { recursive: true });
  await makePlainDirectory(root, path, mode);
}

/** Creates a folder below an existing root. @throws as {@link makeOwnDirectory} */
export async function makePlainDirectory(root: string, path: string, mode = 0o777): Promise<void> {
  const parts = relative(root, path).split(sep).filter(Boolean);
  for (let depth = 1; depth <= parts.length; depth++) {
    const folder = join(root, ...parts.slice(0, depth));
    if (!lstatSync(folder, { throwIfNoEntry: false })) makeDirectory(folder, mode);
    if (!lstatSync(folder).isDirectory()) throw new NotAPlainFile(`${folder} is a link, or not a folder: remove it`);
  }
}

/** Another process may make it at the same time. */
function makeDirectory(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** The folder above the records; for a path outside the records, its own folder. */
function rootOf(path: string): string {
  const parts = resolve(path).split(sep);
  const at = parts.lastIndexOf(recordsDirectory);
  return at > 0 ? parts.slice(0, at).join(sep) || sep : dirname(resolve(path));
}

/** Windows doesn't have these flags; there, links are looked for before opening. */
const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;

async function opened(path: string, flags: number, mode: number, opening: Opening): Promise<FileHandle> {
  refuseLink(path);
  // Without O_NONBLOCK, opening a named pipe would block until somebody writes to it.
  const file = await open(path, flags | O_NOFOLLOW | O_NONBLOCK, mode).catch((error: unknown) => {
    throw whyNotOpened(path, error);
  });
  try {
    requirePlain(file.fd, path, opening);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function openedAtOnce(path: string, flags: number, mode: number, opening: Opening): number {
  refuseLink(path);
  let file: number;
  try {
    file = openSync(path, flags | O_NOFOLLOW | O_NONBLOCK, mode);
  } catch (error) {
    throw whyNotOpened(path, error);
  }
  try {
    requirePlain(file, path, opening);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function refuseLink(path: string): void {
  if (O_NOFOLLOW === 0 && lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
    throw new NotAPlainFile(`${path} is a link, and links are not followed`);
}

function whyNotOpened(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ELOOP" || code === "EMLINK")
    return new NotAPlainFile(`${path} is a link, and links are not followed`, { cause: error });
  if (code === "ENXIO") return new NotAPlainFile(`${path} is not a regular file`, { cause: error });
  return error;
}

function requirePlain(file: number, path: string, opening: Opening): void {
  const stats = fstatSync(file);
  if (!stats.isFile()) throw new NotAPlainFile(`${path} is not a regular file`);
  if (stats.nlink > 1 && !opening.hardLinks) throw new NotAPlainFile(`${path} is a hard link to another file`);
  requirePlace(file, path, opening);
}

/**
 * Checks where the opened file really is: a folder on the way may be a link, or may have become one while the file was opened.
 */
function requirePlace(file: number, path: string, { root, linkedFolders }: Opening): void {
  const real = placeOfOpen(file) ?? realpathSync.native(path);
  const realRoot = realpathSync.native(root);
  const right = linkedFolders ? isInside(realRoot, real) : real === join(realRoot, relative(resolve(root), resolve(path)));
  if (!right) throw new NotAPlainFile(`${path} is behind a link to ${real}, and links are not followed`);
}

const deleted = " (deleted)";

/** Linux knows the path of an open file, whatever happened to its name since. */
function placeOfOpen(file: number): string | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const place = readlinkSync(`/proc/self/fd/${file}`);
    // Another process may put a newer file in its place at this moment. Then it has no name any more, and Linux adds this to its last one.
    return place.endsWith(deleted) && fstatSync(file).nlink === 0 ? place.slice(0, -deleted.length) : place;
  } catch {
    // A sandbox may have no /proc. Then the path is resolved instead, as on other systems; the check stays as strict.
    return undefined;
  }
}

/** Whether a path is inside a folder, by name only. */
export function isInside(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** A small JSON file that keeps state between runs in a workspace. */
export interface StateFile<State> {
  /** The content; undefined if the file doesn't exist. @throws Error if it cannot be understood */
  read(): Promise<State | undefined>;
  /** Atomic and on disk when it resolves: readers see the old state or the new one. */
  write(state: State): Promise<void>;
}

/**
 * Runs `work` while no other process can use the state file.
 * @throws Error when the lock cannot be taken in time, and whatever `work` throws
 */
export async function withStateFile<State, Result>(
  options: { path: string; schema: z.ZodType<State>; lockWithinMs: number; redact: (text: string) => string },
  work: (file: StateFile<State>) => Promise<Result>,
): Promise<Result> {
  const { path, schema, lockWithinMs, redact } = options;
  await makeOwnDirectory(dirname(path));
  const unlock = await takeLock(`${path}.lock`, lockWithinMs);
  try {
    return await work({
      read: () => readStateFile(path, schema),
      write: (state) => writeOwn(path, `${JSON.stringify(redacted(state, redact), undefined, 2)}\n`, { sync: true }),
    });
  } finally {
    await unlock();
  }
}

/** Without a lock. @throws Error if it cannot be understood */
export async function readStateFile<State>(path: string, schema: z.ZodType<State>): Promise<State | undefined> {
  let text: string;
  try {
    text = (await readOwn(path)).toString("utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${path} cannot be read: it is not JSON of env-actions`, { cause: error });
  }
}
