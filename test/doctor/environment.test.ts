import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { examine } from "../../src/doctor/examine.ts";
import type { EnvironmentFacts } from "../../src/doctor/rule.ts";
import { freshBundle } from "../harness/process.ts";
import { base, examined, type Files, writeFiles } from "./fixture.ts";

/** What the environment says, if it is asked; and that it is only read. */

const entry = freshBundle;
const schemaFile = new URL("../../examples/classroom/schema.json", import.meta.url);
const configuration = ".github/env-actions.yml";
let warehouse: Warehouse;
let cwd: string;

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "doctor-"));
  const reading = (["USE CATALOG", "USE SCHEMA", "SELECT"] as const).map((privilege) => ({ privilege, on: "classwaves" }));
  warehouse = await startWarehouse({ principals: { "reader-token": { user: "reader@school.example", grants: reading } } });
  await warehouse.createTables(JSON.parse(readFileSync(schemaFile, "utf8")));
});
afterAll(async () => {
  await warehouse.stop();
  rmSync(cwd, { recursive: true });
});

function files(): Files {
  const written = (base[configuration] ?? "")
    .replace("adb-1234567890123456.7.azuredatabricks.net", "localhost")
    .replace("      warehouse:", `      certificateAuthority: ${warehouse.certificateAuthority}\n      warehouse:`);
  return { ...base, [configuration]: written };
}

async function run(args: string[], variables: Record<string, string> = {}) {
  writeFiles(cwd, files());
  const { GITHUB_ACTIONS: _runner, ...env } = process.env;
  const given = {
    DATABRICKS_HOST: warehouse.host,
    DATABRICKS_WAREHOUSE_ID: warehouse.warehouseId,
    DATABRICKS_TOKEN: "reader-token",
  };
  const child = spawn(process.execPath, [entry, "doctor", ...args], { cwd, env: { ...env, ...given, ...variables } });
  const [stdout, stderr, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once("close", resolve)),
  ]);
  return { stdout, stderr, status };
}

test("without --online, nobody is asked", async () => {
  const seen = warehouse.statements.length;
  const { status, stdout } = await run([]);
  expect(status).toBe(0);
  expect(stdout).toContain("tables and clocks of the environment: run env-actions doctor --online to check them");
  expect(warehouse.statements.length).toBe(seen);
});

test.each([["--online"], ["--environment", "sandbox"]])("%s: undeclared tables are found, by reading only", async (...args) => {
  const seen = warehouse.statements.length;
  const { status, stdout } = await run([...args, "--json"]);
  const { findings, lookedAt, notLookedAt } = JSON.parse(stdout);
  expect(findings).toEqual([
    expect.objectContaining({
      code: "ED801",
      file: configuration,
      line: 4,
      message: expect.stringMatching(/^sandbox: \S+\.\S+ .*, and \d+ more$/),
    }),
  ]);
  expect(status).toBe(1);
  expect(lookedAt.environment).toBe("sandbox");
  expect(notLookedAt).toEqual([]);
  const statements = warehouse.statements.slice(seen).map(({ sql }) => sql.replace(/^\/\*.*?\*\/ /, ""));
  expect(statements.length).toBe(4);
  expect(statements.filter((sql) => !/^SELECT /.test(sql))).toEqual([]);
});

test("an environment that can't be asked is no success", async () => {
  const { status, stdout, stderr } = await run(["--online"], { DATABRICKS_TOKEN: "wrong-token" });
  expect(status).toBe(3);
  expect(stdout).toContain("▲ No problem found in 1 workflow with 3 stages, .github/env-actions.yml");
  expect(stdout).toMatch(/○ tables and the clock of Databricks of sandbox: EA\d{4}: /);
  expect(stdout + stderr).not.toContain("wrong-token");
});

test("an unknown environment is a mistake of the command", async () => {
  const { status, stderr } = await run(["--environment", "sandbxo"]);
  expect(status).toBe(2);
  expect(stderr).toContain("EA1014");
});

const facts = (clocks: EnvironmentFacts["clocks"]) => async () => ({
  name: "sandbox",
  at: { file: configuration, line: 4, column: 3 },
  clocks,
});

test.each([
  [29_000, 0, undefined],
  [40_000, 20_000, undefined],
  [40_000, 1_000, "the clock of Redis is 40 s ahead of this machine's"],
  [-400_000, 1_000, "the clock of Redis is 400 s behind this machine's, more than cleanup tolerates"],
])("a clock that is %i ms ahead, give or take %i: %s", async (aheadMs, uncertaintyMs, message) => {
  const { findings } = await examined(base, examine, facts([{ of: "Redis", aheadMs, uncertaintyMs }]));
  const expected = message === undefined ? [] : [{ code: "ED802", message, line: 4 }];
  expect(findings).toEqual(expected.map((one) => expect.objectContaining(one)));
});
