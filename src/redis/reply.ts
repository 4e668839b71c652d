/** An error that the server answered with, as one of perhaps many replies. */
export class ErrorReply {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Texts are `latin1`, one character a byte. */
export type Reply = string | number | null | ErrorReply | Reply[];

interface Frame {
  items: Reply[];
  length: number;
}

/**
 * Reads RESP2 from the pieces that arrive. A piece is decoded at once and its texts are views of it: a keyspace is mostly keys that
 * nobody keeps, and to make a buffer of each costs more than all the rest. Whoever keeps a text copies it (`ownKey`).
 */
export class ReplyReader {
  #rest = "";
  readonly #frames: Frame[] = [];
  readonly #onReply: (reply: Reply) => void;
  readonly #onFirstItem: (item: Reply) => void;

  /** @param onFirstItem hears of the first item of a list before the others have been read. */
  constructor(onReply: (reply: Reply) => void, onFirstItem: (item: Reply) => void) {
    this.#onReply = onReply;
    this.#onFirstItem = onFirstItem;
  }

  /** @throws Error for what is not RESP2 */
  feed(piece: Uint8Array): void {
    const decoded = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString("latin1");
    const text = this.#rest === "" ? decoded : this.#rest + decoded;
    let at = 0;
    while (at < text.length) {
      const end = text.indexOf("\r\n", at);
      if (end < 0) break;
      const next = this.#element(text, at, end);
      if (next < 0) break;
      at = next;
    }
    this.#rest = at === text.length ? "" : text.slice(at);
  }

  /** @returns where the next element begins; -1 where this one has not fully arrived. */
  #element(text: string, at: number, end: number): number {
    switch (text.charCodeAt(at)) {
      case 36: {
        const length = wholeNumber(text, at + 1, end);
        if (length < 0) return this.#deliver(null, end + 2);
        const after = end + 2 + length;
        return after + 2 > text.length ? -1 : this.#deliver(text.slice(end + 2, after), after + 2);
      }
      case 42: {
        const length = wholeNumber(text, at + 1, end);
        if (length > 0) {
          this.#frames.push({ items: [], length });
          return end + 2;
        }
        return this.#deliver(length < 0 ? null : [], end + 2);
      }
      case 58:
        return this.#deliver(wholeNumber(text, at + 1, end), end + 2);
      case 43:
        return this.#deliver(text.slice(at + 1, end), end + 2);
      case 45:
        return this.#deliver(new ErrorReply(text.slice(at + 1, end)), end + 2);
      default:
        throw new Error(`this is not the protocol of Redis: ${JSON.stringify(text.slice(at, Math.min(end, at + 40)))}`);
    }
  }

  #deliver(element: Reply, next: number): number {
    let value = element;
    for (;;) {
      const frame = this.#frames.at(-1);
      if (!frame) {
        this.#onReply(value);
        return next;
      }
      frame.items.push(value);
      if (this.#frames.length === 1 && frame.items.length === 1) this.#onFirstItem(value);
      if (frame.items.length < frame.length) return next;
      this.#frames.pop();
      value = frame.items;
    }
  }
}

/** Digits, with `-` before them where below zero. */
function wholeNumber(text: string, from: number, to: number): number {
  const negative = text.charCodeAt(from) === 45;
  let value = 0;
  for (let at = negative ? from + 1 : from; at < to; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) throw new Error(`this is not the protocol of Redis: ${JSON.stringify(text.slice(from, to))}`);
    value = value * 10 + digit;
  }
  return negative ? -value : value;
}

/** A command as it goes over the wire. @param words as `latin1` */
export function encode(words: readonly string[]): string {
  let text = `*${words.length}\r\n`;
  for (const word of words) text += `$${word.length}\r\n${word}\r\n`;
  return text;
}
