import { expect } from "vitest";
import type { Grant, Principal } from "../../local/warehouse/index.ts";
import { type Facet, facets } from "../../src/model/staging.ts";
import { compareStructures } from "../../src/staging/drift/compare.ts";
import type { Structure, TableStructure } from "../../src/staging/structure/structure.ts";
import { differencesOf, readBoth } from "./read.ts";
import type { WarehouseWorld } from "./warehouse-world.ts";
import { catalogs, type Side, sides } from "./world.ts";

/** Principals that read two catalogs with every right that they need, and each of them without one right. */

const both = Object.values(catalogs);

function on(catalog: string, privileges: readonly Grant["privilege"][], ...objects: string[]): Grant[] {
  return objects.flatMap((object) =>
    privileges.map((privilege) => ({ privilege, on: object === "" ? catalog : `${catalog}.${object}` })),
  );
}

export type Rights = Pick<Principal, "grants" | "groups">;

/** Rights with which all but others' grants can be seen, in the ways in which they are usually given. */
export function completeRights(schemas: readonly string[]): Record<string, Rights> {
  const using = both.flatMap((catalog) => on(catalog, ["USE CATALOG", "USE SCHEMA"], ""));
  return {
    catalogs: { grants: [...using, ...both.flatMap((catalog) => on(catalog, ["SELECT"], ""))] },
    schemas: { grants: [...using, ...both.flatMap((catalog) => on(catalog, ["SELECT"], "default", "rules", ...schemas))] },
    browse: { grants: both.flatMap((catalog) => on(catalog, ["BROWSE", "USE CATALOG", "USE SCHEMA", "SELECT"], "")) },
    everything: { grants: both.flatMap((catalog) => on(catalog, ["ALL PRIVILEGES"], "")) },
  };
}

/** With these, others' grants can be seen too. */
export const managing: Record<string, Rights> = {
  manage: { grants: both.flatMap((catalog) => on(catalog, ["USE CATALOG", "USE SCHEMA", "SELECT", "MANAGE"], "")) },
};

/** Rights that show every table, and prove of no list that it is complete. */
export function unprovenRights(schemas: readonly string[], objects: readonly string[]): Record<string, Rights> {
  const tables = both.flatMap((catalog) => [
    ...on(catalog, ["USE CATALOG"], ""),
    ...on(catalog, ["USE SCHEMA"], ...schemas),
    ...on(catalog, ["SELECT"], ...objects),
  ]);
  return { tables: { grants: tables } };
}

/** By token: each set of rights, and each without one of them. */
export function principalsWith(sets: Readonly<Record<string, Rights>>): Record<string, Principal> {
  return Object.fromEntries(
    Object.entries(sets).flatMap(([name, { grants, groups = [] }]) => [
      [name, { user: `${name}@school.test`, grants, groups }],
      ...grants.map((_, at) => [
        `${name} without ${at}`,
        { user: `${name}.${at}@school.test`, grants: grants.toSpliced(at, 1), groups },
      ]),
    ]),
  );
}

/** Each principal has grants of its own, which the tests are not about. */
export const ignore = [{ object: "(catalog)", facet: "grants" as const, reason: "readers' own grants" }].concat(
  ["default", "rules", "schema_*"].map((object) => ({ object, facet: "grants" as const, reason: "readers' own grants" })),
);

/** Tables of one side alone, as every reader with all rights sees them. */
export const actual = ["tables schema_0.only_here additional", "tables schema_0.only_there missing"];

export async function makeDifferent(world: WarehouseWorld, schemas: number, tables: number): Promise<void> {
  await world.make(schemas, tables);
  await world.client.rows(`CREATE TABLE ${catalogs.original}.schema_0.only_there (id STRING)`);
  await world.client.rows(`CREATE TABLE ${catalogs.copy}.schema_0.only_here (id STRING)`);
}

/** Reads again with less, and expects {@link hiddenFacets}. */
export async function expectNothingInvented(
  world: WarehouseWorld,
  full: Record<Side, Structure>,
  token: string,
): Promise<number> {
  return hiddenFacets(full, await readBoth(world.warehouse, token), token, actual).length;
}

/**
 * Expects that what only `full` shows is not reported as a difference, and that its facets are not equal.
 * @param known the differences that there are
 * @returns the facets of which something was hidden
 */
export function hiddenFacets(
  full: Record<Side, Structure>,
  reduced: Record<Side, Structure>,
  label: string,
  known: readonly string[],
): Facet[] {
  const { facets: found } = compareStructures(reduced.original, reduced.copy, { ignore });
  const left = differencesOf(reduced, { ignore });
  const invented = left.filter((one) => !known.includes(one));
  expect(invented, label).toEqual([]);
  return facets.filter((facet) => {
    const isHidden = sides.some((side) => {
      const seen = shown(reduced[side], facet);
      return [...shown(full[side], facet)].some((object) => !seen.has(object));
    });
    // A difference that isn't found any more must not be taken for equality.
    const isLost = known.some((one) => one.startsWith(`${facet} `) && !left.includes(one));
    if (isHidden || isLost) expect(found[facet].unseen, `${facet} ${label}`).not.toEqual([]);
    if (isHidden || isLost) expect(found[facet].verdict, `${facet} ${label}`).not.toBe("equal");
    return isHidden;
  });
}

/** Objects of which a structure shows something of a facet. */
function shown(structure: Structure, facet: Facet): Set<string> {
  const found = new Set<string>();
  const add = (object: string, value: unknown): void => {
    const isEmpty = value === undefined || (typeof value === "object" && value !== null && Object.keys(value).length === 0);
    if (!isEmpty) found.add(object);
  };
  for (const [name, schema] of Object.entries(structure.schemas)) {
    if (facet === "schemas") add(name, true);
    if (facet === "comments") add(name, schema.comment);
    if (facet === "policies") add(name, schema.tags);
    if (facet === "grants") add(name, schema.owner);
    for (const [table, what] of Object.entries(schema.tables))
      for (const value of ofTable(what, facet)) add(`${name}.${table}`, value);
  }
  return found;
}

function ofTable(table: TableStructure, facet: Facet): unknown[] {
  const columns = (key: keyof TableStructure["columns"][number]): unknown[] => table.columns.map((column) => column[key]);
  switch (facet) {
    case "schemas":
      return [];
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
      return [...columns("generatedAs"), ...columns("identity")];
    case "comments":
      return [table.comment, ...columns("comment")];
    case "constraints":
      return [table.checks, table.primaryKey, table.foreignKeys];
    case "properties":
      return [table.properties];
    case "clustering":
      return [table.clusteredBy, table.partitionedBy];
    case "grants":
      return [table.owner, table.grants?.filter(({ principal }) => principal === "teachers")];
    case "policies":
      return [table.tags, table.rowFilter, ...columns("mask"), ...columns("tags")];
  }
}
