import { count } from "../lib/count.ts";
import { known, shortSha } from "../report/words.ts";
import type { AuditEntry } from "./chain.ts";

/**
 * What an audit log says about each run: what was created, deleted, left and restored, by whom, where and when, and whether the
 * protected tables kept their rows. Based only on the log: what it doesn't contain is shown as unknown, never as nothing.
 */

/** When a note was written, and by which stage. */
interface Noted {
  at: string;
  stage: string;
}

/** `schema.table` → rows. */
type Rows = Record<string, number>;

interface Amounts extends Noted {
  rows: Rows;
  keys: number;
}

interface Statement extends Noted {
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

/** One run according to the log; each list is in the order of the log. */
export interface AuditedRunReport {
  run: string;
  firstAt: string;
  lastAt: string;
  who: string[];
  environments: string[];
  verdicts: (Noted & { verdict: string; reason: string; commit?: string; deletedRows: number; deletedKeys: number })[];
  /** What tests registered as created. */
  created: Amounts[];
  planned: (Amounts & { scope: string; digest: string; execute: boolean })[];
  deleted: Statement[];
  unlinked: Statement[];
  verified: (Amounts & { leftOver: number | "unknown" })[];
  /** What the run wrote and what became of it, one line per stage. */
  books: (Noted & { line: string })[];
  restored: Statement[];
  /** Real rows that tests were found to have changed. */
  touched: (Noted & { table: string; column: string; rows: number; known: number })[];
  /** Old values that were restored in real rows. */
  repaired: Statement[];
  protectedTables: (Noted & { table: string; kept: boolean | "unknown"; before?: number; after?: number })[];
  /** What was possibly not deleted when the run was interrupted. */
  interrupted: (Amounts & { signal: string; known: boolean })[];
  /** Other kinds of notes → how many. */
  others: Record<string, number>;
}

/** Collects entries, in the order of the log. Memory grows only with what it reports. */
export class AuditReporter {
  readonly #only: string | undefined;
  readonly #runs = new Map<string, AuditedRunReport>();

  /** @param only the run to report, or the gate run whose runs to report; all runs if absent */
  constructor(only?: string) {
    this.#only = only;
  }

  take(entry: AuditEntry): void {
    const run = String(entry.run);
    if (this.#only !== undefined && run !== this.#only && entry.gate !== this.#only) return;
    const report = this.#runs.get(run) ?? emptyReport(run, String(entry.at));
    this.#runs.set(run, report);
    report.lastAt = String(entry.at);
    for (const [list, value] of [
      [report.who, entry.who],
      [report.environments, entry.environment],
    ] as const)
      if (!list.includes(String(value))) list.push(String(value));
    note(report, entry);
  }

  /** In the order in which they began. */
  get runs(): AuditedRunReport[] {
    return [...this.#runs.values()];
  }
}

function emptyReport(run: string, at: string): AuditedRunReport {
  return {
    run,
    firstAt: at,
    lastAt: at,
    who: [],
    environments: [],
    verdicts: [],
    created: [],
    planned: [],
    deleted: [],
    unlinked: [],
    verified: [],
    books: [],
    restored: [],
    touched: [],
    repaired: [],
    protectedTables: [],
    interrupted: [],
    others: {},
  };
}

function note(report: AuditedRunReport, entry: AuditEntry): void {
  const details = new Members(entry.details);
  const counts = new Members(entry.counts);
  const noted: Noted = { at: String(entry.at), stage: String(entry.stage) };
  const amounts: Amounts = { ...noted, rows: counts.rows(), keys: counts.number("keys") ?? 0 };
  const what = details.text("what") ?? (details.text("verdict") === undefined ? "note" : "verdict");
  switch (`${entry.action} ${what}`) {
    case "decision verdict": {
      const [verdict = "", reason = "", commit] = [details.text("verdict"), details.text("reason"), details.text("commit")];
      const [deletedRows = 0, deletedKeys = 0] = [counts.number("deletedRows"), counts.number("deletedKeys")];
      report.verdicts.push({ ...noted, verdict, reason, ...(commit === undefined ? {} : { commit }), deletedRows, deletedKeys });
      break;
    }
    case "decision created":
      report.created.push(amounts);
      break;
    case "decision plan": {
      const [scope = "unknown", digest = "unknown"] = [details.text("scope"), details.text("digest")];
      report.planned.push({ ...amounts, scope, digest, execute: details.value("execute") === true });
      break;
    }
    case "statement delete":
      report.deleted.push(statementOf(noted, details, counts, "deleted"));
      break;
    case "decision versions": {
      // Written after the table's history was read: completes the note about the delete.
      const deleted = report.deleted.findLast((one) => one.table === details.text("table"));
      const [before, after] = [counts.number("versionBefore"), counts.number("versionAfter")];
      if (deleted && before !== undefined && after !== undefined)
        Object.assign(deleted, { versionBefore: before, versionAfter: after });
      break;
    }
    case "statement unlink":
      report.unlinked.push(statementOf(noted, details, counts, "deleted"));
      break;
    case "statement restore":
      report.restored.push(statementOf(noted, details, counts, "restored"));
      break;
    case "decision touched": {
      const [table = "unknown", column = "unknown"] = [details.text("table"), details.text("column")];
      report.touched.push({ ...noted, table, column, rows: counts.number("rows") ?? 0, known: counts.number("known") ?? 0 });
      break;
    }
    case "statement repair":
      report.repaired.push(statementOf(noted, details, counts, "repaired"));
      break;
    case "decision verified":
      report.verified.push({ ...amounts, leftOver: details.number("leftOver") ?? "unknown" });
      break;
    case "decision books":
      report.books.push({ ...noted, line: details.text("line") ?? "unknown" });
      break;
    case "decision protected": {
      const kept = details.value("kept");
      const [before, after] = [counts.number("before"), counts.number("after")];
      report.protectedTables.push({
        ...noted,
        table: details.text("table") ?? "unknown",
        kept: typeof kept === "boolean" ? kept : "unknown",
        ...(before === undefined ? {} : { before }),
        ...(after === undefined ? {} : { after }),
      });
      break;
    }
    case "decision interrupted":
      report.interrupted.push({
        ...amounts,
        signal: details.text("signal") ?? "unknown",
        known: details.value("known") === true,
      });
      break;
    default:
      report.others[what] = (report.others[what] ?? 0) + 1;
  }
}

function statementOf(noted: Noted, details: Members, counts: Members, done: "deleted" | "restored" | "repaired"): Statement {
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

/** Members of a line. Another version or program may have written it, so nothing is assumed. */
class Members {
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(members: unknown) {
    this.#members = typeof members === "object" && members !== null ? { ...members } : {};
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

  /** Counts per table. Only their names contain a dot. */
  rows(): Rows {
    const entries = Object.entries(this.#members);
    return Object.fromEntries(
      entries.flatMap(([name, value]) => (typeof value === "number" && name.includes(".") ? [[name, value]] : [])),
    );
  }
}

/** A run as lines of text. */
export function runLines(run: AuditedRunReport): string[] {
  const executed = run.planned.filter((plan) => plan.execute);
  const shown = run.planned.filter((plan) => !plan.execute);
  return [
    `run ${run.run} in ${run.environments.join(", ")}, by ${run.who.join(", ")}`,
    `  ${moment(run.firstAt)} to ${moment(run.lastAt)}`,
    ...run.verdicts.map(
      ({ stage, verdict, reason, commit }) =>
        `  ${stage} ${verdict}: ${reason}${commit === undefined ? "" : ` (commit ${shortSha(commit)})`}`,
    ),
    ...part("created, as reported by the tests", run.created.flatMap(amountLines)),
    ...shown.flatMap((plan) => part(`shown by ${planWords(plan)}`, amountLines(plan))),
    ...executed.flatMap((plan) => part(`planned by ${planWords(plan)}`, amountLines(plan))),
    ...part("deleted", [...run.deleted, ...run.unlinked].flatMap(statementLines), deletedUnsaid(run)),
    ...part("left over", run.verified.flatMap(leftLines), executed.length === 0 ? "not checked" : undefined),
    ...(run.books.length > 0
      ? part(
          "books",
          run.books.map(({ stage, line }) => `${stage}: ${line}`),
        )
      : []),
    ...(run.restored.length > 0 ? part("put back", run.restored.flatMap(statementLines)) : []),
    ...(run.touched.length > 0 ? part("real rows changed by tests", run.touched.map(touchedLine)) : []),
    ...(run.repaired.length > 0 ? part("repaired", run.repaired.flatMap(statementLines)) : []),
    ...part("protected", run.protectedTables.map(protectedLine)),
    ...run.interrupted.flatMap((left) =>
      part(
        `not known to be deleted when ${left.stage} got ${left.signal} for the second time`,
        left.known ? amountLines(left) : [],
        "it was unknown what had to be deleted",
      ),
    ),
    ...Object.entries(run.others).map(([what, times]) => `  ${count(times, "other note")}: ${what}`),
  ];
}

/** For deletions without a line of their own, as in logs of earlier versions: the sums from the verdicts. */
function deletedUnsaid({ verdicts }: AuditedRunReport): string {
  const rows = verdicts.reduce((sum, verdict) => sum + verdict.deletedRows, 0);
  const keys = verdicts.reduce((sum, verdict) => sum + verdict.deletedKeys, 0);
  if (rows + keys > 0) return `${count(rows, "row")} and ${count(keys, "key")}; the log does not name the tables`;
  return verdicts.length > 0 ? "nothing" : "the log does not say";
}

/** @param otherwise what it means if there is no line; by default, that the log doesn't say */
function part(title: string, lines: readonly string[], otherwise = "the log does not say"): string[] {
  return lines.length > 0 ? [`  ${title}`, ...lines.map((line) => `    ${line}`)] : [`  ${title}: ${otherwise}`];
}

function planWords({ stage, scope, digest }: AuditedRunReport["planned"][number]): string {
  return `${stage} (scope ${scope}, digest ${digest.slice(0, 12)})`;
}

function amountLines({ rows, keys }: Amounts): string[] {
  const lines = Object.entries(rows)
    .filter(([, number]) => number > 0)
    .map(([table, number]) => column(table, count(number, "row")));
  if (keys > 0) lines.push(column("Redis", count(keys, "key")));
  return lines.length > 0 ? lines : ["nothing"];
}

function statementLines({ table, statement, planned, done, versionBefore, versionAfter, problem }: Statement): string[] {
  const amount = `${known(done)} of ${planned === undefined ? "unknown" : count(planned, table === undefined ? "key" : "row")}`;
  const versions =
    versionBefore !== undefined
      ? `, version ${versionBefore} → ${known(versionAfter)}`
      : versionAfter === undefined
        ? ""
        : `, from version ${versionAfter}`;
  return [
    column(table ?? "Redis", `${amount}${versions}${problem === undefined ? "" : ` – ${problem}`}`),
    ...(statement === undefined ? [] : [`  ${statement}`]),
  ];
}

function leftLines(verified: AuditedRunReport["verified"][number]): string[] {
  if (verified.leftOver === 0) return [`nothing, checked by ${verified.stage} at ${moment(verified.at)}`];
  const amount =
    verified.leftOver === "unknown" ? "unknown: not everything could be checked" : `${known(verified.leftOver)} rows and keys`;
  const where = Object.keys(verified.rows).length > 0 || verified.keys > 0 ? amountLines(verified) : [];
  return [`${amount}, checked by ${verified.stage} at ${moment(verified.at)}`, ...where.map((line) => `  ${line}`)];
}

function protectedLine({ table, kept, before, after }: AuditedRunReport["protectedTables"][number]): string {
  const word = kept === "unknown" ? "unknown whether it was kept" : kept ? "kept" : "NOT KEPT";
  return column(
    table,
    before === undefined && after === undefined ? word : `${word} (${known(before)} rows before, ${known(after)} after)`,
  );
}

function touchedLine({ table, column: of, rows, known: found, stage }: AuditedRunReport["touched"][number]): string {
  const values = found === rows ? "the old values are known" : `the old values of ${found} are known`;
  return column(`${table}.${of}`, `${count(rows, "row")}; ${values}, checked by ${stage}`);
}

function column(name: string, rest: string): string {
  return `${name.padEnd(44)} ${rest}`;
}

/** `2026-11-23 17:14:12 UTC`; unchanged if it is not a time. */
function moment(at: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(at) ? `${at.slice(0, 10)} ${at.slice(11, 19)} UTC` : at;
}
