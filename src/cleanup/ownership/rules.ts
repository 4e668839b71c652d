import type { Table } from "../../config/schema.ts";
import type { PlanRequest } from "../plan/row-plan.ts";
import type { Rule } from "../tables/selection.ts";

/** The rules by which rows of this table are matched directly, for a scope. */
export function rulesFor(table: Table, { scope, prefixes, sweep }: Pick<PlanRequest, "scope" | "prefixes" | "sweep">): Rule[] {
  return table.match.flatMap((rule): Rule[] => {
    if (rule.prefix) return [{ column: rule.column, prefixes }];
    // Suffixes and whole values don't tell runs apart, and fixed accounts match them too. A sweep uses them only if configured.
    if (scope === "run" || (scope === "expired" && !sweep.has(rule.suffix ?? rule.equals ?? ""))) return [];
    return [
      rule.suffix !== undefined
        ? { column: rule.column, suffix: rule.suffix }
        : { column: rule.column, equals: rule.equals ?? "" },
    ];
  });
}

/**
 * Columns that point at a table whose keys carry the prefix: an id with the prefix belongs to test data, even if its row is gone.
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

/** Whether the keys of this table's test data begin with a prefix. */
export function isMatchedByKey(table: Table | undefined): boolean {
  return table?.match.some((rule) => rule.prefix && rule.column === table.key) === true;
}
