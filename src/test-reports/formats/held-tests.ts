import { deflateRawSync, inflateRawSync } from "node:zlib";

/** Items are compressed together, because their texts are alike. */
const largestPiece = 256 * 1024;

/**
 * Tests about which a report says more later, such as their class or that they were attempts of one. They are kept compressed, at
 * a few dozen bytes each, so that memory hardly grows with the report.
 */
export class HeldTests<T extends object> {
  readonly #pieces: Buffer[] = [];
  #last: string[] = [];
  #lastSize = 0;
  #count = 0;

  /** The number of items, and the index that the next one gets. */
  get count(): number {
    return this.#count;
  }

  add(item: T): void {
    const json = JSON.stringify(item);
    this.#last.push(json);
    this.#lastSize += json.length;
    this.#count++;
    if (this.#lastSize > largestPiece) this.#compress();
  }

  #compress(): void {
    this.#pieces.push(deflateRawSync(`[${this.#last.join()}]`, { level: 1 }));
    this.#last = [];
    this.#lastSize = 0;
  }

  /** All items in the order in which they were added. */
  *[Symbol.iterator](): Generator<T, void, void> {
    for (const piece of this.#pieces) yield* itemsIn<T>(inflateRawSync(piece).toString());
    yield* itemsIn<T>(`[${this.#last.join()}]`);
  }
}

/** Only what `add` wrote is read back, so the type is known. */
function itemsIn<T>(json: string): T[] {
  return JSON.parse(json) as T[];
}
