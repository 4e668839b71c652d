import { quoteName } from "../../warehouse/statements.ts";

/** The row of the original, in each expression. */
export const sourceAlias = "s";

/** A text as a literal. Spark replaces `${…}` in a statement, and a doubled quote means different things to its versions. */
export function textLiteral(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("$", "\\u0024");
  return `'${escaped.replaceAll("\n", "\\n").replaceAll("\r", "\\r")}'`;
}

export function listLiteral(texts: readonly string[]): string {
  return `array(${texts.map(textLiteral).join(", ")})`;
}

export function columnOf(name: string, alias: string = sourceAlias): string {
  return `${alias}.${quoteName(name)}`;
}

/** So many hex digits of a hash as a number. */
export function numberFrom(hash: string, start: number, digits: number): string {
  return `CAST(conv(substring(${hash}, ${start}, ${digits}), 16, 10) AS BIGINT)`;
}
