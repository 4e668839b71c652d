import type { Token } from "./brackets.ts";
import { isMember, whyNotBeforeBracket } from "./calls.ts";

/**
 * Which statements may be sent in a read-only environment. Statements are read as tokens, so that comments, strings and quoted
 * names can neither hide a write nor look like one. Anything that isn't certainly a read is refused.
 */

const beginnings = new Set(["SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "VALUES", "TABLE"]);

/** Words that begin or are part of a write anywhere in a statement. As a column name they can be used in backticks. */
const writes = new Set(
  `INSERT UPDATE DELETE MERGE TRUNCATE CREATE DROP UNDROP ALTER RENAME COPY LOAD IMPORT EXPORT PUT REMOVE GRANT REVOKE DENY
  REFRESH OPTIMIZE VACUUM RESTORE CLONE REORG ANALYZE MSCK REPAIR CACHE UNCACHE CLEAR USE SET RESET CALL EXECUTE IMMEDIATE DECLARE
  BEGIN COMMIT ROLLBACK SYNC APPLY COMMENT INTO OVERWRITE ADD STREAM`
    .trim()
    .split(/\s+/),
);

/** Why this statement isn't certainly a read; `undefined` if it is. */
export function whyNotReading(statement: string): string | undefined {
  const tokens = tokenize(statement);
  if (typeof tokens === "string") return tokens;
  while (tokens.at(-1)?.value === ";") tokens.pop();
  const first = tokens.find((token) => token.value !== "(");
  if (!first) return "it is empty";
  if (first.kind !== "word" || !beginnings.has(first.value))
    return `it begins with ${first.value}, not with SELECT, SHOW, DESCRIBE or EXPLAIN`;
  const showsItself = first.value === "SHOW" ? tokens[1] : undefined;
  for (const [index, token] of tokens.entries()) {
    if (token.kind === "symbol" && token.value === ";") return "it is more than one statement";
    if (token.value === "|" && tokens[index + 1]?.value === ">") return "it uses pipes (|>), which can also write";
    const called = whyNotBeforeBracket(tokens, index);
    if (called) return called;
    // `SELECT TRANSFORM(a) USING 'sh'`, MAP and REDUCE pass rows to a script. A join has its columns in brackets.
    if (token.kind === "word" && token.value === "USING" && tokens[index + 1]?.value !== "(" && !isMember(tokens, index))
      return "it contains USING without a parenthesis, which runs a script; put a column of that name in backticks";
    if (token.kind !== "word" || !writes.has(token.value)) continue;
    // SHOW CREATE TABLE and SHOW GRANT only show.
    if (token !== showsItself && !isMember(tokens, index))
      return `it contains ${token.value}; put a column of that name in backticks`;
  }
  return undefined;
}

/** Why this cannot be the condition of a delete; `undefined` if it can. @param parameters their names */
export function whyNotCondition(condition: string, parameters: readonly string[]): string | undefined {
  const tokens = tokenize(condition);
  if (typeof tokens === "string") return tokens;
  if (tokens.length === 0) return "it has no condition";
  const names = new Set(parameters.map((name) => name.toUpperCase()));
  const compares = tokens.some(
    (token, index) => token.kind === "word" && tokens[index - 1]?.value === ":" && names.has(token.value),
  );
  if (!compares) return "its condition uses no parameter, so it could match every row";
  return whyNotReading(`SELECT ${condition}`);
}

/** Constructs that Spark reads differently by version or setting. No read needs them, and each could hide a write. */
const ambiguous: readonly (readonly [RegExp, string])[] = [
  [/^\/\*\+/, "it has a hint"],
  [/^\$/, "it has a dollar sign outside of quotes"],
  [/^:\/\//, "it has :// outside of quotes"],
  // Some characters are blanks to one parser and letters to another, and some letters become others in upper case.
  [/^[^\t\n\r -~]/, "it has a character beyond ASCII outside of quotes; put a name in backticks"],
  [/^[\\#{}]/, "it has a backslash, a # or a curly brace outside of quotes"],
];

/** Tokens that begin like this are neither ambiguous nor skipped. Most do, so the slower tests are left out for them. */
const plainBeginning = /^[\w'"`(),.=<>*]/;

/** Words in upper case; a sentence if something is unterminated or ambiguous. */
function tokenize(statement: string): Token[] | string {
  // Spark substitutes variables before it parses, even in texts and comments, and so can end them.
  if (statement.includes("${")) return "it has ${, which Spark may replace with a variable";
  const tokens: Token[] = [];
  let at = 0;
  while (at < statement.length) {
    const rest = statement.slice(at);
    const isPlain = plainBeginning.test(rest);
    const doubt = isPlain ? undefined : ambiguous.find(([pattern]) => pattern.test(rest));
    if (doubt) return doubt[1];
    const passed = isPlain ? undefined : (/^[\t\n\r ]+/.exec(rest)?.[0] ?? commentAt(rest));
    if (passed !== undefined) {
      const doubtful = whyDoubtfulComment(passed);
      if (doubtful) return doubtful;
      at += passed.length;
      continue;
    }
    const token = tokenAt(rest);
    if (!token) return "it has a comment, string or quoted name without an end";
    // In `1e-5r'\'`, the string ends elsewhere depending on whether the r belongs to the number or to the string.
    if (token.kind !== "symbol" && /^['"`]/.test(rest.slice(token.value.length)) && !isQuoted(token))
      return "it has a quote directly after a word or number; put a space between them";
    if (/^[rR]['"]/.test(token.value) && /[\w.]/.test(statement.charAt(at - 1)))
      return "it has a raw string directly after a word or number; put a space between them";
    tokens.push(token.kind === "word" ? { ...token, value: token.value.toUpperCase() } : token);
    at += token.value.length;
  }
  return tokens;
}

function isQuoted({ kind }: Token): boolean {
  return kind === "text" || kind === "quoted-name";
}

/** In Spark, a backslash continues a comment on the next line, and comments can be nested. */
function whyDoubtfulComment(passed: string): string | undefined {
  if (/^--.*\\$/s.test(passed)) return "it has a comment that ends with a backslash";
  if (passed.startsWith("/*") && passed.indexOf("/*", 1) > 0) return "it has a comment inside a comment";
  if (/[\v\f\u0085\u2028\u2029]/.test(passed)) return "it has a comment with an unusual line break";
  return undefined;
}

function commentAt(rest: string): string | undefined {
  return (/^--[^\r\n]*/.exec(rest) ?? /^\/\*[\s\S]*?\*\//.exec(rest))?.[0];
}

function tokenAt(rest: string): Token | undefined {
  const text = /^[rR]?['"]/.test(rest) ? textAt(rest) : undefined;
  if (text !== undefined) return { kind: "text", value: text };
  const name = /^`(?:``|[^`])*`/.exec(rest);
  if (name) return { kind: "quoted-name", value: name[0] };
  if (/^(['"`]|\/\*)/.test(rest)) return undefined;
  const word = /^[A-Za-z_]\w*/.exec(rest);
  if (word) return { kind: "word", value: word[0] };
  const number = /^\d\w*/.exec(rest);
  return number ? { kind: "number", value: number[0] } : { kind: "symbol", value: rest.charAt(0) };
}

function textAt(rest: string): string | undefined {
  const text =
    /^[rR]'[^']*'/.exec(rest) ??
    /^[rR]"[^"]*"/.exec(rest) ??
    /^'(?:\\[\s\S]|''|[^'\\])*'/.exec(rest) ??
    /^"(?:\\[\s\S]|""|[^"\\])*"/.exec(rest);
  return text?.[0];
}

/** `schema.table` of a catalog as a quoted name. */
export function qualifiedName(catalog: string, table: string): string {
  return [catalog, ...table.split(".")].map(quoteName).join(".");
}

export function quoteName(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}
