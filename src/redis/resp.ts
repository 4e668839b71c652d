/** Redis' protocol (RESP2), byte for byte: a key need not be valid UTF-8. Texts are `latin1`, one character per byte. */

/** An error reply from the server, one of perhaps many replies. */
export class ErrorReply {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Texts are `latin1`, one character per byte. */
export type Reply = string | number | null | ErrorReply | Reply[];

/** The name of a command and its arguments, as `latin1`. */
export type CommandWords = readonly [name: string, ...rest: string[]];

/** What the server sent is no reply. The message says what was expected, and quotes nothing: it may be data. */
export class NoReply extends Error {
  override name = "NoReply";
}

/** As `latin1`. */
export function encoded(commands: readonly CommandWords[]): string {
  let text = "";
  for (const words of commands) {
    text += `*${words.length}\r\n`;
    for (const word of words) text += `$${word.length}\r\n${word}\r\n`;
  }
  return text;
}

const [plus, minus, colon, dollar, star, carriageReturn, lineFeed] = [43, 45, 58, 36, 42, 13, 10];
/** The longest line: an error, a status or a number. Texts of any length have their length before them. */
const longestLine = 65_536;
/** As long as a text of Redis can be, in bytes. A larger number would make us hold whatever somebody else at this address sends. */
const longestText = 512 * 1024 * 1024;
/** Replies to COMMAND, the deepest that we ask for, need half of it. */
const deepest = 16;

/** Instead of a position: the rest has not arrived. */
const incomplete = -1;

/** An array whose items are still arriving. */
interface Open {
  items: Reply[];
  /** How many are missing. */
  missing: number;
}

/** Reads replies from pieces of a stream, wherever it was cut. */
export class ReplyReader {
  readonly #take: (reply: Reply) => void;
  /** What isn't read yet: an incomplete text or line, and what follows. */
  #held: Buffer[] = [];
  #heldLength = 0;
  /** With fewer bytes there is nothing more to read. Long texts are put together once, not at each piece. */
  #needed = 1;
  readonly #open: Open[] = [];

  constructor(take: (reply: Reply) => void) {
    this.#take = take;
  }

  /** @throws NoReply if this cannot be a reply; nothing may be read afterwards */
  read(piece: Buffer): void {
    this.#held.push(piece);
    this.#heldLength += piece.length;
    if (this.#heldLength < this.#needed) return;
    const [first] = this.#held;
    const bytes = this.#held.length === 1 && first ? first : Buffer.concat(this.#held);
    const end = this.#readTokens(bytes);
    this.#held = end < bytes.length ? [bytes.subarray(end)] : [];
    this.#heldLength = bytes.length - end;
    this.#needed = Math.max(this.#needed, this.#heldLength + 1);
  }

  /** @returns where the first token begins that isn't complete; how long it has to be is noted, if known */
  #readTokens(bytes: Buffer): number {
    this.#needed = 1;
    let at = 0;
    while (at < bytes.length) {
      const behind = this.#readToken(bytes, at);
      if (behind === incomplete) break;
      at = behind;
    }
    return at;
  }

  /** @returns the position behind it */
  #readToken(bytes: Buffer, at: number): number {
    const type = bytes[at];
    if (type !== dollar && type !== star && type !== colon && type !== plus && type !== minus)
      throw new NoReply("expected a type");
    const lineEnd = endOfLine(bytes, at + 1);
    if (lineEnd === incomplete) return incomplete;
    if (type === dollar) return this.#readText(bytes, at, lineEnd);
    if (type === colon) this.#add(wholeNumber(bytes, at + 1, lineEnd));
    else if (type === star) this.#begin(wholeNumber(bytes, at + 1, lineEnd));
    else {
      const line = bytes.toString("latin1", at + 1, lineEnd);
      this.#add(type === plus ? line : new ErrorReply(line));
    }
    return lineEnd + 2;
  }

  /** @returns the position behind it */
  #readText(bytes: Buffer, at: number, lineEnd: number): number {
    const length = wholeNumber(bytes, at + 1, lineEnd);
    const from = lineEnd + 2;
    if (length < 0) {
      this.#add(null);
      return from;
    }
    if (length > longestText) throw new NoReply(`expected a text of at most ${longestText} bytes`);
    const to = from + length;
    if (to + 2 > bytes.length) {
      this.#needed = to + 2 - at;
      return incomplete;
    }
    if (bytes[to] !== carriageReturn || bytes[to + 1] !== lineFeed) throw new NoReply("expected the end of a text");
    this.#add(bytes.toString("latin1", from, to));
    return to + 2;
  }

  #begin(length: number): void {
    if (length < 0) this.#add(null);
    else if (length === 0) this.#add([]);
    else if (this.#open.length === deepest) throw new NoReply(`expected at most ${deepest} lists inside of each other`);
    else this.#open.push({ items: [], missing: length });
  }

  #add(reply: Reply): void {
    let whole = reply;
    for (let open = this.#open.at(-1); open; open = this.#open.at(-1)) {
      open.items.push(whole);
      if (--open.missing > 0) return;
      this.#open.pop();
      whole = open.items;
    }
    this.#take(whole);
  }
}

/** @returns the position of its carriage return @throws NoReply */
function endOfLine(bytes: Buffer, from: number): number {
  // Nearly every line is a few digits.
  let at = from;
  while (at < bytes.length && bytes[at] !== lineFeed) at++;
  if (at === bytes.length) {
    if (at - from > longestLine) throw new NoReply("expected the end of a line");
    return incomplete;
  }
  if (bytes[at - 1] !== carriageReturn || at === from) throw new NoReply("expected a carriage return before the line feed");
  return at - 1;
}

/** @throws NoReply */
function wholeNumber(bytes: Buffer, from: number, to: number): number {
  const isNegative = bytes[from] === minus;
  let at = isNegative ? from + 1 : from;
  if (at >= to) throw new NoReply("expected a number");
  let number = 0;
  for (; at < to; at++) {
    const digit = (bytes[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) throw new NoReply("expected a number");
    number = number * 10 + digit;
  }
  return isNegative ? -number : number;
}
