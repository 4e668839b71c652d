import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Warehouse } from "../../../local/warehouse/index.ts";
import { lastRefresh } from "../../../src/staging/refresh/record.ts";
import { completeRefresh, refresh } from "../../../src/staging/refresh/refresh.ts";
import type { RefreshPorts, RefreshRequest } from "../../../src/staging/refresh/request.ts";
import { Start } from "../../../src/staging/refresh/state.ts";
import { sweepRefreshes } from "../../../src/staging/refresh/sweep.ts";
import type { Structure } from "../../../src/staging/structure/structure.ts";
import type { CopyWarehouse } from "../../../src/warehouse/access.ts";
import { WarehouseFailure } from "../../../src/warehouse/failure.ts";
import { type PlainPolicies, plainRules } from "./rules.ts";
import { type Keys, openCopy, portsOf, requestOf, startWorld, structureOf, type Tables } from "./world.ts";

/** What must not reach the copy, doesn't: the refresh is refused before it reads, or stopped before the switch. */

const tables: Tables = {
  "u.pupils": { columns: { id: "string", name: "string", year: "int", town: "string" } },
  "u.marks": { columns: { id: "string", pupil: "string", mark: "int" } },
};
const keys: Keys = { "u.marks": { foreignKeys: { of: { columns: ["pupil"], references: "u.pupils", to: ["id"] } } } };
const policies: PlainPolicies = {
  columns: {
    "u.pupils": { id: { surrogate: "pupil" }, name: "null", year: "keep", town: "keep" },
    "u.marks": { id: { surrogate: "mark" }, pupil: { surrogate: "pupil" }, mark: "keep" },
  },
};
const marks = "u.marks";
const pupils = "u.pupils";

let warehouse: Warehouse;
let copy: CopyWarehouse;

beforeAll(async () => {
  warehouse = await startWorld(tables);
  // Ten pupils of each of four years in town a, and three of year 9 in town b.
  await warehouse.load(`
    INSERT INTO production.u.pupils SELECT 'p' || i, 'Ada ' || i, 1 + i % 4, 'a' FROM range(40) r(i);
    INSERT INTO production.u.pupils SELECT 'q' || i, 'Eve ' || i, 9, 'b' FROM range(3) r(i);
    INSERT INTO production.u.marks SELECT 'm' || i, 'p' || (i % 40), i % 6 FROM range(80) r(i);
    INSERT INTO production.u.marks VALUES ('lost', 'nobody', 1), ('none', NULL, 1);`);
  await warehouse.load("INSERT INTO staging.u.pupils VALUES ('old', 'old', 1, 'old')");
  copy = await openCopy(warehouse);
});
afterAll(async () => {
  await copy.close();
  await warehouse.stop();
});

async function run(
  changed: Partial<PlainPolicies["columns"]>,
  request: Partial<RefreshRequest> = {},
  more: Partial<PlainPolicies> = {},
) {
  const rules = plainRules({ ...policies, columns: { ...policies.columns, ...(changed as PlainPolicies["columns"]) }, ...more });
  return await refresh(portsOf(copy, rules, tables, keys), requestOf({ keepOldMs: 0, ...request }));
}

const working = async () =>
  (await copy.query("SELECT schema_name FROM staging.information_schema.schemata"))
    .map(({ schema_name }) => String(schema_name))
    .filter((name) => name.startsWith("env_actions_refresh_"));

describe("refused before anything is read", () => {
  const original = () => structureOf("production", tables, keys);
  const withStructures = (change: (original: Structure, inCopy: Structure) => void): Pick<RefreshPorts, "readStructure"> => {
    const [one, other] = [original(), structureOf("staging", tables, keys)];
    change(one, other);
    return { readStructure: async (catalog) => (catalog === "production" ? one : other) };
  };
  const pupilsOf = (structure: Structure) =>
    structure.schemas.u?.tables.pupils as NonNullable<Structure["schemas"][string]["tables"][string]>;
  const column = { name: "born", type: "date", nullable: true };

  test.each<[string, string, string, (original: Structure, inCopy: Structure) => void]>([
    ["a column without a policy", "EA2110", "u.pupils.born", (one) => pupilsOf(one).columns.push(column)],
    [
      "a new table",
      "EA2110",
      "u.secrets.born",
      (one) => Object.assign(one.schemas.u?.tables ?? {}, { secrets: { ...pupilsOf(one), columns: [column] } }),
    ],
    [
      "a masked column",
      "EA6101",
      "u.pupils.name: it has a column mask",
      (one) => Object.assign(pupilsOf(one).columns[1] ?? {}, { mask: { function: "f", columns: [] } }),
    ],
    [
      "a row filter",
      "EA6101",
      "u.pupils: it has a row filter",
      (one) => Object.assign(pupilsOf(one), { rowFilter: { function: "f", columns: ["year"] } }),
    ],
    [
      "masks that could not be seen",
      "EA6101",
      "could not be seen",
      (one) => one.unseen.push({ facet: "policies", within: "u", why: "no grant" }),
    ],
    [
      "a view that has rows of its own",
      "EA6101",
      "MATERIALIZED_VIEW",
      (one) => Object.assign(pupilsOf(one), { kind: "other", type: "MATERIALIZED_VIEW" }),
    ],
    ["a column that the copy lacks", "EA6102", "u.pupils.town", (_, inCopy) => pupilsOf(inCopy).columns.pop()],
    [
      "another type",
      "EA6102",
      "it is int, and bigint in the copy",
      (_, inCopy) => Object.assign(pupilsOf(inCopy).columns[2] ?? {}, { type: "bigint" }),
    ],
    [
      "a table that the copy lacks",
      "EA6102",
      "u.marks: the copy has no such table",
      (_, inCopy) => delete inCopy.schemas.u?.tables.marks,
    ],
    [
      "a table of the copy whose rows may be production's",
      "EA6112",
      "u.pupils",
      (_, inCopy) => Object.assign(pupilsOf(inCopy), { type: "EXTERNAL" }),
    ],
    [
      "a key that the copy numbers anew",
      "EA6103",
      "GENERATED ALWAYS AS IDENTITY",
      (one) => Object.assign(pupilsOf(one).columns[0] ?? {}, { identity: { always: true } }),
    ],
  ])("%s", async (_what, code, text, change) => {
    const before = warehouse.statements.length;
    const ports = { ...portsOf(copy, plainRules(policies), tables, keys), ...withStructures(change) };
    await expect(refresh(ports, requestOf())).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
    expect(warehouse.statements.slice(before).filter(({ sql }) => !sql.includes("information_schema"))).toEqual([]);
  });

  test("production itself, and a root that doesn't exist", async () => {
    await expect(run({}, { copy: "Production" })).rejects.toMatchObject({ code: "EA6105" });
    await expect(run({}, { roots: { "u.nothing": { count: 1 } } })).rejects.toMatchObject({ code: "EA6103" });
  });
});

describe("stopped before the switch, with the copy as it was and nothing left", () => {
  test.each<[string, string, PlainPolicies["columns"]]>([
    [
      "a value of production that survives",
      "u.pupils.name: 43 values of production",
      { [pupils]: { ...policies.columns[pupils], name: { sql: "s.name" } } },
    ],
    [
      "a reference that leads nowhere",
      "80 rows refer to rows of u.pupils",
      { [marks]: { ...policies.columns[marks], pupil: { surrogate: "other" } } },
    ],
    [
      "a key that occurs twice",
      "u.marks: 1 values of id occur more than once",
      { [marks]: { ...policies.columns[marks], id: { sql: "'same'" } } },
    ],
    ["a key that is null", "u.marks: 81 rows have no id", { [marks]: { ...policies.columns[marks], id: "null" } }],
    [
      "rows that come twice",
      "u.marks: 162 rows were built, expected 81",
      { [marks]: { ...policies.columns[marks], mark: { sql: "explode(array(1, 2))" } } },
    ],
  ])("%s", async (_what, problem, changed) => {
    const result = await run(changed);
    expect(result).toMatchObject({ switched: false, problems: expect.arrayContaining([expect.stringContaining(problem)]) });
    expect(await warehouse.query("SELECT id FROM staging.u.pupils")).toEqual([{ id: "old" }]);
    expect(await working()).toEqual([]);
    const { failed, switched } = await lastRefresh(copy, "staging");
    expect(failed).toMatchObject({ id: result.id, problems: result.problems });
    expect(switched).toBeUndefined();
  });

  test("a statement that fails", async () => {
    await expect(run({ [marks]: { ...policies.columns[marks], mark: { sql: "s.nothing" } } })).rejects.toMatchObject({
      code: "EA3008",
    });
    expect(await warehouse.query("SELECT id FROM staging.u.pupils")).toEqual([{ id: "old" }]);
    expect(await working()).toEqual([]);
  });
});

describe("small groups", () => {
  const quasi = (table: string, columns: string[], suppress: "null" | "omit") => ({ quasi: { [table]: { columns, suppress } } });

  test("lose what could tell who they are", async () => {
    const result = await run({}, { k: 5 }, quasi(pupils, ["year", "town"], "null"));
    expect(result).toMatchObject({ switched: true, suppressedRows: 3, k: 10 });
    const groups = "SELECT year, town, count(*)::INT AS n FROM staging.u.pupils GROUP BY ALL ORDER BY year NULLS FIRST";
    expect(await warehouse.query(groups)).toEqual([
      { year: null, town: null, n: 3 },
      ...[1, 2, 3, 4].map((year) => ({ year, town: "a", n: 10 })),
    ]);
  });

  test("are left out, if that is wanted and nothing refers to them", async () => {
    await expect(run({}, {}, quasi(pupils, ["year"], "omit"))).rejects.toMatchObject({ code: "EA6103" });
    // Marks 0 and 1 occur 14 times and once more for pupil NULL; the others 13 times.
    const result = await run({}, { k: 14 }, quasi(marks, ["mark"], "omit"));
    expect(result).toMatchObject({ switched: true, suppressedRows: 52, k: 14 });
    expect(await warehouse.query("SELECT mark, count(*)::INT AS n FROM staging.u.marks GROUP BY ALL ORDER BY mark")).toEqual([
      { mark: 0, n: 14 },
      { mark: 1, n: 15 },
    ]);
  });
});

test("a row that refers to nothing is left out, and counted", async () => {
  const result = await run({});
  expect(result).toMatchObject({ switched: true, leftOut: 1, orphans: 0 });
  expect(result.tables).toMatchObject([
    { table: marks, rows: 81 },
    { table: pupils, rows: 43 },
  ]);
});

describe("what is left of others", () => {
  const begun = "1764526652000_a1b2c3d4";
  const joined = "SELECT count(*)::INT AS n FROM staging.u.marks m JOIN staging.u.pupils p ON m.pupil = p.id";

  test("a refresh with other policies that is alive is not disturbed, until it gives no sign any more", async () => {
    const other = await (await Start.take(copy, "staging")).stateOf(begun);
    await other.reach("begun", { digest: "another", startedAt: "2026-11-30T18:00:00.000Z" });
    await expect(run({})).rejects.toMatchObject({ code: "EA6106" });
    expect(await working()).toEqual([`env_actions_refresh_${begun}`]);
    expect((await lastRefresh(copy, "staging")).unfinished).toEqual({
      id: begun,
      since: "2026-11-30T18:00:00.000Z",
      halfSwitched: false,
    });
    const limits = { keepOldMs: 0, keepWorkingMs: 60_000 };
    const early = await sweepRefreshes(copy, "staging", { ...limits, now: Date.now() });
    expect(early).toEqual({ dropped: [], kept: [`env_actions_refresh_${begun}`] });
    const late = await sweepRefreshes(copy, "staging", { ...limits, now: Date.now() + 70_000 });
    expect(late).toEqual({ dropped: [`env_actions_refresh_${begun}`], kept: [] });
    expect(await working()).toEqual([]);
  });

  test("a half switched refresh is never swept, and completed without its policies", async () => {
    // The connection breaks at the second table that is switched.
    let switched = 0;
    const broken: CopyWarehouse = {
      ...copy,
      change: async (statement, parameters, options) => {
        const isSwitch = /^INSERT OVERWRITE `staging`\.`u`/.test(statement);
        if (isSwitch && ++switched > 1) throw new WarehouseFailure("connection-lost", "the connection broke");
        return await copy.change(statement, parameters, options);
      },
    };
    await expect(refresh(portsOf(broken, plainRules(policies), tables, keys), requestOf({ keepOldMs: 0 }))).rejects.toMatchObject(
      { kind: "connection-lost" },
    );
    const half = await working();
    expect(half).toHaveLength(1);
    expect((await lastRefresh(copy, "staging")).unfinished?.halfSwitched).toBe(true);
    const year = 365 * 24 * 60 * 60_000;
    const swept = await sweepRefreshes(copy, "staging", { now: Date.now() + year, keepOldMs: 0, keepWorkingMs: 1000 });
    expect(swept).toEqual({ dropped: [], kept: half });
    const completed = await completeRefresh({ warehouse: copy }, { copy: "staging", keepOldMs: 0 });
    expect(completed).toMatchObject({ switched: true, id: half[0]?.replace("env_actions_refresh_", "") });
    expect(await working()).toEqual([]);
    expect(await warehouse.query(joined)).toEqual([{ n: 80 }]);
    expect(await completeRefresh({ warehouse: copy }, { copy: "staging", keepOldMs: 0 })).toBeUndefined();
  });

  test.each([1, 2, 3])("of three starts at the same moment one ends, and the copy is whole (%i)", async () => {
    const whole = () => warehouse.query(joined);
    const ended = await Promise.allSettled([run({}), run({}), run({})]);
    const outcomes = ended.map((one) =>
      one.status === "fulfilled" ? one.value.switched : (one.reason as { code?: string }).code,
    );
    expect(outcomes.sort()).toEqual(["EA6107", "EA6107", true]);
    expect(await whole()).toEqual([{ n: 80 }]);
    expect(await run({})).toMatchObject({ switched: true });
    expect(await whole()).toEqual([{ n: 80 }]);
    expect(await working()).toEqual([]);
  });
});

test("a working schema that a failed refresh could not drop is named, because it has the mapping", async () => {
  const broken: CopyWarehouse = {
    ...copy,
    async change(statement, ...more) {
      if (/^INSERT OVERWRITE .*built_/.test(statement)) throw new WarehouseFailure("statement", "the build is broken");
      if (/^DROP SCHEMA/.test(statement)) throw new WarehouseFailure("denied", "no privilege to drop");
      return await copy.change(statement, ...more);
    },
  };
  const failure = await refresh(portsOf(broken, plainRules(policies), tables, keys), requestOf({ keepOldMs: 0 })).then(
    () => undefined,
    (error: unknown) => error,
  );
  const [left] = await working();
  expect(failure).toMatchObject({ code: "EA6108" });
  for (const named of ["the build is broken", "no privilege to drop", left ?? "?"]) expect(String(failure)).toContain(named);
  await copy.change(`DROP SCHEMA staging.${left} CASCADE`);
});
