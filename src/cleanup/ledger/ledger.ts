import { errorText } from "../../lib/error-text.ts";
import { NotAPlainFile, openOwn } from "../../lib/plain-file.ts";
import { type Entry, readLine } from "./line.ts";

/** What the tests registered as created, in addition to what identifies itself. */
export interface Ledger {
  /** `schema.table` → keys */
  rows: Map<string, Set<string>>;
  keys: Set<string>;
  /** Parts that could not be read, with line and reason. They are always reported. */
  problems: string[];
}

/**
 * Reads the ledger: JSON lines, `{"table": "sessions.classroom_sessions", "id": "…"}` or `{"key": "…"}`. A missing file is an
 * empty ledger: no test registered anything. A writer that was killed leaves an incomplete line, which was never acknowledged.
 * Entries that other writers appended to that line still count.
 */
export async function readLedger(file: string): Promise<Ledger> {
  const reader = new LedgerReader();
  try {
    for await (const chunk of (await openOwn(file)).createReadStream({ highWaterMark: 256 * 1024 })) reader.take(chunk as Buffer);
  } catch (error) {
    // Data that identifies itself is still deleted, and the stage reports that the rest is unknown.
    if (error instanceof NotAPlainFile) return { ...reader.end(), problems: [`the ledger was not read: ${errorText(error)}`] };
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return reader.end();
}

export function parseLedger(content: string | Uint8Array): Ledger {
  const reader = new LedgerReader();
  reader.take(Buffer.from(content));
  return reader.end();
}

const lineEnd = 0x0a;
/** The most bytes of a line to hold. No writer writes a longer one, but it can contain entries if line ends are missing. */
const longestBuffered = 1 << 20;
/** The most problems to report, so that a file full of them doesn't fill the memory or the report. */
const mostProblems = 1000;

/** Reads the file as a stream: memory grows with the entries, not with the file. */
class LedgerReader {
  readonly #ledger: Ledger = { rows: new Map(), keys: new Set(), problems: [] };
  #unlisted = 0;
  #line = 1;
  /** Bytes of the line that were read and discarded. */
  #letGo = 0;
  #buffered: Buffer[] = [];
  #bufferedBytes = 0;

  take(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(lineEnd); at !== -1; at = chunk.indexOf(lineEnd, from)) {
      this.#hold(chunk.subarray(from, at));
      this.#read("whole");
      this.#line++;
      from = at + 1;
    }
    this.#hold(chunk.subarray(from));
  }

  end(): Ledger {
    this.#read("last");
    if (this.#unlisted > 0) this.#ledger.problems.push(`the ledger has ${this.#unlisted} more pieces that could not be read`);
    return this.#ledger;
  }

  #hold(bytes: Buffer): void {
    let rest = bytes;
    while (this.#bufferedBytes + rest.length > longestBuffered) {
      const taken = rest.subarray(0, longestBuffered - this.#bufferedBytes);
      rest = rest.subarray(taken.length);
      this.#buffered.push(taken);
      this.#read("beginning");
    }
    if (rest.length === 0) return;
    this.#buffered.push(rest);
    this.#bufferedBytes += rest.length;
  }

  #read(part: "whole" | "last" | "beginning"): void {
    const bytes = this.#buffered.length === 1 && this.#buffered[0] ? this.#buffered[0] : Buffer.concat(this.#buffered);
    const { entries, unread, done } = readLine(bytes, part);
    for (const entry of entries) this.#note(entry);
    for (const { from, to, why } of unread) {
      if (this.#ledger.problems.length >= mostProblems) {
        this.#unlisted++;
        continue;
      }
      const whole = this.#letGo === 0 && part !== "beginning" && from === 0 && to === bytes.length;
      const place = whole ? "" : `, bytes ${this.#letGo + from + 1} to ${this.#letGo + to},`;
      this.#ledger.problems.push(`ledger line ${this.#line}${place} ${why}`);
    }
    const left = bytes.subarray(done);
    this.#letGo = part === "beginning" ? this.#letGo + done : 0;
    this.#buffered = left.length > 0 ? [left] : [];
    this.#bufferedBytes = left.length;
  }

  #note(entry: Entry): void {
    if ("key" in entry) {
      this.#ledger.keys.add(entry.key);
      return;
    }
    const ids = this.#ledger.rows.get(entry.table);
    if (ids) ids.add(entry.id);
    else this.#ledger.rows.set(entry.table, new Set([entry.id]));
  }
}
