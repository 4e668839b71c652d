import type { Table } from "../../config/schema.ts";
import { UserError } from "../../model/user-error.ts";

export { isProtected } from "../../config/protection.ts";

/** The tables in search order: each comes after the tables that its rows depend on. */
export type DependencyLevels = string[][];

/**
 * @param tables `schema.table` → its declaration
 * @throws UserError if the dependencies have a circle: then no order is right
 */
export function dependencyLevels(tables: Readonly<Record<string, Table>>): DependencyLevels {
  const levels: DependencyLevels = [];
  const placed = new Set<string>();
  let remaining = Object.keys(tables).sort();
  while (remaining.length > 0) {
    const level = remaining.filter((name) =>
      parentsOf(tables, name).every((parent) => placed.has(parent) || !(parent in tables)),
    );
    if (level.length === 0)
      throw new UserError(
        "EA1026",
        `testData.tables: these tables depend on each other in a circle: ${remaining.join(", ")}. Remove one of the parents`,
      );
    levels.push(level);
    for (const name of level) placed.add(name);
    remaining = remaining.filter((name) => !placed.has(name));
  }
  return levels;
}

/** The tables that its rows may depend on, once per column. */
export function parentTables(table: Table | undefined): string[] {
  return Object.values(table?.parents ?? {}).map((parent) => parent.table);
}

/** A table that depends on itself (groups in groups) is not a circle: its rows are found level by level. */
function parentsOf(tables: Readonly<Record<string, Table>>, name: string): string[] {
  return parentTables(tables[name]).filter((parent) => parent !== name);
}
