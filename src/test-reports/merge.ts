import type { TestStatus } from "../model/test-results.ts";
import { type Crash, Crashes } from "./crashes.ts";
import { Chains, Column, KeptTests, NumbersByText } from "./kept-tests.ts";
import { type Findings, nameOf, type ReportedTest } from "./reported.ts";

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

/** A test, as all reports together describe it. Named by the number of the first mention. */
type Entry = number;

/**
 * Makes one list of tests of several reports, which may name the same test differently. Tests are matched by titles, and by file
 * and project if both reports have them. If reports disagree, the worse result counts, what it lacks is taken from the other, and
 * the difference is reported.
 *
 * Two reports of one format are shards, modules or jobs of a matrix: their tests are different ones, unless one report contains
 * the other.
 */
export class Merger {
  /** Each mention of a test. */
  readonly #kept = new KeptTests();
  /** The mentions of each entry. */
  readonly #mentions = new Chains();
  readonly #sourceNumbers = new Column();
  readonly #byTitle = new NumbersByText();
  readonly #entryNumbers = new Column();
  #entryCount = 0;
  readonly #crashes = new Crashes<Source>();
  readonly #broken = new Set<Source>();
  /** In the order in which they were read, with the number of the first mention. */
  readonly #sources: { source: Source; first: number; tests: number }[] = [];
  readonly #testsIn = new Map<Source, number>();
  /** The report that is being read: only its end shows whether it contains another one. */
  #current: { source: Source; first: number } | undefined;

  /** Takes the tests of one report, after those of the one before; `source` must be the same object for all of them. */
  from(source: Source): Findings {
    this.#endCurrent();
    this.#current = { source, first: this.#kept.length };
    return {
      test: (test) => this.#kept.add(test),
      crashed: (suite) => this.#crashes.add(source, suite),
    };
  }

  /** A report that could not be read to its end. It doesn't disagree because of a test that it lacks. */
  broken(source: Source): void {
    this.#broken.add(source);
  }

  /** Hands on each test once, however many reports have it. Call it after the last report. */
  reportTo(findings: Findings): void {
    this.#endCurrent();
    for (const entry of this.#entries()) findings.test(this.#merged(entry));
    for (const { suite } of this.#crashes.all) findings.crashed(suite);
  }

  /** One sentence for each test that failed in one report, and in another did not, or is missing there. */
  disagreements(): string[] {
    this.#endCurrent();
    const overlaps = this.#overlaps();
    const found: string[] = [];
    for (const entry of this.#entries()) {
      const mentions = this.#mentionsOf(entry);
      if (!mentions.some(({ status }) => status === "failed" || status === "unknown")) continue;
      const text = disagreement(this.#merged(entry), mentions, overlaps);
      if (text !== undefined) found.push(text);
    }
    const all = [...found, ...this.#crashes.all.map((crash) => unknownCrash(crash, overlaps))].filter(
      (text) => text !== undefined,
    );
    const more = all.length - mostDisagreements;
    return more > 0 ? [...all.slice(0, mostDisagreements), `… and ${more} more`] : all;
  }

  #endCurrent(): void {
    if (!this.#current) return;
    const { source, first } = this.#current;
    const end = this.#kept.length;
    this.#current = undefined;
    const report = { source, first, tests: end - first };
    const copied = this.#copied(report);
    this.#sources.push(report);
    this.#testsIn.set(source, report.tests);
    for (let number = first; number < end; number++) this.#add(source, number, copied.get(number));
  }

  /**
   * The tests that an earlier report of this format has too, by their number in this report: if it contains all of that report,
   * or all of it is in others, as a report of the whole project beside those of its parts.
   */
  #copied({ source, first, tests }: { source: Source; first: number; tests: number }): Map<number, Entry> {
    const twins = new Map<number, Entry>();
    if (!this.#sources.some(({ source: { format } }) => format === source.format)) return twins;
    const taken = new Set<Entry>();
    const counted = new Map<Source, { tests: number; evidence: number }>();
    let evidence = 0;
    for (let number = first; number < first + tests; number++) {
      const test = this.#kept.get(number);
      const twin = this.#find(test, (entry) => !taken.has(entry) && this.#isTwin(entry, test, source));
      if (twin === undefined) continue;
      taken.add(twin);
      twins.set(number, twin);
      evidence += evidenceOf(test);
      for (const { source: other } of this.#mentionsOf(twin)) {
        const before = counted.get(other) ?? { tests: 0, evidence: 0 };
        counted.set(other, { tests: before.tests + 1, evidence: before.evidence + evidenceOf(test) });
      }
    }
    if (twins.size === tests && evidence >= enoughEvidence) return twins;
    const contained = new Set<Source>();
    for (const [other, found] of counted)
      if (found.tests === this.#testsIn.get(other) && found.evidence >= enoughEvidence) contained.add(other);
    for (const [number, twin] of twins)
      if (!this.#mentionsOf(twin).some(({ source: other }) => contained.has(other))) twins.delete(number);
    return twins;
  }

  /** The first entry that is the one and has the title of this test. */
  #find(test: ReportedTest, isIt: (entry: Entry) => boolean): Entry | undefined {
    const title = normalised(test.titles);
    // Reading the title takes longest.
    return this.#byTitle.find(
      title,
      mostCandidates,
      (entry) => isIt(entry) && normalised(this.#kept.get(entry).titles) === title,
    );
  }

  #add(source: Source, number: number, twin: Entry | undefined): void {
    this.#sourceNumbers.set(number, this.#sources.length - 1);
    const test = this.#kept.get(number);
    const isSame = (candidate: Entry) => this.#isSame(candidate, test, source);
    // Of the jobs of a matrix, each with two reports, the one with the same result.
    const isEqual = (candidate: Entry) => this.#statusOf(candidate) === test.status && isSame(candidate);
    const entry = twin ?? this.#find(test, isEqual) ?? this.#find(test, isSame);
    if (entry !== undefined) {
      this.#mentions.append(entry, number);
      return;
    }
    this.#entryNumbers.set(this.#entryCount++, number);
    this.#byTitle.add(normalised(test.titles), number);
  }

  #isSame(entry: Entry, other: ReportedTest, source: Source): boolean {
    // The same title twice in one report means two tests.
    const isKnown = (number: number) => this.#sourceOf(number).format === source.format;
    return !this.#mentions.some(entry, isKnown) && this.#isSameName(entry, other);
  }

  /** The same test, in the same time, with the same result, in another report of this format. */
  #isTwin(entry: Entry, other: ReportedTest, source: Source): boolean {
    const kept = this.#kept;
    const isEqual = (number: number) =>
      kept.durationMs(number) === other.durationMs &&
      kept.status(number) === other.status &&
      this.#sourceOf(number).format === source.format;
    if (!this.#mentions.some(entry, isEqual) || !this.#isSameName(entry, other)) return false;
    return this.#merged(entry).message === other.message;
  }

  /** As far as both know file and project. */
  #isSameName(entry: Entry, other: ReportedTest): boolean {
    const mentions = this.#mentions.of(entry);
    const project = mentions.map((number) => this.#kept.project(number)).find((known) => known !== undefined);
    if (project !== undefined && other.project !== undefined && project !== other.project) return false;
    const file = mentions.map((number) => this.#kept.file(number)).reduce(longest);
    return file === undefined || other.file === undefined || sameFile(file, other.file);
  }

  *#entries(): Generator<Entry, void, void> {
    for (let index = 0; index < this.#entryCount; index++) yield this.#entryNumbers.get(index);
  }

  #mentionsOf(entry: Entry): Mention[] {
    return this.#mentions.of(entry).map((number) => ({
      source: this.#sourceOf(number),
      status: this.#kept.status(number),
      durationMs: this.#kept.durationMs(number),
    }));
  }

  #sourceOf(number: number): Source {
    const found = this.#sources[this.#sourceNumbers.get(number)];
    if (!found) throw new Error(`test ${number} belongs to no report`);
    return found.source;
  }

  #statusOf(entry: Entry): TestStatus | undefined {
    return worst.find((status) => this.#mentions.some(entry, (number) => this.#kept.status(number) === status));
  }

  #merged(entry: Entry): ReportedTest {
    return this.#mentions
      .of(entry)
      .map((number) => this.#kept.get(number))
      .reduce(merged);
  }

  /** Which reports are about the same tests: those that share a test. Shards share none. */
  #overlaps(): Map<Source, Set<Source>> {
    const overlaps = new Map<Source, Set<Source>>();
    for (const entry of this.#entries()) {
      if (this.#mentions.after(entry) === undefined) continue;
      const mentions = this.#mentionsOf(entry);
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

/** How unlikely it is that another run takes just as long, in bits. Times vary by some twenty milliseconds. */
function evidenceOf({ durationMs }: ReportedTest): number {
  return Math.log2(1 + durationMs / 20);
}

const enoughEvidence = 16;

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
function disagreement(test: ReportedTest, mentions: readonly Mention[], overlaps: Map<Source, Set<Source>>): string | undefined {
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
