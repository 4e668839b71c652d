import { afterAll, beforeAll, expect, it } from "vitest";
import { facets } from "../../src/model/staging.ts";
import { compareStructures } from "../../src/staging/drift/compare.ts";
import { readStructure } from "../../src/staging/structure/read.ts";
import { readSnapshot, writeSnapshot } from "../../src/staging/structure/snapshot.ts";
import type { Structure } from "../../src/staging/structure/structure.ts";
import type { WarehouseReader } from "../../src/warehouse/access.ts";
import type { Row } from "../../src/warehouse/connection.ts";
import { WarehouseFailure } from "../../src/warehouse/failure.ts";
import { differencesOf, now, openAs } from "./read.ts";
import { hiddenFacets } from "./rights.ts";
import { WarehouseWorld } from "./warehouse-world.ts";
import { catalogs, type Side } from "./world.ts";

// The answers of a real warehouse, of which one at a time is refused or spoilt.

const answers = new Map<string, Row[]>();
let principal = "";
let full: Record<Side, Structure>;

beforeAll(async () => {
  const world = await WarehouseWorld.start();
  await world.make(1, 5);
  const reader = await openAs(world.warehouse, "mirror");
  ({ principal } = await reader.identity());
  const recorder: WarehouseReader = {
    ...reader,
    query: async (statement, parameters) => {
      const rows = await reader.query(statement, parameters);
      answers.set(JSON.stringify([statement, parameters]), rows);
      return rows;
    },
  };
  full = {
    original: await readStructure(recorder, catalogs.original, now),
    copy: await readStructure(recorder, catalogs.copy, now),
  };
  await reader.close();
  await world.stop();
});

/** Answers as the warehouse did, but for the statements that `spoil` changes. */
async function replayed(spoil: (statement: string, rows: Row[]) => Row[]): Promise<Record<Side, Structure>> {
  const reader: WarehouseReader = {
    catalog: catalogs.original,
    identity: async () => ({ host: "", catalog: "", principal, serverTime: undefined }),
    close: async () => undefined,
    query: async (statement, parameters) => {
      const rows = answers.get(JSON.stringify([statement, parameters]));
      // Another list of owners and grants asks for other groups.
      if (!rows && statement.includes("is_member")) return [{}];
      if (!rows) throw new WarehouseFailure("statement", `${statement} was not recorded`);
      return spoil(statement, structuredClone(rows));
    },
  };
  return {
    original: await readStructure(reader, catalogs.original, now),
    copy: await readStructure(reader, catalogs.copy, now),
  };
}

const views =
  `catalogs schemata tables views columns table_constraints key_column_usage referential_constraints constraint_column_usage
  row_filters column_masks catalog_tags schema_tags table_tags column_tags catalog_privileges schema_privileges table_privileges`.split(
    /\s+/,
  );
/** What these say stands elsewhere too. */
const spare = new Set(["constraint_column_usage", "row_filters", "column_masks", "views"]);

it("reads the same from the same answers", async () => {
  expect(await replayed((_, rows) => rows)).toEqual(full);
  expect([full.original.unseen, full.copy.unseen, differencesOf(full)]).toEqual([[], [], []]);
});

it.each(views)("without %s, on either side, nothing is invented", async (view) => {
  for (const catalog of Object.values(catalogs)) {
    const isIt = (statement: string): boolean =>
      new RegExp(`FROM \`${catalog}\`\\.information_schema\\.${view}\\b`).test(statement);
    for (const [how, spoil] of Object.entries({
      missing: (): Row[] => {
        throw new WarehouseFailure("statement", `[TABLE_OR_VIEW_NOT_FOUND] ${view}`, { sqlState: "42P01" });
      },
      renamed: (rows: Row[]) =>
        rows.map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [`x_${key}`, value]))),
      typed: (rows: Row[]) => rows.map((row) => Object.fromEntries(Object.keys(row).map((key) => [key, 7n]))),
    })) {
      // Both sides are read by the same code.
      if (how === "renamed" && catalog === catalogs.original) continue;
      if (how === "typed" && catalog === catalogs.copy) continue;
      let isSpoilt = false;
      const reduced = await replayed((statement, rows) => {
        if (!isIt(statement)) return rows;
        isSpoilt ||= how === "missing" || rows.length > 0;
        return spoil(rows);
      });
      const label = `${view} ${how} in ${catalog}`;
      hiddenFacets(full, reduced, label, []);
      if (isSpoilt && !spare.has(view)) expect([...reduced.original.unseen, ...reduced.copy.unseen], label).not.toEqual([]);
    }
  }
});

it.each(["DESCRIBE TABLE EXTENDED", "SHOW CREATE TABLE"])("with a refused or spoilt %s, nothing is invented", async (kind) => {
  const spoilt: ((rows: Row[]) => Row[])[] = [
    () => {
      throw new WarehouseFailure("denied", "[INSUFFICIENT_PERMISSIONS] SELECT");
    },
    () => [],
    () => [{ json_metadata: "{", createtab_stmt: "CREATE TABLE x" }],
    () => [{ json_metadata: "[]", createtab_stmt: "" }],
    () => [{ json_metadata: '{"columns":7}', createtab_stmt: "CREATE TABLE x (a INT GENERATED SOMETIMES)" }],
    () => [{ json_metadata: '{"columns":[{"name":"id","type":{"name":"array"}}]}', createtab_stmt: "CREATE TABLE x (a INT" }],
  ];
  for (const [at, spoil] of spoilt.entries()) {
    const reduced = await replayed((statement, rows) => (statement.startsWith(`${kind} \`staging\`.`) ? spoil(rows) : rows));
    expect(hiddenFacets(full, reduced, `${kind} ${at}`, []), `${at}`).toContain("generated");
  }
});

it("sees nothing of a catalog that isn't there, and says so of every facet", async () => {
  const { original } = full;
  const nowhere = await replayed((statement, rows) => {
    if (statement.includes("`staging`"))
      throw new WarehouseFailure("statement", "[NO_SUCH_CATALOG_EXCEPTION]", { sqlState: "42704" });
    return rows;
  });
  const { facets: found } = compareStructures(original, nowhere.copy);
  for (const facet of facets) expect(found[facet], facet).toMatchObject({ verdict: "unseen", differences: [] });
});

it("doesn't take a warehouse that cannot be asked for one that shows nothing", async () => {
  const gone = replayed(() => {
    throw new WarehouseFailure("connection-lost", "socket hang up");
  });
  await expect(gone).rejects.toMatchObject({ kind: "connection-lost" });
});

it("a snapshot is the same structure, and the same text whenever it is written", () => {
  const text = writeSnapshot(full.original);
  const read = readSnapshot(text, "snapshot.json");
  expect({ ...read, readAt: "" }).toEqual({ ...full.original, readAt: "" });
  expect(writeSnapshot(read)).toBe(text);
  expect(differencesOf({ original: read, copy: full.copy })).toEqual([]);
  const shuffled = JSON.parse(JSON.stringify(full.original)) as Structure;
  shuffled.schemas = Object.fromEntries(Object.entries(shuffled.schemas).toReversed());
  expect(writeSnapshot({ ...shuffled, readAt: "2030-01-01T00:00:00.000Z" })).toBe(text);
  // A column is one line, so that a diff shows what changed.
  expect(text.split("\n").filter((line) => line.includes('"name": "level"') || line.includes('"name":"level"'))).toHaveLength(5);
});

it("a snapshot without grants names nobody, and leaves the grants unseen", () => {
  const text = writeSnapshot(full.original, { grants: false });
  expect(text).not.toContain("@school.test");
  expect(text).not.toContain("teachers");
  const drift = compareStructures(readSnapshot(text, "snapshot.json"), full.copy);
  expect(drift.facets.grants).toMatchObject({ verdict: "unseen", differences: [] });
  expect(drift.facets.columns.verdict).toBe("equal");
  const rule = { object: "*", facet: "grants" as const, reason: "not in the snapshot" };
  expect(compareStructures(readSnapshot(text, "snapshot.json"), full.copy, { ignore: [rule] }).facets.grants.verdict).toBe(
    "equal",
  );
});

it.each([
  ["", "snapshot.json is empty"],
  ["{", "snapshot.json is not valid JSON"],
  ['{\n<<<<<<< HEAD\n"a": 1', "snapshot.json has a merge conflict"],
  ["{}", "not a snapshot of a catalog's structure"],
  ['{"formatVersion": 2}', "expected formatVersion 1, got 2"],
  ['{"formatVersion": 1}', "catalog: missing"],
  [
    '{"formatVersion": 1, "catalog": "c", "schemas": {"s": {"tables": {"t": {"kind": "sheet"}}}}}',
    "schemas.s.tables.t.kind: expected",
  ],
  ['{"formatVersion": 1, "catalog": "c", "colour": 1}', 'top level: unexpected: "colour"'],
])("refuses %j as a snapshot", (text, why) => {
  expect(() => readSnapshot(text, "snapshot.json")).toThrow(
    expect.objectContaining({ code: "EA3020", message: expect.stringContaining(why) }),
  );
});

it("reports rules that match nothing, and leaves out what the others match, with their reasons", () => {
  const copy = structuredClone(full.copy);
  const table = copy.schemas.schema_0?.tables.table_0;
  if (!table) throw new Error("the table is missing");
  table.clusteredBy = ["id"];
  table.properties.team = "other";
  const rules = [
    { object: "SCHEMA_0.*", facet: "clustering" as const, reason: "clustered by need" },
    { object: "*", facet: "properties" as const, item: "te*", reason: "each has its team" },
    { object: "schema_9.*", reason: "long gone" },
  ];
  const drift = compareStructures(full.original, copy, { ignore: rules });
  expect(drift.facets.clustering).toMatchObject({
    verdict: "equal",
    ignored: [{ object: "schema_0.table_0", reason: "clustered by need" }],
  });
  expect(drift.facets.properties).toMatchObject({ verdict: "equal", ignored: [{ item: "team", reason: "each has its team" }] });
  expect(drift.unusedRules).toEqual([rules[2]]);
});

afterAll(() => answers.clear());
