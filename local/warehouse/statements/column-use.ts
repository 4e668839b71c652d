import type { Table } from "../catalog.ts";
import { columnInConstraint, columnInGenerated, mappingNeeded } from "../column-errors.ts";
import { UnsupportedSql } from "../errors.ts";
import type { Clause } from "../sql/ast.ts";
import { bareColumns } from "../sql/walk.ts";

/** Delta can drop and rename columns only where files don't refer to them by their names. */
export function requireMapping(table: Table, what: "DROP" | "RENAME"): void {
  if (table.properties.get("delta.columnMapping.mode") !== "name") throw mappingNeeded(what);
}

/** @throws SqlError if a CHECK or a generated column uses it */
export function requireUnused(table: Table, name: string): void {
  const uses = ({ expression }: Clause): boolean =>
    bareColumns(expression).some((used) => used.toLowerCase() === name.toLowerCase());
  const generated = table.columns.flatMap((column) =>
    column.generated && uses(column.generated) ? [`${column.name} -> ${column.generated.text}`] : [],
  );
  if (generated.length > 0) throw columnInGenerated(name, generated);
  const governed = [...table.masks].flatMap(([column, { columns }]) => [column, ...columns]);
  if ([...governed, ...(table.rowFilter?.columns ?? [])].some((used) => used.toLowerCase() === name.toLowerCase()))
    throw new UnsupportedSql("changing a column that a row filter or column mask uses");
  const constraints = [...table.constraints]
    .filter(([, check]) => uses(check))
    .map(([constraint, check]) => `delta.constraints.${constraint} -> ${check.text}`);
  if (constraints.length > 0) throw columnInConstraint(name, constraints);
}
