import type { TableName } from "./catalog.ts";
import { SqlError } from "./errors.ts";
import type { Session } from "./session.ts";

/** The three parts of a table's name, completed with the session's catalog and schema. */
export function tableName(session: Session, parts: readonly string[]): TableName {
  const [table, schema = session.schema, catalog = session.catalog] = parts.toReversed();
  if (table === undefined || parts.length > 3) throw tooManyParts(parts);
  return { catalog: catalog.toLowerCase(), schema: schema.toLowerCase(), table: table.toLowerCase() };
}

export function schemaName(session: Session, parts: readonly string[]): { catalog: string; schema: string } {
  const [schema, catalog = session.catalog] = parts.toReversed();
  if (schema === undefined || parts.length > 2) throw tooManyParts(parts);
  return { catalog: catalog.toLowerCase(), schema: schema.toLowerCase() };
}

function tooManyParts(parts: readonly string[]): SqlError {
  return new SqlError(
    "IDENTIFIER_TOO_MANY_NAME_PARTS",
    "42601",
    `${parts.join(".")} is not a valid identifier as it has too many name parts.`,
  );
}
