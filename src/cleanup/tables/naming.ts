/** A table that may be declared, with what its own columns say. */
export interface DeclarableTable {
  name: string;
  /** Column → its type, sorted by name: the warehouse promises no order. */
  columns: Map<string, string>;
  key: string | undefined;
  /** The key names the rows of this table, not of another: only then can others point at it. */
  ownKey: boolean;
}

/** The words of a table's name, without its schema, in lower case. */
export function wordsOfTableName(table: string): string[] {
  return (table.split(".")[1] ?? table)
    .toLowerCase()
    .split("_")
    .filter((word) => word !== "");
}

/** The thing of which a column names one, by its name: `session` for session_id. */
export function entityNamedBy(column: string): string | undefined {
  return /^(.+)_(?:id|uuid|guid)$/.exec(column.toLowerCase())?.[1];
}

/** Keys are texts or whole numbers; whatever points at one is of the same kind. */
export function kindOf(type: string): "text" | "number" | "other" {
  if (/^(?:STRING|VARCHAR|CHAR)\b/.test(type)) return "text";
  return /^(?:TINYINT|SMALLINT|INT|INTEGER|BIGINT|LONG)$/.test(type) ? "number" : "other";
}

export function isTime(type: string): boolean {
  return /^(?:TIMESTAMP(?:_NTZ|_LTZ)?|DATE)$/.test(type);
}

/** Numbers, times and truths tell no person. */
export function isPlain(type: string): boolean {
  return kindOf(type) === "number" || isTime(type) || /^(?:BOOLEAN|FLOAT|DOUBLE|DECIMAL)\b/.test(type);
}
