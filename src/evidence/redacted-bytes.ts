import { isUtf8 } from "node:buffer";
import { gunzipSync, gzipSync } from "node:zlib";
import type { ArtifactService } from "../github/artifacts.ts";
import { readZip, writeZip } from "../github/zip.ts";
import { errorText } from "../lib/error-text.ts";
import type { Redaction } from "../lib/redaction/redactor.ts";

/**
 * `redacted`: text, or an archive of texts, without secrets. `binary`: neither; its bytes contain no secret, but an image may
 * show one. `refused`: why it must not leave the machine.
 */
export type RedactedBytes = { kind: "redacted" | "binary"; content: Buffer } | { kind: "refused"; why: string };

/** A trace has a file for each response that the page received. */
const archiveLimits = { files: 20_000, bytes: 512 * 1024 * 1024 };

/** No trace nests archives deeper. */
const deepest = 2;

/** A copy of the file without secrets. Text may be coloured, encoded, or in an archive. */
export function redactedBytes(content: Buffer, redaction: Redaction, depth = 0): RedactedBytes {
  if (isArchive(content))
    return depth >= deepest ? refused("an archive inside too many archives") : redactedArchive(content, redaction, depth);
  if (isCompressed(content)) return redactedCompressed(content, redaction, depth);
  const encoding = encodingOf(content);
  if (encoding) {
    const lines = redaction.lines();
    const text = inPieces(content.toString(encoding), lines);
    return { kind: "redacted", content: Buffer.from(text, encoding) };
  }
  const known = redaction.holds(content.toString("utf8")) || redaction.holds(content.toString("utf16le"));
  return known ? refused("it is not text, and contains a secret of this run") : { kind: "binary", content };
}

const linesAtOnce = 2_000;

function inPieces(text: string, redact: (lines: readonly string[]) => string[]): string {
  const lines = text.split("\n");
  const done: string[] = [];
  for (let start = 0; start < lines.length; start += linesAtOnce) done.push(...redact(lines.slice(start, start + linesAtOnce)));
  return done.join("\n");
}

function refused(why: string): RedactedBytes {
  return { kind: "refused", why };
}

function isArchive(content: Buffer): boolean {
  return content.length >= 22 && (content.readUInt32LE(0) === 0x04034b50 || content.readUInt32LE(0) === 0x06054b50);
}

function isCompressed(content: Buffer): boolean {
  return content.length >= 18 && content[0] === 0x1f && content[1] === 0x8b;
}

function encodingOf(content: Buffer): "utf8" | "utf16le" | undefined {
  if (content[0] === 0xff && content[1] === 0xfe) return "utf16le";
  return isUtf8(content) && !content.includes(0) ? "utf8" : undefined;
}

function redactedArchive(content: Buffer, redaction: Redaction, depth: number): RedactedBytes {
  try {
    let kind: "redacted" | "binary" = "redacted";
    const files = readZip(content, archiveLimits).map((file) => {
      const made = redactedBytes(file.content, redaction, depth + 1);
      if (made.kind === "refused") throw new Error(`${redaction.redact(file.name)}: ${made.why}`);
      if (made.kind === "binary") kind = "binary";
      return { name: redaction.redact(file.name), content: made.content };
    });
    return { kind, content: writeZip(files, archiveLimits) };
  } catch (error) {
    return refused(`secrets in it cannot be redacted: ${errorText(error)}`);
  }
}

function redactedCompressed(content: Buffer, redaction: Redaction, depth: number): RedactedBytes {
  try {
    const inside = gunzipSync(content, { maxOutputLength: archiveLimits.bytes });
    const made = redactedBytes(inside, redaction, depth + 1);
    return made.kind === "refused" ? made : { ...made, content: gzipSync(made.content) };
  } catch (error) {
    return refused(`secrets in it cannot be redacted: ${errorText(error)}`);
  }
}

/** The same service, which only stores redacted content. @throws Error if it cannot be redacted */
export function redactedArtifacts(artifacts: ArtifactService, redaction: Redaction): ArtifactService {
  return {
    ...artifacts,
    async upload(name, files, retentionDays) {
      const safe = files.map((file) => {
        const made = redactedBytes(file.content, redaction);
        if (made.kind === "refused") throw new Error(`${file.name}: ${made.why}`);
        return { name: redaction.redact(file.name), content: made.content };
      });
      await artifacts.upload(redaction.redact(name), safe, retentionDays);
    },
  };
}
