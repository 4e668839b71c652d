import type { Matcher, Span } from "./matcher.ts";

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
