import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { loadConfig } from "../../src/config/load.ts";
import { tableSchema } from "../../src/config/test-data-schema.ts";
import { freshBundle } from "../harness/process.ts";

/** The proposal as a person asks for it, from the 48 tables in a warehouse that is only read. */

const schemaFile = new URL("../../examples/classroom/schema.json", import.meta.url);
let warehouse: Warehouse;
let cwd: string;

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "env-actions-tables-"));
  const reading = (["USE CATALOG", "USE SCHEMA", "SELECT"] as const).map((privilege) => ({ privilege, on: "classwaves" }));
  warehouse = await startWarehouse({ principals: { "reader-token": { user: "reader@school.example", grants: reading } } });
  await warehouse.createTables(JSON.parse(await readFile(schemaFile, "utf8")));
});
afterAll(async () => {
  await warehouse.stop();
  await rm(cwd, { recursive: true, force: true });
});

async function run(args: string[], { below = "", token = "reader-token" } = {}) {
  await writeFile(join(cwd, "c.yml"), configuration(below));
  const { GITHUB_ACTIONS: _runner, ...env } = process.env;
  const child = spawn(process.execPath, [freshBundle, "tables", "--config", "c.yml", ...args], {
    cwd,
    env: { ...env, TOKEN: token },
  });
  const [stdout, stderr, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once("close", resolve)),
  ]);
  return { status, stdout, stderr };
}

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let all = "";
  for await (const chunk of stream.setEncoding("utf8")) all += chunk;
  return all;
}

/** A read-only environment: to propose, nothing more is needed. */
function configuration(below: string): string {
  return `version: 1
environments:
  production:
    access: read-only
    databricks:
      host: ${warehouse.host}
      warehouse: ${warehouse.warehouseId}
      token: \${TOKEN}
      certificateAuthority: ${warehouse.certificateAuthority}
  nowhere:
    access: read-only
${below}`;
}

test("its output can be pasted and then matches the warehouse, and only schema and test addresses were read", async () => {
  const seen = warehouse.statements.length;
  const proposed = await run(["--environment", "production", "--check"]);
  expect(proposed.stderr).toContain("48 tables; 44 proposed; 0 differences from the declaration");
  expect(proposed.status).toBe(0);
  const statements = warehouse.statements.slice(seen).map(({ sql }) => sql.replace(/^\/\*.*?\*\/ /, ""));
  expect(statements).toEqual([
    // Who we are: the first answer of every connection.
    expect.stringMatching(/^SELECT current_catalog\(\)/),
    expect.stringMatching(/^SELECT .* FROM `classwaves`\.information_schema\./),
    expect.stringMatching(/^SELECT .* FROM `classwaves`\.information_schema\./),
    // Which rows match only by an address or a domain alone.
    expect.stringMatching(/^SELECT 0 AS asked, `id` AS row_key, `domain` AS shown FROM .*`users`\.`teachers`/),
  ]);

  const tables = (parse(proposed.stdout) as { testData: { tables: Record<string, unknown> } }).testData.tables;
  expect(Object.keys(tables)).toHaveLength(44);
  expect(proposed.stdout).toContain("#   compliance.audit_log: protected by testData.protectedTables, never touched");
  expect(proposed.stdout).toContain("# leader_id only mentions somebody or something");

  const pasted = proposed.stdout.replace("testData:\n", "testData:\n  preset: none\n");
  const again = await run(["--environment", "production", "--check"], { below: pasted });
  expect(again).toMatchObject({ status: 0, stderr: expect.stringContaining("0 differences") });
  const { config } = await loadConfig({ file: "c.yml", cwd, env: { TOKEN: "reader-token" }, environment: "production" });
  expect(config.testData.tables).toEqual(
    Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, tableSchema.parse(table)])),
  );
});

test("rows matched only by domain are proposed as fixed, those of a run for a sweep", async () => {
  const made = Date.now() - 3_600_000;
  await warehouse.load(`
    INSERT INTO classwaves.users.schools (id, domain) VALUES ('sandbox-school', 'testschool.edu'), ('lincoln', 'lincoln.example');
    INSERT INTO classwaves.users.teachers (id, email) VALUES ('sandbox-teacher', 'kim@testschool.edu'), ('teacher_${made}_0a0b0c0d', 'x@testschool.edu')`);
  const proposed = await run(["--environment", "production"]);
  const { testData } = parse(proposed.stdout) as { testData: Record<string, unknown> };
  expect(testData).toMatchObject({
    keep: { "users.schools": ["sandbox-school"], "users.teachers": ["sandbox-teacher"] },
    sweep: ["@testschool.edu"],
  });
  // Keys are named, never an address.
  expect(proposed.stdout).not.toContain("kim@");
  const again = await run(["--environment", "production", "--check"], {
    below: proposed.stdout.replace("testData:\n", "testData:\n  preset: none\n"),
  });
  expect(again).toMatchObject({ status: 0 });
});

test("a difference is reported, also as JSON, and fails only with --check", async () => {
  const below =
    "testData:\n  tables:\n    users.pupils: {}\n    users.students: { parents: { class_id: { belongsTo: users.schools } } }\n";
  const shown = await run(["--environment", "production", "--json"], { below });
  expect(shown.status).toBe(0);
  const json = JSON.parse(shown.stdout) as { catalog: string; tables: Record<string, unknown>; differences: unknown[] };
  expect(json.catalog).toBe("classwaves");
  expect(tableSchema.parse(json.tables["sessions.participants"]).parents).toEqual({
    session_id: { table: "sessions.classroom_sessions", kind: "part-of" },
    group_id: { table: "sessions.student_groups", kind: "part-of" },
    student_id: { table: "users.students", kind: "belongs-to" },
  });
  expect(json.differences).toContainEqual(expect.objectContaining({ table: "users.pupils", kind: "missing-table" }));
  expect(json.differences).toContainEqual(
    expect.objectContaining({ table: "users.students", kind: "missing-column", columns: ["class_id"] }),
  );
  const checked = await run(["--environment", "production", "--check"], { below });
  expect(checked.status).toBe(1);
  expect(checked.stdout).toContain("#   users.pupils is declared, but does not exist, or this principal may not see it");
});

test("an environment without a warehouse exits with 2, a refused token with 3, and neither shows a secret", async () => {
  expect(await run(["--environment", "nowhere"])).toMatchObject({
    status: 2,
    stdout: "",
    stderr: expect.stringMatching(
      /^env-actions: EA3013: environment nowhere has no warehouse to look at: it needs databricks: { host: … }\nRead on: \S+\n$/,
    ),
  });
  const refused = await run(["--environment", "production"], { token: "dapi-wrong-token" });
  expect(refused.status).toBe(3);
  expect(refused.stderr).toMatch(/refused the token/);
  expect(refused.stderr).not.toContain("dapi-wrong-token");
});
