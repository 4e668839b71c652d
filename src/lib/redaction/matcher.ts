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
