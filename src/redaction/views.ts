import type { Span } from "./matcher.ts";

/**
 * Other readings of a text: what a person sees of it, and what a program reads out of it. A reading is made with the engine's own
 * replace; where a part of it lies in the original is only worked out when something was found.
 */

interface Reading {
  name: string;
  /** Whether it could change anything; cheap. */
  applies: (text: string) => boolean;
  pattern: RegExp;
  replacement: (found: string) => string;
}

const esc = "\u001b";
/** Longer control strings are images and the like; without a limit an unfinished one would be read to the end again and again. */
const controlString = `[^\u0007${esc}\u009c]{0,4096}`;

/**
 * What a terminal does not show: ECMA-48 sequences in their 7-bit and 8-bit forms, other controls, and format characters (zero-width,
 * direction marks, soft hyphens, variation selectors). Tab and line break are kept.
 */
const unseen = [
  `(?:${esc}\\[|\u009b)[0-?]*[ -/]*[@-~]`,
  `(?:${esc}[\\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])${controlString}(?:\u0007|${esc}\\\\|\u009c)`,
  `${esc}[ -/]*[0-Z\\\\-~]`,
  "(?![\\n\\t])[\\p{Cc}\\p{Cf}\\p{Default_Ignorable_Code_Point}]",
].join("|");

const ordinary = /^[\n\t -~]*$/;

export function isOrdinary(text: string): boolean {
  return ordinary.test(text);
}

const visible: Reading = {
  name: "visible",
  applies: (text) => !isOrdinary(text),
  pattern: new RegExp(unseen, "gu"),
  replacement: () => "",
};

/**
 * NFKD, letter by letter: decomposed forms need no look at neighbours other than the marks behind a letter, so a place in the result
 * is a place in the original. It makes NFC, NFD, NFKC and full-width forms alike.
 */
const decomposed: Reading = {
  name: "decomposed",
  applies: (text) => /[^\0-\x7f]/.test(text),
  pattern: /[^\0-\x7f]\p{M}*|[\0-\x7f]\p{M}+/gu,
  replacement: (found) => found.normalize("NFKD"),
};

const shortEscapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", v: "\v", 0: "\0" };

/** Backslashes, as JSON, JavaScript, Python, C and shells write them. */
const unescaped: Reading = {
  name: "unescaped",
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
  name: "percentDecoded",
  applies: (text) => /%[0-9a-fA-F]{2}/.test(text),
  pattern: /(?:%[0-9a-fA-F]{2})+/g,
  replacement: (found) => bytesAsText(found.replaceAll("%", "")),
};

const namedEntities: Readonly<Record<string, string>> = {
  ...{ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", sol: "/", bsol: "\\", equals: "=", plus: "+" },
  ...{ num: "#", excl: "!", percnt: "%", dollar: "$", commat: "@", colon: ":", semi: ";", quest: "?", grave: "`", lowbar: "_" },
  ...{ lpar: "(", rpar: ")", lbrack: "[", lsqb: "[", rbrack: "]", rsqb: "]", lbrace: "{", lcub: "{", rbrace: "}", rcub: "}" },
  ...{ ast: "*", midast: "*", comma: ",", period: ".", hat: "^", vert: "|", verbar: "|", Tab: "\t", NewLine: "\n" },
};

const entitiesDecoded: Reading = {
  name: "entitiesDecoded",
  applies: (text) => text.includes("&") && /&(?:#|[A-Za-z]{2,8};)/.test(text),
  pattern: /&(?:#[xX][0-9a-fA-F]{1,6}|#\d{1,7}|[A-Za-z]{2,8});/g,
  replacement(found) {
    const name = found.slice(1, -1);
    if (!name.startsWith("#")) return namedEntities[name] ?? found;
    const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10);
    return character(code) ?? found;
  },
};

/** Words that a reporter wrapped at a width, with the margin that it puts in front of each line. */
const joined: Reading = {
  name: "joined",
  applies: (text) => text.includes("\n"),
  pattern: /\s*\n[\s│┃|>]*/g,
  replacement: () => "",
};

const squeezed: Reading = { name: "squeezed", applies: (text) => /\s/.test(text), pattern: /\s+/g, replacement: () => "" };

function character(code: number): string | undefined {
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}

/** Bytes in hexadecimal: UTF-8 where they are that, as URLs and Python have it, else one character each, as JavaScript has it. */
function bytesAsText(hex: string): string {
  const bytes = Buffer.from(hex, "hex");
  const text = bytes.toString("utf8");
  return text.includes("\ufffd") ? bytes.toString("latin1") : text;
}

/** A text as it was read, and the way back to the one before. */
export interface View {
  text: string;
  /** Whether line breaks were taken out of it. */
  acrossLines: boolean;
  from?: { view: View; reading: Reading };
}

function read(view: View, reading: Reading): View | undefined {
  if (!reading.applies(view.text)) return undefined;
  const text = view.text.replace(reading.pattern, reading.replacement);
  return text === view.text ? undefined : { text, acrossLines: view.acrossLines || reading === joined, from: { view, reading } };
}

/** Nobody prints more layers; and a text that was made to have them must not cost more than so many passes. */
const mostViews = 24;
const mostLayers = 5;

const readings: readonly Reading[] = [visible, decomposed, joined, unescaped, percentDecoded, entitiesDecoded];

/** The text itself, and every way in which it may be read, up to a few layers of escapes inside escapes. */
export function viewsOf(text: string): View[] {
  const views: View[] = [{ text, acrossLines: false }];
  if (isOrdinary(text) && !/[\n\\%&]/.test(text)) return views;
  const known = new Set([text]);
  let layer: View[] = views;
  for (let depth = 0; depth < mostLayers && layer.length > 0; depth++) {
    const next: View[] = [];
    for (const view of layer)
      for (const reading of readings) {
        const made = views.length + next.length < mostViews ? read(view, reading) : undefined;
        if (!made || known.has(made.text)) continue;
        known.add(made.text);
        next.push(made);
      }
    views.push(...next);
    layer = next;
  }
  return views;
}

export function withoutSpace(view: View): View | undefined {
  return read(view, squeezed);
}

/** The same that {@link viewsOf} does to what a terminal does not show and to Unicode's forms, for a text that is looked for. */
export function plainForm(text: string): string {
  return text.replace(visible.pattern, "").normalize("NFKD");
}

export function squeezedForm(text: string): string {
  return text.replace(/\s+/g, "");
}

/** Where stretches of a view lie in the original text. */
export function inOriginal(view: View, spans: readonly Span[]): Span[] {
  if (!view.from || spans.length === 0) return [...spans];
  return inOriginal(view.from.view, inSource(view.from.view.text, view.from.reading, spans));
}

function inSource(source: string, { pattern, replacement }: Reading, spans: readonly Span[]): Span[] {
  // What was replaced, in order: where it lay in the source, and where its replacement lies.
  const pieces: { from: Span; to: Span }[] = [];
  let shift = 0;
  for (const match of source.matchAll(pattern)) {
    const from = { start: match.index, end: match.index + match[0].length };
    const length = replacement(match[0]).length;
    pieces.push({ from, to: { start: from.start + shift, end: from.start + shift + length } });
    shift += length - match[0].length;
  }
  return spans.map(({ start, end }) => ({ start: placeOf(pieces, start, "start"), end: placeOf(pieces, end - 1, "end") }));
}

/** The place in the source of one character of the view: of its beginning or its end. */
function placeOf(pieces: readonly { from: Span; to: Span }[], at: number, edge: "start" | "end"): number {
  let low = 0;
  let high = pieces.length;
  // The first piece that begins behind the character.
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
