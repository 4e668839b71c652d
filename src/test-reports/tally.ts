import type { CrashedSuite, TestCase, TestCounts, TestResults, TestStatus } from "../model/test-results.ts";
import { FileTally } from "./by-file.ts";
import type { SourceFiles } from "./places/source-files.ts";
import { type ReportedTest, testCase } from "./reported.ts";

const slowestKept = 10;

/** After this many failures no stacks are kept: people don't read more, and memory must not grow. */
const failuresWithStack = 1_000;
const shortMessage = 300;

/**
 * Counts tests. Details are only kept of failures, flaky tests and the slowest tests. Kept texts are copied, because substrings
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

  /** `onTest`: called for every test. */
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
    if (status === "failed" || status === "unknown") this.#failures.push(shortened(this.#case(test), this.#failures.length));
    if (status === "flaky") this.#flaky.push(shortened(this.#case(test), this.#flaky.length));
    this.#rank(test);
    this.#onTest?.(this.#case(test));
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

  #case(test: ReportedTest): TestCase {
    return testCase(structuredClone(test), this.#files);
  }

  #project(name: string): TestCounts {
    const counts = this.#projects.get(name) ?? noCounts();
    this.#projects.set(name, counts);
    return counts;
  }

  #rank(test: ReportedTest): void {
    const last = this.#slowest.at(-1);
    if (test.status === "skipped" || (this.#slowest.length === slowestKept && last && test.durationMs <= last.durationMs)) return;
    const { message: _message, stack: _stack, ...rest } = this.#case(test);
    const index = this.#slowest.findIndex((other) => other.durationMs < test.durationMs);
    this.#slowest.splice(index < 0 ? this.#slowest.length : index, 0, rest);
    this.#slowest.length = Math.min(this.#slowest.length, slowestKept);
  }
}

function noCounts(): TestCounts {
  return { total: 0, passed: 0, failed: 0, flaky: 0, skipped: 0, unknown: 0 };
}

function add(counts: TestCounts, status: TestStatus): void {
  counts.total++;
  counts[status]++;
}

function shortened(test: TestCase, before: number): TestCase {
  if (before < failuresWithStack) return test;
  const { stack: _stack, message, ...rest } = test;
  return { ...rest, ...(message === undefined ? {} : { message: message.slice(0, shortMessage) }) };
}
