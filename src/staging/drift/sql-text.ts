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

/** Whether this is the first of three or more parts of a name, and no alias of the text. */
function isCatalog(all: readonly Token[], at: number): boolean {
  const dot = (index: number): boolean => isSymbol(all[index], ".");
  const isName = (index: number): boolean => all[index]?.kind === "name";
  if (!isName(at) || dot(at - 1) || !dot(at + 1) || !isName(at + 2) || !dot(at + 3) || !isName(at + 4)) return false;
  const { value } = all[at] ?? {};
  return !all.some((token, index) => token.kind === "name" && token.value === value && !dot(index + 1) && !dot(index - 1));
}

/** `((a > 0))` is `a > 0`, but `(a) + (b)` has no brackets around everything. */
function withoutBrackets(all: readonly Token[]): readonly Token[] {
  if (!isSymbol(all[0], "(") || closingOf(all, 0) !== all.length - 1) return all;
  return withoutBrackets(all.slice(1, -1));
}
