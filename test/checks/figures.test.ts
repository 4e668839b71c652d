import { expect, it } from "vitest";
import { checkFigure } from "../../src/checks/analytics/figures.ts";
import { analytics } from "../../src/checks/analytics/kind.ts";
import { Pace } from "../../src/checks/api/client.ts";
import type { WarehouseReader } from "../../src/warehouse/access.ts";
import { type Api, json, serve } from "./api.ts";
import { runOnce } from "./run-once.ts";

// A dashboard whose figures may be hard-coded, beside a warehouse that may change at any moment.
const ids = { id: "analytics.dashboard.active", of: "analytics.dashboard" };

interface Look {
  /** What SQL returns, one after another; the last one repeats. */
  sql: unknown[];
  api: Api;
  tolerance?: number;
}

async function look({ sql, api, tolerance }: Look) {
  const [dashboard] = analytics.schema().parse([{ path: "/dashboard" }]);
  if (!dashboard) throw new Error("no dashboard");
  const statements: string[] = [];
  const query = async (statement: string) => {
    statements.push(statement);
    const value = sql[Math.min(statements.length, sql.length) - 1];
    return Array.isArray(value) ? value : [{ count: value }];
  };
  const opening = () => Promise.resolve({ query } as unknown as WarehouseReader);
  const figure = { path: "$.active", equalsSql: "SELECT count(*) FROM t", tolerance };
  return { check: await checkFigure(runOnce, { api, opening }, dashboard, figure, ids), statements };
}

const telling = (...values: unknown[]) =>
  serve((_, response, count) => json(response, 200, { active: values[Math.min(count, values.length) - 1] }));

it.each<[string, unknown[], unknown, number | undefined]>([
  ["is the same", [12], 12, undefined],
  ["is the same, as text and as bigint", [12n], "12", undefined],
  ["rises in between", [12, 14], 13, undefined],
  ["falls in between", [14, 12], 12, undefined],
  ["is within the tolerance", [12], 10.5, 2],
])("a figure that %s passes, after one request between two statements", async (_, sql, told, tolerance) => {
  const { check, statements } = await look({ sql, api: await telling(told), ...(tolerance === undefined ? {} : { tolerance }) });
  expect(check).toMatchObject({ id: ids.id, verdict: "passed" });
  expect(statements).toHaveLength(2);
});

it.each<[unknown, string]>([
  [3, "hard-coded"],
  [11, "hard-coded"],
  [undefined, "There is no number"],
  [null, "There is no number"],
  ["twelve", "There is no number"],
])("a figure of %j where SQL says 12 fails, with both", async (told, message) => {
  const api = await telling(told);
  const { check } = await look({ sql: [12], api });
  expect(check).toMatchObject({ verdict: "failed", expected: "12, from SQL", message: expect.stringContaining(message) });
  expect(check.observed).toContain(told === undefined ? "missing" : JSON.stringify(told));
  // Once more, in case it changed and changed back in between.
  expect(api.seen).toHaveLength(2);
});

it("a figure that changed and changed back between two equal counts passes at the second look", async () => {
  expect((await look({ sql: [12], api: await telling(13, 12) })).check.verdict).toBe("passed");
});

it("one that changes in every comparison is unknown, and the number of requests is bounded", async () => {
  const api = await telling(3);
  const { check, statements } = await look({ sql: [10, 20, 30, 40, 50, 60, 70, 80, 90], api });
  expect(check).toMatchObject({ verdict: "error", message: expect.stringContaining("unknown whether the figure is right") });
  expect([api.seen.length, statements.length]).toEqual([4, 8]);
});

it("one that is still twice fails, although it changed before", async () => {
  expect((await look({ sql: [10, 20, 30, 30, 40, 40], api: await telling(3) })).check.verdict).toBe("failed");
});

it.each([
  ["no row", []],
  ["two rows", [{ a: 1 }, { a: 2 }]],
  ["two columns", [{ a: 1, b: 2 }]],
  ["no number", [{ a: "x" }]],
  ["nothing", [{ a: null }]],
])("a statement that returns %s is an error that shows it", async (_, rows) => {
  const { check } = await look({ sql: [rows], api: await telling(1) });
  expect(check).toMatchObject({ verdict: "error", message: expect.stringContaining("one row with one number") });
});

it("a wrong answer is explained by the route's own check, and a rate limit is waited for", async () => {
  const broken = await serve((_, response) => json(response, 503, {}));
  expect((await look({ sql: [1], api: broken })).check).toMatchObject({ verdict: "failed", cause: ids.of });
  const pace = new Pace({ requestsPerSecond: 1_000, longestPauseMs: 1_000 });
  const limited = await serve((_, response, count) =>
    count === 1 ? json(response, 429, {}, { "retry-after": "0" }) : json(response, 200, { active: 1 }),
  );
  expect((await look({ sql: [1], api: { ...limited, pace } })).check.verdict).toBe("passed");
  expect((await look({ sql: [1], api: await serve((_, response) => json(response, 429, {})) })).check).toMatchObject({
    verdict: "error",
    observed: "429, rate limited",
  });
});
