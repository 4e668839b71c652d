/** The types of columns, as DDL has them. Types that aren't known are `other`: nothing but NULL and `keep` fits them. */
export type ColumnType =
  | { kind: "text"; most?: number }
  | { kind: "whole"; low: bigint; high: bigint }
  | { kind: "decimal"; precision: number; scale: number }
  | { kind: "float" }
  | { kind: "boolean" }
  | { kind: "date" }
  | { kind: "timestamp" }
  | { kind: "array"; element: ColumnType }
  | { kind: "map"; key: ColumnType; value: ColumnType }
  | { kind: "struct"; fields: readonly StructField[] }
  | { kind: "other" };

export interface StructField {
  name: string;
  type: ColumnType;
  nullable: boolean;
}

const whole: Readonly<Record<string, number>> = {
  tinyint: 8,
  byte: 8,
  smallint: 16,
  short: 16,
  int: 32,
  integer: 32,
  bigint: 64,
  long: 64,
};

const simple: Readonly<Record<string, ColumnType>> = {
  string: { kind: "text" },
  boolean: { kind: "boolean" },
  float: { kind: "float" },
  real: { kind: "float" },
  double: { kind: "float" },
  date: { kind: "date" },
  timestamp: { kind: "timestamp" },
  timestamp_ltz: { kind: "timestamp" },
  timestamp_ntz: { kind: "timestamp" },
};

/** Reads a type; `undefined` if it isn't well-formed. */
export function parseColumnType(text: string): ColumnType | undefined {
  const reader = new Reader(text.match(/`(?:``|[^`])*`|'(?:\\.|[^'\\])*'|[\p{L}_][\p{L}\p{N}_]*|\d+|\S/gu) ?? []);
  const type = reader.type();
  return reader.isBroken || !reader.atEnd ? undefined : type;
}

class Reader {
  readonly #tokens: readonly string[];
  #at = 0;
  isBroken = false;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  get atEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  type(): ColumnType {
    const word = this.#next().toLowerCase();
    if (word === "array") return this.#between(() => ({ kind: "array", element: this.type() }));
    if (word === "map")
      return this.#between(() => {
        const key = this.type();
        this.#expect(",");
        return { kind: "map", key, value: this.type() };
      });
    if (word === "struct") return this.#between(() => ({ kind: "struct", fields: this.#fields() }));
    const [first, second] = this.#numbers();
    if (word === "string" && this.#accept("collate")) this.#next();
    if (word === "varchar" || word === "char") return { kind: "text", ...(first === undefined ? {} : { most: first }) };
    if (["decimal", "dec", "numeric"].includes(word)) return { kind: "decimal", precision: first ?? 10, scale: second ?? 0 };
    const bits = whole[word];
    if (bits !== undefined) return { kind: "whole", low: -(2n ** BigInt(bits - 1)), high: 2n ** BigInt(bits - 1) - 1n };
    const known = simple[word];
    if (known) return known;
    if (word === "interval") while (!this.atEnd && !",>".includes(this.#tokens[this.#at] ?? "")) this.#at++;
    return { kind: "other" };
  }

  #fields(): StructField[] {
    const fields: StructField[] = [];
    if (this.#tokens[this.#at] === ">") return fields;
    do {
      const name = unquoted(this.#next());
      this.#accept(":");
      const type = this.type();
      const nullable = !this.#accept("not");
      if (!nullable) this.#expect("null");
      if (this.#accept("comment")) this.#next();
      fields.push({ name, type, nullable });
    } while (this.#accept(","));
    return fields;
  }

  #numbers(): number[] {
    const numbers: number[] = [];
    if (!this.#accept("(")) return numbers;
    do numbers.push(Number(this.#next()));
    while (this.#accept(","));
    this.#expect(")");
    if (!numbers.every(Number.isInteger)) this.isBroken = true;
    return numbers;
  }

  #between(inner: () => ColumnType): ColumnType {
    this.#expect("<");
    const type = inner();
    this.#expect(">");
    return type;
  }

  #accept(word: string): boolean {
    if (this.#tokens[this.#at]?.toLowerCase() !== word) return false;
    this.#at++;
    return true;
  }

  #expect(word: string): void {
    if (!this.#accept(word)) this.isBroken = true;
  }

  #next(): string {
    const token = this.#tokens[this.#at++];
    if (token === undefined) this.isBroken = true;
    return token ?? "";
  }
}

function unquoted(name: string): string {
  return name.startsWith("`") ? name.slice(1, -1).replaceAll("``", "`") : name;
}

export function isNested({ kind }: ColumnType): boolean {
  return kind === "array" || kind === "map" || kind === "struct";
}

/** Whether a value can be compared and sorted, so that rows can be ordered by it. */
export function isSimple(type: ColumnType): boolean {
  return !isNested(type) && type.kind !== "other";
}

/** The type as DDL, without NOT NULL and comments, for a CAST. */
export function ddlOf(text: string): string {
  return text
    .replace(/ comment '(?:\\.|[^'\\])*'/gi, "")
    .replace(/ not null/gi, "")
    .replace(/\b(?:varchar|char)\s*\(\d+\)/gi, "string");
}
