import { afterSpace, decoded, endOfName, isNameAt, type Position, positionAfter, signs } from "./characters.ts";

/** Receives what is found. */
export interface XmlSink {
  open(name: string, attributes: Record<string, string>): void;
  close(name: string): void;
  /** Also that of CDATA sections. */
  text(text: string): void;
  /** The part that is kept of a text longer than this. */
  kept(text: string): string;
}

/** The rest of a part is in the next piece. */
const incomplete = -1;
/** The library decides what it is. */
const strange = -2;

const [comment, cdata] = ["<!--", "<![CDATA["];
const declaration =
  /^<\?xml version=(["'])1\.0\1(?: encoding=(["'])[A-Za-z][\w.-]*\2)?(?: standalone=(["'])(?:yes|no)\3)?[ \t\n]*\?>/;

/** No report contains it: see forbidden characters. */
const behind = "\0";

/** So that attributes are a plain record, whatever their names are. With `null` itself the engine would make each of them a slow one. */
const nothing: object = Object.freeze(Object.create(null));

/**
 * Reads the XML that tools write: tags with ASCII names and quoted values, text, references, comments and CDATA sections. In front
 * of anything else it stops: what is no XML, and how a fault is called, is decided by a library alone. The library looks at each
 * character; this searches for the end of each part, which is several times as fast.
 */
export class PlainXml {
  readonly #sink: XmlSink;
  readonly #cdata: (text: string) => void;
  readonly #open: string[] = [];
  readonly #less = new Next("<");
  readonly #reference = new Next("&");
  readonly #newline = new Next("\n");
  readonly #tab = new Next("\t");
  readonly #wrongEnd = new Next("]]>");
  readonly #tags = new Map<string, Tag>();
  /** By the number of open elements: mostly, the next one there has the same name. */
  readonly #lastAt: Tag[] = [];
  #state: "start" | "before root" | "inside" | "after root" = "start";
  #text = "";
  /** How much of the text was read when the last part was found. */
  #at = 0;
  /** Where the text begins. */
  #begin: Position = { line: 1, column: 0 };

  /** `cdata` is called for a CDATA section, instead of the sink. */
  constructor(sink: XmlSink, cdata: (text: string) => void) {
    this.#sink = sink;
    this.#cdata = cdata;
  }

  /** The names of the open elements, outermost first. */
  get open(): readonly string[] {
    return this.#open;
  }

  get isComplete(): boolean {
    return this.#state === "after root";
  }

  get position(): Position {
    return positionAfter(this.#begin, this.#text, this.#at);
  }

  /** Short XML after which a parser expects the same as after what was read. */
  get equivalent(): string {
    if (this.#state === "start") return "";
    const elements = this.isComplete ? "<a/>" : this.#open.map((name) => `<${name}>`).join("");
    return `<?xml version="1.0"?>${elements}`;
  }

  /** @returns the rest, to be read again with more behind it; `isStrange`: the library must read it */
  read(piece: string): { rest: string; isStrange: boolean } {
    // Looking behind the end of a text would make the engine discard its fast code.
    const text = `${piece}${behind}`;
    this.#text = text;
    for (const sign of [this.#less, this.#reference, this.#newline, this.#tab, this.#wrongEnd]) sign.searchIn(text);
    let end = 0;
    let next = 0;
    while (end < piece.length) {
      next = this.#part(text, end);
      if (next < 0) break;
      end = next;
    }
    this.#at = end;
    this.#begin = this.position;
    this.#text = "";
    this.#at = 0;
    return { rest: piece.slice(end), isStrange: next === strange };
  }

  #start(text: string): number {
    const found = declaration.exec(text);
    const begin = text.slice(0, -behind.length).slice(0, "<?xml".length);
    if (!found && "<?xml".startsWith(begin)) return text.includes(">") ? strange : incomplete;
    if (text.charCodeAt(0) !== signs.less) return strange;
    this.#state = "before root";
    return found?.[0].length ?? 0;
  }

  /** @returns where the next part begins, or {@link incomplete}, or {@link strange} */
  #part(text: string, from: number): number {
    if (this.#state === "start") return this.#start(text);
    if (text.charCodeAt(from) !== signs.less) return this.#characters(text, from);
    const kind = text.charCodeAt(from + 1);
    if (kind === signs.slash) return this.#closeTag(text, from);
    return kind === signs.bang ? this.#section(text, from) : this.#openTag(text, from);
  }

  #characters(text: string, from: number): number {
    const end = this.#less.after(from);
    if (end === none) return incomplete;
    let found = text.slice(from, end);
    if (this.#state !== "inside") return afterSpace(text, from) === end ? end : strange;
    if (this.#wrongEnd.isWithin(from, end)) return strange;
    if (this.#reference.isWithin(from, end)) {
      const plain = decoded(found);
      if (plain === undefined) return strange;
      found = plain;
    }
    this.#at = end + 1;
    this.#sink.text(found);
    return end;
  }

  #closeTag(text: string, from: number): number {
    const name = this.#open.at(-1);
    if (name === undefined) return strange;
    const end = from + 2 + name.length;
    if (!text.startsWith(name, from + 2) || text.charCodeAt(end) !== signs.greater) return stopped(text, end);
    this.#at = end + 1;
    this.#close(name);
    return end + 1;
  }

  #close(name: string): void {
    this.#open.pop();
    if (this.#open.length === 0) this.#state = "after root";
    this.#sink.close(name);
  }

  #section(text: string, from: number): number {
    if (text.startsWith(comment, from)) {
      const end = text.indexOf("--", from + comment.length);
      if (end < 0) return incomplete;
      return text.charCodeAt(end + 2) === signs.greater ? end + 3 : stopped(text, end + 2);
    }
    if (this.#state === "inside" && text.startsWith(cdata, from)) {
      const end = text.indexOf("]]>", from + cdata.length);
      if (end < 0) return incomplete;
      this.#at = end + 3;
      this.#cdata(text.slice(from + cdata.length, end));
      return end + 3;
    }
    return stopped(text, from + cdata.length);
  }

  #openTag(text: string, from: number): number {
    const tag = this.#tagAt(text, from);
    const attributes: Record<string, string> = Object.create(nothing);
    let at = from + 1 + tag.name.length;
    for (let number = 0; ; number++) {
      const next = afterSpace(text, at);
      const sign = text.charCodeAt(next);
      if (sign === signs.greater) return this.#opened(tag.name, attributes, next + 1);
      if (sign === signs.slash) {
        if (text.charCodeAt(next + 1) !== signs.greater) return stopped(text, next + 1);
        return this.#opened(tag.name, attributes, next + 2, true);
      }
      if (next === at) return stopped(text, at);
      const expected = tag.attributes[number];
      const begun = expected && text.startsWith(expected.text, at) ? expected : attributeAt(text, at, next);
      if (begun === undefined) return stopped(text, endOfName(text, next) + 1);
      if (begun !== expected) tag.attributes[number] = begun;
      at = this.#value(text, at + begun.text.length, begun, attributes);
      if (at < 0) return at;
    }
  }

  #tagAt(text: string, from: number): Tag {
    const before = this.#lastAt[this.#open.length];
    if (before && text.startsWith(before.name, from + 1) && !isNameAt(text, from + 1 + before.name.length)) return before;
    const name = text.slice(from + 1, endOfName(text, from + 1));
    const known = this.#tags.get(name);
    const tag = known ?? { name: shared(name), attributes: [] };
    if (!known && this.#tags.size < mostTags) this.#tags.set(tag.name, tag);
    this.#lastAt[this.#open.length] = tag;
    return tag;
  }

  #opened(name: string, attributes: Record<string, string>, end: number, isClosed = false): number {
    if (name === "" || this.isComplete) return strange;
    this.#state = "inside";
    this.#at = end;
    this.#open.push(name);
    this.#sink.open(name, attributes);
    if (isClosed) this.#close(name);
    return end;
  }

  #value(text: string, begin: number, { name, quote }: AttributeBegin, attributes: Record<string, string>): number {
    const end = text.indexOf(quote, begin);
    if (end < 0) return incomplete;
    if (attributes[name] !== undefined || this.#less.isWithin(begin, end)) return strange;
    let value = text.slice(begin, end);
    if (this.#newline.isWithin(begin, end) || this.#tab.isWithin(begin, end)) value = value.replace(/[\n\t]/g, " ");
    if (this.#reference.isWithin(begin, end)) {
      const plain = decoded(value);
      if (plain === undefined) return strange;
      value = plain;
    }
    attributes[name] = value;
    return end + 1;
  }
}

/** Other elements of the name mostly have the same attributes in the same order, so that only the values have to be looked for. */
interface Tag {
  name: string;
  attributes: AttributeBegin[];
}

interface AttributeBegin {
  /** All until its value, such as ` name="`. */
  text: string;
  name: string;
  quote: string;
}

/** A report has some ten. */
const mostTags = 100;

function attributeAt(text: string, from: number, name: number): AttributeBegin | undefined {
  const end = endOfName(text, name);
  const quote = text.charAt(end + 1);
  if (end === name || text.charCodeAt(end) !== signs.equals || !(quote === '"' || quote === "'")) return undefined;
  return { text: shared(text.slice(from, end + 2)), name: shared(text.slice(name, end)), quote };
}

/** Why a part cannot be read on from there. */
function stopped(text: string, at: number): number {
  return at >= text.length - behind.length ? incomplete : strange;
}

/** A copy that doesn't keep the whole text in memory. As a key it is the same string each time, so that its hash is known. */
function shared(name: string): string {
  return Object.keys({ [name]: true })[0] ?? name;
}

const none = Number.POSITIVE_INFINITY;

/** Where a sign comes next in a text that is read from its beginning. Each search begins where the last one ended. */
class Next {
  readonly #sign: string;
  #text = "";
  #at = -1;

  constructor(sign: string) {
    this.#sign = sign;
  }

  searchIn(text: string): void {
    this.#text = text;
    this.#at = -1;
  }

  /** The first from there on; {@link none} if there is none. */
  after(from: number): number {
    if (this.#at < from) {
      const found = this.#text.indexOf(this.#sign, from);
      this.#at = found < 0 ? none : found;
    }
    return this.#at;
  }

  isWithin(from: number, end: number): boolean {
    return this.after(from) < end;
  }
}
