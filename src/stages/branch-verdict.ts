import { amountText, count, numberText } from "../lib/count.ts";
import type { ErrorCode } from "../model/error-codes/catalogue.ts";
import type { Check } from "../model/report.ts";
import type { Books, Isolation, SharedTables, TableBooks } from "../model/test-data.ts";

/** What a run on a branch means: a check, and its line in the books. */

const base = { id: "isolation", title: "The run had tables of its own" };
const expected = "shared tables touched 0; the branch dropped and gone";
const named = 5;

/** A sentence of a check with the code that is documented. */
export function coded(code: ErrorCode, sentence: string): string {
  return `${code}: ${sentence}`;
}

/** The run shares the tables with others, or didn't start because it would have to. */
export function notIsolated(verdict: Check["verdict"], observed: string, message: string, durationMs: number): Check {
  return { ...base, verdict, observed, expected: "a branch of its own", message, durationMs };
}

/** @param about `wroteElsewhere`: whether the run left traces that show that its tests wrote, such as Redis keys */
export function isolationCheck(
  isolation: Isolation,
  about: { testsRan: boolean; wroteElsewhere: boolean; durationMs: number },
): Check {
  const failures = [...touched(isolation.shared), ...stillThere(isolation)];
  const errors = isolation.gone === undefined ? [`It is unknown whether the branch is gone: ${whyUnknown(isolation)}.`] : [];
  const warnings = [
    ...doubts(isolation.shared),
    ...nothingWritten(isolation, about),
    ...(isolation.gone === true ? isolation.problems.map((problem) => `${problem}.`) : []),
  ];
  const check = { ...base, observed: observedOf(isolation), expected, durationMs: about.durationMs };
  const all = [...failures, ...errors, ...warnings];
  if (all.length === 0) return { ...check, verdict: "passed" };
  const verdict = failures.length > 0 ? "failed" : errors.length > 0 ? "error" : "degraded";
  return { ...check, verdict, message: all.join(" ") };
}

function observedOf({ cloned, empty, views, exceptions, shared, gone }: Isolation): string {
  const left = exceptions.filter(({ state }) => state === "left out").length;
  const made = [
    `${count(cloned, "table")} cloned`,
    ...(empty > 0 ? [`${empty} empty`] : []),
    ...(views > 0 ? [count(views, "view")] : []),
    ...(left > 0 ? [`${left} left out`] : []),
  ];
  const end = gone === true ? "dropped and gone" : gone === false ? "not dropped" : "unknown whether it is gone";
  return `${made.join(", ")}; ${sharedText(shared)}; the branch ${end}`;
}

function sharedText(shared: SharedTables | undefined): string {
  return `shared tables touched ${shared ? amountText(shared.touched) : "unknown"}`;
}

function touched(shared: SharedTables | undefined): string[] {
  if (!shared || shared.touched.least === 0) return [];
  return [
    `The run wrote to ${count(shared.touched.least, "table")} of the environment itself, although it had a branch: ${writesOf(shared, "this run's")}. Let the application take its catalog from DATABRICKS_CATALOG everywhere, or hand it over in testData.isolation.variables.`,
  ];
}

function writesOf({ writes }: SharedTables, whose: SharedTables["writes"][number]["whose"]): string {
  const of = writes.filter((write) => write.whose === whose);
  const said = of
    .slice(0, named)
    .map(
      ({ table, users, operations, versions }) =>
        `${table} (${count(versions, "version")} by ${users.join(", ")}: ${operations.join(", ")})`,
    );
  return [...said, ...(of.length > named ? [`${of.length - named} more tables`] : [])].join(", ");
}

function doubts(shared: SharedTables | undefined): string[] {
  if (!shared) return ["Whether the environment's own tables were touched is unknown."];
  const perhaps = shared.writes.some(({ whose }) => whose === "perhaps this run's");
  return [
    ...(perhaps
      ? [
          `These tables of the environment got versions that may be this run's: ${writesOf(shared, "perhaps this run's")}. List in testData.principals the principals that write only for the tests.`,
        ]
      : []),
    ...shared.unknown.map((why) => `Not read: ${why}.`),
  ];
}

function stillThere({ gone, branch, problems }: Isolation): string[] {
  if (gone !== false) return [];
  const why = problems.length > 0 ? ` (${problems.join("; ")})` : "";
  return [
    coded(
      "EA5104",
      `the branch ${branch.join(", ")} is still there${why}. \`env-actions cleanup --scope expired --execute\` drops it after testData.expireAfter.`,
    ),
  ];
}

function whyUnknown({ problems }: Isolation): string {
  return problems.join("; ") || "it was not looked for";
}

function nothingWritten(
  { written }: Isolation,
  { testsRan, wroteElsewhere }: { testsRan: boolean; wroteElsewhere: boolean },
): string[] {
  if (!testsRan || wroteElsewhere || !written || written.tables > 0) return [];
  return [
    "Tests ran, but nothing was written to the branch. Either the tests only read, or the application does not take its catalog from DATABRICKS_CATALOG: hand it over in testData.isolation.variables.",
  ];
}

/** The books of a run on a branch. @param redis those of the keys, which are shared as always */
export function booksOfBranch(isolation: Isolation, redis: Books | undefined): Books {
  const { shared, written, gone, exceptions: _, problems } = isolation;
  const unknown = { least: 0, most: null };
  const none = { least: 0, most: 0 };
  const made = written?.rows ?? unknown;
  const amounts = {
    made,
    deleted: gone === true ? made : unknown,
    // What was dropped with the branch needs no explanation.
    unexplained: gone === true ? none : unknown,
    touched: shared?.touched.most === 0 ? none : unknown,
  };
  const line = [
    `${sharedText(shared)}${span(shared)}`,
    `rows made in the branch ${amountText(made)}, ${gone === true ? "gone with it" : "still there"}`,
    ...(redis ? [redis.line] : []),
  ].join("; ");
  return {
    line,
    ...amounts,
    kept: 0,
    tablesRead: shared?.read ?? 0,
    ...(shared?.versions ? { versions: shared.versions } : {}),
    tables: (shared?.writes ?? []).filter(({ whose }) => whose !== "somebody else's").map(tableBooks),
    ...(redis?.keys ? { keys: redis.keys } : {}),
    advice: redis?.advice ?? [],
    problems: [...problems, ...(shared?.unknown ?? []), ...(redis?.problems ?? [])],
  };
}

function span(shared: SharedTables | undefined): string {
  if (!shared) return "";
  const versions = shared.versions ? `, versions ${shared.versions.from}–${shared.versions.to}` : "";
  const others = shared.writes.filter(({ whose }) => whose === "somebody else's");
  const users = [...new Set(others.flatMap((write) => write.users))].sort();
  const by = others.length > 0 ? `; ${count(others.length, "table")} written by others: ${users.slice(0, named).join(", ")}` : "";
  return ` (${numberText(shared.read)} ${shared.read === 1 ? "table" : "tables"}${versions}${by})`;
}

function tableBooks({ table, users, versions, whose }: SharedTables["writes"][number]): TableBooks {
  const unknown = { least: 0, most: null };
  return {
    ...{
      table,
      from: null,
      to: null,
      made: unknown,
      deleted: unknown,
      unexplained: unknown,
      kept: 0,
      ofRun: 0,
      touched: unknown,
    },
    ...{ samples: [], touchedSamples: [], hangsOn: [] },
    why: `${count(versions, "version")} of the environment's own table by ${users.join(", ")}, ${whose}`,
  };
}
