import type { TestCase, TestResults } from "../model/test-results.ts";
import { findReports, requireFresh } from "./find.ts";
import { isCtrf, readCtrf } from "./formats/ctrf.ts";
import { isJest, jestFlavour, readJest } from "./formats/jest.ts";
import { parseJson } from "./formats/json-document.ts";
import { JUnitReader } from "./formats/junit.ts";
import { isPlaywright, readPlaywright } from "./formats/playwright.ts";
import { Merger } from "./merge.ts";
import type { Findings } from "./reported.ts";
import { Tally } from "./tally.ts";
import { readText } from "./text.ts";
import { UnreadableReport } from "./unreadable.ts";
import { fromWorkspace, sourceFiles } from "./workspace-path.ts";

/** XML is read piece by piece and may be of any size; JSON must be in memory whole. */
const largestJson = 256 * 1024 * 1024;

export interface ReadOptions {
  /** Where the command ran; the globs are relative to it. */
  cwd: string;
  /** File names in the results and errors are relative to it; `cwd` if left out. */
  workspace?: string;
  /** Globs; each must match a file. */
  reports: readonly string[];
  /** When the run began, in Unix milliseconds: an older file is of another run, and refused. */
  startedAt: number;
  /** Told of every test once, after the reports were merged: the results themselves name only the few that stand out. */
  onTest?: (test: TestCase) => void;
}

/** Reads every report as one run. Throws UnreadableReport, which names file, place and cause, for the first that is wrong. */
export async function readResults({ cwd, workspace = cwd, reports, startedAt, onTest }: ReadOptions): Promise<TestResults> {
  const paths = await findReports(cwd, reports);
  for (const path of paths) await requireFresh(path, fromWorkspace(workspace, path), startedAt);

  const tally = new Tally(sourceFiles(workspace, cwd), onTest);
  // A single report has nothing to be compared with, so its tests need not be remembered.
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

/** Gets the format as soon as it is known, before anything is found. */
type FindingsFor = (format: string) => Findings;

interface ReportFile {
  path: string;
  /** Stands for the file in errors. */
  name: string;
  workspace: string;
}

/** The format is told by the content, never by the name. */
async function readReport({ path, name, workspace }: ReportFile, findingsFor: FindingsFor): Promise<void> {
  let xml: JUnitReader | undefined;
  let json = "";
  for await (const text of readText(path, name, workspace)) {
    if (!xml && json === "") {
      if (text.startsWith("<")) xml = new JUnitReader(name, findingsFor("junit"));
      else if (!text.startsWith("{")) throw new UnreadableReport(name, "not a known format: neither JSON nor XML", "line 1");
    }
    if (xml) xml.write(text);
    else json += text;
    if (json.length > largestJson) throw new UnreadableReport(name, `larger than ${largestJson / 1024 / 1024} MiB`);
  }
  if (xml) xml.end();
  else readJson(name, json, findingsFor);
}

const jsonFormats = [
  { is: isJest, format: jestFlavour, read: readJest },
  { is: isPlaywright, format: () => "playwright-json", read: readPlaywright },
  { is: isCtrf, format: () => "ctrf", read: readCtrf },
];

function readJson(name: string, text: string, findingsFor: FindingsFor): void {
  const document = parseJson(name, text);
  if (typeof document === "object" && document !== null) {
    for (const { is, format, read } of jsonFormats) {
      if (!is(document)) continue;
      read(name, document, findingsFor(format(document)));
      return;
    }
  }
  throw new UnreadableReport(name, "not a known format: JSON, but neither of Jest, Vitest or Playwright, nor CTRF");
}
