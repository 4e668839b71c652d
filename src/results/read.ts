import { createReadStream } from "node:fs";
import { glob, stat } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";
import type { TestResults } from "../model.ts";
import { isCtrf, readCtrf } from "./ctrf.ts";
import { isJest, jestFlavour, readJest } from "./jest.ts";
import { parseJson } from "./json-document.ts";
import { JUnitReader } from "./junit.ts";
import { Merger, type Source } from "./merge.ts";
import { isPlaywright, readPlaywright } from "./playwright.ts";
import type { Findings } from "./reported.ts";
import { Tally } from "./tally.ts";
import { UnreadableReport } from "./unreadable.ts";

/** XML is read piece by piece and may be of any size; JSON must be in memory whole. */
const largestJson = 256 * 1024 * 1024;

/** The kernel stamps files with a clock that may lag behind ours by a tick. */
const clockLagMs = 20;

export interface ReadOptions {
  /** The globs and the file names in the results are relative to it. */
  cwd: string;
  /** Globs; each must match a file. */
  reports: readonly string[];
  /** When the run began, in Unix milliseconds: an older file is of another run, and refused. */
  startedAt: number;
}

/** Reads every report as one run. Throws UnreadableReport, which names file, place and cause, for the first that is wrong. */
export async function readResults({ cwd, reports, startedAt }: ReadOptions): Promise<TestResults> {
  const files = await findReports(cwd, reports);
  for (const file of files) await requireFresh(cwd, file, startedAt);

  const tally = new Tally((file) => inWorkspace(cwd, file));
  const [only, ...others] = files;
  if (only !== undefined && others.length === 0) {
    // Nothing to compare with, so nothing need be remembered.
    const { format, tests } = await readReport(cwd, only, () => tally);
    return tally.results([{ file: only, format, tests }], []);
  }
  const merger = new Merger();
  const sources: TestResults["sources"] = [];
  for (const file of files) {
    const { format, tests } = await readReport(cwd, file, (found) => merger.from({ file, format: found }));
    sources.push({ file, format, tests });
  }
  merger.tellTo(tally);
  return tally.results(sources, merger.disagreements());
}

/** Relative to `cwd`, sorted, each once. */
async function findReports(cwd: string, globs: readonly string[]): Promise<string[]> {
  if (globs.length === 0)
    throw new UnreadableReport("(no report)", "no report is configured, so nothing tells how the tests ended");
  const found = new Set<string>();
  for (const pattern of globs) {
    let matches = 0;
    for await (const match of glob(pattern, { cwd })) {
      if (!(await stat(resolve(cwd, match))).isFile()) continue;
      matches++;
      found.add(inWorkspace(cwd, resolve(cwd, match)));
    }
    if (matches === 0) throw new UnreadableReport(pattern, `missing: no file in ${cwd} matches it, so the tests wrote no report`);
  }
  return [...found].sort();
}

async function requireFresh(cwd: string, file: string, startedAt: number): Promise<void> {
  const { mtimeMs } = await stat(resolve(cwd, file));
  // A file system that only knows whole seconds rounds them down.
  const tolerance = mtimeMs % 1_000 === 0 ? 1_000 : clockLagMs;
  if (mtimeMs + tolerance >= startedAt) return;
  const [written, begun] = [mtimeMs, startedAt].map((time) => new Date(time).toISOString());
  throw new UnreadableReport(file, `older than the run: it was written at ${written}, and the run began at ${begun}`);
}

function inWorkspace(cwd: string, file: string): string {
  if (!isAbsolute(file)) return file;
  const path = relative(cwd, file);
  return path.startsWith("..") || isAbsolute(path) ? file : path.split(sep).join("/");
}

/** Reads one report into the findings for its format, which is told by its content. */
async function readReport(
  cwd: string,
  file: string,
  findingsFor: (format: Source["format"]) => Findings,
): Promise<{ format: string; tests: number }> {
  let tests = 0;
  const counting = (format: string): Findings => {
    const findings = findingsFor(format);
    return {
      test(test) {
        tests++;
        findings.test(test);
      },
      crashed: (suite) => findings.crashed(suite),
    };
  };
  const pieces = decode(file, createReadStream(resolve(cwd, file), { highWaterMark: 256 * 1024 }));
  const begin = await firstText(file, pieces);
  if (begin.startsWith("<")) {
    const reader = new JUnitReader(file, counting("junit"));
    reader.write(begin);
    for await (const piece of pieces) reader.write(piece);
    reader.end();
    return { format: "junit", tests };
  }
  if (!begin.startsWith("{")) throw new UnreadableReport(file, "not a known format: neither JSON nor XML", "line 1");
  const format = readJson(file, await whole(file, begin, pieces), counting);
  return { format, tests };
}

/** Throws UnreadableReport at the first byte that is not UTF-8. */
async function* decode(file: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let bytes = 0;
  const unreadable = () => new UnreadableReport(file, "not UTF-8", `after byte ${bytes}`);
  for await (const chunk of chunks) {
    yield decoded(() => decoder.decode(chunk, { stream: true }), unreadable);
    bytes += chunk.length;
  }
  yield decoded(() => decoder.decode(), unreadable);
}

function decoded(decode: () => string, unreadable: () => UnreadableReport): string {
  try {
    return decode();
  } catch (error) {
    if (error instanceof TypeError) throw unreadable();
    throw error;
  }
}

/** The first piece that holds more than white space, from there on. */
async function firstText(file: string, pieces: AsyncGenerator<string, void, void>): Promise<string> {
  for (;;) {
    const { value, done } = await pieces.next();
    if (done) throw new UnreadableReport(file, "empty");
    const text = value.trimStart();
    if (text !== "") return text;
  }
}

async function whole(file: string, begin: string, pieces: AsyncIterable<string>): Promise<string> {
  let text = begin;
  for await (const piece of pieces) {
    text += piece;
    if (text.length > largestJson) throw new UnreadableReport(file, `larger than ${largestJson / 1024 / 1024} MiB`);
  }
  return text;
}

/** The format it was. */
function readJson(file: string, text: string, findingsFor: (format: string) => Findings): string {
  const document = parseJson(file, text);
  if (typeof document !== "object" || document === null) throw new UnreadableReport(file, "not a known format");
  if (isJest(document)) {
    const format = jestFlavour(document);
    readJest(file, document, findingsFor(format));
    return format;
  }
  if (isPlaywright(document)) {
    readPlaywright(file, document, findingsFor("playwright-json"));
    return "playwright-json";
  }
  if (isCtrf(document)) {
    readCtrf(file, document, findingsFor("ctrf"));
    return "ctrf";
  }
  throw new UnreadableReport(file, "not a known format: JSON, but neither of Jest, Vitest or Playwright, nor CTRF");
}
