import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { recordStart } from "../../src/cleanup/books/start.ts";
import { keyFilter, namespaceFilter } from "../../src/cleanup/keys/filter.ts";
import { type KeyScope, keyJudge } from "../../src/cleanup/keys/judge.ts";
import { planKeys } from "../../src/cleanup/keys/plan-keys.ts";
import { testDataSchema } from "../../src/config/test-data-schema.ts";
import { keyText, openRedisReader, type RedisReader } from "../../src/redis/connection.ts";
import { allKeys } from "../redis/helpers.ts";

// The server itself decides what a glob matches.
let server: RunningRedis;
let admin: Redis;
let redis: RedisReader;
beforeAll(async () => {
  server = await startRedis();
  admin = new Redis(server.url);
  redis = await openRedisReader(server.url, new AbortController().signal);
});
beforeEach(() => admin.flushall());
afterAll(async () => {
  admin.disconnect();
  await redis.close();
  await server.stop();
});

const none = new Set<string>();
const base: KeyScope = {
  ...{ scope: "expired", prefixes: [], namespaces: [], ids: none, ledger: none, protectedKeys: [] },
  ...{ olderThan: 0, now: 0, hadKey: () => false },
};
const sign = fc.constantFrom("a", "b", "c", "1", "2", "-", "_", "]", "[", "^", "\\", "*", "?", ":", "é", "\n", "\0");
const word = fc.string({ unit: sign, minLength: 4, maxLength: 9 });
const words = fc.array(fc.tuple(word, word), { maxLength: 4 }).map((pairs) => new Set(pairs.map((pair) => pair.join(""))));
const scope: fc.Arbitrary<KeyScope> = fc.record({
  ...{ scope: fc.constantFrom("run" as const, "expired" as const, "all" as const) },
  ...{ prefixes: fc.array(word, { maxLength: 4 }), ids: words, signIns: words, ledger: words },
  namespaces: fc.array(
    word.map((name) => `${name.replaceAll("*", "")}*`),
    { maxLength: 3 },
  ),
  ...{ protectedKeys: fc.constant([]), olderThan: fc.constant(0), now: fc.constant(0), hadKey: fc.constant(() => false) },
});

/** Keys that contain each text in every way, and some that nearly do. */
function keysAround(made: KeyScope): string[] {
  const texts = [...made.prefixes, ...made.ids, ...(made.signIns ?? []), ...made.ledger];
  const all = [...texts, ...made.namespaces.map((name) => name.slice(0, -1))];
  return all.flatMap((text) => [text, `x:${text}`, `${text}:x`, `a-${text}`, text.slice(1), `x${text}`]);
}

it("never excludes a key that the judge might not keep, whichever keys it was chosen by", async () => {
  let filtered = 0;
  const asking = fc.asyncProperty(scope, fc.array(word, { maxLength: 12 }), async (made, others) => {
    const keys = [...new Set([...others, ...keysAround(made)])].filter((key) => key !== "");
    await admin.flushall();
    if (keys.length > 0) await admin.mset(...keys.flatMap((key) => [key, "1"]));
    const judge = keyJudge(made);
    const wanted = keys.map(keyText).filter((key) => judge(key) !== "keep");
    for (const sample of [[], others.map(keyText), keys.map(keyText)]) {
      const match = keyFilter(made, sample);
      if (match === undefined) continue;
      filtered++;
      expect(await allKeys(redis.scan({ match })), match).toEqual(expect.arrayContaining(wanted));
    }
  });
  await fc.assert(asking, { numRuns: process.env.LONG ? 5_000 : 150 });
  expect(filtered).toBeGreaterThan(150);
});

it("never excludes a key of the namespaces", async () => {
  const name = fc.string({ unit: sign, minLength: 6, maxLength: 12 }).map((text) => text.replaceAll("*", "x"));
  const asking = fc.asyncProperty(fc.array(name, { minLength: 1, maxLength: 9 }), fc.array(word), async (names, others) => {
    const keys = names.flatMap((text) => [text, `${text}:1`]);
    await admin.flushall();
    await admin.mset(...[...keys, ...others].flatMap((key) => [key, "1"]));
    const match = namespaceFilter(
      names.map((text) => `${text}*`),
      others.map(keyText),
    );
    expect(await allKeys(redis.scan({ match })), match).toEqual(expect.arrayContaining(keys.map(keyText)));
  });
  await fc.assert(asking, { numRuns: process.env.LONG ? 2_000 : 60 });
});

it("lets the state before the tests be read in one pass, however many namespaces there are", async () => {
  const namespaces = Array.from({ length: 40 }, (_, index) => `cw:team-${index}:test:*`);
  const inside = namespaces.map((namespace) => namespace.replace("*", "é"));
  const outside = Array.from({ length: 3_000 }, (_, index) => `cw:team-${index}:session`);
  await admin.mset(...[...inside, ...outside, "exact:key", "exact:key:2"].flatMap((key) => [key, "1"]));
  let passes = 0;
  const counted = {
    ...redis,
    identity: redis.identity,
    scan: (options = {}) => {
      passes++;
      return redis.scan(options);
    },
  };
  const options = { takenAt: 0, maxRead: 1_000, namespaces: [...namespaces, "exact:key"], signal: AbortSignal.timeout(60_000) };
  const { keys, hadKey } = await recordStart({ redis: counted }, options);
  expect([...(keys?.known ?? [])].sort()).toEqual([...inside, "exact:key"].map(keyText).sort());
  expect([hadKey(keyText(inside[0] ?? "")), hadKey("cw:team-1:test:new"), hadKey("exact:key:2")]).toEqual([
    true,
    false,
    undefined,
  ]);
  expect(passes).toBe(1);
});

const uuid = (index: number) => `${index.toString(16).padStart(8, "0")}-1111-4222-8333-0123456789ab`;
const productions: Record<string, (index: number) => string> = {
  sessions: (index) => `cw:production:session:${index}`,
  "sessions by UUID": (index) => `session:${uuid(index)}:access_code`,
  tokens: (index) => `tokens:${uuid(index)}`,
  groups: (index) => `teacher_sessions:${index}:group:members`,
};

it.each(Object.keys(productions))("of ClassWaves' default prefixes leaves out nearly all production keys: %s", async (name) => {
  const { prefixes, keys } = testDataSchema.parse({});
  const production = Array.from({ length: 4_000 }, (_, index) => productions[name]?.(index) ?? "");
  const ours = [...prefixes.map((prefix) => `${prefix}1`), "cw:test:1"];
  await admin.mset(...[...production, ...ours].flatMap((key) => [key, "1"]));
  const found = await planKeys(redis, { ...base, scope: "all", prefixes, namespaces: keys, maxKeys: 100, ttlLimit: 1_000 });
  expect([...found.keys].sort()).toEqual([...ours].sort());
  // The keys by which the filter is chosen are the only others that the server sends.
  expect(found.scanned).toBeLessThan(1_000);
});

it("takes the server no longer with 500 namespaces than with five, if they share a part that no other key has", () => {
  const prefixes = ["integration_test_", "e2e_test_", "perf_test_"];
  const others = Array.from({ length: 500 }, (_, index) => `cw:production:session:${index}`);
  const filterFor = (count: number) => {
    const teams = Array.from({ length: count - 2 }, (_, index) => `cw:team-${index}:test:*`);
    return keyFilter({ ...base, prefixes, namespaces: ["cw:test:*", "test:session:*", ...teams] }, others);
  };
  // One character is compared at each position of a key, not a class of characters.
  expect(filterFor(500)).toMatch(/^\*\\?[^[]/);
  expect(filterFor(500)).toBe(filterFor(5));
});

it("is none if every key could be test data, or a text is too short to exclude others", () => {
  const { prefixes } = testDataSchema.parse({});
  expect(keyFilter({ ...base, prefixes, namespaces: ["*"] })).toBeUndefined();
  expect(keyFilter({ ...base, prefixes: ["abc"] })).toBeUndefined();
  expect(keyFilter({ ...base, prefixes: ["session:"] }, ["session:1", "session:2"])).toBeUndefined();
});
