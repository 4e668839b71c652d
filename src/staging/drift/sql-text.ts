import { closingOf, isSymbol, type Token, tokensOf } from "../structure/tokens.ts";

/**
 * Whether two texts of SQL say the same. Blanks, comments, case, quotes around names and a pair of brackets around everything don't
 * matter. A name with three parts that begins with the original's catalog must begin with the copy's in the copy: a view of the copy
 * that reads the original's tables is a difference.
 */

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

function tokens(sql: string): Token[] {
  return tokensOf(sql).filter((token) => !isSymbol(token, ";"));
}

/** Whether this is the first of three or more parts of a name, and no alias of the text: where a table stands it never is one. */
function isCatalog(all: readonly Token[], at: number): boolean {
  const dot = (index: number): boolean => isSymbol(all[index], ".");
  const isName = (index: number): boolean => all[index]?.kind === "name";
  if (!isName(at) || dot(at - 1) || !dot(at + 1) || !isName(at + 2) || !dot(at + 3) || !isName(at + 4)) return false;
  if (standsForTable(all, at)) return true;
  const { value } = all[at] ?? {};
  return !all.some((token, index) => token.kind === "name" && token.value === value && !dot(index + 1) && !dot(index - 1));
}

const beforeTables = new Set(["from", "join", "table"]);
/** Words of the same level after which a comma begins another table, and after which it doesn't. */
const amongTables = new Set(["from", "join", "on", "using", "lateral"]);
const notAmongTables = new Set(
  "select where group having order by qualify window values union except intersect minus".split(" "),
);

/** Whether a table is named here: after FROM and JOIN, also in brackets, and after a comma between tables. */
function standsForTable(all: readonly Token[], at: number): boolean {
  let before = at - 1;
  while (isSymbol(all[before], "(")) before--;
  const isWord = (index: number, words: ReadonlySet<string>) => all[index]?.kind === "name" && words.has(all[index].value);
  if (isWord(before, beforeTables)) return true;
  if (!isSymbol(all[before], ",")) return false;
  for (let [index, depth] = [before, 0]; index >= 0 && depth >= 0; index--) {
    if (isSymbol(all[index], ")")) depth++;
    else if (isSymbol(all[index], "(")) depth--;
    else if (depth === 0 && isWord(index, amongTables)) return true;
    else if (depth === 0 && isWord(index, notAmongTables)) return false;
  }
  return false;
}

/** `((a > 0))` is `a > 0`, but `(a) + (b)` has no brackets around everything. */
function withoutBrackets(all: readonly Token[]): readonly Token[] {
  if (!isSymbol(all[0], "(") || closingOf(all, 0) !== all.length - 1) return all;
  return withoutBrackets(all.slice(1, -1));
}
