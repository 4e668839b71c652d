import { UnsupportedSql } from "../errors.ts";
import type { ColumnDefinition, Statement } from "./ast.ts";
import type { Cursor } from "./cursor.ts";
import { parseTypeText } from "./parse-expression.ts";
import { parseQuery } from "./parse-query.ts";

export function parseCreate(cursor: Cursor): Statement {
  const replace = cursor.accept("OR", "REPLACE");
  if (cursor.accept("SCHEMA") || cursor.accept("DATABASE")) {
    const ifNotExists = cursor.accept("IF", "NOT", "EXISTS");
    return { kind: "create-schema", name: cursor.dottedName(), ifNotExists };
  }
  if (!cursor.accept("TABLE")) throw new UnsupportedSql(`CREATE ${cursor.peek().value}`);
  const ifNotExists = cursor.accept("IF", "NOT", "EXISTS");
  const name = cursor.dottedName();
  const columns = cursor.accept("(") ? parseColumns(cursor) : [];
  const { comment, properties } = parseTableClauses(cursor);
  if (["DEEP", "SHALLOW", "CLONE", "LIKE"].some((word) => cursor.at(word)))
    throw new UnsupportedSql(`CREATE TABLE … ${cursor.peek().value}`);
  const query = cursor.accept("AS") ? parseQuery(cursor) : undefined;
  if (query && columns.length > 0) throw new UnsupportedSql("CREATE TABLE with both columns and AS");
  if (!query && columns.length === 0) throw new UnsupportedSql("a table without columns");
  return { kind: "create-table", name, columns, ifNotExists, replace, comment, properties, query };
}

/** The clauses after the columns, in any order. */
function parseTableClauses(cursor: Cursor): { comment?: string; properties: Record<string, string> } {
  const clauses: { comment?: string; properties: Record<string, string> } = { properties: {} };
  for (;;) {
    if (cursor.accept("USING")) cursor.expect("DELTA");
    else if (cursor.accept("COMMENT")) clauses.comment = cursor.string();
    else if (cursor.accept("TBLPROPERTIES")) clauses.properties = parseProperties(cursor);
    else return clauses;
  }
}

/** `('key' = 'value', other.key = true)` */
export function parseProperties(cursor: Cursor): Record<string, string> {
  cursor.expect("(");
  const pairs = cursor.list((): [string, string] => {
    const key = parsePropertyKey(cursor);
    cursor.accept("=");
    return [key, cursor.next().value];
  });
  cursor.expect(")");
  return Object.fromEntries(pairs);
}

export function parsePropertyKey(cursor: Cursor): string {
  return cursor.peek().kind === "string" ? cursor.string() : cursor.dottedName().join(".");
}

function parseColumns(cursor: Cursor): ColumnDefinition[] {
  const columns = cursor.list(() => parseColumn(cursor));
  cursor.expect(")");
  return columns;
}

/** A column's name and type, and its clauses in any order. */
export function parseColumn(cursor: Cursor): ColumnDefinition {
  const name = cursor.name();
  const column: ColumnDefinition = { name, type: parseTypeText(cursor), nullable: true };
  for (;;) {
    if (cursor.accept("NOT", "NULL")) column.nullable = false;
    else if (cursor.accept("COMMENT")) column.comment = cursor.string();
    else if ([",", ")", "FIRST", "AFTER", ";"].some((end) => cursor.at(end)) || cursor.peek().kind === "end") return column;
    else throw new UnsupportedSql(`the column clause ${cursor.peek().text}`);
  }
}

export function parseDrop(cursor: Cursor): Statement {
  if (cursor.accept("SCHEMA") || cursor.accept("DATABASE")) {
    const ifExists = cursor.accept("IF", "EXISTS");
    const name = cursor.dottedName();
    const cascade = cursor.acceptOneOf("CASCADE", "RESTRICT") === "CASCADE";
    return { kind: "drop-schema", name, ifExists, cascade };
  }
  if (!cursor.accept("TABLE")) throw new UnsupportedSql(`DROP ${cursor.peek().value}`);
  const ifExists = cursor.accept("IF", "EXISTS");
  return { kind: "drop-table", name: cursor.dottedName(), ifExists };
}
