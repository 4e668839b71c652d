import type { CrashedSuite, TestStatus } from "../model/test-results.ts";
import { type Findings, nameOf, type ReportedTest } from "./reported.ts";

/**
 * Several reports of one run name the same tests differently. Tests are matched by titles, and by file and project if both
 * reports have them. If reports disagree, the worse result counts and the difference is reported.
 */

/** Worst first. A test that one report calls passed and another skipped may not have run. */
const worst: readonly TestStatus[] = ["failed", "flaky", "skipped", "passed"];

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
