import type { Token } from "../../warehouse/statements.ts";

/** Which tables and views a query names. */

export interface Relation {
  at: number;
  /** In lower case. */
  parts: string[];
}

/** Within one pair of brackets. */
interface Frame {
  /** Whether it has a query, and not the arguments of a function, as in `extract(year FROM x)`. */
  isQuery: boolean;
  /** Whether a comma separates tables. */
  inFrom: boolean;
  /** Whether a table comes next. */
  expects: boolean;
}

/** Words after which no comma separates tables any more. */
const endsFrom = new Set(
  "SELECT WHERE GROUP HAVING ORDER SORT CLUSTER DISTRIBUTE LIMIT OFFSET QUALIFY WINDOW UNION EXCEPT MINUS INTERSECT VALUES".split(
    " ",
  ),
);
const beginsQuery = new Set(["SELECT", "WITH", "FROM", "VALUES", "TABLE", "("]);

/** The tables and views that a query names, without those that its WITH clauses define. */
export function relationsIn(tokens: readonly Token[]): Relation[] {
  const scan = new Scan(tokens);
  for (let at = 0; at < tokens.length; ) at = scan.step(at);
  return scan.found;
}

class Scan {
  readonly found: Relation[] = [];
  readonly #tokens: readonly Token[];
  readonly #defined: ReadonlySet<string | undefined>;
  readonly #frames: Frame[] = [{ isQuery: true, inFrom: false, expects: false }];

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
    this.#defined = new Set(tokens.flatMap((token, at) => (isDefined(tokens, at) ? [nameOf(token)] : [])));
  }

  /** @returns the place of the next token to look at */
  step(at: number): number {
    const token = this.#tokens[at] as Token;
    const frame = this.#frames.at(-1) as Frame;
    if (token.value === "(") this.#open(at, frame);
    else if (token.value === ")") this.#frames.length > 1 && this.#frames.pop();
    else if (!frame.isQuery) return at + 1;
    else if (token.value === ",") frame.expects = frame.inFrom;
    else if (!this.#keyword(at, token, frame) && frame.expects && nameOf(token) !== undefined) return this.#relation(at, frame);
    return at + 1;
  }

  #open(at: number, frame: Frame): void {
    const next = this.#tokens[at + 1];
    const isQuery = frame.expects || (next !== undefined && next.kind !== "quoted-name" && beginsQuery.has(next.value));
    this.#frames.push({ isQuery, inFrom: frame.expects, expects: frame.expects });
    frame.expects = false;
  }

  /** Whether it is a word that says where tables stand. */
  #keyword(at: number, token: Token, frame: Frame): boolean {
    const [before, after] = [this.#tokens[at - 1], this.#tokens[at + 1]];
    if (token.kind !== "word" || before?.value === ".") return false;
    if (token.value === "FROM" && !isWord(before, "DISTINCT")) frame.inFrom = frame.expects = true;
    else if (token.value === "JOIN") frame.expects = true;
    else if (token.value === "TABLE" && beginsTable(before)) frame.expects = true;
    else if (token.value === "LATERAL") {
      // A view's own columns follow, or a subquery.
      if (isWord(after, "VIEW")) frame.inFrom = frame.expects = false;
    } else if (endsFrom.has(token.value)) frame.inFrom = frame.expects = false;
    else return false;
    return true;
  }

  #relation(at: number, frame: Frame): number {
    const parts = dotted(this.#tokens, at);
    const end = at + parts.length * 2 - 1;
    frame.expects = false;
    // A function that returns a table.
    const isCall = this.#tokens[end]?.value === "(";
    if (!isCall && !(parts.length === 1 && this.#defined.has(parts[0]))) this.found.push({ at, parts });
    return end;
  }
}

/** `UNION ALL TABLE t`, but not `SELECT a table`, where it is the name of a column. */
function beginsTable(before: Token | undefined): boolean {
  return !isNameEnd(before) || isWord(before, "ALL", "DISTINCT");
}

/** Why a query may read a table that isn't found among its names; undefined if it doesn't. */
export function whyHidesTable(tokens: readonly Token[]): string | undefined {
  for (const [at, token] of tokens.entries()) {
    if (tokens[at + 1]?.value !== "(" || tokens[at - 1]?.value === ".") continue;
    if (nameOf(token) === "table_changes") return "it calls table_changes(), which gets a table's name as a text";
    if (isWord(token, "TABLE")) return "it gives a table to a function";
  }
  return undefined;
}

/** Whether WITH defines this name: `WITH t AS (…)` or `WITH t (a, b) AS (…)`. */
function isDefined(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1];
  if (!isWord(before, "WITH", "RECURSIVE") && before?.value !== ",") return false;
  return (isWord(tokens[at + 1], "AS") && tokens[at + 2]?.value === "(") || isDefinedWithColumns(tokens, at + 1);
}

/** `WITH t (a, b) AS (…)` */
function isDefinedWithColumns(tokens: readonly Token[], open: number): boolean {
  if (tokens[open]?.value !== "(") return false;
  const close = tokens.findIndex(({ value }, at) => at > open && value === ")");
  return close > 0 && isWord(tokens[close + 1], "AS") && tokens[close + 2]?.value === "(";
}

export function isNameEnd(token: Token | undefined): boolean {
  return token?.kind === "quoted-name" || (token?.kind === "word" && !endsFrom.has(token.value) && token.value !== "FROM");
}

/** The parts of the name that begins here. */
export function dotted(tokens: readonly Token[], from: number): string[] {
  const parts: string[] = [];
  for (let at = from; ; at += 2) {
    const name = nameOf(tokens[at]);
    if (name === undefined) return parts;
    parts.push(name);
    if (tokens[at + 1]?.value !== ".") return parts;
  }
}

export function nameOf(token: Token | undefined): string | undefined {
  if (token?.kind === "word") return token.value.toLowerCase();
  return token?.kind === "quoted-name" ? token.value.slice(1, -1).replaceAll("``", "`").toLowerCase() : undefined;
}

export function isWord(token: Token | undefined, ...values: readonly string[]): boolean {
  return token?.kind === "word" && values.includes(token.value);
}
