import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Catalog } from "../cleanup/test-stores.ts";
import { afterwards, hourMs, startWorld, type World } from "./user.ts";

/**
 * Nothing real is ever deleted, whatever a test did to it or wrote about it: what dist/index.js does to the rows of ClassWaves' tables, as
 * a user sees it. Every configuration is also one of versions that did not keep these promises; see user.ts for how to ask one of those.
 */

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

const in2024 = "TIMESTAMP '2024-03-01 08:00:00'";
const lesson = "sessions.classroom_sessions";
const school = ["users.schools", "users.teachers", "users.students", lesson, "sessions.student_groups"];

/** Every table's rows, by their keys. */
async function ids(catalog: Catalog, ...tables: string[]): Promise<Record<string, unknown[]>> {
  const key = (row: Record<string, unknown>) => row.id ?? row.group_id;
  const found = await Promise.all(tables.map(async (table) => [table, (await catalog.rows(table)).map(key).sort()] as const));
  return Object.fromEntries(found);
}

/** A teacher of 2024 and all that hangs on it: a lesson, two groups. */
async function makeMira(catalog: Catalog): Promise<void> {
  const insert = (table: string, columns: string, values: string) =>
    catalog.as("production", `INSERT INTO ${catalog.name}.${table} (${columns}, created_at) VALUES ${values}`);
  await insert("users.schools", "id, name, domain", `('oak', 'Oak', 'oak.edu', ${in2024})`);
  await insert("users.teachers", "id, school_id, name", `('mira', 'oak', 'Mira', ${in2024})`);
  await insert(lesson, "id, teacher_id, school_id, title", `('maths', 'mira', 'oak', 'Maths', ${in2024})`);
  await insert(
    "sessions.student_groups",
    "id, session_id, name",
    `('g1', 'maths', 'A', ${in2024}), ('g2', 'maths', 'B', ${in2024})`,
  );
}

const mirasOwn = { "users.teachers": ["mira"], [lesson]: ["maths"], "sessions.student_groups": ["g1", "g2"] };

describe("a real teacher of 2024 that a test moved to its school", () => {
  const lostSchool = `integration_test_${Date.now() - 8 * hourMs}_0a0b0c0d_school`;

  const makeLostSchool = (catalog: Catalog) =>
    catalog.as(
      "app",
      `INSERT INTO ${catalog.name}.users.schools (id, name, created_at) VALUES ('${lostSchool}', 'Test', timestamp_millis(${Date.now() - 8 * hourMs}))`,
    );
  const moveMira = (catalog: Catalog) =>
    catalog.as("app", `UPDATE ${catalog.name}.users.teachers SET school_id = '${lostSchool}' WHERE id = 'mira'`);

  /** A run that was lost eight hours ago made a school, and moved the teacher there. */
  async function moved(): Promise<Catalog> {
    const catalog = await world.tables(school);
    await makeMira(catalog);
    await world.ago(8, async () => {
      await makeLostSchool(catalog);
      await moveMira(catalog);
    });
    return catalog;
  }

  it("is kept by a later sweep with everything it owns, and the sweep does not pass", async () => {
    const catalog = await moved();
    const told = await world.cleanup({ catalog });
    expect(await ids(catalog, ...Object.keys(mirasOwn))).toEqual(mirasOwn);
    expect(told).toMatchObject({ status: 1, said: { verdict: "failed" } });
    expect(told.out).toContain("mira");
  });

  it("is kept by a cleanup of scope all with the digest of the plan", async () => {
    const catalog = await moved();
    const shown = await world.cleanup({ catalog }, ["--scope", "all"]);
    const { digest } = (JSON.parse(shown.out) as { cleanup: { digest: string } }).cleanup;
    const ended = await afterwards(shown, ["cleanup", "--scope", "all", "--execute", "--plan-digest", digest]);
    expect(await ids(catalog, ...Object.keys(mirasOwn))).toEqual(mirasOwn);
    expect(ended.status).toBe(1);
  });

  it.each<[string, "failed" | "degraded"]>([
    ["whose history tells that it was there before", "failed"],
    ["of which nothing tells any more what was before", "degraded"],
  ])("is kept without a timestamp, %s: the sweep is %s", async (_, verdict) => {
    const catalog = await world.tables(school);
    const mira = (at: string) =>
      `INSERT INTO ${catalog.name}.users.teachers (id, school_id, name) VALUES ('mira', '${at}', 'Mira')`;
    if (verdict === "failed") await world.ago(30, () => catalog.as("production", mira("oak")));
    await world.ago(8, () => makeLostSchool(catalog));
    if (verdict === "failed") await world.ago(8, () => moveMira(catalog));
    // As after a VACUUM: earlier versions cannot be read any more.
    else await world.stores.warehouse.load(mira(lostSchool));
    const told = await world.cleanup({ catalog });
    expect(await ids(catalog, "users.teachers")).toEqual({ "users.teachers": ["mira"] });
    expect(told.said.verdict).toBe(verdict);
  });

  it("is kept by a preflight that sweeps, and the preflight does not pass", async () => {
    const catalog = await moved();
    const told = await world.preflight({ catalog, stages: { preflight: { sweep: true } } });
    expect(await ids(catalog, ...Object.keys(mirasOwn))).toEqual(mirasOwn);
    expect(told.said.verdict).not.toBe("passed");
  });

  it("is kept by the cleanup of the stage whose tests moved it, and the stage fails", async () => {
    const catalog = await world.tables(school);
    await makeMira(catalog);
    const told = await world.integration({ catalog }, async (prefix) => {
      await catalog.as(
        "app",
        `INSERT INTO ${catalog.name}.users.schools (id, name, created_at) VALUES ('${prefix}_s', 'T', now())`,
      );
      await catalog.as("app", `UPDATE ${catalog.name}.users.teachers SET school_id = '${prefix}_s' WHERE id = 'mira'`);
    });
    expect(await ids(catalog, ...Object.keys(mirasOwn))).toEqual(mirasOwn);
    expect(told).toMatchObject({ status: 1, said: { verdict: "failed" } });
  });

  it("is moved back by repair after a preview, and the test school can then be deleted", async () => {
    const catalog = await moved();
    const told = await world.cleanup({ catalog });
    const schoolOf = async () => (await catalog.rows("users.teachers")).map(({ school_id }) => school_id);
    const shown = await afterwards(told, ["repair", ".env-actions/reports/cleanup.json", "--json"]);
    expect({ status: shown.status, log: shown.log }).toMatchObject({ status: 0 });
    expect(await schoolOf()).toEqual([lostSchool]);
    const { digest } = JSON.parse(shown.out) as { digest: string };
    const done = await afterwards(told, ["repair", ".env-actions/reports/cleanup.json", "--execute", "--plan-digest", digest]);
    expect(done.status).toBe(0);
    expect(await schoolOf()).toEqual(["oak"]);
    const again = await afterwards(told, ["cleanup", "--scope", "expired", "--execute"]);
    expect(again.status).toBe(0);
    expect(await ids(catalog, "users.schools", "users.teachers")).toEqual({
      "users.schools": ["oak"],
      "users.teachers": ["mira"],
    });
  });
});

it("a real group that a test moved to its lesson is kept, and the stage fails", async () => {
  const catalog = await world.tables(school);
  await makeMira(catalog);
  const told = await world.integration({ catalog }, async (prefix) => {
    await catalog.as("app", `INSERT INTO ${catalog.name}.${lesson} (id, title, created_at) VALUES ('${prefix}_l', 'T', now())`);
    await catalog.as("app", `UPDATE ${catalog.name}.sessions.student_groups SET session_id = '${prefix}_l' WHERE id = 'g1'`);
  });
  expect(await ids(catalog, ...Object.keys(mirasOwn))).toMatchObject({ "sessions.student_groups": ["g1", "g2"] });
  expect(told).toMatchObject({ status: 1, said: { verdict: "failed" } });
});

it("a real lesson that a test renamed is kept, the stage fails, and repair restores the title", async () => {
  const catalog = await world.tables(school);
  await makeMira(catalog);
  const told = await world.integration({ catalog }, async (prefix) => {
    await catalog.as("app", `UPDATE ${catalog.name}.${lesson} SET title = '${prefix} fractions' WHERE id = 'maths'`);
  });
  expect(await ids(catalog, ...Object.keys(mirasOwn))).toEqual(mirasOwn);
  expect(told).toMatchObject({ status: 1, said: { verdict: "failed" } });
  const shown = await afterwards(told, ["repair", ".env-actions/reports/integration.json", "--json"]);
  const { digest } = JSON.parse(shown.out) as { digest: string };
  await afterwards(told, ["repair", ".env-actions/reports/integration.json", "--execute", "--plan-digest", digest]);
  expect((await catalog.rows(lesson)).map(({ title }) => title)).toEqual(["Maths"]);
});

describe("a ledger line that names a real row", () => {
  const students = "users.students";
  const visits = "school.visits";
  // Known by its text alone, which is the only thing that it has.
  const declared = { tables: { [visits]: { match: [{ column: "about", prefix: true }] } } };
  const insert = (into: string, values: string) => `INSERT INTO $.${into} VALUES ('anna', 'Anna'${values})`;
  const student = `${students} (id, display_name, created_at)`;
  it.each<[string, string, string, Record<string, Record<string, string>>]>([
    ["without a time", students, insert(student, ", NULL"), {}],
    ["in a table that has no time column", visits, insert(`${visits} (id, about)`, ""), {}],
    [
      "whose time is the mere date of today",
      students,
      insert(student, ", current_date()"),
      { [students]: { created_at: "date" } },
    ],
    // The only one of them that older versions did not believe either.
    ["of 2024", students, insert(student, `, ${in2024}`), {}],
  ])("%s is not trusted: the row stays, and the stage fails", async (_, table, sql, columns) => {
    const catalog = await world.tables([lesson, students], { [visits]: { id: "string", about: "string" }, ...columns });
    await catalog.as("production", sql.replace("$", catalog.name));
    const told = await world.integration({ catalog, testData: declared }, async (prefix, note) => {
      await catalog.as("app", `INSERT INTO ${catalog.name}.${lesson} (id, title, created_at) VALUES ('${prefix}_a', 'T', now())`);
      note({ table, id: "anna" });
    });
    expect(await ids(catalog, table, lesson)).toEqual({ [table]: ["anna"], [lesson]: [] });
    expect(told).toMatchObject({ status: 1, said: { verdict: "failed" } });
    expect(told.out).toContain(`${table}: anna is kept`);
  });

  it("is not trusted through an old run id, because the id is refused", async () => {
    const catalog = await world.tables(["users.students"]);
    await catalog.as(
      "production",
      `INSERT INTO ${catalog.name}.users.students (id, display_name, created_at) VALUES ('anna', 'Anna', ${in2024})`,
    );
    world.tests(async (_, note) => note({ table: "users.students", id: "anna" }));
    // The run id holds for all stages of a gate.
    const told = await world.preflight({ catalog, env: { ENV_ACTIONS_RUN_ID: "0000000000000_00000000" } });
    const ended = await afterwards(told, ["integration"]);
    expect(await ids(catalog, "users.students")).toEqual({ "users.students": ["anna"] });
    expect(ended.status).toBe(2);
    expect(ended.log).toContain("ENV_ACTIONS_RUN_ID");
  });
});

describe("production's row stays where a test made another under the same key,", () => {
  const key = "group_id, analysis_type, created_at";
  it.each([
    // Older versions kept this one, and the last.
    ["one of 2024", in2024],
    ["one without a time", "NULL"],
  ])("%s, which the ledger names", async (_, at) => {
    const analytics = "analytics.group_analytics";
    const catalog = await world.tables([analytics]);
    const insert = (as: string, values: string) =>
      catalog.as(as, `INSERT INTO ${catalog.name}.${analytics} (${key}) VALUES ('shared', ${values})`);
    await insert("production", `'real', ${at}`);
    const told = await world.integration({ catalog }, async (_, note) => {
      await insert("app", "'test', now()");
      note({ table: analytics, id: "shared" });
    });
    expect((await catalog.rows(analytics)).map(({ analysis_type }) => analysis_type)).toContain("real");
    expect(told.said.verdict).not.toBe("passed");
  });

  it("which the test's title matches", async () => {
    const catalog = await world.tables([lesson]);
    const insert = (as: string, values: string) =>
      catalog.as(as, `INSERT INTO ${catalog.name}.${lesson} (id, title, created_at) VALUES ('shared', ${values})`);
    await insert("production", `'Maths', ${in2024}`);
    const told = await world.integration({ catalog }, (prefix) => insert("app", `'${prefix} fractions', now()`));
    expect((await catalog.rows(lesson)).map(({ title }) => title)).toContain("Maths");
    expect(told.said.verdict).not.toBe("passed");
  });
});

it("a row of a minute ago with a text timestamp in UTC-8 is not deleted as expired", async () => {
  const catalog = await world.tables(["users.students"], { "users.students": { created_at: "string" } });
  const there = new Date(Date.now() - 60_000 - 8 * hourMs).toISOString().slice(0, 19).replace("T", " ");
  await catalog.as(
    "app",
    `INSERT INTO ${catalog.name}.users.students (id, display_name, created_at) VALUES ('integration_test_lena', 'Lena', '${there}')`,
  );
  const told = await world.cleanup({ catalog });
  expect(await ids(catalog, "users.students")).toEqual({ "users.students": ["integration_test_lena"] });
  expect(told.said.verdict).not.toBe("passed");
});

describe("the sandbox's own fixed teacher and school", () => {
  async function sandbox(): Promise<Catalog> {
    const catalog = await world.tables(["users.schools", "users.teachers"]);
    await catalog.as(
      "production",
      `INSERT INTO ${catalog.name}.users.schools (id, name, domain, created_at) VALUES ('fixed', 'Test School', 'testschool.edu', ${in2024})`,
    );
    await catalog.as(
      "production",
      `INSERT INTO ${catalog.name}.users.teachers (id, school_id, email, created_at) VALUES ('tess', 'fixed', 'tess@testschool.edu', ${in2024})`,
    );
    return catalog;
  }

  it("are not deleted by a cleanup or by a preflight that sweeps", async () => {
    const fixed = { "users.schools": ["fixed"], "users.teachers": ["tess"] };
    const catalog = await sandbox();
    await world.cleanup({ catalog });
    expect(await ids(catalog, ...Object.keys(fixed))).toEqual(fixed);
    await world.preflight({ catalog, stages: { preflight: { sweep: true } } });
    expect(await ids(catalog, ...Object.keys(fixed))).toEqual(fixed);
  });

  // Older versions lack these settings: they end with a mistake in the configuration, whatever they would do.
  it("are deleted if testData.sweep lists them, unless testData.keep does", async () => {
    const sweep = ["@testschool.edu", "testschool.edu"];
    const kept = await sandbox();
    await world.cleanup({ catalog: kept, testData: { sweep, keep: { "users.schools": ["fixed"], "users.teachers": ["tess"] } } });
    expect(await ids(kept, "users.teachers")).toEqual({ "users.teachers": ["tess"] });
    const swept = await sandbox();
    expect((await world.cleanup({ catalog: swept, testData: { sweep } })).status).toBe(0);
    expect(await ids(swept, "users.teachers")).toEqual({ "users.teachers": [] });
  });
});

// Applications write the time of a change into rows, and tests may write any: the table's own history is not to be written to.
describe("a real row of 2024 whose time a test rewrote", () => {
  const known = { principals: ["app@school.example", "runner@school.example"] };
  const later = "now() + INTERVAL 10 MINUTES";

  it.each([
    ["got a test title", lesson, "maths", (prefix: string) => `title = '${prefix} renamed'`],
    ["became part of a test lesson", "sessions.student_groups", "g1", (prefix: string) => `session_id = '${prefix}_l'`],
  ])("stays, and the stage fails, when it %s", async (_, table, id, set) => {
    const catalog = await world.tables(school);
    await makeMira(catalog);
    const told = await world.integration({ catalog, testData: known }, async (prefix) => {
      await catalog.as("app", `INSERT INTO ${catalog.name}.${lesson} (id, title, created_at) VALUES ('${prefix}_l', 'T', now())`);
      await catalog.as("app", `UPDATE ${catalog.name}.${table} SET ${set(prefix)}, created_at = ${later} WHERE id = '${id}'`);
    });
    expect(told).toMatchObject({ status: 1, said: { verdict: "failed" } });
    expect(Object.values(await ids(catalog, table)).flat()).toContain(id);
  });

  it("stays when the test also recreated its table", async () => {
    const catalog = await world.tables(school);
    await makeMira(catalog);
    const teachers = `${catalog.name}.users.teachers`;
    const told = await world.integration({ catalog, testData: known }, async (prefix, note) => {
      await catalog.as("app", `CREATE OR REPLACE TABLE ${teachers} AS SELECT id, '${prefix}_s' AS school_id FROM ${teachers}`);
      await catalog.as(
        "app",
        `INSERT INTO ${catalog.name}.users.schools (id, name, created_at) VALUES ('${prefix}_s', 'T', now())`,
      );
      note({ table: "users.teachers", id: "mira" });
    });
    expect(told.said.verdict).not.toBe("passed");
    expect(await ids(catalog, "users.teachers")).toEqual({ "users.teachers": ["mira"] });
  });
});

describe("a real row that was changed", () => {
  const known = { principals: ["app@school.example", "runner@school.example"] };
  const change = (catalog: Catalog) =>
    catalog.as("app", `UPDATE ${catalog.name}.users.teachers SET name = 'M' WHERE id = 'mira'`);

  it("by a server during its start is counted", async () => {
    const catalog = await world.tables(school);
    await makeMira(catalog);
    const told = await world.integration({ catalog, testData: known, boot: () => change(catalog) }, async (prefix) => {
      await catalog.as("app", `INSERT INTO ${catalog.name}.${lesson} (id, title, created_at) VALUES ('${prefix}_l', 'T', now())`);
    });
    expect(told).toMatchObject({ status: 1, said: { verdict: "failed" } });
    expect(told.out).toContain("real rows touched 1 ");
  });
});
