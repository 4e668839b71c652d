import { appendFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRedis } from "../../local/redis.ts";
import { newRunId } from "../../src/cleanup/run-id.ts";
import type { CutShort, Overrides } from "../../src/stages/context.ts";
import { Connection } from "../../src/warehouse/connection.ts";
import { makeBranch, startBranchWorld, type World } from "../staging/branch/world.ts";
import { junit, type Project, type Ran, runSuite } from "./suite.ts";

// Whole stages with `isolation: clone`: what their tests write goes to the branch, which is gone afterwards, and the shared tables are
// proven untouched by their versions.

let world: World;
let control: Server;
let redis: Awaited<ReturnType<typeof startRedis>>;
let keys: Redis;
interface Place {
  catalog: string;
  prefix: string;
  query: URLSearchParams;
}

/** What the tests of a run do, by its id. */
const doing = new Map<string, (place: Place) => Promise<void>>();

beforeAll(async () => {
  [world, redis] = await Promise.all([
    startBranchWorld({
      "school.teachers": { columns: { id: "string", name: "string", created_at: "timestamp" } },
      "school.sessions": { columns: { id: "string", teacher_id: "string", title: "string" } },
      "school.log": { columns: { id: "string" } },
    }),
    startRedis(),
  ]);
  keys = new Redis(redis.url);
  await world.admin.run("INSERT INTO cw.school.teachers (id, name) VALUES ('real', 'Ada')");
  control = createServer((request, response) => {
    const query = new URL(request.url ?? "", "http://x").searchParams;
    const work = doing.get(query.get("run") ?? "");
    Promise.resolve(work?.({ catalog: query.get("catalog") ?? "", prefix: query.get("prefix") ?? "", query })).then(
      () => response.end("done"),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((resolve) => control.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  control.close();
  keys.disconnect();
  await Promise.all([world.stop(), redis.stop()]);
});

const testsProgram = `import { writeFileSync } from "node:fs";
const { CONTROL, ENV_ACTIONS_RUN_ID: run, ENV_ACTIONS_PREFIX: prefix, DATABRICKS_CATALOG: catalog = "", SCHOOL_SCHEMA: schema = "", ENV_ACTIONS_LEDGER: ledger } = process.env;
const answer = await fetch(CONTROL + "?" + new URLSearchParams({ run, prefix, catalog, schema, ledger }));
if (!answer.ok) throw new Error(await answer.text());
writeFileSync("report.xml", ${JSON.stringify(junit())});
`;

interface Case {
  stage?: "preflight" | "integration" | "cleanup";
  overrides?: Overrides;
  cleans?: string[];
  budgetMs?: number;
  cutShort?: CutShort;
  settings?: string;
  work?: (place: Place) => Promise<void>;
  token?: string;
  isolation?: string;
  testData?: string;
  runId?: string;
  withRedis?: boolean;
}

async function run({
  stage = "integration",
  work = async () => undefined,
  settings,
  token = "runner",
  isolation = "clone",
  testData = "",
  runId = newRunId(),
  withRedis = true,
  ...more
}: Case): Promise<Ran> {
  const { host, warehouseId, certificateAuthority } = world.warehouse;
  const { port } = control.address() as { port: number };
  doing.set(runId, work);
  const project: Project = {
    ...more,
    runId,
    inside: `databricks: { host: "${host}", warehouse: ${warehouseId}, token: "\${WAREHOUSE_TOKEN}", catalog: cw, certificateAuthority: ${certificateAuthority}, expect: { host: "${host}" } }
${withRedis ? 'redis: { url: "${REDIS_ADDRESS}", exclusive: true, expect: { host: 127.0.0.1 } }' : ""}
environment: { DATABRICKS_CATALOG: cw }`,
    beside: `testData:
  preset: none
  principals: [app@school.example, admin@school.example]
  tables:
    school.teachers: { match: [{ column: id, prefix: true }], time: created_at }
    school.sessions: { match: [{ column: title, prefix: true }], parents: { teacher_id: { belongsTo: school.teachers } } }
  isolation: ${isolation}
${testData}`,
    settings: settings ?? "command: node tests.mjs\nreports: [report.xml]",
    files: { "tests.mjs": testsProgram },
  };
  return await runSuite(stage, project, {
    CONTROL: `http://127.0.0.1:${port}/`,
    WAREHOUSE_TOKEN: token,
    REDIS_ADDRESS: redis.url,
  });
}

const versions = async () => (await world.admin.run("SELECT * FROM (DESCRIBE HISTORY cw.school.teachers)")).rows.length;

/** Without what the test reports say. */
function verdicts({ report }: Ran): (string | undefined)[][] {
  return report.checks.filter(({ id }) => !id.startsWith("tests.")).map(({ id, verdict, message }) => [id, verdict, message]);
}

test("what the tests write is in the branch alone, and gone with it", async () => {
  const before = await versions();
  let seen: unknown[] = [];
  const ran = await run({
    work: async ({ catalog, prefix }) => {
      // No id needs a prefix.
      await world.admin.run(`INSERT INTO ${catalog}.school.teachers (id, name) VALUES ('t-1', 'Bea'), ('t-2', 'Cem')`);
      await world.admin.run(`DELETE FROM ${catalog}.school.teachers WHERE id = 'real'`);
      seen = (await world.admin.run(`SELECT id FROM ${catalog}.school.teachers ORDER BY id`)).rows;
      await keys.set(`cw:${prefix}:1`, "x");
    },
  });
  expect(seen).toEqual([{ id: "t-1" }, { id: "t-2" }]);
  expect(verdicts(ran)).toEqual([
    ["identity", "passed", undefined],
    ["test-data.cleanup", "passed", undefined],
    ["test-data.books", "passed", undefined],
    ["isolation", "passed", undefined],
  ]);
  expect(ran.check("isolation")?.observed).toBe("3 tables cloned; shared tables touched 0; the branch dropped and gone");
  expect(ran.report.isolation).toMatchObject({
    by: "catalog",
    branch: [`cw_ea_${ran.report.runId}`],
    cloned: 3,
    gone: true,
    written: { tables: 1, rows: { least: 2, most: 2 } },
    shared: { touched: { least: 0, most: 0 }, read: 3, writes: [] },
    problems: [],
  });
  expect(ran.report.books?.line).toMatch(
    /^shared tables touched 0 \(3 tables, versions 0–1\); rows made in the branch 2, gone with it; Redis keys unexplained 0$/,
  );
  expect(await world.branches()).toEqual([]);
  expect(await versions()).toBe(before);
  expect(await keys.keys("*")).toEqual([]);
});

const insertInto =
  (table: string) =>
  async ({ catalog }: { catalog: string }): Promise<void> => {
    await world.admin.run(`INSERT INTO ${catalog}.school.teachers (id) VALUES ('t-1')`);
    await world.admin.run(`INSERT INTO ${table} (id) VALUES ('stray')`);
  };

test("an application that writes to the shared tables all the same is found by their versions", async () => {
  const ran = await run({ work: insertInto("cw.school.log") });
  expect(ran.check("isolation")).toMatchObject({
    verdict: "failed",
    observed: "3 tables cloned; shared tables touched 1; the branch dropped and gone",
    message: expect.stringContaining(
      "The run wrote to 1 table of the environment itself, although it had a branch: school.log (1 version by admin@school.example: WRITE)",
    ),
  });
  expect(ran.report.verdict).toBe("failed");
  await world.admin.run("DELETE FROM cw.school.log WHERE id = 'stray'");
});

const writer = (token: string) => async (sql: string) => {
  const connection = await Connection.open(world.settings(token), { signal: new AbortController().signal });
  await connection.run(sql);
  await connection.close();
};

test("what others write to the shared tables is named, and not counted", async () => {
  const ran = await run({
    work: async ({ catalog }) => {
      await world.admin.run(`INSERT INTO ${catalog}.school.teachers (id) VALUES ('t-1')`);
      await writer("plain")("INSERT INTO cw.school.log (id) VALUES ('a person')");
    },
  });
  expect(ran.check("isolation")).toMatchObject({ verdict: "passed" });
  expect(ran.report.books?.line).toContain("shared tables touched 0 (3 tables");
  expect(ran.report.books?.line).toContain("1 table written by others: plain@school.example");
});

test("what may be the run's is unknown, and never 0", async () => {
  const ran = await run({
    work: async ({ catalog }) => {
      await world.admin.run(`INSERT INTO ${catalog}.school.teachers (id) VALUES ('t-1')`);
      // The principal of the stage itself, which no list says is only the tests'.
      await writer("runner")("INSERT INTO cw.school.log (id) VALUES ('whose')");
    },
  });
  expect(ran.check("isolation")).toMatchObject({
    verdict: "degraded",
    message: expect.stringContaining("may be this run's: school.log"),
  });
  expect(ran.report.books?.line).toContain("shared tables touched unknown (at most 1)");
});

test("a table whose history cannot be read is unknown", async () => {
  await world.admin.run("CREATE TABLE cw.school.gone (id STRING)");
  const ran = await run({
    work: async ({ catalog }) => {
      await world.admin.run(`INSERT INTO ${catalog}.school.teachers (id) VALUES ('t-1')`);
      await world.admin.run("DROP TABLE cw.school.gone");
    },
  });
  expect(ran.check("isolation")).toMatchObject({
    verdict: "degraded",
    message: expect.stringContaining("Not read: school.gone"),
  });
});

test("tests that write nothing to the branch may write elsewhere", async () => {
  const ran = await run({ work: async () => undefined });
  expect(ran.check("isolation")).toMatchObject({
    verdict: "degraded",
    message: expect.stringContaining("nothing was written to the branch"),
  });
});

test("without the privilege the run uses prefixes, says so, and cleans up as always", async () => {
  const catalogs: string[] = [];
  const work = async ({ catalog, prefix }: Place) => {
    catalogs.push(catalog);
    await world.admin.run(`INSERT INTO ${catalog}.school.teachers (id) VALUES ('${prefix}')`);
  };
  const ran = await run({ work, token: "plain" });
  expect(catalogs).toEqual(["cw"]);
  expect(ran.check("isolation")).toMatchObject({
    verdict: "degraded",
    observed: "prefixes in shared tables",
    message: expect.stringMatching(/The run was not isolated.*CREATE CATALOG/),
  });
  expect(ran.report.isolation).toMatchObject({ by: "prefixes", branch: [], why: expect.stringContaining("CREATE CATALOG") });
  expect(ran.check("test-data.cleanup")).toMatchObject({ verdict: "passed", observed: "1 row and 0 keys deleted, 0 left" });
  expect(ran.report.verdict).toBe("degraded");

  const refused = await run({ work, token: "plain", isolation: "{ required: true }" });
  expect(catalogs).toHaveLength(1);
  expect(refused.check("isolation")).toMatchObject({ verdict: "failed", message: expect.stringContaining("EA5102") });
  expect(refused.report.tests).toBeUndefined();
});

test("schemas of a run are handed over as the configuration says", async () => {
  let query: URLSearchParams | undefined;
  const ran = await run({
    work: async (place: Place) => {
      query = place.query;
      await world.admin.run(`INSERT INTO ${place.catalog}.${place.query.get("schema")}.teachers (id) VALUES ('t-1')`);
    },
    token: "schemas",
    isolation: '{ as: schemas, into: branches, variables: { SCHOOL_SCHEMA: "{schema:school}" } }',
    withRedis: false,
  });
  expect(Object.fromEntries(query ?? [])).toMatchObject({ catalog: "branches", schema: `school_ea_${ran.report.runId}` });
  expect(ran.check("isolation")).toMatchObject({ verdict: "passed" });
  expect(ran.report.isolation).toMatchObject({ by: "schemas", gone: true, written: { tables: 1 } });
  expect(await world.branches()).toEqual([]);
});

test("a matrix of runs at once never sees each other's rows", async () => {
  const seen: string[][] = [];
  let arrived = 0;
  const all = Promise.withResolvers<void>();
  const cells = 4;
  const work = async ({ catalog }: Place) => {
    await world.admin.run(`INSERT INTO ${catalog}.school.sessions (id) VALUES ('${catalog}')`);
    if (++arrived === cells) all.resolve();
    await all.promise;
    seen.push((await world.admin.run(`SELECT id FROM ${catalog}.school.sessions`)).rows.map(({ id }) => String(id)));
  };
  const before = (await world.admin.run("SELECT count(*) AS n FROM cw.school.sessions")).rows;
  const ran = await Promise.all(Array.from({ length: cells }, () => run({ work })));
  expect(ran.map(({ report }) => [report.verdict, report.isolation?.shared?.touched])).toEqual(
    ran.map(() => ["passed", { least: 0, most: 0 }]),
  );
  expect(seen.sort()).toEqual(ran.map(({ report }) => report.isolation?.branch).sort());
  expect((await world.admin.run("SELECT count(*) AS n FROM cw.school.sessions")).rows).toEqual(before);
  expect(await world.branches()).toEqual([]);
});

const hour = 3_600_000;

/** As a run that was killed left it, hours ago. */
async function loseBranch(started = Date.now() - 3 * hour): Promise<string> {
  const runId = newRunId(started);
  world.warehouse.faults.clock = started;
  try {
    const { warehouse } = await makeBranch(world, "runner", { runId });
    await warehouse.close();
  } finally {
    world.warehouse.faults.clock = undefined;
  }
  return runId;
}

test("a branch that a run lost is shown, and swept by the next stage, by preflight and by cleanup", async () => {
  const lost = await loseBranch();
  const dry = await run({ stage: "cleanup", settings: "budget: 1m", overrides: { scope: "expired" } });
  expect(dry.check("isolation.branches")).toMatchObject({
    verdict: "passed",
    observed: "1 branch would be dropped",
    message: expect.stringContaining(`cw_ea_${lost}`),
  });
  const preflight = await run({ stage: "preflight", settings: "budget: 1m" });
  expect(preflight.check("isolation.branches")).toMatchObject({ verdict: "degraded" });
  expect(await world.branches()).toEqual([`cw_ea_${lost}`]);

  const swept = await run({ stage: "cleanup", settings: "budget: 1m", overrides: { scope: "expired", execute: true } });
  expect(swept.check("isolation.branches")).toMatchObject({ verdict: "passed", observed: "1 branch dropped, 0 left" });
  expect(await world.branches()).toEqual([]);

  await loseBranch();
  const sweeping = await run({ stage: "preflight", settings: "{ budget: 1m, sweep: true }" });
  expect(sweeping.check("isolation.branches")).toMatchObject({ verdict: "passed", observed: "1 branch dropped, 0 left" });

  const [old, young] = [await loseBranch(), await loseBranch(Date.now() - hour)];
  const next = await run({
    work: async ({ catalog }) => void (await world.admin.run(`INSERT INTO ${catalog}.school.log VALUES ('a')`)),
  });
  expect(next.check("isolation")).toMatchObject({ verdict: "passed" });
  expect(next.report.isolation?.swept).toEqual([`cw_ea_${old}`]);
  expect(await world.branches()).toEqual([`cw_ea_${young}`]);

  // Its run is named, so that it may be dropped whatever its age.
  const ofRun = await run({
    stage: "cleanup",
    settings: "budget: 1m",
    overrides: { scope: "run", execute: true },
    cleans: [young],
  });
  expect(ofRun.check("isolation.branches")).toMatchObject({ verdict: "passed", observed: "1 branch dropped, 0 left" });
  expect(await world.branches()).toEqual([]);
});

test("a branch that cannot be made is no reason to share the tables: no test runs, and nothing is left", async () => {
  let tests = 0;
  world.warehouse.faults.slowOperation = { seconds: 60, matching: "SHALLOW CLONE" };
  try {
    const ran = await run({ work: async () => void tests++, budgetMs: 2_000 });
    expect(ran.check("isolation")).toMatchObject({ verdict: "error", message: expect.stringContaining("EA5103") });
  } finally {
    world.warehouse.faults.slowOperation = undefined;
  }
  expect(tests).toBe(0);
  expect(await world.branches()).toEqual([]);
});

test("a branch that is no longer provably ours is left, and fails the stage", async () => {
  const ran = await run({
    work: async ({ catalog }) => {
      await world.admin.run(`DROP CATALOG ${catalog} CASCADE`);
      await world.admin.run(`CREATE CATALOG ${catalog} COMMENT 'mine now'`);
      await world.admin.run(`GRANT USE CATALOG ON CATALOG ${catalog} TO \`runner@school.example\``).catch(() => undefined);
    },
    token: "admin",
  });
  expect(ran.check("isolation")).toMatchObject({ verdict: "failed", message: expect.stringContaining("EA5104") });
  const [left = ""] = await world.branches();
  expect(left).toBe(`cw_ea_${ran.report.runId}`);
  await world.admin.run(`DROP CATALOG ${left} CASCADE`);
});

test("rows that the ledger names are gone with the branch", async () => {
  const ran = await run({
    work: async ({ catalog, query }) => {
      await world.admin.run(`INSERT INTO ${catalog}.school.log VALUES ('named')`);
      const file = query.get("ledger") ?? "";
      await appendFile(file, '{"table":"school.log","id":"named"}\n');
    },
  });
  expect(verdicts(ran).map(([id, verdict]) => [id, verdict])).toEqual([
    ["identity", "passed"],
    ["test-data.cleanup", "passed"],
    ["test-data.books", "passed"],
    ["isolation", "passed"],
  ]);
});

test("after a stage that was killed, its own branch is dropped at once, and no other", async () => {
  const [killed, other] = [await loseBranch(Date.now() - 60_000), await loseBranch(Date.now() - 120_000)];
  const cutShort = { startedAt: new Date().toISOString(), cancelledBy: undefined, stillRan: undefined };
  const ran = await run({ runId: killed, cutShort });
  expect(ran.check("isolation.branches")).toMatchObject({
    verdict: "passed",
    title: "The run's branch",
    observed: "1 branch dropped, 0 left",
  });
  expect(ran.check("stage.cut-short")).toMatchObject({ verdict: "error" });
  expect(await world.branches()).toEqual([`cw_ea_${other}`]);
  await world.admin.run(`DROP CATALOG cw_ea_${other} CASCADE`);
});
