import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Principal, type Privilege, startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { checkReadOnlyCredential } from "../../src/checks/databricks/check.ts";
import { withException } from "../../src/checks/run-check.ts";
import { openReader, type WarehouseReader } from "../../src/warehouse/access.ts";
import { examineCredential } from "../../src/warehouse/credential.ts";
import { WarehouseFailure } from "../../src/warehouse/failure.ts";
import { runOnce } from "../checks/run-once.ts";
import { reading, reads, settingsFor } from "./harness.ts";

// A smoke test's credential must not be able to write. The check reads grants: a right that it misses on any level, in a group or
// in ownership, is a security hole in production.
const servicePrincipal = "0b7d8c1e-1111-4222-8333-444455556666";
/** Groups may have names like people and programs. */
const groupLikeProgram = "3f2b8c1e-1111-2222-3333-444455556666";
const grant = (privilege: Privilege, on = "classwaves") => ({ privilege, on });
const principals = {
  pure: { user: "pure@school.example", groups: ["readers"], grants: [] },
  direct: { user: "direct@school.example", grants: reading },
  catalog: { user: "catalog@school.example", grants: [...reading, grant("MODIFY")] },
  schema: { user: "schema@school.example", grants: [...reading, grant("CREATE TABLE", "classwaves.sessions")] },
  table: { user: "table@school.example", grants: [...reading, grant("MODIFY", "classwaves.sessions.notes")] },
  everything: { user: servicePrincipal, grants: [grant("ALL PRIVILEGES")] },
  everythingInSchema: { user: "all.schema@school.example", grants: [...reading, grant("ALL PRIVILEGES", "classwaves.users")] },
  manager: { user: "manager@school.example", grants: [...reading, grant("MANAGE", "classwaves.users.teachers")] },
  makesSchemas: { user: "makes.schemas@school.example", grants: [...reading, grant("CREATE SCHEMA")] },
  makesCatalogs: { user: "makes.catalogs@school.example", grants: [...reading, grant("CREATE CATALOG", "METASTORE")] },
  grouped: { user: "grouped@school.example", groups: ["readers", "editors"], grants: [] },
  groupManages: { user: "group.manages@school.example", groups: ["readers", "managers"], grants: [] },
  groupMakesCatalogs: { user: "group.makes@school.example", groups: ["readers", "founders"], grants: [] },
  ownsCatalog: { user: "owns.catalog@school.example", grants: [], owns: ["classwaves"] },
  ownsSchema: { user: "owns.schema@school.example", grants: reading, owns: ["classwaves.sessions"] },
  ownsTable: { user: "Owns.Table@school.example", grants: reading, owns: ["classwaves.sessions.notes"] },
  groupOwnsSchema: { user: "group.owns@school.example", groups: ["librarians"], grants: reading },
  groupOwnsTable: { user: "group.owns.table@school.example", groups: ["readers", "archivists"], grants: [] },
  hiddenOwner: { user: "hidden.owner@school.example", hiddenGroups: ["librarians"], grants: reading },
  metastoreAdmin: { user: "metastore@school.example", groups: ["metastore admins"], grants: reading },
  administrator: { user: "administrator@school.example", admin: true, grants: [] },
  inGroupLikeAddress: { user: "in.address@school.example", groups: ["readers", "data-writers@school.example"], grants: [] },
  inGroupLikeProgram: { user: "in.program@school.example", groups: ["readers", groupLikeProgram], grants: [] },
  unexplained: { user: "unexplained@school.example", hiddenGroups: ["editors", "readers"], grants: [] },
} satisfies Record<string, Principal>;

let warehouse: Warehouse;

beforeAll(async () => {
  warehouse = await startWarehouse({
    principals,
    groupGrants: {
      readers: reading,
      editors: [grant("MODIFY", "classwaves.sessions")],
      managers: [grant("MANAGE")],
      founders: [grant("CREATE CATALOG", "METASTORE")],
      "data-writers@school.example": [grant("MODIFY")],
      [groupLikeProgram]: [grant("ALL PRIVILEGES", "classwaves.users")],
    },
    groupOwns: { librarians: ["classwaves.users"], archivists: ["classwaves.users.teachers"] },
    metastoreOwner: "metastore admins",
  });
  await warehouse.createTables({
    "classwaves.sessions.notes": { columns: { id: "string" } },
    "classwaves.users.teachers": { columns: { id: "string" } },
  });
});
afterAll(() => warehouse.stop());

function examined(token: keyof typeof principals) {
  return reads(settingsFor(warehouse, { token }), examineCredential);
}

it.each(["pure", "direct"] as const)("finds nothing for %s, which only reads", async (token) => {
  expect(await examined(token)).toEqual({ writing: [], unknown: [] });
});

it.each([
  ["catalog", "MODIFY", "catalog classwaves", "catalog@school.example"],
  ["schema", "CREATE TABLE", "schema sessions", "schema@school.example"],
  ["table", "MODIFY", "table sessions.notes", "table@school.example"],
  ["everything", "ALL PRIVILEGES", "catalog classwaves", servicePrincipal],
  ["everythingInSchema", "ALL PRIVILEGES", "schema users", "all.schema@school.example"],
  ["manager", "MANAGE", "table users.teachers", "manager@school.example"],
  ["makesSchemas", "CREATE SCHEMA", "catalog classwaves", "makes.schemas@school.example"],
  ["makesCatalogs", "CREATE CATALOG", "metastore", "makes.catalogs@school.example"],
  ["grouped", "MODIFY", "schema sessions", "editors"],
  ["groupManages", "MANAGE", "catalog classwaves", "managers"],
  ["groupMakesCatalogs", "CREATE CATALOG", "metastore", "founders"],
  ["inGroupLikeAddress", "MODIFY", "catalog classwaves", "data-writers@school.example"],
  ["inGroupLikeProgram", "ALL PRIVILEGES", "schema users", groupLikeProgram],
  ["ownsCatalog", "OWNERSHIP", "catalog classwaves", "owns.catalog@school.example"],
  ["ownsSchema", "OWNERSHIP", "schema sessions", "owns.schema@school.example"],
  ["ownsTable", "OWNERSHIP", "table sessions.notes", "Owns.Table@school.example"],
  ["groupOwnsSchema", "OWNERSHIP", "schema users", "librarians"],
  ["groupOwnsTable", "OWNERSHIP", "table users.teachers", "archivists"],
  // The warehouse hides this group's grants, but its ownership and the membership are still visible.
  ["hiddenOwner", "OWNERSHIP", "schema users", "librarians"],
  ["metastoreAdmin", "OWNERSHIP", "metastore", "metastore admins"],
  ["administrator", "ADMINISTRATION", "workspace", "admins"],
] as const)("finds what %s could write, where it was granted", async (token, privilege, on, holder) => {
  const { writing } = await examined(token);
  expect(writing.filter((right) => right.holder === holder)).toEqual([{ privilege, on, holder }]);
  expect((await checkReadOnlyCredential(runOnce, () => opened(token))).verdict).toBe("failed");
});

it("ignores the rights of other people, programs and groups", async () => {
  // An owner sees everybody's grants; these are not its own.
  const { writing } = await examined("ownsSchema");
  expect(new Set(writing.map((right) => right.holder))).toEqual(new Set(["owns.schema@school.example"]));
});

// The local warehouse has no volumes, so their answers are inserted.
it.each([
  [
    "volume_privileges",
    { holder: "direct@school.example", privilege: "WRITE_VOLUME", object: "volume sessions.audio" },
    "WRITE VOLUME",
  ],
  ["volumes", { holder: "readers", privilege: "OWNERSHIP", object: "volume sessions.audio" }, undefined],
  ["volumes", { holder: "Direct@school.example", privilege: "OWNERSHIP", object: "volume sessions.audio" }, "OWNERSHIP"],
] as const)("finds what could be written to a volume: %s, %j", async (view, right, privilege) => {
  await reads(settingsFor(warehouse, { token: "direct" }), async (reader) => {
    const query: WarehouseReader["query"] = async (statement, parameters) => {
      const rows = await reader.query(statement, parameters);
      return new RegExp(`information_schema\\.${view}\\b`).test(statement) ? [right] : rows;
    };
    const { writing } = await examineCredential({ ...reader, query });
    expect(writing).toEqual(privilege === undefined ? [] : [{ holder: right.holder, privilege, on: "volume sessions.audio" }]);
  });
});

describe("what cannot be read is never passed", () => {
  it("reading through an invisible grant", async () => {
    expect(await examined("unexplained")).toMatchObject({
      writing: [],
      unknown: [expect.stringContaining("at least one grant is hidden from it")],
    });
    expect(await checkReadOnlyCredential(runOnce, () => opened("unexplained"))).toMatchObject({
      verdict: "error",
      message: expect.stringContaining("is unknown whether"),
    });
  });

  // Each question in turn is refused; the result must never be "it only reads".
  it.each([
    "catalog_privileges",
    "schema_privileges",
    "table_privileges",
    "metastore_privileges",
    "catalogs",
    "schemata",
    "tables",
    "volumes",
    "volume_privileges",
    "metastores",
    "is_member",
  ])("%s refused", async (what) => {
    await reads(settingsFor(warehouse, { token: "pure" }), async (reader) => {
      const query: WarehouseReader["query"] = async (statement, parameters) => {
        if (new RegExp(`[.\\s]${what}\\b`).test(statement)) throw new WarehouseFailure("denied", "PERMISSION_DENIED");
        return reader.query(statement, parameters);
      };
      const { writing, unknown } = await examineCredential({ ...reader, query });
      expect(writing).toEqual([]);
      expect(unknown.join()).toContain("PERMISSION_DENIED");
    });
  });

  it("a membership without an answer", async () => {
    await reads(settingsFor(warehouse, { token: "pure" }), async (reader) => {
      const query: WarehouseReader["query"] = async (statement, parameters) =>
        statement.includes("is_member") ? [] : reader.query(statement, parameters);
      expect(await examineCredential({ ...reader, query })).toMatchObject({
        writing: [],
        unknown: [expect.stringContaining("the warehouse did not answer which groups")],
      });
    });
  });

  it("a membership answered with null", async () => {
    await reads(settingsFor(warehouse, { token: "pure" }), async (reader) => {
      const query: WarehouseReader["query"] = async (statement, parameters) =>
        statement.includes("is_member") ? [{ m0: false, m1: null }] : reader.query(statement, parameters);
      expect((await examineCredential({ ...reader, query })).unknown).not.toEqual([]);
    });
  });
});

describe("a written exception", () => {
  const reason = "the reader is replaced, #412";
  const now = Date.parse("2026-06-15T12:00:00Z");
  const failed = { verdict: "failed", message: "It could write." } as const;

  it.each([
    ["2026-06-15", "degraded"],
    ["2027-01-01", "degraded"],
    ["2026-06-14", "failed"],
  ])("until %s, on 2026-06-15: %s, with its reason", (until, verdict) => {
    const found = withException(failed, { until, reason }, now);
    expect(found).toMatchObject({ verdict, message: expect.stringContaining(reason) });
    expect(found.message).toContain(until);
  });

  it("doesn't make unknown pass either, and reports when it isn't needed", () => {
    const exception = { until: "2026-12-31", reason };
    expect(withException({ verdict: "error", message: "Unknown." }, exception, now).verdict).toBe("degraded");
    expect(withException({ verdict: "passed" }, exception, now)).toMatchObject({
      verdict: "degraded",
      message: expect.stringContaining("remove it"),
    });
    expect(withException(failed, undefined, now)).toEqual(failed);
  });

  it("applies to the check as a whole", async () => {
    const check = await checkReadOnlyCredential(runOnce, () => opened("catalog"), { until: "2999-12-31", reason });
    expect(check).toMatchObject({ verdict: "degraded", observed: expect.stringContaining("MODIFY on catalog classwaves") });
    expect(check.message).toContain(reason);
    expect(check.expires).toEqual([{ what: "exception", name: "databricks.mayWrite", at: "2999-12-31T23:59:59.999Z" }]);
  });
});

it("only reads", () => {
  const told = warehouse.statements.map(({ sql }) => sql.replace(/^\/\*.*?\*\/ /, ""));
  expect(told.length).toBeGreaterThan(0);
  expect(told.filter((sql) => !sql.startsWith("SELECT "))).toEqual([]);
});

const opening: WarehouseReader[] = [];
afterAll(() => Promise.all(opening.map((reader) => reader.close())));

async function opened(token: keyof typeof principals): Promise<WarehouseReader> {
  const reader = await openReader(settingsFor(warehouse, { token }), { signal: new AbortController().signal });
  opening.push(reader);
  return reader;
}
