import { StringDecoder } from "node:string_decoder";

/** Longer lines are cut, so that output without line ends cannot fill the memory. In UTF-16 units. */
const longestLine = 8_192;

/** Splits a stream of bytes into lines. A chunk may end anywhere, even inside a character. */
export class LineSplitter {
  readonly #decoder = new StringDecoder("utf8");
  #line = "";
  #cut = false;

  write(chunk: Buffer): string[] {
    return this.#split(this.#decoder.write(chunk));
  }

  /** The last line, if it has no line end. */
  end(): string[] {
    const lines = this.#split(this.#decoder.end());
    return this.#line === "" ? lines : [...lines, this.#take()];
  }

  #split(text: string): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      this.#append(text.slice(start, end));
      lines.push(this.#take());
      start = end + 1;
    }
    this.#append(text.slice(start));
    return lines;
  }

  #append(part: string): void {
    const room = longestLine - this.#line.length;
    if (part.length > room) this.#cut = true;
    this.#line += part.slice(0, room);
  }

  #take(): string {
    const line = this.#cut ? `${this.#line} … (line cut)` : this.#line.replace(/\r$/, "");
    this.#line = "";
    this.#cut = false;
    return line;
  }
}
