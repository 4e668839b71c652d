import {
  type CrashedSuite,
  mostWholeTests,
  type TestCase,
  type TestCounts,
  type TestResults,
  type TestStatus,
} from "../model/test-results.ts";
import { FileTally, noCounts } from "./by-file.ts";
import { placeIn } from "./places/place.ts";
import type { SourceFiles } from "./places/source-files.ts";
import { nameOf, type ReportedTest, shortMessageOf } from "./reported.ts";

const slowestKept = 10;

/**
 * Counts tests, and finds the file and line of those that it lists. Details are only kept of failures, flaky tests and the slowest
 * tests. Kept texts are copied, because substrings
 * would keep the whole chunk of the report in memory.
 */
export class Tally {
  readonly #counts = noCounts();
  readonly #projects = new Map<string, TestCounts>();
  readonly #byFile = new FileTally();
  readonly #failures: TestCase[] = [];
  readonly #flaky: TestCase[] = [];
  readonly #slowest: TestCase[] = [];
  readonly #crashed: CrashedSuite[] = [];
  readonly #files: SourceFiles;
  readonly #onTest: ((test: TestCase) => void) | undefined;
  #durationMs = 0;

  /** `onTest`: called for every test, whose texts it must not keep. */
  constructor(files: SourceFiles, onTest?: (test: TestCase) => void) {
    this.#files = files;
    this.#onTest = onTest;
  }

  test(test: ReportedTest): void {
    const { status, project, durationMs } = test;
    add(this.#counts, status);
    if (project !== undefined) add(this.#project(project), status);
    this.#byFile.add(test.file, status);
    this.#durationMs += durationMs;
    let made: TestCase | undefined;
    // Most tests passed, and their names are not needed.
    const found = () => {
      made ??= testCase(test, this.#files);
      return made;
    };
    if (status === "failed" || status === "unknown") this.#failures.push(kept(found(), this.#failures.length));
    if (status === "flaky") this.#flaky.push(kept(found(), this.#flaky.length));
    if (this.#isSlow(test)) this.#rank(found());
    this.#onTest?.(found());
  }

  crashed(suite: CrashedSuite): void {
    const copy = structuredClone(suite);
    this.#crashed.push({ ...copy, file: this.#files.nameOf(copy.file) });
  }

  results(sources: TestResults["sources"], disagreements: string[]): TestResults {
    const files = this.#byFile.files((file) => this.#files.nameOf(file));
    return {
      ...this.#counts,
      durationMs: Math.round(this.#durationMs),
      crashedSuites: this.#crashed,
      failures: this.#failures,
      flakyTests: this.#flaky,
      slowest: this.#slowest,
      projects: Object.fromEntries(this.#projects),
      ...(files ? { files } : {}),
      sources,
      disagreements,
    };
  }

  #project(name: string): TestCounts {
    const counts = this.#projects.get(name) ?? noCounts();
    this.#projects.set(name, counts);
    return counts;
  }

  #isSlow({ status, durationMs }: ReportedTest): boolean {
    const last = this.#slowest.at(-1);
    return status !== "skipped" && !(this.#slowest.length === slowestKept && last && durationMs <= last.durationMs);
  }

  #rank(test: TestCase): void {
    const { message: _message, stack: _stack, ...rest } = test;
    const index = this.#slowest.findIndex((other) => other.durationMs < test.durationMs);
    this.#slowest.splice(index < 0 ? this.#slowest.length : index, 0, structuredClone(rest));
    this.#slowest.length = Math.min(this.#slowest.length, slowestKept);
  }
}

function add(counts: TestCounts, status: TestStatus): void {
  counts.total++;
  counts[status]++;
}

/** A copy; shortened after so many tests `before` it. */
function kept(test: TestCase, before: number): TestCase {
  if (before < mostWholeTests) return structuredClone(test);
  const { stack: _stack, message, ...rest } = test;
  return structuredClone({ ...rest, ...(message === undefined ? {} : { message: shortMessageOf(message) }) });
}

/** A test as the results list it: with its file in the workspace. A place that the report doesn't give is taken from the stack. */
function testCase(test: ReportedTest, files: SourceFiles): TestCase {
  const { titles, file: _file, line: _line, ...rest } = test;
  const { file, line } = placeOfTest(test, files);
  return {
    ...rest,
    ...(file === undefined ? {} : { file: files.nameOf(file) }),
    ...(line === undefined ? {} : { line }),
    name: nameOf(titles),
    durationMs: Math.round(test.durationMs),
  };
}

function placeOfTest(
  { titles, file, line, stack }: ReportedTest,
  files: SourceFiles,
): { file?: string | undefined; line?: number | undefined } {
  if (stack === undefined || (file !== undefined && line !== undefined)) return { file, line };
  const place = placeIn(stack, { titles, file, isOurs: (name) => files.has(name) });
  // A line without a file could be that of any file.
  if (file === undefined) return place ?? {};
  return line === undefined && place ? place : { file, line };
}
