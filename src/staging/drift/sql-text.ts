/**
 * Whether two texts of SQL say the same. Blanks, comments, case, quotes around names and a pair of brackets around everything don't
 * matter. A name with three parts that begins with the original's catalog must begin with the copy's in the copy: a view of the copy
 * that reads the original's tables is a difference.
 */

interface Token {
  kind: "name" | "text" | "symbol";
  value: string;
}

/** Catalogs of the original → the catalogs that take their place in the copy, in lower case. */
export type CatalogNames = ReadonlyMap<string, string>;

export function sameSql(original: string, copy: string, catalogs: CatalogNames): boolean {
  const [a, b] = [withoutBrackets(tokens(original)), withoutBrackets(tokens(copy))];
  if (a.length !== b.length) return false;
  return a.every((token, at) => {
    const other = b[at];
    if (token.kind !== other?.kind) return false;
    const replaced = isCatalog(a, at) ? catalogs.get(token.value) : undefined;
    return other.value === (replaced ?? token.value);
  });
}

const pieces =
  /--[^\n]*|\/\*(?!\+)[\s\S]*?\*\/|\s+|(?<name>[\p{L}_][\p{L}\p{N}_]*)|`(?<quoted>(?:``|[^`])*)`|[rR]?'(?<single>(?:\\[\s\S]|''|[^'\\])*)'|[rR]?"(?<double>(?:\\[\s\S]|""|[^"\\])*)"|(?<symbol>\d[\p{L}\p{N}_.]*|<=>|[<>!=|]=|<>|\|\||::|->|=>|\/\*\+|[\s\S])/gu;

const spellings: Readonly<Record<string, string>> = { "<>": "!=", "==": "=" };

function tokens(sql: string): Token[] {
  const found: Token[] = [];
  for (const { groups = {} } of sql.matchAll(pieces)) {
    const { name, quoted, single, double, symbol } = groups;
    if (name !== undefined) found.push({ kind: "name", value: name.toLowerCase() });
    else if (quoted !== undefined) found.push({ kind: "name", value: quoted.replaceAll("``", "`").toLowerCase() });
    else if (single !== undefined) found.push({ kind: "text", value: single });
    else if (double !== undefined) found.push({ kind: "text", value: double });
    else if (symbol !== undefined && symbol !== ";")
      found.push({ kind: "symbol", value: spellings[symbol] ?? symbol.toLowerCase() });
  }
  return found;
}

/** Whether this is the first of three or more parts of a name, and no alias of the text. */
function isCatalog(all: readonly Token[], at: number): boolean {
  const dot = (index: number): boolean => all[index]?.kind === "symbol" && all[index]?.value === ".";
  const isName = (index: number): boolean => all[index]?.kind === "name";
  if (!isName(at) || dot(at - 1) || !dot(at + 1) || !isName(at + 2) || !dot(at + 3) || !isName(at + 4)) return false;
  const { value } = all[at] ?? {};
  return !all.some((token, index) => token.kind === "name" && token.value === value && !dot(index + 1) && !dot(index - 1));
}

/** `((a > 0))` is `a > 0`, but `(a) + (b)` has no brackets around everything. */
function withoutBrackets(all: readonly Token[]): readonly Token[] {
  const is = (token: Token | undefined, value: string): boolean => token?.kind === "symbol" && token.value === value;
  if (!is(all[0], "(") || !is(all.at(-1), ")")) return all;
  let depth = 0;
  for (const [at, token] of all.entries()) {
    if (is(token, "(")) depth++;
    else if (is(token, ")") && --depth === 0 && at < all.length - 1) return all;
  }
  return withoutBrackets(all.slice(1, -1));
}
