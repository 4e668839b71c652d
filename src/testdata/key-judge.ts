import { textGlob } from "../config/glob.ts";
import { keyText } from "../redis/connection.ts";
import { timeInId } from "./identity.ts";
import type { Scope } from "./row-plan.ts";

/** What tells which keys are test data. Texts as people write them; keys come as `latin1`, as the redis room hands them out. */
export interface KeyScope {
  scope: Scope;
  /** Scope `run`: literals that only this run's keys contain. Else: what test data begins with, at the start of a key or of one of its parts. */
  prefixes: readonly string[];
  /** Keys of test rows: a Redis key that has one as a whole part between colons belongs to it. */
  ids: ReadonlySet<string>;
  /** Keys that the tests said they made. */
  ledger: ReadonlySet<string>;
  /** Namespaces that hold nothing but test data, `*` for any text; not used for scope `run`, which other runs share them with. */
  namespaces: readonly string[];
  protectedKeys: readonly string[];
  /** Unix milliseconds: test data of scope `expired` is at least as old. */
  olderThan: number;
  /** Unix milliseconds. */
  now: number;
}

/**
 * - `delete`: test data of the scope.
 * - `young`: test data, and not old enough for scope `expired`.
 * - `ageless`: test data whose age cannot be told, so it is kept.
 * - `guarded`: the tests said that they made it, and it is protected.
 * - `keep`: not test data as far as this scope knows, or protected.
 */
export type Judgement = "delete" | "young" | "ageless" | "guarded" | "keep";

/** An id this short could be a part of a key that has nothing to do with it. */
const shortestId = 8;

export function isTellingId(id: string): boolean {
  return id.length >= shortestId;
}

const colon = 58;
const none: readonly string[] = [];

/**
 * Decides about one key. Everything is laid out beforehand for the keyspace of production: nearly every key is nobody's, and is
 * known as such by the length of its parts and the letter that each begins with, before anything is cut out or hashed.
 */
export function keyJudge(request: KeyScope): (key: string) => Judgement {
  const isProtected = matcher(request.protectedKeys.map(keyText));
  const inNamespace = matcher(request.scope === "run" ? [] : request.namespaces.map(keyText));
  const prefixes = request.prefixes.map(keyText);
  const ledger = new Set([...request.ledger].map(keyText));
  const ids = new Set([...request.ids].filter(isTellingId).map(keyText));
  // A part holds no colon, so neither can what a part is or begins with; at the start of the whole key it can.
  const partPrefixes = byFirst(prefixes.filter((prefix) => !prefix.includes(":")));
  const keyPrefixes = prefixes.filter((prefix) => prefix.includes(":"));
  const idLengths = marks(new Set([...ids].map((id) => id.length)));
  const idBeginnings = marks(new Set([...ids].map((id) => id.charCodeAt(0))));

  const speaksForIt = (key: string): "id" | "prefix" | undefined => {
    let found: "prefix" | undefined = keyPrefixes.some((prefix) => key.startsWith(prefix)) ? "prefix" : undefined;
    for (let start = 0; start <= key.length; ) {
      const next = key.indexOf(":", start);
      const end = next < 0 ? key.length : next;
      const first = end > start ? key.charCodeAt(start) : colon;
      // A whole part, never a piece of one: ids have no wildcards here, and `session:12` is not about session 123.
      if (idLengths[end - start] === 1 && idBeginnings[first] === 1 && ids.has(key.slice(start, end))) return "id";
      for (const prefix of partPrefixes[first] ?? none) if (key.startsWith(prefix, start)) found = "prefix";
      start = end + 1;
    }
    return found;
  };

  const judgeTestKey = (key: string): Judgement => {
    if (request.scope === "all") return "delete";
    const made = timeInId(key, request.now);
    if (made === undefined) return "ageless";
    return made <= request.olderThan ? "delete" : "young";
  };

  return (key) => {
    const because =
      ledger.size > 0 && ledger.has(key) ? "ledger" : (speaksForIt(key) ?? (inNamespace(key) ? "namespace" : undefined));
    if (because === undefined) return "keep";
    if (isProtected(key)) return because === "ledger" ? "guarded" : "keep";
    if (because === "ledger" || because === "id" || request.scope === "run") return "delete";
    return judgeTestKey(key);
  };
}

/** Numbers → a table that says 1 for each of them. */
function marks(numbers: ReadonlySet<number>): Uint8Array {
  // As arguments of Math.max, a hundred thousand numbers would overflow the stack.
  const table = new Uint8Array([...numbers].reduce((most, number) => Math.max(most, number), 0) + 1);
  for (const number of numbers) table[number] = 1;
  return table;
}

/** First character → the texts that begin with it. An empty text would begin everything, and says nothing. */
function byFirst(texts: readonly string[]): (string[] | undefined)[] {
  const table: (string[] | undefined)[] = new Array(256).fill(undefined);
  for (const text of texts) {
    if (text === "") continue;
    const first = text.charCodeAt(0);
    table[first] = [...(table[first] ?? []), text];
  }
  return table;
}

/** Patterns in which `*` stands for any text and everything else for itself. */
function matcher(patterns: readonly string[]): (key: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes("*")));
  const onlyAtEnd = (pattern: string) => pattern.indexOf("*") === pattern.length - 1;
  const starred = patterns.filter((pattern) => pattern.includes("*"));
  const beginnings = byFirst(
    starred.filter((pattern) => onlyAtEnd(pattern) && pattern.length > 1).map((pattern) => pattern.slice(0, -1)),
  );
  const expressions = starred
    .filter((pattern) => !onlyAtEnd(pattern) || pattern.length === 1)
    .map((pattern) => textGlob(pattern, { oneLetter: false }));
  return (key) => {
    for (const beginning of beginnings[key.charCodeAt(0)] ?? none) if (key.startsWith(beginning)) return true;
    return (
      (exact.size > 0 && exact.has(key)) || (expressions.length > 0 && expressions.some((expression) => expression.test(key)))
    );
  };
}
