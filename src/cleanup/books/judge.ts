import { amountText, count } from "../../lib/count.ts";
import type { Check } from "../../model/report.ts";
import type { Amount, Books, CleanupResult, TableBooks } from "../../model/test-data.ts";
import type { Counted } from "./attribution.ts";
import { isKnown } from "./balance.ts";
import type { TableCase } from "./table.ts";

export interface JudgeRequest {
  /** `testData.unexplained` */
  unexplained: "fail" | "warn";
  /** Whether any test ran. */
  testsRan: boolean;
  /** The result of the run's cleanup. */
  cleanup: Pick<CleanupResult, "plannedRows" | "keys" | "kept" | "touched"> | undefined;
  durationMs: number;
}

const namedTables = 5;

/** Turns the books into a check. Unknown never counts as passed. */
export function judgeBooks(books: Books, request: JudgeRequest): Check {
  const base = {
    id: "test-data.books",
    title: "The books balance",
    observed: books.line,
    expected: "unexplained 0, real rows touched 0",
    durationMs: request.durationMs,
  };
  const failures = [...touchedSaid(books), ...leftOfRun(books)];
  const left = unexplainedSaid(books);
  const warnings = [...unknownSaid(books), ...nothingCarried(books, request)];
  if (request.unexplained === "fail") failures.push(...left);
  else warnings.unshift(...left);
  if (failures.length + warnings.length === 0) return { ...base, verdict: "passed" };
  const advice = books.advice.slice(0, namedTables).map((one) => `${one}.`);
  return {
    ...base,
    verdict: failures.length > 0 ? "failed" : "degraded",
    message: [...failures, ...warnings, ...(advice.length > 0 ? ["What to do:", ...advice] : [])].join(" "),
  };
}

function touchedSaid({ touched, tables }: Books): string[] {
  if (touched.least === 0) return [];
  const where = named(
    tables,
    (table) => table.touched,
    (table) => table.touchedSamples,
  );
  return [`${count(touched.least, "real row was", "real rows were")} changed or deleted by this run: ${where}.`];
}

/** Rows with the run's id are test data, and the cleanup reported that none are left. */
function leftOfRun({ tables }: Books): string[] {
  const left = tables.filter(({ ofRun }) => ofRun > 0);
  if (left.length === 0) return [];
  const rows = left.reduce((sum, { ofRun }) => sum + ofRun, 0);
  const where = left.slice(0, namedTables).map(({ table, ofRun }) => `${ofRun} in ${table}`);
  return [`${count(rows, "row has", "rows have")} this run's id and ${rows === 1 ? "remains" : "remain"}: ${where.join(", ")}.`];
}

function unexplainedSaid({ tables, keys }: Books): string[] {
  const others = (table: TableBooks): Amount => {
    const less = (number: number) => Math.max(0, number - table.ofRun);
    return { least: less(table.unexplained.least), most: table.unexplained.most === null ? null : less(table.unexplained.most) };
  };
  const rows = tables.reduce((sum, table) => sum + others(table).least, 0);
  const said = [];
  if (rows > 0)
    said.push(
      `${count(rows, "row")} that this run created ${rows === 1 ? "remains" : "remain"}, and nothing shows that ${rows === 1 ? "it is" : "they are"} test data: ${named(tables, others, (table) => table.samples)}.`,
    );
  if (keys && keys.unexplained.least > 0)
    said.push(
      `${count(keys.unexplained.least, "Redis key")} that did not exist at the start ${keys.unexplained.least === 1 ? "remains" : "remain"}: ${keys.samples.join(", ")}.`,
    );
  return said;
}

function unknownSaid({ tables, keys, problems }: Books): string[] {
  const doubtful = tables.filter((table) => !isKnown(table.unexplained) || !isKnown(table.touched));
  const said = doubtful.slice(0, namedTables).map((table) => {
    const counts = [
      ...(isKnown(table.unexplained) ? [] : [`unexplained rows ${amountText(table.unexplained)}`]),
      ...(isKnown(table.touched) ? [] : [`touched rows ${amountText(table.touched)}`]),
    ];
    return `${table.table}: ${counts.join(", ")}${table.why ? `, because ${table.why}` : ""}.`;
  });
  if (doubtful.length > namedTables) said.push(`The same applies to ${doubtful.length - namedTables} more tables.`);
  if (keys && !isKnown(keys.unexplained))
    said.push(`Redis: unexplained keys ${amountText(keys.unexplained)}${keys.why ? `, because ${keys.why}` : ""}.`);
  return [...said, ...problems.map((problem) => `${problem}.`)];
}

/** If tests ran but nothing carries the run's id, the test data is probably named wrongly, and cleanup cannot find it. */
function nothingCarried({ made, keys }: Books, { testsRan, cleanup }: JudgeRequest): string[] {
  const found =
    cleanup && cleanup.plannedRows + cleanup.keys.planned + (cleanup.kept?.length ?? 0) + (cleanup.touched?.length ?? 0);
  if (!testsRan || found === undefined || found > 0) return [];
  const newKeys = keys?.unexplained.most ?? 0;
  const [least, most] = [made.least + newKeys, (made.most ?? 0) + newKeys];
  if (least > 0)
    return [
      "Cleanup found none of the rows that this run created, neither by prefix nor by the ledger. Let the tests begin ids and titles with ENV_ACTIONS_PREFIX.",
    ];
  if (most > 0)
    return [
      "Rows were created while the tests ran, and cleanup found none of them by this run's prefix or by the ledger. If this run created them, let the tests begin ids and titles with ENV_ACTIONS_PREFIX.",
    ];
  if (made.most !== 0 || (keys && keys.unexplained.most === null)) return [];
  return [
    "Tests ran, but this run created no row and no key here. Either the tests only read, or they write to another warehouse or Redis: compare those of the application with this environment. Or the application signs in as a principal that testData.principals does not list.",
  ];
}

function named(
  tables: readonly TableBooks[],
  of: (table: TableBooks) => Amount,
  samples: (table: TableBooks) => readonly string[],
): string {
  const concerned = tables.filter((table) => of(table).least > 0);
  const said = concerned.slice(0, namedTables).map((table) => {
    const some = samples(table);
    return `${of(table).least} in ${table.table}${some.length > 0 ? ` (${some.join(", ")})` : ""}`;
  });
  return [...said, ...(concerned.length > namedTables ? [`${concerned.length - namedTables} more tables`] : [])].join(", ");
}

/** Suggests configuration that would explain the unexplained rows. */
export interface AdviceRequest {
  table: TableCase;
  declared: boolean;
  rows: Counted;
  /** `testData.prefixes` */
  prefixes: readonly string[];
  /** Whether the cleanup kept rows of the table. */
  kept: boolean;
}

const shortestPrefix = 6;

export function adviceFor({ table, declared, rows, prefixes, kept }: AdviceRequest): string[] {
  const all = [...rows.certain, ...rows.doubtful];
  if (all.length === 0) return [];
  const name = table.table;
  if (all.some(({ details }) => details?.ofRun))
    return [
      kept
        ? `${name}: the cleanup kept rows with the run's id and says why: restore the real rows that refer to them (\`env-actions repair\`), then clean up again`
        : declared
          ? `${name}: rows have the run's id in a column without a rule: add the column under testData.tables.${name}.match`
          : `${name}: rows have the run's id, but the table is not declared: add it under testData.tables (\`env-actions tables\` shows how)`,
    ];
  const found = commonPrefix(
    all.map(({ details }) => details?.texts ?? {}),
    new Set([...table.person, ...Object.keys(table.parents)]),
  );
  if (found !== undefined && !prefixes.some((prefix) => found.prefix.startsWith(prefix)))
    return [
      `${name}: ${found.column} begins with "${found.prefix}" in all of them: add it to testData.prefixes, and let the tests append ENV_ACTIONS_RUN_ID`,
    ];
  const parents = [...new Set(all.flatMap(({ details }) => Object.keys(details?.parents ?? {})))];
  if (parents.some((column) => /^(teacher|user|school)_id$/.test(column)))
    return [
      `${name}: the rows depend on an account that is not test data (${parents.join(", ")}): let the tests sign in with a test account, using auth.roles.<role>.body, such as teacherId: "{prefix}teacher"`,
    ];
  return [
    `${name}: ${declared ? "" : "declare the table under testData.tables, and "}begin an id or title of these rows with ENV_ACTIONS_PREFIX, or report them with track() of env-actions/testkit`,
  ];
}

/** The common beginning of a column's texts, cut before the first number. Never one that production ids could begin with. */
function commonPrefix(
  rows: readonly Record<string, string>[],
  leftOut: ReadonlySet<string>,
): { column: string; prefix: string } | undefined {
  const columns = new Set(rows.flatMap((row) => Object.keys(row)));
  for (const column of columns) {
    if (leftOut.has(column)) continue;
    const values = rows.map((row) => row[column]).filter((value) => value !== undefined);
    const [first = ""] = values;
    if (values.length < rows.length) continue;
    const number = first.search(/\d{3}/);
    // A single text without a number doesn't show which beginning others would share.
    if (number < 0 && new Set(values).size < 2) continue;
    let length = number < 0 ? first.length : number;
    for (const value of values) while (length > 0 && !value.startsWith(first.slice(0, length))) length--;
    const prefix = first.slice(0, length);
    const letters = new Set(prefix.toLowerCase().replace(/[^\p{L}\p{N}]/gu, ""));
    const distinctive = letters.size >= 3 && /[g-z]/i.test(prefix) && /[_-]/.test(prefix);
    if (prefix.length >= shortestPrefix && distinctive && !/[%*?[\]\\'"`\s]/.test(prefix)) return { column, prefix };
  }
  return undefined;
}
