import fc from "fast-check";
import { expect, test } from "vitest";
import { keyText } from "../../src/redis/connection.ts";
import { type Judgement, type KeyScope, keyJudge } from "../../src/testdata/key-judge.ts";

// The judge is written for a million keys; this is what it means, written for people.
function plainly(scope: KeyScope, key: string): Judgement {
  const matches = (pattern: string): boolean => {
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
  };
  const parts = key.split(":");
  const begins = (text: string) => scope.prefixes.some((prefix) => prefix !== "" && text.startsWith(prefix));
  if (scope.protectedKeys.some(matches)) return scope.ledger.has(key) ? "guarded" : "keep";
  if (scope.ledger.has(key)) return "delete";
  if (parts.some((part) => part.length >= 8 && scope.ids.has(part))) return "delete";
  const named = begins(key) || parts.some(begins);
  if (scope.scope === "run") return named ? "delete" : "keep";
  if (!named && !scope.namespaces.some(matches)) return "keep";
  if (scope.scope === "all") return "delete";
  const time = /(?<!\d)\d{13}(?!\d)/.exec(key)?.[0];
  if (time === undefined) return "ageless";
  return Number(time) <= scope.olderThan ? "delete" : "young";
}

const now = Date.UTC(2026, 10, 23);
const old = now - 8_000_000;
// Few texts, so that keys, ids, prefixes and patterns meet; glob characters, empty parts and a letter beyond ASCII among them.
const word = fc.constantFrom(
  "session",
  "e2e_test_",
  "cw",
  "test",
  "",
  "a*b",
  "[x]?",
  "integration_test_",
  `${old}`,
  `${now}`,
  "é",
  "cw:test",
);
const part = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(""));
const key = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(":"));
const pattern = fc.oneof(
  key,
  key.map((text) => `${text}*`),
  fc.tuple(part, part).map(([a, b]) => `${a}*${b}`),
  fc.constant("*"),
);
const scope: fc.Arbitrary<KeyScope> = fc.record({
  scope: fc.constantFrom("run", "expired", "all"),
  prefixes: fc.array(key, { maxLength: 4 }),
  ids: fc.array(part, { maxLength: 6 }).map((ids) => new Set(ids)),
  ledger: fc.array(key, { maxLength: 2 }).map((keys) => new Set(keys)),
  namespaces: fc.array(pattern, { maxLength: 3 }),
  protectedKeys: fc.array(pattern, { maxLength: 1 }),
  olderThan: fc.constant(now - 7_200_000),
  now: fc.constant(now),
});

test("the judge means what is written here, for every scope, pattern, id and key", () => {
  const seen = new Map<Judgement, number>();
  fc.assert(
    fc.property(scope, fc.array(key, { minLength: 1, maxLength: 20 }), (made, keys) => {
      // É and its bytes: people write texts, Redis has bytes.
      const judge = keyJudge(made);
      for (const text of [...keys, ...made.ledger]) {
        const expected = plainly(made, text);
        seen.set(expected, (seen.get(expected) ?? 0) + 1);
        expect(judge(keyText(text)), text).toBe(expected);
      }
    }),
    { numRuns: 1_000 },
  );
  // It would be worth little if one of the answers never came up.
  expect([...seen.keys()].sort()).toEqual(["ageless", "delete", "guarded", "keep", "young"]);
});
