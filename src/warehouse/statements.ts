/**
 * What may be sent where nothing may be written. The statement is read as tokens, so that comments, strings and quoted names
 * neither hide a write nor look like one; what is not surely a read is refused.
 */

type Token = { kind: "word" | "text" | "quoted-name" | "symbol"; value: string };

const beginnings = new Set(["SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "VALUES", "TABLE"]);

/** Words that begin or join a write anywhere in a statement. As a column name they can still be used in backticks. */
const writes = new Set(
  `INSERT UPDATE DELETE MERGE TRUNCATE CREATE DROP UNDROP ALTER RENAME COPY LOAD IMPORT EXPORT PUT REMOVE GRANT REVOKE DENY
  REFRESH OPTIMIZE VACUUM RESTORE CLONE REORG ANALYZE MSCK REPAIR CACHE UNCACHE CLEAR USE SET RESET CALL EXECUTE DECLARE BEGIN
  COMMIT ROLLBACK SYNC APPLY COMMENT INTO OVERWRITE ADD`
    .trim()
    .split(/\s+/),
);

/** Functions that reach outside the warehouse or run foreign code. */
const functionsWithEffects =
  /^(AI_\w+|HTTP_REQUEST|REMOTE_QUERY|JAVA_METHOD|REFLECT|TRY_REFLECT|READ_FILES|READ_KAFKA|READ_STATESTORE|SECRET|TRY_SECRET|RAISE_ERROR)$/;

/** The reason why this statement is not surely a read, or `undefined` where it is one. */
export function whyNotReading(statement: string): string | undefined {
  const tokens = tokenize(statement);
  if (tokens === undefined) return "it has a comment, a string or a quoted name that does not end";
  while (tokens.at(-1)?.value === ";") tokens.pop();
  const first = tokens.find((token) => token.value !== "(");
  if (!first) return "it is empty";
  if (first.kind !== "word" || !beginnings.has(first.value))
    return `it begins with ${first.value}, not with SELECT, SHOW, DESCRIBE or EXPLAIN`;
  for (const [index, token] of tokens.entries()) {
    if (token.value === ";" && token.kind === "symbol") return "it is more than one statement";
    if (token.kind !== "word") continue;
    const afterDot = tokens[index - 1]?.value === ".";
    if (!afterDot && writes.has(token.value) && tokens[index - 1]?.value !== "SHOW")
      return `it contains ${token.value}; a column of that name needs backticks`;
    if (tokens[index + 1]?.value === "(" && functionsWithEffects.test(token.value))
      return `it calls ${token.value.toLowerCase()}(), which reaches outside the warehouse`;
  }
  return undefined;
}

/** Words in upper case; `undefined` where something does not end. */
function tokenize(statement: string): Token[] | undefined {
  const tokens: Token[] = [];
  let at = 0;
  while (at < statement.length) {
    const rest = statement.slice(at);
    const blank = /^\s+/.exec(rest) ?? /^--[^\n]*(\n|$)/.exec(rest);
    if (blank) {
      at += blank[0].length;
      continue;
    }
    if (rest.startsWith("/*")) {
      const length = commentLength(rest);
      if (length === undefined) return undefined;
      at += length;
      continue;
    }
    const text =
      /^[rR]'[^']*'/.exec(rest) ??
      /^[rR]"[^"]*"/.exec(rest) ??
      /^'(?:\\[\s\S]|''|[^'\\])*'/.exec(rest) ??
      /^"(?:\\[\s\S]|""|[^"\\])*"/.exec(rest);
    const name = /^`(?:``|[^`])*`/.exec(rest);
    const word = /^[\p{L}_][\p{L}\p{N}_]*/u.exec(rest);
    const found = text ?? name ?? word;
    if (!found && /^['"`]/.test(rest)) return undefined;
    const value = found?.[0] ?? rest.charAt(0);
    tokens.push(
      text
        ? { kind: "text", value }
        : name
          ? { kind: "quoted-name", value }
          : word
            ? { kind: "word", value: value.toUpperCase() }
            : { kind: "symbol", value },
    );
    at += value.length;
  }
  return tokens;
}

/** Bracketed comments nest in Spark SQL. A comment that begins with a plus sign is a hint, and only that: it may be passed over. */
function commentLength(text: string): number | undefined {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text.startsWith("/*", at)) {
      depth++;
      at++;
    } else if (text.startsWith("*/", at)) {
      depth--;
      at++;
      if (depth === 0) return at + 1;
    }
  }
  return undefined;
}

/** `schema.table` of a catalog as a name that is safe in a statement. */
export function qualifiedName(catalog: string, table: string): string {
  return [catalog, ...table.split(".")].map(quoteName).join(".");
}

export function quoteName(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}
