import { textGlob } from "../../lib/pattern.ts";

/** A character of a text: where the text may go on, and whether one ends here. */
interface Node {
  isEnd: boolean;
  next: Map<number, Node> | undefined;
}

/**
 * Texts that a key may contain at some position. Finding them takes as long as the part of the key that they share, however many
 * texts there are. Empty texts are skipped, because they match everything.
 */
export class Beginnings {
  /** Indexed by the first character, which rejects nearly every position at once. */
  readonly #first: (Node | undefined)[] = new Array(256).fill(undefined);

  constructor(texts: Iterable<string>) {
    for (const text of texts) if (text !== "") this.#add(text);
  }

  /** Whether one of the texts stands at this position and is accepted. @param accept gets the position behind the text */
  isAt(key: string, at: number, accept: (key: string, at: number, behind: number) => boolean = always): boolean {
    let node = this.#first[key.charCodeAt(at)];
    for (let behind = at + 1; node !== undefined; behind++) {
      if (node.isEnd && accept(key, at, behind)) return true;
      node = behind < key.length ? node.next?.get(key.charCodeAt(behind)) : undefined;
    }
    return false;
  }

  #add(text: string): void {
    const first = text.charCodeAt(0);
    let node = this.#first[first] ?? newNode();
    this.#first[first] = node;
    for (let at = 1; at < text.length; at++) {
      const code = text.charCodeAt(at);
      node.next ??= new Map();
      const next = node.next.get(code) ?? newNode();
      node.next.set(code, next);
      node = next;
    }
    node.isEnd = true;
  }
}

function newNode(): Node {
  return { isEnd: false, next: undefined };
}

function always(): boolean {
  return true;
}

/**
 * Whether a key matches one of these patterns, in which only `*` is special: it matches any text. Patterns with their only `*` at
 * the end, such as namespaces, cost the same however many there are.
 */
export function keyMatcher(patterns: readonly string[]): (key: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes("*")));
  const isBeginning = (pattern: string) => pattern.indexOf("*") === pattern.length - 1 && pattern.length > 1;
  const starred = patterns.filter((pattern) => pattern.includes("*"));
  const beginnings = new Beginnings(starred.filter(isBeginning).map((pattern) => pattern.slice(0, -1)));
  const globs = starred.filter((pattern) => !isBeginning(pattern)).map((pattern) => textGlob(pattern, { oneLetter: false }));
  return (key) =>
    beginnings.isAt(key, 0) || (exact.size > 0 && exact.has(key)) || (globs.length > 0 && globs.some((glob) => glob.test(key)));
}
