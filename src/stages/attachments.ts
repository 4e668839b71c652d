import { glob, lstat, rm } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { redactedBytes } from "../evidence/redacted-bytes.ts";
import { errorText } from "../lib/error-text.ts";
import { isInside, makeOwnDirectory, readPlain, writeOwn } from "../lib/plain-file.ts";
import type { Attachment, TestCase, TestResults } from "../model/test-results.ts";
import type { StageContext } from "./context.ts";
import type { Suite } from "./test-command.ts";

/** Per stage. GitHub keeps artifacts for weeks, and they cost money. */
const mostBytes = 50 * 1024 * 1024;
const mostFiles = 1_000;

/** File systems may round to whole seconds, and their clock may lag. */
const toleranceMs = 1_000;

interface Found {
  path: string;
  bytes: number;
  /** Why it cannot be kept. */
  unfit?: string;
}

/** Removes what an earlier execution with the same run id left, so that its images are not taken for this one's. */
export async function forgetAttachments(context: StageContext): Promise<void> {
  // Behind a link, other files would be deleted.
  await makeOwnDirectory(dirname(directoryOf(context)));
  await rm(directoryOf(context), { recursive: true, force: true });
}

/**
 * Keeps the screenshots, traces and videos of this run's tests, smallest first, up to the limit. Those that could not be kept are
 * listed too, with the reason.
 */
export async function collectAttachments(
  context: StageContext,
  suite: Suite,
  startedAt: number,
  tests: TestResults | undefined,
): Promise<Attachment[]> {
  const testOf = testsByFolder([...(tests?.failures ?? []), ...(tests?.flakyTests ?? [])]);
  const found = (await findFresh(suite, startedAt - toleranceMs)).sort((a, b) => a.bytes - b.bytes);
  const attachments: Attachment[] = [];
  let room = mostBytes;
  for (const [index, file] of found.entries()) {
    const over = index >= mostFiles ? `more than ${mostFiles} files` : undefined;
    const reason = file.unfit ?? over ?? (file.bytes > room ? `over the limit of ${mostBytes / 1024 / 1024} MiB` : undefined);
    const attachment = reason === undefined ? await keep(context, suite, file) : leftOut(context, file, reason);
    if (attachment.leftOut === undefined) room -= file.bytes;
    const test = testOf(file.path);
    attachments.push(test === undefined ? attachment : { ...attachment, test });
  }
  return attachments.sort((a, b) => (a.file < b.file ? -1 : 1));
}

async function findFresh(suite: Suite, notBefore: number): Promise<Found[]> {
  const found = new Map<string, Found>();
  for await (const match of glob(suite.attachments, { cwd: suite.cwd })) {
    const path = resolve(suite.cwd, match);
    const { size, mtimeMs, ...file } = await lstat(path).then((stats) => ({
      ...{ size: stats.size, mtimeMs: stats.mtimeMs },
      ...{ isFile: stats.isFile(), isLink: stats.isSymbolicLink() },
    }));
    if (!file.isFile && !file.isLink) continue;
    if (mtimeMs < notBefore) continue;
    // A link could lead anywhere on the machine, and a path upwards to other projects.
    const unfit = file.isLink ? "a link" : isInside(suite.cwd, path) ? undefined : "outside of the working directory";
    found.set(path, { path, bytes: size, ...(unfit ? { unfit } : {}) });
  }
  return [...found.values()];
}

async function keep(context: StageContext, suite: Suite, file: Found): Promise<Attachment> {
  // The folder contains the test's name, which can contain anything.
  const copy = join(directoryOf(context), context.secrets.redact(relative(suite.cwd, file.path)));
  try {
    // The file may have been replaced by a link since it was found.
    const made = redactedBytes(await readPlain(file.path, { root: suite.cwd }), context.secrets);
    if (made.kind === "refused") return leftOut(context, file, made.why);
    await writeOwn(copy, made.content);
    const binary = made.kind === "binary" ? { binary: true as const } : {};
    return { file: slashed(relative(context.workspace, copy)), bytes: made.content.length, ...binary };
  } catch (error) {
    return leftOut(context, file, errorText(error));
  }
}

function leftOut(context: StageContext, { path, bytes }: Found, reason: string): Attachment {
  return { file: slashed(relative(context.workspace, path)), bytes, leftOut: reason };
}

function directoryOf(context: StageContext): string {
  return join(context.records, "attachments", `${context.stage}-${context.runId}`);
}

function slashed(path: string): string {
  return path.split(sep).join("/");
}

/**
 * Finds the test that a file belongs to. Playwright names a test's folder after its titles and project, and cuts long names in the
 * middle, so the end of the folder's name is compared. Undefined unless exactly one test matches.
 */
export function testsByFolder(tests: readonly TestCase[]): (file: string) => string | undefined {
  // Once for each test, because there may be thousands of both. Null: several tests, so none is meant.
  const byEnd = new Map<string, string | null>();
  for (const { name, project = "" } of tests) {
    const end = slug(`${name.split(" › ").at(-1)} ${project}`);
    byEnd.set(end, byEnd.has(end) ? null : name);
  }
  return (file) => {
    const folder = slug(basename(dirname(file))).replace(/-retry\d+$/, "");
    const meant = ends(folder).flatMap((end) => byEnd.get(end) ?? (byEnd.has(end) ? [null] : []));
    return (meant.length === 1 ? meant[0] : undefined) ?? undefined;
  };
}

/** `a-b-c`, `b-c`, `c`. */
function ends(slug: string): string[] {
  const words = slug.split("-");
  return words.map((_, from) => words.slice(from).join("-"));
}

function slug(text: string): string {
  const words = text.toLowerCase().match(/[\p{L}\d]+/gu) ?? [];
  return words.join("-");
}
