import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, type TestClient } from "../warehouse-local/client.ts";
import { type CopyWorld, perform, startCopyWorld } from "./copy-world.ts";

/** Nothing of the copy changes unasked, nothing of production ever, and what was done is compared again. */

let world: CopyWorld;
let owner: TestClient;
beforeAll(async () => {
  world = await startCopyWorld();
  owner = await connect(world.warehouse, "keeper", { initialCatalog: "staging", initialSchema: "default" });
});
afterAll(async () => {
  await owner.close();
  await world.stop();
});

const tablesOfCopy = async () =>
  (
    await owner.rows(
      "SELECT table_schema, table_name FROM staging.information_schema.tables WHERE table_schema <> 'information_schema'",
    )
  )
    .map(({ table_schema, table_name }) => `${String(table_schema)}.${String(table_name)}`)
    .sort();
const changesSince = (from: number) =>
  world.warehouse.statements
    .slice(from)
    .filter(({ sql }) => !/^\W*(?:--[^\n]*\n|\/\*.*?\*\/\s*)*(?:SELECT|DESCRIBE|SHOW|WITH)/is.test(sql));

test("a table that the copy lacks is planned, then created, and then there is nothing to do", async () => {
  await owner.rows("DROP TABLE staging.users.pupils");
  const from = world.warehouse.statements.length;
  const shown = await perform(world, "sync");
  expect(shown.check("sync")).toMatchObject({ verdict: "passed", observed: "1 statement planned" });
  expect(await tablesOfCopy()).not.toContain("users.pupils");
  expect(changesSince(from)).toEqual([]);

  const done = await perform(world, "sync", { overrides: { execute: true } });
  expect(done.check("sync")).toMatchObject({ verdict: "passed", observed: "1 statement done, 0 differences left" });
  expect(await tablesOfCopy()).toContain("users.pupils");
  const log = (await readFile(join(done.workspace, ".env-actions", "audit.jsonl"), "utf8")).trim().split("\n");
  const details = log.map((line) => (JSON.parse(line) as { details: Record<string, unknown> }).details);
  expect(details.filter(({ what }) => what === "sync")).toMatchObject([{ object: "users.pupils" }]);

  const again = world.warehouse.statements.length;
  const second = await perform(world, "sync", { overrides: { execute: true } });
  expect(second.check("sync")).toMatchObject({ verdict: "passed", observed: "nothing to do" });
  expect(changesSince(again)).toEqual([]);
});

test("a table that only the copy has is dropped with the digest of the plan, and not without", async () => {
  await owner.rows("CREATE TABLE staging.users.friends (id STRING)");
  await owner.rows("INSERT INTO staging.users.friends VALUES ('a')");
  const refused = await perform(world, "sync", { overrides: { execute: true } });
  const digest = refused.report.staging?.sync?.digest ?? "";
  expect(refused.check("sync")).toMatchObject({ verdict: "failed", observed: "1 statement, 1 of which loses something" });
  expect(refused.check("sync")?.message).toContain(digest);
  expect(await tablesOfCopy()).toContain("users.friends");

  const other = await perform(world, "sync", { overrides: { execute: true, planDigest: "0".repeat(64) } });
  expect(other.check("sync")?.message).toContain("The plan has changed");
  expect(await tablesOfCopy()).toContain("users.friends");

  const done = await perform(world, "sync", { overrides: { execute: true, planDigest: digest } });
  expect(done.report.staging?.sync).toMatchObject({ left: 0, steps: [{ loses: "rows", outcome: "done" }] });
  expect(await tablesOfCopy()).not.toContain("users.friends");
});

test("production is never written: each change names the copy's catalog", async () => {
  const changes = changesSince(0).map(({ sql }) => sql);
  expect(changes.length).toBeGreaterThan(3);
  expect(changes.filter((sql) => /classwaves/.test(sql))).toEqual([]);
});
