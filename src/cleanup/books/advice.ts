import type { Counted } from "./attribution.ts";
import type { TableCase } from "./table.ts";

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
