import { CodedError } from "../model/coded-error.ts";
import type { AuditEntry, AuditVerifier } from "./chain.ts";
import { AuditLineReader } from "./line.ts";
import { Distinct, type Place, Places } from "./places.ts";
import type { LogLine, LogReader } from "./read.ts";
import { type AuditedRun, type Section, sectionOf, sections, textOf } from "./report.ts";

/** A run whose lines take more than this is read from the log again for each section. */
const mostHeldBytes = 1_048_576;

/**
 * The runs of a log, in the order in which they began. Remembers only where their lines are, so its memory grows with the places
 * where the log goes on to another run. The lines are read again for the report, one run after the other.
 */
export class AuditRuns {
  readonly #only: string | undefined;
  readonly #numbers = new Distinct();
  readonly #places = new Places();
  #last: { run: string; number: number } | undefined;

  /** @param only the run to report, or the gate run whose runs to report; all runs if absent */
  constructor(only?: string) {
    this.#only = only;
  }

  get size(): number {
    return this.#places.size;
  }

  /** @param verifier which has taken the line, and found that it is valid by itself */
  take(verifier: AuditVerifier, line: LogLine): void {
    const run = runOf(verifier.line);
    if (this.#only !== undefined && run !== this.#only && verifier.line.member("gate") !== this.#only) return;
    if (this.#last?.run !== run) this.#last = { run, number: this.#numbers.numberOf(run) };
    this.#places.add(this.#last.number, line, verifier.line.hash, verifier.isNext);
  }

  /** @throws CodedError if the log was changed since */
  *runs(log: LogReader): Generator<AuditedRun, void, void> {
    for (let number = 0; number < this.size; number++) {
      let bytes = 0;
      for (const { start, end } of this.#places.of(number)) bytes += end - start;
      const lines = linesAt(log, this.#places.of(number));
      yield bytes > mostHeldBytes ? placedRun(log, lines) : heldRun(entriesOf(lines));
    }
  }
}

/** @param line that is valid by itself */
export function runOf(line: AuditLineReader): string {
  return textOf(line.member("run"));
}

interface ReadLine {
  entry: AuditEntry;
  line: LogLine;
  hash: string;
  /** Whether it continues the place of the line before it. */
  isNext: boolean;
}

/** What is known of a run without its sections. */
class Outline {
  run = "";
  firstAt: string | undefined;
  lastAt = "";
  readonly who = new Set<string>();
  readonly environments = new Set<string>();
  readonly others = new Map<string, number>();
  hasVersions = false;

  /** @returns the section to which the entry belongs */
  take(entry: AuditEntry): Section | undefined {
    this.run = textOf(entry.run);
    this.lastAt = textOf(entry.at);
    this.firstAt ??= this.lastAt;
    this.who.add(textOf(entry.who));
    this.environments.add(textOf(entry.environment));
    const kind = sectionOf(entry);
    if ("section" in kind) {
      this.hasVersions ||= kind.section === "deleted" && entry.action === "decision";
      return kind.section;
    }
    this.others.set(kind.other, (this.others.get(kind.other) ?? 0) + 1);
    return undefined;
  }

  with(entries: AuditedRun["entries"]): AuditedRun {
    const { run, firstAt = "", lastAt, who, environments, others, hasVersions } = this;
    return { run, firstAt, lastAt, who: [...who], environments: [...environments], others, hasVersions, entries };
  }
}

/** A run whose entries are held. */
export function heldRun(entries: Iterable<AuditEntry>): AuditedRun {
  const outline = new Outline();
  const held = new Map<Section, AuditEntry[]>();
  for (const entry of entries) {
    const section = outline.take(entry);
    if (section === undefined) continue;
    const list = held.get(section);
    if (list) list.push(entry);
    else held.set(section, [entry]);
  }
  return outline.with((section) => held.get(section) ?? []);
}

/** A run of any size: for each section, its lines are read again. */
function placedRun(log: LogReader, lines: Iterable<ReadLine>): AuditedRun {
  const outline = new Outline();
  const placed = new Places(sections.length);
  for (const { entry, line, hash, isNext } of lines) {
    const section = outline.take(entry);
    if (section !== undefined) placed.add(sections.indexOf(section), line, hash, isNext);
  }
  return outline.with((section) => entriesOf(linesAt(log, placed.of(sections.indexOf(section)))));
}

function* entriesOf(lines: Iterable<ReadLine>): Generator<AuditEntry, void, void> {
  for (const { entry } of lines) yield entry;
}

/** Reads lines again. They were verified, but anybody may have changed the file since. */
function* linesAt(log: LogReader, places: Iterable<Place>): Generator<ReadLine, void, void> {
  const reader = new AuditLineReader();
  for (const { start, end, hash } of places) {
    let last: string | undefined;
    for (const line of log.lines(start, end)) {
      const { bytes, from, to } = line;
      const isValid = bytes !== undefined && reader.read(bytes, from, to) === "valid";
      if (!isValid || (last !== undefined && reader.previous !== last)) throw changed();
      const isNext = last !== undefined;
      last = reader.hash;
      // Its hash matches, so we wrote it, and it has the form of an entry.
      yield { entry: reader.members() as unknown as AuditEntry, line, hash: last, isNext };
    }
    if (!last?.startsWith(hash)) throw changed();
  }
}

function changed(): CodedError {
  return new CodedError("EA8006", "the audit log was changed while it was read: run the command again");
}
