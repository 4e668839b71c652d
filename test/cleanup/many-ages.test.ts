import { afterAll, beforeAll, expect, it } from "vitest";
import { planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import { requestFor, runStarted, startTestStores, type TestStores, table } from "./test-stores.ts";

// The ages of rows in many tables are asked in joint statements, which rounds.test.ts counts. Here a warehouse answers them.
let stores: TestStores;

beforeAll(async () => {
  stores = await startTestStores();
});
afterAll(() => stores.stop());

it("ages that are asked of several tables in one statement keep a row that is older than what it depends on", async () => {
  const hourMs = 3_600_000;
  const made = runStarted - 48 * hourMs;
  const created_at = new Date(made).toISOString();
  // 24 tables are asked alone, the others together.
  const names = Array.from({ length: 27 }, (_, index) => `s.notes${index}`);
  const [last = ""] = names.slice(-1);
  const columns = { id: "string", lesson_id: "string", created_at: "timestamp" };
  const { faults } = stores.warehouse;
  faults.clock = made - 2 * hourMs;
  const school = await stores.catalog("ages", {
    "s.lessons": { columns: { id: "string", title: "string", created_at: "timestamp" } },
    ...Object.fromEntries(names.map((name) => [name, { columns }])),
  });
  try {
    faults.clock = made - hourMs;
    await school.insert(last, [{ id: "older", lesson_id: null, created_at }]);
    faults.clock = made + hourMs;
    await school.insert("s.lessons", [{ id: "lesson", title: `integration_test_${made}_0a0b0c0d maths`, created_at }]);
    for (const name of names) await school.insert(name, [{ id: `${name} new`, lesson_id: "lesson", created_at }]);
    await school.update(last, ["lesson_id", "lesson"], ["id", "older"]);
    const before = stores.warehouse.statements.length;
    const tables = {
      "s.lessons": table({ match: [{ column: "title", prefix: true }], time: "created_at" }),
      ...Object.fromEntries(
        names.map((name) => [name, table({ parents: { lesson_id: { partOf: "s.lessons" } }, time: "created_at" })]),
      ),
    };
    const plan = await planCleanup(school.ports(), requestFor(tables, { scope: "expired", testData: { maxShare: 1 } }));
    const asked = stores.warehouse.statements.slice(before).filter(({ sql }) => sql.includes(" TIMESTAMP AS OF "));
    expect(asked.filter(({ sql }) => sql.includes(" UNION ALL "))).toMatchObject([{ ok: true }]);
    expect(asked).toHaveLength(24 + 1);
    expect(plan.rows?.touched).toMatchObject([{ table: last, key: { value: "older" }, column: "lesson_id" }]);
    // Without the older row, and the lesson that it was pointed at.
    expect(plan.rows?.rows).toBe(names.length);
  } finally {
    faults.clock = undefined;
    await school.close();
  }
});
