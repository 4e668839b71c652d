/**
 * Finds ids and prefixes that are separate words in a Redis key. Keys and texts are `latin1`, one character per byte.
 * docs/redis.md explains the rules.
 */

/** Letters, digits, and every byte of a non-ASCII character: adjacent ones belong to the same word. */
export const wordCharacter = 0;
/** `_`, `-`, `.`, `@` and the like: they also occur inside ids, so a plain id may continue after them. */
export const joinerCharacter = 1;
/** `:`, `/`, braces and the like: an id always ends before them. */
export const separatorCharacter = 2;

const ends = ":/|{}[](),;#<>\"' ";

const kindOf = Uint8Array.from({ length: 256 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (code >= 0x80 || /[A-Za-z0-9]/.test(character)) return wordCharacter;
  return code < 0x20 || code === 0x7f || ends.includes(character) ? separatorCharacter : joinerCharacter;
});

/** A UUID, or a time with eight hexadecimal digits, as in run ids and ClassWaves' own ids. */
const unique = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<!\d)\d{13}_[0-9a-f]{8}(?![0-9a-z])/i;
/** ULIDs, MongoDB ids and hashes: long, with letters and digits. */
const longWord = /[a-z0-9]{20,}/gi;

/** Whether the id's form makes accidental matches practically impossible. */
export function isUnique(id: string): boolean {
  return unique.test(id) || (id.match(longWord) ?? []).some((text) => /\d/.test(text) && /[a-z]/i.test(text));
}

/** A shorter id could occur by chance in an unrelated key. */
const shortestId = 8;
/** A shorter number may be a date, a time or another table's id. */
const shortestNumber = 16;

/** Whether an id may select keys. An ordinary word may be the name of a namespace, such as `sessions`. */
export function canIdentifyKeys(id: string): boolean {
  return id.length >= shortestId && !/^[A-Za-z]+$/.test(id) && (id.length >= shortestNumber || /\D/.test(id));
}

/** The next position, from `from` on, at which a word may begin; the key's length if there is none. */
export function nextWordStart(key: string, from: number): number {
  let at = from;
  while (at < key.length && characterKindBefore(key, at) === wordCharacter) at++;
  return at;
}

/** The kind of the character before a position; the beginning of the key counts as a separator. */
export function characterKindBefore(key: string, at: number): number {
  return at === 0 ? separatorCharacter : (kindOf[key.charCodeAt(at - 1)] ?? wordCharacter);
}

/** The kind of the character at a position; the end of the key counts as a separator. */
export function characterKindAt(key: string, at: number): number {
  return at >= key.length ? separatorCharacter : (kindOf[key.charCodeAt(at)] ?? wordCharacter);
}

/** Finds ids in keys. */
export class IdFinder {
  /** Ids that must be separate words, and those that joiners may connect to others. */
  readonly #plain = new Set<string>();
  readonly #unique = new Set<string>();
  readonly #lengths: Uint8Array;
  readonly #longest: number;
  /** The hash of an id's first three characters → 1. */
  readonly #beginnings = new Uint8Array(1 << 16);

  /** @param ids as `latin1`; ids that are not distinctive are ignored */
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

  /** Whether the key contains one of the ids as a separate word. */
  isIn(key: string): boolean {
    if (this.size === 0) return false;
    for (let at = 0; at < key.length; at = nextWordStart(key, at + 1)) if (this.isAt(key, at)) return true;
    return false;
  }

  /** Whether one of the ids begins at this word start and ends at a word boundary. */
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

/** A hash below 65,536. Positions beyond the end of the text count as 0. */
function hashOfBeginning(text: string, at: number): number {
  return (text.charCodeAt(at) ^ (text.charCodeAt(at + 1) << 5) ^ (text.charCodeAt(at + 2) << 8)) & 0xffff;
}
