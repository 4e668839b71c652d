import type { CrashedSuite, TestCase, TestCounts, TestResults, TestStatus } from "../model/test-results.ts";
import { type Findings, nameOf, type ReportedTest, testCase } from "./reported.ts";

/**
 * Several reports of one run name the same tests differently. Tests are matched by titles, and by file and project if both
 * reports have them. If reports disagree, the worse result counts and the difference is reported.
 */

/** Worst first. A test that one report calls passed and another skipped may not have run. */
const worst: readonly TestStatus[] = ["failed", "unknown", "flaky", "skipped", "passed"];

/** How many candidates with the same title to compare before a test counts as a new one. This loses no failure. */
const mostCandidates = 500;

const mostDisagreements = 20;

export interface Source {
  file: string;
  format: string;
}

interface Mention {
  source: Source;
  status: TestStatus;
  durationMs: number;
}

interface Entry {
  test: ReportedTest;
  mentions: Mention[];
}

interface Crash {
  suite: CrashedSuite;
  sources: Source[];
}

export class Merger {
  readonly #entries: Entry[] = [];
  readonly #byTitle = new Map<string, Entry[]>();
  readonly #crashes: Crash[] = [];

  /** Takes the tests of one report; `source` must be the same object for all of them. */
  from(source: Source): Findings {
    return {
      test: (test) => this.#test(source, test),
      crashed: (suite) => this.#crashed(source, suite),
    };
  }

  reportTo(findings: Findings): void {
    for (const { test } of this.#entries) findings.test(test);
    for (const { suite } of this.#crashes) findings.crashed(suite);
  }

  disagreements(): string[] {
    const overlaps = this.#overlaps();
    const all = [
      ...this.#entries.map((entry) => disagreement(entry, overlaps)),
      ...this.#crashes.map((crash) => unknownCrash(crash, overlaps)),
    ].filter((text) => text !== undefined);
    const more = all.length - mostDisagreements;
    return more > 0 ? [...all.slice(0, mostDisagreements), `… and ${more} more`] : all;
  }

  #test(source: Source, test: ReportedTest): void {
    const title = normalised(test.titles);
    const candidates = this.#byTitle.get(title) ?? [];
    const mention = { source, status: test.status, durationMs: test.durationMs };
    const entry = candidates.slice(0, mostCandidates).find((candidate) => isSame(candidate, test, source));
    if (entry) {
      entry.mentions.push(mention);
      entry.test = merged(entry.test, test);
      return;
    }
    const added = { test, mentions: [mention] };
    this.#entries.push(added);
    candidates.push(added);
    this.#byTitle.set(title, candidates);
  }

  #crashed(source: Source, suite: CrashedSuite): void {
    const known = this.#crashes.find((crash) => !crash.sources.includes(source) && sameFile(crash.suite.file, suite.file));
    if (known) known.sources.push(source);
    else this.#crashes.push({ suite, sources: [source] });
  }

  /** Which reports are about the same tests: those that share a test. Shards share none. */
  #overlaps(): Map<Source, Set<Source>> {
    const overlaps = new Map<Source, Set<Source>>();
    for (const { mentions } of this.#entries) {
      if (mentions.length < 2) continue;
      for (const { source } of mentions) {
        const others = overlaps.get(source) ?? new Set();
        for (const other of mentions) if (other.source !== source) others.add(other.source);
        overlaps.set(source, others);
      }
    }
    return overlaps;
  }
}

/** Removes separators between titles: `a › b`, `a > b` and `a b` are equal. */
function normalised(titles: readonly string[]): string {
  return titles
    .join(" ")
    .replace(/\s+(?:›|>|\||\/|::|-)\s+/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}

function isSame({ test, mentions }: Entry, other: ReportedTest, source: Source): boolean {
  for (const mention of mentions) {
    // The same title twice in one report means two tests.
    if (mention.source === source) return false;
    // Two reports of one format are shards or modules, unless one is a copy of the other.
    if (mention.source.format === source.format && mention.durationMs !== other.durationMs) return false;
  }
  if (test.project !== undefined && other.project !== undefined && test.project !== other.project) return false;
  return test.file === undefined || other.file === undefined || sameFile(test.file, other.file);
}

/** One may be absolute, the other relative to any of its folders. */
function sameFile(one: string, other: string): boolean {
  const [shorter, longer] = [one, other].map((file) => file.replaceAll("\\", "/")).sort((a, b) => a.length - b.length);
  return shorter === longer || (shorter !== undefined && longer?.endsWith(`/${shorter.replace(/^\.?\//, "")}`) === true);
}

/** The worse of two mentions, completed from the other. */
function merged(one: ReportedTest, other: ReportedTest): ReportedTest {
  const otherIsWorse = worst.indexOf(other.status) < worst.indexOf(one.status);
  const [believed, second] = otherIsWorse ? [other, one] : [one, other];
  return {
    ...believed,
    titles: one.titles,
    file: longest(one.file, other.file),
    project: believed.project ?? second.project,
    line: believed.line ?? second.line,
    attempts: Math.max(one.attempts, other.attempts),
    durationMs: Math.max(one.durationMs, other.durationMs),
    message: believed.message || second.message,
    stack: believed.stack || second.stack,
  };
}

function longest(one: string | undefined, other: string | undefined): string | undefined {
  return (one?.length ?? 0) >= (other?.length ?? 0) ? one : other;
}

/** Only failures are reported: formats differ in whether they know flaky tests, and in what they call an unwritten test. */
function disagreement({ test, mentions }: Entry, overlaps: Map<Source, Set<Source>>): string | undefined {
  if (test.status !== "failed") return undefined;
  const failed = mentions.filter((mention) => mention.status === "failed").map(({ source }) => source.file);
  const other = mentions.find((mention) => mention.status !== "failed");
  if (other)
    return `"${nameOf(test.titles)}" failed in ${failed.join(", ")}, but ${other.status} in ${other.source.file}: believed to have failed`;
  const silent = silentSources(
    mentions.map(({ source }) => source),
    overlaps,
  );
  return (
    silent && `"${nameOf(test.titles)}" failed in ${failed.join(", ")}, but is missing in ${silent}: believed to have failed`
  );
}

function unknownCrash({ suite, sources }: Crash, overlaps: Map<Source, Set<Source>>): string | undefined {
  const silent = silentSources(sources, overlaps);
  const told = sources.map(({ file }) => file).join(", ");
  return silent && `${suite.file} could not run, says ${told}, but ${silent} does not mention it: believed to have failed`;
}

/** Overlapping reports that don't mention the test. */
function silentSources(tellers: readonly Source[], overlaps: Map<Source, Set<Source>>): string | undefined {
  const silent = new Set(
    tellers.flatMap((source) => [...(overlaps.get(source) ?? [])]).filter((other) => !tellers.includes(other)),
  );
  return silent.size > 0 ? [...silent].map(({ file }) => file).join(", ") : undefined;
}

const slowestKept = 10;

/** After this many failures no stacks are kept: nobody reads more, and memory must not grow. */
const failuresWithStack = 1_000;
const shortMessage = 300;

/**
 * Counts tests. Details are only kept of failures, flaky tests and the slowest tests. Kept texts are copied, because substrings
 * would keep the whole chunk of the report in memory.
 */
export class Tally {
  readonly #counts = noCounts();
  readonly #projects = new Map<string, TestCounts>();
  readonly #failures: TestCase[] = [];
  readonly #flaky: TestCase[] = [];
  readonly #slowest: TestCase[] = [];
  readonly #crashed: CrashedSuite[] = [];
  readonly #fileOf: (file: string) => string;
  readonly #onTest: ((test: TestCase) => void) | undefined;
  #durationMs = 0;

  /** `fileOf`: converts a report's file name to a workspace path. `onTest`: called for every test. */
  constructor(fileOf: (file: string) => string, onTest?: (test: TestCase) => void) {
    this.#fileOf = fileOf;
    this.#onTest = onTest;
  }

  test(test: ReportedTest): void {
    const { status, project, durationMs } = test;
    add(this.#counts, status);
    if (project !== undefined) add(this.#project(project), status);
    this.#durationMs += durationMs;
    if (status === "failed" || status === "unknown") this.#failures.push(shortened(this.#case(test), this.#failures.length));
    if (status === "flaky") this.#flaky.push(shortened(this.#case(test), this.#flaky.length));
    this.#rank(test);
    this.#onTest?.(this.#case(test));
  }

  crashed(suite: CrashedSuite): void {
    const copy = structuredClone(suite);
    this.#crashed.push({ ...copy, file: this.#fileOf(copy.file) });
  }

  results(sources: TestResults["sources"], disagreements: string[]): TestResults {
    return {
      ...this.#counts,
      durationMs: Math.round(this.#durationMs),
      crashedSuites: this.#crashed,
      failures: this.#failures,
      flakyTests: this.#flaky,
      slowest: this.#slowest,
      projects: Object.fromEntries(this.#projects),
      sources,
      disagreements,
    };
  }

  #case(test: ReportedTest): TestCase {
    const copy = structuredClone(test);
    return testCase(copy, copy.file === undefined ? undefined : this.#fileOf(copy.file));
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
