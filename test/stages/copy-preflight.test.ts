import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { Binding } from "../../local/warehouse/index.ts";
import { connect, type TestClient } from "../warehouse-local/client.ts";
import { type CopyWorld, perform, readingProduction, startCopyWorld } from "./copy-world.ts";

/** Tests must not begin in a copy from which production can be written, that is unlike it, or that has its people in it. */

let world: CopyWorld;
let owner: TestClient;
beforeAll(async () => {
  world = await startCopyWorld({
    writer: [...readingProduction, "MODIFY"],
    // Only who manages a catalog may ask how it is bound.
    manager: [...readingProduction, "MANAGE"],
  });
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

test.each([
  ["BINDING_TYPE_READ_ONLY", undefined, "passed", "read-only"],
  ["BINDING_TYPE_READ_WRITE", undefined, "failed", "writable"],
  // Open to all workspaces.
  [undefined, undefined, "failed", "writable"],
  ["BINDING_TYPE_READ_WRITE", "any", "passed", "writable"],
] as const)("a catalog bound as %s, with binding: %s, is %s", async (binding, wanted, verdict, observed) => {
  bind(binding);
  const more = wanted ? `${staging}\nbinding: ${wanted}` : staging;
  const { check } = await perform(world, "preflight", { as: "manager", staging: more });
  expect(check("copy.production-binding")).toMatchObject({ verdict, observed });
  if (verdict === "failed") expect(check("copy.production-binding")?.message).toContain("Bind the catalog to it read-only");
});

test("a catalog that isn't bound to this workspace is never passed as read-only", async () => {
  bind("unbound");
  const { report, check } = await perform(world, "preflight", { as: "manager", staging });
  expect(check("copy.production-binding")?.verdict).not.toBe("passed");
  expect(["failed", "error"]).toContain(report.verdict);
});

test("who may not ask about the binding gets no answer, and no pass", async () => {
  bind("BINDING_TYPE_READ_ONLY");
  const { check } = await perform(world, "preflight", { staging });
  expect(check("copy.production-binding")).toMatchObject({ verdict: "skipped", message: expect.stringContaining("HTTP 403") });
});

function bind(binding: Binding | undefined): void {
  if (binding === undefined) delete world.warehouse.bindings.classwaves;
  else world.warehouse.bindings.classwaves = binding;
  onTestFinished(() => {
    delete world.warehouse.bindings.classwaves;
  });
}

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
  const keepUntil = (JSON.parse(record(more, days)) as { keepUntil: string }).keepUntil;
  const found = check("copy.refresh");
  expect(found).toMatchObject({ verdict, expires: [{ what: "copy", name: "staging" }] });
  expect(Math.abs(Date.parse(found?.expires?.[0]?.at ?? "") - Date.parse(keepUntil))).toBeLessThan(60_000);
});
