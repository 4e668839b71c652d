import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CopyWorld, perform, startCopyWorld } from "./copy-world.ts";

/** A refresh as people start it: by the configuration and the file of policies. */

const policies = `version: 1
domains: { teacher: { prefix: t_ }, pupil: {}, session: {} }
tables:
  users.teachers:
    columns:
      id: { surrogate: teacher }
      name: { synthetic: fullName, of: id }
      email: null
      created_at: { generalise: month }
  users.pupils:
    columns:
      id: { surrogate: pupil }
      name: { synthetic: fullName, of: id }
      teacher_id: { surrogate: teacher }
  sessions.classroom_sessions:
    columns:
      id: { surrogate: session }
      teacher_id: { surrogate: teacher }
      title: { constant: A lesson }
`;
const file = ".github/env-actions.policies.yml";

let world: CopyWorld;
beforeAll(async () => {
  world = await startCopyWorld();
  await world.warehouse.load(`
    INSERT INTO classwaves.users.teachers SELECT 't' || i, 'Real ' || i, 'real@school.example', TIMESTAMPTZ '2026-03-04 05:06:07Z' FROM range(9) r(i);
    INSERT INTO classwaves.users.teachers VALUES ('t9', 'Real 9', NULL, TIMESTAMPTZ '2026-03-01 00:00:00Z');
    INSERT INTO classwaves.users.pupils SELECT 'p' || i, 'Pupil ' || i, 't' || (i % 10) FROM range(30) r(i);
    INSERT INTO classwaves.sessions.classroom_sessions SELECT 's' || i, 't' || (i % 10), 'Lesson of ' || i FROM range(20) r(i)`);
});
afterAll(() => world.stop());

const rowsOfCopy = () =>
  world.warehouse.query(
    "SELECT count(*)::INT AS n FROM staging.users.pupils p JOIN staging.users.teachers t ON p.teacher_id = t.id",
  );

test("it is shown first, then done, with its result in the report and the audit log", async () => {
  const shown = await perform(world, "refresh", { files: { [file]: policies } });
  expect(shown.check("refresh")).toMatchObject({ verdict: "passed", observed: "3 tables to fill, 0 omitted" });
  expect(await rowsOfCopy()).toEqual([{ n: 0 }]);
  const done = await perform(world, "refresh", { files: { [file]: policies }, overrides: { execute: true } });
  expect(done.check("refresh")).toMatchObject({ verdict: "passed", observed: "60 rows in 3 tables" });
  expect(done.report.staging?.refresh).toMatchObject({
    switched: true,
    leaks: 0,
    orphans: 0,
    // Production has the first of the month, too, and a lesson of that title.
    chance: 1,
  });
  expect(await rowsOfCopy()).toEqual([{ n: 30 }]);
  expect((await auditOf(done.workspace)).at(-2)?.details).toMatchObject({ what: "refresh", switched: true });
});

async function auditOf(workspace: string) {
  const text = await readFile(join(workspace, ".env-actions", "audit.jsonl"), "utf8");
  const lines = text.trim().split("\n");
  return lines.map((line) => JSON.parse(line) as { action: string; details: Record<string, unknown>; counts: object });
}

test("a column without a policy is a mistake of the user, and so is a missing file", async () => {
  const without = policies.replace("      email: null\n", "");
  const gap = await perform(world, "refresh", { files: { [file]: without }, overrides: { execute: true } }).catch(
    (error: unknown) => error,
  );
  expect(gap).toMatchObject({
    code: "EA2110",
    // The line of the table's columns, where the policy is missing.
    message: expect.stringContaining(`${file}:5:5  EA2110: users.teachers.email`),
    mistakes: [{ code: "EA2110", file, line: 5, column: 5 }],
  });
  const missing = await perform(world, "refresh", {}).catch((error: unknown) => error);
  expect(missing).toMatchObject({ code: "EA6110" });
});

test("a sample keeps together what belongs together", async () => {
  const staging = "refresh: { roots: { users.teachers: { where: \"id IN ('t1', 't2')\" } } }";
  // Production declares no foreign keys, so the references come from the test data.
  const done = await perform(world, "refresh", {
    files: { [file]: policies },
    staging: `${staging}\n# the references`,
    overrides: { execute: true },
  });
  expect(done.report.staging?.refresh?.tables).toMatchObject([{ rows: 20 }, { rows: 30 }, { rows: 2 }]);
});

// Comes last: it leaves an unfinished refresh behind.
test("each change of the copy has a line, also if the refresh breaks off", async () => {
  const sent = world.warehouse.statements.length;
  world.warehouse.faults.tokenExpiresAfterStatements = sent + 92;
  const broken = await perform(world, "refresh", { files: { [file]: policies }, overrides: { execute: true } });
  world.warehouse.faults.tokenExpiresAfterStatements = undefined;
  expect(broken.check("refresh")?.verdict).toBe("error");
  const changes = world.warehouse.statements
    .slice(sent)
    .flatMap(({ sql }) => /^(?:\/\*.*?\*\/\s*)?((?:CREATE|INSERT|ALTER|DROP|TRUNCATE)\b.*)/s.exec(sql)?.[1] ?? []);
  const noted = (await auditOf(broken.workspace)).filter(({ details }) => details.what === "refresh-step");
  const done = noted.filter(({ details }) => details.problem === undefined);
  expect(changes.length).toBeGreaterThan(5);
  expect(done).toHaveLength(changes.length);
  for (const { details } of done) {
    const { statement, object } = details as { statement: string; object: string };
    const named = changes.filter((sql) => sql.replaceAll("`", "").toLowerCase().includes(object));
    expect(
      named.some((sql) => sql.startsWith(statement)),
      `${statement} ${object}`,
    ).toBe(true);
  }
  // It broke off before its end, so it has no line of its own.
  expect((await auditOf(broken.workspace)).some(({ details }) => details.what === "refresh")).toBe(false);
  // No value and no expression: policies may have constants.
  expect(JSON.stringify(noted.map(({ details }) => [details.statement, details.object]))).not.toMatch(/Lesson|'/);
});
