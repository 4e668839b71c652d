import type { CrashedSuite, TestCase, TestCounts, TestResults, TestStatus } from "../model/test-results.ts";
import { FileTally } from "./by-file.ts";
import { type Crash, Crashes } from "./crashes.ts";
import type { SourceFiles } from "./places/source-files.ts";
import { type Findings, nameOf, type ReportedTest, testCase } from "./reported.ts";

/**
 * Several reports of one run name the same tests differently. Tests are matched by titles, and by file and project if both
 * reports have them. If reports disagree, the worse result counts and the difference is reported.
 *
 * Two reports of one format are shards, modules or jobs of a matrix: their tests are different ones, unless one report contains
 * the other.
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

export class Merger {
  readonly #entries: Entry[] = [];
  readonly #byTitle = new Map<string, Entry[]>();
  readonly #crashes = new Crashes<Source>();
  readonly #broken = new Set<Source>();
  /** By source. */
  readonly #numbers = new Map<Source, number>();
  /** The report that is being read: only its end shows whether it contains another one. */
  #current: { source: Source; tests: ReportedTest[] } | undefined;

  /** Takes the tests of one report, after those of the one before; `source` must be the same object for all of them. */
  from(source: Source): Findings {
    this.#endCurrent();
    const tests: ReportedTest[] = [];
    this.#current = { source, tests };
    return {
      test: (test) => tests.push(test),
      crashed: (suite) => this.#crashes.add(source, suite),
    };
  }

  /** A report that could not be read to its end. It doesn't disagree because of a test that it lacks. */
  broken(source: Source): void {
    this.#broken.add(source);
  }

  reportTo(findings: Findings): void {
    this.#endCurrent();
    for (const { test } of this.#entries) findings.test(test);
    for (const { suite } of this.#crashes.all) findings.crashed(suite);
  }

  disagreements(): string[] {
    this.#endCurrent();
    const overlaps = this.#overlaps();
    const all = [
      ...this.#entries.map((entry) => disagreement(entry, overlaps)),
      ...this.#crashes.all.map((crash) => unknownCrash(crash, overlaps)),
    ].filter((text) => text !== undefined);
    const more = all.length - mostDisagreements;
    return more > 0 ? [...all.slice(0, mostDisagreements), `… and ${more} more`] : all;
  }

  #endCurrent(): void {
    if (!this.#current) return;
    const { source, tests } = this.#current;
    this.#current = undefined;
    const copied = this.#copied(source, tests);
    for (const [index, test] of tests.entries()) this.#test(source, test, copied.get(index));
    this.#numbers.set(source, tests.length);
  }

  /**
   * The tests that an earlier report of this format has too, by their place in this report: if it contains all of that report, or
   * all of it is in others, as a report of the whole project beside those of its parts.
   */
  #copied(source: Source, tests: readonly ReportedTest[]): Map<number, Entry> {
    const twins = new Map<number, Entry>();
    if (![...this.#numbers.keys()].some(({ format }) => format === source.format)) return twins;
    const taken = new Set<Entry>();
    const counted = new Map<Source, { tests: number; evidence: number }>();
    let evidence = 0;
    for (const [index, test] of tests.entries()) {
      const twin = this.#candidates(test).find((entry) => !taken.has(entry) && isTwin(entry, test, source));
      if (!twin) continue;
      taken.add(twin);
      twins.set(index, twin);
      evidence += evidenceOf(test);
      for (const { source: other } of twin.mentions) {
        const before = counted.get(other) ?? { tests: 0, evidence: 0 };
        counted.set(other, { tests: before.tests + 1, evidence: before.evidence + evidenceOf(test) });
      }
    }
    if (twins.size === tests.length && evidence >= enoughEvidence) return twins;
    const contained = (other: Source) => {
      const found = counted.get(other);
      return found !== undefined && found.tests === this.#numbers.get(other) && found.evidence >= enoughEvidence;
    };
    for (const [index, { mentions }] of twins) if (!mentions.some(({ source: other }) => contained(other))) twins.delete(index);
    return twins;
  }

  #candidates(test: ReportedTest): Entry[] {
    return this.#byTitle.get(normalised(test.titles))?.slice(0, mostCandidates) ?? [];
  }

  #test(source: Source, test: ReportedTest, twin: Entry | undefined): void {
    const mention = { source, status: test.status, durationMs: test.durationMs };
    const same = twin ? [twin] : this.#candidates(test).filter((candidate) => isSame(candidate, test, source));
    // Of the jobs of a matrix, each with two reports, the one with the same result.
    const entry = same.find((candidate) => candidate.test.status === test.status) ?? same[0];
    if (entry) {
      entry.mentions.push(mention);
      entry.test = merged(entry.test, test);
      return;
    }
    const added = { test, mentions: [mention] };
    this.#entries.push(added);
    const title = normalised(test.titles);
    const namesakes = this.#byTitle.get(title);
    if (namesakes) namesakes.push(added);
    else this.#byTitle.set(title, [added]);
  }

  /** Which reports are about the same tests: those that share a test. Shards share none. */
  #overlaps(): Map<Source, Set<Source>> {
    const overlaps = new Map<Source, Set<Source>>();
    for (const { mentions } of this.#entries) {
      if (mentions.length < 2) continue;
      for (const { source } of mentions) {
        const others = overlaps.get(source) ?? new Set();
        // Of two reports of one format, one may be a part of the other.
        for (const { source: other } of mentions)
          if (other.format !== source.format && !this.#broken.has(other)) others.add(other);
        overlaps.set(source, others);
      }
    }
    return overlaps;
  }
}

/** Removes separators between titles: `a › b`, `a > b` and `a b` are equal. */
function normalised(titles: readonly string[]): string {
  return (
    titles
      .join(" ")
      .replace(/\s+/g, " ")
      // One space, not many: looking for many from each of them would take a time that grows with the square.
      .replace(/ (?:›|>|\||\/|::|-) /g, " ")
      .trim()
  );
}

function isSame({ test, mentions }: Entry, other: ReportedTest, source: Source): boolean {
  for (const mention of mentions) {
    // The same title twice in one report means two tests.
    if (mention.source === source) return false;
    if (mention.source.format === source.format) return false;
  }
  return isSameName(test, other);
}

/** The same test, in the same time, with the same result, in another report of this format. */
function isTwin({ test, mentions }: Entry, other: ReportedTest, source: Source): boolean {
  const isEqual = ({ source: one, status, durationMs }: Mention) =>
    one.format === source.format && status === other.status && durationMs === other.durationMs;
  if (mentions.some((mention) => mention.source === source) || !mentions.some(isEqual)) return false;
  return test.message === other.message && isSameName(test, other);
}

/** How unlikely it is that another run takes just as long, in bits. Times vary by some twenty milliseconds. */
function evidenceOf({ durationMs }: ReportedTest): number {
  return Math.log2(1 + durationMs / 20);
}

const enoughEvidence = 16;

function isSameName(test: ReportedTest, other: ReportedTest): boolean {
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

/** Only failures and unknown results are reported: formats differ in whether they know flaky tests, and in what they call an unwritten test. */
function disagreement({ test, mentions }: Entry, overlaps: Map<Source, Set<Source>>): string | undefined {
  if (test.status !== "failed" && test.status !== "unknown") return undefined;
  const worse = mentions.filter((mention) => mention.status === test.status).map(({ source }) => source.file);
  const [verb, belief] =
    test.status === "failed" ? ["failed", "believed to have failed"] : ["has an unknown result", "believed to be unknown"];
  const said = `"${nameOf(test.titles)}" ${verb} in ${worse.join(", ")}`;
  const other = mentions.find((mention) => mention.status !== test.status);
  if (other) return `${said}, but ${other.status} in ${other.source.file}: ${belief}`;
  const silent = silentSources(
    mentions.map(({ source }) => source),
    overlaps,
  );
  return silent && `${said}, but is missing in ${silent}: ${belief}`;
}

function unknownCrash({ suite, sources }: Crash<Source>, overlaps: Map<Source, Set<Source>>): string | undefined {
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
