import { UnsupportedSql } from "../errors.ts";
import type { JoinType, Query, QueryBody, Relation, Select, TimeTravel } from "./ast.ts";
import type { Cursor } from "./cursor.ts";
import { parseExpression, parseOrderings, startsQuery } from "./parse-expression.ts";

export function parseQuery(cursor: Cursor): Query {
  const ctes = cursor.accept("WITH") ? parseWith(cursor) : [];
  const body = parseSets(cursor);
  const query: Query = { kind: "query", with: ctes, body, orderBy: [] };
  for (const clause of ["SORT", "CLUSTER", "DISTRIBUTE", "WINDOW"])
    if (cursor.at(clause)) throw new UnsupportedSql(`${clause} BY`);
  if (cursor.accept("ORDER", "BY")) {
    if (cursor.at("ALL")) throw new UnsupportedSql("ORDER BY ALL");
    query.orderBy = parseOrderings(cursor);
  }
  if (cursor.accept("LIMIT") && !cursor.accept("ALL")) query.limit = parseExpression(cursor);
  if (cursor.accept("OFFSET")) query.offset = parseExpression(cursor);
  return query;
}

function parseWith(cursor: Cursor): Query["with"] {
  if (cursor.at("RECURSIVE")) throw new UnsupportedSql("WITH RECURSIVE");
  return cursor.list(() => {
    const name = cursor.name();
    const columns = cursor.nameList();
    cursor.accept("AS");
    cursor.expect("(");
    const query = parseQuery(cursor);
    cursor.expect(")");
    return { name, columns, query };
  });
}

/** INTERSECT binds more tightly than UNION and EXCEPT. */
function parseSets(cursor: Cursor): QueryBody {
  let left = parseIntersections(cursor);
  for (;;) {
    const operator = cursor.acceptOneOf("UNION", "EXCEPT", "MINUS");
    if (!operator) return left;
    const all = parseSetQuantifier(cursor);
    left = { kind: "set", operator: operator === "UNION" ? "UNION" : "EXCEPT", all, left, right: parseIntersections(cursor) };
  }
}

function parseIntersections(cursor: Cursor): QueryBody {
  let left = parseTerm(cursor);
  while (cursor.accept("INTERSECT")) {
    const all = parseSetQuantifier(cursor);
    left = { kind: "set", operator: "INTERSECT", all, left, right: parseTerm(cursor) };
  }
  return left;
}

function parseSetQuantifier(cursor: Cursor): boolean {
  const quantifier = cursor.acceptOneOf("ALL", "DISTINCT");
  return quantifier === "ALL";
}

function parseTerm(cursor: Cursor): QueryBody {
  if (cursor.accept("(")) {
    const query = parseQuery(cursor);
    cursor.expect(")");
    return { kind: "nested", query };
  }
  if (cursor.accept("VALUES")) return { kind: "values", rows: parseRows(cursor) };
  return parseSelect(cursor);
}

function parseRows(cursor: Cursor): Extract<QueryBody, { kind: "values" }>["rows"] {
  return cursor.list(() => {
    if (!cursor.accept("(")) return [parseExpression(cursor)];
    const row = cursor.list(() => parseExpression(cursor));
    cursor.expect(")");
    return row;
  });
}

function parseSelect(cursor: Cursor): Select {
  cursor.expect("SELECT");
  const distinct = cursor.acceptOneOf("DISTINCT", "ALL") === "DISTINCT";
  const items = cursor.list(() => ({ expression: parseExpression(cursor), alias: cursor.alias() }));
  const select: Select = { kind: "select", distinct, items, lateralViews: [], groupBy: [] };
  if (cursor.accept("FROM")) select.from = parseRelations(cursor);
  while (cursor.accept("LATERAL", "VIEW")) select.lateralViews.push(parseLateralView(cursor));
  if (cursor.accept("WHERE")) select.where = parseExpression(cursor);
  if (cursor.accept("GROUP", "BY")) select.groupBy = parseGroupBy(cursor);
  if (cursor.accept("HAVING")) select.having = parseExpression(cursor);
  if (cursor.accept("QUALIFY")) select.qualify = parseExpression(cursor);
  return select;
}

function parseGroupBy(cursor: Cursor): Select["groupBy"] {
  if (cursor.accept("ALL")) return "ALL";
  if (cursor.at("ROLLUP") || cursor.at("CUBE") || cursor.at("GROUPING"))
    throw new UnsupportedSql(`GROUP BY ${cursor.peek().value}`);
  const keys = cursor.list(() => parseExpression(cursor));
  if (cursor.at("WITH")) throw new UnsupportedSql("GROUP BY … WITH");
  return keys;
}

function parseLateralView(cursor: Cursor): Select["lateralViews"][number] {
  const outer = cursor.accept("OUTER");
  const call = parseExpression(cursor);
  const table = cursor.at("AS") ? "" : cursor.name();
  const columns = cursor.accept("AS") ? cursor.list(() => cursor.name()) : [];
  return { outer, function: call, table, columns };
}

function parseRelations(cursor: Cursor): Relation {
  const [first, ...rest] = cursor.list(() => parseJoins(cursor));
  if (!first) throw cursor.error();
  return rest.reduce<Relation>((left, right) => ({ kind: "join", type: "CROSS", left, right, using: [] }), first);
}

function parseJoins(cursor: Cursor): Relation {
  let left = parseRelation(cursor);
  for (;;) {
    if (cursor.at("NATURAL")) throw new UnsupportedSql("NATURAL JOIN");
    const type = parseJoinType(cursor);
    if (!type) return left;
    const right = parseRelation(cursor);
    const on = cursor.accept("ON") ? parseExpression(cursor) : undefined;
    const using = !on && cursor.accept("USING") ? cursor.nameList() : [];
    if (type !== "CROSS" && !on && using.length === 0) throw new UnsupportedSql("a join without ON or USING");
    left = { kind: "join", type, left, right, on, using };
  }
}

function parseJoinType(cursor: Cursor): JoinType | undefined {
  if (cursor.accept("JOIN") || cursor.accept("INNER", "JOIN")) return "INNER";
  if (cursor.accept("CROSS", "JOIN")) return "CROSS";
  if (cursor.accept("LEFT", "SEMI", "JOIN") || cursor.accept("SEMI", "JOIN")) return "LEFT SEMI";
  if (cursor.accept("LEFT", "ANTI", "JOIN") || cursor.accept("ANTI", "JOIN")) return "LEFT ANTI";
  for (const side of ["LEFT", "RIGHT", "FULL"] as const)
    if (cursor.accept(side, "JOIN") || cursor.accept(side, "OUTER", "JOIN")) return side;
  return undefined;
}

function parseRelation(cursor: Cursor): Relation {
  const lateral = cursor.accept("LATERAL");
  if (cursor.accept("(", "DESCRIBE", "HISTORY")) {
    const table = cursor.dottedName();
    const limit = cursor.accept("LIMIT") ? cursor.integer() : undefined;
    cursor.expect(")");
    return { kind: "history", table, limit, ...aliasOf(cursor) };
  }
  if (cursor.at("(") && !startsQuery(cursor)) {
    cursor.expect("(");
    const inner = parseRelations(cursor);
    cursor.expect(")");
    return inner;
  }
  if (cursor.at("VALUES")) return { kind: "derived", query: parseValuesQuery(cursor), lateral: false, ...aliasOf(cursor) };
  if (cursor.accept("(")) {
    const query = parseQuery(cursor);
    cursor.expect(")");
    return { kind: "derived", query, lateral, ...aliasOf(cursor) };
  }
  if (cursor.peek().kind === "word" && cursor.peek(1).text === "(")
    return { kind: "function", call: parseExpression(cursor), ...aliasOf(cursor) };
  const name = cursor.dottedName();
  const travel = parseTimeTravel(cursor);
  if (cursor.at("TABLESAMPLE") || cursor.at("PIVOT") || cursor.at("UNPIVOT")) throw new UnsupportedSql(cursor.peek().value);
  return { kind: "table", name, travel, ...aliasOf(cursor) };
}

function parseValuesQuery(cursor: Cursor): Query {
  cursor.expect("VALUES");
  return { kind: "query", with: [], body: { kind: "values", rows: parseRows(cursor) }, orderBy: [] };
}

function aliasOf(cursor: Cursor): { alias?: string; columns: string[] } {
  const alias = cursor.alias();
  return { alias, columns: alias === undefined ? [] : cursor.nameList() };
}

/** `VERSION AS OF 3`, `TIMESTAMP AS OF '…'`, and the same with FOR or FOR SYSTEM_… before it. */
function parseTimeTravel(cursor: Cursor): TimeTravel | undefined {
  const asOf = cursor.at("FOR") ? 1 : 0;
  if (cursor.peek(asOf + 1).value !== "AS" || cursor.peek(asOf + 2).value !== "OF") return undefined;
  if (asOf === 1) cursor.next();
  const what = cursor.acceptOneOf("VERSION", "SYSTEM_VERSION", "TIMESTAMP", "SYSTEM_TIME");
  if (!what) throw cursor.error();
  cursor.expect("AS", "OF");
  if (what === "TIMESTAMP" || what === "SYSTEM_TIME") return { timestamp: parseExpression(cursor) };
  const version = cursor.next();
  if (!/^\d+$/.test(version.value)) throw new UnsupportedSql("a version that is not written as a number");
  return { version: Number(version.value) };
}
