import { quoteName, type Token, tokenize } from "../../warehouse/statements.ts";
import { dotted, isNameEnd, isWord, nameOf, relationsIn, whyHidesTable } from "./relations.ts";

/**
 * The query of a view, for another catalog: what it reads in the original's catalog is read in the copy's. Names are found as
 * tokens, so that texts, comments and columns that only look like a name stay as they are.
 */

export interface ViewQuery {
  text: string;
  /** `schema.table` of the catalog, in lower case: what it reads, itself or by another part of the query. */
  reads: string[];
}

/**
 * @param catalogs the original's catalog, and by each catalog, in lower case, the one that takes its place
 * @param exists whether the original has this `schema.table`, in lower case
 * @returns a sentence if it cannot be carried over
 */
export function queryForCopy(
  query: string,
  { original, names }: { original: string; names: ReadonlyMap<string, string> },
  exists: (table: string) => boolean,
): ViewQuery | string {
  const tokens = tokenize(query);
  if (typeof tokens === "string") return tokens;
  const hidden = whyHidesTable(tokens);
  if (hidden !== undefined) return hidden;
  const relations = relationsIn(tokens);
  const reads = new Set<string>();
  const renamed = new Map<number, string>();
  for (const { at, parts } of relations) {
    const [first = "", ...rest] = parts;
    if (parts.length === 1) return `it reads ${first} without a schema, and which one was meant stands nowhere`;
    if (parts.length > 3) return `it reads ${parts.join(".")}, which has too many parts`;
    const table = parts.slice(-2).join(".");
    const catalog = rest.length === 2 ? names.get(first) : undefined;
    if (rest.length === 2 && catalog === undefined) return `it reads ${parts.join(".")}, which is in another catalog`;
    if (catalog !== undefined) renamed.set(at, catalog);
    if (catalog !== undefined && first !== original.toLowerCase()) continue;
    if (!exists(table)) return `it reads ${parts.join(".")}, which was not seen in catalog ${original}`;
    reads.add(table);
  }
  const read = new Set(relations.filter(({ parts }) => parts.length === 3).map(({ parts }) => parts.join(".")));
  for (const [at, token] of tokens.entries()) {
    const catalog = names.get(nameOf(token) ?? "");
    if (renamed.has(at) || catalog === undefined || tokens[at - 1]?.value === ".") continue;
    const parts = dotted(tokens, at);
    // A column with the full name of its table.
    if (parts.length < 4 || !read.has(parts.slice(0, 3).join("."))) continue;
    if (tokens.some((other, index) => nameOf(other) === parts[0] && isAlias(tokens, index)))
      return `${parts[0]} is both a catalog and an alias in it`;
    renamed.set(at, catalog);
  }
  return { text: replaced(query, tokens, renamed), reads: [...reads].sort() };
}

function replaced(query: string, tokens: readonly Token[], names: ReadonlyMap<number, string>): string {
  let text = "";
  let from = 0;
  for (const [at, token] of tokens.entries()) {
    const name = names.get(at);
    if (name === undefined) continue;
    text += query.slice(from, token.start) + quoteName(name);
    from = token.start + token.value.length;
  }
  return text + query.slice(from);
}

/** Whether this is a name that the query gives: after AS, or directly after another name or a bracket. */
function isAlias(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1];
  if (tokens[at + 1]?.value === "." || before === undefined || before.value === ".") return false;
  return isWord(before, "AS") || before.value === ")" || isNameEnd(before);
}
