import { glob, lstat } from "node:fs/promises";
import { resolve } from "node:path";
import type { TestCase, TestResults, TestSource, UnreadableSource } from "../model/test-results.ts";
import { findCopies } from "./copies.ts";
import { writtenElsewhere } from "./elsewhere.ts";
import { formats, type ReportFormat } from "./formats/format.ts";
import { readOutline, readRows } from "./formats/json/document.ts";
import { parseJson } from "./formats/json-document.ts";
import { Merger } from "./merge.ts";
import { fromWorkspace, SourceFiles } from "./places/source-files.ts";
import { type Findings, UnreadableReport } from "./reported.ts";
import { Tally } from "./tally.ts";
import { type ReportFile, ReportText } from "./text/report-text.ts";

/** Of JSON in a format that is built as a whole. All others are read in parts and may have any size. */
const largestJson = 256 * 1024 * 1024;

const textFormats = formats.filter((format) => format.syntax === "text");
const jsonFormats = formats.filter((format) => format.syntax === "json");
const rowsFormats = formats.filter((format) => format.syntax === "json-rows");
const xmlFormats = formats.filter((format) => format.syntax === "xml");

export interface ReadOptions {
  /** Where the command ran; the globs are relative to it. */
  cwd: string;
  /** File names in results and errors are relative to it; `cwd` if absent. */
  workspace?: string;
  /** Globs; one must match a file. */
  reports: readonly string[];
  /** Whether each glob must match a file. */
  all?: boolean;
  /** When the run began, in Unix milliseconds. An older file is from another run, and not read. */
  startedAt: number;
  /** Called once for every test, after merging. The results themselves only list the notable ones. */
  onTest?: (test: TestCase) => void;
}

/**
 * Reads all reports as one run. What is wrong with a report never hides what the others say: it is listed under `unreadable`, and
 * what was read of it before counts.
 */
export async function readResults(options: ReadOptions): Promise<TestResults> {
  const { cwd, workspace = cwd, reports, all, startedAt, onTest } = options;
  const { paths, missing } = await findReports(cwd, reports, { all: all === true, startedAt });
  const unreadable = missing.map((error) => unreadableSource(error));
  const tally = new Tally(new SourceFiles(workspace, cwd), onTest);
  // A single report has nothing to compare with, so its tests are not kept.
  const merger = paths.length > 1 ? new Merger() : undefined;
  const copies = await findCopies(paths);
  const byPath = new Map<string, TestSource>();
  const sources: TestSource[] = [];
  for (const path of paths) {
    const file = { path, name: fromWorkspace(workspace, path), workspace };
    const source: TestSource = { file: file.name, format: "unknown", tests: 0 };
    try {
      await requireFresh(path, file.name, startedAt);
      const original = byPath.get(copies.get(path) ?? "");
      if (original) {
        sources.push({ ...original, file: file.name });
        continue;
      }
      const notes = await readReport(file, (format) => {
        source.format = format;
        return counting(source, merger?.from(source) ?? tally);
      });
      if (notes.length > 0) source.notes = notes;
      sources.push(source);
      byPath.set(path, source);
    } catch (error) {
      // Any other error is a bug or a machine problem, and says nothing about the report.
      if (!(error instanceof UnreadableReport)) throw error;
      unreadable.push(unreadableSource(error, source));
      merger?.broken(source);
    }
  }
  merger?.reportTo(tally);
  const results = tally.results(sources, merger?.disagreements() ?? []);
  return unreadable.length > 0 ? { ...results, unreadable } : results;
}

function counting(source: TestSource, found: Findings): Findings {
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
}

/** @param source what was read of it */
function unreadableSource({ file, code, message, position }: UnreadableReport, source?: TestSource): UnreadableSource {
  return {
    file,
    code,
    message,
    ...(position === undefined ? {} : { position }),
    tests: source?.tests ?? 0,
  };
}

/** Called with the format as soon as it is known, before the first finding. */
type FindingsFor = (format: string) => Findings;

/** @returns what could not be read as it was written */
async function readReport(file: ReportFile, findingsFor: FindingsFor): Promise<string[]> {
  const { name } = file;
  let report = new ReportText(file);
  const chunks = report.chunks();
  function again(): AsyncIterable<string> {
    report = new ReportText(file);
    return report.allowed("json", report.chunks());
  }
  try {
    // There is at least one chunk: an empty file is an error.
    const { value: start = "" } = await chunks.next();
    const text = withStart(start, chunks);
    const lines = textFormats.find((format) => format.recognise(start) !== undefined);
    if (lines) await lines.read(name, text, findingsFor(lines.recognise(start) ?? ""));
    else if (start.startsWith("<")) await readXml(name, start, report.allowed("xml", text), findingsFor);
    else if (/^[[{]/.test(start)) await readJson(name, again, findingsFor);
    else throw unknownFormat(name, `expected a report of ${listed(formats)}, in JSON or XML`);
    return report.notes();
  } finally {
    // Closes the file, even if the format didn't read it to the end.
    await chunks.return();
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

/** @param text the report from its beginning, each time */
async function readJson(name: string, text: () => AsyncIterable<string>, findingsFor: FindingsFor): Promise<void> {
  const branches = rowsFormats.map((format) => format.branch);
  const outline = await readOutline(name, text, branches);
  for (const format of rowsFormats) {
    const known = format.recognise(outline.document);
    if (known === undefined) continue;
    const rows = format.read(name, outline.document, findingsFor(known));
    await readRows(name, text, format.branch, outline, rows);
    rows.end();
    return;
  }
  const document = jsonFormats.length > 0 ? parseJson(name, await wholeJson(name, text())) : undefined;
  if (typeof document === "object" && document !== null) {
    for (const format of jsonFormats) {
      const known = format.recognise(document);
      if (known === undefined) continue;
      format.read(name, document, findingsFor(known));
      return;
    }
  }
  throw unknownFormat(name, `expected JSON of ${listed([...rowsFormats, ...jsonFormats])}`);
}

/** The kernel's file times may lag behind our clock by a tick. */
const clockLagMs = 20;

interface FoundReports {
  /** Absolute, sorted, without duplicates. */
  paths: string[];
  missing: UnreadableReport[];
}

async function findReports(
  cwd: string,
  globs: readonly string[],
  { all, startedAt }: { all: boolean; startedAt: number },
): Promise<FoundReports> {
  if (globs.length === 0) {
    const cause = "no report is configured, so it is unknown how the tests ended: add reports to the stage";
    return { paths: [], missing: [new UnreadableReport("EA6001", "(no report)", cause)] };
  }
  const paths = new Set<string>();
  const unmatched: string[] = [];
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
    if (matches === 0) unmatched.push(pattern);
  }
  const missing = all ? unmatched : paths.size === 0 ? [unmatched.join(", ")] : [];
  const others = missing.length === 0 ? [] : await writtenElsewhere(cwd, unmatched, startedAt);
  const elsewhere = others.filter((path) => !paths.has(resolve(cwd, path)));
  return { paths: [...paths].sort(), missing: missing.map((globs) => missingReport(cwd, globs, elsewhere)) };
}

function missingReport(cwd: string, globs: string, elsewhere: readonly string[]): UnreadableReport {
  const seen =
    elsewhere.length === 0
      ? "and no other report of this run was seen"
      : `but this run wrote ${elsewhere.map((path) => `${path} (${resolve(cwd, path)})`).join(", ")}`;
  return new UnreadableReport("EA6002", globs, `missing: no file in ${cwd} matches it, ${seen}`);
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
