import fc from "fast-check";
import { expect, test } from "vitest";
import { keyText } from "../../src/redis/connection.ts";
import { type Judgement, type KeyScope, keyJudge } from "../../src/testdata/key-judge.ts";

// The judge is written for a million keys; this is what docs/redis.md promises, written for people, over all places of a key at once.
function plainly(scope: KeyScope, key: string): Judgement {
  const carried = { id: carries(key, [...scope.ids]), prefix: hasPrefix(scope, key), signIn: carries(key, [...(scope.signIns ?? [])]) };
  const isTest = carried.id || carried.prefix || (carried.signIn && !had(scope, key, true));
  const isNamed = scope.ledger.has(key);
  if (scope.protectedKeys.some((pattern) => matches(pattern, key))) return isNamed ? "guarded" : "keep";
  const inNamespace = scope.namespaces.some((pattern) => matches(pattern, key));
  if (scope.scope === "run") {
    if (isTest) return "delete";
    if (!isNamed) return "keep";
    return isProven(scope, key, inNamespace) ? "delete" : "unproven";
  }
  if (!isTest && !inNamespace) return isNamed ? (isProven(scope, key, false) ? "delete" : "unproven") : "keep";
  if (scope.scope === "all" || carried.id || (!carried.prefix && isTest)) return "delete";
  const times = (key.match(/\d+/g) ?? []).filter((digits) => digits.length === 13).map(Number);
  if (times.length === 0) return "ageless";
  return Math.max(...times) <= scope.olderThan ? "delete" : "young";
}

const had = (scope: KeyScope, key: string, wanted: boolean) => scope.hadKey?.(keyText(key)) === wanted;
const isWord = (character: string) => character >= "\x80" || /^[A-Za-z0-9]$/.test(character);
const isEnd = (character: string) => character === "" || /^[:/|{}[\](),;#<>"' \x00-\x1f\x7f]$/.test(character);

/** Every place where the text stands, with the character before and the one behind. */
function places(key: string, text: string): { before: string; behind: string; rest: string }[] {
  const found = [];
  for (let at = 0; at <= key.length - text.length; at++)
    if (key.slice(at, at + text.length) === text && text !== "")
      found.push({ before: key.slice(0, at).slice(-1), behind: key.charAt(at + text.length), rest: key.slice(at + text.length) });
  return found.filter(({ before }) => before === "" || !isWord(before));
}

function carries(key: string, ids: readonly string[]): boolean {
  return ids.some((id) => {
    if (keyText(id).length < 8 || !/\d/.test(id) || /^\d{8,15}$/.test(id)) return false;
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
  if (places(key, runId).some(({ behind }) => behind === "" || !isWord(behind))) return true;
  const others = (scope.run?.prefixes ?? []).flatMap((prefix) => places(key, prefix).map(({ rest }) => startsWithRunId(rest)));
  if (others.includes(scope.run?.id)) return true;
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

const now = Date.UTC(2026, 10, 23);
const old = now - 8_000_000;
const runId = `${now}_1a2b3c4d`;
const otherRun = `${now}_ffffffff`;
const uuid = "0b7d8c1e-1111-4222-8333-0123456789ab";

// Few texts, so that keys, ids, prefixes and patterns meet; glob characters, empty parts and letters beyond ASCII among them.
const texts = ["session", "e2e_test_", "cw", "test", "a*b", "[x]?", "integration_test_", "perftest", `${old}`, `${now}`, "é", "cw:test"];
const runs = [runId, otherRun, `integration_test_${runId}`, `integration_test_${otherRun}`, `perftest${runId}`, `${old}_00000000`];
const plainIds = ["teacher-12", "a:b:c:12", "teacher_12_group_1", "名前-1234", "12345678", "1234567890123456", "sessions", "x{y}_123", "Teacher-12"];
const uniqueIds = [uuid, `${uuid}_group_1`, `school_${old}_1a2b3c4d`, "01hzxk5v3n8q2w4r6t8y0a1b2c", `integration_test_${runId}_7`];
const near = plainIds.flatMap((id) => [`${id}_2`, `${id}-b`, `x${id}`, `${id}x`, `é${id}`, `${id}：`, `{${id}}`, `old_${id}`, `${id}.`, `${id}@x`]);
const nearUnique = uniqueIds.flatMap((id) => [`${id}_2`, `x-${id}`, `x${id}`, `${id}x`, `${id}é`, `{${id}}`, id.slice(1), id.slice(0, -1)]);
const word = fc.oneof(fc.constantFrom("", ...texts), fc.constantFrom(...runs, ...plainIds, ...uniqueIds), fc.constantFrom(...near, ...nearUnique));
const part = fc.tuple(word, fc.constantFrom("", "", "_", "-", ".", "{", "/", "x", "é"), word).map((words) => words.join(""));
const key = fc.oneof(word, fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(":")));
const pattern = fc.oneof(
  key,
  key.map((text) => `${text}*`),
  fc.tuple(part, part).map(([a, b]) => `${a}*${b}`),
  fc.constantFrom("*", "cw:test:*", "session*"),
);
const scope: fc.Arbitrary<KeyScope> = fc.record({
  scope: fc.constantFrom("run", "run", "expired", "all"),
  prefixes: fc.array(fc.oneof(fc.constantFrom("integration_test_", "perftest", "e2e_test_", "cw:test"), word), { maxLength: 3 }),
  ids: fc.array(fc.constantFrom(...plainIds, ...uniqueIds, ...texts), { maxLength: 5 }).map((ids) => new Set(ids)),
  signIns: fc.array(fc.constantFrom(uuid, "teacher-12"), { maxLength: 1 }).map((ids) => new Set(ids)),
  ledger: fc.array(key, { maxLength: 3 }).map((keys) => new Set(keys)),
  namespaces: fc.array(pattern, { maxLength: 2 }),
  protectedKeys: fc.array(pattern, { maxLength: 1 }),
  olderThan: fc.constant(now - 7_200_000),
  now: fc.constant(now),
  run: fc.constant({ id: runId, prefixes: ["integration_test_", "perftest"] }),
  hadKey: fc.constantFrom(
    () => undefined,
    () => false,
    (text: string) => text.length % 2 === 0,
  ),
});

test("the judge means what is written here, for every scope, pattern, id and key", () => {
  const seen = new Map<Judgement, number>();
  fc.assert(
    fc.property(scope, fc.array(key, { minLength: 1, maxLength: 20 }), (made, keys) => {
      // É and its bytes: people write texts, Redis has bytes.
      const judge = keyJudge(made);
      const carrying = [...made.ids].flatMap((id) => [`session:${id}:code`, `cw:a_${id}-b`, `x${id}`]);
      for (const text of [...keys, ...made.ledger, ...carrying]) {
        const expected = plainly(made, text);
        seen.set(expected, (seen.get(expected) ?? 0) + 1);
        expect(judge(keyText(text)), text).toBe(expected);
      }
    }),
    { numRuns: process.env.LONG ? 50_000 : 1_500 },
  );
  // It would be worth little if one of the answers never came up.
  expect([...seen.keys()].sort()).toEqual(["ageless", "delete", "guarded", "keep", "unproven", "young"]);
});
