import { type Token, tokenize } from "../../src/warehouse/statements.ts";

/** Reads the DDL of a test's model, token by token. */
export class Cursor {
  readonly #sql: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(sql: string, tokens?: readonly Token[]) {
    const read = tokens ?? tokenize(sql);
    if (typeof read === "string") throw new Error(read);
    this.#sql = sql;
    this.#tokens = read;
  }

  at(value: string): boolean {
    const token = this.#tokens[this.#at];
    return (token?.kind === "word" || token?.kind === "symbol") && token.value === value;
  }

  accept(...values: string[]): boolean {
    const start = this.#at;
    for (const value of values) {
      if (!this.at(value)) {
        this.#at = start;
        return false;
      }
      this.#at++;
    }
    return true;
  }

  expect(...values: string[]): void {
    if (!this.accept(...values)) throw new Error(`expected ${values.join(" ")} in: ${this.#left()}`);
  }

  word(): string {
    const token = this.#tokens[this.#at++];
    if (token?.kind !== "word") throw new Error(`expected a word before: ${this.#left()}`);
    return token.value;
  }

  /** A quoted name: everything that sync names is quoted. */
  name(): string {
    const token = this.#tokens[this.#at++];
    if (token?.kind !== "quoted-name") throw new Error(`expected a quoted name before: ${this.#left()}`);
    return token.value.slice(1, -1).replaceAll("``", "`");
  }

  dotted(): string[] {
    const parts = [this.name()];
    while (this.accept(".")) parts.push(this.name());
    return parts;
  }

  text(): string {
    const token = this.#tokens[this.#at++];
    if (token?.kind !== "text") throw new Error(`expected a text before: ${this.#left()}`);
    return token.value
      .slice(1, -1)
      .replace(/\\(u[0-9a-f]{4}|.)/gs, (_, escaped: string) =>
        escaped.startsWith("u") ? String.fromCodePoint(Number.parseInt(escaped.slice(1), 16)) : escaped,
      );
  }

  number(): number {
    return Number(this.#tokens[this.#at++]?.value);
  }

  /** What is in a bracket, by its commas. */
  bracket(): Cursor[] {
    this.expect("(");
    const items: Cursor[] = [];
    let [start, depth] = [this.#at, 0];
    for (; this.#at < this.#tokens.length; this.#at++) {
      const token = this.#tokens[this.#at] as Token;
      const sign = token.kind === "symbol" ? token.value : "";
      if (depth === 0 && (sign === "," || sign === ")")) {
        if (this.#at > start) items.push(new Cursor(this.#sql, this.#tokens.slice(start, this.#at)));
        start = this.#at + 1;
        if (sign === ")") break;
      }
      if (sign === "(" || sign === "<") depth++;
      if (sign === ")" || sign === ">") depth--;
    }
    this.expect(")");
    return items;
  }

  /** The text of a bracket. */
  inner(): string {
    const open = this.#tokens[this.#at];
    if (open?.value !== "(") throw new Error(`expected ( before: ${this.#left()}`);
    let depth = 0;
    for (; ; this.#at++) {
      const token = this.#tokens[this.#at];
      if (!token) throw new Error("a bracket without an end");
      if (token.kind === "symbol" && token.value === "(") depth++;
      if (token.kind === "symbol" && token.value === ")" && --depth === 0) {
        this.#at++;
        return this.#sql.slice(open.start + 1, token.start);
      }
    }
  }

  pairs(): Record<string, string> {
    return Object.fromEntries(
      this.bracket().map((item) => {
        const key = item.text();
        item.expect("=");
        return [key, item.text()];
      }),
    );
  }

  identity(): { start: number; step: number } {
    const [inner] = this.bracket();
    inner?.expect("START", "WITH");
    const start = inner?.number() ?? 1;
    inner?.expect("INCREMENT", "BY");
    return { start, step: inner?.number() ?? 1 };
  }

  /** A literal. */
  expression(): string {
    return this.#tokens[this.#at++]?.value ?? "";
  }

  /** A type, and what its fields have beside their types. */
  type(): { type: string; nested: Record<string, { notNull?: boolean; comment?: string }> } {
    const nested: Record<string, { notNull?: boolean; comment?: string }> = {};
    return { type: this.#type("", nested), nested };
  }

  #type(path: string, nested: Record<string, { notNull?: boolean; comment?: string }>): string {
    const within = (part: string): string => (path === "" ? part : `${path}.${part}`);
    const name = this.word().toLowerCase();
    if (name === "array") {
      this.expect("<");
      const element = this.#type(within("element"), nested);
      this.expect(">");
      return `array<${element}>`;
    }
    if (name === "map") {
      this.expect("<");
      const key = this.#type(within("key"), nested);
      this.expect(",");
      const value = this.#type(within("value"), nested);
      this.expect(">");
      return `map<${key},${value}>`;
    }
    if (name === "struct") {
      this.expect("<");
      const fields: string[] = [];
      do {
        const token = this.#tokens[this.#at];
        const field = token?.kind === "word" ? this.word().toLowerCase() : this.name();
        this.expect(":");
        fields.push(`${field}:${this.#type(within(field), nested)}`);
        const own = {
          ...(this.accept("NOT", "NULL") ? { notNull: true } : {}),
          ...(this.accept("COMMENT") ? { comment: this.text() } : {}),
        };
        if (Object.keys(own).length > 0) nested[within(field)] = own;
      } while (this.accept(","));
      this.expect(">");
      return `struct<${fields.join(",")}>`;
    }
    const size = this.at("(") ? `(${this.inner().replaceAll(" ", "")})` : "";
    const collation = this.accept("COLLATE") ? ` collate ${this.word().toLowerCase()}` : "";
    return `${name}${size}${collation}`;
  }

  /** All that is left, as it was written. */
  rest(): string {
    const from = this.#tokens[this.#at];
    this.#at = this.#tokens.length;
    return from ? this.#sql.slice(from.start) : "";
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw new Error(`unexpected: ${this.#left()}`);
  }

  #left(): string {
    const token = this.#tokens[this.#at];
    return token ? this.#sql.slice(token.start) : "the end";
  }
}
