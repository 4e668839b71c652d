import { afterAll, beforeAll, expect, it } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { type CompareOptions, compareStructures } from "../../src/staging/drift/compare.ts";
import { readStructure } from "../../src/staging/structure/read.ts";
import type { Structure } from "../../src/staging/structure/structure.ts";
import { openReader } from "../../src/warehouse/access.ts";
import { connect, type TestClient } from "../warehouse-local/client.ts";

const now = new Date("2026-11-30T12:00:00Z");
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

async function read(token: string, catalog: string): Promise<Structure> {
  const reader = await openReader(
    {
      host: warehouse.host,
      path: warehouse.path,
      token,
      catalog: "classwaves",
      certificateAuthority: warehouse.certificateAuthority,
      startTimeoutMs: 10_000,
      runId: "1763920000000_1a2b3c4d",
    },
    { signal: new AbortController().signal },
  );
  try {
    return await readStructure(reader, catalog, now);
  } finally {
    await reader.close();
  }
}

async function differences(options?: CompareOptions): Promise<string[]> {
  const [original, copy] = await Promise.all([read("mirror", "classwaves"), read("mirror", "staging")]);
  const drift = compareStructures(original, copy, options);
  return Object.values(drift.facets).flatMap((one) =>
    one.differences.map(({ facet, object, item, how }) =>
      [facet, object, item, how].filter((part) => part !== undefined).join(" "),
    ),
  );
}

it("finds no difference between two equal catalogs, and each that is made", async () => {
  expect(await differences()).toEqual([]);
  await admin.rows("ALTER TABLE staging.users.pupils ADD COLUMN age INT");
  await admin.rows("DROP TABLE staging.users.teachers");
  await admin.rows("CREATE TABLE staging.users.extra (id STRING)");
  expect(await differences()).toEqual([
    "tables users.extra additional",
    "tables users.teachers missing",
    "columns users.pupils.age additional",
  ]);
});
