import type { Latency, Verdict } from "../../model/report.ts";
import type { Chart, Timeline } from "./chart-shapes.ts";

/**
 * The view of a report: what people read, as pieces that every medium can draw. Renderers know these shapes and no field of a
 * report. All text is untrusted: renderers make it safe for their medium, and shorten it if space is limited.
 */

export type Tone = "bad" | "warning" | "good" | "info" | "advice";

/** A piece of a line. */
export type Inline = string | { code: string } | { strong: string; tone?: Tone } | { verdict: Verdict };
export type Line = readonly Inline[];

export type Cell =
  | Inline
  | undefined
  /** One line, with smaller lines below it. */
  | { line: Line; below: readonly (Inline | undefined)[] }
  /** Ids, keys and similar values. */
  | { samples: readonly string[] }
  | { latency: Latency };

export interface Fact {
  name: string;
  value: Inline;
  /** Left out of summaries, which have little space. */
  detail?: true;
}

export interface Column {
  title: string;
  numeric?: true;
  /** Left out of summaries, which have little space. */
  detail?: true;
}

export interface Row {
  cells: readonly Cell[];
  /** Set if rows may be left out one by one. */
  loses?: Omission;
}

export interface Table {
  kind: "table";
  title: string;
  /** Shows only the title until the reader opens it. */
  folded?: true;
  columns: readonly Column[];
  rows: readonly Row[];
  loses: Omission;
  /** The number of rows in a summary; all if absent. */
  mostInSummary?: number;
  /** The text below that many rows, such as the number of further rows. */
  rest?(listed: number): string;
}

export type Block =
  | { kind: "title"; text: string }
  | { kind: "text"; line: Line; tone?: Tone; loses?: Omission }
  | { kind: "counts"; label: string; counts: readonly { verdict: CountKind; amount: number; remark?: string }[] }
  | { kind: "list"; title?: string; tone: Tone; items: readonly string[]; loses: Omission }
  | { kind: "output"; title: Line; label: string; text: string; open: boolean; loses: Omission }
  | {
      kind: "entries";
      what: EntryKind;
      title: string;
      entries: readonly Entry[];
      /** What many of them have in common. */
      often?: Table;
      /** Where all of them are, and what is there; for media that draw only some, or long ones shortened. */
      elsewhere: Line;
    }
  | Table;

export type CountKind = "passed" | "flaky" | "failed" | "skipped" | "unknown";
export type EntryKind = "failed test" | "crashed suite";

/** How a test or suite ended that did not simply pass, as readers filter them. */
export const entryResults = ["failed", "errored", "unknown", "crashed", "quarantined", "flaky"] as const;
export type EntryResult = (typeof entryResults)[number];

/** A name with a longer text. There may be thousands. */
export interface Entry {
  name: Inline;
  result: EntryResult;
  /** The test's file, to group by. */
  file?: string;
  place?: string;
  about: readonly string[];
  /** The shortest text that explains it. */
  brief: string;
  /**
   * The complete text; the same as `brief` if absent. First what went wrong with the project's own calls, then, if there are any,
   * the calls of runners and libraries.
   */
  whole?: readonly string[];
}

/** What a section is about, so that a medium may choose the order. `lead`: what needs attention; it is the first. */
export type SectionKind =
  | "lead"
  | "rollback"
  | "alerts"
  | "score"
  | "checks"
  | "tests"
  | "attachments"
  | "test data"
  | "books"
  | "staging"
  | "processes"
  | "audit";

export interface Section {
  what: SectionKind;
  title?: string;
  /** For media that draw. It shows nothing that the blocks or its own table do not say. */
  chart?: Chart;
  blocks: readonly Block[];
  /** The section in one line, for a fold's title. */
  brief?: string;
  /** Nothing in it needs attention, so it may be folded. */
  quiet?: true;
}

export interface StageView {
  /** Unique among the stages shown together. */
  id: string;
  /** `Integration` */
  title: string;
  environment: string;
  cell?: string;
  verdict: Verdict;
  reason: string;
  /** The reason in few words, each cause counted once: `3 tests failed, 1 test file could not be loaded`. */
  tally: string;
  time: { text: string; used: number; budget: number };
  /** The full report, relative to the workspace. */
  file: string;
  facts: readonly Fact[];
  /**
   * First what needs attention: failed tests, problems, and checks that did not pass. Then rollback, alerts, score, tests,
   * attachments, the other checks, test data, staging, servers and commands, and the audit log, each if there is something.
   */
  sections: readonly Section[];
}

export interface GateView {
  verdict: Verdict;
  /** What it is: the quality gate, or tasks outside it. */
  kicker: string;
  /** `Quality gate so far: degraded` */
  title: string;
  /** What the title means for people who wait for the gate. */
  headline: string;
  explanation: string;
  /** In the order of the gate: a stage, or the title of one without a report, with the word for that. */
  stops: readonly (StageView | { missing: string; word: string })[];
  stages: readonly StageView[];
  /** The stages by urgency: those that close the gate, those with warnings, the others. */
  urgent: readonly StageView[];
  /** When the stages ran, and what took the time in them; absent if there is nothing to compare. */
  timeline?: Timeline;
  legend: readonly { verdict: Verdict; meaning: string }[];
}

/** What one annotation says. */
export interface Message {
  title: string;
  text: string;
  /** Relative to the workspace. */
  file?: string;
  line?: number;
}

/** Parts that may be left out if space is short, least important first, with their plurals. */
export const omissions = {
  "list of slowest tests": "lists of slowest tests",
  timeline: "timelines",
  "list of SQL statements": "lists of SQL statements",
  "list of test reports": "lists of test reports",
  "table of tests by file": "tables of tests by file",
  "table of tests by project": "tables of tests by project",
  "list of attachments": "lists of attachments",
  "stack of a failed test": "stacks of failed tests",
  "output of a server or command": "outputs of servers and commands",
  "list of ignored differences": "lists of ignored differences",
  "list of flaky tests": "lists of flaky tests",
  "table of the score": "tables of the score",
  "passed check": "passed checks",
  "table of critical tests": "tables of critical tests",
  "list of quarantined tests": "lists of quarantined tests",
  note: "notes",
  "message of a failed test": "messages of failed tests",
  "message of a crashed suite": "messages of test files that could not be loaded",
  "row of test data": "rows of test data",
  "row of the books": "rows of the books",
  "table of servers or commands": "tables of servers or commands",
  "table of facts": "tables of facts",
  alert: "alerts",
  "step of a plan": "steps of a plan",
  "table of facets": "tables of facets",
  difference: "differences",
  "changed real row": "changed real rows",
  problem: "problems",
  check: "checks",
  "place of a failed test": "places of failed tests",
  "name of a crashed suite": "names of test files that could not be loaded",
  "name of a failed test": "names of failed tests",
  "list of frequent messages": "lists of frequent messages",
} as const;
export type Omission = keyof typeof omissions;

/** The columns that are not empty, with their positions in a row. */
export function usedColumns({ columns, rows }: Table, { details }: { details: boolean }): (Column & { at: number })[] {
  return columns
    .map((column, at) => ({ ...column, at }))
    .filter(({ detail, at }) => (details || !detail) && rows.some(({ cells }) => !isEmpty(cells[at])));
}

export function isEmpty(cell: Cell): boolean {
  if (cell === undefined || cell === "") return true;
  return typeof cell === "object" && "samples" in cell && cell.samples.length === 0;
}
