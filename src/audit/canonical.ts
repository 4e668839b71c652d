import { isUtf8 } from "node:buffer";
import { hash } from "node:crypto";

/** RFC 8785: members sorted by UTF-16 units, no white space, so that one value has exactly one text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (isRecord(value)) {
    const members = Object.keys(value)
      .filter((key) => value[key] !== undefined)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
    return `{${members.join(",")}}`;
  }
  // JSON would write null, and an unknown number must not look like an absent one.
  if (typeof value === "number" && !Number.isFinite(value))
    throw new TypeError(`expected a finite number for the audit log, got ${value}`);
  return JSON.stringify(value) ?? "null";
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function sha256(content: string | Uint8Array): string {
  return hash("sha256", content, "hex");
}

/** Members of a line whose places are noted. */
const noted = ["gate", "hash", "mac", "previous", "run"] as const;
export type NotedMember = (typeof noted)[number];

const names = noted.map((name) => Buffer.from(name));
const longestName = Math.max(...names.map(({ length }) => length));

/** Where a member is in the bytes. */
export interface MemberPlace {
  /** Of the comma before its name. It has one: the first member is `action`. */
  comma: number;
  /** Of its value, with quotes. */
  from: number;
  to: number;
}

/** Deeper objects are left to the parser. An entry of ours has two levels. */
const deepest = 4;
/** More digits may not survive as a number. */
const mostDigits = 15;

const [quote, comma, minus, zero, nine, colon, backslash, open, close] = [...'",-09:\\{}'].map((sign) => sign.charCodeAt(0)) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

/** What a byte means within a string. Everything else ends the string, or is not written by us. */
const [ordinary, foreign, special] = [0, 1, 2];
const kinds = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x80) return foreign;
  return byte < 0x20 || byte === quote || byte === backslash ? special : ordinary;
});

/** JSON has one short escape for each of these, and for no other sign that we escape. */
const escaped = new Set([...'"\\bfnrt'].map((sign) => sign.charCodeAt(0)));
const words = ["true", "false", "null"].map((word) => Buffer.from(word));

/**
 * Reads a line without parsing it. It knows the forms that nearly all lines have, and is sure of these: `read` returns true only if
 * the canonical text of what the line says is exactly the line itself. False means that the parser has to look.
 */
export class CanonicalBytes {
  #bytes: Uint8Array = new Uint8Array();
  #foreign = false;
  /** Three numbers for each noted member; zeros if the line has none. */
  readonly #places = new Int32Array(3 * noted.length);

  /** In the line that was read last; undefined if it has none, or as its first member. */
  placeOf(name: NotedMember): MemberPlace | undefined {
    const index = 3 * noted.indexOf(name);
    const [comma = 0, from = 0, to = 0] = [this.#places[index], this.#places[index + 1], this.#places[index + 2]];
    return to === 0 ? undefined : { comma, from, to };
  }

  read(bytes: Uint8Array, from: number, to: number): boolean {
    this.#bytes = bytes;
    this.#foreign = false;
    this.#places.fill(0);
    if (this.#object(from, 1) !== to) return false;
    return !this.#foreign || isUtf8(bytes.subarray(from, to));
  }

  /** @returns the position after the object; -1 if it is not surely canonical. The same for the methods below. */
  #object(from: number, depth: number): number {
    const bytes = this.#bytes;
    if (bytes[from] !== open || depth > deepest) return -1;
    if (bytes[from + 1] === close) return from + 2;
    let [before, beforeEnd] = [-1, -1];
    for (let at = from; ; ) {
      const key = at + 2;
      if (bytes[at + 1] !== quote) return -1;
      let keyEnd = key;
      while (kinds[bytes[keyEnd] as number] === ordinary) keyEnd++;
      if (bytes[keyEnd] !== quote || bytes[keyEnd + 1] !== colon) return -1;
      if (before >= 0 && !isAfter(bytes, key, keyEnd, before, beforeEnd)) return -1;
      const value = keyEnd + 2;
      const end = this.#value(value, depth);
      if (end < 0) return -1;
      if (depth === 1 && before >= 0 && keyEnd - key <= longestName) this.#note(key, keyEnd, at, value, end);
      if (bytes[end] === close) return end + 1;
      if (bytes[end] !== comma) return -1;
      [before, beforeEnd, at] = [key, keyEnd, end];
    }
  }

  #value(from: number, depth: number): number {
    const first = this.#bytes[from] as number;
    if (first === quote) return this.#string(from + 1);
    if (first === minus || (first >= zero && first <= nine)) return this.#integer(from);
    if (first === open) return this.#object(from, depth + 1);
    const word = words.find((each) => isSame(this.#bytes, from, from + each.length, each));
    return word === undefined ? -1 : from + word.length;
  }

  #string(from: number): number {
    const bytes = this.#bytes;
    for (let at = from; ; at++) {
      while (kinds[bytes[at] as number] === ordinary) at++;
      const byte = bytes[at] as number;
      if (byte === quote) return at + 1;
      if (byte === backslash && escaped.has(bytes[at + 1] as number)) at++;
      else if (byte >= 0x80) this.#foreign = true;
      else return -1;
    }
  }

  #integer(from: number): number {
    const bytes = this.#bytes;
    const first = bytes[from] === minus ? from + 1 : from;
    let at = first;
    while ((bytes[at] as number) >= zero && (bytes[at] as number) <= nine) at++;
    const digits = at - first;
    if (digits === 0 || digits > mostDigits) return -1;
    // JSON writes neither leading zeros nor -0.
    if (bytes[first] === zero && (digits > 1 || first > from)) return -1;
    return at;
  }

  #note(key: number, keyEnd: number, comma: number, from: number, to: number): void {
    for (let index = 0; index < names.length; index++) {
      if (!isSame(this.#bytes, key, keyEnd, names[index] as Buffer)) continue;
      this.#places[3 * index] = comma;
      this.#places[3 * index + 1] = from;
      this.#places[3 * index + 2] = to;
    }
  }
}

function isSame(bytes: Uint8Array, from: number, to: number, other: Uint8Array): boolean {
  if (to - from !== other.length) return false;
  for (let index = 0; index < other.length; index++) if (bytes[from + index] !== other[index]) return false;
  return true;
}

/** Whether one key is after another. Both are ASCII, so that bytes are in the order of UTF-16 units. */
function isAfter(bytes: Uint8Array, from: number, to: number, other: number, otherEnd: number): boolean {
  const shared = Math.min(to - from, otherEnd - other);
  for (let index = 0; index < shared; index++) {
    const difference = (bytes[from + index] as number) - (bytes[other + index] as number);
    if (difference !== 0) return difference > 0;
  }
  return to - from > otherEnd - other;
}
