import type { Expression } from "./ast.ts";

/** The expressions directly within an expression, without those of its subqueries. */
export function partsOf(expression: Expression): Expression[] {
  switch (expression.kind) {
    case "call":
      return [...expression.arguments, ...given(expression.filter)];
    case "unary":
    case "cast":
    case "field":
      return [expression.operand];
    case "index":
      return [expression.operand, expression.index];
    case "lambda":
      return [expression.body];
    case "logical":
      return expression.operands;
    case "binary":
      return [expression.left, expression.right];
    case "like":
      return [expression.operand, expression.pattern];
    case "in":
      return [expression.operand, ...(Array.isArray(expression.candidates) ? expression.candidates : [])];
    case "between":
      return [expression.operand, expression.low, expression.high];
    case "is":
      return [expression.operand, ...(typeof expression.what === "object" ? [expression.what.distinctFrom] : [])];
    case "case":
      return [
        ...given(expression.operand),
        ...given(expression.otherwise),
        ...expression.branches.flatMap(({ when, result }) => [when, result]),
      ];
    default:
      return [];
  }
}

/** The unqualified columns of an expression, without those of its subqueries. */
export function bareColumns(expression: Expression): string[] {
  if (expression.kind === "column") return expression.parts.length === 1 ? expression.parts : [];
  if (expression.kind === "lambda") return bareColumns(expression.body).filter((name) => !expression.parameters.includes(name));
  return partsOf(expression).flatMap(bareColumns);
}

export function hasSubquery(expression: Expression): boolean {
  if (expression.kind === "exists" || expression.kind === "subquery") return true;
  if (expression.kind === "in" && !Array.isArray(expression.candidates)) return true;
  return partsOf(expression).some(hasSubquery);
}

function given(expression: Expression | undefined): Expression[] {
  return expression ? [expression] : [];
}
