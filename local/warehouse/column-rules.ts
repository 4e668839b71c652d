import type { TableColumn } from "./catalog.ts";
import { SqlError } from "./errors.ts";
import type { Clause, Expression } from "./sql/ast.ts";
import { bareColumns, hasSubquery, partsOf } from "./sql/walk.ts";
import { typeName } from "./types.ts";

/** What Delta takes as DEFAULT, as a generated column and as IDENTITY. @throws SqlError */
export function checkColumns(columns: readonly TableColumn[]): void {
  for (const column of columns) {
    if (column.default) checkDefault(column.name, column.default);
    if (column.generated) checkGenerated(column.name, column.generated, columns);
    if (column.identity) checkIdentity(column);
  }
}

export function checkDefault(name: string, { text, expression }: Clause): void {
  if (bareColumns(expression).length === 0 && !hasSubquery(expression)) return;
  const [kind, reason] = hasSubquery(expression)
    ? ["SUBQUERY_EXPRESSION", "which contains subquery expressions."]
    : ["NOT_CONSTANT", "which is not a constant expression whose equivalent value is known at query planning time."];
  throw new SqlError(
    `INVALID_DEFAULT_VALUE.${kind}`,
    "42623",
    `Failed to execute the command because the destination column or variable \`${name}\` has a DEFAULT value ${text}, ${reason}`,
  );
}

function checkGenerated(name: string, { text, expression }: Clause, columns: readonly TableColumn[]): void {
  const refused = (reason: string): SqlError =>
    new SqlError(
      "UNSUPPORTED_EXPRESSION_GENERATED_COLUMN",
      "42621",
      `Cannot create generated column ${name} with generation expression ${text} because ${reason}`,
    );
  if (hasSubquery(expression)) throw refused("subquery expressions are not allowed for generated columns");
  if (changes(expression)) throw refused("generation expression is not deterministic.");
  for (const used of bareColumns(expression)) {
    const column = columns.find((one) => one.name.toLowerCase() === used.toLowerCase());
    if (!column)
      throw new SqlError(
        "UNRESOLVED_COLUMN.WITH_SUGGESTION",
        "42703",
        `A column, variable, or function parameter with name \`${used}\` cannot be resolved.`,
      );
    if (column.generated) throw refused("generation expression cannot reference another generated column.");
  }
}

const changing = new Set("uuid now current_timestamp current_date curdate current_user session_user user".split(" "));

function changes(expression: Expression): boolean {
  return (expression.kind === "call" && changing.has(expression.name)) || partsOf(expression).some(changes);
}

function checkIdentity({ name, type, identity, default: given }: TableColumn): void {
  if (typeName(type) !== "bigint")
    throw new SqlError(
      "DELTA_IDENTITY_COLUMNS_UNSUPPORTED_DATA_TYPE",
      "428H2",
      `DataType ${typeName(type)} is not supported for IDENTITY columns.`,
    );
  if (identity?.step === 0) throw new SqlError("IDENTITY_COLUMNS_ILLEGAL_STEP", "42611", "IDENTITY column step cannot be 0.");
  if (given)
    throw new SqlError(
      "IDENTITY_COLUMN_WITH_DEFAULT_VALUE",
      "42623",
      `A column cannot have both a default value and an identity column specification but column ${name} has default value: (${given.text}).`,
    );
}
