import type { AuditEntry } from "./chain.ts";
import { Distinct, numbers } from "./places.ts";

/**
 * What an audit log says about each run: what was created, deleted, left and restored, by whom, where and when, and whether the
 * protected tables kept their rows. Based only on the log: what it doesn't contain is shown as unknown, never as nothing.
 */

/** When a note was written, and by which stage. */
export interface Noted {
  at: string;
  stage: string;
}

/** `schema.table` → rows. */
type Rows = Record<string, number>;

export interface Amounts extends Noted {
  rows: Rows;
  keys: number;
}

export interface Statement extends Noted {
  /** Absent for Redis keys. */
  table?: string;
  /** With named parameters, never with values. */
  statement?: string;
  /** Absent if not recorded. */
  planned?: number;
  done?: number;
  versionBefore?: number;
  versionAfter?: number;
  problem?: string;
}

/** What a report says about a run, in this order; each is a list in the order of the log. */
export interface SectionValues {
  verdicts: Noted & { verdict: string; reason: string; commit?: string; deletedRows: number; deletedKeys: number };
  /** What tests registered as created. */
  created: Amounts;
  planned: Amounts & { scope: string; digest: string; execute: boolean };
  deleted: Statement;
  unlinked: Statement;
  verified: Amounts & { leftOver: number | "unknown" };
  /** What the run wrote and what became of it, one line per stage. */
  books: Noted & { line: string };
  restored: Statement;
  /** Real rows that tests were found to have changed. */
  touched: Noted & { table: string; column: string; rows: number; known: number };
  /** Old values that were restored in real rows. */
  repaired: Statement;
  protectedTables: Noted & { table: string; kept: boolean | "unknown"; before?: number; after?: number };
  /** Copies of the tables for a run, by the catalog or schemas that they are. */
  branches: Noted & {
    happened: "created" | "dropped";
    branch: string;
    of: string;
    gone?: boolean | "unknown";
    counts: Record<string, number>;
    problem?: string;
  };
  /** What the tasks about a copy of production found, decided and wrote. */
  copies: Noted & { what: string; about: string; counts: Record<string, number>; problem?: string };
  /** What was possibly not deleted when the run was interrupted. */
  interrupted: Amounts & { signal: string; known: boolean };
}

export type Section = keyof SectionValues;

export const sections: readonly Section[] = [
  ...(["verdicts", "created", "planned", "deleted", "unlinked", "verified"] as const),
  ...(["books", "restored", "touched", "repaired", "protectedTables", "branches", "copies", "interrupted"] as const),
];

/** One run according to the log. Its entries are read again for each section, so that none has to be held. */
export interface AuditedRun {
  run: string;
  firstAt: string;
  lastAt: string;
  who: readonly string[];
  environments: readonly string[];
  /** Other kinds of notes → how many. */
  others: ReadonlyMap<string, number>;
  /** Whether any delete has the table's versions in a note of its own. */
  hasVersions: boolean;
  entries(section: Section): Iterable<AuditEntry>;
}

/** The same as JSON. */
export type AuditedRunReport = Omit<AuditedRun, "entries" | "others" | "hasVersions"> & {
  [Name in Section]: SectionValues[Name][];
} & { others: Record<string, number> };

/** The values of a section, one at a time. */
export function valuesOf<Name extends Section>(run: AuditedRun, section: Name): Iterable<SectionValues[Name]>;
export function* valuesOf(run: AuditedRun, section: Section): Iterable<SectionValues[Section]> {
  if (section === "deleted" && run.hasVersions) yield* deletions(run);
  else for (const entry of run.entries(section)) yield readers[section](new Note(entry));
}

const sectionsByKind: Readonly<Record<string, Section>> = {
  "decision verdict": "verdicts",
  "decision created": "created",
  "decision plan": "planned",
  "statement delete": "deleted",
  // Completes the note about the delete.
  "decision versions": "deleted",
  "statement unlink": "unlinked",
  "statement restore": "restored",
  "decision touched": "touched",
  "statement repair": "repaired",
  "decision verified": "verified",
  "decision books": "books",
  "decision protected": "protectedTables",
  "decision interrupted": "interrupted",
  "statement branch-created": "branches",
  "statement branch-dropped": "branches",
  "decision drift": "copies",
  "decision sync-plan": "copies",
  "statement sync": "copies",
  "statement refresh-step": "copies",
  "decision refresh": "copies",
  "statement empty": "copies",
  "statement seed": "copies",
  "statement schema-dropped": "copies",
};

/** @returns the section of an entry; for another kind of note, its name */
export function sectionOf(entry: AuditEntry): { section: Section } | { other: string } {
  const { kind, what } = new Note(entry);
  const section = Object.hasOwn(sectionsByKind, kind) ? sectionsByKind[kind] : undefined;
  return section === undefined ? { other: what } : { section };
}

type Readers = { readonly [Name in Section]: (note: Note) => SectionValues[Name] };

const readers: Readers = {
  verdicts({ noted, details, counts }) {
    const [verdict = "", reason = "", commit] = [details.text("verdict"), details.text("reason"), details.text("commit")];
    const [deletedRows = 0, deletedKeys = 0] = [counts.number("deletedRows"), counts.number("deletedKeys")];
    return { ...noted, verdict, reason, ...(commit === undefined ? {} : { commit }), deletedRows, deletedKeys };
  },
  created: (note) => note.amounts,
  planned({ amounts, details }) {
    const [scope = "unknown", digest = "unknown"] = [details.text("scope"), details.text("digest")];
    return { ...amounts, scope, digest, execute: details.value("execute") === true };
  },
  deleted: (note) => statementOf(note, "deleted"),
  unlinked: (note) => statementOf(note, "deleted"),
  verified: ({ amounts, details }) => ({ ...amounts, leftOver: details.number("leftOver") ?? "unknown" }),
  books: ({ noted, details }) => ({ ...noted, line: details.text("line") ?? "unknown" }),
  restored: (note) => statementOf(note, "restored"),
  touched({ noted, details, counts }) {
    const [table = "unknown", column = "unknown"] = [details.text("table"), details.text("column")];
    return { ...noted, table, column, rows: counts.number("rows") ?? 0, known: counts.number("known") ?? 0 };
  },
  repaired: (note) => statementOf(note, "repaired"),
  protectedTables({ noted, details, counts }) {
    const kept = details.value("kept");
    const [before, after] = [counts.number("before"), counts.number("after")];
    return {
      ...noted,
      table: details.text("table") ?? "unknown",
      kept: typeof kept === "boolean" ? kept : "unknown",
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    };
  },
  branches({ noted, details, counts, what }) {
    const [gone, problem] = [details.value("gone"), details.text("problem")];
    return {
      ...noted,
      happened: what === "branch-created" ? "created" : "dropped",
      branch: details.text("branch") ?? "unknown",
      of: details.text("of") ?? "unknown",
      ...(what === "branch-created" ? {} : { gone: typeof gone === "boolean" ? gone : "unknown" }),
      counts: counts.numbers(),
      ...(problem === undefined ? {} : { problem }),
    };
  },
  copies({ noted, details, counts, what }) {
    const problem = details.text("problem");
    return {
      ...noted,
      what,
      about: aboutCopy(what, details),
      counts: counts.numbers(),
      ...(problem === undefined ? {} : { problem }),
    };
  },
  interrupted: ({ amounts, details }) => ({
    ...amounts,
    signal: details.text("signal") ?? "unknown",
    known: details.value("known") === true,
  }),
};

/** What a note about a copy is about, in words. */
function aboutCopy(what: string, details: Members): string {
  const text = (name: string) => details.text(name) ?? "unknown";
  const both = () => `${text("copy")}, a copy of ${text("original")}`;
  switch (what) {
    case "drift":
      return `${both()}: ${text("verdict")}`;
    case "sync-plan":
      return `digest ${text("digest").slice(0, 12)}, ${details.value("execute") === true ? "carried out" : "only shown"}`;
    case "refresh":
      return `${both()}: ${details.value("switched") === true ? "new data" : "NOT SWITCHED"}, refresh ${text("refresh")}, policies ${text("policies").slice(0, 12)}`;
    case "refresh-step":
      return `${text("statement")} ${text("object")}`;
    case "sync":
      return text("statement");
    case "schema-dropped":
      return `${text("of")}.${text("schema")}`;
    default:
      return text("table");
  }
}

/**
 * The table's versions are noted after its history was read. They belong to the last delete from that table before them, so the
 * notes are read twice: for the versions, then for the deletes.
 */
function* deletions(run: AuditedRun): Generator<Statement, void, void> {
  const tables = new Distinct();
  const lastDelete = numbers();
  const [before, after] = [numbers(), numbers()];
  for (const note of notesOf(run, "deleted")) {
    const table = note.details.text("table");
    const number = tables.numberOf(table === undefined ? "" : `table ${table}`);
    const isDelete = note.kind === "statement delete";
    if (number === lastDelete.length) lastDelete.push(none);
    if (isDelete) {
      lastDelete.set(number, before.length);
      before.push(none);
      after.push(none);
      continue;
    }
    const of = lastDelete.get(number);
    const versions = [note.counts.number("versionBefore"), note.counts.number("versionAfter")] as const;
    if (of === none || versions[0] === undefined || versions[1] === undefined) continue;
    before.set(of, versions[0]);
    after.set(of, versions[1]);
  }
  let number = 0;
  for (const note of notesOf(run, "deleted")) {
    if (note.kind !== "statement delete") continue;
    const [versionBefore, versionAfter] = [before.get(number), after.get(number)];
    number++;
    const statement = readers.deleted(note);
    yield versionBefore === none ? statement : Object.assign(statement, { versionBefore, versionAfter });
  }
}

/** No number in a line is infinite. */
const none = Number.NEGATIVE_INFINITY;

function* notesOf(run: AuditedRun, section: Section): Generator<Note, void, void> {
  for (const entry of run.entries(section)) yield new Note(entry);
}

/** An entry as read. Another version or program may have written it, so nothing is assumed. */
class Note {
  readonly noted: Noted;
  readonly details: Members;
  readonly counts: Members;
  /** Such as "delete". */
  readonly what: string;
  /** With the action: "statement delete". */
  readonly kind: string;

  constructor(entry: AuditEntry) {
    this.noted = { at: textOf(entry.at), stage: textOf(entry.stage) };
    this.details = new Members(entry.details);
    this.counts = new Members(entry.counts);
    this.what = this.details.text("what") ?? (this.details.text("verdict") === undefined ? "note" : "verdict");
    this.kind = `${textOf(entry.action)} ${this.what}`;
  }

  get amounts(): Amounts {
    return { ...this.noted, rows: this.counts.rows(), keys: this.counts.number("keys") ?? 0 };
  }
}

/** What should be text, but may be anything that JSON can say. */
export function textOf(value: unknown): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}

function statementOf({ noted, details, counts }: Note, done: "deleted" | "restored" | "repaired"): Statement {
  const told: Omit<Statement, keyof Noted> = {
    table: details.text("table"),
    statement: details.text("statement"),
    planned: counts.number("planned"),
    done: counts.number(done),
    versionBefore: details.number("versionBefore"),
    versionAfter: details.number("versionAfter") ?? details.number("version"),
    problem: details.text("problem"),
  };
  const known = Object.entries(told).filter(([, value]) => value !== undefined);
  return { ...noted, ...Object.fromEntries(known) };
}

/** Members of a line. */
class Members {
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(members: unknown) {
    this.#members = typeof members === "object" && members !== null ? (members as Record<string, unknown>) : {};
  }

  value(name: string): unknown {
    return Object.hasOwn(this.#members, name) ? this.#members[name] : undefined;
  }

  text(name: string): string | undefined {
    const value = this.value(name);
    return typeof value === "string" ? value : undefined;
  }

  number(name: string): number | undefined {
    const value = this.value(name);
    return typeof value === "number" ? value : undefined;
  }

  /** All counts. */
  numbers(): Record<string, number> {
    return Object.fromEntries(
      Object.entries(this.#members).flatMap(([name, value]) => (typeof value === "number" ? [[name, value]] : [])),
    );
  }

  /** Counts per table. Only their names contain a dot. */
  rows(): Rows {
    const entries = Object.entries(this.#members);
    return Object.fromEntries(
      entries.flatMap(([name, value]) => (typeof value === "number" && name.includes(".") ? [[name, value]] : [])),
    );
  }
}
