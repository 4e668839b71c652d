import { count, numberText } from "../../lib/count.ts";
import type { RefreshResult } from "../../model/staging.ts";
import type { Block, Column, Inline, Row, Section } from "./shapes.ts";

/** What people read of a refresh. */

/** Constants, first days of months and the like are no finding, but a person may want to look at them. */
function byChance(chance: number): string {
  return chance === 0 ? "" : `; ${count(chance, "more")} by chance, because the policies make the same of other values`;
}

/** `48 tables, 1,000,000 rows, 0 production values found`; of a plan, for which nothing was looked at, only the tables. */
export function refreshBrief({ tables, leaks, switched, planned }: RefreshResult): string {
  const filled = tables.filter(({ state }) => state !== "omitted");
  if (planned) return `${count(filled.length, "table")} to fill, nothing checked yet`;
  const rows = filled.reduce((sum, table) => sum + (table.rows ?? 0), 0);
  const found = `${count(leaks, "production value")} found`;
  return `${count(filled.length, "table")}, ${count(rows, "row")}, ${found}${switched ? "" : ", not switched"}`;
}

/** About rows of groups that are smaller than `k`. */
function suppressedText(rows: number): string {
  if (rows === 0) return "";
  return `${count(rows, "row")} of groups that were too small lost what could tell who they are, or were left out. `;
}

export function refreshSection(refresh: RefreshResult): Section {
  const {
    id,
    policies,
    leaks,
    chance = 0,
    k,
    suppressedRows,
    orphans,
    leftOut,
    keepUntil,
    switched,
    planned = false,
    problems = [],
    tables,
  } = refresh;
  const zero = (amount: number): Inline => ({ strong: numberText(amount), tone: amount === 0 ? "good" : "bad" });
  const quiet = switched && leaks === 0 && orphans === 0 && problems.length === 0;
  return {
    what: "staging",
    title: "Refresh",
    brief: refreshBrief(refresh),
    ...(quiet ? { quiet } : {}),
    blocks: [
      {
        kind: "text",
        line: planned
          ? ["Only planned: no row was read, and nothing was checked or written."]
          : [
              switched
                ? "The copy has new sanitised data. "
                : { strong: "The copy is as it was: the new data was not switched in. ", tone: "warning" },
              "Production values found: ",
              zero(leaks),
              `, expected 0${byChance(chance)}. Rows without their parent: `,
              zero(orphans),
              ", expected 0. ",
              k === undefined ? "" : `Smallest group of quasi-identifiers: ${k}. `,
              suppressedText(suppressedRows),
              leftOut > 0 ? `${count(leftOut, "row")} left out because the original lacks what they refer to. ` : "",
            ],
      },
      ...(problems.length > 0
        ? [{ kind: "list", title: "Why it was not switched", tone: "bad", items: problems, loses: "problem" } as const]
        : []),
      ...refreshedTables(tables),
      {
        kind: "text",
        line: [
          "Refresh ",
          { code: id },
          ", policies ",
          { code: policies.slice(0, 12) },
          planned ? "." : `. The data must be gone or refreshed by ${keepUntil.slice(0, 10)}.`,
        ],
      },
    ],
  };
}

function refreshedTables(tables: RefreshResult["tables"]): Block[] {
  if (tables.length === 0) return [];
  const rows = tables.map(
    ({ table, state, rows: amount, version }): Row => ({
      cells: [
        { code: table },
        state === "pending" ? { strong: "pending", tone: "warning" } : state,
        amount === undefined ? "" : numberText(amount),
        version === undefined ? "" : String(version),
      ],
      loses: "row of test data",
    }),
  );
  const numeric = true as const;
  const columns: Column[] = [{ title: "Table" }, { title: "State" }, { title: "Rows", numeric }, { title: "Version", numeric }];
  return [{ kind: "table", title: "Tables of the refresh", folded: true, columns, rows, loses: "row of test data" }];
}
