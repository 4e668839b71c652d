import { expect, test } from "vitest";
import { dashboardHtml } from "../../src/dashboard/page.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import { places, repository, workflowRun } from "../history/places.ts";
import { worldEnd, worldOf } from "../history/world.ts";

/** The same runs give the same page, wherever their records are kept. It could break if a place lost, changed or reordered one. */

const records = worldOf({ records: 40 }).map((record): HistoryRecord => {
  const origin = { ...record.origin, kind: "github" as const, repository, workflowRun: String(workflowRun) };
  return { ...record, origin };
});
const page = (found: readonly HistoryRecord[]) => dashboardHtml(found, { now: worldEnd, staleAfterMs: 86_400_000 });

test.each(Object.entries(places))("from the place %s", async (_, open) => {
  const place = await open();
  try {
    const store = await place.open();
    for (const record of records) await store.add(record);
    const found = await (await place.open()).all();
    expect(found.unreadable).toEqual([]);
    expect(page(found.records) === page(records)).toBe(true);
  } finally {
    await place.close();
  }
});
