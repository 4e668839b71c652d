import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PlainPolicies, Policy } from "./rules.ts";
import type { Keys, Tables } from "./world.ts";

/** ClassWaves' 48 tables with rows that refer to each other, and a column that says of which generation they are. */

const schema = JSON.parse(readFileSync(join(import.meta.dirname, "../../../examples/classroom/schema.json"), "utf8")) as Record<
  string,
  { columns: Record<string, string> }
>;

const parentOf: Readonly<Record<string, string>> = {
  session_id: "sessions.classroom_sessions",
  group_id: "sessions.student_groups",
  teacher_id: "users.teachers",
  school_id: "users.schools",
  student_id: "users.students",
  participant_id: "sessions.participants",
  template_id: "notifications.templates",
};

export const generation = "generation";

export interface ClassWaves {
  tables: Tables;
  keys: Keys;
  policies: PlainPolicies;
}

/** @param only tables, such as `users.teachers`; absent: all 48 */
export function classWaves(only?: readonly string[]): ClassWaves {
  const tables: Tables = {};
  const keys: Keys = {};
  const columns: Record<string, Record<string, Policy>> = {};
  for (const [fullName, { columns: declared }] of Object.entries(schema)) {
    const name = fullName.split(".").slice(1).join(".");
    if (only && !only.includes(name)) continue;
    tables[name] = { columns: { ...declared, [generation]: "int" } };
    const references = Object.keys(declared).flatMap((column) => {
      const parent = parentOf[column];
      return parent === undefined || (only && !only.includes(parent)) ? [] : [{ column, parent }];
    });
    keys[name] = {
      primaryKey: "id" in declared ? ["id"] : [],
      foreignKeys: Object.fromEntries(
        references.map(({ column, parent }) => [column, { columns: [column], references: parent, to: ["id"] }]),
      ),
    };
    const policyOf = (column: string, type: string): Policy => {
      if (column === "id") return { surrogate: name.replace(".", "_") };
      const reference = references.find((one) => one.column === column);
      if (reference) return { surrogate: reference.parent.replace(".", "_") };
      return type === "string" ? "null" : "keep";
    };
    columns[name] = {
      ...Object.fromEntries(Object.entries(declared).map(([column, type]) => [column, policyOf(column, type)])),
      [generation]: "keep",
    };
  }
  return { tables, keys, policies: { columns } };
}

/** DuckDB's INSERTs of so many rows into each table of the original. */
export function seedSql({ tables }: ClassWaves, rows: number, of: number): string[] {
  return Object.entries(tables).map(([name, { columns }]) => {
    const values = Object.entries(columns).map(([column, given]) =>
      sampleValue(name, column, typeof given === "string" ? given : given.type, rows, of),
    );
    return `INSERT INTO production.${name} SELECT ${values.join(", ")} FROM range(${rows}) r(i)`;
  });
}

function sampleValue(table: string, column: string, type: string, rows: number, of: number): string {
  if (column === generation) return String(of);
  if (column === "id") return `'${table} ' || i`;
  const parent = parentOf[column];
  if (parent !== undefined) return `'${parent} ' || (i * 7 % ${rows})`;
  switch (type) {
    case "string":
      return `'${column} of ' || i`;
    case "int":
    case "bigint":
    case "double":
      return "i % 1000";
    case "boolean":
      return "i % 2 = 0";
    case "timestamp":
      return "TIMESTAMPTZ '2026-01-01 00:00:00Z' + to_seconds(i)";
    case "date":
      return "DATE '2010-01-01' + CAST(i % 3000 AS INTEGER)";
    default:
      return type.startsWith("decimal") ? "i % 10" : "NULL";
  }
}

/** Counts over joins that don't depend on ids, to compare two catalogs. */
export function shapeSql({ tables, keys }: ClassWaves, catalog: string): string {
  return Object.keys(tables)
    .map((name) => {
      const references = Object.values(keys[name]?.foreignKeys ?? {});
      const joins = references.map(
        ({ columns: [column = ""], references: parent }, at) =>
          `LEFT JOIN ${catalog}.${parent} p${at} ON p${at}.id = c.${column}`,
      );
      const numbers = Object.entries(tables[name]?.columns ?? {}).flatMap(([column, type]) =>
        type === "int" ? [`c.${column}`] : [],
      );
      const joined = references.map((_, at) => `count(p${at}.id)`);
      return `SELECT '${name}' AS name, count(*)::INT AS rows, hash(${["0", ...joined, ...numbers.map((one) => `sum(${one})`)].join(", ")})::VARCHAR AS shape FROM ${catalog}.${name} c ${joins.join(" ")}`;
    })
    .join(" UNION ALL ");
}
