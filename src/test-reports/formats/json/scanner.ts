/**
 * Reads JSON in chunks, as strictly as `JSON.parse`, and builds only what its sink wants. Long strings are cut while they are
 * read, so memory does not depend on the text.
 */

export type Scalar = string | number | boolean | null;

/** Receives the values of a text in order. */
export interface JsonSink {
  /** The next key, if it can be foretold: comparing is faster than looking up. */
  readonly expectedKey: string | undefined;
  /** The longest string that is of use; the rest is cut off. */
  readonly longest: number;
  /** @returns false to skip the key's value */
  key(key: string): boolean;
  /** An object or a list begins. @param at its offset in the text @returns false to skip all of it; then `close` isn't called */
  open(isList: boolean, at: number): boolean;
  close(at: number): void;
  value(value: Scalar): void;
}

/** Builds nothing, so that a text is only checked. */
export const nothing: JsonSink = {
  expectedKey: undefined,
  longest: 0,
  key: () => false,
  open: () => false,
  close() {},
  value() {},
};

/** Where and why a text is not JSON. */
export class JsonMistake extends Error {
  readonly truncated: boolean;
  /** In UTF-16 units; the text's length if it is truncated. */
  readonly at: number;

  constructor(cause: string, at: number, truncated = false) {
    super(cause);
    this.at = at;
    this.truncated = truncated;
  }
}

/** The text is JSON, but nested deeper than any report. */
export class TooDeep extends Error {}

export const deepest = 10_000;

/** Of a number; longer ones are no measurements. */
const mostDigits = 1_000;

const afterValue = 0;
const beforeValue = 1;
const beforeFirstElement = 2;
const beforeKey = 3;
const beforeFirstKey = 4;
const afterKey = 5;
const ended = 6;

const quote = 34;
const backslash = 92;

const wholeEscape = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;
const begunEscape = /^\\(?:u[\da-fA-F]{0,3})?$/;
const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

const literals = new Map<number, readonly [text: string, value: Scalar]>([
  [116, ["true", true]],
  [102, ["false", false]],
  [110, ["null", null]],
]);

export class JsonScanner {
  readonly #sink: JsonSink;
  #state: number = beforeValue;
  /** For each open value: whether it is a list. */
  readonly #lists: boolean[] = [];
  /** The number of open values around the one that is skipped; -1 if none is. */
  #skipped = -1;
  /** The sink doesn't want the value of the last key. */
  #unwanted = false;
  /** The begun string of the chunks before, without escapes resolved; `undefined` between strings. */
  #begun: string | undefined;
  /** The end of the last chunk that cannot be read without the next: a number, a literal or an escape. */
  #rest = "";
  /** The offset of the current chunk. */
  #before = 0;
  #text = "";

  constructor(sink: JsonSink) {
    this.#sink = sink;
  }

  /** @throws JsonMistake, TooDeep */
  write(chunk: string): void {
    this.#text = this.#rest + chunk;
    this.#rest = "";
    const used = this.#scan();
    this.#rest = this.#text.slice(used);
    this.#before += used;
  }

  /** @throws JsonMistake if the text is incomplete */
  end(): void {
    if (this.#state !== ended) throw new JsonMistake("the JSON ends too early", this.#before + this.#rest.length, true);
  }

  /** @returns how much of the text was read */
  #scan(): number {
    const text = this.#text;
    const end = text.length;
    let at = this.#begun === undefined ? 0 : this.#string(0);
    while (at < end && this.#begun === undefined) {
      const code = text.charCodeAt(at);
      if (code === 32 || code === 10 || code === 13 || code === 9) {
        at++;
        continue;
      }
      let next: number;
      if (this.#state === afterValue) next = this.#separator(code, at);
      else if (this.#state <= beforeFirstElement) next = this.#value(code, at);
      else if (this.#state <= beforeFirstKey) next = this.#key(code, at);
      else next = this.#colonOrNothing(code, at);
      // The next chunk is needed.
      if (next === at) return at;
      at = next;
    }
    return at;
  }

  #separator(code: number, at: number): number {
    const isList = this.#lists.at(-1) === true;
    if (code === 44) this.#state = isList ? beforeValue : beforeKey;
    else if (code === (isList ? 93 : 125)) this.#close(at);
    else throw this.#mistake(isList ? "Expected ',' or ']' after array element" : "Expected ',' or '}' after property value", at);
    return at + 1;
  }

  #value(code: number, at: number): number {
    if (code === quote) return this.#string(at + 1, "");
    if (code === 123 || code === 91) {
      this.#open(code === 91, at);
      return at + 1;
    }
    if (code === 93 && this.#state === beforeFirstElement) {
      this.#close(at);
      return at + 1;
    }
    return code === 45 || (code >= 48 && code <= 57) ? this.#number(at) : this.#literal(code, at);
  }

  #key(code: number, at: number): number {
    if (code === quote) {
      const expected = this.#skipped < 0 ? this.#sink.expectedKey : undefined;
      if (expected !== undefined) {
        const end = at + 1 + expected.length;
        if (this.#text.charCodeAt(end) === quote && this.#text.startsWith(expected, at + 1)) {
          this.#keyFound(expected);
          return end + 1;
        }
      }
      return this.#string(at + 1, "");
    }
    if (code === 125 && this.#state === beforeFirstKey) {
      this.#close(at);
      return at + 1;
    }
    const expected = this.#state === beforeFirstKey ? "property name or '}'" : "double-quoted property name";
    throw this.#mistake(`Expected ${expected}`, at);
  }

  #colonOrNothing(code: number, at: number): number {
    if (this.#state === ended) throw this.#mistake("Unexpected non-whitespace character after JSON", at);
    if (code !== 58) throw this.#mistake("Expected ':' after property name", at);
    this.#state = beforeValue;
    return at + 1;
  }

  #open(isList: boolean, at: number): void {
    if (this.#lists.length >= deepest) throw new TooDeep();
    if (this.#skipped < 0 && (this.#unwanted || !this.#sink.open(isList, this.#before + at))) this.#skipped = this.#lists.length;
    this.#unwanted = false;
    this.#lists.push(isList);
    this.#state = isList ? beforeFirstElement : beforeFirstKey;
  }

  #close(at: number): void {
    this.#lists.pop();
    if (this.#skipped < 0) this.#sink.close(this.#before + at);
    else if (this.#skipped === this.#lists.length) this.#skipped = -1;
    this.#state = this.#lists.length > 0 ? afterValue : ended;
  }

  #found(value: Scalar): void {
    if (this.#skipped < 0 && !this.#unwanted) this.#sink.value(value);
    this.#unwanted = false;
    this.#state = this.#lists.length > 0 ? afterValue : ended;
  }

  #keyFound(key: string): void {
    if (this.#skipped < 0) this.#unwanted = !this.#sink.key(key);
    this.#state = afterKey;
  }

  /** Reads a string to its end, or to that of the chunk. @param from the first character in this chunk */
  #string(from: number, begun = this.#begun ?? ""): number {
    const text = this.#text;
    const end = text.length;
    const isKey = this.#state === beforeKey || this.#state === beforeFirstKey;
    let at = from;
    let escaped = false;
    let complete = false;
    while (at < end) {
      const code = text.charCodeAt(at);
      if (code === quote) {
        complete = true;
        break;
      }
      if (code === backslash) {
        escaped = true;
        const next = this.#escape(at);
        if (next === at) break;
        at = next;
      } else if (code < 32) throw this.#mistake("Bad control character in string literal", at);
      else at++;
    }
    const wanted = this.#skipped < 0 && (isKey || !this.#unwanted);
    const kept = wanted && begun.length <= this.#sink.longest ? begun + text.slice(from, at) : begun;
    if (!complete) {
      this.#begun = kept;
      return at;
    }
    this.#begun = undefined;
    const value = wanted ? this.#resolved(kept, escaped || begun.includes("\\")) : "";
    if (isKey) this.#keyFound(value);
    else this.#found(value);
    return at + 1;
  }

  /** @returns the end of the escape that begins at `at`; `at` itself if the chunk ends in it */
  #escape(at: number): number {
    wholeEscape.lastIndex = at;
    if (wholeEscape.test(this.#text)) return wholeEscape.lastIndex;
    if (begunEscape.test(this.#text.slice(at, at + 6))) return at;
    throw this.#mistake("Bad escaped character", at);
  }

  #resolved(raw: string, escaped: boolean): string {
    const { longest } = this.#sink;
    if (!escaped) return raw.length > longest ? raw.slice(0, longest) : raw;
    if (raw.length <= longest) return JSON.parse(`"${raw}"`) as string;
    let end = 0;
    while (end < longest) end += raw.charCodeAt(end) !== backslash ? 1 : raw.charCodeAt(end + 1) === 117 ? 6 : 2;
    return JSON.parse(`"${raw.slice(0, end)}"`) as string;
  }

  #number(at: number): number {
    const text = this.#text;
    let end = at + 1;
    let digits = true;
    for (; end < text.length; end++) {
      const code = text.charCodeAt(end);
      if (code >= 48 && code <= 57) continue;
      if (code !== 46 && code !== 101 && code !== 69 && code !== 43 && code !== 45) break;
      digits = false;
    }
    if (end - at > mostDigits) throw this.#mistake(`A number of more than ${mostDigits} characters`, at);
    if (end === text.length) return at;
    const written = text.slice(at, end);
    const simple = digits && (end - at === 1 || text.charCodeAt(at) !== 48) && text.charCodeAt(at) !== 45;
    if (!simple && !number.test(written)) throw this.#mistake("Bad number", at);
    this.#found(Number(written));
    return end;
  }

  #literal(code: number, at: number): number {
    const [written, value] = literals.get(code) ?? [];
    if (written === undefined || value === undefined) throw this.#unexpected(at);
    if (this.#text.startsWith(written, at)) {
      this.#found(value);
      return at + written.length;
    }
    const there = this.#text.slice(at, at + written.length);
    if (written.startsWith(there)) return at;
    const same = [...written].findIndex((letter, index) => letter !== there[index]);
    throw this.#unexpected(at + same);
  }

  #unexpected(at: number): JsonMistake {
    const shown = String.fromCodePoint(this.#text.codePointAt(at) ?? 0);
    return this.#mistake(`Unexpected token ${/[^\p{C}]/u.test(shown) ? `'${shown}'` : JSON.stringify(shown)}`, at);
  }

  #mistake(cause: string, at: number): JsonMistake {
    return new JsonMistake(cause, this.#before + at);
  }
}
