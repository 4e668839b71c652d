/** A table that can be declared, with what its columns show. */
export interface DeclarableTable {
  name: string;
  /** Column → its type, sorted by name, because the warehouse guarantees no order. */
  columns: Map<string, string>;
  key: string | undefined;
  /** Whether the key identifies the rows of this table, not of another. Only then can other tables point at it. */
  ownKey: boolean;
}

/** The words of a table's name, without its schema, in lower case. */
export function wordsOfTableName(table: string): string[] {
  return (table.split(".")[1] ?? table)
    .toLowerCase()
    .split("_")
    .filter((word) => word !== "");
}

/** The entity that a column's name refers to: `session` for session_id. */
export function entityNamedBy(column: string): string | undefined {
  return /^(.+)_(?:id|uuid|guid)$/.exec(column.toLowerCase())?.[1];
}

/** Keys are texts or whole numbers, and columns that point at them have the same kind. */
export function kindOf(type: string): "text" | "number" | "other" {
  if (/^(?:STRING|VARCHAR|CHAR)\b/.test(type)) return "text";
  return /^(?:TINYINT|SMALLINT|INT|INTEGER|BIGINT|LONG)$/.test(type) ? "number" : "other";
}

export function isTime(type: string): boolean {
  return /^(?:TIMESTAMP(?:_NTZ|_LTZ)?|DATE)$/.test(type);
}

/** Numbers, times and booleans don't identify a person. */
export function isPlain(type: string): boolean {
  return kindOf(type) === "number" || isTime(type) || /^(?:BOOLEAN|FLOAT|DOUBLE|DECIMAL)\b/.test(type);
}
