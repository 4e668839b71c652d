import { keyText } from "../../redis/connection.ts";
import { canIdentifyKeys, type KeyScope } from "./judge.ts";

/** The fewest characters of a filter: they exclude nearly all other keys, and every test prefix is longer. */
const width = 4;
/** More characters exclude hardly more keys. */
const widest = 12;
/** A class with more characters excludes too little to be added behind the others. */
const largestAdded = 16;
/** About the number of characters that occur in keys, if none are known: letters, digits and a few signs. */
const alphabet = 40;
/** A filter that lets a larger share of the other keys through is not worth the server's time. */
const worthIt = 0.9;
/** The most characters to compare for a good filter; takes some 10 ms. The first attempt is always made. */
const effort = 200_000;
/** The most keys to try a filter on. */
const mostOthers = 256;
/** With more texts, the filter takes longer than sending a million keys. */
const mostTexts = 20_000;
/** What a character in the first class costs, as a share of keys: the server compares that class at every position of a key. */
const costOfFirst = 0.01;

/**
 * A glob that matches every key that the judge might not `keep`, so that the server doesn't send the others, which are most keys.
 * It is built from a few characters that each prefix, id, namespace and ledger key contains, with a character class per position,
 * such as `*[et][2e][es][-t]*`. It only excludes; keys that match are still judged. In `latin1`; `undefined` if no glob would
 * exclude much.
 *
 * There is one glob, not one for each text: another pass takes the server longer than sending what a good glob lets through.
 * @param others keys that the judge keeps (`latin1`), as they occur: the possible filter that excludes most of them is taken
 */
export function keyFilter(scope: KeyScope, others: readonly string[] = []): string | undefined {
  return scope.ids.size + scope.ledger.size > mostTexts ? undefined : commonGlob(textsOf(scope), others);
}

/** A glob that matches every key of these namespaces. @param others as above */
export function namespaceFilter(namespaces: readonly string[], others: readonly string[] = []): string | undefined {
  return commonGlob([...new Set(namespaces.map(literalPart))], others);
}

function commonGlob(required: readonly string[], others: readonly string[]): string | undefined {
  // Every filter has a part of the shortest text, which has the fewest.
  const [seed, ...texts] = required.toSorted((a, b) => a.length - b.length);
  if (seed === undefined || seed.length < width) return undefined;
  const sample = others.slice(0, mostOthers);
  const frequency = frequencies(sample);
  let best: { glob: string; cost: number; isBest: boolean } | undefined;
  const consider = (found: Alignment) => {
    const classes = found.classes();
    const share = passing(sample, classes);
    const first = classes[0]?.length ?? 0;
    const cost = share + first * costOfFirst + found.share() / 1_000;
    if (share > worthIt || (best && best.cost <= cost)) return;
    best = { glob: `*${classes.map(classText).join("")}*`, cost, isBest: share === 0 && first === 1 };
  };
  const attempts = new Attempts(seed, texts, frequency);
  for (const found of attempts.shared()) consider(found);
  // It excludes all that is known, and nothing is compared faster than one character.
  if (best?.isBest && sample.length > 0) return best.glob;
  for (const found of attempts.all()) consider(found);
  return best?.glob;
}

/** Possible choices of a part of each text. */
class Attempts {
  readonly #seed: string;
  readonly #texts: readonly string[];
  readonly #frequency: Float64Array;
  #compared = 0;

  constructor(seed: string, texts: readonly string[], frequency: Float64Array) {
    this.#seed = seed;
    this.#texts = texts;
    this.#frequency = frequency;
  }

  /** Parts of the first text that all others contain: as cheap to find as they are to compare. */
  *shared(): Generator<Alignment> {
    for (let at = 0; at + width <= this.#seed.length; at++) {
      const part = this.#seed.slice(at, at + width);
      if (!this.#texts.every((text) => text.includes(part))) continue;
      const found = new Alignment(this.#seed, at, this.#frequency);
      for (const text of this.#texts) found.add(text, text.indexOf(part));
      yield found;
    }
  }

  /** Begins with each part of the first text, and with each part of the one that is least like it; the others follow. */
  *all(): Generator<Alignment> {
    for (let at = 0; at + width <= this.#seed.length; at++) {
      const start = () => new Alignment(this.#seed, at, this.#frequency);
      const unlike = this.#leastLike(start());
      for (let from = 0; from + width <= (unlike?.length ?? width); from++) {
        const found = start();
        if (unlike !== undefined) found.add(unlike, from);
        for (const text of this.#texts) if (text !== unlike) this.#compared += found.take(text);
        yield found;
        if (this.#compared > effort) return;
      }
    }
  }

  #leastLike(start: Alignment): string | undefined {
    let unlike: string | undefined;
    let most = 0;
    for (const text of this.#texts) {
      const { growth, compared } = start.nearest(text);
      this.#compared += compared;
      if (growth > most) [unlike, most] = [text, growth];
    }
    return unlike;
  }
}

/** Texts of which every key that is not kept contains one. */
function textsOf(scope: KeyScope): string[] {
  const namespaces = scope.scope === "run" ? [] : scope.namespaces;
  const literals = [...scope.prefixes.filter((prefix) => prefix !== ""), ...scope.ledger];
  return [
    ...new Set([
      ...literals.map(keyText),
      ...namespaces.map(literalPart),
      ...[...scope.ids, ...(scope.signIns ?? [])].map(keyText).filter(canIdentifyKeys),
    ]),
  ];
}

/** How often each character occurs in keys. One that was not seen may occur all the same. */
function frequencies(keys: readonly string[]): Float64Array {
  const counts = new Float64Array(256).fill(1);
  let total = alphabet;
  for (const key of keys) {
    for (let at = 0; at < key.length; at++) counts[key.charCodeAt(at)] = (counts[key.charCodeAt(at)] ?? 0) + 1;
    total += key.length;
  }
  return counts.map((count) => count / total);
}

/** The share of the keys that contain such characters one after another. */
function passing(keys: readonly string[], classes: readonly number[][]): number {
  if (keys.length === 0) return 0;
  const hex = (code: number) => `\\x${code.toString(16).padStart(2, "0")}`;
  const pattern = new RegExp(classes.map((codes) => `[${codes.map(hex).join("")}]`).join(""));
  return keys.filter((key) => pattern.test(key)).length / keys.length;
}

/** A part of each text, chosen so that the characters at each position are few and rare. */
class Alignment {
  readonly #frequency: Float64Array;
  /** Per position and character code: 1 if a text has it there. */
  readonly #has = new Uint8Array(width * 256);
  /** How often a character of each position occurs in keys. */
  readonly #shares = new Float64Array(width);
  readonly #parts: { text: string; from: number }[] = [];

  constructor(seed: string, at: number, frequency: Float64Array) {
    this.#frequency = frequency;
    this.add(seed, at);
  }

  /** Adds the part of the text with which a key is least likely to match by chance. @returns how many characters were compared */
  take(text: string): number {
    const { from, compared } = this.nearest(text);
    this.add(text, from);
    return compared;
  }

  /** That part, and how much likelier it makes a match. */
  nearest(text: string): { from: number; growth: number; compared: number } {
    let found = 0;
    let least = Number.POSITIVE_INFINITY;
    let from = 0;
    for (; from + width <= text.length && least > 1; from++) {
      const growth = this.#growth(text, from);
      if (growth < least) [found, least] = [from, growth];
    }
    return { from: found, growth: least, compared: from * width };
  }

  /** Roughly the chance that a key has such characters at one position. */
  share(): number {
    return this.#shares.reduce((product, share) => product * share, 1);
  }

  /** The characters of each position, and of those behind and before which all texts have, too. */
  classes(): number[][] {
    const codes = Array.from({ length: width }, (_, at) => [...this.#has.subarray(at * 256, (at + 1) * 256).keys()]);
    const classes = codes.map((all, at) => all.filter((code) => this.#has[at * 256 + code] === 1));
    for (let at = width; classes.length < widest; at++) {
      const more = this.#classAt(at, largestAdded);
      if (!more) break;
      classes.push(more);
    }
    // In front, only a character that is rarer than the first ones helps the server.
    for (let at = -1; classes.length < widest; at--) {
      const more = this.#classAt(at, 1);
      if (!more) break;
      classes.unshift(more);
    }
    return classes;
  }

  #classAt(offset: number, most: number): number[] | undefined {
    const codes = new Set<number>();
    for (const { text, from } of this.#parts) {
      const at = from + offset;
      if (at < 0 || at >= text.length) return undefined;
      codes.add(text.charCodeAt(at));
      if (codes.size > most) return undefined;
    }
    return [...codes].sort((a, b) => a - b);
  }

  #growth(text: string, from: number): number {
    let growth = 1;
    for (let at = 0; at < width; at++) {
      const code = text.charCodeAt(from + at);
      const share = this.#shares[at] ?? 0;
      if (this.#has[at * 256 + code] !== 1) growth *= (share + (this.#frequency[code] ?? 0)) / share;
    }
    return growth;
  }

  add(text: string, from: number): void {
    this.#parts.push({ text, from });
    for (let at = 0; at < width; at++) {
      const code = text.charCodeAt(from + at);
      if (this.#has[at * 256 + code] === 1) continue;
      this.#has[at * 256 + code] = 1;
      this.#shares[at] = (this.#shares[at] ?? 0) + (this.#frequency[code] ?? 0);
    }
  }
}

/** The longest part without a star. */
function literalPart(pattern: string): string {
  return keyText(pattern.split("*").reduce((a, b) => (b.length > a.length ? b : a), ""));
}

/** One character, or a class with ranges, which the server compares faster. */
function classText(codes: readonly number[]): string {
  const [only, ...more] = codes;
  if (only !== undefined && more.length === 0) return escaped(only);
  let text = "";
  for (let at = 0; at < codes.length; ) {
    let end = at;
    while (isPlain(codes[end] ?? 0) && codes[end + 1] === (codes[end] ?? 0) + 1 && isPlain(codes[end + 1] ?? 0)) end++;
    const [first = 0, last = 0] = [codes[at], codes[end]];
    text +=
      end - at > 1
        ? `${escaped(first)}-${escaped(last)}`
        : codes
            .slice(at, end + 1)
            .map(escaped)
            .join("");
    at = end + 1;
  }
  return `[${text}]`;
}

/** Letters and digits have no other meaning in a glob. */
function isPlain(code: number): boolean {
  return /[0-9A-Za-z]/.test(String.fromCharCode(code));
}

function escaped(code: number): string {
  return `${isPlain(code) ? "" : "\\"}${String.fromCharCode(code)}`;
}
