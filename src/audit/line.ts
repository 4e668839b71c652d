import { CanonicalBytes, canonicalJson, isRecord, type MemberPlace, type NotedMember, sha256 } from "./canonical.ts";

/** A line that the parser could read and that has a hash. */
export interface ParsedLine {
  members: Readonly<Record<string, unknown>>;
  /** As the line says. */
  hash: string;
  /** Whether the hash is that of the rest, and the line is exactly what we write for these members. */
  isItself: boolean;
}

/** @returns undefined if it is no line of a log at all */
export function lineIn(line: string): ParsedLine | undefined {
  let members: unknown;
  try {
    members = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (!isRecord(members) || typeof members.hash !== "string") return undefined;
  return { members, hash: members.hash, isItself: isItself(line, members) };
}

/**
 * Compares the whole line, byte for byte. Otherwise a member could be written twice, and another reader might use the other one.
 */
function isItself(line: string, members: Readonly<Record<string, unknown>>): boolean {
  const { hash, ...content } = members;
  try {
    return canonicalJson(members) === line && sha256(canonicalJson(content)) === hash;
  } catch (error) {
    // A changed line may hold a number that is too large, or be nested too deeply. We write neither.
    if (error instanceof TypeError || error instanceof RangeError) return false;
    throw error;
  }
}

/** With quotes. */
const hashLength = 66;

/**
 * Reads the lines of a log, one at a time. A line whose bytes are surely canonical is hashed as it is, without its member `hash`;
 * only other lines are parsed, and written again to compare them.
 */
export class AuditLineReader {
  /** As the line says; any text if it was changed. */
  hash = "";
  previous: unknown;
  mac: unknown;
  readonly #canonical = new CanonicalBytes();
  /** For the line without some of its members. */
  #content = Buffer.allocUnsafe(4_096);
  #bytes: Buffer = this.#content;
  #from = 0;
  #to = 0;
  /** Set if the bytes alone were not enough. */
  #parsed: ParsedLine | undefined;

  /** The bytes must stay as they are until the next line is read. */
  read(bytes: Buffer, from: number, to: number): "valid" | "changed" | "foreign" {
    [this.#bytes, this.#from, this.#to] = [bytes, from, to];
    this.#parsed = undefined;
    if (this.#canonical.read(bytes, from, to) && this.#isItself()) return "valid";
    const text = decoded(bytes.subarray(from, to));
    this.#parsed = text === undefined ? undefined : lineIn(text);
    if (this.#parsed === undefined) return "foreign";
    this.hash = this.#parsed.hash;
    this.previous = this.#parsed.members.previous;
    this.mac = this.#parsed.members.mac;
    return this.#parsed.isItself ? "valid" : "changed";
  }

  /** Of the line, if it is valid. Anything may be in it that JSON can say. */
  member(name: NotedMember): unknown {
    return this.#parsed ? this.#parsed.members[name] : this.#valueOf(name);
  }

  /** The whole line, if it is valid. */
  members(): Readonly<Record<string, unknown>> {
    return this.#parsed?.members ?? (JSON.parse(this.#bytes.toString("utf8", this.#from, this.#to)) as Record<string, unknown>);
  }

  /** The canonical text of the line without hash and HMAC, if it is valid. */
  withoutMac(): string | Uint8Array {
    if (this.#parsed) {
      const { hash: _, mac: __, ...content } = this.#parsed.members;
      return canonicalJson(content);
    }
    // In the order of the alphabet, so the hash is before the HMAC.
    return this.#without(this.#canonical.placeOf("hash"), this.#canonical.placeOf("mac"));
  }

  #isItself(): boolean {
    const place = this.#canonical.placeOf("hash");
    if (place === undefined || place.to - place.from !== hashLength) return false;
    const hash = this.#bytes.toString("latin1", place.from + 1, place.to - 1);
    if (sha256(this.#without(place)) !== hash) return false;
    this.hash = hash;
    this.previous = this.#valueOf("previous");
    this.mac = this.#valueOf("mac");
    return true;
  }

  #valueOf(name: NotedMember): unknown {
    const place = this.#canonical.placeOf(name);
    if (place === undefined) return undefined;
    const text = this.#bytes.toString("utf8", place.from, place.to);
    return text.startsWith('"') && !text.includes("\\") ? text.slice(1, -1) : (JSON.parse(text) as unknown);
  }

  /** The line without some members, in the order of the line. Valid until the next call. */
  #without(...places: readonly (MemberPlace | undefined)[]): Uint8Array {
    if (this.#content.length < this.#to - this.#from) this.#content = Buffer.allocUnsafe(2 * (this.#to - this.#from));
    let [read, written] = [this.#from, 0];
    for (const place of places) {
      if (place === undefined) continue;
      written += this.#bytes.copy(this.#content, written, read, place.comma);
      read = place.to;
    }
    written += this.#bytes.copy(this.#content, written, read, this.#to);
    return this.#content.subarray(0, written);
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Undefined if the bytes are not UTF-8: decoded with replacement characters, a changed byte could look like the original. */
function decoded(bytes: Buffer): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
