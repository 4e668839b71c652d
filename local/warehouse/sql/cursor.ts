import { type SqlError, syntaxError } from "../errors.ts";
import { type Token, tokenize } from "./tokens.ts";

/** Words that end an expression or relation, and so cannot be an alias without AS. */
const reserved = new Set(
  `SELECT FROM WHERE GROUP HAVING ORDER LIMIT OFFSET UNION EXCEPT INTERSECT MINUS QUALIFY WINDOW ON USING JOIN INNER LEFT RIGHT FULL CROSS
  OUTER NATURAL SEMI ANTI LATERAL AS AND OR NOT IN IS LIKE ILIKE RLIKE BETWEEN THEN WHEN ELSE END SET VALUES WITH TABLESAMPLE PIVOT
  UNPIVOT CLUSTER DISTRIBUTE SORT VERSION TIMESTAMP FOR CASE EXISTS NULL TRUE FALSE ASC DESC NULLS DIV ESCAPE`.split(/\s+/),
);

/** Reads tokens one by one. */
export class Cursor {
  readonly #sql: string;
  readonly #tokens: Token[];
  #at = 0;
  #ordinals = 0;

  constructor(sql: string) {
    this.#sql = sql;
    this.#tokens = tokenize(sql);
  }

  peek(ahead = 0): Token {
    return this.#tokens[this.#at + ahead] ?? { kind: "end", value: "", text: "", start: this.#sql.length, end: this.#sql.length };
  }

  next(): Token {
    const token = this.peek();
    this.#at++;
    return token;
  }

  /** Whether these words or symbols come next. */
  at(...values: string[]): boolean {
    return values.every((value, index) => {
      const token = this.peek(index);
      return (token.kind === "word" || token.kind === "symbol") && token.value === value;
    });
  }

  /** Consumes these words or symbols if they come next. */
  accept(...values: string[]): boolean {
    if (!this.at(...values)) return false;
    this.#at += values.length;
    return true;
  }

  acceptOneOf<Value extends string>(...values: Value[]): Value | undefined {
    const found = values.find((value) => this.at(value));
    if (found !== undefined) this.#at++;
    return found;
  }

  /** @throws SqlError PARSE_SYNTAX_ERROR */
  expect(...values: string[]): void {
    for (const value of values) if (!this.accept(value)) throw this.error();
  }

  expectEnd(): void {
    while (this.accept(";"));
    if (this.peek().kind !== "end") throw this.error();
  }

  error(): SqlError {
    return syntaxError(this.peek().text);
  }

  /** A name, quoted or not, as written. */
  name(): string {
    const token = this.peek();
    if (token.kind !== "word" && token.kind !== "quoted-name") throw this.error();
    this.#at++;
    return token.kind === "word" ? token.text : token.value;
  }

  dottedName(): string[] {
    const parts = [this.name()];
    while (this.accept(".")) parts.push(this.name());
    return parts;
  }

  string(): string {
    const token = this.next();
    if (token.kind !== "string") throw syntaxError(token.text);
    return token.value;
  }

  integer(): number {
    const token = this.next();
    if (token.kind !== "number" || !/^\d+$/.test(token.value)) throw syntaxError(token.text);
    return Number(token.value);
  }

  /** `AS name`, or a bare name that cannot be anything else. */
  alias(): string | undefined {
    if (this.accept("AS")) return this.name();
    const token = this.peek();
    if (token.kind === "quoted-name" || (token.kind === "word" && !reserved.has(token.value))) return this.name();
    return undefined;
  }

  /** `(a, b)` or nothing. */
  nameList(): string[] {
    if (!this.accept("(")) return [];
    const names = this.list(() => this.name());
    this.expect(")");
    return names;
  }

  list<Item>(read: () => Item): Item[] {
    const items = [read()];
    while (this.accept(",")) items.push(read());
    return items;
  }

  /** The position of a `?` among all of them. */
  nextOrdinal(): number {
    return this.#ordinals++;
  }

  /** The tokens from one up to the last consumed one, with a blank between them: so Delta keeps expressions. */
  tokensFrom(start: Token): string {
    const from = this.#tokens.indexOf(start);
    return this.#tokens
      .slice(from, this.#at)
      .map((token) => token.text)
      .join(" ");
  }

  /** The source text from a token up to the last consumed one. */
  textFrom(start: Token): string {
    return this.#sql.slice(start.start, this.#tokens[this.#at - 1]?.end ?? start.end);
  }
}
