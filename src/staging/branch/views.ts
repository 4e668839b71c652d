import { quoteName, type Token, tokenize } from "../../warehouse/statements.ts";

/**
 * Rewrites the query of a view, so that it reads the branch. Every table that it names gets its full name there. What cannot be
 * certainly named refuses the view: one that silently read the original would break the isolation.
 */

/** `catalog`, `schema` and name, each in lower case. */
export type Target = (schema: string, table: string) => readonly [string, string, string] | undefined;

export interface RewriteRequest {
  /** The catalog that the view is in. */
  catalog: string;
  /** Where a table or view of this catalog is on the branch; undefined if it isn't there. */
  target: Target;
}

export interface Rewritten {
  query: string;
  /** `schema.table` of the original's catalog that it reads. */
  reads: string[];
}

/** Words after which a list of tables ends. */
const endsTables = new Set(
  "WHERE GROUP ORDER HAVING LIMIT QUALIFY UNION EXCEPT INTERSECT MINUS WINDOW CLUSTER DISTRIBUTE SORT SELECT ON USING LATERAL".split(
    " ",
  ),
);
const beginsTables = new Set(["FROM", "JOIN"]);
/** Functions with a FROM between their arguments, such as `extract(YEAR FROM time)`. */
const functionsWithFrom = new Set(["EXTRACT", "TRIM", "SUBSTRING", "SUBSTR", "OVERLAY"]);

/** @returns a sentence if the view cannot be rewritten */
export function rewriteView(text: string, request: RewriteRequest): Rewritten | string {
  const tokens = tokenize(text);
  if (typeof tokens === "string") return tokens;
  while (tokens.at(-1)?.value === ";") tokens.pop();
  const places = placesOf(text, tokens);
  if (!places) return "its text could not be read";
  const common = commonNames(tokens);
  const reads = new Set<string>();
  const edits: { from: number; to: number; text: string }[] = [];
  /** For each open bracket: whether a table may come next. */
  const expecting: ("table" | "none" | "function")[] = ["none"];
  for (let at = 0; at < tokens.length; ) {
    const token = tokens[at] as Token;
    const word = token.kind === "word" ? token.value : undefined;
    const state = expecting.at(-1);
    if (token.value === "(") {
      const before = tokens[at - 1];
      expecting.push(before?.kind === "word" && functionsWithFrom.has(before.value) ? "function" : state === "table" ? "table" : "none");
    } else if (token.value === ")") {
      expecting.pop();
      if (expecting.length === 0) return "its brackets do not match";
      if (expecting.at(-1) === "table") expecting[expecting.length - 1] = "none";
    } else if (word !== undefined && beginsTables.has(word) && state !== "function" && tokens[at - 1]?.value !== ".") {
      // `a IS DISTINCT FROM b` compares.
      const compares = word === "FROM" && tokens[at - 1]?.value === "DISTINCT" && tokens[at - 2]?.value !== "SELECT";
      if (!compares) expecting[expecting.length - 1] = "table";
    } else if (word !== undefined && endsTables.has(word) && tokens[at - 1]?.value !== ".") {
      expecting[expecting.length - 1] = "none";
    } else if (token.value === "," && inTables(tokens, at)) {
      expecting[expecting.length - 1] = "table";
    } else if (isName(token)) {
      const chain = chainAt(tokens, at);
      const next = tokens[at + chain.length * 2 - 1];
      const asTable = state === "table" && next?.value !== "(";
      const replaced = asTable ? tableName(chain, request, common) : columnName(chain, request);
      if (typeof replaced === "string") return replaced;
      const last = at + chain.length * 2 - 2;
      if (replaced) {
        if (replaced.read !== undefined) reads.add(replaced.read);
        const [{ from } = { from: 0 }, { to } = { to: 0 }] = [places[at], places[last]];
        edits.push({ from, to, text: replaced.parts.map(quoteName).join(".") });
      }
      // Also after a function that returns rows.
      if (state === "table") expecting[expecting.length - 1] = "none";
      at = last + 1;
      continue;
    }
    at++;
  }
  return { query: edited(text.replace(/[;\s]+$/, ""), edits), reads: [...reads].sort() };
}

function edited(text: string, edits: readonly { from: number; to: number; text: string }[]): string {
  let done = 0;
  const parts = edits.map(({ from, to, text: by }) => {
    const part = text.slice(done, from) + by;
    done = to;
    return part;
  });
  return parts.join("") + text.slice(done);
}

/** Where each token is in the text; undefined if they don't fit. Words are in upper case, the text isn't. */
function placesOf(text: string, tokens: readonly Token[]): { from: number; to: number }[] | undefined {
  const places: { from: number; to: number }[] = [];
  let at = 0;
  for (const { value } of tokens) {
    at += /^(?:\s|--[^\r\n]*|\/\*[\s\S]*?\*\/)*/.exec(text.slice(at))?.[0].length ?? 0;
    if (text.slice(at, at + value.length).toUpperCase() !== value.toUpperCase()) return undefined;
    places.push({ from: at, to: at + value.length });
    at += value.length;
  }
  return places;
}

interface Replaced {
  parts: readonly string[];
  /** Absent for what is not in the original's catalog. */
  read?: string;
}

/** @returns undefined if it stays as it is; a sentence if it cannot be named */
function tableName(chain: readonly Token[], { catalog, target }: RewriteRequest, common: ReadonlySet<string>): Replaced | undefined | string {
  const names = chain.map(bare);
  const shown = names.join(".");
  if (names.length === 1) {
    if (common.has(shown.toLowerCase())) return undefined;
    return `it names ${shown} without its schema, so it is unknown which table that is`;
  }
  if (names.length > 3) return `it names ${shown}, which is no name of a table`;
  const [in_, schema = "", table = ""] = names.length === 3 ? names : [catalog, ...names];
  if (in_?.toLowerCase() !== catalog.toLowerCase()) return undefined;
  const found = target(schema.toLowerCase(), table.toLowerCase());
  if (!found) return `it reads ${schema}.${table}, which is not on the branch`;
  return { parts: found, read: `${schema}.${table}`.toLowerCase() };
}

/** `catalog.schema.table.column` and `schema.table.column` name a table, too. */
function columnName(chain: readonly Token[], { catalog, target }: RewriteRequest): Replaced | undefined {
  const names = chain.map(bare);
  const full = names.length >= 4 && names[0]?.toLowerCase() === catalog.toLowerCase();
  const [schema = "", table = "", ...rest] = full ? names.slice(1) : names;
  if (rest.length === 0) return undefined;
  const found = target(schema.toLowerCase(), table.toLowerCase());
  return found && { parts: [...found, ...rest] };
}

/** The names of `WITH a AS (…), b AS (…)`, in lower case. */
function commonNames(tokens: readonly Token[]): Set<string> {
  const found = new Set<string>();
  for (const [at, token] of tokens.entries()) {
    const before = tokens[at - 1]?.value;
    if (!isName(token) || (before !== "WITH" && before !== "," && before !== "RECURSIVE")) continue;
    let next = at + 1;
    // The names of its columns.
    if (tokens[next]?.value === "(") while (next < tokens.length && tokens[next++]?.value !== ")");
    if (tokens[next]?.value === "AS" && tokens[next + 1]?.value === "(") found.add(bare(token).toLowerCase());
  }
  return found;
}

/** Whether this comma separates tables: looking back on its level, FROM comes before anything that ends the tables. */
function inTables(tokens: readonly Token[], comma: number): boolean {
  let depth = 0;
  for (let at = comma - 1; at >= 0; at--) {
    const { kind, value } = tokens[at] as Token;
    if (value === ")" && kind === "symbol") depth++;
    else if (value === "(" && kind === "symbol") {
      if (depth === 0) return false;
      depth--;
    } else if (depth === 0 && kind === "word") {
      if (value === "FROM") return tokens[at - 1]?.value !== "DISTINCT" || tokens[at - 2]?.value === "SELECT";
      // After ON there are conditions, and a comma can still begin another table.
      if (endsTables.has(value) && !["ON", "LATERAL", "USING"].includes(value)) return false;
    }
  }
  return false;
}

function isName({ kind, value }: Token): boolean {
  return kind === "quoted-name" || (kind === "word" && !reserved.has(value));
}

/** Words that are never the name of a table, of those that can follow FROM, JOIN or a comma. */
const reserved = new Set(
  `SELECT FROM WHERE WITH RECURSIVE AS ON AND OR NOT IN IS NULL CASE WHEN THEN ELSE END JOIN INNER LEFT RIGHT FULL OUTER CROSS ANTI SEMI NATURAL USING GROUP BY
  ORDER HAVING LIMIT UNION ALL EXCEPT INTERSECT DISTINCT LATERAL VALUES BETWEEN LIKE EXISTS CAST INTERVAL TRUE FALSE`.split(/\s+/),
);

function chainAt(tokens: readonly Token[], at: number): Token[] {
  const chain = [tokens[at] as Token];
  for (let next = at + 1; tokens[next]?.value === "." && tokens[next]?.kind === "symbol"; next += 2) {
    const part = tokens[next + 1];
    if (part?.kind !== "word" && part?.kind !== "quoted-name") break;
    chain.push(part);
  }
  return chain;
}

function bare({ kind, value }: Token): string {
  return kind === "quoted-name" ? value.slice(1, -1).replaceAll("``", "`") : value;
}
