import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Catalog, startTestStores, type TestStores } from "../cleanup/test-stores.ts";
import { junit, type Project, type Ran, runSuite } from "./suite.ts";

// A stage with tests whose rows and keys are made while it waits: what they leave shows in the books, whatever the cleanup says.

let stores: TestStores;
let control: Server;
let catalogs = 0;
/** What the tests of the next run do. */
let doing: (prefix: string) => Promise<void> = async () => undefined;

beforeAll(async () => {
  stores = await startTestStores();
  control = createServer((request, response) => {
    const prefix = new URL(request.url ?? "", "http://x").searchParams.get("prefix") ?? "";
    doing(prefix).then(
      () => response.end("done"),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((resolve) => control.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  control.close();
  await stores.stop();
});

const session = {
  columns: { id: "string", teacher_id: "string", title: "string", attrs: "map<string,string>", created_at: "timestamp" },
};
const teacher = { columns: { id: "string", name: "string", created_at: "timestamp" } };

const testsProgram = `import { writeFileSync } from "node:fs";
const answer = await fetch(process.env.CONTROL + "?prefix=" + process.env.ENV_ACTIONS_PREFIX);
if (!answer.ok) throw new Error(await answer.text());
writeFileSync("report.xml", ${JSON.stringify(junit())});
`;

/** In the place of a file that the stage removes once its run is clean. */
const inTheWay = `import { mkdirSync } from "node:fs";
mkdirSync(".env-actions/sign-ins/" + process.env.ENV_ACTIONS_RUN_ID + ".integration.jsonl", { recursive: true });
`;

interface Case {
  work: (catalog: Catalog, prefix: string) => Promise<void>;
  testData?: string;
  /** In place of the place's own. */
  inside?: string;
  exclusive?: boolean;
  /** Nothing but the preset says where test data may be. */
  preset?: boolean;
  /** Precedes the tests' program. */
  first?: string;
}

async function run({ work, testData = "", inside, exclusive = true, preset = false, first = "" }: Case): Promise<Ran> {
  await stores.keys.flushall();
  await stores.keys.set("production:1", "1");
  const catalog = await stores.catalog(`s${catalogs++}`, {
    "school.sessions": session,
    "school.teachers": teacher,
    "school.log": teacher,
  });
  await catalog.as(
    "production",
    `INSERT INTO ${catalog.name}.school.teachers (id, name) VALUES ('real', 'Ada'), ('teacher_1763920000000_1a2b3c4d', 'Bea')`,
  );
  doing = (prefix) => work(catalog, prefix);
  const { port } = control.address() as { port: number };
  const { host, warehouseId, certificateAuthority } = stores.warehouse;
  const project: Project = {
    inside:
      inside ??
      `databricks: { host: "${host}", warehouse: ${warehouseId}, token: "\${WAREHOUSE_TOKEN}", catalog: ${catalog.name}, certificateAuthority: ${certificateAuthority}, expect: { host: "${host}" } }
redis: { url: "\${REDIS_ADDRESS}", exclusive: ${exclusive}, expect: { host: 127.0.0.1 } }`,
    beside: preset
      ? ""
      : `testData:
  preset: none
  principals: [app@school.example, runner@school.example]
  tables:
    school.teachers: { match: [{ column: id, prefix: true }], person: [name], time: created_at }
    school.sessions: { match: [{ column: title, prefix: true }], parents: { teacher_id: { belongsTo: school.teachers } }, time: created_at }
${testData}`,
    settings: "command: node tests.mjs\nreports: [report.xml]",
    files: { "tests.mjs": first + testsProgram },
  };
  try {
    return await runSuite("integration", project, {
      CONTROL: `http://127.0.0.1:${port}/`,
      WAREHOUSE_TOKEN: "token",
      REDIS_ADDRESS: stores.redisUrl,
    });
  } finally {
    await catalog.close();
  }
}

test("a cleanup of several runs deletes no row that was made between the runs", async () => {
  const hour = 3_600_000;
  const [first, second] = [`${Date.now() - 3 * hour}_0a0b0c0d`, `${Date.now() - 60_000}_0e0f0a0b`];
  const catalog = await stores.catalog(`s${catalogs++}`, {
    "school.schools": teacher,
    "school.teachers": { columns: { ...teacher.columns, school_id: "string" } },
  });
  const insert = async (table: string, id: string, at: number, school = "NULL") => {
    stores.warehouse.faults.clock = at;
    const [column, value] = table === "teachers" ? [", school_id", `, ${school}`] : ["", ""];
    await catalog.as(
      "production",
      `INSERT INTO ${catalog.name}.school.${table} (id, created_at${column}) VALUES ('${id}', '${new Date(at).toISOString()}'${value})`,
    );
  };
  try {
    await insert("schools", `integration_test_${first}_school`, Date.now() - 3 * hour);
    await insert("teachers", "somebody", Date.now() - 2 * hour, "'oak'");
    await insert("schools", `integration_test_${second}_school`, Date.now() - 30_000);
    await catalog.as(
      "production",
      `UPDATE ${catalog.name}.school.teachers SET school_id = 'integration_test_${second}_school' WHERE id = 'somebody'`,
    );
    const { host, warehouseId, certificateAuthority } = stores.warehouse;
    const { report } = await runSuite(
      "cleanup",
      {
        inside: `databricks: { host: "${host}", warehouse: ${warehouseId}, token: "\${WAREHOUSE_TOKEN}", catalog: ${catalog.name}, certificateAuthority: ${certificateAuthority}, expect: { host: "${host}" } }`,
        settings: "budget: 1m",
        beside: `testData:
  preset: none
  tables:
    school.schools: { match: [{ column: id, prefix: true }], time: created_at }
    school.teachers: { parents: { school_id: { belongsTo: school.schools } }, time: created_at }`,
        files: {},
        overrides: { scope: "run", execute: true },
        cleans: [first, second],
      },
      { WAREHOUSE_TOKEN: "token" },
    );
    expect((await catalog.rows("school.teachers")).map(({ id }) => id)).toEqual(["somebody"]);
    expect(report).toMatchObject({
      verdict: "failed",
      cleanup: { deletedRows: 1, touched: [{ column: "school_id", before: "oak" }] },
    });
  } finally {
    stores.warehouse.faults.clock = undefined;
    await catalog.close();
  }
});

/** As the application writes: with ids of its own, and a title if the test gave it one. */
const made = (catalog: Catalog, id: string, title: string) =>
  catalog.as("app", `INSERT INTO ${catalog.name}.school.sessions (id, teacher_id, title) VALUES ('${id}', 'real', '${title}')`);

test("a run that leaves nothing reports balanced books in one line", async () => {
  const { check, report } = await run({
    work: async (catalog, prefix) => {
      await made(catalog, "5c0f", `${prefix}_a`);
      await catalog.as("app", `UPDATE ${catalog.name}.school.sessions SET attrs = map('colour', 'red') WHERE id = '5c0f'`);
      await made(catalog, "5c10", `${prefix}_b`);
      await catalog.as("app", `DELETE FROM ${catalog.name}.school.sessions WHERE id = '5c10'`);
      // Somebody else's business, meanwhile.
      await catalog.as(
        "production",
        `UPDATE ${catalog.name}.school.teachers SET name = 'Cy' WHERE id = 'teacher_1763920000000_1a2b3c4d'`,
      );
      await stores.keys.set(`session:${prefix}`, "1");
    },
  });
  const line = "rows made 2, deleted 2, unexplained 0; real rows touched 0 (3 tables, versions 0–5); Redis keys unexplained 0";
  expect(check("test-data.books")).toMatchObject({ verdict: "passed", observed: line });
  expect(report.books).toMatchObject({ line, tablesRead: 3, unexplained: { least: 0, most: 0 }, advice: [], problems: [] });
  expect(report.verdict).toBe("passed");
});

test("rows and keys without the prefix stay, and the books report them although cleanup found 0 left", async () => {
  const work: Case["work"] = async (catalog, prefix) => {
    await made(catalog, "5c0f", `${prefix}_a`);
    for (const id of ["5c11", "5c12", "5c13"]) await made(catalog, id, "Maths");
    await stores.keys.mset("session:5c11", "1", "session:5c12", "1");
  };
  const { check, report } = await run({ work });
  expect(check("test-data.cleanup")).toMatchObject({ verdict: "passed", observed: "1 row and 0 keys deleted, 0 left" });
  expect(check("test-data.books")).toMatchObject({
    verdict: "degraded",
    observed: expect.stringContaining("rows made 4, deleted 1, unexplained 3; real rows touched 0"),
    message: expect.stringMatching(/3 rows .*school\.sessions.*2 Redis keys.*auth\.roles/s),
  });
  expect(report.books?.tables).toMatchObject([
    { table: "school.sessions", made: { least: 4 }, hangsOn: ["teacher_id = real (school.teachers)"] },
  ]);
  expect(report.verdict).toBe("degraded");
  const strict = await run({ work, testData: "  unexplained: fail" });
  expect(strict.check("test-data.books")?.verdict).toBe("failed");
});

test.each([
  ["changed", "UPDATE $.school.teachers SET name = 'Mallory' WHERE id = 'real'", "real"],
  ["deleted", "DELETE FROM $.school.teachers WHERE id = 'real'", "real"],
  // The application makes ids that look like a run's.
  [
    "changed under such an id",
    "UPDATE $.school.teachers SET name = 'Mallory' WHERE id = 'teacher_1763920000000_1a2b3c4d'",
    "teacher_1763920000000_1a2b3c4d",
  ],
])("the stage fails when a test touches a real row (%s)", async (_, sql, id) => {
  const { check } = await run({
    work: async (catalog, prefix) => {
      await made(catalog, "5c0f", `${prefix}_a`);
      await catalog.as("app", sql.replace("$", catalog.name));
    },
  });
  expect(check("test-data.cleanup")?.verdict).toBe("passed");
  expect(check("test-data.books")).toMatchObject({
    verdict: "failed",
    observed: expect.stringContaining("real rows touched 1 "),
    message: expect.stringContaining(`1 in school.teachers (${id})`),
  });
});

test("a failure after the deletion is reported, and the books are still balanced", async () => {
  const { check, report } = await run({
    work: async (catalog, prefix) => {
      await made(catalog, "5c0f", `${prefix}_a`);
      await catalog.as("app", `UPDATE ${catalog.name}.school.teachers SET name = 'Mallory' WHERE id = 'real'`);
    },
    first: inTheWay,
  });
  expect(check("test-data.cleanup")?.verdict).toBe("passed");
  expect(check("test-data.books")).toMatchObject({ verdict: "failed" });
  expect(check("test-data.finished")).toMatchObject({
    verdict: "error",
    message: expect.stringMatching(/^Test data was deleted, but what follows the deletion failed: .*directory/),
  });
  expect(report.cleanup?.notes.join()).toMatch(
    /the sign-ins of env-actions are not known, because EA9102: \S+ is not a regular file/,
  );
});

test("rows with the run's prefix in an undeclared table fail the books", async () => {
  const { check, report } = await run({
    work: async (catalog, prefix) => {
      await made(catalog, "5c0f", `${prefix}_a`);
      await catalog.as("production", `INSERT INTO ${catalog.name}.school.log (id, name) VALUES ('1', 'about ${prefix}_a')`);
    },
  });
  expect(check("test-data.books")).toMatchObject({
    verdict: "failed",
    message: expect.stringMatching(/1 row has this run's id.*school\.log.*not declared/s),
  });
  expect(report.books?.advice.join()).toContain("production@school.example writes rows of this run");
});

test.each<[string, Case, string, { verdict: string; message: RegExp }]>([
  [
    "nothing that the run made carries its prefix",
    { work: (catalog) => made(catalog, "5c0f", "Maths") },
    "test-data.books",
    { verdict: "degraded", message: /Cleanup found none of the rows that this run created, neither by prefix nor by the ledger/ },
  ],
  [
    "tests ran, and nothing was made",
    { work: async () => undefined },
    "test-data.books",
    { verdict: "degraded", message: /created no row and no key/ },
  ],
  [
    "no table of the preset exists",
    { work: async () => undefined, preset: true },
    "test-data.cleanup",
    { verdict: "degraded", message: /none of the declared tables exists/ },
  ],
  [
    "there is nothing to clean up in",
    { work: async () => undefined, inside: "api: { url: http://localhost:1 }" },
    "test-data.cleanup",
    { verdict: "skipped", message: /neither databricks nor redis/ },
  ],
])("test data is not reported as gone when %s", async (_, one, id, expected) => {
  const { check } = await run(one);
  expect(check(id)).toMatchObject({ verdict: expected.verdict, message: expect.stringMatching(expected.message) });
});
