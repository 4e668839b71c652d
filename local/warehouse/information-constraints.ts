import type { ForeignKey, PrimaryKey, Table } from "./catalog.ts";
import type { Reader } from "./information-schema.ts";
import { foreignKeysOf, keysOf } from "./keys.ts";
import { resultOf, texts, type Value } from "./results.ts";
import { int } from "./types.ts";
import { visibleTables } from "./visible.ts";

const constraintName = ["constraint_catalog", "constraint_schema", "constraint_name"];
const tableName = ["table_catalog", "table_schema", "table_name"];

/** The views about keys and CHECK constraints. They don't tell whether a key is relied on. */
export const constraintViews: Readonly<Record<string, Reader>> = {
  table_constraints: (catalog, principal, privileges, catalogs) =>
    resultOf(
      texts(...constraintName, ...tableName, "constraint_type", "is_deferrable", "initially_deferred", "enforced", "comment"),
      visibleTables(catalog, principal, privileges).flatMap((table) =>
        [
          ...keysOf(table, catalogs).map((key) => [key.name, "parent" in key ? "FOREIGN KEY" : "PRIMARY KEY"]),
          ...[...table.constraints.keys()].map((check) => [check, "CHECK"]),
        ].map(([name = "", kind = ""]) => [...named(table, name), ...nameOf(table), kind, "YES", "NO", "NO", null]),
      ),
    ),
  key_column_usage: (catalog, principal, privileges, catalogs) =>
    resultOf(
      [
        ...texts(...constraintName, ...tableName, "column_name"),
        { name: "ordinal_position", type: int },
        { name: "position_in_unique_constraint", type: int },
      ],
      visibleTables(catalog, principal, privileges).flatMap((table) =>
        keysOf(table, catalogs).flatMap((key) =>
          key.columns.map((column, index): Value[] => [
            ...[...named(table, key.name), ...nameOf(table), column, index + 1],
            positionInParent(key, index),
          ]),
        ),
      ),
    ),
  referential_constraints: (catalog, principal, privileges, catalogs) =>
    resultOf(
      texts(
        ...constraintName,
        ...["unique_constraint_catalog", "unique_constraint_schema", "unique_constraint_name"],
        ...["match_option", "update_rule", "delete_rule"],
      ),
      visibleTables(catalog, principal, privileges).flatMap((table) =>
        foreignKeysOf(table, catalogs).map((key) => [
          ...named(table, key.name),
          ...named(key.parent, key.parent.primaryKey?.name ?? ""),
          ...["FULL", "NO ACTION", "NO ACTION"],
        ]),
      ),
    ),
  // Of a foreign key: the columns that it references.
  constraint_column_usage: (catalog, principal, privileges, catalogs) =>
    resultOf(
      texts(...tableName, "column_name", ...constraintName),
      visibleTables(catalog, principal, privileges).flatMap((table) =>
        keysOf(table, catalogs).flatMap((key) => {
          const [of, columns] = "parent" in key ? [key.parent, key.to] : [table, key.columns];
          return columns.map((column) => [...nameOf(of), column, ...named(table, key.name)]);
        }),
      ),
    ),
  check_constraints: (catalog, principal, privileges) =>
    resultOf(
      texts(...constraintName, "check_clause", "sql_path"),
      visibleTables(catalog, principal, privileges).flatMap((table) =>
        [...table.constraints].map(([name, { text }]) => [...named(table, name), text, null]),
      ),
    ),
};

/** From 1; a primary key has none. */
function positionInParent(key: PrimaryKey | ForeignKey, index: number): number | null {
  if (!("parent" in key)) return null;
  const to = key.to[index]?.toLowerCase();
  const place = (key.parent.primaryKey?.columns ?? []).findIndex((column) => column.toLowerCase() === to);
  return place < 0 ? null : place + 1;
}

function named({ catalog, schema }: Table, name: string): string[] {
  return [catalog, schema, name];
}

function nameOf({ catalog, schema, name }: Table): string[] {
  return [catalog, schema, name];
}
