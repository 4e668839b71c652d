import type { Span } from "./matcher.ts";

/**
 * Other readings of a text: how it looks on a screen, and what a program decodes from it. A reading uses the engine's own
 * replace; positions in the original are only computed for matches.
 */

interface Reading {
  /** A cheap test whether the reading could change anything. */
  applies: (text: string, view: View) => boolean;
  pattern: RegExp;
  replacement: (found: string) => string;
  /** A faster way to read a whole text, if the engine has one. */
  whole?: (text: string) => string;
}

const esc = "\u001b";
/**
 * Longer control strings are images and the like. Without a limit, an unfinished one would be read to the end again and again.
 */
const controlString = `[^\u0007${esc}\u009c]{0,4096}`;

/**
 * Characters that a terminal doesn't show: 7-bit and 8-bit ECMA-48 sequences, other control characters, and format characters
 * (zero-width, direction marks, soft hyphens, variation selectors): Unicode's Cc, Cf and Default_Ignorable_Code_Point without tab
 * and line break. Written out, because the engine is ten times slower with the property names.
 */
const unseen = [
  `(?:${esc}\\[|\u009b)[0-?]*[ -/]*[@-~]`,
  `(?:${esc}[\\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])${controlString}(?:\u0007|${esc}\\\\|\u009c)`,
  `${esc}[ -/]*[0-Z\\\\-~]`,
  "[\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u034f\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb]",
  "\\ud804[\\udcbd\\udccd]|\\ud80d[\\udc30-\\udc3f]|\\ud82f[\\udca0-\\udca3]|\\ud834[\\udd73-\\udd7a]|[\\udb40-\\udb43][\\udc00-\\udfff]",
].join("|");

const ordinary = /^[\n\t -~]*$/;

export function isOrdinary(text: string): boolean {
  return ordinary.test(text);
}

const visible: Reading = {
  applies: (_, view) => !view.isOrdinary,
  pattern: new RegExp(unseen, "g"),
  replacement: () => "",
};

/**
 * NFKD, letter by letter: a letter's only context is the marks after it, so positions map back to the original. This makes NFC,
 * NFD, NFKC and full-width forms equal.
 */
const decomposed: Reading = {
  applies: (_, view) => !view.isOrdinary,
  pattern: /[^\0-\x7f]\p{M}*|[\0-\x7f]\p{M}+/gu,
  replacement: (found) => found.normalize("NFKD"),
  whole: (text) => text.normalize("NFKD"),
};

const shortEscapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", v: "\v", 0: "\0" };

/** Backslash escapes of JSON, JavaScript, Python, C and shells. */
const unescaped: Reading = {
  applies: (text) => text.includes("\\"),
  pattern: /(?:\\x[0-9a-fA-F]{2})+|\\u\{[0-9a-fA-F]{1,6}\}|\\u[0-9a-fA-F]{4}|\\[^xu]/gs,
  replacement(found) {
    const kind = found[1] ?? "";
    if (kind === "x") return bytesAsText(found.replaceAll("\\x", ""));
    if (kind === "u") return character(Number.parseInt(found.replace(/[\\u{}]/g, ""), 16)) ?? found;
    return shortEscapes[kind] ?? found.slice(1);
  },
};

const percentDecoded: Reading = {
  applies: (text) => /%[0-9a-fA-F]{2}/.test(text),
  pattern: /(?:%[0-9a-fA-F]{2})+/g,
  replacement: (found) => bytesAsText(found.replaceAll("%", "")),
};

/** A map, because an object also has members such as `toString`. */
const namedEntities: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...{ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", sol: "/", bsol: "\\", equals: "=", plus: "+" },
    ...{ num: "#", excl: "!", percnt: "%", dollar: "$", commat: "@", colon: ":", semi: ";", quest: "?", grave: "`", lowbar: "_" },
    ...{ lpar: "(", rpar: ")", lbrack: "[", lsqb: "[", rbrack: "]", rsqb: "]", lbrace: "{", lcub: "{", rbrace: "}", rcub: "}" },
    ...{ ast: "*", midast: "*", comma: ",", period: ".", hat: "^", vert: "|", verbar: "|", Tab: "\t", NewLine: "\n" },
  }),
);

const entitiesDecoded: Reading = {
  applies: (text) => text.includes("&") && /&(?:#|[A-Za-z]{2,8};)/.test(text),
  pattern: /&(?:#[xX][0-9a-fA-F]{1,6}|#\d{1,7}|[A-Za-z]{2,8});/g,
  replacement(found) {
    const name = found.slice(1, -1);
    if (!name.startsWith("#")) return namedEntities.get(name) ?? found;
    const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10);
    return character(code) ?? found;
  },
};

/** Text that a reporter wrapped at a fixed width, with the blanks that it puts at the start of each line. */
const joined: Reading = { applies: (text) => text.includes("\n"), pattern: /\n\s*/g, replacement: () => "" };

/** The same for reporters that draw a margin. */
const joinedAtMargin: Reading = {
  applies: (text) => /\n\s*[│┃|>]/.test(text),
  pattern: /\n[\s│┃|>]*/g,
  replacement: () => "",
};

const squeezed: Reading = { applies: (text) => /\s/.test(text), pattern: /\s+/g, replacement: () => "" };

function character(code: number): string | undefined {
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}

/** Decodes hexadecimal bytes: as UTF-8 if valid, as in URLs and Python, otherwise one character per byte, as in JavaScript. */
function bytesAsText(hex: string): string {
  const bytes = Buffer.from(hex, "hex");
  const text = bytes.toString("utf8");
  return text.includes("\ufffd") ? bytes.toString("latin1") : text;
}

/** A decoded text, and the way back to the text it was decoded from. */
export class View {
  readonly text: string;
  readonly from: { view: View; reading: Reading } | undefined;
  /** Whether line breaks were removed. */
  readonly acrossLines: boolean;
  #isOrdinary: boolean | undefined;

  constructor(text: string, from?: { view: View; reading: Reading }) {
    this.text = text;
    this.from = from;
    this.acrossLines =
      from !== undefined && (from.view.acrossLines || from.reading === joined || from.reading === joinedAtMargin);
  }

  /** Cached, because several readings ask for it and it is slow. */
  get isOrdinary(): boolean {
    this.#isOrdinary ??= isOrdinary(this.text);
    return this.#isOrdinary;
  }
}

function read(view: View, reading: Reading): View {
  if (!reading.applies(view.text, view)) return view;
  const text = reading.whole ? reading.whole(view.text) : view.text.replace(reading.pattern, reading.replacement);
  return text === view.text ? view : new View(text, { view, reading });
}

/** No real output nests escapes deeper, and crafted text must not cost more. */
const mostLayers = 5;

const asShown: readonly Reading[] = [visible, decomposed];
const asRead: readonly Reading[] = [entitiesDecoded, percentDecoded, unescaped, visible, decomposed];

/** The text as a person sees it. */
export function shown(text: string): string {
  return asShown.reduce(read, new View(text)).text;
}

export interface Closeness {
  /** Also looks at each step within a layer: the secret may itself contain escapes, which the next step would decode. */
  closely: boolean;
}

/** The text as a person sees it, then what is decoded from that, layer by layer, as long as something changes. */
function readingsOf(view: View, { closely }: Closeness): View[] {
  const views: View[] = [];
  let last = view;
  for (let layer = 0; layer <= mostLayers; layer++) {
    let next = last;
    for (const reading of layer === 0 ? asShown : asRead) {
      const made = read(next, reading);
      if (closely && made !== next) views.push(made);
      next = made;
    }
    if (next === last && layer > 0) break;
    if (!closely && next !== last) views.push(next);
    last = next;
  }
  return views;
}

const escapes = /\\|%[0-9a-f]{2}|&(?:#|\w+;)/i;

/** Whether decoding escapes would change the text. */
export function holdsEscapes(text: string): boolean {
  return escapes.test(text);
}

/**
 * The text itself, and every way to read it.
 * @param mayBeWrapped whether a secret may span a line break
 */
export function viewsOf(text: string, closeness: Closeness, mayBeWrapped: (view: View) => boolean = () => true): View[] {
  const whole = new View(text);
  const views = [whole, ...readingsOf(whole, closeness)];
  // Also line breaks written as an escape, as in messages inside JSON. This comes first, because an escape may continue after the
  // break.
  const lines = text.includes("\\n") ? [read(whole, unescaped)] : [];
  for (const view of [...views, ...lines]) {
    if (!view.text.includes("\n") || !mayBeWrapped(view)) continue;
    for (const reading of [joined, joinedAtMargin]) {
      const flat = read(view, reading);
      if (flat !== view) views.push(flat, ...readingsOf(flat, closeness));
    }
  }
  return views;
}

export function withoutSpace(view: View): View {
  return read(view, squeezed);
}

/** Applies the same readings as {@link viewsOf} to a secret, so that a secret with escapes is read like the text around it. */
export function readForms(text: string): string[] {
  return readingsOf(new View(text), { closely: true }).map((view) => view.text);
}

export function squeezedForm(text: string): string {
  return text.replace(/\s+/g, "");
}

/** Maps ranges of a view back to the original text. */
export function inOriginal(view: View, spans: readonly Span[]): Span[] {
  if (!view.from || spans.length === 0) return [...spans];
  return inOriginal(view.from.view, inSource(view.from.view.text, view.from.reading, view.text.length, spans));
}

function inSource(source: string, { pattern, replacement, whole }: Reading, length: number, spans: readonly Span[]): Span[] {
  // The replaced parts in order: where each was in the source, and where its replacement is.
  const pieces: { from: Span; to: Span }[] = [];
  let shift = 0;
  for (const match of source.matchAll(pattern)) {
    const from = { start: match.index, end: match.index + match[0].length };
    const made = replacement(match[0]).length;
    pieces.push({ from, to: { start: from.start + shift, end: from.start + shift + made } });
    shift += made - match[0].length;
  }
  if (whole && source.length + shift !== length) return [{ start: 0, end: source.length }];
  return spans.map(({ start, end }) => ({ start: placeOf(pieces, start, "start"), end: placeOf(pieces, end - 1, "end") }));
}

/** Maps the start or end of one character of the view to its position in the source. */
function placeOf(pieces: readonly { from: Span; to: Span }[], at: number, edge: "start" | "end"): number {
  let low = 0;
  let high = pieces.length;
  // The first piece that begins after the character.
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((pieces[middle]?.to.start ?? 0) > at) high = middle;
    else low = middle + 1;
  }
  const piece = pieces[low - 1];
  if (!piece) return edge === "start" ? at : at + 1;
  if (at < piece.to.end) return edge === "start" ? piece.from.start : piece.from.end;
  const place = piece.from.end + (at - piece.to.end);
  return edge === "start" ? place : place + 1;
}
