import { keyText } from "../../redis/connection.ts";
import type { KeyScope } from "./judge.ts";
import { canIdentifyKeys } from "./words.ts";

/** So many characters are enough to leave nearly everything out, and every test prefix is longer. */
const width = 4;
/** Roughly what keys are made of: letters, digits and a few signs. */
const alphabet = 40;
/** A key has about so many places at which it could match by chance. */
const places = 30;
/** A filter that lets through more than this share is not worth its time on the server. */
const worthIt = 0.3;
/** How many characters may be looked at to find a good one: a hundredth of a second. */
const effort = 30_000;

/**
 * A glob that every key matches about which the judge may say anything but `keep`, so that the server need not send the others, which
 * are most of the keyspace: a few characters that each prefix, id, namespace and ledger key has somewhere, with a class for each place,
 * such as `*[e_][2t][es][_t]*`. It only ever leaves out; what it lets through is judged. As `latin1`; `undefined` where there is none
 * that would leave out much.
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
  // Whatever the first text offers to begin with, the others follow as closely as they can.
  for (let at = 0; at + width <= seed.length; at++) {
    const start = seed.slice(at, at + width);
    const classes = new Classes(start);
    for (const other of others) {
      left -= other.length;
      if (left < 0) return best?.glob();
      // Most have it word for word: a prefix that all of a run's ids have.
      if (!other.includes(start)) classes.take(other);
      // Classes only grow: these are no better than what there is.
      if (classes.share() >= (best?.share() ?? worthIt)) break;
    }
    if (classes.share() < (best?.share() ?? worthIt)) best = classes;
  }
  return best?.glob();
}

/** For each place the characters that may stand there. */
class Classes {
  /** By character code, which is below 256: 1 where the class has it. */
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

  /** Which share of the keys roughly has such characters somewhere. */
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

/** Every character is escaped, so that none is more than itself. */
function classText(has: Uint8Array): string {
  const escaped = [...has.keys()].filter((code) => has[code] === 1).map((code) => `\\${String.fromCharCode(code)}`);
  return escaped.length === 1 ? escaped.join("") : `[${escaped.join("")}]`;
}
