import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { folderForEachTest } from "../harness/folder.ts";
import { type Performed, performIn, type Stage } from "../harness/stage.ts";

// The stage as both doors run it, with production's catalog beside the copy on one warehouse.

const folder = folderForEachTest();
let warehouse: Warehouse;
const token = "dapi-4f9c2b7e61a84d35";
const user = "seeder@school.example";

beforeAll(async () => {
  const all = (["USE CATALOG", "USE SCHEMA", "SELECT", "MODIFY"] as const).flatMap((privilege) =>
    ["production", "staging"].map((on) => ({ privilege, on })),
  );
  warehouse = await startWarehouse({ catalog: "production", principals: { [token]: { user, grants: all } } });
  for (const catalog of ["production", "staging"])
    await warehouse.createTables({
      [`${catalog}.shop.customers`]: { columns: { id: { type: "string", nullable: false }, name: "string", since: "date" } },
      [`${catalog}.shop.orders`]: { columns: { id: "string", customer_id: "string", total: "decimal(8,2)" } },
    });
  await warehouse.load("INSERT INTO production.shop.customers (id, name) VALUES ('real', 'A Person')");
});
afterAll(() => warehouse.stop());

function configuration(staging: object = {}, copy: object = {}) {
  const databricks = (catalog: string) => ({
    host: warehouse.host,
    warehouse: warehouse.warehouseId,
    token: "${DATABRICKS_TOKEN}",
    catalog,
    certificateAuthority: warehouse.certificateAuthority,
  });
  return {
    preset: "none",
    environments: {
      production: { access: "read-only", databricks: databricks("production") },
      staging: {
        access: "test-data",
        databricks: { ...databricks("staging"), expect: { host: "localhost", principal: user }, ...copy },
      },
    },
    staging: {
      original: "production",
      copy: "staging",
      seed: {
        day: "2026-11-23",
        rows: 40,
        tables: {
          "shop.orders": { rows: { per: "shop.customers", from: 1, to: 3 }, references: { customer_id: "shop.customers" } },
        },
        ...staging,
      },
    },
  };
}

async function run(overrides: Stage["overrides"], config: object = configuration()): Promise<Performed> {
  return await performIn(folder.path, { stage: "seed", config, overrides, env: { DATABRICKS_TOKEN: token } });
}

/** Tables of production, the default catalog, go without its name. */
const rows = async (table: string) => (await warehouse.checksum())[table]?.rows;

describe("the stage", () => {
  it("shows a plan, carries it out, finds nothing to do, and starts again from nothing", async () => {
    const shown = await run({});
    expect(shown.report).toMatchObject({
      stage: "seed",
      verdict: "passed",
      staging: { seed: { planned: true, day: "2026-11-23" } },
    });
    expect(await rows("staging.shop.customers")).toBe(0);

    const done = await run({ execute: true });
    expect(done.report.verdict).toBe("passed");
    expect(done.report.staging?.seed?.tables[0]).toEqual({ table: "shop.customers", rows: 40 });
    expect(done.check("seed")?.observed).toMatch(/^\d+ rows in 2 tables$/);
    const filled = await warehouse.checksum();

    expect((await run({ execute: true })).check("seed")?.observed).toBe("nothing to do");
    await warehouse.load("INSERT INTO staging.shop.customers (id, name) VALUES ('stray', 'x')");
    const refused = await run({ execute: true });
    expect(refused.report.verdict).toBe("error");
    expect(JSON.stringify(refused.report)).toContain("EA6131");

    const again = await run({ execute: true, reset: true });
    expect(again.report.staging?.seed?.emptied).toEqual(["shop.customers", "shop.orders"]);
    expect(await warehouse.checksum()).toEqual(filled);
    expect(await rows("shop.customers")).toBe(1);
  });

  it("writes nothing as an unexpected principal", async () => {
    const before = await warehouse.checksum();
    const config = configuration({}, { expect: { host: "localhost", principal: "other@school.example" } });
    const refused = await run({ execute: true, reset: true }, config);
    expect(refused.check("seed")).toMatchObject({ verdict: "failed", message: expect.stringContaining("EA2001") });
    expect(await warehouse.checksum()).toEqual(before);
  });
});
