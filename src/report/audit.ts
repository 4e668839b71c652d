import { createHash } from "node:crypto";
import type { AuditNote, StageName } from "../model.ts";

/**
 * The audit log: lines of JSON, each holding the hash of the one before it, so that a line that was changed, removed or put in
 * between shows. What was cut off at the end does not show by itself: keep the newest hash somewhere else as well.
 */

export interface AuditEntry extends AuditNote {
  /** ISO 8601. */
  at: string;
  who: string;
  /** The run's id. */
  run: string;
  environment: string;
  stage: StageName;
}

export interface AuditLine {
  /** Without its line end. */
  line: string;
  /** SHA-256, hex; hand it to the next line. */
  hash: string;
}

/** @param previousHash of the line before; undefined for the first line of a log. @throws TypeError on a number that is not finite */
export function auditLine(previousHash: string | undefined, entry: AuditEntry): AuditLine {
  const content = { ...entry, previous: previousHash ?? null };
  const hash = hashOf(content);
  return { line: canonicalJson({ ...content, hash }), hash };
}

export type AuditVerification =
  | { ok: true; lines: number; lastHash: string | undefined }
  | {
      ok: false;
      /** Counted from 1. */
      line: number;
      why: string;
      /** Writing the last line was interrupted: nobody needs to have changed anything. */
      torn: boolean;
      /** Of the last line before it that is right. */
      lastHash: string | undefined;
    };

export function verifyAudit(text: string): AuditVerification {
  const lines = text.split("\n");
  const unended = lines.pop() ?? "";
  let lastHash: string | undefined;
  for (const [index, line] of [...lines, ...(unended === "" ? [] : [unended])].entries()) {
    const read = readLine(line);
    const torn = read === undefined && index === lines.length;
    const why = torn
      ? "the last line is torn: writing it was interrupted"
      : read === undefined
        ? "this line is not a line of an audit log"
        : faultOf(line, read, lastHash);
    if (why !== undefined) return { ok: false, line: index + 1, why, torn, lastHash };
    lastHash = read?.hash;
  }
  return { ok: true, lines: lines.length + (unended === "" ? 0 : 1), lastHash };
}

/** The hash of the last line in this piece of a log that is right in itself; undefined where none is. */
export function lastHashOf(piece: string): string | undefined {
  for (let end = piece.length; end > 0; ) {
    const start = piece.lastIndexOf("\n", end - 1);
    const line = piece.slice(start + 1, end);
    const read = readLine(line);
    if (read !== undefined && isItself(line, read)) return read.hash;
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

function faultOf(line: string, read: ReadLine, lastHash: string | undefined): string | undefined {
  if (!isItself(line, read)) return "this line was changed: its hash is not the hash of its content";
  if (read.previous === (lastHash ?? null)) return undefined;
  return lastHash === undefined
    ? "this is not the first line of a log: lines before it are missing"
    : "this line does not follow the one before it: lines are missing, added or in another order";
}

/** The whole line, byte for byte: else a member could be written twice, and another reader would believe the other one. */
function isItself(line: string, read: ReadLine): boolean {
  const { hash, ...content } = read;
  return hashOf(content) === hash && canonicalJson(read) === line;
}

function hashOf(content: unknown): string {
  return createHash("sha256").update(canonicalJson(content)).digest("hex");
}

/** RFC 8785: members sorted by UTF-16 units, no white space; one value has one text. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (isRecord(value)) {
    const members = Object.keys(value)
      .filter((key) => value[key] !== undefined)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
    return `{${members.join(",")}}`;
  }
  // JSON would write null, and an unknown number must not look like one that nobody asked for.
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError(`${value} cannot stand in an audit log`);
  return JSON.stringify(value) ?? "null";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
