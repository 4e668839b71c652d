import { dirname } from "node:path";
import { count } from "../../lib/count.ts";
import { isInside, NotAPlainFile, openPlain } from "../../lib/plain-file.ts";
import { UnreadableReport } from "../reported.ts";
import { Decoder, type Encoding, encodingOf } from "./encoding.ts";
import { ForbiddenCharacters } from "./forbidden.ts";

/** Each read is a task for another thread, and waiting for it takes longer than reading. */
const readBytes = 256 * 1024;
/** A part of what was read. Its text is alive while it is parsed, and V8 makes more room for what is alive whenever it looks. */
const chunkBytes = 16 * 1024;
/** The first part, by which the format is recognised. */
const startBytes = 32 * 1024;

export interface ReportFile {
  path: string;
  /** The file's name in errors. */
  name: string;
  workspace?: string;
}

/** The text of one report, in chunks. `notes` says afterwards what could not be read as it was written. */
export class ReportText {
  readonly #file: ReportFile;
  #encoding: Encoding | undefined;
  #decoder: Decoder | undefined;
  #forbidden: ForbiddenCharacters | undefined;

  constructor(file: ReportFile) {
    this.#file = file;
  }

  /**
   * Starts at the first character that isn't white space. There is at least one chunk. Leaving the loop closes the file.
   * @throws UnreadableReport if it is empty, in UTF-32, or a link
   */
  async *chunks(): AsyncGenerator<string, void, void> {
    let begun = false;
    for await (const chunk of this.#decoded()) {
      const text: string = begun ? chunk : chunk.trimStart();
      begun ||= text !== "";
      if (text !== "") yield text;
    }
    if (!begun) throw new UnreadableReport("EA6004", this.#file.name, "empty");
  }

  /** Replaces what a parser of this syntax would refuse. */
  async *allowed(syntax: "xml" | "json", chunks: AsyncIterable<string>): AsyncGenerator<string, void, void> {
    const characters = new ForbiddenCharacters(syntax);
    this.#forbidden = characters;
    for await (const chunk of chunks) yield characters.write(chunk);
    yield characters.end();
  }

  notes(): string[] {
    const { name = "utf-8", unknown } = this.#encoding ?? {};
    const [bytes, characters] = [this.#decoder?.replaced ?? 0, this.#forbidden?.replaced ?? 0];
    return [
      ...(unknown === undefined ? [] : [`the encoding ${unknown} is not known, so it was read as UTF-8`]),
      ...(bytes > 0
        ? [`${count(bytes, "place")} that ${bytes === 1 ? "is" : "are"} not ${name.toUpperCase()} became U+FFFD`]
        : []),
      ...(characters > 0 ? [`${count(characters, "forbidden character")} became U+FFFD`] : []),
    ];
  }

  async *#decoded(): AsyncGenerator<string, void, void> {
    const file = await openReport(this.#file);
    try {
      // One buffer for all chunks: a stream's own buffers pile up until the garbage collector comes.
      const buffer = Buffer.allocUnsafe(readBytes);
      for (;;) {
        const { bytesRead } = await file.read(buffer);
        if (bytesRead === 0) break;
        const read = buffer.subarray(0, bytesRead);
        let from = 0;
        if (this.#decoder === undefined) {
          this.#decoder = this.#decoderFor(read);
          from = startBytes;
          yield this.#decoder.write(read.subarray(0, startBytes));
        }
        for (; from < bytesRead; from += chunkBytes) yield this.#decoder.write(read.subarray(from, from + chunkBytes));
      }
    } finally {
      await file.close();
    }
    yield this.#decoder?.end() ?? "";
  }

  #decoderFor(start: Uint8Array): Decoder {
    const encoding = encodingOf(start);
    if (isCompressed(start))
      throw new UnreadableReport("EA6004", this.#file.name, "compressed: expected the report itself, not an archive");
    if (encoding.name === "utf-32") throw new UnreadableReport("EA6004", this.#file.name, "in UTF-32: expected UTF-8 or UTF-16");
    this.#encoding = encoding;
    return new Decoder(encoding);
  }
}

/** Of gzip, zip and zstd. */
const archives = [
  [0x1f, 0x8b],
  [0x50, 0x4b, 0x03, 0x04],
  [0x28, 0xb5, 0x2f, 0xfd],
] as const;

function isCompressed(start: Uint8Array): boolean {
  return archives.some((mark) => mark.every((byte, index) => start[index] === byte));
}

/**
 * Folders on the way may be links inside the workspace, as some build tools create them. A configured path outside it is its own
 * root.
 */
async function openReport({ path, name, workspace = dirname(path) }: ReportFile) {
  const place = isInside(workspace, path) ? { root: workspace, linkedFolders: true } : { root: dirname(path) };
  try {
    return await openPlain(path, { ...place, hardLinks: true });
  } catch (error) {
    const reason = whyNotOpened(error, path);
    if (reason === undefined) throw error;
    throw new UnreadableReport("EA6004", name, `not read: ${reason}`);
  }
}

function whyNotOpened(error: unknown, path: string): string | undefined {
  if (error instanceof NotAPlainFile)
    return `${error.message.replace(path, "it")}. The tests must write the report file itself to this path`;
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EACCES" || code === "EPERM") return `this user may not read it (${code})`;
  return code === "ENOENT" ? "it disappeared while the reports were read" : undefined;
}
