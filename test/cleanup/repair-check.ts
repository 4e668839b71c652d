import { expect } from "vitest";
import type { WritingPorts } from "../../src/cleanup/execute/execute.ts";
import { executeRepair } from "../../src/cleanup/undo/repair.ts";
import { planRepair } from "../../src/cleanup/undo/repair-plan.ts";
import type { CleanupResult } from "../../src/model/test-data.ts";
import { requestFor, runId } from "./test-stores.ts";
import { type MadeRow, now, type World } from "./world.ts";

/** Table → name of a row → its columns. */
type Rows = ReadonlyMap<string, Record<string, unknown>>;

/**
 * Repairs what a cleanup reported as changed by tests. Exactly those cells get their value from before the tests, nothing else
 * differs, and a second repair changes nothing.
 */
export async function checkRepair(
  made: World,
  result: CleanupResult,
  { warehouse, environment }: WritingPorts,
  snapshot: () => Promise<Rows>,
): Promise<void> {
  if (!warehouse || !result.touched) return;
  const report = { runId, environment: { name: "sandbox", access: "test-data" as const }, cleanup: result };
  const { testData } = requestFor(made.tables, {
    testData: { prefixes: made.prefixes, keep: made.keep, ...(made.timeZone === undefined ? {} : { timeZone: made.timeZone }) },
  });
  const ledger = {
    rows: new Map(Object.entries(made.ledger.rows).map(([name, ids]) => [name, new Set(ids)])),
    keys: new Set<string>(),
    problems: [],
  };
  const plan = () => planRepair(warehouse, { report, tables: made.tables, testData, ledger, now });
  const before = await snapshot();
  const planned = await plan();
  const done = await executeRepair({ warehouse, environment, audit: async () => undefined }, planned);
  const expected = new Map([...before].map(([n, row]) => [n, { ...row }]));
  for (const { table, key, column, state, problem } of done.rows) {
    const rows = made.rows.filter((row) => row.table === table && row.id === key.value);
    const original = rows[0]?.points[column] ?? null;
    if (state === "repaired") {
      expect(rows, "a key that names one row").toHaveLength(1);
      (expected.get(rows[0]?.n ?? "") as Record<string, unknown>)[column] = original;
    } else {
      expect(state).toBe("refused");
      const mayBeUnknown = made.historyGone || (rows[0] !== undefined && alwaysPointedAtSharedKey(made, rows[0], column));
      expect(problem).toMatch(mayBeUnknown ? /unknown|have this key/ : /rows have this key/);
    }
  }
  expect(done.problems).toEqual([]);
  expect(await snapshot()).toEqual(expected);
  expect((await plan()).cells).toEqual([]);
}

/** The row points at a real row, and a test row has the same key: the older row looks moved, but never had another value. */
function alwaysPointedAtSharedKey({ rows, moves, tables }: World, row: MadeRow, column: string): boolean {
  const parent = tables[row.table]?.parents[column]?.table;
  const sharing = rows.filter(({ table, id }) => table === parent && id === row.points[column]);
  return sharing.length > 1 && !moves.some((move) => move.row === row && move.column === column);
}
