import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { examineCredential } from "../../src/warehouse/credential.ts";
import { blocks } from "../docs/markdown.ts";
import { reads, settingsFor } from "../warehouse/harness.ts";
import { junit, type Ran, runSuite } from "./suite.ts";

// The grants that docs/trust.md shows for each role are enough, and reading alone is not enough to delete: stages run with exactly these.

interface Grant {
  privilege: "USE CATALOG" | "USE SCHEMA" | "SELECT" | "MODIFY";
  on: string;
}

const grantsOf = (sql = "") =>
  [...sql.matchAll(/^GRANT (.+) ON (?:CATALOG|SCHEMA|TABLE) (\S+) TO `[\d-]+`;$/gm)].flatMap(([, privileges = "", on = ""]) =>
    privileges.split(", ").map((privilege): Grant => ({ privilege: privilege as Grant["privilege"], on })),
  );
const [reading = [], deleting = [], completeBooks = [], smoke = [], ...more] = blocks("docs/trust.md", "sql").map(({ text }) =>
  grantsOf(text),
);

const tables = ["sessions.classroom_sessions", "users.teachers", "compliance.audit_log"];
const old = "integration_test_1763920000000_1a2b3c4d";
let warehouse: Warehouse;

beforeAll(async () => {
  warehouse = await startWarehouse({
    principals: {
      reading: { user: "reading@school.example", grants: reading },
      smoke: { user: "smoke@school.example", grants: [...reading, ...smoke] },
      deleting: { user: "deleting@school.example", grants: deleting },
      complete: { user: "complete@school.example", grants: [...deleting, ...completeBooks] },
    },
  });
  const columns = { id: "string", created_at: "timestamp" };
  await warehouse.createTables(Object.fromEntries(tables.map((table) => [`classwaves.${table}`, { columns }])));
});
afterAll(() => warehouse.stop());
beforeEach(async () => {
  for (const table of tables) {
    await warehouse.load(`DELETE FROM ${table}`);
    await warehouse.load(
      `INSERT INTO ${table} (id, created_at) VALUES ('${old}', TIMESTAMP '2025-11-23 17:46:40'), ('real', NULL)`,
    );
  }
});

async function run(
  stage: "preflight" | "integration" | "cleanup",
  token: string,
  settings: string,
  more: { overrides?: { scope: "expired"; execute: boolean }; files?: Record<string, string> } = {},
): Promise<Ran> {
  const { host, warehouseId, certificateAuthority } = warehouse;
  const testData = "testData: { preset: none, tables: { sessions.classroom_sessions: M, users.teachers: M } }";
  return await runSuite(
    stage,
    {
      inside: `databricks: { host: "${host}", warehouse: ${warehouseId}, token: "\${WAREHOUSE_TOKEN}", catalog: classwaves, certificateAuthority: ${certificateAuthority}, expect: { host: "${host}" } }`,
      settings,
      beside: testData.replaceAll(" M", " { match: [{ column: id, prefix: true }], time: created_at }"),
      files: {},
      ...more,
    },
    { WAREHOUSE_TOKEN: token },
  );
}

const rows = async (table: string) => (await warehouse.query(`SELECT id FROM ${table} ORDER BY id`)).map(({ id }) => id);

test("the page shows a block for each role: reading, deleting, complete books, smoke", () => {
  const modify = (grants: Grant[]) => grants.filter(({ privilege }) => privilege === "MODIFY").map(({ on }) => on);
  expect(more).toEqual([]);
  expect(reading).toHaveLength(5);
  const declared = ["classwaves.sessions.classroom_sessions", "classwaves.users.teachers"];
  expect([reading, deleting, completeBooks, smoke].map(modify)).toEqual([[], declared, [], []]);
  expect(deleting.filter(({ privilege }) => privilege !== "MODIFY")).toEqual(reading);
  expect(completeBooks).toEqual(["USE SCHEMA", "SELECT"].map((privilege) => ({ privilege, on: "classwaves" })));
  const views = ["USE SCHEMA", "SELECT"].map((privilege) => ({ privilege, on: "system.information_schema" }));
  expect(smoke).toEqual([{ privilege: "USE CATALOG", on: "system" }, ...views]);
});

test("reading is enough for a plan", async () => {
  const ran = await run("cleanup", "reading", "budget: 1m", { overrides: { scope: "expired", execute: false } });
  expect(ran.check("test-data.cleanup")).toMatchObject({ verdict: "passed", observed: "2 rows and 0 keys would be deleted" });
});

test("reading is enough for preflight without a sweep, which reports what is left", async () => {
  const ran = await run("preflight", "reading", "sweep: false");
  expect(ran.check("test-data.left-by-earlier-runs")).toMatchObject({ verdict: "degraded", observed: "2 rows and 0 keys" });
});

test("smoke finds that its credential can only read, and can see that it can", async () => {
  const found = await reads(settingsFor(warehouse, { token: "smoke" }), (reader) => examineCredential(reader));
  expect(found).toEqual({ writing: [], unknown: [] });
});

test("reading is not enough for a sweep", async () => {
  const ran = await run("preflight", "reading", "sweep: true");
  expect(ran.check("test-data.left-by-earlier-runs")?.verdict).toBe("failed");
  expect(await rows("users.teachers")).toEqual([old, "real"]);
});

test.each([
  ["a sweep of preflight", "deleting", "preflight", "sweep: true", "test-data.left-by-earlier-runs"],
  ["a cleanup", "deleting", "cleanup", "budget: 1m", "test-data.cleanup"],
  ["a cleanup that reads every table", "complete", "cleanup", "budget: 1m", "test-data.cleanup"],
] as const)("deleting is enough for %s, and the protected table keeps its rows", async (_, token, stage, settings, id) => {
  const ran = await run(stage, token, settings, stage === "cleanup" ? { overrides: { scope: "expired", execute: true } } : {});
  expect(ran.check(id)?.verdict).toBe("passed");
  expect(await rows("sessions.classroom_sessions")).toEqual(["real"]);
  expect(await rows("users.teachers")).toEqual(["real"]);
  expect(await rows("compliance.audit_log")).toEqual([old, "real"]);
});

test.each([
  ["the books read every table", "complete", 3],
  ["a table that the principal cannot see is not in the books", "deleting", 2],
])("integration: %s", async (_, token, tablesRead) => {
  const files = { "tests.mjs": `import { writeFileSync } from "node:fs"; writeFileSync("r.xml", ${JSON.stringify(junit())});` };
  const ran = await run("integration", token, "command: node tests.mjs\nreports: [r.xml]", { files });
  expect(ran.check("test-data.cleanup")?.verdict).toBe("passed");
  expect(ran.report.books).toMatchObject({ tablesRead, problems: [] });
});
