import { UnsupportedSql } from "../errors.ts";
import type { AddedColumn, Position, Statement, TableAction } from "./ast.ts";
import type { Cursor } from "./cursor.ts";
import { parseAddConstraint, parseDropConstraint } from "./parse-constraint.ts";
import { parseClause, parseClustering, parseColumn, parseProperties, parsePropertyKey } from "./parse-definition.ts";
import { parseTypeText } from "./parse-expression.ts";
import { parseAlterObject, parseColumnTags, parseGoverned } from "./parse-governance.ts";

export function parseAlter(cursor: Cursor): Statement {
  if (["CATALOG", "SCHEMA", "DATABASE", "VIEW"].some((word) => cursor.at(word))) return parseAlterObject(cursor);
  if (!cursor.accept("TABLE")) throw new UnsupportedSql(`ALTER ${cursor.peek().value}`);
  const table = cursor.dottedName();
  const governed = parseGoverned(cursor, { kind: "TABLE", name: table });
  if (governed) return governed;
  const action = parseAction(cursor);
  if (action.kind !== "column-tags") return { kind: "alter-table", table, action };
  const { column, set, unset } = action;
  return { kind: "tags", on: { kind: "COLUMN", name: [...table, column] }, set, unset };
}

function parseAction(cursor: Cursor): TableAction {
  if (cursor.at("ADD", "CONSTRAINT") || cursor.at("ADD", "PRIMARY") || cursor.at("ADD", "FOREIGN")) {
    cursor.next();
    return parseAddConstraint(cursor);
  }
  if (cursor.accept("ADD", "COLUMN") || cursor.accept("ADD", "COLUMNS"))
    return { kind: "add-columns", columns: inBrackets(cursor, () => parseAdded(cursor)) };
  if (cursor.at("DROP", "CONSTRAINT") || cursor.at("DROP", "PRIMARY") || cursor.at("DROP", "FOREIGN")) {
    cursor.next();
    const dropped = parseDropConstraint(cursor);
    if (dropped) return dropped;
    throw cursor.error();
  }
  if (cursor.accept("CLUSTER", "BY")) return { kind: "cluster-by", columns: parseClustering(cursor) };
  if (cursor.accept("DROP", "COLUMN") || cursor.accept("DROP", "COLUMNS")) {
    const ifExists = cursor.accept("IF", "EXISTS");
    return { kind: "drop-columns", names: inBrackets(cursor, () => parseColumnName(cursor)), ifExists };
  }
  if (cursor.accept("RENAME", "TO")) return { kind: "rename", to: cursor.dottedName() };
  if (cursor.accept("RENAME", "COLUMN")) {
    const from = parseColumnName(cursor);
    cursor.expect("TO");
    return { kind: "rename-column", from, to: cursor.name() };
  }
  if (cursor.accept("ALTER", "COLUMN") || cursor.accept("CHANGE", "COLUMN")) return parseColumnChange(cursor);
  if (cursor.accept("SET", "ROW", "FILTER")) {
    const routine = cursor.dottedName();
    cursor.expect("ON");
    return { kind: "set-row-filter", routine, columns: parseColumnNames(cursor) };
  }
  if (cursor.accept("DROP", "ROW", "FILTER")) return { kind: "drop-row-filter" };
  if (cursor.accept("SET", "TBLPROPERTIES")) return { kind: "set-properties", properties: parseProperties(cursor) };
  if (cursor.accept("UNSET", "TBLPROPERTIES")) {
    cursor.accept("IF", "EXISTS");
    return { kind: "unset-properties", keys: inBrackets(cursor, () => parsePropertyKey(cursor)) };
  }
  throw new UnsupportedSql(`ALTER TABLE … ${cursor.peek().value} ${cursor.peek(1).value}`.trim());
}

function parseAdded(cursor: Cursor): AddedColumn {
  const { keys, ...column } = parseColumn(cursor);
  if (keys.length > 0) throw new UnsupportedSql("ADD COLUMN with a key");
  return { ...column, position: parsePosition(cursor) };
}

function parsePosition(cursor: Cursor): Position | undefined {
  if (cursor.accept("FIRST")) return "first";
  return cursor.accept("AFTER") ? { after: parseColumnName(cursor) } : undefined;
}

function parseColumnChange(cursor: Cursor): TableAction {
  const name = parseColumnName(cursor);
  if (cursor.accept("TYPE")) return { kind: "change-type", name, type: parseTypeText(cursor) };
  if (cursor.accept("COMMENT")) return { kind: "comment-column", name, comment: cursor.string() };
  const tags = parseColumnTags(cursor, name);
  if (tags) return tags;
  if (cursor.accept("SET", "NOT", "NULL")) return { kind: "set-nullable", name, nullable: false };
  if (cursor.accept("DROP", "NOT", "NULL")) return { kind: "set-nullable", name, nullable: true };
  if (cursor.accept("DROP", "DEFAULT")) return { kind: "set-default", name, default: undefined };
  if (cursor.accept("SET", "DEFAULT")) return { kind: "set-default", name, default: parseClause(cursor) };
  if (cursor.accept("DROP", "MASK")) return { kind: "drop-mask", name };
  if (cursor.accept("SET", "MASK")) {
    const routine = cursor.dottedName();
    const columns = cursor.accept("USING", "COLUMNS") ? parseColumnNames(cursor) : [];
    return { kind: "set-mask", name, routine, columns };
  }
  const position = parsePosition(cursor);
  if (position) return { kind: "move-column", name, position };
  throw new UnsupportedSql(`ALTER COLUMN … ${cursor.peek().value} ${cursor.peek(1).value}`.trim());
}

/** `(a, b)` or `()` */
function parseColumnNames(cursor: Cursor): string[] {
  cursor.expect("(");
  const names = cursor.at(")") ? [] : cursor.list(() => parseColumnName(cursor));
  cursor.expect(")");
  return names;
}

/** A column of the table itself: fields of a struct cannot be changed here. */
function parseColumnName(cursor: Cursor): string {
  const name = cursor.name();
  if (cursor.at(".")) throw new UnsupportedSql("ALTER of a field of a struct");
  return name;
}

/** `a`, `(a, b)` or, as Databricks allows, `a, b`. */
function inBrackets<Item>(cursor: Cursor, read: () => Item): Item[] {
  if (!cursor.accept("(")) return cursor.list(read);
  const items = cursor.list(read);
  cursor.expect(")");
  return items;
}
