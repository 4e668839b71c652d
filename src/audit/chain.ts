import { createHmac, timingSafeEqual } from "node:crypto";
import type { AuditEvent } from "../model/audit-event.ts";
import type { StageName } from "../model/report.ts";
import { canonicalJson, sha256 } from "./canonical.ts";
import { type AuditFault, type FaultKind, faultOf } from "./faults.ts";
import { AuditLineReader, lineIn } from "./line.ts";

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
  const content = key === undefined ? written : { ...written, mac: macOf(canonicalJson(written), key) };
  const hash = sha256(canonicalJson(content));
  return { line: canonicalJson({ ...content, hash }), hash };
}

export type AuditVerification =
  | { ok: true; lines: number; lastHash: string | undefined }
  /** The first fault. */
  | (AuditFault & { ok: false /** The hash of the last valid line before it. */; lastHash: string | undefined });

/** Checks that every line of this log follows from the previous one. */
export function verifyAudit(text: string): AuditVerification {
  const verifier = new AuditVerifier();
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; ) {
    const lineEnd = bytes.indexOf(0x0a, from);
    const to = lineEnd < 0 ? bytes.length : lineEnd;
    const { lastHash } = verifier;
    const kind = verifier.take(bytes, from, to, lineEnd >= 0);
    if (kind) return { ok: false, ...faultOf(verifier.lines, kind), lastHash };
    from = to + 1;
  }
  return { ok: true, lines: verifier.lines, lastHash: verifier.lastHash };
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
  /** The line that was taken last. */
  readonly line = new AuditLineReader();
  /** Whether that line is valid by itself: if it was not changed, we wrote it, and it has the form of an entry. */
  isValid = false;
  /** Whether it follows the valid line before it, with nothing between them. */
  isNext = false;
  /** Hashes that changed lines claim to have: the next line may follow from one of them. */
  #claimed = new Set<unknown>();
  readonly #key: string | undefined;

  /** @param key of the HMACs; without it they are counted but not checked */
  constructor(key?: string) {
    this.#key = key;
  }

  /**
   * @param bytes with the line from `from` to `to`; undefined if it is too long
   * @param ended whether it has a line end, which only the last line may lack
   */
  take(bytes: Buffer | undefined, from: number, to: number, ended: boolean): FaultKind | undefined {
    this.lines++;
    const state = bytes === undefined ? "foreign" : this.line.read(bytes, from, to);
    this.isValid = state === "valid";
    this.isNext = false;
    if (state === "foreign") return ended ? "foreign" : "torn";
    if (state === "changed") {
      this.#claimed.add(this.line.hash);
      return "changed";
    }
    const { hash, previous } = this.line;
    const before = this.lastHash ?? null;
    this.isNext = previous === before;
    const follows = this.isNext || this.#claimed.has(previous);
    this.lastHash = hash;
    if (this.#claimed.size > 0) this.#claimed.clear();
    const forged = this.#forged();
    if (forged !== undefined || follows) return forged;
    return before === null ? "notFirst" : "outOfOrder";
  }

  #forged(): FaultKind | undefined {
    const { mac } = this.line;
    if (mac === undefined) return this.keyedLines > 0 ? "withoutMac" : undefined;
    this.keyedLines++;
    this.firstKeyed ??= this.lines;
    if (this.#key === undefined || sameText(String(mac), macOf(this.line.withoutMac(), this.#key))) return undefined;
    return "wrongMac";
  }
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a.padEnd(64)), Buffer.from(b.padEnd(64)));
}

/** @param content the canonical text of the line without hash and HMAC */
function macOf(content: string | Uint8Array, key: string): string {
  return createHmac("sha256", key).update(content).digest("hex");
}

/**
 * The last line in this part of a log that is valid by itself; undefined if there is none. Logs of earlier versions don't number
 * their lines.
 */
export function lastLineOf(piece: string): { hash: string; sequence: number | undefined } | undefined {
  for (let end = piece.length; end > 0; ) {
    const start = piece.lastIndexOf("\n", end - 1);
    const line = lineIn(piece.slice(start + 1, end));
    if (line?.isItself)
      return { hash: line.hash, sequence: typeof line.members.sequence === "number" ? line.members.sequence : undefined };
    end = start;
  }
  return undefined;
}
