import { expect, test } from "vitest";
import { rewriteView } from "../../../src/staging/branch/views.ts";

// A view on a branch that silently read the original would break the isolation: so each table is named in full, or the view is refused.

const known = new Set(["sessions.groups", "sessions.members", "users.teachers"]);
const toBranch = (schema: string, table: string) =>
  known.has(`${schema}.${table}`) ? (["cw_ea_1", schema, table] as const) : undefined;

function rewritten(text: string): string {
  const view = rewriteView(text, { catalog: "CW", target: toBranch });
  return typeof view === "string" ? `refused: ${view}` : view.query;
}

const b = (table: string) => ["cw_ea_1", ...table.split(".")].map((part) => `\`${part}\``).join(".");

const cases: [text: string, expected: string][] = [
  ["SELECT * FROM cw.sessions.groups", `SELECT * FROM ${b("sessions.groups")}`],
  ["SELECT * FROM sessions.groups", `SELECT * FROM ${b("sessions.groups")}`],
  ["select g.Id as MyId from `Cw`.Sessions.Groups g;", `select g.Id as MyId from ${b("sessions.groups")} g`],
  [
    "SELECT * FROM sessions.groups AS g, users.teachers t WHERE g.id = t.id",
    `SELECT * FROM ${b("sessions.groups")} AS g, ${b("users.teachers")} t WHERE g.id = t.id`,
  ],
  [
    "SELECT * FROM sessions.groups g JOIN users.teachers t ON g.a = t.a, cw.sessions.members m",
    `SELECT * FROM ${b("sessions.groups")} g JOIN ${b("users.teachers")} t ON g.a = t.a, ${b("sessions.members")} m`,
  ],
  [
    "SELECT (SELECT max(id) FROM sessions.members), 'FROM cw.sessions.groups' FROM users.teachers -- FROM cw.x.y",
    `SELECT (SELECT max(id) FROM ${b("sessions.members")}), 'FROM cw.sessions.groups' FROM ${b("users.teachers")} -- FROM cw.x.y`,
  ],
  [
    "WITH g AS (SELECT * FROM sessions.groups), m (id) AS (SELECT id FROM sessions.members) SELECT * FROM g JOIN m USING (id)",
    `WITH g AS (SELECT * FROM ${b("sessions.groups")}), m (id) AS (SELECT id FROM ${b("sessions.members")}) SELECT * FROM g JOIN m USING (id)`,
  ],
  [
    "SELECT extract(YEAR FROM created), a IS DISTINCT FROM b, sessions.groups.id FROM cw.sessions.groups",
    `SELECT extract(YEAR FROM created), a IS DISTINCT FROM b, ${b("sessions.groups")}.\`id\` FROM ${b("sessions.groups")}`,
  ],
  [
    "SELECT * FROM (sessions.groups JOIN sessions.members)",
    `SELECT * FROM (${b("sessions.groups")} JOIN ${b("sessions.members")})`,
  ],
  ["SELECT * FROM samples.nyc.trips", "SELECT * FROM samples.nyc.trips"],
  ["SELECT * FROM range(10)", "SELECT * FROM range(10)"],
  ["TABLE cw.sessions.groups", `TABLE ${b("sessions.groups")}`],
  [
    "SELECT 1 FROM users.teachers UNION ALL TABLE cw.sessions.groups",
    `SELECT 1 FROM ${b("users.teachers")} UNION ALL TABLE ${b("sessions.groups")}`,
  ],
  [
    "SELECT * FROM users.teachers WHERE id IN (TABLE sessions.groups)",
    `SELECT * FROM ${b("users.teachers")} WHERE id IN (TABLE ${b("sessions.groups")})`,
  ],
  ["SELECT table, g.table FROM sessions.groups g", `SELECT table, g.table FROM ${b("sessions.groups")} g`],
  [
    "SELECT * FROM table_changes('cw.sessions.groups', 0)",
    "refused: it calls table_changes(), which gets a table's name as a text",
  ],
  ["SELECT * FROM stack(TABLE(cw.sessions.groups))", "refused: it gives a table to a function"],
  ["SELECT * FROM groups", "refused: it names groups without its schema, so it is unknown which table that is"],
  ["SELECT * FROM cw.sessions.secret", "refused: it reads sessions.secret, which is not on the branch"],
  ["SELECT * FROM (SELECT 1))", "refused: its brackets do not match"],
  ["SELECT * FROM sessions.groups UNION ALL SELECT * FROM other.x", "refused: it reads other.x, which is not on the branch"],
];

test.each(cases)("%s", (text, expected) => {
  expect(rewritten(text)).toBe(expected);
});

test("the tables that it reads decide the order of the views", () => {
  const text = "SELECT * FROM users.teachers, cw.sessions.groups WHERE id IN (SELECT id FROM users.teachers)";
  expect(rewriteView(text, { catalog: "cw", target: toBranch })).toMatchObject({ reads: ["sessions.groups", "users.teachers"] });
});
