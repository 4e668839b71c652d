import { UnreadableReport } from "../../reported.ts";
import { afterSpace } from "./characters.ts";
import { LibraryXml } from "./library.ts";
import { PlainXml, type XmlSink } from "./plain.ts";

/** More between the signs of `]]>` would no longer look like its end. */
const longestDamage = 8;

/** The library reads a part that is longer: it doesn't need all of it at once. */
const longestPart = 64 * 1024;

/** The parser of all XML reports: it refuses entities, says where a report is damaged, and keeps no text of any length. */
export class XmlParser {
  readonly #file: string;
  readonly #sink: XmlSink;
  readonly #plain: PlainXml;
  /** Once it has begun, it reads the rest. */
  #library: LibraryXml | undefined;
  /** The beginning of a part that isn't complete yet. */
  #waiting = "";
  #endsWithReturn = false;
  #ending = false;

  /** @param byLibrary whether the library reads all of it, to compare with */
  constructor(file: string, sink: XmlSink, byLibrary = false) {
    this.#file = file;
    this.#sink = sink;
    this.#plain = new PlainXml(sink, this.#cdata);
    if (byLibrary) this.#toLibrary();
  }

  write(piece: string): void {
    const lines = this.#withPlainLines(piece);
    if (this.#library) {
      this.#library.write(lines);
      return;
    }
    const { rest, isStrange } = this.#plain.read(this.#waiting + lines);
    this.#waiting = rest;
    if (isStrange || rest.length > longestPart) this.#toLibrary();
  }

  end(): void {
    if (!this.#library && this.#plain.isComplete && afterSpace(this.#waiting, 0) === this.#waiting.length) return;
    const library = this.#toLibrary();
    this.#ending = true;
    library.end();
  }

  refusal(cause: string): UnreadableReport {
    const { line, column } = (this.#library ?? this.#plain).position;
    return new UnreadableReport("EA6004", this.#file, cause, `line ${line}, column ${column}`);
  }

  #toLibrary(): LibraryXml {
    if (this.#library) return this.#library;
    const { equivalent, position: begin } = this.#plain;
    const library = new LibraryXml(
      this.#sink,
      { cdata: this.#cdata, doctype: this.#doctype, fault: this.#fault },
      { equivalent, begin },
    );
    this.#library = library;
    library.write(this.#waiting);
    this.#waiting = "";
    return library;
  }

  /** For XML, the line ends of Windows are those of Unix. */
  #withPlainLines(piece: string): string {
    if (piece === "") return piece;
    const begin = this.#endsWithReturn && piece.startsWith("\n") ? 1 : 0;
    this.#endsWithReturn = piece.endsWith("\r");
    return piece.includes("\r") ? piece.slice(begin).replace(/\r\n?/g, "\n") : piece.slice(begin);
  }

  readonly #fault = (cause: string): void => {
    throw this.refusal(this.#ending ? `truncated: ${cause}` : `malformed XML: ${cause}`);
  };

  readonly #doctype = (doctype: string): void => {
    if (doctype.includes("[")) throw this.refusal("it declares entities: no test runner writes them, and they can be an attack");
  };

  readonly #cdata = (text: string): void => {
    this.#requireWholeEnd(text);
    this.#sink.text(text);
  };

  /** A CDATA section whose end is damaged goes on to the end of another one. The tests between them would be its text. */
  #requireWholeEnd(text: string): void {
    const { open } = this.#library ?? this.#plain;
    const [outer, own] = open.slice(-2).map((name) => name.replaceAll(".", "\\."));
    if (own === undefined || !text.includes(`</${open.at(-1)}>`)) return;
    const damaged = new RegExp(`(?<!\\])\\](?!\\]>)\\]?[^\\]>]{0,${longestDamage}}>\\s*</${own}>\\s*</${outer}>`).exec(text);
    if (damaged) throw this.refusal(`damaged: expected ]]> at the end of a text, got ${damaged[0].split(">", 1)[0]}>`);
  }
}
