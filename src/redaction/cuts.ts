import type { Matcher, Span } from "./matcher.ts";

/**
 * Long texts are cut, and the cut may go through a secret: what is left of it in front of `…` or behind it is hidden as well. The same
 * at the end of what a process has printed so far, where the rest may come on the next line.
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

  /** Beside each sign that something was left out. */
  beside(text: string): Span[] {
    if (this.#matcher.size === 0) return [];
    if (!text.includes("…") && !text.includes("...")) return [];
    const found: Span[] = [];
    let previous = 0;
    for (const { 0: sign, index } of text.matchAll(/\s{0,4}(?:…|\.{3})/g)) {
      const least = sign.endsWith("…") ? shortestFragment : shortestAtDots;
      const unfinished = halfEscape.exec(text.slice(Math.max(previous, index - longestEscape), index))?.[0] ?? "";
      const head =
        this.headBefore(text, index, least, previous) ??
        (unfinished === "" ? undefined : this.headBefore(text, index - unfinished.length, least, previous));
      if (head) found.push({ start: head.start, end: index });
      previous = index + sign.length;
      const tail = this.#tailAfter(text, previous, least);
      if (tail) found.push(tail);
    }
    return found;
  }

  /** Whether the characters in front of `end` stand in some secret in this order. True may be wrong, false is not. */
  mayEndAt(text: string, end: number): boolean {
    this.#index();
    return end >= shortestFragment && end <= text.length && this.#bits.has(text, end);
  }

  /** Whether characters at the end of a line, or at the beginning of the next one, stand in some secret. True may be wrong. */
  mayBeWrapped(text: string): boolean {
    if (this.#matcher.size === 0) return false;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) {
      if (this.mayEndAt(text, at)) return true;
      if (this.mayBeginWith(text, at + 1)) return true;
    }
    return false;
  }

  /** Whether the first characters of a line stand in some secret. True may be wrong. */
  mayBeginWith(text: string, start = 0): boolean {
    let begin = start;
    while (isMargin(text.charCodeAt(begin))) begin++;
    return this.mayEndAt(text, begin + shortestFragment);
  }

  /** The longest beginning of a secret that ends at `end`, if it has at least so many characters. */
  headBefore(text: string, end: number, least: number, from = 0): Span | undefined {
    if (!this.mayEndAt(text, end)) return undefined;
    const first = Math.max(from, end - Math.min(this.#matcher.longest, longestFragment));
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

  /** Made when the first cut is seen: most texts have none. */
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

/** Fewer characters of a secret say nothing, and stand in other words as well. */
export const shortestFragment = 6;
/** Three dots also end sentences. */
const shortestAtDots = 8;
/** A text may be cut in the middle of an escape, too. */
export const halfEscape = /(?:%[0-9a-fA-F]?|\\(?:u[0-9a-fA-F]{0,3}|x[0-9a-fA-F]?)?|&#?\w{0,8})$/;
export const longestEscape = 12;
/** The beginning of an address is no part of its secret. */
const onlyHost = /^[a-z][a-z0-9+.-]*:\/{0,2}[\w.-]*(?::\d{0,5})?$/i;
/** Nobody shows more of a text that he cuts. */
const longestFragment = 2_048;

function append(map: Map<string, string[]>, key: string, text: string): void {
  const texts = map.get(key);
  if (texts) texts.push(text);
  else map.set(key, [text]);
}

const bits = 1 << 18;

/** Which runs of six characters stand in a set of texts: a filter that answers nearly always, and the hashes themselves behind it. */
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

/** Blanks, and what reporters draw in front of a line. */
function isMargin(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x2502 || code === 0x2503 || code === 0x7c || code === 0x3e;
}
