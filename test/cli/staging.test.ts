import { execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { freshBundle } from "../harness/process.ts";

/** `staging propose` and `staging move`, as a person calls them. */

const reading = ["USE CATALOG", "USE SCHEMA", "SELECT", "BROWSE"] as const;
let warehouse: Warehouse;
beforeAll(async () => {
  const principal = (user: string, privileges: readonly string[]) => ({
    user,
    grants: privileges.map((privilege) => ({ privilege: privilege as "SELECT", on: "classwaves" })),
    owns: ["classwaves_staging"],
  });
  warehouse = await startWarehouse({
    principals: {
      keeper: principal("keeper@school.example", reading),
      writer: principal("writer@school.example", [...reading, "MODIFY"]),
    },
  });
  await warehouse.createTables({
    "classwaves.users.teachers": { columns: { id: "string", name: "string", email: "string", logins: "int" } },
    "classwaves_staging.users.teachers": { columns: { id: "string" } },
  });
});
afterAll(() => warehouse.stop());

const policiesFile = ".github/env-actions.policies.yml";

/** A repository with a configuration. */
async function repository(files: Record<string, string> = {}, more = ""): Promise<string> {
  const cwd = await realpath(await mkdtemp(join(tmpdir(), "env-actions-staging-")));
  onTestFinished(() => rm(cwd, { recursive: true, force: true }));
  const place = (catalog: string, expected = "") =>
    `databricks: { host: "${warehouse.host}", warehouse: ${warehouse.warehouseId}, token: "\${TOKEN}", catalog: ${catalog}, certificateAuthority: ${warehouse.certificateAuthority}${expected} }`;
  const config = `version: 1
preset: none
${more || "defaultEnvironment: staging"}
environments:
  production:
    access: read-only
    promotedFrom: staging
    ${place("classwaves")}
  staging:
    access: test-data
    ${place("classwaves_staging", `, expect: { host: "${warehouse.host}", catalog: classwaves_staging }`)}
staging: { original: production, copy: staging }
testData: { isolation: clone }
`;
  for (const [name, content] of Object.entries({ ".github/env-actions.yml": config, ...files })) {
    await mkdir(dirname(join(cwd, name)), { recursive: true });
    await writeFile(join(cwd, name), content);
  }
  execFileSync("git", ["init", "--quiet"], { cwd });
  execFileSync("git", ["add", "--all"], { cwd });
  return cwd;
}

async function run(cwd: string, args: string[], more: Record<string, string> = {}) {
  const { GITHUB_ACTIONS: _runner, ...env } = process.env;
  const child = spawn(process.execPath, [freshBundle, "staging", ...args], { cwd, env: { ...env, TOKEN: "keeper", ...more } });
  const [stdout, stderr, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once("close", resolve)),
  ]);
  return { status, stdout, stderr };
}

test("a first proposal goes to standard output, and what it found to standard error", async () => {
  const cwd = await repository();
  const { status, stdout, stderr } = await run(cwd, ["propose"]);
  expect([status, stderr]).toEqual([0, expect.stringContaining("4 columns added")]);
  expect(stdout).toMatch(/^tables:\n {2}users\.teachers:\n {4}columns:\n {6}id: \{ surrogate: teacher \}\n/m);
  expect(stdout).toContain("      email: { synthetic: email");
  await expect(readFile(join(cwd, policiesFile))).rejects.toThrow("ENOENT");
});

test("what a person decided is kept, and only what is missing is added", async () => {
  const kept = `version: 1
domains: { person: { prefix: p_ } }
tables:
  users.teachers:
    columns:
      id: { surrogate: person } # ours
      name: { constant: Somebody }
      email: null
`;
  const { status, stdout, stderr } = await run(await repository({ [policiesFile]: kept }), ["propose"]);
  expect([status, stderr]).toEqual([0, expect.stringContaining("1 column added")]);
  for (const line of kept.split("\n").slice(4)) expect(stdout).toContain(line);
  expect(stdout).toMatch(/^ {6}logins: /m);
});

test("it proposes as JSON", async () => {
  const { status, stdout } = await run(await repository(), ["propose", "--json"]);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ added: 4, text: expect.stringContaining("users.teachers:") });
});

test("a file that is no policies is a mistake of the user", async () => {
  const { status, stdout, stderr } = await run(await repository({ [policiesFile]: "version: 1\ntables: 7\n" }), ["propose"]);
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(`${policiesFile}:2`);
});

test("options that the task would ignore are refused, and so is a warehouse that doesn't answer", async () => {
  const cwd = await repository();
  expect(await run(cwd, ["propose", "--execute"])).toMatchObject({ status: 2, stderr: expect.stringContaining("--execute") });
  const refused = await run(cwd, ["propose"], { TOKEN: "of-nobody" });
  expect(refused).toMatchObject({ status: 3, stdout: "" });
  expect(refused.stderr).not.toContain("of-nobody");
});

test("each place that still names production is listed, with its line and column", async () => {
  const cwd = await repository({
    "src/report.sql": "-- daily\nSELECT * FROM classwaves.users.teachers\n",
    "src/job.py": 'spark.table("x")\nframe = spark.table("classwaves.sessions.rooms")\n',
    "src/setting.ts": 'export const catalog = "classwaves";\n',
    ".env.test": "DATABRICKS_CATALOG=classwaves\n",
    "README.md": "ClassWaves is for classrooms. See classwaves_staging.users.teachers.\n",
  });
  const { status, stdout } = await run(cwd, ["move"], { SOME_CATALOG: "classwaves" });
  expect(status).toBe(1);
  for (const place of ["src/report.sql:2:15", "src/job.py:2:22", "src/setting.ts:1:25", ".env.test:1:20"])
    expect(stdout).toContain(`  ${place}  `);
  expect(stdout).not.toContain("README.md");
  expect(stdout).not.toContain(".github/env-actions.yml");
  expect(stdout).toMatch(/Variables that do\n {2}SOME_CATALOG\n/);
});

test("so is what the copy's principal may write in production", async () => {
  const { status, stdout } = await run(await repository(), ["move"], { TOKEN: "writer" });
  expect(status).toBe(1);
  expect(stdout).toMatch(/What the copy's principal may write in production\n {2}MODIFY on catalog classwaves/);
});

test("and a gate that does not test in the copy", async () => {
  const { status, stdout } = await run(await repository({}, "defaultEnvironment: production"), ["move"]);
  expect(status).toBe(1);
  expect(stdout).toMatch(/The gate's order\n.*staging/);
});

test("a file that is too large to look at is no file without findings", async () => {
  const cwd = await repository({ "dump.sql": "SELECT 1; -- padding\n".repeat(60_000) });
  const { status, stdout } = await run(cwd, ["move"]);
  expect(stdout).toContain("not looked at: dump.sql: larger than 1 MB");
  expect(status).toBe(3);
});

test("a repository that has moved is done", async () => {
  const { status, stdout } = await run(await repository({ "src/a.sql": "SELECT * FROM users.teachers\n" }), ["move"]);
  expect(stdout.match(/^ {2}(?:none|nothing|tests run in the copy.*)$/gm)).toHaveLength(4);
  expect(status).toBe(0);
  const { stdout: json } = await run(await repository(), ["move", "--json"]);
  expect(JSON.parse(json)).toEqual({ places: [], variables: [], grants: [], unknown: [], unread: [], order: [] });
});
