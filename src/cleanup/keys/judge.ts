import { textGlob } from "../../lib/glob.ts";
import { keyText } from "../../redis/connection.ts";
import { earliestInId, isRunId, latestInId } from "../ownership/identity.ts";
import type { Scope } from "../plan/row-plan.ts";
import { characterKindAt, characterKindBefore, IdFinder, nextWordStart, separatorCharacter, wordCharacter } from "./words.ts";

/** What tells which keys are test data. Texts as people write them; keys come as `latin1`, as the redis room hands them out. */
export interface KeyScope {
  scope: Scope;
  /** Scope `run`: literals that only this run's keys contain. Else: what the names of test data begin with. */
  prefixes: readonly string[];
  /** Keys of rows that were found and accepted as test data: a Redis key that carries one as a word of its own belongs to it. */
  ids: ReadonlySet<string>;
  /** Keys that the tests said they made; for scope `run`. */
  ledger: ReadonlySet<string>;
  /** Namespaces that hold nothing but test data, `*` for any text. For scope `run`, which other runs share them with, only the ledger's keys may go from them. */
  namespaces: readonly string[];
  protectedKeys: readonly string[];
  /** Unix milliseconds: test data of scope `expired` is at least as old. */
  olderThan: number;
  /** Unix milliseconds. */
  now: number;
  /** Scope `run`: whose keys are cleaned up, of one run or of several, and what the suite puts in front of any run's id. Ids that servers make look like run ids. */
  run?: { ids: readonly string[]; prefixes: readonly string[] };
  /** Ids of the sign-ins that the suite itself made, as the answers told them. */
  signIns?: ReadonlySet<string>;
  /** Whether the key (`latin1`) was there before the tests began; `undefined` where nobody looked. */
  hadKey?: (key: string) => boolean | undefined;
}

/**
 * - `delete`: test data of the scope.
 * - `too-recent`: test data, and not old enough for scope `expired`.
 * - `ageless`: test data whose age cannot be told, so it is kept.
 * - `guarded`: the tests said that they made it, and it is protected.
 * - `unproven`: the tests said that they made it, and nothing else says so: it is kept.
 * - `earlier`: it carries the id of a row of this run, and was there before the run could have made either: it is kept.
 * - `keep`: not test data as far as this scope knows, or protected.
 */
export type Judgement = "delete" | "too-recent" | "ageless" | "guarded" | "unproven" | "earlier" | "keep";

/** Of every run's id. */
const runIdLength = 22;
const none: readonly string[] = [];

/**
 * Decides about one key. Everything is laid out beforehand for the keyspace of production: nearly every key is nobody's, and is
 * known as such by the first letters of its words, before anything is cut out or hashed.
 */
export function keyJudge(request: KeyScope): (key: string) => Judgement {
  const { run, hadKey = () => undefined } = request;
  const isRun = request.scope === "run";
  const isProtected = matcher(request.protectedKeys.map(keyText));
  const inNamespace = matcher(request.namespaces.map(keyText));
  const ledger = new Set([...request.ledger].map(keyText));
  const ids = new IdFinder([...request.ids].map(keyText));
  const signIns = new IdFinder([...(request.signIns ?? [])].map(keyText));
  const prefixes = byFirst(request.prefixes.map(keyText));
  const runPrefixes = byFirst((run?.prefixes ?? []).map(keyText));

  const hasPrefixAt = (key: string, at: number): boolean => {
    for (const prefix of prefixes[key.charCodeAt(at)] ?? none) {
      if (!key.startsWith(prefix, at)) continue;
      // A name of production may end as a bare prefix does, such as study_group_test_: inside of a name a run's id has to follow.
      if (isRun || characterKindBefore(key, at) === separatorCharacter || runIdAt(key, at + prefix.length) !== undefined)
        return true;
    }
    return false;
  };

  const speaksForIt = (key: string): "id" | "prefix" | undefined => {
    let found: "prefix" | undefined;
    for (let at = 0; at < key.length; at = nextWordStart(key, at + 1)) {
      if (ids.isAt(key, at)) return "id";
      if (found === undefined && hasPrefixAt(key, at)) found = "prefix";
    }
    return found;
  };

  const carriesPrefix = (key: string): boolean => {
    for (let at = 0; at < key.length; at = nextWordStart(key, at + 1)) if (hasPrefixAt(key, at)) return true;
    return false;
  };

  /**
   * A wrong line of the ledger must not delete what others made: something else has to say that this run made the key. Parallel runs
   * share namespaces, and their keys are new as well, so another run's id outweighs both.
   */
  const isProven = (key: string): boolean => {
    const isOwn = (id: string | undefined) => id !== undefined && run?.ids.includes(id) === true;
    let isOthers = false;
    for (let at = 0; at < key.length; at = nextWordStart(key, at + 1)) {
      if (isOwn(runIdAt(key, at))) return true;
      for (const prefix of runPrefixes[key.charCodeAt(at)] ?? none) {
        const id = key.startsWith(prefix, at) ? runIdAt(key, at + prefix.length) : undefined;
        if (isOwn(id)) return true;
        isOthers ||= id !== undefined;
      }
    }
    return !isOthers && (inNamespace(key) || hadKey(key) === false);
  };

  const judgeTestKey = (key: string): Judgement => {
    if (request.scope === "all") return "delete";
    const made = latestTimeIn(key, request.now);
    if (made === undefined) return "ageless";
    return made <= request.olderThan ? "delete" : "too-recent";
  };

  return (key) => {
    const isNamed = ledger.size > 0 && ledger.has(key);
    const because =
      speaksForIt(key) ??
      (signIns.size > 0 && signIns.isIn(key) && hadKey(key) !== true ? "sign-in" : undefined) ??
      (!isRun && inNamespace(key) ? "namespace" : undefined);
    if (because === undefined && !isNamed) return "keep";
    if (isProtected(key)) return isNamed ? "guarded" : "keep";
    if (because === undefined) return isProven(key) ? "delete" : "unproven";
    // An id may be a word that somebody else's key holds, too.
    if (isRun && because === "id" && hadKey(key) === true && !carriesPrefix(key)) return isNamed ? "unproven" : "earlier";
    return isRun || because === "id" || because === "sign-in" ? "delete" : judgeTestKey(key);
  };
}

/** The run's id that begins there and ends as a word does. */
function runIdAt(key: string, at: number): string | undefined {
  const behind = at + runIdLength;
  if (behind > key.length || characterKindAt(key, behind) === wordCharacter) return undefined;
  const text = key.slice(at, behind);
  return isRunId(text) ? text : undefined;
}

/** Of several times in a key the latest: what a live run uses must not look old because of another number. */
function latestTimeIn(key: string, now: number): number | undefined {
  let latest: number | undefined;
  for (const [digits] of key.matchAll(/(?<!\d)\d{13}(?!\d)/g)) {
    const time = Number(digits);
    if (time >= earliestInId && time <= latestInId(now) && !(latest !== undefined && latest > time)) latest = time;
  }
  return latest;
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
