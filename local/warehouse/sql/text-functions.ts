import { literal } from "../duckdb.ts";
import { UnsupportedSql } from "../errors.ts";
import { as, many, type SqlFunction, same, stringOf } from "./function-forms.ts";

/** Functions that build, fill and replace text. Those that certainly answer text are in `textFunctions` too. */
export const buildingFunctions: Readonly<Record<string, (own: string) => SqlFunction>> = {
  lpad: as(2, ([s, n, pad]) => padded("lpad", s, n, pad), 3),
  rpad: as(2, ([s, n, pad]) => padded("rpad", s, n, pad), 3),
  translate: same(3),
  // Each is text, or becomes it; NULL is left out. Arrays, which Databricks takes too, cannot become text here.
  concat_ws: as(
    1,
    ([between, ...parts]) =>
      parts.length > 0
        ? `concat_ws(${between}, ${parts.map((part) => `dbx_string(${part})`).join(", ")})`
        : `CASE WHEN ${between} IS NOT NULL THEN '' END`,
    many,
  ),
  // Java's regular expressions and RE2's agree on what both support; RE2 refuses the rest.
  regexp_replace: as(
    3,
    ([s], [, pattern, by]) => `regexp_replace(${s}, ${literal(stringOf(pattern))}, ${literal(replacement(stringOf(by)))}, 'g')`,
  ),
  split: as(2, ([s], [, pattern]) => `string_split_regex(${s}, ${literal(notEmpty(pattern))})`),
  split_part: as(3, ([s, , n], [, by]) => `split_part(${s}, ${literal(notEmpty(by))}, dbx_not_zero(${n}))`),
  sha: same(1, 1, "sha1"),
  sha1: same(1),
};

function padded(name: "lpad" | "rpad", s = "", n = "", pad = "' '"): string {
  const text = `dbx_string(${s})`;
  return `CASE WHEN ${pad} = '' THEN left(${text}, greatest(${n}, 0)) ELSE ${name}(${text}, ${n}, ${pad}) END`;
}

/** Java's `$1` is RE2's `\1`. */
function replacement(text: string): string {
  if (text.includes("\\")) throw new UnsupportedSql("a backslash in what regexp_replace replaces with");
  if (/\$(?!\d(?!\d))/.test(text))
    throw new UnsupportedSql("a dollar sign in what regexp_replace replaces with, but for $0 to $9");
  return text.replace(/\$(\d)/g, "\\$1");
}

function notEmpty(node: Parameters<typeof stringOf>[0]): string {
  const text = stringOf(node);
  if (text === "") throw new UnsupportedSql("splitting by nothing");
  return text;
}
