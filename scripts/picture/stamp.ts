import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** What a picture was drawn from, as a comment inside the PNG file, so that a test can say when it is out of date. */

const keyword = "env-actions-source";
const headLength = 8;

/** SHA-256 of the text, in hex. */
export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** @returns the picture with the digest of its source */
export function stamped(png: Buffer, digest: string): Buffer {
  const chunk = textChunk(`${keyword}\0${digest}`);
  // The first chunk is IHDR: 8 bytes of head, 13 of content, 4 of checksum.
  const after = headLength + 25;
  return Buffer.concat([png.subarray(0, after), chunk, png.subarray(after)]);
}

/** @returns the digest of what the picture was drawn from; undefined if it says nothing */
export function stampOf(png: Buffer): string | undefined {
  for (let at = headLength; at + 12 <= png.length; at += 12 + png.readUInt32BE(at)) {
    const content = png.toString("latin1", at + 8, at + 8 + png.readUInt32BE(at));
    if (png.toString("latin1", at + 4, at + 8) === "tEXt" && content.startsWith(`${keyword}\0`))
      return content.slice(keyword.length + 1);
  }
  return undefined;
}

function textChunk(text: string): Buffer {
  const body = Buffer.from(`tEXt${text}`, "latin1");
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(body.length - 4, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}
