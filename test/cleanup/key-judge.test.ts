import fc from "fast-check";
import { expect, test } from "vitest";
import { type Judgement, type KeyScope, keyJudge } from "../../src/cleanup/keys/judge.ts";
import { keyText } from "../../src/redis/connection.ts";

import { plainly } from "./key-oracle.ts";

// The judge is fast enough for a million keys; the oracle is written to be read.
const now = Date.UTC(2026, 10, 23);
const old = now - 8_000_000;
const runId = `${now}_1a2b3c4d`;
const otherRun = `${now}_ffffffff`;
const uuid = "0b7d8c1e-1111-4222-8333-0123456789ab";

// Few texts, so that keys, ids, prefixes and patterns match often. They include glob characters, empty parts and non-ASCII
// letters.
const texts = [
  "session",
  "e2e_test_",
  "cw",
  "test",
  "a*b",
  "[x]?",
  "integration_test_",
  "perftest",
  `${old}`,
  `${now}`,
  "é",
  "cw:test",
];
const runs = [
  runId,
  otherRun,
  `integration_test_${runId}`,
  `integration_test_${otherRun}`,
  `perftest${runId}`,
  `${old}_00000000`,
];
const plainIds = [
  "teacher-12",
  "a:b:c:12",
  "teacher_12_group_1",
  "名前-1234",
  "12345678",
  "1234567890123456",
  "sessions",
  "x{y}_123",
  "Teacher-12",
];
const uniqueIds = [
  uuid,
  `${uuid}_group_1`,
  `school_${old}_1a2b3c4d`,
  "01hzxk5v3n8q2w4r6t8y0a1b2c",
  `integration_test_${runId}_7`,
];
const near = plainIds.flatMap((id) => [
  `${id}_2`,
  `${id}-b`,
  `x${id}`,
  `${id}x`,
  `é${id}`,
  `${id}：`,
  `{${id}}`,
  `old_${id}`,
  `${id}.`,
  `${id}@x`,
]);
const nearUnique = uniqueIds.flatMap((id) => [
  `${id}_2`,
  `x-${id}`,
  `x${id}`,
  `${id}x`,
  `${id}é`,
  `{${id}}`,
  id.slice(1),
  id.slice(0, -1),
]);
const word = fc.oneof(
  fc.constantFrom("", ...texts),
  fc.constantFrom(...runs, ...plainIds, ...uniqueIds),
  fc.constantFrom(...near, ...nearUnique),
);
const part = fc.tuple(word, fc.constantFrom("", "", "_", "-", ".", "{", "/", "x", "é"), word).map((words) => words.join(""));
const key = fc.oneof(
  word,
  fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(":")),
);
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
  run: fc.constant({ ids: [runId], prefixes: ["integration_test_", "perftest"] }),
  hadKey: fc.constantFrom(
    () => undefined,
    () => false,
    (text: string) => text.length % 2 === 0,
  ),
});

test("the judge agrees with the oracle for every scope, pattern, id and key", () => {
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
  // The test would prove little if one of the answers never occurred.
  expect([...seen.keys()].sort()).toEqual(["ageless", "delete", "earlier", "guarded", "keep", "too-recent", "unproven"]);
});
