import { keyText } from "../../redis/connection.ts";
import { earliestInId, latestInId } from "../ownership/age.ts";
import type { Scope } from "../plan/table-plans.ts";
import { isRunId } from "../run-id.ts";
import { Beginnings, keyMatcher } from "./beginnings.ts";

/** What decides which keys are test data. Texts are normal strings; keys are `latin1`, as the redis room returns them. */
export interface KeyScope {
  scope: Scope;
  /** Scope `run`: literals that occur only in this run's keys. Otherwise the prefixes of test data. */
  prefixes: readonly string[];
  /** Keys of rows accepted as test data: a Redis key that contains one as a separate word belongs to it. */
  ids: ReadonlySet<string>;
  /** Keys that the tests registered in the ledger; for scope `run`. */
  ledger: ReadonlySet<string>;
  /**
   * Namespaces that hold only test data; `*` matches any text. Other runs share them, so in scope `run` only the ledger's keys
   * are deleted there.
   */
  namespaces: readonly string[];
  protectedKeys: readonly string[];
  /** Unix milliseconds; scope `expired` deletes test data that is at least this old. */
  olderThan: number;
  /** Unix milliseconds. */
  now: number;
  /**
   * Scope `run`: the runs whose keys are cleaned up, and the prefixes before a run's id, because servers create ids of the same
   * form.
   */
  run?: { ids: readonly string[]; prefixes: readonly string[] };
  /** Ids of the suite's own sign-ins, taken from the responses. */
  signIns?: ReadonlySet<string>;
  /** Whether the key (`latin1`) existed before the tests; `undefined` if not checked. */
  hadKey?: (key: string) => boolean | undefined;
}

/**
 * - `delete`: test data of the scope.
 * - `too-recent`: test data that is too recent for scope `expired`.
 * - `ageless`: test data of unknown age; kept.
 * - `guarded`: in the ledger, but protected; kept.
 * - `unproven`: in the ledger, but nothing else confirms it; kept.
 * - `earlier`: contains the id of a row of this run, but existed before the run; kept.
 * - `keep`: not test data in this scope, or protected.
 */
export type Judgement = "delete" | "too-recent" | "ageless" | "guarded" | "unproven" | "earlier" | "keep";

/** The length of a run id. */
const runIdLength = 22;

/**
 * Judges one key. Built for production keyspaces: nearly every key is rejected by the first letters of its words, before anything
 * is sliced or hashed.
 */
export function keyJudge(request: KeyScope): (key: string) => Judgement {
  const { run, hadKey = () => undefined } = request;
  const isRun = request.scope === "run";
  const isProtected = keyMatcher(request.protectedKeys.map(keyText));
  const inNamespace = keyMatcher(request.namespaces.map(keyText));
  const ledger = new Set([...request.ledger].map(keyText));
  const ids = new IdFinder([...request.ids].map(keyText));
  const signIns = new IdFinder([...(request.signIns ?? [])].map(keyText));
  const prefixes = new Beginnings(request.prefixes.map(keyText));
  const runPrefixes = new Beginnings((run?.prefixes ?? []).map(keyText));

  // A production name may end like a prefix, such as study_group_test_, so inside a word a run's id must follow.
  const isOursBehind = (key: string, at: number, behind: number): boolean =>
    isRun || characterKindBefore(key, at) === separatorCharacter || runIdAt(key, behind) !== undefined;
  const hasPrefixAt = (key: string, at: number): boolean => prefixes.isAt(key, at, isOursBehind);

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
   * A wrong line in the ledger must not delete other people's keys, so something else has to confirm that this run created the
   * key. Parallel runs share namespaces and create new keys too, so another run's id outweighs both.
   */
  const isProven = (key: string): boolean => {
    const isOwn = (id: string | undefined) => id !== undefined && run?.ids.includes(id) === true;
    let isOthers = false;
    const isOwnBehind = (_: string, __: number, behind: number): boolean => {
      const id = runIdAt(key, behind);
      isOthers ||= id !== undefined;
      return isOwn(id);
    };
    for (let at = 0; at < key.length; at = nextWordStart(key, at + 1))
      if (isOwn(runIdAt(key, at)) || runPrefixes.isAt(key, at, isOwnBehind)) return true;
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
    // The id may also be a word in somebody else's key.
    if (isRun && because === "id" && hadKey(key) === true && !carriesPrefix(key)) return isNamed ? "unproven" : "earlier";
    return isRun || because === "id" || because === "sign-in" ? "delete" : judgeTestKey(key);
  };
}

/** The run id that starts here and ends at a word boundary. */
function runIdAt(key: string, at: number): string | undefined {
  const behind = at + runIdLength;
  if (behind > key.length || characterKindAt(key, behind) === wordCharacter) return undefined;
  const text = key.slice(at, behind);
  return isRunId(text) ? text : undefined;
}

/** The number of digits of a time in milliseconds. */
const timeLength = 13;

/** The latest of several times in a key, so that another number doesn't make a live run's key look old. */
function latestTimeIn(key: string, now: number): number | undefined {
  let latest: number | undefined;
  let digits = 0;
  let time = 0;
  // One position further than the key, where a number at its end is complete.
  for (let at = 0; at <= key.length; at++) {
    const code = key.charCodeAt(at);
    if (code >= 48 && code <= 57) {
      digits++;
      time = time * 10 + code - 48;
      continue;
    }
    const isTime = digits === timeLength && time >= earliestInId && time <= latestInId(now);
    if (isTime && !(latest !== undefined && latest > time)) latest = time;
    digits = 0;
    time = 0;
  }
  return latest;
}

/**
 * Finds ids and prefixes that are separate words in a Redis key. Keys and texts are `latin1`, one character per byte.
 * docs/redis.md explains the rules.
 */

/** Letters, digits, and every byte of a non-ASCII character: adjacent ones belong to the same word. */
export const wordCharacter = 0;
/** `_`, `-`, `.`, `@` and the like: they also occur inside ids, so a plain id may continue after them. */
export const joinerCharacter = 1;
/** `:`, `/`, braces and the like: an id always ends before them. */
export const separatorCharacter = 2;

const ends = ":/|{}[](),;#<>\"' ";

const kindOf = Uint8Array.from({ length: 256 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (code >= 0x80 || /[A-Za-z0-9]/.test(character)) return wordCharacter;
  return code < 0x20 || code === 0x7f || ends.includes(character) ? separatorCharacter : joinerCharacter;
});

/** A UUID, or a time with eight hexadecimal digits, as in run ids and ClassWaves' own ids. */
const unique = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<!\d)\d{13}_[0-9a-f]{8}(?![0-9a-z])/i;
/** ULIDs, MongoDB ids and hashes: long, with letters and digits. */
const longWord = /[a-z0-9]{20,}/gi;

/** Whether the id's form makes accidental matches practically impossible. */
export function isUnique(id: string): boolean {
  return unique.test(id) || (id.match(longWord) ?? []).some((text) => /\d/.test(text) && /[a-z]/i.test(text));
}

/** A shorter id could occur by chance in an unrelated key. */
const shortestId = 8;
/** A shorter number may be a date, a time or another table's id. */
const shortestNumber = 16;

/** Whether an id may select keys. An ordinary word may be the name of a namespace, such as `sessions`. */
export function canIdentifyKeys(id: string): boolean {
  return id.length >= shortestId && !/^[A-Za-z]+$/.test(id) && (id.length >= shortestNumber || /\D/.test(id));
}

/** The next position, from `from` on, at which a word may begin; the key's length if there is none. */
export function nextWordStart(key: string, from: number): number {
  let at = from;
  while (at < key.length && characterKindBefore(key, at) === wordCharacter) at++;
  return at;
}

/** The kind of the character before a position; the beginning of the key counts as a separator. */
export function characterKindBefore(key: string, at: number): number {
  return at === 0 ? separatorCharacter : (kindOf[key.charCodeAt(at - 1)] ?? wordCharacter);
}

/** The kind of the character at a position; the end of the key counts as a separator. */
export function characterKindAt(key: string, at: number): number {
  return at >= key.length ? separatorCharacter : (kindOf[key.charCodeAt(at)] ?? wordCharacter);
}

/** Finds ids in keys. */
export class IdFinder {
  /** Ids that must be separate words, and those that joiners may connect to others. */
  readonly #plain = new Set<string>();
  readonly #unique = new Set<string>();
  readonly #lengths: Uint8Array;
  readonly #longest: number;
  /** The hash of an id's first three characters → 1. */
  readonly #beginnings = new Uint8Array(1 << 16);

  /** @param ids as `latin1`; ids that are not distinctive are ignored */
  constructor(ids: Iterable<string>) {
    let longest = 0;
    const lengths = new Set<number>();
    for (const id of ids) {
      if (!canIdentifyKeys(id)) continue;
      (isUnique(id) ? this.#unique : this.#plain).add(id);
      lengths.add(id.length);
      longest = Math.max(longest, id.length);
      this.#beginnings[hashOfBeginning(id, 0)] = 1;
    }
    this.#longest = longest;
    this.#lengths = new Uint8Array(longest + 1);
    for (const length of lengths) this.#lengths[length] = 1;
  }

  get size(): number {
    return this.#plain.size + this.#unique.size;
  }

  /** Whether the key contains one of the ids as a separate word. */
  isIn(key: string): boolean {
    if (this.size === 0) return false;
    for (let at = 0; at < key.length; at = nextWordStart(key, at + 1)) if (this.isAt(key, at)) return true;
    return false;
  }

  /** Whether one of the ids begins at this word start and ends at a word boundary. */
  isAt(key: string, start: number): boolean {
    if (this.#longest === 0 || this.#beginnings[hashOfBeginning(key, start)] === 0) return false;
    const isPlainPlace = characterKindBefore(key, start) === separatorCharacter;
    const last = Math.min(key.length, start + this.#longest);
    for (let stop = start + shortestId; stop <= last; stop++) {
      if (this.#lengths[stop - start] === 0) continue;
      const behind = characterKindAt(key, stop);
      if (behind === wordCharacter) continue;
      const text = key.slice(start, stop);
      if (this.#unique.has(text) || (isPlainPlace && behind === separatorCharacter && this.#plain.has(text))) return true;
    }
    return false;
  }
}

/** A hash below 65,536. Positions beyond the end of the text count as 0. */
function hashOfBeginning(text: string, at: number): number {
  return (text.charCodeAt(at) ^ (text.charCodeAt(at + 1) << 5) ^ (text.charCodeAt(at + 2) << 8)) & 0xffff;
}
