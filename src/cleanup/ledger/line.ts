import { isUtf8 } from "node:buffer";

export type Entry = { table: string; id: string } | { key: string };

/** A part of a line that is not an entry; `to` is exclusive. */
export interface UnreadBytes {
  from: number;
  to: number;
  why: string;
}

export interface ReadLine {
  entries: Entry[];
  unread: UnreadBytes[];
  /** The number of bytes processed; the rest is to be joined with what follows. */
  done: number;
}

/** The longest table, `catalog.schema.table`, and the longest id or key, in characters, as src/testkit writes them. */
const longestTable = 767;
const longestName = 4096;
/** The longest entry in bytes: each character may be written as `\u0000`, and writers may add fields. */
const longestEntry = 64 * 1024;

const noEntry = 'is not {"table", "id"} or {"key"}';
const torn = "is incomplete: the writer was stopped while writing it";

/**
 * Reads a line of the ledger, without its line end. Usually it is one entry, or empty. Otherwise a writer may have been killed
 * half way and others may have appended to its line, so every entry in the line is looked for.
 * @param part `last`: no line end follows; `beginning`: the line is too long to hold, and more of it follows
 */
export function readLine(bytes: Buffer, part: "whole" | "last" | "beginning"): ReadLine {
  if (part === "beginning") return entriesWithin(bytes, part);
  const from = startsWithMark(bytes, 0) ? 3 : 0;
  if (isBlank(bytes, from, bytes.length)) return { entries: [], unread: [], done: bytes.length };
  const value = looksWhole(bytes, from) && isUtf8(bytes) ? parsed(bytes.toString("utf8", from)) : unreadable;
  if (value === unreadable) return entriesWithin(bytes, part);
  const entry = entryOf(value);
  if (typeof entry !== "string") return { entries: [entry], unread: [], done: bytes.length };
  return { entries: [], unread: [{ from: 0, to: bytes.length, why: entry }], done: bytes.length };
}

/** Looks for entries from the left and reports what lies between them. */
function entriesWithin(bytes: Buffer, part: "whole" | "last" | "beginning"): ReadLine {
  const entries: Entry[] = [];
  const unread: UnreadBytes[] = [];
  let done = 0;
  const passOver = (to: number) => {
    if (!isBlank(bytes, done, to))
      unread.push({ from: done, to, why: reason(bytes.subarray(done, to), part, to === bytes.length) });
    done = to;
  };
  for (let at = bytes.indexOf(open); at !== -1; ) {
    const end = objectEnd(bytes, at);
    const entry = end !== -1 && mayEnd(bytes, end) ? entryIn(bytes.subarray(at, end)) : undefined;
    if (entry) {
      passOver(at);
      entries.push(entry);
      done = end;
    }
    at = bytes.indexOf(open, entry ? end : at + 1);
  }
  // A part that may still become an entry waits for what follows.
  passOver(part === "beginning" ? Math.max(done, bytes.length - longestEntry) : bytes.length);
  return { entries, unread, done };
}

const open = 0x7b;
const close = 0x7d;
const quote = 0x22;
const backslash = 0x5c;
const escapable = new Set(Buffer.from('"\\/bfnrtu'));
/** Nested objects in an entry: writers may add fields, but none needs to nest deeper. */
const deepest = 4;

/**
 * The end (exclusive) of the object that begins at `start`, or -1. Follows quotes, escapes and braces; JSON.parse checks the
 * rest. Each byte is read at most twice per depth: of two starts that are both inside, or both outside, of a string at the same
 * time, the first is the deeper one. So the time is linear in the line's length, whatever it contains.
 */
function objectEnd(bytes: Buffer, start: number): number {
  const stop = Math.min(bytes.length, start + longestEntry);
  let depth = 0;
  let inText = false;
  for (let at = start; at < stop; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x20 && (inText || byte === 0)) return -1;
    if (byte === quote) inText = !inText;
    else if (byte === backslash) {
      if (!inText || !escapable.has(bytes[++at] ?? 0)) return -1;
    } else if (inText) continue;
    else if (byte === open && ++depth > deepest) return -1;
    else if (byte === close && --depth === 0) return at + 1;
  }
  return -1;
}

/** An object followed by one of these is a fragment of something larger, and is no entry. */
const goingOn = new Set(Buffer.from(",:]}"));

function mayEnd(bytes: Buffer, end: number): boolean {
  let at = end;
  while (at < bytes.length && isSpace(bytes[at] ?? 0)) at++;
  return !goingOn.has(bytes[at] ?? 0);
}

/** A cheap test first: millions of exceptions from JSON.parse would take minutes. */
function looksWhole(bytes: Buffer, from: number): boolean {
  let [first, last] = [from, bytes.length - 1];
  while (isSpace(bytes[first] ?? 0)) first++;
  while (isSpace(bytes[last] ?? 0)) last--;
  return bytes[first] === open && bytes[last] === close;
}

function entryIn(bytes: Buffer): Entry | undefined {
  const value = isUtf8(bytes) ? parsed(bytes.toString("utf8")) : unreadable;
  const entry = value === unreadable ? noEntry : entryOf(value);
  return typeof entry === "string" ? undefined : entry;
}

/** @returns the entry, or why it is invalid */
function entryOf(value: unknown): Entry | string {
  if (typeof value !== "object" || value === null) return noEntry;
  const { table, id, key } = value as Record<string, unknown>;
  // A single ill-formed id would make the whole parameter list unreadable to the warehouse.
  if ([table, id, key].some((name) => typeof name === "string" && !name.isWellFormed()))
    return "has a name that is not valid Unicode";
  if (isName(key)) return key.length > longestName ? tooLong("key", longestName) : { key };
  if (!isName(table) || !isName(id)) return noEntry;
  if (table.length > longestTable) return tooLong("table", longestTable);
  return id.length > longestName ? tooLong("id", longestName) : { table, id };
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function tooLong(what: string, longest: number): string {
  return `names a ${what} of more than ${longest} characters`;
}

const unreadable = Symbol("no JSON");

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return unreadable;
  }
}

/** Quotes none of the text, because it may name a person. */
function reason(piece: Buffer, part: "whole" | "last" | "beginning", atEnd: boolean): string {
  if (part === "last" && atEnd) return torn;
  if (piece.every((byte) => byte === 0 || isSpace(byte))) return "has only NUL bytes, as after a power failure";
  if (looksTorn(piece)) return torn;
  return isUtf8(piece) ? noEntry : "is not UTF-8";
}

function looksTorn(piece: Buffer): boolean {
  const begin = piece.findIndex((byte) => byte !== 0 && !isSpace(byte));
  return piece[startsWithMark(piece, begin) ? begin + 3 : begin] === open && piece.findLast((byte) => !isSpace(byte)) !== close;
}

function isBlank(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    if (startsWithMark(bytes, at)) at += 2;
    else if (!isSpace(bytes[at] ?? 0)) return false;
  }
  return true;
}

/** A byte order mark. Some tools write it at the start of every file, even of one that is appended to another. */
function startsWithMark(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}
