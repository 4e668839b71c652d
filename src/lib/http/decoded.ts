import { pipeline, type Readable, Transform, type TransformCallback } from "node:stream";
import * as zlib from "node:zlib";

/** Decodes a compressed body as `fetch` does. Loaded when there is one. */

/** Each could make a thousand times as much of what it gets. */
const mostCodings = 5;

/**
 * @param encoding the header Content-Encoding. If it names a coding that is not known, the body is given as it came
 * @throws Error if it names too many
 */
export function decode(body: Readable, encoding: string): Readable {
  const codings = encoding.toLowerCase().split(",");
  if (codings.length > mostCodings)
    throw new Error(`too many content-encodings in response: ${codings.length}, maximum allowed is ${mostCodings}`);
  const decoders = codings.reverse().map((coding) => decoderOf(coding.trim()));
  if (!decoders.every((decoder) => decoder !== undefined)) return body;
  // What failed is thrown by the last one.
  return pipeline([body, ...decoders], () => undefined) as unknown as Transform;
}

/** Servers end compressed bodies early, and browsers show what there is. */
const lenient = { flush: zlib.constants.Z_SYNC_FLUSH, finishFlush: zlib.constants.Z_SYNC_FLUSH };
const lenientBrotli = {
  flush: zlib.constants.BROTLI_OPERATION_FLUSH,
  finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH,
};

function decoderOf(coding: string): Transform | undefined {
  switch (coding) {
    case "gzip":
    case "x-gzip":
      return zlib.createGunzip(lenient);
    case "deflate":
      return new Inflate();
    case "br":
      return zlib.createBrotliDecompress(lenientBrotli);
    case "zstd":
      // Not in Node 22.14 and older.
      return "createZstdDecompress" in zlib ? zlib.createZstdDecompress() : undefined;
    default:
      return undefined;
  }
}

/** With the header of zlib, as the standard says, or without, as some servers send it. */
class Inflate extends Transform {
  #inflate: Transform | undefined;
  /** zlib ends where the compressed text does, whatever follows. */
  #isOver = false;

  override _transform(chunk: Buffer, encoding: BufferEncoding, done: TransformCallback): void {
    if (chunk.length > 0) this.#inflate ??= this.#begin(chunk[0] ?? 0);
    if (this.#inflate && !this.#isOver) this.#inflate.write(chunk, encoding, done);
    else done();
  }

  #begin(first: number): Transform {
    const inflate = (first & 0x0f) === 0x08 ? zlib.createInflate(lenient) : zlib.createInflateRaw(lenient);
    inflate.on("data", (chunk) => this.push(chunk));
    inflate.on("error", (error) => this.destroy(error));
    inflate.once("end", () => {
      this.#isOver = true;
    });
    return inflate;
  }

  override _flush(done: TransformCallback): void {
    if (this.#inflate && !this.#isOver) this.#inflate.once("end", () => done()).end();
    else done();
  }
}
