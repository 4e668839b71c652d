/**
 * Where an id or a prefix stands in a Redis key as a word of its own. Keys and texts are `latin1`, a character for each byte. The rules
 * and their reasons are in docs/redis.md.
 */

/** Letters, digits, and every byte of a character beyond ASCII: what stands beside it is a part of the same word. */
export const wordCharacter = 0;
/** `_`, `-`, `.`, `@` and the like: they stand inside of ids as well, so a plain id may go on behind them. */
export const joinerCharacter = 1;
/** `:`, `/`, braces and the like: no id goes on behind them. */
export const separatorCharacter = 2;

const ends = ":/|{}[](),;#<>\"' ";

const kindOf = Uint8Array.from({ length: 256 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (code >= 0x80 || /[A-Za-z0-9]/.test(character)) return wordCharacter;
  return code < 0x20 || code === 0x7f || ends.includes(character) ? separatorCharacter : joinerCharacter;
});

/** A UUID, or a time with eight hexadecimal digits, as in run ids and in ids that ClassWaves makes. */
const unique = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<!\d)\d{13}_[0-9a-f]{8}(?![0-9a-z])/i;
/** As ULIDs, Mongo's ids and hashes are made: long, with letters and digits. */
const longWord = /[a-z0-9]{20,}/gi;

/** Whether an id is made so that nobody else's id holds it by chance. */
export function isUnique(id: string): boolean {
  return unique.test(id) || (id.match(longWord) ?? []).some((text) => /\d/.test(text) && /[a-z]/i.test(text));
}

/** A shorter id could be a part of a key that has nothing to do with it. */
const shortestId = 8;
/** A shorter number may be a date, a time, or the number of another table's row. */
const shortestNumber = 16;

/** Whether an id may select keys. A mere word may be the name of a namespace, such as `sessions`. */
export function canIdentifyKeys(id: string): boolean {
  return id.length >= shortestId && !/^[A-Za-z]+$/.test(id) && (id.length >= shortestNumber || /\D/.test(id));
}

/** The place at or behind `from` at which a word may begin; the length of the key where there is none. */
export function nextWordStart(key: string, from: number): number {
  let at = from;
  while (at < key.length && characterKindBefore(key, at) === wordCharacter) at++;
  return at;
}

/** What stands before a place; the beginning of a key is like an end. */
export function characterKindBefore(key: string, at: number): number {
  return at === 0 ? separatorCharacter : (kindOf[key.charCodeAt(at - 1)] ?? wordCharacter);
}

/** What stands at a place; the end of a key is one. */
export function characterKindAt(key: string, at: number): number {
  return at >= key.length ? separatorCharacter : (kindOf[key.charCodeAt(at)] ?? wordCharacter);
}

/** Finds ids in keys. */
export class IdFinder {
  /** Ids that stand alone between ends, and those that may be joined to others. */
  readonly #plain = new Set<string>();
  readonly #unique = new Set<string>();
  readonly #lengths: Uint8Array;
  readonly #longest: number;
  /** Hash of an id's first three characters → 1. */
  readonly #beginnings = new Uint8Array(1 << 16);

  /** @param ids as `latin1`; those that are not telling select nothing. */
  constructor(ids: Iterable<string>) {
    let longest = 0;
    const lengths = new Set<number>();
    for (const id of ids) {
      if (!canIdentifyKeys(id)) continue;
      (isUnique(id) ? this.#unique : this.#plain).add(id);
      lengths.add(id.length);
      longest = Math.max(longest, id.length);
      this.#beginnings[hashOfBeginning(id, 0)] = 1;
    }
    this.#longest = longest;
    this.#lengths = new Uint8Array(longest + 1);
    for (const length of lengths) this.#lengths[length] = 1;
  }

  get size(): number {
    return this.#plain.size + this.#unique.size;
  }

  /** Whether the key carries one of them as a word of its own. */
  isIn(key: string): boolean {
    if (this.size === 0) return false;
    for (let at = 0; at < key.length; at = nextWordStart(key, at + 1)) if (this.isAt(key, at)) return true;
    return false;
  }

  /** Whether one of them begins there, where a word may begin, and ends as it must. */
  isAt(key: string, start: number): boolean {
    if (this.#longest === 0 || this.#beginnings[hashOfBeginning(key, start)] === 0) return false;
    const isPlainPlace = characterKindBefore(key, start) === separatorCharacter;
    const last = Math.min(key.length, start + this.#longest);
    for (let stop = start + shortestId; stop <= last; stop++) {
      if (this.#lengths[stop - start] === 0) continue;
      const behind = characterKindAt(key, stop);
      if (behind === wordCharacter) continue;
      const text = key.slice(start, stop);
      if (this.#unique.has(text) || (isPlainPlace && behind === separatorCharacter && this.#plain.has(text))) return true;
    }
    return false;
  }
}

/** Less than 65,536. Characters beyond the end of a text count as none. */
function hashOfBeginning(text: string, at: number): number {
  return (text.charCodeAt(at) ^ (text.charCodeAt(at + 1) << 5) ^ (text.charCodeAt(at + 2) << 8)) & 0xffff;
}
