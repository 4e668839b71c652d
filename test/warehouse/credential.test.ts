import { afterAll, beforeAll, expect, it } from "vitest";
import { type Principal, startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { writingRights } from "../../src/warehouse/credential.ts";
import { reading, reads, settingsFor } from "./harness.ts";

// A smoke test's credential must not be able to write. It is examined by reading grants: a right that hides on any level, in a
// group or in ownership is a hole in production.
const servicePrincipal = "0b7d8c1e-1111-4222-8333-444455556666";
const principals = {
  pure: { user: "pure@school.example", groups: ["readers"], grants: [] },
  catalog: { user: "catalog@school.example", grants: [...reading, { privilege: "MODIFY", on: "classwaves" }] },
  schema: { user: "schema@school.example", grants: [...reading, { privilege: "CREATE TABLE", on: "classwaves.sessions" }] },
  table: { user: "table@school.example", grants: [...reading, { privilege: "MODIFY", on: "classwaves.sessions.notes" }] },
  everything: { user: servicePrincipal, grants: [{ privilege: "ALL PRIVILEGES", on: "classwaves" }] },
  grouped: { user: "grouped@school.example", groups: ["readers", "editors"], grants: [] },
  ownsCatalog: { user: "owns.catalog@school.example", grants: [], owns: ["classwaves"] },
  ownsSchema: { user: "owns.schema@school.example", grants: reading, owns: ["classwaves.sessions"] },
  ownsTable: { user: "Owns.Table@school.example", grants: reading, owns: ["classwaves.sessions.notes"] },
} satisfies Record<string, Principal>;

let warehouse: Warehouse;

beforeAll(async () => {
  warehouse = await startWarehouse({
    principals,
    groupGrants: { readers: reading, editors: [{ privilege: "MODIFY", on: "classwaves.sessions" }] },
  });
  await warehouse.createTables({
    "classwaves.sessions.notes": { columns: { id: "string" } },
    "classwaves.users.teachers": { columns: { id: "string" } },
  });
});
afterAll(() => warehouse.stop());

function rightsOf(token: keyof typeof principals) {
  return reads(settingsFor(warehouse, { token }), writingRights);
}

it("finds nothing for a principal that only reads, by its own grants or its group's", async () => {
  expect(await rightsOf("pure")).toEqual([]);
});

it.each([
  ["catalog", "MODIFY", "catalog classwaves", "catalog@school.example"],
  ["schema", "CREATE TABLE", "schema sessions", "schema@school.example"],
  ["table", "MODIFY", "table sessions.notes", "table@school.example"],
  ["everything", "ALL PRIVILEGES", "catalog classwaves", servicePrincipal],
  ["grouped", "MODIFY", "schema sessions", "editors"],
  ["ownsCatalog", "OWNERSHIP", "catalog classwaves", "owns.catalog@school.example"],
  ["ownsSchema", "OWNERSHIP", "schema sessions", "owns.schema@school.example"],
  ["ownsTable", "OWNERSHIP", "table sessions.notes", "Owns.Table@school.example"],
] as const)("finds what %s could write, where it was granted", async (token, privilege, on, holder) => {
  const ours = (await rightsOf(token)).filter((right) => right.holder === holder);
  expect(ours).toEqual([{ privilege, on, holder }]);
});

it("does not hold other people's and other programs' rights against us", async () => {
  // An owner sees everybody's grants; these are not its own.
  const found = await rightsOf("ownsSchema");
  expect(found.map((right) => right.holder)).not.toContain("catalog@school.example");
  expect(found.map((right) => right.holder)).not.toContain(servicePrincipal);
});
