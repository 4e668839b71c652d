import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { AuditEvent } from "../model/audit-event.ts";
import type { StageName } from "../model/report.ts";

/**
 * The audit log: lines of JSON, each with the hash of the previous line, so that a changed, removed or inserted line is detected.
 * A truncated or completely rewritten log isn't detected by itself. So the newest hash (the head) is also kept in summaries,
 * outputs, reports and evidence, and with a key every line proves that its writer knew the key.
 */

/** An event as read from a line: an {@link AuditEvent} if this version wrote it, otherwise anything of this form. */
export interface AuditRecord {
  action: AuditEvent["action"];
  run?: string;
  details: Readonly<Record<string, string | number | boolean | null | undefined>>;
  counts: Readonly<Record<string, number>>;
}

export interface AuditEntry extends AuditRecord {
  /** ISO 8601. */
  at: string;
  who: string;
  /** The run id. */
  run: string;
  /** The gate run that it belongs to. */
  gate?: string;
  environment: string;
  stage: StageName;
}

export interface AuditLine {
  /** Without its line end. */
  line: string;
  /** SHA-256, hex; the input for the next line. */
  hash: string;
}

/** @param written `42:<64 hex>`, or only the hash; returns undefined for anything else */
export function parseHead(written: string): { sequence?: number; hash: string } | undefined {
  const [, sequence, hash] = /^(?:(\d{1,15}):)?([0-9a-f]{64})$/.exec(written) ?? [];
  if (hash === undefined) return undefined;
  return sequence === undefined ? { hash } : { sequence: Number(sequence), hash };
}

interface Proofs {
  /** The number of lines in the log, including this one. */
  sequence?: number | undefined;
  /** If set, each line carries an HMAC. */
  key?: string | undefined;
}

/**
 * @param previousHash of the previous line; undefined for the first line of a log
 * @throws TypeError for a number that is not finite
 */
export function auditLine(previousHash: string | undefined, entry: AuditEntry, { sequence, key }: Proofs = {}): AuditLine {
  const written = { ...entry, previous: previousHash ?? null, ...(sequence === undefined ? {} : { sequence }) };
  const content = key === undefined ? written : { ...written, mac: macOf(written, key) };
  const hash = hashOf(content);
  return { line: canonicalJson({ ...content, hash }), hash };
}

/** What is wrong with a line of the log. */
export interface AuditFault {
  /** Starting at 1. */
  line: number;
  why: string;
  /** Writing the last line was interrupted; nobody need have changed anything. */
  torn: boolean;
}

export type AuditVerification =
  | { ok: true; lines: number; lastHash: string | undefined }
  /** The first fault. */
  | (AuditFault & { ok: false /** The hash of the last valid line before it. */; lastHash: string | undefined });

/** Checks that every line of this log follows from the previous one. */
export function verifyAudit(text: string): AuditVerification {
  const verifier = new AuditVerifier();
  const lines = text.split("\n");
  const unended = lines.pop() ?? "";
  for (const line of lines) {
    const lastHash = verifier.lastHash;
    const { fault } = verifier.take(line, true);
    if (fault) return { ok: false, ...fault, lastHash };
  }
  const { fault } = unended === "" ? {} : verifier.take(unended, false);
  return fault
    ? { ok: false, ...fault, lastHash: verifier.lastHash }
    : { ok: true, lines: verifier.lines, lastHash: verifier.lastHash };
}

/**
 * Verifies a log line by line, holding one line in memory. Continues after a fault and reports each fault once, because later
 * faults matter as much as the first.
 */
export class AuditVerifier {
  lines = 0;
  /** The hash of the last line that is valid by itself. */
  lastHash: string | undefined;
  /** The number of lines with an HMAC. */
  keyedLines = 0;
  /** The first of them. */
  firstKeyed: number | undefined;
  /** Hashes that changed lines claim to have: the next line may follow from one of them. */
  #claimed = new Set<unknown>();
  readonly #key: string | undefined;

  /** @param key of the HMACs; without it they are counted but not checked */
  constructor(key?: string) {
    this.#key = key;
  }

  /**
   * @param line undefined if the bytes are not text, or too many
   * @param ended whether it has a line end, which only the last line may lack
   * @returns the entry and its hash, unless the line was changed
   */
  take(line: string | undefined, ended: boolean): { entry?: AuditEntry; hash?: string; fault?: AuditFault } {
    this.lines++;
    const faulty = (why: string, torn = false) => ({ fault: { line: this.lines, why, torn } });
    const read = line === undefined ? undefined : readLine(line);
    if (line === undefined || read === undefined)
      return ended
        ? faulty("this line is not a line of an audit log")
        : faulty("the last line is incomplete: writing it was interrupted", true);
    if (!isItself(line, read)) {
      this.#claimed.add(read.hash);
      return faulty("this line was changed: its hash does not match its content");
    }
    const { hash, previous, sequence: _, mac, ...entry } = read;
    const before = this.lastHash ?? null;
    const follows = previous === before || this.#claimed.has(previous);
    this.lastHash = hash;
    this.#claimed.clear();
    // The hash matches, so we wrote it, and it has the form of an entry.
    const known = { entry: entry as unknown as AuditEntry, hash };
    const forged = this.#whyForged(read, mac);
    if (forged !== undefined) return { ...known, ...faulty(forged) };
    if (follows) return known;
    const why =
      before === null
        ? "this is not the first line of a log: lines before it are missing"
        : "this line does not follow the line before it: lines were removed, added or reordered";
    return { ...known, ...faulty(why) };
  }

  #whyForged({ hash: _, mac: __, ...content }: ReadLine, mac: unknown): string | undefined {
    if (mac === undefined)
      return this.keyedLines > 0
        ? "this line has no HMAC, but lines before it have one: it was written without the key"
        : undefined;
    this.keyedLines++;
    this.firstKeyed ??= this.lines;
    if (this.#key === undefined || sameText(String(mac), macOf(content, this.#key))) return undefined;
    return "the HMAC of this line does not match the key: it was written with another key, or without one";
  }
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a.padEnd(64)), Buffer.from(b.padEnd(64)));
}

function macOf(content: unknown, key: string): string {
  return createHmac("sha256", key).update(canonicalJson(content)).digest("hex");
}

/**
 * The last line in this part of a log that is valid by itself; undefined if there is none. Logs of earlier versions don't number
 * their lines.
 */
export function lastLineOf(piece: string): { hash: string; sequence: number | undefined } | undefined {
  for (let end = piece.length; end > 0; ) {
    const start = piece.lastIndexOf("\n", end - 1);
    const line = piece.slice(start + 1, end);
    const read = readLine(line);
    if (read !== undefined && isItself(line, read))
      return { hash: read.hash, sequence: typeof read.sequence === "number" ? read.sequence : undefined };
    end = start;
  }
  return undefined;
}

type ReadLine = Record<string, unknown> & { hash: string };

function readLine(line: string): ReadLine | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) && typeof value.hash === "string" ? { ...value, hash: value.hash } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * Compares the whole line, byte for byte. Otherwise a member could be written twice, and another reader might use the other one.
 */
function isItself(line: string, read: ReadLine): boolean {
  const { hash, ...content } = read;
  try {
    return hashOf(content) === hash && canonicalJson(read) === line;
  } catch (error) {
    // A changed line may hold a number that is too large, or be nested too deeply. We write neither.
    if (error instanceof TypeError || error instanceof RangeError) return false;
    throw error;
  }
}

function hashOf(content: unknown): string {
  return createHash("sha256").update(canonicalJson(content)).digest("hex");
}

/** RFC 8785: members sorted by UTF-16 units, no white space, so that one value has exactly one text. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (isRecord(value)) {
    const members = Object.keys(value)
      .filter((key) => value[key] !== undefined)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
    return `{${members.join(",")}}`;
  }
  // JSON would write null, and an unknown number must not look like an absent one.
  if (typeof value === "number" && !Number.isFinite(value))
    throw new TypeError(`expected a finite number for the audit log, got ${value}`);
  return JSON.stringify(value) ?? "null";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
