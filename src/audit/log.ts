import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { errorText } from "../lib/error-text.ts";
import { takeLock } from "../lib/lock-file.ts";
import { openOwn } from "../lib/plain-file.ts";
import { redacted } from "../lib/redaction/redactor.ts";
import { CodedError } from "../model/coded-error.ts";
import type { AuditHead, StageName } from "../model/report.ts";
import { type AuditEntry, type AuditRecord, auditLine, lastLineOf } from "./chain.ts";

/** Relative to the records of a workspace. */
export const auditFile = "audit.jsonl";

/** What each line of a run contains besides its note. */
export interface AuditedRun {
  who: string;
  run: string;
  /** The gate run that it belongs to. */
  gate?: string;
  environment: string;
  stage: StageName;
}

/** All logs of a workspace are written with the same key; a line without it would look forged. */
export interface AuditKey {
  key: string | undefined;
}

/** Other processes hold the lock for one write each. */
const lockWithinMs = 5_000;
/** Used after one wait failed: a cleanup of fifty statements must not wait the full time for each. */
const lockAgainWithinMs = 100;
/** How far back to look for a log's last valid line. More invalid bytes than this are not from an interrupted run. */
const tailBytes = [65_536, 16 * 1_048_576];

interface Waiting {
  entry: AuditEntry;
  done: () => void;
  failed: (error: Error) => void;
}

/** The audit log of one stage. Other stages, in other processes, may write to the same file at the same time. */
export class AuditLog {
  readonly #file: string;
  readonly #run: AuditedRun;
  readonly #key: string | undefined;
  readonly #redact: (text: string) => string;
  readonly #lockWithinMs: number;
  #lockInVain = false;
  #waiting: Waiting[] = [];
  #writing = false;
  /** The file as our last write left it. While it is unchanged, its last hash is known. */
  #known: { inode: number; size: number; head: AuditHead } | undefined;
  #head: AuditHead | undefined;

  constructor(file: string, { key, ...run }: AuditedRun & AuditKey, redact: (text: string) => string, lockWithin = lockWithinMs) {
    this.#key = key;
    this.#lockWithinMs = lockWithin;
    this.#file = file;
    this.#run = run;
    this.#redact = redact;
  }

  /** The last line that this object wrote; undefined before the first. */
  get head(): AuditHead | undefined {
    return this.#head;
  }

  /** Resolves when the line is on disk. @throws Error with the reason if it is not */
  async write(note: AuditRecord, at: string = new Date().toISOString()): Promise<void> {
    const entry = redacted({ at, ...this.#run, ...note }, this.#redact);
    // Invalid notes are refused separately; in a joint write they would make the others fail.
    auditLine(undefined, entry);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ entry, done: resolve, failed: reject });
    if (!this.#writing) void this.#writeAll();
    await promise;
  }

  /** In order of arrival. Lines that arrive during a write share the next write and its sync. */
  async #writeAll(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0) {
      const lines = this.#waiting.splice(0);
      try {
        await this.#append(lines);
        for (const line of lines) line.done();
      } catch (error) {
        const why = errorText(error);
        for (const line of lines)
          line.failed(new CodedError("EA8004", `the audit log could not be written: ${why}`, { cause: error }));
      }
    }
    this.#writing = false;
  }

  async #append(lines: readonly Waiting[]): Promise<void> {
    const withinMs = this.#lockInVain ? lockAgainWithinMs : this.#lockWithinMs;
    this.#lockInVain = true;
    const unlock = await takeLock(`${this.#file}.lock`, withinMs);
    this.#lockInVain = false;
    try {
      const { O_APPEND, O_CREAT, O_RDWR } = constants;
      const handle = await openOwn(this.#file, O_RDWR | O_APPEND | O_CREAT);
      try {
        await this.#appendTo(handle, lines);
      } finally {
        await handle.close();
      }
    } finally {
      await unlock();
    }
  }

  async #appendTo(handle: FileHandle, lines: readonly Waiting[]): Promise<void> {
    const { ino, size } = await handle.stat();
    const known = this.#known?.inode === ino && this.#known.size === size ? this.#known : undefined;
    this.#known = undefined;
    let { head, ended } = known ? { head: known.head, ended: true } : await endOf(handle, size);
    // The log is only ever appended to, so a line that a killed run left half written stays there, visibly.
    let text = ended ? "" : "\n";
    for (const { entry } of lines) {
      const sequence = (head?.sequence ?? 0) + 1;
      const next = auditLine(head?.hash, entry, { sequence, key: this.#key });
      text += `${next.line}\n`;
      head = { sequence, hash: next.hash };
    }
    const bytes = Buffer.from(text);
    await handle.appendFile(bytes);
    await handle.sync();
    if (size === 0) await syncDirectory(dirname(this.#file));
    if (head === undefined) return;
    this.#known = { inode: ino, size: size + bytes.length, head };
    this.#head = head;
  }
}

/** The line to continue from, and whether it has its line end. */
async function endOf(handle: FileHandle, size: number): Promise<{ head: AuditHead | undefined; ended: boolean }> {
  if (size === 0) return { head: undefined, ended: true };
  for (const length of tailBytes) {
    const from = Math.max(0, size - length);
    const tail = Buffer.alloc(size - from);
    await readFully(handle, tail, from);
    const last = lastLineOf(tail.toString("utf8"));
    const ended = tail.at(-1) === 0x0a;
    if (last === undefined && from > 0) continue;
    if (last === undefined) return { head: undefined, ended };
    // Logs of earlier versions don't number their lines.
    return { head: { hash: last.hash, sequence: last.sequence ?? (await countLines(handle, size)) }, ended };
  }
  throw new Error(
    "the last 16 MiB of the file have no line of an audit log: check it with `env-actions audit verify`, and move it away",
  );
}

/** Only needed once, for a log of an earlier version. Holds one chunk in memory. */
async function countLines(handle: FileHandle, size: number): Promise<number> {
  const piece = Buffer.alloc(262_144);
  let lines = 0;
  for (let position = 0; position < size; ) {
    const { bytesRead } = await handle.read(piece, 0, piece.length, position);
    if (bytesRead === 0) break;
    for (let at = piece.indexOf(0x0a); at >= 0 && at < bytesRead; at = piece.indexOf(0x0a, at + 1)) lines++;
    position += bytesRead;
  }
  return lines;
}

async function readFully(handle: FileHandle, buffer: Buffer, position: number): Promise<void> {
  for (let done = 0; done < buffer.length; ) {
    const { bytesRead } = await handle.read(buffer, done, buffer.length - done, position + done);
    if (bytesRead === 0) throw new Error("the file became shorter while it was read");
    done += bytesRead;
  }
}

/** A new file is only durable once its folder is synced. Windows cannot open a folder for that, and doesn't need it. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
