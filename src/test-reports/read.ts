import { glob, lstat } from "node:fs/promises";
import { resolve } from "node:path";
import type { TestCase, TestResults } from "../model/test-results.ts";
import { findCopies } from "./copies.ts";
import { formats, type ReportFormat } from "./formats/format.ts";
import { parseJson } from "./formats/json-document.ts";
import { Merger, Tally } from "./merge.ts";
import { type Findings, fromWorkspace, readText, sourceFiles, UnreadableReport } from "./reported.ts";

/** XML is read in chunks and may have any size; JSON has to be in memory as a whole. */
const largestJson = 256 * 1024 * 1024;

const textFormats = formats.filter((format) => format.syntax === "text");
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
  const copies = await findCopies(paths);
  const byPath = new Map<string, TestResults["sources"][number]>();
  const sources: TestResults["sources"] = [];
  for (const path of paths) {
    const original = byPath.get(copies.get(path) ?? "");
    if (original) {
      sources.push({ ...original, file: fromWorkspace(workspace, path) });
      continue;
    }
    const source: TestResults["sources"][number] = { file: fromWorkspace(workspace, path), format: "unknown", tests: 0 };
    const found = merger?.from(source) ?? tally;
    await readReport({ path, name: source.file, workspace }, (format) => {
      source.format = format;
      return {
        test(test) {
          source.tests++;
          found.test(test);
        },
        crashed: (suite) => found.crashed(suite),
        declared(tests) {
          source.declared = tests;
        },
      };
    });
    sources.push(source);
    byPath.set(path, source);
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
    const lines = textFormats.find((format) => format.recognise(start) !== undefined);
    if (lines) await lines.read(name, text, findingsFor(lines.recognise(start) ?? ""));
    else if (start.startsWith("<")) await readXml(name, start, text, findingsFor);
    else if (/^[[{]/.test(start)) readJson(name, await wholeJson(name, text), findingsFor);
    else throw unknownFormat(name, `expected a report of ${listed(formats)}, in JSON or XML`);
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
  const root = rootElement(start);
  const format = xmlFormats.find(({ roots }) => root !== undefined && roots.includes(root));
  if (!format) throw unknownFormat(name, `expected XML of ${listed(xmlFormats)}, got ${root ? `<${root}>` : "no element"}`);
  await format.read(name, text, findingsFor(format.name));
}

/** What may stand before the outermost element, and how it ends. */
const prolog = [
  ["<?", "?>"],
  ["<!--", "-->"],
  ["<!", ">"],
  // The end of a document type that declares entities. Its reader refuses it.
  ["]", ">"],
] as const;

/** The name of the outermost element. */
function rootElement(start: string): string | undefined {
  let rest = start;
  for (;;) {
    const skipped = prolog.find(([begin]) => rest.startsWith(begin));
    if (!skipped) return /^<([^\s/>]+)/.exec(rest)?.[1];
    const end = rest.indexOf(skipped[1]);
    if (end < 0) return undefined;
    rest = rest.slice(end + skipped[1].length).trimStart();
  }
}

function unknownFormat(name: string, expected: string): UnreadableReport {
  return new UnreadableReport("EA6005", name, `unknown format: ${expected}`, "line 1");
}

/** The tools whose reports are read, for an error message. */
function listed(among: readonly ReportFormat[]): string {
  const writers = among.flatMap((format) => format.writers);
  return writers.length < 2 ? writers.join("") : `${writers.slice(0, -1).join(", ")} or ${writers.at(-1)}`;
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
  throw unknownFormat(name, `expected JSON of ${listed(jsonFormats)}`);
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
