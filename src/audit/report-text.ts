import { count } from "../lib/count.ts";
import { known, shortSha } from "../report/words.ts";
import { type Amounts, type AuditedRun, type SectionValues, type Statement, sections, valuesOf } from "./report.ts";

/** A run as lines of text, one at a time. */
export function* runLines(run: AuditedRun): Generator<string, void, void> {
  yield `run ${run.run} in ${run.environments.join(", ")}, by ${run.who.join(", ")}`;
  yield `  ${moment(run.firstAt)} to ${moment(run.lastAt)}`;
  for (const { stage, verdict, reason, commit } of valuesOf(run, "verdicts"))
    yield `  ${stage} ${verdict}: ${reason}${commit === undefined ? "" : ` (commit ${shortSha(commit)})`}`;
  yield* part("created, as reported by the tests", onceOf(valuesOf(run, "created"), amountLines));
  for (const plan of valuesOf(run, "planned")) if (!plan.execute) yield* part(`shown by ${planWords(plan)}`, amountLines(plan));
  let isExecuted = false;
  for (const plan of valuesOf(run, "planned")) {
    isExecuted ||= plan.execute;
    if (plan.execute) yield* part(`planned by ${planWords(plan)}`, amountLines(plan));
  }
  yield* part("deleted", statementsOf(run, "deleted", "unlinked"), () => deletedUnsaid(run));
  yield* part("left over", linesOf(valuesOf(run, "verified"), leftLines), () => (isExecuted ? unsaid : "not checked"));
  yield* partIfAny(
    "books",
    linesOf(valuesOf(run, "books"), ({ stage, line }) => [`${stage}: ${line}`]),
  );
  yield* partIfAny("put back", statementsOf(run, "restored"));
  yield* partIfAny(
    "real rows changed by tests",
    linesOf(valuesOf(run, "touched"), (touched) => [touchedLine(touched)]),
  );
  yield* partIfAny("repaired", statementsOf(run, "repaired"));
  yield* part(
    "protected",
    onceOf(valuesOf(run, "protectedTables"), (table) => [protectedLine(table)]),
  );
  yield* partIfAny(
    "branches",
    linesOf(valuesOf(run, "branches"), (branch) => [branchLine(branch)]),
  );
  yield* partIfAny(
    "copy of production",
    linesOf(valuesOf(run, "copies"), (copy) => [copyLine(copy)]),
  );
  for (const left of valuesOf(run, "interrupted"))
    yield* part(
      `not known to be deleted when ${left.stage} got ${left.signal} for the second time`,
      left.known ? amountLines(left) : [],
      () => "it was unknown what had to be deleted",
    );
  for (const [what, times] of run.others) yield `  ${count(times, "other note")}: ${what}`;
}

/** A run as JSON, as `JSON.stringify` writes it with two spaces, in pieces. @param margin of its lines, but not of the first */
export function* runJson(run: AuditedRun, margin: string): Generator<string, void, void> {
  const { run: id, firstAt, lastAt, who, environments } = run;
  const inside = `${margin}  `;
  yield "{";
  for (const [name, value] of Object.entries({ run: id, firstAt, lastAt, who, environments }))
    yield `\n${inside}${JSON.stringify(name)}: ${jsonOf(value, inside)},`;
  for (const section of sections) {
    yield `\n${inside}${JSON.stringify(section)}: `;
    yield* listJson(valuesOf(run, section), inside);
    yield ",";
  }
  yield `\n${inside}"others": ${jsonOf(Object.fromEntries(run.others), inside)}\n${margin}}`;
}

/** @param margin of the list's lines, but not of the first */
export function* listJson(values: Iterable<unknown>, margin: string): Generator<string, void, void> {
  let isEmpty = true;
  for (const value of values) {
    yield `${isEmpty ? "[" : ","}\n${margin}  ${jsonOf(value, `${margin}  `)}`;
    isEmpty = false;
  }
  yield isEmpty ? "[]" : `\n${margin}]`;
}

/** @param margin of its lines, but not of the first */
export function jsonOf(value: unknown, margin: string): string {
  // A line break is never within a text of JSON.
  return JSON.stringify(value, undefined, 2).replaceAll("\n", `\n${margin}`);
}

/** For deletions without a line of their own, as in logs of earlier versions: the sums from the verdicts. */
function deletedUnsaid(run: AuditedRun): string {
  let [rows, keys, verdicts] = [0, 0, 0];
  for (const { deletedRows, deletedKeys } of valuesOf(run, "verdicts")) {
    rows += deletedRows;
    keys += deletedKeys;
    verdicts++;
  }
  if (rows + keys > 0) return `${count(rows, "row")} and ${count(keys, "key")}; the log does not name the tables`;
  return verdicts > 0 ? "nothing" : unsaid;
}

const unsaid = "the log does not say";

/** @param otherwise what it means if there is no line */
function* part(title: string, lines: Iterable<string>, otherwise = () => unsaid): Generator<string, void, void> {
  let isEmpty = true;
  for (const line of partIfAny(title, lines)) {
    isEmpty = false;
    yield line;
  }
  if (isEmpty) yield `  ${title}: ${otherwise()}`;
}

function* partIfAny(title: string, lines: Iterable<string>): Generator<string, void, void> {
  let isEmpty = true;
  for (const line of lines) {
    if (isEmpty) yield `  ${title}`;
    isEmpty = false;
    yield `    ${line}`;
  }
}

function* linesOf<Value>(values: Iterable<Value>, lines: (value: Value) => string[]): Generator<string, void, void> {
  for (const value of values) yield* lines(value);
}

/** More would take memory that grows with the log. */
const mostRemembered = 10_000;

/** What several stages say in the same words of one run, such as what its ledger names, is one fact. */
function* onceOf<Value>(values: Iterable<Value>, lines: (value: Value) => string[]): Generator<string, void, void> {
  const said = new Set<string>();
  for (const value of values) {
    const told = lines(value);
    const key = told.join("\n");
    if (said.has(key)) continue;
    if (said.size < mostRemembered) said.add(key);
    yield* told;
  }
}

function* statementsOf(
  run: AuditedRun,
  ...names: readonly ("deleted" | "unlinked" | "restored" | "repaired")[]
): Generator<string, void, void> {
  for (const name of names) yield* linesOf(valuesOf(run, name), statementLines);
}

function planWords({ stage, scope, digest }: SectionValues["planned"]): string {
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

function leftLines(verified: SectionValues["verified"]): string[] {
  if (verified.leftOver === 0) return [`nothing, checked by ${verified.stage} at ${moment(verified.at)}`];
  const amount =
    verified.leftOver === "unknown" ? "unknown: not everything could be checked" : `${known(verified.leftOver)} rows and keys`;
  const where = Object.keys(verified.rows).length > 0 || verified.keys > 0 ? amountLines(verified) : [];
  return [`${amount}, checked by ${verified.stage} at ${moment(verified.at)}`, ...where.map((line) => `  ${line}`)];
}

function protectedLine({ table, kept, before, after }: SectionValues["protectedTables"]): string {
  const word = kept === "unknown" ? "unknown whether it was kept" : kept ? "kept" : "NOT KEPT";
  return column(
    table,
    before === undefined && after === undefined ? word : `${word} (${known(before)} rows before, ${known(after)} after)`,
  );
}

function touchedLine({ table, column: of, rows, known: found, stage }: SectionValues["touched"]): string {
  const values = found === rows ? "the old values are known" : `the old values of ${found} are known`;
  return column(`${table}.${of}`, `${count(rows, "row")}; ${values}, checked by ${stage}`);
}

function branchLine({ happened, branch, of, gone, counts, problem }: SectionValues["branches"]): string {
  if (happened === "created") return `created ${branch}, a copy of ${of}${countsSaid(counts)}`;
  const proof = gone === true ? "gone" : gone === false ? "NOT GONE" : "unknown whether it is gone";
  return `dropped ${branch}, a copy of ${of}: ${proof}${problem === undefined ? "" : ` – ${problem}`}`;
}

const copyWords: Readonly<Record<string, string>> = {
  "sync-plan": "sync plan",
  "refresh-step": "changed",
  empty: "emptied",
  seed: "filled",
  "schema-dropped": "dropped",
};

function copyLine({ what, about, counts, problem }: SectionValues["copies"]): string {
  return `${(copyWords[what] ?? what).padEnd(10)} ${about}${countsSaid(counts)}${problem === undefined ? "" : ` – ${problem}`}`;
}

/** ` (cloned 47, empty 1)` */
function countsSaid(counts: Readonly<Record<string, number>>): string {
  // In one order: the log has its keys sorted, and a run that was never written has not.
  const all = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  const told = all.map(([name, amount]) => `${name === "leftOut" ? "left out" : name} ${known(amount)}`);
  return told.length > 0 ? ` (${told.join(", ")})` : "";
}

function column(name: string, rest: string): string {
  return `${name.padEnd(44)} ${rest}`;
}

/** `2026-11-23 17:14:12 UTC`; unchanged if it is not a time. */
function moment(at: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(at) ? `${at.slice(0, 10)} ${at.slice(11, 19)} UTC` : at;
}
