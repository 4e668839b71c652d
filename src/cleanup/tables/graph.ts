import type { Table } from "../../config/schema.ts";
import { UserError } from "../../model/user-error.ts";

export { isProtected } from "../../config/protection.ts";

/** The tables in the order in which they can be looked through: every table comes after the tables that its rows hang on. */
export type DependencyLevels = string[][];

/**
 * @param tables `schema.table` → its declaration.
 * @throws UserError where tables hang on each other in a circle: no order would be right.
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
        `testData.tables: these tables hang on each other in a circle: ${remaining.join(", ")}; take one of the parents out`,
      );
    levels.push(level);
    for (const name of level) placed.add(name);
    remaining = remaining.filter((name) => !placed.has(name));
  }
  return levels;
}

/** The tables that rows of this one may hang on, once for each column. */
export function parentTables(table: Table | undefined): string[] {
  return Object.values(table?.parents ?? {}).map((parent) => parent.table);
}

/** A table that hangs on itself (a group in a group) is no circle: its rows are found level by level within it. */
function parentsOf(tables: Readonly<Record<string, Table>>, name: string): string[] {
  return parentTables(tables[name]).filter((parent) => parent !== name);
}
