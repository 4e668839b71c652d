import type { Table } from "../../config/schema.ts";
import type { PlanRequest } from "../plan/row-plan.ts";
import type { Rule } from "../tables/selection.ts";

/** How rows of this table show by themselves, for a scope. */
export function rulesFor(table: Table, { scope, prefixes, sweep }: Pick<PlanRequest, "scope" | "prefixes" | "sweep">): Rule[] {
  return table.match.flatMap((rule): Rule[] => {
    if (rule.prefix) return [{ column: rule.column, prefixes }];
    // A suffix or a whole value tells no run from another, and fixed accounts have it too: a sweep goes by it only where that is said.
    if (scope === "run" || (scope === "expired" && !sweep.has(rule.suffix ?? rule.equals ?? ""))) return [];
    return [
      rule.suffix !== undefined
        ? { column: rule.column, suffix: rule.suffix }
        : { column: rule.column, equals: rule.equals ?? "" },
    ];
  });
}

/**
 * Columns that point at a table whose key carries the prefix: an id that begins so is one of test data, also when its row is long gone.
 */
export function referenceRules(
  table: Table,
  tables: Readonly<Record<string, Table>>,
  { prefixes }: Pick<PlanRequest, "prefixes">,
): Rule[] {
  return Object.entries(table.parents).flatMap(([column, { table: parent }]): Rule[] =>
    isMatchedByKey(tables[parent]) ? [{ column, prefixes }] : [],
  );
}

/** Whether keys of this table begin with a prefix where they are test data. */
export function isMatchedByKey(table: Table | undefined): boolean {
  return table?.match.some((rule) => rule.prefix && rule.column === table.key) === true;
}
