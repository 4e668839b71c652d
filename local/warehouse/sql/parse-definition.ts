import { UnsupportedSql } from "../errors.ts";
import type { Clause, ColumnDefinition, KeyDefinition, Statement, TableLayout } from "./ast.ts";
import { Cursor } from "./cursor.ts";
import { parseColumnConstraint, parseTableConstraint } from "./parse-constraint.ts";
import { parseExpression, parseTypeText } from "./parse-expression.ts";
import { parseQuery } from "./parse-query.ts";

export function parseCreate(cursor: Cursor): Statement {
  const replace = cursor.accept("OR", "REPLACE");
  if (cursor.accept("SCHEMA") || cursor.accept("DATABASE")) {
    const ifNotExists = cursor.accept("IF", "NOT", "EXISTS");
    const name = cursor.dottedName();
    return { kind: "create-schema", name, ifNotExists, ...parseNamespaceClauses(cursor) };
  }
  if (cursor.accept("CATALOG")) {
    const ifNotExists = cursor.accept("IF", "NOT", "EXISTS");
    const name = cursor.name();
    return { kind: "create-catalog", name, ifNotExists, ...parseNamespaceClauses(cursor) };
  }
  if (cursor.accept("VIEW")) return parseView(cursor, replace);
  if (cursor.accept("FUNCTION")) return parseFunction(cursor, replace);
  if (!cursor.accept("TABLE")) throw new UnsupportedSql(`CREATE ${cursor.peek().value}`);
  const ifNotExists = cursor.accept("IF", "NOT", "EXISTS");
  const name = cursor.dottedName();
  if (cursor.accept("LIKE")) return { kind: "create-like", name, source: cursor.dottedName(), ifNotExists };
  const depth = cursor.acceptOneOf("SHALLOW", "DEEP");
  if (cursor.accept("CLONE")) return parseClone(cursor, { name, shallow: depth === "SHALLOW", ifNotExists, replace });
  if (depth) throw cursor.error();
  const { columns, constraints, keys } = cursor.accept("(") ? parseColumns(cursor) : { columns: [], constraints: {}, keys: [] };
  const { comment, properties, ...layout } = parseTableClauses(cursor);
  const query = cursor.accept("AS") ? parseQuery(cursor) : undefined;
  if (query && columns.length > 0) throw new UnsupportedSql("CREATE TABLE with both columns and AS");
  if (!query && columns.length === 0) throw new UnsupportedSql("a table without columns");
  return { kind: "create-table", name, columns, constraints, keys, layout, ifNotExists, replace, comment, properties, query };
}

/** The place of the files doesn't matter here. */
function parseNamespaceClauses(cursor: Cursor): { comment?: string } {
  const clauses: { comment?: string } = {};
  for (;;) {
    if (cursor.accept("COMMENT")) clauses.comment = cursor.string();
    else if (cursor.accept("MANAGED", "LOCATION")) cursor.string();
    else return clauses;
  }
}

/** A clone without a word for it is deep. */
function parseClone(
  cursor: Cursor,
  target: { name: string[]; shallow: boolean; ifNotExists: boolean; replace: boolean },
): Statement {
  const source = cursor.dottedName();
  if (cursor.at("TIMESTAMP")) throw new UnsupportedSql("CLONE of a time");
  const version = cursor.accept("VERSION", "AS", "OF") ? cursor.integer() : undefined;
  return { kind: "clone", ...target, source, version };
}

function parseView(cursor: Cursor, replace: boolean): Statement {
  const ifNotExists = cursor.accept("IF", "NOT", "EXISTS");
  const name = cursor.dottedName();
  const columns = cursor.accept("(") ? cursor.list(() => parseViewColumn(cursor)) : [];
  if (columns.length > 0) cursor.expect(")");
  const comment = cursor.accept("COMMENT") ? cursor.string() : undefined;
  if (!cursor.accept("AS")) throw new UnsupportedSql(`CREATE VIEW … ${cursor.peek().value}`);
  const start = cursor.peek();
  const query = parseQuery(cursor);
  return { kind: "create-view", name, columns, ifNotExists, replace, comment, query, text: cursor.textFrom(start) };
}

/** `f(a STRING) RETURNS STRING RETURN upper(a)` */
function parseFunction(cursor: Cursor, replace: boolean): Statement {
  const name = cursor.dottedName();
  cursor.expect("(");
  const parameters = cursor.at(")") ? [] : cursor.list(() => ({ name: cursor.name(), type: parseTypeText(cursor) }));
  cursor.expect(")");
  const returns = cursor.accept("RETURNS") ? parseTypeText(cursor) : undefined;
  if (!cursor.accept("RETURN")) throw new UnsupportedSql(`CREATE FUNCTION … ${cursor.peek().value}`);
  return { kind: "create-function", name, parameters, returns, body: parseClause(cursor), replace };
}

function parseViewColumn(cursor: Cursor): { name: string; comment?: string } {
  const name = cursor.name();
  return cursor.accept("COMMENT") ? { name, comment: cursor.string() } : { name };
}

/** The clauses after the columns, in any order. */
function parseTableClauses(cursor: Cursor): TableClauses {
  const clauses: TableClauses = { properties: {}, clusteredBy: [], partitionedBy: [] };
  for (;;) {
    if (cursor.accept("USING")) cursor.expect("DELTA");
    else if (cursor.accept("COMMENT")) clauses.comment = cursor.string();
    else if (cursor.accept("TBLPROPERTIES")) clauses.properties = parseProperties(cursor);
    else if (cursor.accept("PARTITIONED", "BY")) clauses.partitionedBy = parsePartitions(cursor);
    else if (cursor.accept("CLUSTER", "BY")) clauses.clusteredBy = parseClustering(cursor);
    else return clauses;
  }
}

interface TableClauses extends TableLayout {
  comment?: string;
  properties: Record<string, string>;
}

function parsePartitions(cursor: Cursor): string[] {
  cursor.expect("(");
  const columns = cursor.list(() => cursor.name());
  if (!cursor.accept(")")) throw new UnsupportedSql("PARTITIONED BY anything but names of columns");
  return columns;
}

/** `(a, b)` or NONE */
export function parseClustering(cursor: Cursor): string[] {
  if (cursor.accept("NONE")) return [];
  if (!cursor.accept("(")) throw new UnsupportedSql(`CLUSTER BY ${cursor.peek().value}`);
  if (cursor.accept(")")) return [];
  const columns = cursor.list(() => cursor.name());
  if (!cursor.accept(")")) throw new UnsupportedSql("CLUSTER BY anything but names of columns");
  return columns;
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

interface TableSpecification {
  columns: ColumnDefinition[];
  constraints: Record<string, Clause>;
  keys: KeyDefinition[];
}

function parseColumns(cursor: Cursor): TableSpecification {
  const found: TableSpecification = { columns: [], constraints: {}, keys: [] };
  cursor.list(() => {
    if (!cursor.at("CONSTRAINT") && !["PRIMARY", "FOREIGN"].some((word) => cursor.at(word, "KEY"))) {
      const { keys, ...column } = parseColumn(cursor);
      found.columns.push(column);
      found.keys.push(...keys);
      return;
    }
    const constraint = parseTableConstraint(cursor);
    if ("check" in constraint) found.constraints[constraint.name] = constraint.check;
    else found.keys.push(constraint);
  });
  cursor.expect(")");
  return found;
}

export function parseClause(cursor: Cursor): Clause {
  const start = cursor.peek();
  const expression = parseExpression(cursor);
  return { text: cursor.textFrom(start), expression };
}

/** A whole text as an expression. */
export function clauseOf(text: string): Clause {
  const cursor = new Cursor(text);
  const clause = parseClause(cursor);
  cursor.expectEnd();
  return clause;
}

/** A column's name and type, and its clauses in any order. */
export function parseColumn(cursor: Cursor): ColumnDefinition & { keys: KeyDefinition[] } {
  const name = cursor.name();
  const column: ColumnDefinition & { keys: KeyDefinition[] } = { name, type: parseTypeText(cursor), nullable: true, keys: [] };
  for (;;) {
    if (cursor.accept("NOT", "NULL")) column.nullable = false;
    else if (cursor.accept("DEFAULT")) column.default = parseClause(cursor);
    else if (cursor.at("GENERATED")) Object.assign(column, parseGenerated(cursor));
    else if (cursor.accept("COMMENT")) column.comment = cursor.string();
    else if ([",", ")", "FIRST", "AFTER", ";"].some((end) => cursor.at(end)) || cursor.peek().kind === "end") return column;
    else {
      const key = parseColumnConstraint(cursor, name);
      if (!key) throw new UnsupportedSql(`the column clause ${cursor.peek().text}`);
      column.keys.push(key);
    }
  }
}

/** `GENERATED ALWAYS AS (expression)`, or `GENERATED … AS IDENTITY (START WITH 1 INCREMENT BY 1)` */
function parseGenerated(cursor: Cursor): Pick<ColumnDefinition, "generated" | "identity"> {
  cursor.expect("GENERATED");
  const always = cursor.accept("ALWAYS");
  if (!always) cursor.expect("BY", "DEFAULT");
  cursor.expect("AS");
  if (!cursor.accept("IDENTITY")) {
    if (!always) throw cursor.error();
    cursor.expect("(");
    const generated = parseClause(cursor);
    cursor.expect(")");
    return { generated };
  }
  const identity = { always, start: 1, step: 1 };
  if (!cursor.accept("(")) return { identity };
  while (!cursor.accept(")")) {
    if (cursor.accept("START", "WITH")) identity.start = parseWhole(cursor);
    else if (cursor.accept("INCREMENT", "BY")) identity.step = parseWhole(cursor);
    else if (!cursor.accept(",")) throw cursor.error();
  }
  return { identity };
}

function parseWhole(cursor: Cursor): number {
  return cursor.accept("-") ? -cursor.integer() : cursor.integer();
}

export function parseDrop(cursor: Cursor): Statement {
  if (cursor.accept("SCHEMA") || cursor.accept("DATABASE")) {
    const ifExists = cursor.accept("IF", "EXISTS");
    const name = cursor.dottedName();
    const cascade = cursor.acceptOneOf("CASCADE", "RESTRICT") === "CASCADE";
    return { kind: "drop-schema", name, ifExists, cascade };
  }
  if (cursor.accept("CATALOG")) {
    const ifExists = cursor.accept("IF", "EXISTS");
    const name = cursor.name();
    return { kind: "drop-catalog", name, ifExists, cascade: cursor.acceptOneOf("CASCADE", "RESTRICT") === "CASCADE" };
  }
  if (cursor.accept("FUNCTION")) {
    const ifExists = cursor.accept("IF", "EXISTS");
    return { kind: "drop-function", name: cursor.dottedName(), ifExists };
  }
  if (cursor.accept("VIEW")) {
    const ifExists = cursor.accept("IF", "EXISTS");
    return { kind: "drop-view", name: cursor.dottedName(), ifExists };
  }
  if (!cursor.accept("TABLE")) throw new UnsupportedSql(`DROP ${cursor.peek().value}`);
  const ifExists = cursor.accept("IF", "EXISTS");
  return { kind: "drop-table", name: cursor.dottedName(), ifExists };
}
