import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RepairResult } from "../../src/cleanup/undo/repair-plan.ts";
import type { StageReport } from "../../src/model/report.ts";
import { Connection } from "../../src/warehouse/connection.ts";
import { type Cloud, startCloud } from "../actions/cloud.ts";
import { makeRepository } from "../actions/workspace.ts";
import { freshBundle } from "../harness/process.ts";

/** A lost run had moved a real teacher to its school. What the warehouse holds at the end is what it held before that run. */

const runStarted = Date.now() - 10 * 3_600_000;
const school = `integration_test_${runStarted}_0a0b0c0d_school`;
const report = ".env-actions/reports/cleanup.json";

let cloud: Cloud;
let workspace: string;
let tests: Connection;

beforeAll(async () => {
  cloud = await startCloud();
  workspace = mkdtempSync(join(tmpdir(), "env-actions-repair-"));
  cpSync(join(import.meta.dirname, "../actions/consumer"), workspace, { recursive: true });
  makeRepository(workspace, {});
  const settings = {
    host: cloud.warehouse.host,
    path: cloud.warehouse.path,
    token: cloud.secrets.DATABRICKS_TOKEN,
    catalog: "classwaves",
    certificateAuthority: cloud.warehouse.certificateAuthority,
    startTimeoutMs: 5_000,
    runId: "0000000000000_00000000",
  };
  tests = await Connection.open(settings, { signal: new AbortController().signal });
});
afterAll(async () => {
  await tests?.close();
  await cloud?.stop();
  rmSync(workspace, { recursive: true, force: true });
});

async function run(...args: string[]) {
  const child = spawn(process.execPath, [freshBundle, ...args], {
    cwd: workspace,
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      HOME: process.env.HOME,
      ...cloud.variables,
      ...cloud.secrets,
    },
  });
  let [out, log] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, out, log };
}

const rows = async () => [
  await cloud.warehouse.query("SELECT id, school_id, name FROM classwaves.users.teachers ORDER BY id"),
  await cloud.warehouse.query("SELECT id, title FROM classwaves.sessions.classroom_sessions ORDER BY id"),
  await cloud.warehouse.query("SELECT id FROM classwaves.users.schools ORDER BY id"),
];

test("cleanup keeps a real teacher, repair moves it back, and the next cleanup deletes the test school", async () => {
  await cloud.warehouse.load(`INSERT INTO classwaves.users.teachers (id, school_id, name, created_at)
      VALUES ('mira', 'a-real-school', 'Mira', TIMESTAMP '2024-03-01 08:00:00+00');
    INSERT INTO classwaves.sessions.classroom_sessions (id, teacher_id, school_id, title, created_at)
      VALUES ('maths', 'mira', 'a-real-school', 'Maths', TIMESTAMP '2024-03-02 08:00:00+00')`);
  const before = await rows();
  await tests.run(
    `INSERT INTO users.schools (id, name, created_at) VALUES ('${school}', 'Test', timestamp_millis(${runStarted}))`,
  );
  await tests.run(`UPDATE users.teachers SET school_id = '${school}' WHERE id = 'mira'`);

  const swept = await run("cleanup", "--scope", "expired", "--execute");
  expect(swept, swept.out).toMatchObject({ code: 1 });
  const { cleanup, checks } = JSON.parse(readFileSync(join(workspace, report), "utf8")) as StageReport;
  const touched = { table: "users.teachers", key: { column: "id", value: "mira" }, column: "school_id", now: school };
  expect(cleanup?.touched).toEqual([{ ...touched, before: "a-real-school", version: expect.any(Number) }]);
  const check = checks.find(({ id }) => id === "test-data.cleanup");
  expect(check).toMatchObject({ verdict: "failed", observed: expect.stringContaining("1 real row changed by tests") });
  for (const said of [
    "users.teachers, row mira: a test changed school_id",
    "before: a-real-school",
    `env-actions repair ${report}`,
  ])
    expect(check?.message).toContain(said);
  expect(swept.out).toContain("users.teachers.school_id, row mira");
  for (const file of ["summary.md", "report.html"])
    expect(readFileSync(join(workspace, ".env-actions", file), "utf8")).toContain("Real rows changed by tests");

  const seen = cloud.warehouse.statements.length;
  const shown = await run("repair", report, "--json");
  expect(shown, shown.log).toMatchObject({ code: 0 });
  const { digest, rows: planned } = JSON.parse(shown.out) as RepairResult;
  expect(planned).toEqual([expect.objectContaining({ ...touched, before: "a-real-school", state: "repairable" })]);
  expect(shown.log).toContain(`1 old value can be put back with --execute --plan-digest ${digest}; nothing was written`);

  const other = await run("repair", report, "--execute", "--plan-digest", "0".repeat(64));
  expect(other).toMatchObject({ code: 1, out: expect.stringContaining("the plan has changed since it was shown") });
  expect(cloud.warehouse.statements.slice(seen).filter(({ sql }) => /UPDATE|DELETE|INSERT/.test(sql))).toEqual([]);

  const repaired = await run("repair", report, "--execute", "--plan-digest", digest);
  expect(repaired, repaired.log).toMatchObject({ code: 0, out: expect.stringContaining("1 old value was put back") });
  const again = await run("repair", report, "--execute", "--plan-digest", digest);
  expect(again, again.log).toMatchObject({ code: 0, out: expect.stringContaining("nothing was written") });
  expect(again.out).toContain("nothing is left to restore: the digest belongs to an earlier plan");
  expect(cloud.warehouse.statements.slice(seen).filter(({ sql }) => /UPDATE/.test(sql))).toHaveLength(1);
  expect(JSON.parse(readFileSync(join(workspace, ".env-actions/repair.json"), "utf8"))).toMatchObject({
    dryRun: false,
    rows: [{ state: "already" }],
  });

  const last = await run("cleanup", "--scope", "expired", "--execute");
  expect(last, last.out).toMatchObject({ code: 0 });
  expect(await rows()).toEqual(before);
  const audit = await run("audit", "report");
  expect(audit.out).toMatch(/real rows changed by tests\s+users\.teachers\.school_id +1 row; the old values are known/);
  expect(audit.out).toMatch(/repaired\s+users\.teachers +1 of 1 row/);
});

const mistakes: [name: string, args: string[], message: RegExp][] = [
  ["no report", [], /expected the report of the stage whose tests changed rows after "repair"/],
  ["two reports", ["a", "b"], /unexpected argument "b" after "repair a": remove it/],
  ["no digest", ["good.json", "--execute"], /EA1105: repair --execute requires the digest of a plan that you have seen/],
  [
    "a digest that is none",
    ["good.json", "--execute", "--plan-digest", "abc"],
    /expected the 64 hexadecimal digits shown with the plan, got "abc"/,
  ],
  ["a file that is not there", ["nowhere.json"], /nowhere\.json cannot be read: the file does not exist/],
  [
    "a file that is no report",
    ["integration.xml"],
    /integration\.xml is not JSON, so it is not a stage report\. Give the path of a report/,
  ],
  ["a folder", [".github"], /\.github cannot be read: it is a folder\. Name a report/],
  ["a report of an older version", ["old.json"], /old\.json names no real row that a test changed: there is nothing to repair/],
  ["a report with members of its own", ["odd.json"], /does not match the format of a report[\s\S]*touched\[0\]/],
  [
    "a run whose name ends a comment of SQL",
    ["comment.json"],
    /comment\.json: expected a runId such as 1763920000000_1a2b3c4d, got ".*DROP.*": this report was not written by env-actions/,
  ],
  // What a report says is shown, and says nothing to the terminal.
  ["a name that would clear the screen", ["hostile.json", "--environment", "production"], /about the environment x, not about/],
  ["another environment", ["good.json", "--environment", "production"], /is about the environment sandbox, not about production/],
  ["an environment that may only be read", ["good.json", "--config", "read-only.yml"], /sandbox is read-only/],
];

test("every user error exits with 2, names the fix, and sends nothing", async () => {
  const good = JSON.parse(readFileSync(join(workspace, report), "utf8")) as StageReport;
  const touched = [{ table: "users.teachers", key: { column: "id", value: "mira" }, column: "school_id", now: school }];
  const write = (name: string, changes: object) =>
    writeFileSync(join(workspace, name), JSON.stringify({ ...good, cleanup: { ...good.cleanup, ...changes } }));
  write("good.json", { touched });
  writeFileSync(join(workspace, "comment.json"), JSON.stringify({ ...good, runId: "*/ DROP TABLE users.teachers --" }));
  write("old.json", {});
  writeFileSync(
    join(workspace, "hostile.json"),
    JSON.stringify({ ...good, environment: { ...good.environment, name: "\u001b[2Jx" } }),
  );
  write("odd.json", { touched: [{ ...touched[0], set: "name = 'x'" }] });
  writeFileSync(join(workspace, "integration.xml"), "<testsuite/>");
  const config = readFileSync(join(workspace, ".github/env-actions.yml"), "utf8");
  writeFileSync(join(workspace, "read-only.yml"), config.replace("access: test-data", "access: read-only"));
  const seen = cloud.warehouse.statements.length;
  for (const [name, args, message] of mistakes)
    expect({ name, ...(await run("repair", ...args)) }).toMatchObject({ name, code: 2, log: expect.stringMatching(message) });
  // Undo reads the same file.
  expect((await run("undo", "comment.json")).code).toBe(2);
  expect(cloud.warehouse.statements.length).toBe(seen);
});

test("a wrong host is one sentence, and nothing is written", async () => {
  const config = readFileSync(join(workspace, ".github/env-actions.yml"), "utf8");
  writeFileSync(join(workspace, "elsewhere.yml"), config.replace("host: localhost", "host: elsewhere"));
  const asked = await run("repair", "good.json", "--config", "elsewhere.yml");
  expect(asked).toMatchObject({
    code: 1,
    log: expect.stringMatching(
      /^env-actions: EA2001: Databricks host: expected elsewhere, got localhost \(nothing was sent\)\nRead on: \S+#ea2001\n$/,
    ),
  });
});
