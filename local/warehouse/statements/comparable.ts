import { SqlError } from "../errors.ts";
import type { Column } from "../results.ts";
import type { Compared } from "../sql/generate.ts";
import { contains, type DataType, typeName } from "../types.ts";
import type { Context } from "./context.ts";

/**
 * Refuses what Spark refuses and DuckDB doesn't: EXCEPT, INTERSECT, UNION and DISTINCT of maps or VARIANT, and GROUP BY a VARIANT.
 * Call it after generating a statement's SQL and before running it.
 * @throws SqlError
 */
export async function requireComparable({ environment, storage, signal }: Context): Promise<void> {
  for (const compared of environment.compared.splice(0)) {
    // Asking DuckDB for the types takes about a millisecond, so only where a map or a VARIANT is possible.
    if (!environment.mayCompareMaps && !/\bMAP\b|json/i.test(compared.sql)) continue;
    const columns = await storage.read(`SELECT * FROM (${compared.sql}) LIMIT 0`, signal).then(
      (result) => result.columns,
      // A subquery that uses columns from outside cannot run alone. Other errors will occur again when the statement runs.
      () => [],
    );
    refuse(compared.how, columns);
  }
}

function refuse(how: Compared["how"], columns: readonly Column[]): void {
  for (const what of ["map", "variant"] as const) {
    const found = columns.find(({ type }) => contains(type, what));
    if (found && how === "set operation") throw setOperation(what, found);
    if (found && what === "variant") throw grouping(found);
  }
}

function setOperation(what: "map" | "variant", { name, type }: Column): SqlError {
  const kind = what.toUpperCase();
  return new SqlError(
    `UNSUPPORTED_FEATURE.SET_OPERATION_ON_${kind}_TYPE`,
    "0A000",
    `The feature is not supported: Cannot have ${kind} type columns in DataFrame which calls set operations (INTERSECT, EXCEPT, etc.), but the type of column \`${name}\` is "${sparkName(type)}".`,
  );
}

function grouping({ name, type }: Column): SqlError {
  return new SqlError(
    "GROUP_EXPRESSION_TYPE_IS_NOT_ORDERABLE",
    "42822",
    `The expression "${name}" cannot be used as a grouping expression because its data type "${sparkName(type)}" is not an orderable data type.`,
  );
}

function sparkName(type: DataType): string {
  return typeName(type)
    .toUpperCase()
    .replace(/,(?!\d+\))/g, ", ");
}
