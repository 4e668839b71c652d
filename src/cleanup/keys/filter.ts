import { keyText } from "../../redis/connection.ts";
import { canIdentifyKeys, type KeyScope } from "./judge.ts";

/** This many characters exclude nearly all other keys, and every test prefix is longer. */
const width = 4;
/** About the number of characters that occur in keys: letters, digits and a few signs. */
const alphabet = 40;
/** About the number of positions at which a key could match by chance. */
const places = 30;
/** A filter that lets a larger share through is not worth the server's time. */
const worthIt = 0.3;
/** The most characters to examine for a good filter; takes 10 ms. */
const effort = 30_000;

/**
 * A glob that matches every key that the judge might not `keep`, so that the server doesn't send the others, which are most keys.
 * It is built from a few characters that each prefix, id, namespace and ledger key contains, with a character class per position,
 * such as `*[e_][2t][es][_t]*`. It only excludes; keys that match are still judged. In `latin1`; `undefined` if no glob would
 * exclude much.
 */
export function keyFilter(scope: KeyScope): string | undefined {
  const namespaces = scope.scope === "run" ? [] : scope.namespaces;
  const literals = [...scope.prefixes.filter((prefix) => prefix !== ""), ...scope.ledger];
  const texts = [
    ...[...literals, ...namespaces.map((pattern) => longest(pattern.split("*")))].map(keyText),
    ...[...scope.ids, ...(scope.signIns ?? [])].map(keyText).filter(canIdentifyKeys),
  ];
  const [seed, ...others] = new Set(texts);
  if (seed === undefined || texts.some((text) => text.length < width)) return undefined;
  let best: Classes | undefined;
  let left = effort;
  // Starts from each part of the first text; the other texts follow as closely as possible.
  for (let at = 0; at + width <= seed.length; at++) {
    const start = seed.slice(at, at + width);
    const classes = new Classes(start);
    for (const other of others) {
      left -= other.length;
      if (left < 0) return best?.glob();
      // Most texts contain it literally: all ids of a run share a prefix.
      if (!other.includes(start)) classes.take(other);
      // Classes only grow, so these can no longer beat the best.
      if (classes.share() >= (best?.share() ?? worthIt)) break;
    }
    if (classes.share() < (best?.share() ?? worthIt)) best = classes;
  }
  return best?.glob();
}

/** The characters allowed at each position. */
class Classes {
  /** Indexed by character code, which is below 256; 1 if the class contains it. */
  readonly #has: readonly Uint8Array[];
  readonly #sizes: number[];

  constructor(start: string) {
    this.#has = Array.from({ length: width }, () => new Uint8Array(256));
    this.#sizes = new Array(width).fill(0);
    this.#add(start, 0);
  }

  /** Adds the part of the text that makes the classes grow least. */
  take(text: string): void {
    let found = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let from = 0; from + width <= text.length && least > 1; from++) {
      const growth = this.#growth(text, from);
      if (growth < least) [found, least] = [from, growth];
    }
    this.#add(text, found);
  }

  /** Roughly the share of keys that contain such characters. */
  share(): number {
    return this.#sizes.reduce((product, size) => product * (size / alphabet), places);
  }

  glob(): string {
    return `*${this.#has.map(classText).join("")}*`;
  }

  #growth(text: string, from: number): number {
    let growth = 1;
    for (const [at, has] of this.#has.entries()) {
      const size = this.#sizes[at] ?? 0;
      if (has[text.charCodeAt(from + at)] !== 1) growth *= (size + 1) / size;
    }
    return growth;
  }

  #add(text: string, from: number): void {
    for (const [at, has] of this.#has.entries()) {
      const code = text.charCodeAt(from + at);
      if (has[code] === 1) continue;
      has[code] = 1;
      this.#sizes[at] = (this.#sizes[at] ?? 0) + 1;
    }
  }
}

function longest(texts: readonly string[]): string {
  return texts.reduce((a, b) => (b.length > a.length ? b : a), "");
}

/** Every character is escaped, so that none is special. */
function classText(has: Uint8Array): string {
  const escaped = [...has.keys()].filter((code) => has[code] === 1).map((code) => `\\${String.fromCharCode(code)}`);
  return escaped.length === 1 ? escaped.join("") : `[${escaped.join("")}]`;
}
