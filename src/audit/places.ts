import { hash } from "node:crypto";

/**
 * Where lines are in a log, in lists: those of each run, or of each part of a run. Outside the JavaScript heap and without texts,
 * so that a million runs take some tens of megabytes.
 */

const firstPiece = 8;
/** How often a piece is twice as long as the one before. */
const doublings = 12;
const longestPiece = firstPiece * 2 ** doublings;

/** A list of numbers that grows without copying. A short list takes little, and a long one leaves little unused. */
class Column<Piece extends Float64Array | Uint32Array> {
  length = 0;
  readonly #pieces: Piece[] = [];
  readonly #make: new (
    length: number,
  ) => Piece;

  constructor(make: new (length: number) => Piece) {
    this.#make = make;
  }

  push(value: number): void {
    const index = this.length++;
    const piece = pieceOf(index);
    if (piece === this.#pieces.length) this.#pieces.push(new this.#make(Math.min(firstPiece * 2 ** piece, longestPiece)));
    this.set(index, value);
  }

  get(index: number): number {
    const piece = pieceOf(index);
    return (this.#pieces[piece] as Piece)[index - startOf(piece)] as number;
  }

  set(index: number, value: number): void {
    const piece = pieceOf(index);
    (this.#pieces[piece] as Piece)[index - startOf(piece)] = value;
  }
}

/** Which piece has the number. */
function pieceOf(index: number): number {
  if (index < longestPiece - firstPiece) return 31 - Math.clz32(index / firstPiece + 1);
  return doublings + Math.floor((index - longestPiece + firstPiece) / longestPiece);
}

/** The first number of a piece. */
function startOf(piece: number): number {
  if (piece <= doublings) return firstPiece * (2 ** piece - 1);
  return longestPiece - firstPiece + (piece - doublings) * longestPiece;
}

export const numbers = () => new Column(Float64Array);
export type Numbers = Column<Float64Array>;

const wordsOfHash = 4;

/** Numbers texts in the order in which they first come, from 0. Keeps half of their SHA-256, which no two texts share. */
export class Distinct {
  readonly #hashes = new Column(Uint32Array);
  /** Numbers plus one, by hash; 0 if free. At most half of it is used. */
  #slots = new Uint32Array(16);

  get size(): number {
    return this.#hashes.length / wordsOfHash;
  }

  numberOf(text: string): number {
    const digest = hash("sha256", text, "buffer");
    const words = Array.from({ length: wordsOfHash }, (_, word) => digest.readUInt32LE(4 * word));
    const slot = this.#slotOf(words);
    const known = this.#slots[slot] as number;
    if (known > 0) return known - 1;
    for (const word of words) this.#hashes.push(word);
    this.#slots[slot] = this.size;
    if (2 * this.size > this.#slots.length) this.#grow();
    return this.size - 1;
  }

  /** The slot that has the hash, or the free one for it. */
  #slotOf(words: readonly number[]): number {
    const mask = this.#slots.length - 1;
    for (let slot = (words[0] as number) & mask; ; slot = (slot + 1) & mask) {
      const known = this.#slots[slot] as number;
      if (known === 0) return slot;
      if (words.every((word, index) => this.#hashes.get((known - 1) * wordsOfHash + index) === word)) return slot;
    }
  }

  #grow(): void {
    const size = this.size;
    this.#slots = new Uint32Array(2 * this.#slots.length);
    const mask = this.#slots.length - 1;
    for (let number = 0; number < size; number++) {
      let slot = this.#hashes.get(number * wordsOfHash) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = number + 1;
    }
  }
}

/** Lines that follow each other without a gap. */
export interface Place {
  /** In the file. The end is that of the last line, without its line end. */
  start: number;
  end: number;
  /** The first half of the last line's hash. Through the chain it stands for all of the place's lines. */
  hash: string;
}

export class Places {
  /** Of each list: the place, plus one; 0 if it is empty. */
  readonly #firsts = new Column(Uint32Array);
  readonly #lasts = new Column(Uint32Array);
  readonly #starts = numbers();
  readonly #ends = numbers();
  readonly #hashes = new Column(Uint32Array);
  /** The next place of the same list, plus one; 0 if it is the last. */
  readonly #nexts = new Column(Uint32Array);
  /** Of the line that was added last. */
  #list = -1;
  #hash = "";

  /** @param lists how many there are to begin with; they are empty */
  constructor(lists = 0) {
    for (let list = 0; list < lists; list++) this.#addList();
  }

  /** The number of lists. */
  get size(): number {
    return this.#firsts.length;
  }

  /** @param list a known list, or `size` for a new one @param isNext whether the line follows the one before it in the chain */
  add(list: number, line: { start: number; end: number }, hash: string, isNext: boolean): void {
    const last = this.#starts.length - 1;
    if (isNext && list === this.#list && line.start === this.#ends.get(last) + 1) this.#ends.set(last, line.end);
    else {
      this.#keepHash();
      this.#starts.push(line.start);
      this.#ends.push(line.end);
      this.#nexts.push(0);
      if (list === this.size) this.#addList();
      // All are numbers plus one.
      const [place, before] = [last + 2, this.#lasts.get(list)];
      if (before === 0) this.#firsts.set(list, place);
      else this.#nexts.set(before - 1, place);
      this.#lasts.set(list, place);
    }
    this.#list = list;
    this.#hash = hash;
  }

  /** In the order of the log. */
  *of(list: number): Generator<Place, void, void> {
    this.#keepHash();
    for (let place = this.#firsts.get(list) - 1; place >= 0; place = this.#nexts.get(place) - 1) {
      const words = Array.from({ length: wordsOfHash }, (_, word) => this.#hashes.get(place * wordsOfHash + word));
      const hash = words.map((word) => word.toString(16).padStart(8, "0")).join("");
      yield { start: this.#starts.get(place), end: this.#ends.get(place), hash };
    }
  }

  #addList(): void {
    this.#firsts.push(0);
    this.#lasts.push(0);
  }

  /** Of the last place, whose last line is known now. */
  #keepHash(): void {
    this.#list = -1;
    if (this.#hashes.length === this.#starts.length * wordsOfHash) return;
    for (let word = 0; word < wordsOfHash; word++)
      this.#hashes.push(Number.parseInt(this.#hash.slice(8 * word, 8 * word + 8), 16));
  }
}
