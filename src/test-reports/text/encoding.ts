/** Finds the encoding of a report as XML's specification does: a byte order mark, the first bytes, the declaration, UTF-8. */

/** A character that could not be read. */
export const replacement = "\u{fffd}";

/** Declarations are at the start, and short. */
const longestDeclaration = 1_024;

const marks: readonly [encoding: string, bytes: readonly number[]][] = [
  ["utf-8", [0xef, 0xbb, 0xbf]],
  ["utf-32", [0xff, 0xfe, 0, 0]],
  ["utf-32", [0, 0, 0xfe, 0xff]],
  ["utf-16le", [0xff, 0xfe]],
  ["utf-16be", [0xfe, 0xff]],
];

export interface Encoding {
  name: string;
  /** The declared encoding, if Node doesn't know it. */
  unknown?: string;
}

export function encodingOf(start: Uint8Array): Encoding {
  const marked = marks.find(([, bytes]) => bytes.every((byte, index) => start[index] === byte));
  if (marked) return { name: marked[0] };
  // A report begins with an ASCII character, which has a zero byte in UTF-16.
  const [first, second] = start;
  if (first && second === 0) return { name: "utf-16le" };
  if (first === 0 && second) return { name: "utf-16be" };
  const declared = declaredIn(start);
  if (declared === undefined) return { name: "utf-8" };
  const name = known(declared);
  if (name === undefined) return { name: "utf-8", unknown: declared };
  // It was read as single bytes, so it isn't UTF-16: .NET declares the encoding of its strings, not of the file.
  return { name: name.startsWith("utf-16") ? "utf-8" : name };
}

function declaredIn(start: Uint8Array): string | undefined {
  const text = Buffer.from(start.subarray(0, longestDeclaration)).toString("latin1").trimStart();
  if (!text.startsWith("<?xml")) return undefined;
  const end = text.indexOf("?>");
  return /\sencoding\s*=\s*["']([\w.:-]+)["']/.exec(end < 0 ? text : text.slice(0, end))?.[1];
}

function known(declared: string): string | undefined {
  // Java has names of its own, such as ISO8859_1.
  for (const label of [declared, declared.replaceAll("_", "-")]) {
    try {
      return new TextDecoder(label).encoding;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return undefined;
}

/** UTF-8 for {@link replacement}. */
const replacementBytes = Buffer.from(replacement);

/** Decodes chunks. Bytes that are no character become {@link replacement}, and are counted. */
export class Decoder {
  replaced = 0;
  readonly #decoder: InstanceType<typeof TextDecoder>;
  /** The end of the chunk before, in which a character may begin. */
  #end: Uint8Array = Buffer.alloc(0);

  constructor({ name }: Encoding) {
    this.#decoder = new TextDecoder(name);
  }

  write(chunk: Uint8Array): string {
    const text = this.#decoder.decode(chunk, { stream: true });
    // The file itself may have the character: a tool that wrote it has replaced something before.
    if (text.includes(replacement))
      this.replaced += occurrences(text, replacement) - occurrences(Buffer.concat([this.#end, chunk]), replacementBytes);
    const longest = replacementBytes.length - 1;
    // A copy, because the next chunk is read into the same buffer.
    const end = chunk.length < longest ? Buffer.concat([this.#end, chunk]) : Buffer.from(chunk.subarray(-longest));
    this.#end = end.subarray(-longest);
    return text;
  }

  end(): string {
    const text = this.#decoder.decode();
    this.replaced += occurrences(text, replacement);
    return text;
  }
}

function occurrences<Part extends string | Buffer>(whole: Searchable<Part>, part: Part): number {
  let found = 0;
  for (let at = whole.indexOf(part, 0); at >= 0; at = whole.indexOf(part, at + part.length)) found++;
  return found;
}

interface Searchable<Part> {
  indexOf(part: Part, from: number): number;
}
