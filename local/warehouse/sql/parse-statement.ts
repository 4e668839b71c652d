import { SqlError, UnsupportedSql } from "../errors.ts";
import type { Expression, Statement } from "./ast.ts";
import { Cursor } from "./cursor.ts";
import { parseAlter } from "./parse-alter.ts";
import { parseCreate, parseDrop } from "./parse-definition.ts";
import { parseExpression, startsQuery } from "./parse-expression.ts";
import { parseComment, parseGrant, parseSecurable, parseTagOn } from "./parse-governance.ts";
import { parseQuery } from "./parse-query.ts";

/**
 * Parses one statement.
 * @throws SqlError PARSE_SYNTAX_ERROR for invalid SQL; UnsupportedSql for SQL that Databricks supports and this warehouse doesn't
 */
export function parseStatement(sql: string): Statement {
  const cursor = new Cursor(sql);
  const statement = parse(cursor);
  cursor.expectEnd();
  return statement;
}

function parse(cursor: Cursor): Statement {
  if (startsQuery(cursor)) return parseQuery(cursor);
  if (cursor.accept("INSERT")) return parseInsert(cursor);
  if (cursor.accept("DELETE", "FROM")) return parseDelete(cursor);
  if (cursor.accept("MERGE", "INTO")) return parseMerge(cursor);
  if (cursor.accept("TRUNCATE", "TABLE")) return { kind: "truncate", table: cursor.dottedName() };
  if (cursor.accept("RESTORE")) return parseRestore(cursor);
  if (cursor.accept("UPDATE")) return parseUpdate(cursor);
  if (cursor.accept("CREATE")) return parseCreate(cursor);
  if (cursor.accept("DROP")) return parseDrop(cursor);
  if (cursor.accept("ALTER")) return parseAlter(cursor);
  if (cursor.accept("USE")) return parseUse(cursor);
  if (cursor.accept("GRANT")) return parseGrant(cursor, "grant");
  if (cursor.accept("REVOKE")) return parseGrant(cursor, "revoke");
  if (cursor.accept("COMMENT")) return parseComment(cursor);
  if (cursor.accept("SET", "TAG", "ON")) return parseTagOn(cursor, "set");
  if (cursor.accept("UNSET", "TAG", "ON")) return parseTagOn(cursor, "unset");
  if (cursor.accept("SET")) return parseSet(cursor);
  if (cursor.accept("SHOW")) return parseShow(cursor);
  if (cursor.accept("DESCRIBE") || cursor.accept("DESC")) return parseDescribe(cursor);
  if (cursor.accept("EXPLAIN"))
    return { kind: "explain", of: cursor.accept("INSERT") ? parseInsert(cursor) : parseQuery(cursor) };
  const first = cursor.peek();
  if (first.kind === "word" && known.has(first.value)) throw new UnsupportedSql(`the statement ${first.value}`);
  throw cursor.error();
}

/** Databricks statements that are not supported here, but are no syntax errors. */
const known = new Set(
  `COPY OPTIMIZE VACUUM DENY ANALYZE MSCK REFRESH CACHE UNCACHE CALL EXECUTE DECLARE BEGIN
  UNDROP SYNC RESET REPAIR LIST PUT GET REMOVE FROM TABLE`.split(/\s+/),
);

function parseInsert(cursor: Cursor): Extract<Statement, { kind: "insert" }> {
  const overwrite = cursor.accept("OVERWRITE");
  if (!overwrite) cursor.expect("INTO");
  cursor.accept("TABLE");
  const table = cursor.dottedName();
  if (cursor.at("REPLACE") || cursor.at("PARTITION")) throw new UnsupportedSql(`INSERT INTO … ${cursor.peek().value}`);
  const byName = cursor.accept("BY", "NAME");
  const columns = byName || startsQuery(cursor) ? [] : cursor.nameList();
  return { kind: "insert", table, columns, byName, query: parseQuery(cursor), overwrite };
}

function parseRestore(cursor: Cursor): Statement {
  cursor.accept("TABLE");
  const table = cursor.dottedName();
  cursor.expect("TO");
  if (!cursor.accept("VERSION")) throw new UnsupportedSql("RESTORE to anything but a version");
  cursor.expect("AS", "OF");
  return { kind: "restore", table, version: cursor.integer() };
}

function parseDelete(cursor: Cursor): Statement {
  const table = cursor.dottedName();
  const alias = cursor.alias();
  return { kind: "delete", table, alias, ...parseCondition(cursor) };
}

/** Only the form that deletes the rows that a query names. */
function parseMerge(cursor: Cursor): Statement {
  const table = cursor.dottedName();
  const alias = cursor.alias();
  cursor.expect("USING");
  if (!cursor.accept("(")) throw new UnsupportedSql("MERGE … USING anything but a query");
  const source = parseQuery(cursor);
  cursor.expect(")");
  const sourceAlias = cursor.alias();
  if (sourceAlias === undefined) throw new UnsupportedSql("MERGE from a query without a name");
  cursor.expect("ON");
  const on = parseExpression(cursor);
  if (!cursor.accept("WHEN", "MATCHED", "THEN", "DELETE") || (cursor.peek().kind !== "end" && !cursor.at(";")))
    throw new UnsupportedSql("MERGE other than WHEN MATCHED THEN DELETE");
  return { kind: "merge-delete", table, alias, source, sourceAlias, on };
}

function parseUpdate(cursor: Cursor): Statement {
  const table = cursor.dottedName();
  const alias = cursor.alias();
  cursor.expect("SET");
  const set = cursor.list(() => {
    const column = cursor.dottedName();
    if (column.length > 1 && column[0]?.toLowerCase() !== (alias ?? table.at(-1))?.toLowerCase())
      throw new UnsupportedSql("setting a field of a struct");
    cursor.expect("=");
    return { column: column.at(-1) ?? "", value: parseExpression(cursor) };
  });
  return { kind: "update", table, alias, set, ...parseCondition(cursor) };
}

function parseCondition(cursor: Cursor): { where?: Expression; predicate: string } {
  if (!cursor.accept("WHERE")) return { predicate: "true" };
  const start = cursor.peek();
  return { where: parseExpression(cursor), predicate: cursor.textFrom(start) };
}

function parseUse(cursor: Cursor): Statement {
  const what = cursor.accept("CATALOG") ? "CATALOG" : "SCHEMA";
  if (what === "SCHEMA" && !cursor.accept("SCHEMA")) cursor.accept("DATABASE");
  return { kind: "use", what, name: cursor.dottedName() };
}

function parseSet(cursor: Cursor): Statement {
  if (cursor.peek().kind === "end") return { kind: "set" };
  if (cursor.at("VAR") || cursor.at("VARIABLE")) throw new UnsupportedSql("session variables");
  if (cursor.accept("TIME", "ZONE")) return { kind: "set", name: "timezone", value: cursor.next().value };
  const name = cursor.dottedName().join(".");
  if (cursor.peek().kind === "end" || cursor.at(";")) return { kind: "set", name };
  cursor.expect("=");
  const start = cursor.next();
  while (cursor.peek().kind !== "end" && !cursor.at(";")) cursor.next();
  return { kind: "set", name, value: start.kind === "string" ? start.value : cursor.textFrom(start) };
}

function parseShow(cursor: Cursor): Statement {
  if (cursor.accept("CATALOGS")) return { kind: "show-catalogs", pattern: parsePattern(cursor) };
  if (cursor.accept("SCHEMAS") || cursor.accept("DATABASES")) {
    const catalog = cursor.acceptOneOf("IN", "FROM") ? cursor.name() : undefined;
    return { kind: "show-schemas", catalog, pattern: parsePattern(cursor) };
  }
  const what = cursor.acceptOneOf("TABLES", "VIEWS");
  if (what) {
    const schema = cursor.acceptOneOf("IN", "FROM") ? cursor.dottedName() : undefined;
    return { kind: what === "TABLES" ? "show-tables" : "show-views", schema, pattern: parsePattern(cursor) };
  }
  if (cursor.accept("COLUMNS")) {
    if (!cursor.acceptOneOf("IN", "FROM")) throw cursor.error();
    return { kind: "show-columns", table: cursor.dottedName() };
  }
  if (cursor.accept("GRANTS") || cursor.accept("GRANT")) {
    const principal = cursor.at("ON") ? undefined : cursor.name();
    cursor.expect("ON");
    return { kind: "show-grants", principal, on: parseSecurable(cursor) };
  }
  if (cursor.accept("CREATE", "TABLE")) return { kind: "show-create", table: cursor.dottedName() };
  if (cursor.accept("TBLPROPERTIES")) return { kind: "show-properties", table: cursor.dottedName() };
  throw new UnsupportedSql(`SHOW ${cursor.peek().value}`);
}

function parsePattern(cursor: Cursor): string | undefined {
  return cursor.accept("LIKE") || cursor.peek().kind === "string" ? cursor.string() : undefined;
}

function parseDescribe(cursor: Cursor): Statement {
  if (cursor.accept("HISTORY")) {
    const table = cursor.dottedName();
    return { kind: "describe-history", table, limit: cursor.accept("LIMIT") ? cursor.integer() : undefined };
  }
  if (cursor.accept("DETAIL")) return { kind: "describe-detail", table: cursor.dottedName() };
  if (cursor.accept("QUERY") || startsQuery(cursor)) return { kind: "describe-query", query: parseQuery(cursor) };
  if (["CATALOG", "SCHEMA", "DATABASE", "FUNCTION"].some((word) => cursor.at(word)))
    throw new UnsupportedSql(`DESCRIBE ${cursor.peek().value}`);
  cursor.accept("TABLE");
  const extended = cursor.acceptOneOf("EXTENDED", "FORMATTED") !== undefined;
  const table = cursor.dottedName();
  const asJson = cursor.accept("AS", "JSON");
  if (asJson && !extended)
    throw new SqlError(
      "DESCRIBE_JSON_NOT_EXTENDED",
      "0A000",
      "DESCRIBE TABLE ... AS JSON only supported when [EXTENDED|FORMATTED] is specified.",
    );
  if (cursor.peek().kind === "word") throw new UnsupportedSql("DESCRIBE TABLE with more than a name");
  return { kind: "describe-table", table, extended, asJson };
}
