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

/** Functions that reach outside the warehouse or run foreign code, and IDENTIFIER, which would hide their names in a text. */
const functionsWithEffects =
  /^(AI_\w+|HTTP_REQUEST|REMOTE_QUERY|JAVA_METHOD|REFLECT|TRY_REFLECT|READ_\w+|CLOUD_FILES\w*|SECRET|TRY_SECRET|LIST_SECRETS|RAISE_ERROR|IDENTIFIER)$/;

/** The reason why this statement is not surely a read, or `undefined` where it is one. */
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
    if (calls(tokens, index) && functionsWithEffects.test(nameOf(token)))
      return `it calls ${nameOf(token).toLowerCase()}(), which reaches outside the warehouse or hides what is called`;
    if (token.kind !== "word" || !writes.has(token.value)) continue;
    // SHOW CREATE TABLE and SHOW GRANT only show.
    if (token !== showsItself && !isMember(tokens, index))
      return `it contains ${token.value}; a column of that name needs backticks`;
  }
  return undefined;
}

/** The reason why this would not do as the condition of a delete, or `undefined`. @param parameters their names */
export function whyNotCondition(condition: string, parameters: readonly string[]): string | undefined {
  const tokens = tokenize(condition);
  if (typeof tokens === "string") return tokens;
  if (tokens.length === 0) return "it needs a condition";
  const names = new Set(parameters.map((name) => name.toUpperCase()));
  const compares = tokens.some(
    (token, index) => token.kind === "word" && tokens[index - 1]?.value === ":" && names.has(token.value),
  );
  if (!compares) return "its condition compares with no parameter, so it could select every row";
  return whyNotReading(`SELECT ${condition}`);
}

function calls(tokens: readonly Token[], index: number): boolean {
  return tokens[index + 1]?.value === "(" && tokens[index]?.kind !== "symbol";
}

function nameOf(token: Token): string {
  return token.kind === "quoted-name" ? token.value.slice(1, -1).toUpperCase() : token.value;
}

/** `t.update` is a column. After a number the dot is its own: `1.` may stand before anything. */
function isMember(tokens: readonly Token[], index: number): boolean {
  const owner = tokens[index - 2];
  return tokens[index - 1]?.value === "." && (owner?.kind === "word" || owner?.kind === "quoted-name");
}

/** Places where Spark's reading depends on version or settings. None is needed to read, and each could hide a write from us. */
const ambiguous: readonly (readonly [RegExp, string])[] = [
  [/^\/\*\+/, "it has a hint"],
  [/^\$/, "it has a dollar sign outside of quotes"],
  [/^:\/\//, "it has an address outside of quotes"],
];

/** Words in upper case; a sentence where something does not end, or could be read in two ways. */
function tokenize(statement: string): Token[] | string {
  const tokens: Token[] = [];
  let at = 0;
  while (at < statement.length) {
    const rest = statement.slice(at);
    const doubt = ambiguous.find(([pattern]) => pattern.test(rest));
    if (doubt) return doubt[1];
    const passed = /^\s+/.exec(rest)?.[0] ?? commentAt(rest);
    if (passed !== undefined) {
      // Spark goes on with the next line after a backslash, and has comments within comments.
      if (/^--.*\\$/s.test(passed)) return "it has a comment that ends with a backslash";
      if (passed.startsWith("/*") && passed.indexOf("/*", 1) > 0) return "it has a comment within a comment";
      at += passed.length;
      continue;
    }
    const token = tokenAt(rest);
    if (!token) return "it has a comment, a string or a quoted name that does not end";
    tokens.push(token.kind === "word" ? { ...token, value: token.value.toUpperCase() } : token);
    at += token.value.length;
  }
  return tokens;
}

function commentAt(rest: string): string | undefined {
  return (/^--[^\r\n]*/.exec(rest) ?? /^\/\*[\s\S]*?\*\//.exec(rest))?.[0];
}

function tokenAt(rest: string): Token | undefined {
  const text =
    /^[rR]'[^']*'/.exec(rest) ??
    /^[rR]"[^"]*"/.exec(rest) ??
    /^'(?:\\[\s\S]|''|[^'\\])*'/.exec(rest) ??
    /^"(?:\\[\s\S]|""|[^"\\])*"/.exec(rest);
  if (text) return { kind: "text", value: text[0] };
  const name = /^`(?:``|[^`])*`/.exec(rest);
  if (name) return { kind: "quoted-name", value: name[0] };
  if (/^(['"`]|\/\*)/.test(rest)) return undefined;
  const word = /^[\p{L}_][\p{L}\p{N}_]*/u.exec(rest);
  return word ? { kind: "word", value: word[0] } : { kind: "symbol", value: rest.charAt(0) };
}

/** `schema.table` of a catalog as a name that is safe in a statement. */
export function qualifiedName(catalog: string, table: string): string {
  return [catalog, ...table.split(".")].map(quoteName).join(".");
}

export function quoteName(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}
