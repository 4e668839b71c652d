import { replacement } from "./encoding.ts";

/**
 * Terminal escapes and the like, which XML and JSON forbid. Some writers leave them in, as they are or as a reference such as
 * `&#27;`, and no report should be lost because of that.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
const forbidden = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g;

const reference = /&#(?:(\d+)|x([\da-fA-F]+));/g;

/** Where references are plain text: how it begins and ends. */
const literal = [
  ["<![CDATA[", "]]>"],
  ["<!--", "-->"],
] as const;

/** Leading zeros make a reference longer, but no writer adds more than a few. */
const longestReference = 64;

/** Replaces forbidden characters. Chunks may split anything. */
export class ForbiddenCharacters {
  replaced = 0;
  readonly #xml: boolean;
  /** The end of the comment or CDATA section that the chunks are in. */
  #inside: string | undefined;
  /** The end of the chunk before, which may be the start of a reference or of a section. */
  #kept = "";

  constructor(syntax: "xml" | "json") {
    this.#xml = syntax === "xml";
  }

  write(chunk: string): string {
    const text = chunk.replace(forbidden, this.#replace);
    return this.#xml ? this.#withoutReferences(this.#kept + text) : text;
  }

  end(): string {
    return this.#kept;
  }

  readonly #replace = (): string => {
    this.replaced++;
    return replacement;
  };

  #withoutReferences(text: string): string {
    const complete = completeUntil(text);
    let done = "";
    let from = 0;
    for (;;) {
      if (this.#inside !== undefined) {
        const at = text.indexOf(this.#inside, from);
        const end = at < 0 ? Math.max(from, text.length - this.#inside.length + 1) : at + this.#inside.length;
        done += text.slice(from, end);
        from = end;
        if (at < 0) break;
        this.#inside = undefined;
      }
      const { end, begun } = nextSection(text, from, Math.max(from, complete));
      done += this.#replaced(text.slice(from, end));
      from = end;
      if (begun === undefined) break;
      this.#inside = begun;
    }
    this.#kept = text.slice(from);
    return done;
  }

  #replaced(text: string): string {
    if (!text.includes("&#")) return text;
    return text.replace(reference, (whole, decimal?: string, hex?: string) => {
      const code = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number.parseInt(decimal, 10);
      return isCharacter(code) ? whole : this.#replace();
    });
  }
}

/** Where the next comment or CDATA section begins, and what ends it; `complete` without one. */
function nextSection(text: string, from: number, complete: number): { end: number; begun?: string } {
  for (let at = text.indexOf("<!", from); at >= 0; at = text.indexOf("<!", at + 1)) {
    const begun = literal.find(([begin]) => text.startsWith(begin, at));
    if (begun) return { end: at + begun[0].length, begun: begun[1] };
  }
  return { end: complete };
}

/** How much of the text can be looked at: the rest may be the start of a reference or section that the next chunk ends. */
function completeUntil(text: string): number {
  const start = Math.max(text.length - longestReference, 0);
  const tail = text.slice(start);
  const markup = tail.lastIndexOf("<");
  if (markup >= 0 && literal.some(([begin]) => begin.startsWith(tail.slice(markup)))) return start + markup;
  const entity = tail.lastIndexOf("&");
  return entity >= 0 && /^&(?:#(?:x[\da-fA-F]*|\d*))?$/.test(tail.slice(entity)) ? start + entity : text.length;
}

/** Whether XML 1.0 allows it. */
function isCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff);
}
