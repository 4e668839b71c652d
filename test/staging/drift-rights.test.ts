import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Grant, type Principal, startWarehouse, type TableDefinition, type Warehouse } from "../../local/warehouse/index.ts";
import { type Facet, facets } from "../../src/model/staging.ts";
import { compareStructures } from "../../src/staging/drift/compare.ts";
import type { Structure, TableStructure } from "../../src/staging/structure/structure.ts";
import { differencesOf, readBoth } from "./read.ts";
import { catalogs, type Side, sides } from "./world.ts";

// A principal reads both catalogs with every right that it needs, and then with each of them taken away. What it then cannot see
// must never look as if it were gone.

const schemas = ["users", "sessions"];
const tables = ["one", "two", "three"];

const definition: TableDefinition = {
  columns: {
    id: { type: "string", nullable: false },
    level: { type: "int", default: "1" },
    twice: { type: "int", generatedAs: "level * 2" },
  },
  constraints: { low: "level < 10" },
  properties: { "delta.feature.allowColumnDefaults": "supported", team: "data" },
};

function on(catalog: string, privileges: readonly Grant["privilege"][], ...objects: string[]): Grant[] {
  return objects.flatMap((object) =>
    privileges.map((privilege) => ({ privilege, on: object === "" ? catalog : `${catalog}.${object}` })),
  );
}

const everyTable = schemas.flatMap((schema) => tables.map((table) => `${schema}.${table}`));
const both = Object.values(catalogs);

/** Rights with which everything but grants to others can be seen, in the ways in which they are usually given. */
const realistic: Record<string, Pick<Principal, "grants" | "owns">> = {
  "of the catalogs": { grants: both.flatMap((catalog) => on(catalog, ["USE CATALOG", "USE SCHEMA", "SELECT"], "")) },
  "of the original's catalog, and owner of the copy": {
    grants: on(catalogs.original, ["USE CATALOG", "USE SCHEMA", "SELECT"], ""),
    owns: [catalogs.copy],
  },
  "of the schemas": {
    grants: both.flatMap((catalog) => [
      ...on(catalog, ["USE CATALOG", "USE SCHEMA"], ""),
      ...on(catalog, ["SELECT"], "default", ...schemas),
    ]),
  },
};
/** Rights that show every table, and prove of no list that it is complete. */
const unproven: typeof realistic = {
  "of the tables": {
    grants: both.flatMap((catalog) => [
      ...on(catalog, ["USE CATALOG"], ""),
      ...on(catalog, ["USE SCHEMA"], ...schemas),
      ...on(catalog, ["SELECT"], ...everyTable),
    ]),
  },
};

/** By token: each set of rights, and each without one of them. */
function principals(): Record<string, Principal> {
  return Object.fromEntries(
    Object.entries({ ...realistic, ...unproven }).flatMap(([name, { grants, owns = [] }]) => [
      [name, { user: `${name}@school.test`, grants, owns }],
      ...grants.map((_, at) => [
        `${name} without ${at}`,
        { user: `${at}.${name}@school.test`, grants: grants.toSpliced(at, 1), owns },
      ]),
      ...owns.map((_, at) => [
        `${name} without owner ${at}`,
        { user: `o${at}.${name}@school.test`, grants, owns: owns.toSpliced(at, 1) },
      ]),
    ]),
  );
}

/** Everything that a structure shows of a facet, by object. It is deliberately simple. */
function shown(structure: Structure, facet: Facet): Set<string> {
  const found = new Set<string>();
  const add = (object: string, value: unknown): unknown => {
    const isEmpty = value === undefined || (typeof value === "object" && value !== null && Object.keys(value).length === 0);
    return isEmpty || found.add(object);
  };
  for (const [name, schema] of Object.entries(structure.schemas)) {
    if (facet === "schemas") add(name, true);
    if (facet === "grants") add(name, schema.owner);
    for (const [table, what] of Object.entries(schema.tables))
      for (const value of ofTable(what, facet)) add(`${name}.${table}`, value);
  }
  return found;
}

function ofTable(table: TableStructure, facet: Facet): unknown[] {
  const columns = (key: keyof TableStructure["columns"][number]): unknown[] => table.columns.map((column) => column[key]);
  switch (facet) {
    case "tables":
      return [table.kind === "table" || undefined];
    case "views":
      return [table.viewText];
    case "columns":
    case "types":
      return columns("type");
    case "nullability":
      return columns("nullable");
    case "defaults":
      return columns("default");
    case "generated":
      return columns("generatedAs");
    case "comments":
      return [table.comment, ...columns("comment")];
    case "constraints":
      return [table.checks, table.primaryKey, table.foreignKeys];
    case "properties":
      return [table.properties];
    case "clustering":
      return [table.clusteredBy, table.partitionedBy];
    case "grants":
      return [table.owner];
    default:
      return [];
  }
}

let warehouse: Warehouse;

beforeAll(async () => {
  warehouse = await startWarehouse({ principals: principals() });
  const all = both.flatMap((catalog) => everyTable.map((table) => [`${catalog}.${table}`, definition] as const));
  await warehouse.createTables(Object.fromEntries(all));
  // Differences that every reader with all rights sees.
  await warehouse.createTables({
    [`${catalogs.original}.users.only_there`]: definition,
    [`${catalogs.copy}.sessions.only_here`]: definition,
  });
});
afterAll(() => warehouse.stop());

/** Differences of rights that these tests are made of. */
const ignore = [
  { object: "(catalog)", facet: "grants" as const, reason: "the copy has another owner, and the original's readers are its own" },
];

const actual = ["tables sessions.only_here additional", "tables users.only_there missing"];

describe.each(Object.keys(realistic))("with rights %s", (name) => {
  it("proves that lists are complete, so that what is missing is known to be missing", async () => {
    const full = await readBoth(warehouse, name);
    const { facets: found } = compareStructures(full.original, full.copy, { ignore });
    expect(differencesOf(full, { ignore })).toEqual(actual);
    for (const facet of ["schemas", "views", "columns", "types", "nullability", "defaults", "generated"] as const)
      expect(found[facet], facet).toMatchObject({ verdict: "equal", unseen: [] });
    expect(found.properties.verdict).toBe("equal");
    expect(found.columns.compared).toBe(18);
  });
});

describe.each(Object.keys(unproven))("with rights %s", (name) => {
  it("says of nothing that it is missing or equal", async () => {
    const full = await readBoth(warehouse, name);
    const { facets: found } = compareStructures(full.original, full.copy, { ignore });
    expect(differencesOf(full, { ignore })).toEqual([]);
    for (const facet of facets) expect(found[facet].verdict, facet).toBe("unseen");
    expect(found.columns.compared).toBe(18);
  });
});

it("without any one right, nothing looks missing, and every facet that it hid is unseen", async () => {
  let hidden = 0;
  for (const [token, base] of Object.keys(principals()).flatMap((one) => {
    const [set, without] = one.split(" without ");
    return without === undefined ? [] : [[one, set ?? ""] as const];
  })) {
    const [full, reduced] = await Promise.all([readBoth(warehouse, base), readBoth(warehouse, token)]);
    const { facets: found } = compareStructures(reduced.original, reduced.copy, { ignore });
    const left = differencesOf(reduced, { ignore });
    expect(
      left.filter((one) => !actual.includes(one)),
      token,
    ).toEqual([]);
    for (const facet of facets) {
      const isHidden = sides.some((side: Side) =>
        [...shown(full[side], facet)].some((object) => !shown(reduced[side], facet).has(object)),
      );
      if (isHidden) hidden++;
      if (isHidden) expect(found[facet].verdict, `${facet} ${token}`).not.toBe("equal");
      // A difference that isn't found any more must not be taken for equality.
      const lost = actual.filter((one) => one.startsWith(`${facet} `) && !left.includes(one));
      if (lost.length > 0) expect(found[facet].unseen, `${facet} ${token}`).not.toEqual([]);
    }
  }
  expect(hidden).toBeGreaterThan(100);
});
