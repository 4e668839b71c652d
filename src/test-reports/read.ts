import { glob, lstat } from "node:fs/promises";
import { resolve } from "node:path";
import type { TestCase, TestResults } from "../model/test-results.ts";
import { formats } from "./formats/format.ts";
import { parseJson } from "./formats/json-document.ts";
import { Merger, Tally } from "./merge.ts";
import { type Findings, fromWorkspace, readText, sourceFiles, UnreadableReport } from "./reported.ts";

/** XML is read in chunks and may have any size; JSON has to be in memory as a whole. */
const largestJson = 256 * 1024 * 1024;

const jsonFormats = formats.filter((format) => format.syntax === "json");
const xmlFormats = formats.filter((format) => format.syntax === "xml");

export interface ReadOptions {
  /** Where the command ran; the globs are relative to it. */
  cwd: string;
  /** File names in results and errors are relative to it; `cwd` if absent. */
  workspace?: string;
  /** Globs; each must match a file. */
  reports: readonly string[];
  /** When the run began, in Unix milliseconds. An older file is from another run, and refused. */
  startedAt: number;
  /** Called once for every test, after merging. The results themselves only list the notable ones. */
  onTest?: (test: TestCase) => void;
}

/** Reads all reports as one run. @throws UnreadableReport, with file, position and cause, for the first invalid one */
export async function readResults({ cwd, workspace = cwd, reports, startedAt, onTest }: ReadOptions): Promise<TestResults> {
  const paths = await findReports(cwd, reports);
  for (const path of paths) await requireFresh(path, fromWorkspace(workspace, path), startedAt);

  const tally = new Tally(sourceFiles(workspace, cwd), onTest);
  // A single report has nothing to compare with, so its tests are not kept.
  const merger = paths.length > 1 ? new Merger() : undefined;
  const sources: TestResults["sources"] = [];
  for (const path of paths) {
    const source = { file: fromWorkspace(workspace, path), format: "unknown", tests: 0 };
    const found = merger?.from(source) ?? tally;
    await readReport({ path, name: source.file, workspace }, (format) => {
      source.format = format;
      return {
        test(test) {
          source.tests++;
          found.test(test);
        },
        crashed: (suite) => found.crashed(suite),
      };
    });
    sources.push(source);
  }
  merger?.reportTo(tally);
  return tally.results(sources, merger?.disagreements() ?? []);
}

/** Called with the format as soon as it is known, before the first finding. */
type FindingsFor = (format: string) => Findings;

interface ReportFile {
  path: string;
  /** The file's name in errors. */
  name: string;
  workspace: string;
}

async function readReport({ path, name, workspace }: ReportFile, findingsFor: FindingsFor): Promise<void> {
  const pieces = readText(path, name, workspace);
  try {
    // There is at least one chunk: an empty file is an error.
    const { value: start = "" } = await pieces.next();
    const text = withStart(start, pieces);
    if (start.startsWith("<")) await readXml(name, start, text, findingsFor);
    else if (start.startsWith("{")) readJson(name, await wholeJson(name, text), findingsFor);
    else throw new UnreadableReport("EA6005", name, "unknown format: expected JSON or XML", "line 1");
  } finally {
    // Closes the file, even if the format didn't read it to the end.
    await pieces.return();
  }
}

async function* withStart(start: string, rest: AsyncIterable<string>): AsyncGenerator<string, void, void> {
  yield start;
  yield* rest;
}

async function readXml(name: string, start: string, text: AsyncIterable<string>, findingsFor: FindingsFor): Promise<void> {
  for (const format of xmlFormats) {
    const known = format.recognise(start);
    if (known !== undefined) return await format.read(name, text, findingsFor(known));
  }
  throw new UnreadableReport("EA6005", name, "unknown format of XML: expected JUnit XML");
}

async function wholeJson(name: string, text: AsyncIterable<string>): Promise<string> {
  let json = "";
  for await (const piece of text) {
    json += piece;
    if (json.length > largestJson) throw new UnreadableReport("EA6004", name, `larger than ${largestJson / 1024 / 1024} MiB`);
  }
  return json;
}

function readJson(name: string, text: string, findingsFor: FindingsFor): void {
  const document = parseJson(name, text);
  if (typeof document === "object" && document !== null) {
    for (const format of jsonFormats) {
      const known = format.recognise(document);
      if (known === undefined) continue;
      format.read(name, document, findingsFor(known));
      return;
    }
  }
  const writers = jsonFormats.flatMap((format) => format.writers);
  throw new UnreadableReport(
    "EA6005",
    name,
    `unknown format: expected JSON of ${writers.slice(0, -1).join(", ")} or ${writers.at(-1)}`,
  );
}

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
