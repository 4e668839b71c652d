import type { FileCounts, TestCounts, TestStatus } from "../model/test-results.ts";

/** Files in the report; a project with more has a report of its own to read. */
const mostFiles = 1_000;

/** Counts tests by file. Names are converted once for each file, not for each test. */
export class FileTally {
  readonly #counts = new Map<string, FileCounts>();
  /** Of the test before: the next one is mostly in the same file. */
  #before: FileCounts | undefined;

  add(file: string | undefined, status: TestStatus): void {
    if (file === undefined) return;
    if (file !== this.#before?.file) this.#before = this.#countsOf(file);
    this.#before.total++;
    this.#before[status]++;
  }

  #countsOf(file: string): FileCounts {
    const known = this.#counts.get(file);
    if (known) return known;
    // A copy, because a substring would keep the whole chunk of the report in memory.
    const counts = { file: structuredClone(file), ...noCounts() };
    this.#counts.set(counts.file, counts);
    return counts;
  }

  /** Files with failures first, then by name, at most 1,000; undefined if the reports name no files. */
  files(fileOf: (file: string) => string): FileCounts[] | undefined {
    const joined = new Map<string, FileCounts>();
    for (const [name, counts] of this.#counts) {
      const file = fileOf(name);
      const known = joined.get(file);
      joined.set(file, known ? sum(known, counts) : { ...counts, file });
    }
    if (joined.size === 0) return undefined;
    const isWrong = ({ failed, unknown }: TestCounts) => Number(failed + unknown > 0);
    const byName = ({ file }: FileCounts, other: FileCounts) => (file < other.file ? -1 : Number(file > other.file));
    return [...joined.values()].sort((a, b) => isWrong(b) - isWrong(a) || byName(a, b)).slice(0, mostFiles);
  }
}

export function noCounts(): TestCounts {
  return { total: 0, passed: 0, failed: 0, flaky: 0, skipped: 0, unknown: 0 };
}

function sum(one: FileCounts, other: TestCounts): FileCounts {
  return {
    file: one.file,
    total: one.total + other.total,
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    flaky: one.flaky + other.flaky,
    skipped: one.skipped + other.skipped,
    unknown: one.unknown + other.unknown,
  };
}
