/** A range of a text, in UTF-16 units, from `start` to `end` (exclusive). */
export interface Span {
  start: number;
  end: number;
}

/** A text to find, and how many neighbouring base64 characters a match includes. */
export interface Pattern {
  text: string;
  before?: number;
  after?: number;
}

/** A shorter pattern would hide ordinary words and protect nothing. */
export const shortestPattern = 6;

/** How many characters the scan compares at a time. */
const block = 3;
const longestStep = shortestPattern - block + 1;
const tableBits = 17;
const tableMask = (1 << tableBits) - 1;

interface Entry extends Pattern {
  /** Where the compared window ends in `text`. */
  anchor: number;
}

const base64Character = /[A-Za-z0-9+/_-]/;

/**
 * Finds many texts in one pass (Wu–Manber): a window of six characters moves over the text, and a table says how far it can skip.
 * The time depends on the text, hardly on the number of patterns.
 */
export class Matcher {
  readonly #known = new Set<string>();
  readonly #steps = new Uint8Array(1 << tableBits).fill(longestStep);
  readonly #buckets = new Map<number, Entry[]>();
  #longest = 0;

  get size(): number {
    return this.#known.size;
  }

  get longest(): number {
    return this.#longest;
  }

  get texts(): Iterable<string> {
    return this.#known;
  }

  /** @returns false if the pattern is too short or already known */
  add(pattern: Pattern): boolean {
    const { text } = pattern;
    if (text.length < shortestPattern || this.#known.has(text)) return false;
    this.#known.add(text);
    this.#longest = Math.max(this.#longest, text.length);
    const anchor = rarestWindow(text);
    for (let step = 0; step < longestStep; step++) {
      const at = hashAt(text, anchor - step);
      this.#steps[at] = Math.min(this.#steps[at] ?? longestStep, step);
    }
    const bucket = hashAt(text, anchor);
    const entries = this.#buckets.get(bucket);
    if (entries) entries.push({ ...pattern, anchor });
    else this.#buckets.set(bucket, [{ ...pattern, anchor }]);
    return true;
  }

  /** Every occurrence of every pattern, in no particular order; occurrences may overlap. */
  find(text: string): Span[] {
    const found: Span[] = [];
    if (this.#known.size === 0) return found;
    const steps = this.#steps;
    const length = text.length;
    let at = shortestPattern - 1;
    while (at < length) {
      const hash = (text.charCodeAt(at) ^ (text.charCodeAt(at - 1) << 5) ^ (text.charCodeAt(at - 2) << 10)) & tableMask;
      const step = steps[hash] as number;
      if (step > 0) {
        at += step;
        continue;
      }
      for (const entry of this.#buckets.get(hash) ?? []) {
        const start = at - entry.anchor;
        if (start >= 0 && text.startsWith(entry.text, start)) found.push(widened(text, start, entry));
      }
      at += 1;
    }
    return found;
  }
}

function hashAt(text: string, end: number): number {
  return (text.charCodeAt(end) ^ (text.charCodeAt(end - 1) << 5) ^ (text.charCodeAt(end - 2) << 10)) & tableMask;
}

/** A base64 digit at the edge encodes some bits of the secret and some of its neighbour. */
function widened(text: string, start: number, { text: { length }, before = 0, after = 0 }: Entry): Span {
  const span = { start, end: start + length };
  if (before > 0 && base64Character.test(text[span.start - 1] ?? "")) span.start -= 1;
  if (after > 0 && base64Character.test(text[span.end] ?? "")) span.end += 1;
  return span;
}

/** The end of the window that is rarest in ordinary text, because many patterns begin with `https:`. */
function rarestWindow(text: string): number {
  let best = shortestPattern - 1;
  let most = -1;
  for (let end = shortestPattern - 1; end < text.length; end++) {
    let rarity = 0;
    for (let at = end - block + 1; at <= end; at++) rarity += rarityOf(text.charCodeAt(at));
    if (rarity <= most) continue;
    most = rarity;
    best = end;
  }
  return best;
}

function rarityOf(code: number): number {
  if (code >= 0x61 && code <= 0x7a) return 1;
  if (code >= 0x30 && code <= 0x39) return 2;
  if (code >= 0x41 && code <= 0x5a) return 4;
  return code > 0x7f ? 4 : 0;
}

/** Sorted and without overlaps. */
export function merged(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const { start, end } of [...spans].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = result.at(-1);
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else result.push({ start, end });
  }
  return result;
}

/**
 * Finds parts of secrets where a long text was cut: in front of `…` or after it, and at the end of the output so far, where the
 * rest may follow on the next line.
 */
export class Fragments {
  readonly #matcher: Matcher;
  #heads = new Map<string, string[]>();
  #tails = new Map<string, string[]>();
  #bits = new Runs();
  #indexed = 0;

  constructor(matcher: Matcher) {
    this.#matcher = matcher;
  }

  /** Fragments next to each mark that something was left out. */
  beside(text: string): Span[] {
    if (this.#matcher.size === 0) return [];
    if (!text.includes("…") && !text.includes("...") && !text.includes("\ufffd")) return [];
    const found: Span[] = [];
    let previous = 0;
    for (const { 0: sign, index } of text.matchAll(/\s{0,4}(?:…|\.{3})|\ufffd+/g)) {
      const least = sign.endsWith(".") ? shortestAtDots : shortestFragment;
      const unfinished = halfEscape.exec(text.slice(Math.max(previous, index - longestEscape), index))?.[0] ?? "";
      // Starts after the previous mark: a secret may contain such marks itself.
      const head =
        this.headBefore(text, index, least) ??
        (unfinished === "" ? undefined : this.headBefore(text, index - unfinished.length, least));
      if (head) found.push({ start: head.start, end: index });
      previous = index + sign.length;
      const tail = this.#tailAfter(text, previous, least);
      if (tail) found.push(tail);
    }
    return found;
  }

  /**
   * Whether the characters before `end` occur in some secret in this order. May be true by mistake, but never false by mistake.
   */
  mayEndAt(text: string, end: number): boolean {
    this.#index();
    return end >= shortestFragment && end <= text.length && this.#bits.has(text, end);
  }

  /**
   * Whether a secret may continue across a line break. May be true by mistake. Of eight characters around a break, six are before
   * it, six are after it, or three are on either side.
   */
  mayBeWrapped(text: string): boolean {
    if (this.#matcher.size === 0) return false;
    this.#index();
    for (let line = 0, at = text.indexOf("\n"); at >= 0; ) {
      const next = text.indexOf("\n", at + 1);
      const [begin, inside] = [afterSpace(text, at), afterMargin(text, at)];
      if (escapeBefore.test(text.slice(Math.max(0, at - nearEscape), at))) return true;
      if (escapeBehind.test(text.slice(inside, inside + nearEscape))) return true;
      const isShort = at - line < shortLine || (next < 0 ? text.length : next) - inside < shortLine;
      if (this.#mayJoin(text, { at, begin, breaks: isShort ? blankBreaks : undefined })) return true;
      if (inside > begin && this.#mayJoin(text, { at, begin: inside, breaks: isShort ? marginBreaks : undefined })) return true;
      line = at + 1;
      at = next;
    }
    return false;
  }

  /** @param breaks is set if a line is so short that the next one counts as well */
  #mayJoin(text: string, { at, begin, breaks }: { at: number; begin: number; breaks: RegExp | undefined }): boolean {
    if (breaks === undefined) {
      if (this.mayEndAt(text, at) || this.mayEndAt(text, begin + shortestFragment)) return true;
      return this.#bits.has(text.slice(at - 3, at) + text.slice(begin, begin + 3), shortestFragment);
    }
    const left = text
      .slice(Math.max(0, at - aroundShort), at)
      .replace(breaks, "")
      .slice(-shortestFragment);
    const around =
      left +
      text
        .slice(begin, begin + aroundShort)
        .replace(breaks, "")
        .slice(0, shortestFragment);
    for (let end = shortestFragment; end <= around.length; end++) if (this.#bits.has(around, end)) return true;
    return false;
  }

  /** Whether the first characters of a line occur in some secret. May be true by mistake. */
  mayBeginWith(text: string, start = 0): boolean {
    return this.mayEndAt(text, afterMargin(text, start) + shortestFragment);
  }

  /** The longest beginning of a secret that ends at `end` and has at least `least` characters. */
  headBefore(text: string, end: number, least: number): Span | undefined {
    if (!this.mayEndAt(text, end)) return undefined;
    const first = Math.max(0, end - Math.min(this.#matcher.longest, longestFragment));
    for (let start = first; start + least <= end; start++) {
      const candidates = this.#heads.get(text.slice(start, start + shortestFragment));
      if (!candidates) continue;
      const head = text.slice(start, end);
      if (onlyHost.test(head)) continue;
      if (candidates.some((candidate) => candidate.length > head.length && candidate.startsWith(head))) return { start, end };
    }
    return undefined;
  }

  #tailAfter(text: string, start: number, least: number): Span | undefined {
    if (!this.mayEndAt(text, start + shortestFragment)) return undefined;
    const last = Math.min(text.length, start + Math.min(this.#matcher.longest, longestFragment));
    for (let end = last; end - least >= start; end--) {
      const candidates = this.#tails.get(text.slice(end - shortestFragment, end));
      if (!candidates) continue;
      const tail = text.slice(start, end);
      if (candidates.some((candidate) => candidate.length > tail.length && candidate.endsWith(tail))) return { start, end };
    }
    return undefined;
  }

  /** Built when the first cut is found; most texts have none. */
  #index(): void {
    if (this.#indexed === this.#matcher.size) return;
    this.#indexed = this.#matcher.size;
    this.#heads = new Map();
    this.#tails = new Map();
    this.#bits = new Runs();
    for (const text of this.#matcher.texts) {
      this.#bits.add(text);
      append(this.#heads, text.slice(0, shortestFragment), text);
      append(this.#tails, text.slice(-shortestFragment), text);
    }
  }
}

/** Shorter parts of a secret reveal nothing and occur in ordinary words. */
export const shortestFragment = 6;
/** Three dots also end ordinary sentences. */
const shortestAtDots = 8;
/** A text may also be cut inside an escape. */
export const halfEscape = /(?:%[0-9a-fA-F]?|\\(?:u[0-9a-fA-F]{0,3}|x[0-9a-fA-F]?)?|&#?\w{0,8})$/;
export const longestEscape = 12;
/** The scheme and host of an address are not secret. */
const onlyHost = /^[a-z][a-z0-9+.-]*:\/{0,2}[\w.-]*(?::\d{0,5})?$/i;
/** No tool shows more than this of a text that it cuts. */
const longestFragment = 2_048;

function append(map: Map<string, string[]>, key: string, text: string): void {
  const texts = map.get(key);
  if (texts) texts.push(text);
  else map.set(key, [text]);
}

/** This close to a line break, an escape may be split between the two lines. */
const nearEscape = 18;
const escapeBefore = /(?:\\u[0-9a-fA-F]{0,4}|\\x[0-9a-fA-F]{0,2}|\\.?|%[0-9a-fA-F]{1,2}|%$|&#?\w{1,8};|&#?\w{0,8}$)[\s\S]{0,5}$/;
const escapeBehind = /^[\s\S]{0,5}(?:\\|%[0-9a-fA-F]{2}|&#?\w{1,8};)/;
/** Including its margin. */
const shortLine = 24;
const aroundShort = 64;
const blankBreaks = /\n\s*/g;
const marginBreaks = /\n[\s│┃|>]*/g;

const bits = 1 << 18;

/** The six-character sequences of a set of texts: a filter that answers nearly every query, and the hashes behind it. */
class Runs {
  readonly #words = new Uint32Array(bits / 32);
  readonly #hashes = new Set<number>();

  add(text: string): void {
    for (let end = shortestFragment; end <= text.length; end++) {
      const hash = hashOf(text, end);
      const bit = hash & (bits - 1);
      this.#words[bit >>> 5] = (this.#words[bit >>> 5] ?? 0) | (1 << (bit & 31));
      this.#hashes.add(hash);
    }
  }

  has(text: string, end: number): boolean {
    const hash = hashOf(text, end);
    const bit = hash & (bits - 1);
    return ((this.#words[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0 && this.#hashes.has(hash);
  }
}

function hashOf(text: string, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = end - shortestFragment; at < end; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

function afterSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** The position after line breaks and the margin that reporters draw. */
export function afterMargin(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at)) || isMargin(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** Blanks and the characters that reporters draw as a margin. */
function isMargin(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x2502 || code === 0x2503 || code === 0x7c || code === 0x3e;
}
