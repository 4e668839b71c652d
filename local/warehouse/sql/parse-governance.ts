import { syntaxError, UnsupportedSql } from "../errors.ts";
import type { Securable, Statement, TableAction } from "./ast.ts";
import type { Cursor } from "./cursor.ts";
import { parseProperties, parsePropertyKey } from "./parse-definition.ts";

/** `GRANT SELECT, MODIFY ON TABLE t TO someone` */
export function parseGrant(cursor: Cursor, what: "grant" | "revoke"): Statement {
  const privileges = cursor.list(() => parsePrivilege(cursor));
  cursor.expect("ON");
  const on = parseSecurable(cursor);
  cursor.expect(what === "grant" ? "TO" : "FROM");
  return { kind: what, privileges, on, principal: parsePrincipal(cursor) };
}

/** A privilege has up to three words. */
function parsePrivilege(cursor: Cursor): string {
  const words: string[] = [];
  while (cursor.peek().kind === "word" && !cursor.at("ON")) words.push(cursor.next().value);
  if (words.length === 0) throw cursor.error();
  return words.join(" ") === "ALL" ? "ALL PRIVILEGES" : words.join(" ");
}

function parsePrincipal(cursor: Cursor): string {
  return cursor.peek().kind === "string" ? cursor.string() : cursor.name();
}

/** A table doesn't need to be called one. */
export function parseSecurable(cursor: Cursor): Securable {
  if (cursor.accept("METASTORE")) return { kind: "METASTORE", name: [] };
  if (cursor.accept("CATALOG")) return { kind: "CATALOG", name: cursor.dottedName() };
  if (cursor.accept("SCHEMA") || cursor.accept("DATABASE")) return { kind: "SCHEMA", name: cursor.dottedName() };
  if (!cursor.accept("TABLE")) cursor.accept("VIEW");
  return { kind: "TABLE", name: cursor.dottedName() };
}

function parseObject(cursor: Cursor): Securable {
  return cursor.accept("COLUMN") ? { kind: "COLUMN", name: cursor.dottedName() } : parseSecurable(cursor);
}

/** `COMMENT ON TABLE t IS 'text'` */
export function parseComment(cursor: Cursor): Statement {
  cursor.expect("ON");
  const on = parseObject(cursor);
  cursor.expect("IS");
  return { kind: "comment-on", on, comment: cursor.accept("NULL") ? undefined : cursor.string() };
}

/** `SET TAG ON TABLE t key = value`, and `UNSET TAG ON TABLE t key` */
export function parseTagOn(cursor: Cursor, what: "set" | "unset"): Statement {
  const on = parseObject(cursor);
  const key = parsePropertyKey(cursor);
  if (what === "unset") return { kind: "tags", on, set: {}, unset: [key] };
  return { kind: "tags", on, set: { [key]: cursor.accept("=") ? parsePrincipal(cursor) : "" }, unset: [] };
}

/** What follows the name in ALTER CATALOG, SCHEMA, TABLE and VIEW alike; undefined if it is something else. */
export function parseGoverned(cursor: Cursor, on: Securable): Statement | undefined {
  if (cursor.accept("OWNER", "TO") || cursor.accept("SET", "OWNER", "TO"))
    return { kind: "owner", on, owner: parsePrincipal(cursor) };
  if (cursor.accept("SET", "TAGS")) return { kind: "tags", on, set: parseTags(cursor), unset: [] };
  if (cursor.accept("UNSET", "TAGS")) return { kind: "tags", on, set: {}, unset: parseKeys(cursor) };
  return undefined;
}

/** The same behind ALTER COLUMN. */
export function parseColumnTags(cursor: Cursor, column: string): TableAction | undefined {
  if (cursor.accept("SET", "TAGS")) return { kind: "column-tags", column, set: parseTags(cursor), unset: [] };
  if (cursor.accept("UNSET", "TAGS")) return { kind: "column-tags", column, set: {}, unset: parseKeys(cursor) };
  return undefined;
}

/** `('key' = 'value', 'flag')` */
function parseTags(cursor: Cursor): Record<string, string> {
  cursor.expect("(");
  const tags = cursor.list((): [string, string] => [cursor.string(), cursor.accept("=") ? cursor.string() : ""]);
  cursor.expect(")");
  return Object.fromEntries(tags);
}

function parseKeys(cursor: Cursor): string[] {
  cursor.expect("(");
  const keys = cursor.list(() => cursor.string());
  cursor.expect(")");
  return keys;
}

/** ALTER CATALOG, SCHEMA and VIEW. */
export function parseAlterObject(cursor: Cursor): Statement {
  const first = cursor.peek();
  if (!["CATALOG", "SCHEMA", "DATABASE", "VIEW"].includes(first.value)) throw syntaxError(first.text);
  const on = parseSecurable(cursor);
  const governed = parseGoverned(cursor, on);
  if (governed) return governed;
  if (first.value !== "VIEW" && (cursor.accept("SET", "RETAIN", "DROPPED", "TO") || cursor.accept("RETAIN", "DROPPED", "TO")))
    return { kind: "retain-dropped", on, hours: parseHours(cursor) };
  if (first.value === "VIEW" && cursor.accept("RENAME", "TO"))
    return { kind: "alter-table", table: on.name, action: { kind: "rename", to: cursor.dottedName(), isView: true } };
  if (first.value === "VIEW" && cursor.accept("SET", "TBLPROPERTIES")) {
    parseProperties(cursor);
    throw new UnsupportedSql("properties of a view");
  }
  throw new UnsupportedSql(`ALTER ${first.value} … ${cursor.peek().value} ${cursor.peek(1).value}`.trim());
}

const hoursIn: Readonly<Record<string, number>> = { HOUR: 1, HOURS: 1, DAY: 24, DAYS: 24, WEEK: 168, WEEKS: 168 };

function parseHours(cursor: Cursor): number {
  const number = cursor.integer();
  const unit = cursor.next();
  const hours = hoursIn[unit.value];
  if (hours === undefined) throw syntaxError(unit.text);
  return number * hours;
}
