import { afterEach, expect, test } from "vitest";
import type { Warehouse } from "../../../local/warehouse/index.ts";
import { lastRefresh } from "../../../src/staging/refresh/record.ts";
import { refresh } from "../../../src/staging/refresh/refresh.ts";
import { plainRules } from "./rules.ts";
import { type Keys, openApp, openCopy, portsOf, requestOf, startWorld, type Tables } from "./world.ts";

let warehouse: Warehouse;

afterEach(async () => {
  await warehouse.stop();
});

const tables: Tables = {
  "users.teachers": { columns: { id: "string", name: "string", school: "string" } },
  "sessions.sessions": { columns: { id: "string", teacher_id: "string", topic: "string", minutes: "int" } },
  "sessions.notes": { columns: { id: "string", session_id: "string", text: "string" } },
};
const keys: Keys = {
  "sessions.sessions": { foreignKeys: { taught: { columns: ["teacher_id"], references: "users.teachers", to: ["id"] } } },
  "sessions.notes": { foreignKeys: { of: { columns: ["session_id"], references: "sessions.sessions", to: ["id"] } } },
};
const rules = plainRules({
  columns: {
    "users.teachers": { id: { surrogate: "teacher" }, name: "null", school: "keep" },
    "sessions.sessions": { id: { surrogate: "session" }, teacher_id: { surrogate: "teacher" }, topic: "keep", minutes: "keep" },
    "sessions.notes": { id: { surrogate: "note" }, session_id: { surrogate: "session" }, text: "null" },
  },
});

async function filled(): Promise<void> {
  warehouse = await startWorld(tables);
  await warehouse.load(`
    INSERT INTO production.users.teachers SELECT 't' || i, 'Ms Nightingale ' || i, 'school ' || (i % 5) FROM range(20) r(i);
    INSERT INTO production.sessions.sessions SELECT 's' || i, 't' || (i % 20), 'topic ' || (i % 7), i FROM range(100) r(i);
    INSERT INTO production.sessions.notes SELECT 'n' || i, 's' || (i % 100), 'she said ' || i FROM range(300) r(i);
  `);
  await warehouse.load("INSERT INTO staging.users.teachers VALUES ('old', 'old', 'old')");
}

test("the copy gets the rows of the original, sanitised and joined as before, and nothing is left of the work", async () => {
  await filled();
  const copy = await openCopy(warehouse);
  await copy.change("GRANT MODIFY ON TABLE staging.users.teachers TO `app@school.test`");
  const grants = () => copy.query("SHOW GRANTS ON TABLE staging.users.teachers");
  const before = await grants();
  expect(before).toContainEqual(expect.objectContaining({ Principal: "app@school.test", ActionType: "MODIFY" }));
  const result = await refresh(portsOf(copy, rules, tables, keys), requestOf());
  expect(result).toMatchObject({ switched: true, leaks: 0, orphans: 0, suppressedRows: 0 });
  expect(result.tables).toEqual([
    { table: "sessions.notes", state: "switched", version: 1, rows: 300 },
    { table: "sessions.sessions", state: "switched", version: 1, rows: 100 },
    { table: "users.teachers", state: "switched", version: 1, rows: 20 },
  ]);
  const joined = (catalog: string) =>
    warehouse.query(`SELECT t.school, s.topic, count(*) AS n, sum(s.minutes) AS minutes FROM ${catalog}.sessions.notes n
      JOIN ${catalog}.sessions.sessions s ON n.session_id = s.id JOIN ${catalog}.users.teachers t ON s.teacher_id = t.id
      GROUP BY ALL ORDER BY ALL`);
  expect(await joined("staging")).toEqual(await joined("production"));
  expect(
    await warehouse.query("SELECT count(*)::INT AS n FROM staging.users.teachers WHERE name IS NOT NULL OR id LIKE 't%'"),
  ).toEqual([{ n: 0 }]);
  const schemas = await copy.query("SELECT schema_name FROM staging.information_schema.schemata");
  expect(
    schemas
      .map(({ schema_name }) => String(schema_name))
      .filter((name) => name.startsWith("env_actions"))
      .sort(),
  ).toEqual(["env_actions", `env_actions_old_${result.id}`]);
  expect(await copy.query(`SELECT id FROM staging.env_actions_old_${result.id}.users__teachers`)).toEqual([{ id: "old" }]);
  expect((await lastRefresh(copy, "staging")).switched).toMatchObject({ id: result.id, principal: "refresh@school.test" });
  expect(await grants()).toEqual(before);
  await copy.close();
  const app = await openApp(warehouse);
  expect(await app.query("SELECT count(*) AS n FROM staging.users.teachers")).toEqual([{ n: 20n }]);
  await app.close();
});
