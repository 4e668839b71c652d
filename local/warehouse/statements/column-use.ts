import type { Table } from "../catalog.ts";
import { columnInConstraint, mappingNeeded } from "../column-errors.ts";
import { bareColumns } from "../sql/walk.ts";

/** Delta can drop and rename columns only where files don't refer to them by their names. */
export function requireMapping(table: Table, what: "DROP" | "RENAME"): void {
  if (table.properties.get("delta.columnMapping.mode") !== "name") throw mappingNeeded(what);
}

/** @throws SqlError DELTA_CONSTRAINT_DEPENDENT_COLUMN_CHANGE */
export function requireUnused(table: Table, name: string): void {
  const constraints = [...table.constraints]
    .filter(([, check]) => bareColumns(check.expression).some((used) => used.toLowerCase() === name.toLowerCase()))
    .map(([constraint, check]) => `delta.constraints.${constraint} -> ${check.text}`);
  if (constraints.length > 0) throw columnInConstraint(name, constraints);
}
