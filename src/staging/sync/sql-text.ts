import { quoteName, tokenize } from "../../warehouse/statements.ts";

/** Texts of DDL: every name is quoted, and every text is escaped. */

/**
 * A text as a literal. Spark reads a backslash as an escape, and replaces a dollar sign before a brace by a variable even within
 * texts.
 */
export function literal(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("${", "\\u0024{")}'`;
}

/** `'key' = 'value', …`, by key. */
export function pairs(entries: Readonly<Record<string, string>>): string {
  return Object.entries(entries)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${literal(key)} = ${literal(value)}`)
    .join(", ");
}

export function names(list: readonly string[]): string {
  return list.map(quoteName).join(", ");
}

/** Of a column by which a table is clustered: it may be a field of a struct. */
export function path(name: string, columns: readonly string[]): string {
  return columns.some((column) => column.toLowerCase() === name.toLowerCase())
    ? quoteName(name)
    : name.split(".").map(quoteName).join(".");
}

/**
 * Why a text of the original cannot be an expression within a statement: it could end the statement's own bracket, and go on with
 * something else.
 */
export function whyNoExpression(text: string): string | undefined {
  const tokens = tokenize(text);
  if (typeof tokens === "string") return tokens;
  if (tokens.length === 0) return "it is empty";
  let depth = 0;
  for (const { kind, value } of tokens) {
    if (kind !== "symbol") continue;
    if (value === ";") return "it has a semicolon";
    if (value === "(") depth++;
    if (value === ")" && --depth < 0) return "it closes a bracket that it didn't open";
    if (value === "," && depth === 0) return "it has a comma outside of brackets";
  }
  return depth === 0 ? undefined : "it has a bracket without an end";
}

/** Whether an expression names a column, as a word or quoted. */
export function mentions(text: string, column: string): boolean {
  const tokens = tokenize(text);
  if (typeof tokens === "string") return true;
  const wanted = column.toLowerCase();
  return tokens.some(
    ({ kind, value }) =>
      (kind === "word" && value.toLowerCase() === wanted) ||
      (kind === "quoted-name" && value.slice(1, -1).replaceAll("``", "`").toLowerCase() === wanted),
  );
}
