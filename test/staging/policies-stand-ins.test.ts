import { expect, test } from "vitest";
import type { ColumnPolicy } from "../../src/staging/policies/model.ts";
import { build, forget, ownWorld, policiesOf, policyOf, structureOf, tableOf } from "./policies-world.ts";

const teachers = { id: "bigint", school_id: "string", code: "int", account: "decimal(12,0)", email: "string" };
const sessions = {
  id: "bigint",
  teacher_id: "bigint",
  teacher_ids: "array<bigint>",
  email: "string",
  note: "string",
  kind: "string",
};
const world = ownWorld({ "classwaves.users.teachers": { columns: teachers }, "classwaves.a.sessions": { columns: sessions } });
const structure = structureOf({ "users.teachers": tableOf(teachers), "a.sessions": tableOf(sessions) });
const surrogate = (domain: string): ColumnPolicy => ({ how: "surrogate", domain });
const policies = policiesOf(
  {
    "users.teachers": policyOf({
      id: surrogate("teacher"),
      school_id: surrogate("school"),
      code: surrogate("code"),
      account: surrogate("account"),
      email: { how: "synthetic", kind: "email", of: "id" },
    }),
    "a.sessions": policyOf({
      id: { how: "keep" },
      teacher_id: surrogate("teacher"),
      teacher_ids: { how: "elements", elements: surrogate("teacher") },
      email: { how: "synthetic", kind: "email", of: "teacher_id" },
      note: { how: "synthetic", kind: "sentence" },
      kind: { how: "keep", reason: "one of two words" },
    }),
  },
  { teacher: {}, school: { prefix: "school_", shape: "hex" }, code: {}, account: {} },
);

type Rows = Record<string, unknown>[];

async function refreshed(): Promise<{ teachers: Rows; sessions: Rows }> {
  await build(world, policies, structure);
  return {
    teachers: await world.copy.query("SELECT * FROM staging.users.teachers"),
    sessions: await world.copy.query("SELECT * FROM staging.a.sessions ORDER BY id"),
  };
}

const texts = (rows: Rows, column: string) => rows.map((row) => String(row[column]));

test("stand-ins of numbers are random, different, and none of production's", async () => {
  const count = 120;
  await world.copy.change("CREATE SCHEMA IF NOT EXISTS staging.a");
  await world.warehouse.load(
    `INSERT INTO users.teachers SELECT n, concat('school', n % 7), 2147483647 - n, n * 1000, concat(n, '@real.org') FROM range(${count}) AS r(n)`,
  );
  await world.warehouse.load(
    `INSERT INTO a.sessions SELECT n, n % ${count}, [n % 3, 9, NULL], 'x@real.org', concat('note ', n), CASE WHEN n % 2 = 0 THEN 'lesson' ELSE 'exam' END FROM range(${count}) AS r(n)`,
  );
  const first = await refreshed();
  for (const [column, originals] of [
    ["id", (n: number) => n],
    ["code", (n: number) => 2147483647 - n],
    ["account", (n: number) => n * 1000],
  ] as const) {
    const found = texts(first.teachers, column);
    expect(new Set(found).size).toBe(count);
    const production = new Set(Array.from({ length: count }, (_, n) => String(originals(n))));
    expect(found.filter((value) => production.has(value))).toEqual([]);
  }
  expect(texts(first.teachers, "school_id")[0]).toMatch(/^school_[0-9a-f]{32}$/);
  expect(new Set(texts(first.teachers, "school_id")).size).toBe(7);

  // The same id has the same stand-in everywhere, and its person the same address.
  const address = new Map(first.teachers.map((row) => [String(row.id), row.email]));
  expect(first.sessions.every((row) => address.get(String(row.teacher_id)) === row.email)).toBe(true);
  expect(new Set(address.values()).size).toBe(count);
  for (const row of first.sessions.slice(0, 20)) {
    const ids = row.teacher_ids as (bigint | null)[];
    expect(ids[2]).toBe(null);
    expect(String(ids[0])).toBe(String(first.sessions[Number(row.id) % 3]?.teacher_id));
    expect(String(ids[1])).toBe(String(first.sessions[9]?.teacher_id));
  }

  // A refresh that is resumed has its mapping, and gives the same. Another one shares no stand-in with it.
  const resumed = await refreshed();
  expect(resumed.sessions).toEqual(first.sessions);
  await forget(world);
  const second = await refreshed();
  for (const column of ["id", "school_id", "account"]) {
    const before = new Set(texts(first.teachers, column));
    expect(texts(second.teachers, column).filter((value) => before.has(value))).toEqual([]);
  }
  // Nor are they in production's order: of two neighbours, the larger has the larger stand-in half of the time.
  const inOrder = first.sessions.filter(
    (row, at) => at > 0 && Number(row.teacher_id) > Number(first.sessions[at - 1]?.teacher_id),
  );
  expect(Math.abs(inOrder.length - count / 2)).toBeLessThan(count / 4);
});

test("made-up values don't depend on what they replace", async () => {
  await forget(world);
  const only = policiesOf({
    "a.sessions": policyOf({
      id: { how: "keep" },
      teacher_id: { how: "null" },
      teacher_ids: { how: "null" },
      email: { how: "synthetic", kind: "email" },
      note: { how: "synthetic", kind: "sentence" },
      kind: { how: "null" },
    }),
  });
  const notes = async () => {
    await build(world, only, structure);
    return texts(await world.copy.query("SELECT * FROM staging.a.sessions ORDER BY id"), "note");
  };
  const before = await notes();
  expect(await notes()).toEqual(before);
  await world.warehouse.load("UPDATE a.sessions SET note = 'something else', email = 'other@real.org'");
  expect(await notes()).toEqual(before);
  Object.assign(only, { seed: 8 });
  expect(await notes()).not.toEqual(before);
});
