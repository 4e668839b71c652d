import { UnsupportedSql } from "../errors.ts";
import type { Clause, KeyDefinition, TableAction } from "./ast.ts";
import type { Cursor } from "./cursor.ts";
import { parseExpression } from "./parse-expression.ts";

/** A constraint of a table, with or without a name: a CHECK has one. */
export type TableConstraint = { name: string; check: Clause } | KeyDefinition;

/** `[CONSTRAINT name] CHECK (…) | PRIMARY KEY (…) | FOREIGN KEY (…) REFERENCES parent` */
export function parseTableConstraint(cursor: Cursor): TableConstraint {
  const name = cursor.accept("CONSTRAINT") ? cursor.name() : undefined;
  if (cursor.accept("PRIMARY", "KEY")) {
    const columns = keyColumns(cursor);
    return { name, kind: "primary", columns, rely: parseOptions(cursor) };
  }
  if (cursor.accept("FOREIGN", "KEY")) {
    const columns = keyColumns(cursor);
    cursor.expect("REFERENCES");
    return parseReference(cursor, name, columns);
  }
  if (name === undefined) throw cursor.error();
  return { name, check: parseCheck(cursor) };
}

/** The same behind a column: `id STRING CONSTRAINT teachers_pk PRIMARY KEY`. Undefined if there is none. */
export function parseColumnConstraint(cursor: Cursor, column: string): KeyDefinition | undefined {
  if (!["CONSTRAINT", "PRIMARY", "FOREIGN", "REFERENCES"].some((word) => cursor.at(word))) return undefined;
  const name = cursor.accept("CONSTRAINT") ? cursor.name() : undefined;
  if (cursor.accept("PRIMARY", "KEY")) return { name, kind: "primary", columns: [column], rely: parseOptions(cursor) };
  cursor.accept("FOREIGN", "KEY");
  if (!cursor.accept("REFERENCES")) throw new UnsupportedSql(`a constraint of the kind ${cursor.peek().value} behind a column`);
  return parseReference(cursor, name, [column]);
}

function parseReference(cursor: Cursor, name: string | undefined, columns: string[]): KeyDefinition {
  const parent = cursor.dottedName();
  const to = cursor.at("(") ? keyColumns(cursor) : undefined;
  return { name, kind: "foreign", columns, parent, to, rely: parseOptions(cursor) };
}

function keyColumns(cursor: Cursor): string[] {
  cursor.expect("(");
  const columns = cursor.list(() => cursor.name());
  if (cursor.at("TIMESERIES")) throw new UnsupportedSql("TIMESERIES");
  cursor.expect(")");
  return columns;
}

/** What cannot be enforced anyway, and RELY. @returns whether RELY was given */
function parseOptions(cursor: Cursor): boolean {
  let rely = false;
  for (;;) {
    if (cursor.accept("RELY")) rely = true;
    else if (cursor.accept("NORELY")) rely = false;
    else if (
      !(
        cursor.accept("NOT", "ENFORCED") ||
        cursor.accept("DEFERRABLE") ||
        cursor.accept("INITIALLY", "DEFERRED") ||
        cursor.accept("MATCH", "FULL") ||
        cursor.accept("ON", "UPDATE", "NO", "ACTION") ||
        cursor.accept("ON", "DELETE", "NO", "ACTION")
      )
    )
      return rely;
  }
}

/** `CHECK (condition)`. Delta keeps its tokens with a blank between them. */
function parseCheck(cursor: Cursor): Clause {
  if (!cursor.accept("CHECK")) throw new UnsupportedSql(`a constraint of the kind ${cursor.peek().value}`);
  cursor.expect("(");
  const start = cursor.peek();
  const expression = parseExpression(cursor);
  const text = cursor.tokensFrom(start);
  cursor.expect(")");
  cursor.accept("ENFORCED");
  return { text, expression };
}

/** After ADD. */
export function parseAddConstraint(cursor: Cursor): TableAction {
  const constraint = parseTableConstraint(cursor);
  return "check" in constraint ? { kind: "add-constraint", ...constraint } : { kind: "add-key", key: constraint };
}

/** After DROP; undefined if it is something else that is dropped. */
export function parseDropConstraint(cursor: Cursor): TableAction | undefined {
  if (cursor.accept("CONSTRAINT")) {
    const ifExists = cursor.accept("IF", "EXISTS");
    const name = cursor.name();
    return { kind: "drop-constraint", name, ifExists, cascade: parseCascade(cursor) };
  }
  if (cursor.accept("PRIMARY", "KEY")) {
    const ifExists = cursor.accept("IF", "EXISTS");
    return { kind: "drop-primary-key", ifExists, cascade: parseCascade(cursor) };
  }
  if (!cursor.accept("FOREIGN", "KEY")) return undefined;
  const ifExists = cursor.accept("IF", "EXISTS");
  return { kind: "drop-foreign-key", ifExists, columns: keyColumns(cursor) };
}

function parseCascade(cursor: Cursor): boolean {
  return cursor.acceptOneOf("CASCADE", "RESTRICT") === "CASCADE";
}
