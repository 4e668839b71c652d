import { readSync } from "node:fs";

/** No line of ours is this long; a longer one must not fill the memory. */
const longestLineBytes = 1_048_576;
const mostReadAhead = 262_144;
/** After a jump: the next line may be elsewhere, too. */
const leastReadAhead = 8_192;
const lineFeed = 0x0a;

/** A line and where it is. Its bytes are overwritten when the next line is read. */
export interface LogLine {
  /** Undefined if it is too long. */
  bytes: Buffer | undefined;
  /** In the bytes, without its line end. */
  from: number;
  to: number;
  /** Whether it has a line end, which only the last line may lack. */
  ended: boolean;
  /** In the file. */
  start: number;
  end: number;
}

/** Reads the lines of a log of any size through one buffer. */
export class LogReader {
  readonly #file: number;
  readonly #buffer = Buffer.allocUnsafe(longestLineBytes + mostReadAhead);
  /** Where in the file the buffer begins, and how much of it is filled. */
  #start = 0;
  #filled = 0;
  #readAhead = leastReadAhead;

  /** @param file an open file; it stays open */
  constructor(file: number) {
    this.#file = file;
  }

  /** @param start of a line @param end of a line; the end of the file if absent */
  *lines(start = 0, end = Number.POSITIVE_INFINITY): Generator<LogLine, void, void> {
    for (let line = start; line < end; ) {
      const read = this.#line(line);
      if (read === undefined) return;
      yield read;
      line = read.end + 1;
    }
  }

  #line(start: number): LogLine | undefined {
    if (start < this.#start || start > this.#start + this.#filled) this.#jump(start);
    let from = start - this.#start;
    let searched = from;
    let isDropped = false;
    for (;;) {
      const at = this.#buffer.subarray(0, this.#filled).indexOf(lineFeed, searched);
      if (at >= 0) return this.#found({ start, from, to: at, ended: true, isDropped });
      if (isDropped || this.#filled - from > longestLineBytes) {
        isDropped = true;
        this.#keepFrom(this.#filled);
      } else this.#keepFrom(from);
      from = 0;
      searched = this.#filled;
      if (this.#fill() > 0) continue;
      if (!isDropped && this.#filled === 0) return undefined;
      // What an earlier line left there must not look like more of this one.
      this.#buffer[this.#filled] = lineFeed;
      return this.#found({ start, from, to: this.#filled, ended: false, isDropped });
    }
  }

  #found({ start, from, to, ended, isDropped }: Omit<LogLine, "bytes" | "end"> & { isDropped: boolean }): LogLine {
    const bytes = isDropped || to - from > longestLineBytes ? undefined : this.#buffer;
    return { bytes, from, to, ended, start, end: this.#start + to };
  }

  #jump(start: number): void {
    this.#start = start;
    this.#filled = 0;
    this.#readAhead = leastReadAhead;
  }

  /** Moves the rest of the buffer to its beginning. */
  #keepFrom(index: number): void {
    this.#buffer.copyWithin(0, index, this.#filled);
    this.#start += index;
    this.#filled -= index;
  }

  /** @returns 0 at the end of the file */
  #fill(): number {
    const read = readSync(this.#file, this.#buffer, this.#filled, this.#readAhead, this.#start + this.#filled);
    this.#filled += read;
    this.#readAhead = Math.min(2 * this.#readAhead, mostReadAhead);
    return read;
  }
}
