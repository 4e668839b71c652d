import type { JudgedRow } from "../ownership/judging.ts";
import { emptySelection, select } from "../tables/selection.ts";
import type { TablePlan } from "./table-plans.ts";

/**
 * Rows that are kept although others are deleted because of their ids, as plans that are only counted: a real row that was not read
 * may have such an id too, and then what depends on it may be the real row's.
 * @param rows all that were found
 */
export function keptOwnersOf(rows: readonly JudgedRow[], going: ReadonlySet<JudgedRow>): TablePlan[] {
  const owning = new Map<string, Set<string>>();
  for (const { judgement, links } of going)
    for (const index of judgement.because) {
      const link = links[index];
      if (link) owning.set(link.table, (owning.get(link.table) ?? new Set()).add(link.id));
    }
  const kept = rows.filter(
    (row) => !going.has(row) && row.candidate.key !== undefined && owning.get(row.scan.name)?.has(row.candidate.key),
  );
  return [...Map.groupBy(kept, ({ scan }) => scan)].map(([scan, owners]): TablePlan => {
    const selection = emptySelection(scan.types);
    select(
      selection,
      scan.table.key,
      owners.flatMap(({ candidate }) => candidate.key ?? []),
    );
    const none = { samples: [], foundThrough: new Set<string>(), person: new Set<string>() };
    return { ...none, table: scan.name, selection, rows: owners.length, ownsRows: true, onlyCounted: true };
  });
}
