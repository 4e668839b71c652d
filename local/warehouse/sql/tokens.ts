import { SqlError, syntaxError, UnsupportedSql } from "../errors.ts";

/** A token of Databricks SQL. `value` is its meaning: a word in upper case, a string without quotes and escapes. */
export interface Token {
  kind: "word" | "quoted-name" | "string" | "number" | "parameter" | "symbol" | "end";
  value: string;
  /** As written in the statement. */
  text: string;
  start: number;
  end: number;
}

const symbols = ["<=>", "::", "||", "<=", ">=", "<>", "!=", "==", "->", ..."()[],.;:+-*/%<>=!?&|^~"];

/** @throws SqlError PARSE_SYNTAX_ERROR for an unterminated token or invalid SQL */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = skipBlank(sql, 0);
  while (at < sql.length) {
    const token = nextToken(sql, at);
    refuseDoubledQuote(tokens.at(-1), token);
    tokens.push(token);
    at = skipBlank(sql, token.end);
  }
  tokens.push({ kind: "end", value: "", text: "", start: sql.length, end: sql.length });
  return tokens;
}

function nextToken(sql: string, start: number): Token {
  const rest = sql.slice(start);
  const token = (kind: Token["kind"], text: string, value: string): Token => ({
    kind,
    text,
    value,
    start,
    end: start + text.length,
  });
  const raw = /^[rR](?:'([^']*)'|"([^"]*)")/.exec(rest);
  if (raw) return token("string", raw[0], raw[1] ?? raw[2] ?? "");
  const quoted = /^'((?:\\[\s\S]|[^'\\])*)'/.exec(rest) ?? /^"((?:\\[\s\S]|[^"\\])*)"/.exec(rest);
  if (quoted) return token("string", quoted[0], withoutEscapes(quoted[1] ?? ""));
  const name = /^`((?:``|[^`])+)`/.exec(rest);
  if (name) return token("quoted-name", name[0], (name[1] ?? "").replaceAll("``", "`"));
  const number = /^(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:BD|[LSYDF])?(?![\w])/i.exec(rest);
  if (number) return token("number", number[0], number[0].toUpperCase());
  const word = /^[\p{L}_][\p{L}\p{N}_]*/u.exec(rest);
  if (word) return token("word", word[0], word[0].toUpperCase());
  const parameter = /^:([\p{L}_][\p{L}\p{N}_]*)/u.exec(rest);
  if (parameter) return token("parameter", parameter[0], parameter[1] ?? "");
  const symbol = symbols.find((candidate) => rest.startsWith(candidate));
  if (symbol === undefined) throw syntaxError(rest.slice(0, 10));
  return symbol === "?" ? token("parameter", symbol, "") : token("symbol", symbol, symbol);
}

/** `'it''s'` means `its` in some Databricks runtimes and `it's` in others. */
function refuseDoubledQuote(before: Token | undefined, token: Token): void {
  if (before?.kind === "string" && token.kind === "string" && before.end === token.start)
    throw new UnsupportedSql("a doubled quote within a string, which runtimes of Databricks read differently: write \\' instead");
}

/** Blanks, `-- …`, and bracketed comments, which can be nested. */
function skipBlank(sql: string, start: number): number {
  let at = start;
  for (;;) {
    const blank = /^(?:\s+|--[^\n]*(?:\n|$))+/.exec(sql.slice(at, at + 4096))?.[0].length ?? 0;
    const comment = sql.startsWith("/*", at + blank) ? commentLength(sql, at + blank) : 0;
    if (blank + comment === 0) return at;
    at += blank + comment;
  }
}

function commentLength(sql: string, start: number): number {
  let depth = 0;
  for (let at = start; at < sql.length; at++) {
    if (sql.startsWith("/*", at)) depth++;
    else if (sql.startsWith("*/", at)) depth--;
    else continue;
    at++;
    if (depth === 0) return at + 1 - start;
  }
  throw new SqlError(
    "UNCLOSED_BRACKETED_COMMENT",
    "42601",
    "Found an unclosed bracketed comment. Please, append */ at the end of the comment.",
  );
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", Z: "\x1a", "0": "\0" };

function withoutEscapes(text: string): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|[\s\S])/g, (found, escaped: string) => {
    if (/^u.|^U./.test(escaped)) return String.fromCodePoint(Number.parseInt(escaped.slice(1), 16));
    if (/^[0-3][0-7]{2}$/.test(escaped)) return String.fromCodePoint(Number.parseInt(escaped, 8));
    // These two keep their backslash, because they are meant for LIKE.
    if (escaped === "%" || escaped === "_") return found;
    return escapes[escaped] ?? escaped;
  });
}
