import type { Expression } from "./ast.ts";

/**
 * The name that Databricks gives a column without an alias: `count(1)`, `(a + b)`, `CAST(x AS STRING)`. If that is not known
 * exactly, a readable one.
 */
export function spell(expression: Expression): string {
  switch (expression.kind) {
    case "null":
      return "NULL";
    case "boolean":
      return String(expression.value);
    case "number":
      return expression.text;
    case "string":
      return expression.value;
    case "typed-literal":
      return `${expression.type} '${expression.value}'`;
    case "parameter":
      return expression.name === undefined ? "?" : `:${expression.name}`;
    case "interval":
      return `INTERVAL ${expression.parts.map((part) => `'${part.amount}' ${part.unit.toUpperCase()}`).join(" ")}`;
    case "column":
      return expression.parts.at(-1) ?? "";
    case "star":
      return "*";
    case "call":
      return spellCall(expression);
    case "unary":
      return expression.operator === "NOT"
        ? `(NOT ${spell(expression.operand)})`
        : `(${expression.operator} ${spell(expression.operand)})`;
    case "logical":
      return expression.operands.map(spell).reduce((left, right) => `(${left} ${expression.operator} ${right})`);
    case "binary":
      return expression.operator === "||"
        ? `concat(${spell(expression.left)}, ${spell(expression.right)})`
        : `(${spell(expression.left)} ${expression.operator === "<>" ? "!=" : expression.operator} ${spell(expression.right)})`;
    case "like": {
      const name = expression.insensitive ? "ilike" : "LIKE";
      const match = expression.insensitive
        ? `ilike(${spell(expression.operand)}, ${spell(expression.pattern)})`
        : `${spell(expression.operand)} ${name} ${spell(expression.pattern)}`;
      return negate(match, expression.negated);
    }
    case "in": {
      const candidates = Array.isArray(expression.candidates) ? expression.candidates.map(spell).join(", ") : "listquery()";
      return negate(`(${spell(expression.operand)} IN (${candidates}))`, expression.negated);
    }
    case "between":
      return negate(
        `between(${[expression.operand, expression.low, expression.high].map(spell).join(", ")})`,
        expression.negated,
      );
    case "is":
      return spellIs(expression);
    case "case": {
      const branches = expression.branches.map(({ when, result }) => `WHEN ${spell(when)} THEN ${spell(result)}`).join(" ");
      const operand = expression.operand ? `${spell(expression.operand)} ` : "";
      return `CASE ${operand}${branches}${expression.otherwise ? ` ELSE ${spell(expression.otherwise)}` : ""} END`;
    }
    case "cast":
      return `${expression.orNull ? "TRY_CAST" : "CAST"}(${spell(expression.operand)} AS ${expression.type.toUpperCase()})`;
    case "exists":
      return "exists()";
    case "subquery":
      return "scalarsubquery()";
    case "index":
      return `${spell(expression.operand)}[${spell(expression.index)}]`;
    case "field":
      return `${spell(expression.operand)}.${expression.name}`;
    case "lambda":
      return `lambdafunction(${[spell(expression.body), ...expression.parameters].join(", ")})`;
  }
}

function spellCall(call: Extract<Expression, { kind: "call" }>): string {
  const args = call.arguments.map((argument) => (argument.kind === "star" ? "1" : spell(argument)));
  if (call.name === "explode") return "col";
  const own = `${call.name}(${call.distinct ? "DISTINCT " : ""}${args.join(", ")})`;
  const filtered = call.filter ? `${own} FILTER (WHERE ${spell(call.filter)})` : own;
  return call.over ? `${filtered} OVER ()` : filtered;
}

function spellIs(expression: Extract<Expression, { kind: "is" }>): string {
  const not = expression.negated ? "NOT " : "";
  if (typeof expression.what === "object")
    return negate(`(${spell(expression.operand)} <=> ${spell(expression.what.distinctFrom)})`, !expression.negated);
  return `(${spell(expression.operand)} IS ${not}${expression.what})`;
}

function negate(text: string, negated: boolean): string {
  return negated ? `(NOT ${text})` : text;
}
