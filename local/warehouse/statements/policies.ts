import { type Catalogs, fullName, type Policy, quoted, type Table } from "../catalog.ts";
import { unknownColumn } from "../column-errors.ts";
import { identifier } from "../duckdb.ts";
import { SqlError, UnsupportedSql } from "../errors.ts";
import { tableName } from "../names.ts";
import { noResult, type ResultSet } from "../results.ts";
import type { Statement } from "../sql/ast.ts";
import { type Environment, generateCast, generateExpression } from "../sql/generate.ts";
import { hasSubquery } from "../sql/walk.ts";
import { parseType } from "../types.ts";
import { liveRows } from "../versions.ts";
import type { Context } from "./context.ts";

type Of<Kind extends Statement["kind"]> = Extract<Statement, { kind: Kind }>;

const noneVisible: ReadonlySet<string> = new Set();

/** Functions are for row filters and column masks only: queries cannot call them here. */
export function createFunction(statement: Of<"create-function">, { catalogs, privileges, session }: Context): ResultSet {
  const { catalog, schema, table: name } = tableName(session, statement.name);
  const { routines } = catalogs.schema(catalog, schema);
  privileges.requireSchema(session.principal, catalog, schema, "CREATE TABLE");
  if (routines.has(name) && !statement.replace)
    throw new SqlError(
      "ROUTINE_ALREADY_EXISTS",
      "42723",
      `Cannot create the routine ${quoted(catalog, schema, name)} because a routine of that name already exists.`,
    );
  if (hasSubquery(statement.body.expression)) throw new UnsupportedSql("a function with a subquery");
  routines.set(name, {
    parameters: statement.parameters.map((parameter) => ({ name: parameter.name, type: parseType(parameter.type) })),
    returns: statement.returns === undefined ? undefined : parseType(statement.returns),
    body: statement.body,
  });
  return noResult;
}

export function dropFunction(statement: Of<"drop-function">, { catalogs, privileges, session }: Context): ResultSet {
  const { catalog, schema, table: name } = tableName(session, statement.name);
  if (!statement.ifExists) catalogs.routine({ catalog, schema, name });
  privileges.requireSchema(session.principal, catalog, schema, "CREATE TABLE");
  catalogs.schema(catalog, schema).routines.delete(name);
  return noResult;
}

/** A policy of a table, after checking that the function takes these columns. @param column the masked one */
export function policyOf(
  table: Table,
  parts: string[],
  columns: string[],
  { catalogs, session }: Context,
  column?: string,
): Policy {
  const { catalog, schema, table: name } = tableName(session, parts);
  const routine = { catalog, schema, name };
  const given = column === undefined ? columns : [column, ...columns];
  for (const one of given)
    if (!table.columns.some((known) => known.name.toLowerCase() === one.toLowerCase())) throw unknownColumn(table, one);
  const { parameters } = catalogs.routine(routine);
  if (parameters.length !== given.length)
    throw new SqlError(
      "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
      "42605",
      `The ${quoted(catalog, schema, name)} requires ${parameters.length} parameters but the actual number is ${given.length}.`,
    );
  return { routine, columns };
}

export function hasPolicies(table: Table): boolean {
  return table.rowFilter !== undefined || table.masks.size > 0;
}

/** The rows of a table as its filter and masks show them to the user. */
export function governedRows(table: Table, catalogs: Catalogs, environment: Environment): string {
  const columns = table.columns.map((column) => {
    const name = identifier(column.name);
    const mask = table.masks.get(column.name.toLowerCase());
    if (!mask) return name;
    const masked = call(mask, [column.name, ...mask.columns], "governed", catalogs, environment);
    return `${generateCast(masked, column.type, false)} AS ${name}`;
  });
  const filter = filterOf(table, "governed", catalogs, environment);
  return `(SELECT ${columns.join(", ")} FROM ${liveRows(table)} AS governed${filter === undefined ? "" : ` WHERE ${filter}`})`;
}

/** The condition of a table's row filter on its rows under an alias. */
export function filterOf(table: Table, alias: string, catalogs: Catalogs, environment: Environment): string | undefined {
  return table.rowFilter && call(table.rowFilter, table.rowFilter.columns, alias, catalogs, environment);
}

/** A subquery, so that the parameters' names cannot mean columns of the table. */
function call(policy: Policy, columns: string[], alias: string, catalogs: Catalogs, environment: Environment): string {
  const { parameters, returns, body } = catalogs.routine(policy.routine);
  const body1 = generateExpression(body.expression, environment, noneVisible);
  const result = returns ? generateCast(body1, returns, false) : body1;
  const given = parameters.map(
    ({ name, type }, index) =>
      `${generateCast(`${identifier(alias)}.${identifier(columns[index] ?? "")}`, type, false)} AS ${identifier(name)}`,
  );
  return `(SELECT ${result}${given.length > 0 ? ` FROM (SELECT ${given.join(", ")}) AS given_parameters` : ""})`;
}

/** What Databricks refuses for tables with a row filter or a column mask. Its class says which of them it is about. @throws SqlError */
export function refusePolicies(table: Table, what: "TIME_TRAVEL" | "DESCRIBE_HISTORY" | "CLONE"): void {
  if (!hasPolicies(table)) return;
  const [errorClass, policies] =
    table.masks.size === 0
      ? ["ROW_LEVEL_SECURITY_FEATURE_NOT_SUPPORTED", "Row level security policies"]
      : table.rowFilter
        ? ["ROW_LEVEL_SECURITY_COLUMN_MASK_FEATURE_NOT_SUPPORTED", "Row level security policies and column mask policies"]
        : ["COLUMN_MASKS_FEATURE_NOT_SUPPORTED", "Column mask policies"];
  // Only the class about both has it.
  if (what === "DESCRIBE_HISTORY" && !(table.rowFilter && table.masks.size > 0)) return;
  const name = fullName({ ...table, table: table.name });
  throw new SqlError(
    `${errorClass}.${what}`,
    "0A000",
    `${policies} for ${name} are not supported: ${sentences[what]} with ${policies.toLowerCase()}.`,
  );
}

const sentences = {
  TIME_TRAVEL: "Time travel for table",
  DESCRIBE_HISTORY: "Reading commit history is blocked for tables",
  // Databricks refuses it, and documents no class.
  CLONE: "Cloning a table",
};

/** @throws SqlError for a CHECK constraint on a table that gets a policy */
export function refuseChecks(table: Table, what: "filter" | "mask"): void {
  if (table.constraints.size === 0) return;
  const [errorClass, policies] =
    what === "filter"
      ? ["ROW_LEVEL_SECURITY_FEATURE_NOT_SUPPORTED", "row level security policies"]
      : ["COLUMN_MASKS_FEATURE_NOT_SUPPORTED", "column mask policies"];
  throw new SqlError(
    `${errorClass}.CHECK_CONSTRAINT`,
    "0A000",
    `${policies[0]?.toUpperCase()}${policies.slice(1)} for ${fullName({ ...table, table: table.name })} are not supported: Setting ${policies} for tables with CHECK constraints.`,
  );
}
