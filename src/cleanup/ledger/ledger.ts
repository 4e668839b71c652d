import { NotAPlainFile, openOwn } from "../../lib/plain-file.ts";
import { type Entry, readLine } from "./line.ts";

/** What the tests said they created, beyond what shows by itself. */
export interface Ledger {
  /** `schema.table` → keys */
  rows: Map<string, Set<string>>;
  keys: Set<string>;
  /** Pieces that could not be read, with line and why: reported, never passed over in silence. */
  problems: string[];
}

/**
 * Reads the ledger: JSON lines, `{"table": "sessions.classroom_sessions", "id": "…"}` or `{"key": "…"}`. A file that is not
 * there is an empty ledger: no test tracked anything. A torn line is what a killed writer leaves: it was never acknowledged. What
 * another writer wrote behind it was, and counts.
 */
export async function readLedger(file: string): Promise<Ledger> {
  const reader = new LedgerReader();
  try {
    for await (const chunk of (await openOwn(file)).createReadStream({ highWaterMark: 256 * 1024 })) reader.take(chunk as Buffer);
  } catch (error) {
    // What shows by itself is deleted all the same, and the stage says that the rest is not known.
    if (error instanceof NotAPlainFile) return { ...reader.end(), problems: [`the ledger was not read: ${error.message}`] };
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
/** Bytes of a line that are held: a longer one is no writer's, but entries may be in it, as where line ends were forgotten. */
const longestBuffered = 1 << 20;
/** Lines of problems: a file of nothing else must not fill the memory, nor the report. */
const mostProblems = 1000;

/** Takes the file as it comes, so that memory holds what the entries name and not the file. */
class LedgerReader {
  readonly #ledger: Ledger = { rows: new Map(), keys: new Set(), problems: [] };
  #unlisted = 0;
  #line = 1;
  /** Bytes of the line that were read and let go already. */
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
