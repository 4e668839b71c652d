import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, type TestClient } from "../warehouse-local/client.ts";
import { type CopyWorld, perform, readingProduction, startCopyWorld } from "./copy-world.ts";

/** Tests must not begin in a copy from which production can be written, that is unlike it, or that has its people in it. */

let world: CopyWorld;
let owner: TestClient;
beforeAll(async () => {
  world = await startCopyWorld({ writer: [...readingProduction, "MODIFY"] });
  owner = await connect(world.warehouse, "keeper", { initialCatalog: "staging", initialSchema: "default" });
});
afterAll(async () => {
  await owner.close();
  await world.stop();
});

const left = ["constraints", "policies", "grants"]
  .map((facet) => `{ object: '*', facet: ${facet}, reason: 'not here' }`)
  .join(", ");
const staging = `drift: { ignore: [${left}] }`;

test("a copy whose principal only reads production is ready", async () => {
  const { check } = await perform(world, "preflight", { staging });
  expect(check("copy.production-grants")).toMatchObject({ verdict: "passed", observed: "nothing can be written" });
  expect(check("copy.drift")).toMatchObject({ verdict: "passed" });
  expect(check("copy.refresh")).toMatchObject({ verdict: "skipped" });
});

test("a principal that can write to production fails, and what it can is named", async () => {
  const { report, check } = await perform(world, "preflight", { as: "writer", staging });
  expect(check("copy.production-grants")).toMatchObject({ verdict: "failed" });
  expect(check("copy.production-grants")?.observed).toContain("MODIFY on catalog classwaves");
  expect(report.verdict).toBe("failed");
});

test("more drift than the limits fails, and within them passes", async () => {
  await owner.rows("COMMENT ON TABLE staging.users.teachers IS 'people'");
  await owner.rows("CREATE TABLE staging.users.friends (id STRING)");
  const none = await perform(world, "preflight", { staging });
  expect(none.check("copy.drift")).toMatchObject({ verdict: "failed" });
  const some = await perform(world, "preflight", { staging: `drift: { ignore: [${left}], limits: { tables: 1, comments: 1 } }` });
  expect(some.check("copy.drift")).toMatchObject({ verdict: "passed", observed: expect.stringMatching(/^\d differences? in/) });
  await owner.rows("DROP TABLE staging.users.friends");
});

test("another environment has none of these checks", async () => {
  const { report } = await perform(world, "preflight", { staging, environment: "production" });
  expect(report.checks.filter(({ id }) => id.startsWith("copy."))).toEqual([]);
});

const record = (more: object, days: number) => {
  const at = new Date(Date.now() - days * 86_400_000).toISOString();
  const base = {
    id: `r${days}`,
    startedAt: at,
    endedAt: at,
    tables: [],
    policies: "p",
    leaks: 0,
    suppressedRows: 0,
    orphans: 0,
    leftOut: 0,
    keepUntil: new Date(Date.parse(at) + 30 * 86_400_000).toISOString(),
    switched: true,
    principal: "keeper@school.example",
    original: "classwaves",
  };
  return JSON.stringify({ ...base, ...more }).replaceAll("'", "''");
};

test.each([
  ["passed", {}, 1],
  ["degraded", {}, 9],
  ["failed", {}, 31],
  ["failed", { leaks: 2 }, 1],
])("data is %s with %j after %i days", async (verdict, more, days) => {
  await owner.rows("CREATE SCHEMA IF NOT EXISTS staging.env_actions");
  await owner.rows(
    "CREATE OR REPLACE TABLE staging.env_actions.refreshes (id STRING, at TIMESTAMP, switched BOOLEAN, record STRING)",
  );
  await owner.rows(`INSERT INTO staging.env_actions.refreshes SELECT 'r', current_timestamp(), true, '${record(more, days)}'`);
  const { check } = await perform(world, "preflight", { staging });
  expect(check("copy.refresh")).toMatchObject({ verdict });
});
