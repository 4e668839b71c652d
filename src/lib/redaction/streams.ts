import { StringDecoder } from "node:string_decoder";

type Write = NodeJS.WriteStream["write"];

/**
 * Redacts everything written to a stream of this process: our own lines, those of libraries, and Node's warnings.
 * @returns a function that bypasses it, for the one line that must contain a secret: the runner's mask command
 */
export function guardWrites(stream: NodeJS.WriteStream, redact: (text: string) => string): (text: string) => void {
  const write = stream.write.bind(stream) as Write;
  stream.write = guarded(write, redact);
  return (text) => void write(text);
}

/** The same stream with redaction, for code that gets this one only. */
export function guardedStream<Stream extends NodeJS.WriteStream>(stream: Stream, redact: (text: string) => string): Stream {
  const write = guarded(stream.write.bind(stream) as Write, redact);
  return Object.create(stream, { write: { value: write } }) as Stream;
}

function guarded(write: Write, redact: (text: string) => string): Write {
  const decoder = new StringDecoder("utf8");
  return ((chunk: string | Uint8Array, ...rest: never[]) => {
    const text = typeof chunk === "string" ? chunk : decoder.write(Buffer.from(chunk));
    return write(redact(text), ...rest);
  }) as Write;
}
