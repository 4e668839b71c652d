import { UnsupportedSql } from "../errors.ts";
import type { BinaryOperator, Expression, Ordering, Window } from "./ast.ts";
import type { Cursor } from "./cursor.ts";
import { parseQuery } from "./parse-query.ts";

export function parseExpression(cursor: Cursor): Expression {
  return parseOr(cursor);
}

function parseOr(cursor: Cursor): Expression {
  const operands = [parseAnd(cursor)];
  while (cursor.accept("OR")) operands.push(parseAnd(cursor));
  return logical("OR", operands);
}

function parseAnd(cursor: Cursor): Expression {
  const operands = [parseNot(cursor)];
  while (cursor.accept("AND")) operands.push(parseNot(cursor));
  return logical("AND", operands);
}

/** A flat list instead of nesting, because conditions with thousands of terms are common. */
function logical(operator: "OR" | "AND", operands: Expression[]): Expression {
  const [only] = operands;
  return operands.length === 1 && only ? only : { kind: "logical", operator, operands };
}

function parseNot(cursor: Cursor): Expression {
  if (cursor.accept("NOT") || cursor.accept("!")) return { kind: "unary", operator: "NOT", operand: parseNot(cursor) };
  return parsePredicate(cursor);
}

const comparisons: Readonly<Record<string, BinaryOperator>> = {
  "=": "=",
  "==": "=",
  "<=>": "<=>",
  "<>": "<>",
  "!=": "<>",
  "<": "<",
  "<=": "<=",
  ">": ">",
  ">=": ">=",
};

function parsePredicate(cursor: Cursor): Expression {
  let operand = parseSum(cursor);
  for (;;) {
    const token = cursor.peek();
    const operator = token.kind === "symbol" ? comparisons[token.value] : undefined;
    if (operator) {
      cursor.next();
      operand = { kind: "binary", operator, left: operand, right: parseSum(cursor) };
      continue;
    }
    if (cursor.accept("IS")) {
      operand = parseIs(cursor, operand);
      continue;
    }
    const negated = cursor.at("NOT") && ["LIKE", "ILIKE", "IN", "BETWEEN", "RLIKE", "REGEXP"].includes(cursor.peek(1).value);
    if (negated) cursor.next();
    const matched = parseMatch(cursor, operand, negated);
    if (!matched) return operand;
    operand = matched;
  }
}

function parseIs(cursor: Cursor, operand: Expression): Expression {
  const negated = cursor.accept("NOT");
  if (cursor.accept("DISTINCT", "FROM")) return { kind: "is", operand, what: { distinctFrom: parseSum(cursor) }, negated };
  const what = cursor.acceptOneOf("NULL", "TRUE", "FALSE");
  if (!what) throw cursor.error();
  return { kind: "is", operand, what, negated };
}

function parseMatch(cursor: Cursor, operand: Expression, negated: boolean): Expression | undefined {
  const like = cursor.acceptOneOf("LIKE", "ILIKE");
  if (like) {
    if (cursor.at("ANY") || cursor.at("ALL") || cursor.at("SOME")) throw new UnsupportedSql(`${like} ${cursor.peek().value}`);
    const pattern = parseSum(cursor);
    const escapeCharacter = cursor.accept("ESCAPE") ? cursor.string() : undefined;
    return { kind: "like", operand, pattern, escapeCharacter, insensitive: like === "ILIKE", negated };
  }
  if (cursor.at("RLIKE") || cursor.at("REGEXP"))
    throw new UnsupportedSql(`${cursor.peek().value}: Java's regular expressions differ`);
  if (cursor.accept("BETWEEN")) {
    const low = parseSum(cursor);
    cursor.expect("AND");
    return { kind: "between", operand, low, high: parseSum(cursor), negated };
  }
  if (!cursor.accept("IN")) return undefined;
  cursor.expect("(");
  const candidates = startsQuery(cursor) ? parseQuery(cursor) : cursor.list(() => parseExpression(cursor));
  cursor.expect(")");
  return { kind: "in", operand, candidates, negated };
}

export function startsQuery(cursor: Cursor): boolean {
  let ahead = 0;
  while (cursor.peek(ahead).text === "(") ahead++;
  return ["SELECT", "WITH", "VALUES"].includes(cursor.peek(ahead).value) && cursor.peek(ahead).kind === "word";
}

function parseSum(cursor: Cursor): Expression {
  let left = parseProduct(cursor);
  for (;;) {
    const operator = cursor.acceptOneOf("+", "-", "||");
    if (!operator) break;
    left = { kind: "binary", operator, left, right: parseProduct(cursor) };
  }
  if (["&", "|", "^"].some((bitwise) => cursor.at(bitwise))) throw new UnsupportedSql("bitwise operators");
  return left;
}

function parseProduct(cursor: Cursor): Expression {
  let left = parseSign(cursor);
  for (;;) {
    const operator = cursor.acceptOneOf("*", "/", "%");
    if (!operator) break;
    left = { kind: "binary", operator, left, right: parseSign(cursor) };
  }
  if (cursor.at("DIV")) throw new UnsupportedSql("DIV");
  return left;
}

function parseSign(cursor: Cursor): Expression {
  const operator = cursor.acceptOneOf("-", "+");
  return operator ? { kind: "unary", operator, operand: parseSign(cursor) } : parsePostfix(cursor);
}

function parsePostfix(cursor: Cursor): Expression {
  let operand = parsePrimary(cursor);
  for (;;) {
    if (cursor.accept("::")) operand = { kind: "cast", operand, type: parseTypeText(cursor), orNull: false };
    else if (cursor.accept("[")) {
      operand = { kind: "index", operand, index: parseExpression(cursor) };
      cursor.expect("]");
    } else if (cursor.at(".") && operand.kind !== "column") {
      cursor.next();
      operand = { kind: "field", operand, name: cursor.name() };
    } else if (cursor.at(":")) throw new UnsupportedSql("the `:` of JSON paths: use get_json_object");
    else return operand;
  }
}

function parsePrimary(cursor: Cursor): Expression {
  const token = cursor.peek();
  switch (token.kind) {
    case "number":
      cursor.next();
      return { kind: "number", text: token.value };
    case "string":
      return { kind: "string", value: adjacentStrings(cursor) };
    case "parameter":
      cursor.next();
      return token.text === "?"
        ? { kind: "parameter", name: undefined, ordinal: cursor.nextOrdinal() }
        : { kind: "parameter", name: token.value, ordinal: -1 };
    case "symbol":
      if (token.value === "(") return parseParenthesis(cursor);
      if (token.value === "*") {
        cursor.next();
        return { kind: "star", qualifier: [], except: starExcept(cursor) };
      }
      throw cursor.error();
    case "word":
      return parseWord(cursor);
    case "quoted-name":
      return parseColumn(cursor);
    case "end":
      throw cursor.error();
  }
}

/** `'a' 'b'` is one string. */
function adjacentStrings(cursor: Cursor): string {
  let value = cursor.string();
  while (cursor.peek().kind === "string") value += cursor.string();
  return value;
}

function parseParenthesis(cursor: Cursor): Expression {
  if (startsQuery(cursor)) {
    cursor.expect("(");
    const query = parseQuery(cursor);
    cursor.expect(")");
    return { kind: "subquery", query };
  }
  cursor.expect("(");
  const inner = parseExpression(cursor);
  if (cursor.at(",")) throw new UnsupportedSql("rows of several values in parentheses");
  cursor.expect(")");
  return inner;
}

/** Words that cannot be a column name without backticks: where they occur, something is missing before them. */
const clauses = new Set(
  "SELECT FROM WHERE GROUP HAVING ORDER LIMIT UNION JOIN ON AND OR WHEN THEN ELSE END AS IN BETWEEN LIKE IS".split(" "),
);

function parseWord(cursor: Cursor): Expression {
  if (clauses.has(cursor.peek().value)) throw cursor.error();
  if (cursor.accept("NULL")) return { kind: "null" };
  if (cursor.accept("TRUE")) return { kind: "boolean", value: true };
  if (cursor.accept("FALSE")) return { kind: "boolean", value: false };
  if (cursor.accept("CASE")) return parseCase(cursor);
  if (cursor.at("EXISTS", "(")) {
    cursor.next();
    cursor.expect("(");
    const query = parseQuery(cursor);
    cursor.expect(")");
    return { kind: "exists", query };
  }
  if ((cursor.at("DATE") || cursor.at("TIMESTAMP")) && cursor.peek(1).kind === "string") {
    const type = cursor.next().value === "DATE" ? "DATE" : "TIMESTAMP";
    return { kind: "typed-literal", type, value: cursor.string() };
  }
  if (cursor.at("INTERVAL") && (["number", "string"].includes(cursor.peek(1).kind) || cursor.at("INTERVAL", "-")))
    return parseInterval(cursor);
  if ((cursor.at("CAST") || cursor.at("TRY_CAST")) && cursor.peek(1).text === "(") return parseCast(cursor);
  if (cursor.peek(1).text === "(") return parseCall(cursor);
  const bare = ["CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_USER", "SESSION_USER"];
  if (bare.includes(cursor.peek().value) && cursor.peek(1).text !== ".")
    return { kind: "call", name: cursor.next().value.toLowerCase(), distinct: false, arguments: [] };
  return parseColumn(cursor);
}

function parseColumn(cursor: Cursor): Expression {
  const parts = [cursor.name()];
  while (cursor.accept(".")) {
    if (cursor.accept("*")) return { kind: "star", qualifier: parts, except: starExcept(cursor) };
    parts.push(cursor.name());
  }
  return { kind: "column", parts };
}

function starExcept(cursor: Cursor): string[] {
  return cursor.accept("EXCEPT", "(") ? namesUntilParenthesis(cursor) : [];
}

function namesUntilParenthesis(cursor: Cursor): string[] {
  const names = cursor.list(() => cursor.name());
  cursor.expect(")");
  return names;
}

function parseCase(cursor: Cursor): Expression {
  const operand = cursor.at("WHEN") ? undefined : parseExpression(cursor);
  const branches: { when: Expression; result: Expression }[] = [];
  while (cursor.accept("WHEN")) {
    const when = parseExpression(cursor);
    cursor.expect("THEN");
    branches.push({ when, result: parseExpression(cursor) });
  }
  const otherwise = cursor.accept("ELSE") ? parseExpression(cursor) : undefined;
  cursor.expect("END");
  if (branches.length === 0) throw cursor.error();
  return { kind: "case", operand, branches, otherwise };
}

function parseCast(cursor: Cursor): Expression {
  const orNull = cursor.next().value === "TRY_CAST";
  cursor.expect("(");
  const operand = parseExpression(cursor);
  cursor.expect("AS");
  const type = parseTypeText(cursor);
  cursor.expect(")");
  return { kind: "cast", operand, type, orNull };
}

/** A type as written: a word, and what follows it in brackets. */
export function parseTypeText(cursor: Cursor): string {
  const first = cursor.peek();
  cursor.name();
  const close = cursor.at("(") ? ")" : cursor.at("<") ? ">" : undefined;
  const open = cursor.peek().value;
  if (close === undefined || (open === "<" && !["ARRAY", "MAP", "STRUCT"].includes(first.value))) return first.text;
  let depth = 0;
  do {
    const token = cursor.next();
    if (token.kind === "end") throw cursor.error();
    if (token.text === open) depth++;
    else if (token.text === close) depth--;
    else if (token.text === "<>" && open === "<") continue;
  } while (depth > 0);
  return cursor.textFrom(first);
}

function parseInterval(cursor: Cursor): Expression {
  cursor.expect("INTERVAL");
  const parts: { amount: string; unit: string }[] = [];
  do {
    const sign = cursor.accept("-") ? "-" : "";
    const token = cursor.next();
    const inOne = /^\s*([+-]?\d+)\s+([A-Za-z]+)\s*$/.exec(token.value);
    if (token.kind === "string" && inOne && cursor.peek().kind !== "word")
      parts.push({ amount: sign + inOne[1], unit: inOne[2] ?? "" });
    else parts.push({ amount: sign + token.value, unit: cursor.name() });
    if (cursor.at("TO")) throw new UnsupportedSql("intervals of the form DAY TO SECOND");
  } while (["number", "string"].includes(cursor.peek().kind));
  return { kind: "interval", parts };
}

function parseCall(cursor: Cursor): Expression {
  const name = cursor.next().text.toLowerCase();
  cursor.expect("(");
  const distinct = cursor.accept("DISTINCT");
  const parameters = cursor.at(")") ? [] : cursor.list(() => parseArgument(cursor));
  cursor.expect(")");
  const call: Expression & { kind: "call" } = { kind: "call", name, distinct, arguments: parameters };
  if (cursor.accept("FILTER", "(")) {
    cursor.expect("WHERE");
    call.filter = parseExpression(cursor);
    cursor.expect(")");
  }
  if (cursor.accept("OVER")) call.over = parseWindow(cursor);
  return call;
}

/** An expression, or a function of elements: `x -> …`, `(x, i) -> …`. */
function parseArgument(cursor: Cursor): Expression {
  const isName = (ahead: number) => ["word", "quoted-name"].includes(cursor.peek(ahead).kind);
  if (isName(0) && cursor.peek(1).value === "->") {
    const parameters = [cursor.name()];
    cursor.expect("->");
    return { kind: "lambda", parameters, body: parseExpression(cursor) };
  }
  const isPair = cursor.at("(") && isName(1) && cursor.peek(2).value === "," && isName(3) && cursor.peek(4).value === ")";
  if (!isPair || cursor.peek(5).value !== "->") return parseExpression(cursor);
  cursor.expect("(");
  const parameters = cursor.list(() => cursor.name());
  cursor.expect(")", "->");
  return { kind: "lambda", parameters, body: parseExpression(cursor) };
}

function parseWindow(cursor: Cursor): Window {
  if (!cursor.accept("(")) throw new UnsupportedSql("named windows");
  const partitionBy = cursor.accept("PARTITION", "BY") ? cursor.list(() => parseExpression(cursor)) : [];
  const orderBy = cursor.accept("ORDER", "BY") ? parseOrderings(cursor) : [];
  const start = cursor.peek();
  if (cursor.accept(")")) return { partitionBy, orderBy };
  if (!cursor.at("ROWS") && !cursor.at("RANGE")) throw cursor.error();
  while (/^(ROWS|RANGE|BETWEEN|AND|UNBOUNDED|PRECEDING|FOLLOWING|CURRENT|ROW|\d+)$/.test(cursor.peek().value)) cursor.next();
  const frame = cursor.textFrom(start);
  cursor.expect(")");
  return { partitionBy, orderBy, frame };
}

/** Nulls sort first in Databricks. */
export function parseOrderings(cursor: Cursor): Ordering[] {
  return cursor.list(() => {
    const expression = parseExpression(cursor);
    const descending = cursor.acceptOneOf("ASC", "DESC") === "DESC";
    const nulls = cursor.accept("NULLS") ? cursor.acceptOneOf("FIRST", "LAST") : descending ? "LAST" : "FIRST";
    if (!nulls) throw cursor.error();
    return { expression, descending, nullsFirst: nulls === "FIRST" };
  });
}
