import { afterAll, beforeAll, expect, it } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { connect, type TestClient } from "../warehouse-local/client.ts";
import { differencesOf, readBoth } from "./read.ts";

const table = { columns: { id: { type: "string", nullable: false }, name: "string", at: "timestamp" } } as const;

let warehouse: Warehouse;
let admin: TestClient;

beforeAll(async () => {
  warehouse = await startWarehouse({
    principals: {
      admin: { user: "admin@school.test", grants: [], admin: true },
      mirror: { user: "mirror@school.test", grants: [], owns: ["classwaves", "staging"] },
    },
  });
  await warehouse.createTables({
    "classwaves.users.teachers": table,
    "classwaves.users.pupils": table,
    "staging.users.teachers": table,
    "staging.users.pupils": table,
  });
  admin = await connect(warehouse, "admin", { initialCatalog: "classwaves", initialSchema: "default" });
});

afterAll(async () => {
  await admin.close();
  await warehouse.stop();
});

it("finds no difference between two equal catalogs, and each that is made", async () => {
  expect(differencesOf(await readBoth(warehouse, "mirror"))).toEqual([]);
  await admin.rows("ALTER TABLE staging.users.pupils ADD COLUMN age INT");
  await admin.rows("DROP TABLE staging.users.teachers");
  await admin.rows("CREATE TABLE staging.users.extra (id STRING)");
  expect(differencesOf(await readBoth(warehouse, "mirror"))).toEqual([
    "columns users.pupils.age additional",
    "tables users.extra additional",
    "tables users.teachers missing",
  ]);
});
