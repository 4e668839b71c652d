import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { markerComment } from "../../src/staging/branch/name.ts";
import { connect, type TestClient } from "../warehouse-local/client.ts";
import { type CopyWorld, grantsLeftOut, perform, readingProduction, startCopyWorld } from "./copy-world.ts";

/** What lost runs and earlier refreshes left is shown first, then dropped; what may still be needed stays. */

const hour = 3_600_000;
const started = Date.now();
const idOf = (hoursAgo: number, n: number) => `${started - hoursAgo * hour}_0000000${n}`;
const [lost, young] = [idOf(9, 1), idOf(1, 2)];
const [abandoned, half, oldCopy, newCopy] = [idOf(50, 3), idOf(50, 4), idOf(30, 5), idOf(5, 6)];

let world: CopyWorld;
let owner: TestClient;
beforeAll(async () => {
  world = await startCopyWorld({ maker: [...readingProduction, "CREATE CATALOG"] });
  owner = await connect(world.warehouse, "maker", { initialCatalog: "staging", initialSchema: "default" });
  for (const runId of [lost, young]) {
    // A branch is only old if the warehouse's own clock says so, too.
    world.warehouse.faults.clock = Number(runId.split("_")[0]);
    await owner.rows(`CREATE CATALOG staging_ea_${runId}`);
    world.warehouse.faults.clock = undefined;
    const endsBy = Number(runId.split("_")[0]) + 60_000;
    const marker = { of: "staging", runId, by: "maker@school.example", environment: "staging", endsBy };
    await owner.rows(`COMMENT ON CATALOG staging_ea_${runId} IS '${markerComment(marker)}'`);
  }
  for (const schema of [`refresh_${abandoned}`, `refresh_${half}`, `old_${oldCopy}`, `old_${newCopy}`]) {
    await owner.rows(`CREATE SCHEMA staging.env_actions_${schema}`);
    await owner.rows(`CREATE TABLE staging.env_actions_${schema}.map_teacher AS SELECT 't1' AS id`);
  }
  await owner.rows(
    `CREATE TABLE staging.env_actions_refresh_${half}.env_actions_state (at TIMESTAMP, number BIGINT, step STRING, detail STRING)`,
  );
  await owner.rows(
    `INSERT INTO staging.env_actions_refresh_${half}.env_actions_state SELECT timestamp_millis(${started - 50 * hour}), 1, 'switching', '{}'`,
  );
});
afterAll(async () => {
  await owner.close();
  await world.stop();
});

const asked = { as: "maker", staging: grantsLeftOut, config: "testData: { isolation: clone, expireAfter: 4h }" };
const names = async () => {
  const catalogs = (await owner.rows("SHOW CATALOGS")).map((row) => String(Object.values(row)[0]));
  const schemas = (await owner.rows("SHOW SCHEMAS IN staging")).map((row) => String(Object.values(row)[0]));
  return [
    ...catalogs.filter((name) => name.includes("_ea_")),
    ...schemas.filter((name) => name.startsWith("env_actions_")),
  ].sort();
};

test("it is shown what would be dropped, and why the rest is kept; nothing changes", async () => {
  const before = await names();
  expect(before).toHaveLength(6);
  const { report, check } = await perform(world, "sweep", asked);
  expect(report.verdict).toBe("passed");
  expect(check("sweep.branches")).toMatchObject({ verdict: "passed", observed: "1 branch would be dropped" });
  expect(check("sweep.refreshes")).toMatchObject({ observed: "2 schemas would be dropped, 2 kept" });
  expect(report.staging?.sweep).toEqual({
    planned: true,
    things: [
      { what: "branch", name: `staging_ea_${lost}`, state: "planned" },
      { what: "working schema", name: `env_actions_refresh_${abandoned}`, state: "planned" },
      {
        what: "working schema",
        name: `env_actions_refresh_${half}`,
        state: "kept",
        why: "the copy would stay half new; the next `staging refresh --execute` completes it",
      },
      { what: "old copy", name: `env_actions_old_${oldCopy}`, state: "planned" },
      { what: "old copy", name: `env_actions_old_${newCopy}`, state: "kept", why: "not past its time" },
    ],
  });
  expect(await names()).toEqual(before);
});

test("with execute it is dropped, noted and gone, and a second sweep finds nothing to do", async () => {
  const { report, check, workspace } = await perform(world, "sweep", { ...asked, overrides: { execute: true } });
  expect(check("sweep.branches")).toMatchObject({ verdict: "passed", observed: "1 branch dropped, 0 left" });
  expect(report.staging?.sweep?.things.filter(({ state }) => state === "dropped").map(({ name }) => name)).toEqual([
    `staging_ea_${lost}`,
    `env_actions_refresh_${abandoned}`,
    `env_actions_old_${oldCopy}`,
  ]);
  expect(await names()).toEqual([`staging_ea_${young}`, `env_actions_refresh_${half}`, `env_actions_old_${newCopy}`].sort());
  const log = await readFile(join(workspace, ".env-actions", "audit.jsonl"), "utf8");
  for (const name of [`staging_ea_${lost}`, `env_actions_old_${oldCopy}`]) expect(log).toContain(name);
  const again = await perform(world, "sweep", { ...asked, overrides: { execute: true } });
  expect(again.check("sweep.refreshes")).toMatchObject({ observed: "0 schemas dropped, 2 kept" });
});

test("without branches, only refreshes are looked at", async () => {
  const { check } = await perform(world, "sweep", { as: "maker" });
  expect(check("sweep.branches")).toMatchObject({ verdict: "skipped" });
  expect(check("sweep.refreshes")).toMatchObject({ verdict: "passed" });
});
