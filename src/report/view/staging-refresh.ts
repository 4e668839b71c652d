import { count } from "../../lib/count.ts";
import type { RefreshResult } from "../../model/staging.ts";

/** How the result of a refresh is said in a line. */

/** Constants, first days of months and the like are no finding, but a person may want to look at them. */
export function byChance(chance: number): string {
  return chance === 0 ? "" : `; ${count(chance, "more")} by chance, because the policies make the same of other values`;
}

/** `48 tables, 1,000,000 rows, 0 production values found`. */
export function refreshBrief({ tables, leaks, switched }: RefreshResult): string {
  const filled = tables.filter(({ state }) => state !== "omitted");
  const rows = filled.reduce((sum, table) => sum + (table.rows ?? 0), 0);
  const found = `${count(leaks, "production value")} found`;
  return `${count(filled.length, "table")}, ${count(rows, "row")}, ${found}${switched ? "" : ", not switched"}`;
}

/** About rows of groups that are smaller than `k`. */
export function suppressedText(rows: number): string {
  if (rows === 0) return "";
  return `${count(rows, "row")} of groups that were too small lost what could tell who they are, or were left out. `;
}
