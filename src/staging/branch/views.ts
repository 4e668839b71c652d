import { quoteName, type Token, tokenize } from "../../warehouse/statements.ts";
import { whyHidesTable } from "../sync/relations.ts";

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
const beginsTables = new Set(["FROM", "JOIN", "TABLE"]);
/** Functions with a FROM between their arguments, such as `extract(YEAR FROM time)`. */
const functionsWithFrom = new Set(["EXTRACT", "TRIM", "SUBSTRING", "SUBSTR", "OVERLAY"]);

/** @returns a sentence if the view cannot be rewritten */
export function rewriteView(text: string, request: RewriteRequest): Rewritten | string {
  const tokens = tokenize(text);
  if (typeof tokens === "string") return tokens;
  while (tokens.at(-1)?.value === ";") tokens.pop();
  const hidden = whyHidesTable(tokens);
  if (hidden !== undefined) return hidden;
  const places = placesOf(text, tokens);
  return places ? new Rewriting(tokens, places, request).result(text) : "its text could not be read";
}

interface Edit {
  from: number;
  to: number;
  text: string;
}

/** One pass over the tokens, which knows for each open bracket whether a table may come next. */
class Rewriting {
  readonly #tokens: readonly Token[];
  readonly #places: readonly Pick<Edit, "from" | "to">[];
  readonly #request: RewriteRequest;
  readonly #common: ReadonlySet<string>;
  readonly #reads = new Set<string>();
  readonly #edits: Edit[] = [];
  /** `function`: the brackets of a function whose arguments can have a FROM between them. */
  readonly #levels: ("table" | "none" | "function")[] = ["none"];

  constructor(tokens: readonly Token[], places: readonly Pick<Edit, "from" | "to">[], request: RewriteRequest) {
    this.#tokens = tokens;
    this.#places = places;
    this.#request = request;
    this.#common = commonNames(tokens);
  }

  result(text: string): Rewritten | string {
    for (let at = 0; at < this.#tokens.length; ) {
      const length = isName(this.#tokens[at] as Token) ? this.#name(at) : this.#other(at);
      if (typeof length === "string") return length;
      at += length;
    }
    return { query: edited(text.replace(/[;\s]+$/, ""), this.#edits), reads: [...this.#reads].sort() };
  }

  get #level(): "table" | "none" | "function" {
    return this.#levels.at(-1) ?? "none";
  }

  #expect(next: "table" | "none"): void {
    this.#levels[this.#levels.length - 1] = next;
  }

  /** @returns how many tokens it was */
  #other(at: number): number | string {
    const { kind, value } = this.#tokens[at] as Token;
    const before = this.#tokens[at - 1];
    if (kind === "symbol" && value === "(") {
      const isFunction = before?.kind === "word" && functionsWithFrom.has(before.value);
      this.#levels.push(isFunction ? "function" : this.#level === "table" ? "table" : "none");
    } else if (kind === "symbol" && value === ")") {
      this.#levels.pop();
      if (this.#levels.length === 0) return "its brackets do not match";
      if (this.#level === "table") this.#expect("none");
    } else if (kind === "symbol" && value === ",") {
      if (inTables(this.#tokens, at)) this.#expect("table");
      // After a column that is called table.
      else if (this.#level === "table") this.#expect("none");
    } else if (kind === "word" && before?.value !== ".") {
      if (beginsTables.has(value) && this.#level !== "function" && !comparesFrom(this.#tokens, at)) this.#expect("table");
      else if (endsTables.has(value)) this.#expect("none");
    }
    return 1;
  }

  #name(at: number): number | string {
    const chain = chainAt(this.#tokens, at);
    const length = chain.length * 2 - 1;
    const afterFrom = this.#level === "table";
    const isTable = afterFrom && this.#tokens[at + length]?.value !== "(";
    const replaced = isTable ? tableName(chain, this.#request, this.#common) : columnName(chain, this.#request);
    if (typeof replaced === "string") return replaced;
    if (replaced) {
      if (replaced.read !== undefined) this.#reads.add(replaced.read);
      const [{ from } = { from: 0 }, { to } = { to: 0 }] = [this.#places[at], this.#places[at + length - 1]];
      this.#edits.push({ from, to, text: replaced.parts.map(quoteName).join(".") });
    }
    // Also after a function that returns rows.
    if (afterFrom) this.#expect("none");
    return length;
  }
}

/** `a IS DISTINCT FROM b` compares. */
function comparesFrom(tokens: readonly Token[], at: number): boolean {
  return tokens[at]?.value === "FROM" && tokens[at - 1]?.value === "DISTINCT" && tokens[at - 2]?.value !== "SELECT";
}

function edited(text: string, edits: readonly Edit[]): string {
  let done = 0;
  const parts = edits.map(({ from, to, text: by }) => {
    const part = text.slice(done, from) + by;
    done = to;
    return part;
  });
  return parts.join("") + text.slice(done);
}

/** Where each token is in the text; undefined if they don't fit. Words are in upper case, the text isn't. */
function placesOf(text: string, tokens: readonly Token[]): Pick<Edit, "from" | "to">[] | undefined {
  const places: Pick<Edit, "from" | "to">[] = [];
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
function tableName(
  chain: readonly Token[],
  { catalog, target }: RewriteRequest,
  common: ReadonlySet<string>,
): Replaced | undefined | string {
  const names = chain.map(bare);
  const shown = names.join(".");
  if (names.length === 1) {
    if (common.has(shown)) return undefined;
    return `it names ${shown} without its schema, so it is unknown which table that is`;
  }
  if (names.length > 3) return `it names ${shown}, which is no name of a table`;
  const [in_, schema = "", table = ""] = names.length === 3 ? names : [catalog.toLowerCase(), ...names];
  if (in_ !== catalog.toLowerCase()) return undefined;
  const found = target(schema, table);
  if (!found) return `it reads ${schema}.${table}, which is not on the branch`;
  return { parts: found, read: `${schema}.${table}` };
}

/** `catalog.schema.table.column` and `schema.table.column` name a table, too. */
function columnName(chain: readonly Token[], { catalog, target }: RewriteRequest): Replaced | undefined {
  const names = chain.map(bare);
  const full = names.length >= 4 && names[0] === catalog.toLowerCase();
  const [schema = "", table = "", ...rest] = full ? names.slice(1) : names;
  if (rest.length === 0) return undefined;
  const found = target(schema, table);
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
    if (tokens[next]?.value === "AS" && tokens[next + 1]?.value === "(") found.add(bare(token));
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
      if (value === "FROM") return !comparesFrom(tokens, at);
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
  `SELECT FROM WHERE WITH RECURSIVE AS ON AND OR NOT IN IS NULL CASE WHEN THEN ELSE END JOIN TABLE INNER LEFT RIGHT FULL OUTER CROSS ANTI SEMI NATURAL USING GROUP BY
  ORDER HAVING LIMIT UNION ALL EXCEPT INTERSECT DISTINCT LATERAL VALUES BETWEEN LIKE EXISTS CAST INTERVAL TRUE FALSE`.split(
    /\s+/,
  ),
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

/** In lower case, because names don't differ by it, and a word has lost its own. */
function bare({ kind, value }: Token): string {
  return (kind === "quoted-name" ? value.slice(1, -1).replaceAll("``", "`") : value).toLowerCase();
}
