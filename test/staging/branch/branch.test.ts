import { afterAll, beforeAll, expect, test } from "vitest";
import { newRunId } from "../../../src/cleanup/run-id.ts";
import { addedIds } from "../../../src/stages/branch-ids.ts";
import { versionsSince } from "../../../src/stages/branch-versions.ts";
import { BranchDenied, branchScope } from "../../../src/staging/branch/create.ts";
import { dropBranches, listBranches } from "../../../src/staging/branch/drop.ts";
import { markerComment } from "../../../src/staging/branch/name.ts";
import { planBranch } from "../../../src/staging/branch/plan.ts";
import { whyNotChange } from "../../../src/warehouse/changes.ts";
import { Connection } from "../../../src/warehouse/connection.ts";
import { makeBranch, newestVersions, openBranches, startBranchWorld, type World } from "./world.ts";

// A run's own copy of the tables, on the local warehouse with the unmodified driver: what is made, who sees it, and what is dropped.

let world: World;
const tables = Array.from({ length: 48 }, (_, index) => `${["users", "sessions", "groups"][index % 3]}.t${index}`);
const place = { original: "cw", form: { as: "catalog" } } as const;
const hour = 3_600_000;

beforeAll(async () => {
  world = await startBranchWorld(
    Object.fromEntries(tables.map((name) => [name, { columns: { id: "string", title: "string" } }])),
  );
  for (const name of tables.slice(0, 6)) await world.admin.run(`INSERT INTO cw.${name} VALUES ('real-1', 'a'), ('real-2', 'b')`);
  await world.admin.run(
    "CREATE VIEW cw.sessions.both AS SELECT a.id, b.title FROM users.t0 a JOIN cw.sessions.t1 b ON a.id = b.id",
  );
  await world.admin.run("CREATE VIEW cw.sessions.again (one) AS SELECT id FROM sessions.both");
});
afterAll(() => world.stop());

test("48 tables are ready, apart, and gone again", async () => {
  const before = await newestVersions(world);
  const seen = world.warehouse.statements.length;
  const { created, request, warehouse } = await makeBranch(world, "runner");
  expect(created).toMatchObject({ catalog: `cw_ea_${request.runId}`, emptied: [], leftOut: [], empty: [] });
  expect(created.cloned).toHaveLength(48);
  expect(created.views).toEqual(["sessions.again", "sessions.both"]);

  const run = async (sql: string) => (await world.admin.run(sql.replaceAll("$", created.catalog))).rows;
  expect(await run("SELECT * FROM $.sessions.both ORDER BY id")).toHaveLength(2);
  await run("INSERT INTO $.users.t0 VALUES ('real-3', 'c')");
  await run("INSERT INTO $.sessions.t1 VALUES ('real-3', 'c')");
  await run("DELETE FROM $.users.t0 WHERE id = 'real-1'");
  expect(await run("SELECT one FROM $.sessions.again ORDER BY one")).toEqual([{ one: "real-2" }, { one: "real-3" }]);
  expect(await run("SELECT one FROM cw.sessions.again ORDER BY one")).toEqual([{ one: "real-1" }, { one: "real-2" }]);

  const dropped = await dropBranches(warehouse, place, { runs: [request.runId], now: Date.now() });
  expect(dropped).toEqual({ branches: [{ runId: request.runId, names: [created.catalog], gone: true }], strangers: [] });
  expect(await world.branches()).toEqual([]);
  expect(await newestVersions(world)).toEqual(before);
  const own = world.warehouse.statements.slice(seen).filter(({ user }) => user === "runner@school.example");
  expect(own.length).toBeLessThan(66);
  await warehouse.close();
});

test("the ids of added rows are known, and no others", async () => {
  const { created, request, warehouse } = await makeBranch(world, "runner", { choices: { "users.t3": "empty" } });
  const run = (sql: string) => world.admin.run(sql.replaceAll("$", created.catalog));
  await run("INSERT INTO $.users.t0 VALUES ('new-1', 'c'), ('new-2', 'c'), (NULL, 'c')");
  await run("INSERT INTO $.users.t3 VALUES ('new-3', 'c')");
  await run("UPDATE $.sessions.t1 SET title = 'z'");
  await run("INSERT INTO $.sessions.t4 VALUES ('hidden-1', 'c')");
  await run("DELETE FROM $.users.t0 WHERE id IN ('real-1', 'new-2')");
  const starts = new Map([...created.cloned, ...created.empty].map((table) => [table, 0] as const));
  const written = await versionsSince({ ...warehouse, catalog: created.catalog }, starts);
  const table = (key: string) => ({ key, match: [], parents: {}, person: [] });
  const tables = { "users.t0": table("id"), "users.t3": table("id"), "sessions.t1": table("id"), "sessions.t7": table("id") };
  const ids = async (most: number, more = {}) =>
    await addedIds(warehouse, created, written, {
      tables: { ...tables, ...more } as Parameters<typeof addedIds>[3]["tables"],
      most,
    });
  expect(await ids(10)).toEqual({ ids: new Set(["new-1", "new-3"]), problems: [] });
  expect((await ids(10, { "sessions.t4": table("no_such") })).problems).toEqual([expect.stringMatching(/^sessions\.t4: /)]);
  await run("INSERT INTO $.users.t0 VALUES ('new-4', 'c')");
  expect((await ids(1)).problems).toEqual(["users.t0: more than 1 new rows (testData.maxRead)"]);
  await dropBranches(warehouse, place, { runs: [request.runId], now: Date.now() });
  await warehouse.close();
});

test("who may not create a catalog is denied, and nothing is left", async () => {
  await expect(makeBranch(world, "plain")).rejects.toThrow(BranchDenied);
  await expect(makeBranch(world, "plain", { form: { as: "schemas", into: "branches" } })).rejects.toThrow(BranchDenied);
  expect(await world.branches()).toEqual([]);
});

test("schemas of a run in a given catalog", async () => {
  const form = { as: "schemas", into: "branches" } as const;
  const { created, request, warehouse } = await makeBranch(world, "schemas", { form });
  expect(created).toMatchObject({ catalog: "branches", emptied: [], leftOut: [] });
  expect(created.schemas.get("users")).toBe(`users_ea_${request.runId}`);
  const rows = async (name: string) =>
    (await world.admin.run(`SELECT * FROM branches.${name.replace(".", `_ea_${request.runId}.`)}`)).rows.length;
  expect([await rows("users.t0"), await rows("sessions.both"), await rows("sessions.again")]).toEqual([2, 2, 2]);
  const dropped = await dropBranches(warehouse, { original: "cw", form }, { runs: [request.runId], now: Date.now() });
  expect(dropped.branches).toMatchObject([{ gone: true }]);
  expect(await world.branches()).toEqual([]);
  await warehouse.close();
});

test("a table is cloned, empty or missing, as the configuration says", async () => {
  const { created, request, warehouse } = await makeBranch(world, "runner", {
    choices: {
      "*": "skip",
      "users.*": "empty",
      "users.t0": "clone",
      "sessions.t1": "clone",
      "sessions.again": "clone",
      "no.such": "empty",
    },
  });
  expect(created.cloned).toEqual(["sessions.t1", "users.t0"]);
  expect(created.empty).toHaveLength(15);
  expect(created.views).toEqual([]);
  expect(created.leftOut).toEqual([
    { name: "no.such", why: expect.stringContaining("sees no such table") },
    { name: "sessions.again", why: "it reads sessions.both, which is not on the branch" },
  ]);
  expect((await world.admin.run(`SELECT * FROM ${created.catalog}.users.t3`)).rows).toEqual([]);
  await dropBranches(warehouse, place, { runs: [request.runId], now: Date.now() });
  await warehouse.close();
});

test("a branch has the version that is asked for, and can be handed to another principal", async () => {
  const pins = await newestVersions(world);
  await world.admin.run("INSERT INTO cw.users.t0 VALUES ('later', 'd')");
  const { created, request, warehouse } = await makeBranch(world, "runner", {
    pins,
    choices: { "*": "skip", "users.t0": "clone" },
  });
  expect((await world.admin.run(`SELECT id FROM ${created.catalog}.users.t0 ORDER BY id`)).rows).toEqual([
    { id: "real-1" },
    { id: "real-2" },
  ]);
  await world.admin.run("DELETE FROM cw.users.t0 WHERE id = 'later'");
  await dropBranches(warehouse, place, { runs: [request.runId], now: Date.now() });
  await warehouse.close();
});

test("only what is certainly ours, old and ended is swept", async () => {
  const now = Date.now();
  const [old, young, unmarked, others, claimed] = [
    `${now - 3 * hour}_0000000a`,
    `${now - hour}_0000000b`,
    `${now - 3 * hour}_0000000c`,
    `${now - 3 * hour}_0000000d`,
    `${now - 3 * hour}_0000000e`,
  ];
  const marked = (runId: string, by = "runner@school.example", of = "cw") =>
    markerComment({ of, runId, by, environment: "sandbox", endsBy: Number(runId.split("_")[0]) + 60_000 }).replaceAll("'", "''");
  const create = async (token: string, name: string, comment: string) => {
    const warehouse = await openBranches(world, token, name.slice(-22));
    await warehouse.change(`CREATE CATALOG ${name} COMMENT '${comment}'`);
    await warehouse.close();
  };
  await create("runner", `cw_ea_${old}`, marked(old));
  await create("runner", `cw_ea_${young}`, marked(young));
  await create("runner", `cw_ea_${unmarked}`, "a copy that somebody made by hand");
  await create("other", `cw_ea_${others}`, marked(others, "other@school.example"));
  await create("runner", `cw_ea_${claimed}`, marked(old));
  const warehouse = await openBranches(world, "runner", newRunId());
  // Of its own, the runner sees all; of others, only what it may use.
  expect((await listBranches(warehouse, place)).map(({ runId }) => runId).sort()).toEqual([old, young, unmarked, claimed].sort());
  // The warehouse says that all were created a moment ago: nothing is old by its clock.
  const sweep = (at: number) => dropBranches(warehouse, place, { runs: [], expireAfter: 2 * hour, now: at });
  expect(await sweep(now)).toEqual({ branches: [], strangers: [] });
  expect((await sweep(now + 2.5 * hour)).branches.map(({ runId, gone }) => [runId, gone])).toEqual([
    [old, true],
    [young, true],
  ]);
  expect((await world.branches()).sort()).toEqual([unmarked, others, claimed].map((runId) => `cw_ea_${runId}`).sort());
  for (const runId of [unmarked, others, claimed]) await world.admin.run(`DROP CATALOG cw_ea_${runId} CASCADE`);
  await warehouse.close();
});

test("what cannot be cloned is empty or left out, each with its reason", async () => {
  const run = (sql: string) => world.admin.run(sql);
  await run("CREATE TABLE cw.users.masked (id STRING, email STRING)");
  await run("CREATE FUNCTION cw.users.hide (value STRING) RETURNS STRING RETURN '***'");
  await run("ALTER TABLE cw.users.masked ALTER COLUMN email SET MASK cw.users.hide");
  await run("CREATE VIEW cw.users.of_masked AS SELECT id FROM cw.users.masked");
  await run("CREATE VIEW cw.users.elsewhere AS SELECT id FROM branches.nothing.here");
  const { created, request, warehouse } = await makeBranch(world, "runner", {
    // The history of such a table cannot be read.
    pins: new Map(),
    choices: { "*": "skip", "users.masked": "clone", "users.of_masked": "clone", "users.elsewhere": "clone" },
  });
  expect(created).toMatchObject({ cloned: [], empty: ["users.masked"], views: ["users.of_masked"] });
  // The principal may not use the other catalog.
  expect(created.leftOut).toEqual([{ name: "users.elsewhere", why: expect.stringContaining("USE CATALOG") }]);
  expect(created.emptied).toEqual([{ name: "users.masked", why: "it has a column mask" }]);
  expect((await run(`SELECT * FROM ${created.catalog}.users.of_masked`)).rows).toEqual([]);
  await dropBranches(warehouse, place, { runs: [request.runId], now: Date.now() });
  await warehouse.close();
  for (const view of ["of_masked", "elsewhere"]) await run(`DROP VIEW cw.users.${view}`);
  await run("DROP TABLE cw.users.masked");
});

test("each kind of table that cannot be cloned has a way, or is named", () => {
  const kinds = ["EXTERNAL", "FOREIGN", "STREAMING_TABLE", "MATERIALIZED_VIEW", "MANAGED_SHALLOW_CLONE", "METRIC_VIEW"];
  const original = {
    catalog: "cw",
    schemas: ["a"],
    tables: kinds.map((type) => ({ name: `a.${type.toLowerCase()}`, type })),
    views: [{ name: "a.v", query: undefined, columns: ["id"] }],
  };
  const request = { form: { as: "catalog" } as const, runId: newRunId(), choices: {}, pins: new Map() };
  const plan = planBranch(original, request);
  for (const { why, ways } of plan.tables) {
    expect(why).toMatch(/^it is /);
    expect(ways.every(({ state, statement }) => state === "empty" && !statement.includes("CLONE"))).toBe(true);
    expect(ways.at(-1)?.statement).toMatch(/ AS SELECT \* FROM `cw`\.`a`\.`\w+` WHERE false$/);
  }
  expect(plan.leftOut).toEqual([{ name: "a.v", why: "its query is shown only to its owner" }]);
  const scope = branchScope("cw", request.form, request.runId);
  for (const { statement } of plan.tables.flatMap(({ ways }) => ways)) expect(whyNotChange(statement, scope)).toBeUndefined();
});

test("the application's own principal may read and write the branch that is granted to it, and nothing else", async () => {
  const { created, request, warehouse } = await makeBranch(world, "runner", {
    choices: { "*": "skip", "users.t0": "clone" },
    grantTo: ["app@school.example"],
  });
  const app = await Connection.open(world.settings("app", created.catalog), { signal: new AbortController().signal });
  await app.run(`INSERT INTO ${created.catalog}.users.t0 VALUES ('of-app', 'x')`);
  expect((await app.run(`SELECT id FROM ${created.catalog}.users.t0`)).rows).toHaveLength(3);
  await expect(app.run("SELECT id FROM cw.users.t0")).rejects.toThrow(/USE CATALOG/);
  await app.close();
  await dropBranches(warehouse, place, { runs: [request.runId], now: Date.now() });
  await warehouse.close();
});
