import { SaxesParser } from "saxes";
import type { Position } from "./characters.ts";
import type { XmlSink } from "./plain.ts";

/** The longest text of an element or attribute; the rest is read and discarded. */
export const longestText = 16_384;

/** The library that decides what is XML. It can begin in the middle of a document. */
export class LibraryXml {
  readonly #sink: XmlSink;
  readonly #parser = new SaxesParser<{ xmlns: false; position: true }>({ xmlns: false, position: true });
  readonly #open: string[] = [];
  readonly #begin: Position;
  /** What it read instead of the document's beginning: its column there, all in one line. */
  readonly #skipped: number;

  /**
   * @param equivalent read instead of the document's beginning, which ends at the position `begin`
   * @param refuse throws an error for a fault; `isEntities`: …
   */
  constructor(
    sink: XmlSink,
    handlers: { cdata: (text: string) => void; doctype: (text: string) => void; fault: (cause: string) => void },
    { equivalent, begin }: { equivalent: string; begin: Position },
  ) {
    this.#sink = sink;
    this.#begin = begin;
    this.#skipped = equivalent.length;
    const parser = this.#parser;
    let isSilent = true;
    parser.on("error", (error) => handlers.fault(error.message.replace(/^\d+:\d+: /, "").replace(/\.$/, "")));
    parser.on("doctype", handlers.doctype);
    parser.on("opentag", ({ name, attributes }) => {
      this.#open.push(name);
      if (!isSilent) sink.open(name, attributes);
    });
    parser.on("closetag", ({ name }) => {
      this.#open.pop();
      if (!isSilent) sink.close(name);
    });
    parser.on("text", (text) => sink.text(text));
    parser.on("cdata", handlers.cdata);
    parser.write(equivalent);
    isSilent = false;
  }

  /** The names of the open elements, outermost first. */
  get open(): readonly string[] {
    return this.#open;
  }

  get position(): Position {
    const { line, column } = this.#parser;
    if (line > 1) return { line: this.#begin.line + line - 1, column };
    return { line: this.#begin.line, column: this.#begin.column + column - this.#skipped };
  }

  write(piece: string): void {
    this.#parser.write(piece);
    this.#forgetLongText();
  }

  end(): void {
    this.#parser.close();
  }

  /** The parser collects each text until its end, and a log may be larger than memory. It has no public way to skip text. */
  #forgetLongText(): void {
    // biome-ignore lint/complexity/useLiteralKeys: the dot does not reach what is private
    const gathered = this.#parser["text"];
    // biome-ignore lint/complexity/useLiteralKeys: the same
    if (gathered.length > longestText) this.#parser["text"] = this.#sink.kept(gathered);
  }
}
