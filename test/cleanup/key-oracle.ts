import type { Judgement, KeyScope } from "../../src/cleanup/keys/judge.ts";
import { keyText } from "../../src/redis/connection.ts";

/** What docs/redis.md promises about a key (as people write it), for all of its positions, and without optimisation. */
export function plainly(scope: KeyScope, key: string): Judgement {
  const carried = {
    id: carries(key, [...scope.ids]),
    prefix: hasPrefix(scope, key),
    signIn: carries(key, [...(scope.signIns ?? [])]),
  };
  const isTest = carried.id || carried.prefix || (carried.signIn && !had(scope, key, true));
  const isNamed = scope.ledger.has(key);
  if (scope.protectedKeys.some((pattern) => matches(pattern, key))) return isNamed ? "guarded" : "keep";
  const inNamespace = scope.namespaces.some((pattern) => matches(pattern, key));
  if (scope.scope === "run") {
    // A key from before the tests cannot be about a row that they created, whatever its name contains.
    if (carried.id && !carried.prefix && had(scope, key, true)) return isNamed ? "unproven" : "earlier";
    if (isTest) return "delete";
    if (!isNamed) return "keep";
    return isProven(scope, key, inNamespace) ? "delete" : "unproven";
  }
  if (!isTest && !inNamespace) return isNamed ? (isProven(scope, key, false) ? "delete" : "unproven") : "keep";
  if (scope.scope === "all" || carried.id || (!carried.prefix && isTest)) return "delete";
  const times = (key.match(/\d+/g) ?? []).filter((digits) => digits.length === 13).map(Number);
  if (times.length === 0) return "ageless";
  return Math.max(...times) <= scope.olderThan ? "delete" : "too-recent";
}

const had = (scope: KeyScope, key: string, wanted: boolean) => scope.hadKey?.(keyText(key)) === wanted;
const isWord = (character: string) => character >= "\x80" || /^[A-Za-z0-9]$/.test(character);
const isEnd = (character: string) => character === "" || character < " " || ":/|{}[](),;#<>\"' \x7f".includes(character);

/** Every occurrence of the text, with the character before it and the one after. */
function places(key: string, text: string): { before: string; behind: string; rest: string }[] {
  const found = [];
  for (let at = 0; at <= key.length - text.length; at++)
    if (key.slice(at, at + text.length) === text && text !== "")
      found.push({ before: key.slice(0, at).slice(-1), behind: key.charAt(at + text.length), rest: key.slice(at + text.length) });
  return found.filter(({ before }) => before === "" || !isWord(before));
}

function carries(key: string, ids: readonly string[]): boolean {
  return ids.some((id) => {
    if (keyText(id).length < 8 || /^[A-Za-z]+$/.test(id) || /^\d{8,15}$/.test(id)) return false;
    const unique =
      /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.test(id) ||
      /(^|\D)\d{13}_[0-9a-f]{8}($|[^0-9a-z])/.test(id) ||
      id.split(/[^a-z0-9]+/i).some((part) => part.length >= 20 && /\d/.test(part) && /[a-z]/i.test(part));
    return places(key, id).some(({ before, behind }) =>
      unique ? behind === "" || !isWord(behind) : isEnd(before) && isEnd(behind),
    );
  });
}

const startsWithRunId = (text: string) => /^(\d{13}_[0-9a-f]{8})(?:$|[^A-Za-z0-9\x80-\uffff])/.exec(text)?.[1];

function hasPrefix({ scope, prefixes }: KeyScope, key: string): boolean {
  const places_ = prefixes.flatMap((prefix) => places(key, prefix));
  return places_.some(({ before, rest }) => scope === "run" || isEnd(before) || startsWithRunId(rest) !== undefined);
}

function isProven(scope: KeyScope, key: string, inNamespace: boolean): boolean {
  const own = scope.run?.ids ?? [];
  if (own.flatMap((id) => places(key, id)).some(({ behind }) => behind === "" || !isWord(behind))) return true;
  const others = (scope.run?.prefixes ?? []).flatMap((prefix) => places(key, prefix).map(({ rest }) => startsWithRunId(rest)));
  if (others.some((id) => id !== undefined && own.includes(id))) return true;
  if (others.some((id) => id !== undefined)) return false;
  return inNamespace || had(scope, key, false);
}

function matches(pattern: string, key: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return key === pattern;
  if (!key.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest.slice(0, -1)) {
    const found = key.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  const last = rest.at(-1) ?? "";
  return key.length - last.length >= at && key.endsWith(last);
}
