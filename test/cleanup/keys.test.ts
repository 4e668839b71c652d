import fc from "fast-check";
import { expect, test } from "vitest";
import { type KeyScope, keyJudge } from "../../src/cleanup/keys/judge.ts";
import { keyText } from "../../src/redis/connection.ts";

const now = Date.UTC(2026, 10, 23);
const run = `integration_test_${now}_1a2b3c4d`;
const base: KeyScope = {
  scope: "run",
  prefixes: [run],
  ids: new Set(["0b7d8c1e-uuid-of-a-session"]),
  ledger: new Set(["tracked:key"]),
  namespaces: ["cw:test:*"],
  protectedKeys: ["audit:log"],
  olderThan: now - 7_200_000,
  now,
};
const judge = (request: Partial<KeyScope>, key: string) => keyJudge({ ...base, ...request })(keyText(key));

test("deletes a run's keys: by prefix, by a deleted row's id as a separate word, by the ledger if the key is new", () => {
  for (const key of [`cw:test:session:${run}_session_1`, run, "session:0b7d8c1e-uuid-of-a-session:access_code", "tracked:key"])
    expect(judge({ hadKey: () => false }, key), key).toBe("delete");
});

test("keeps another run's keys, production keys and near misses", () => {
  const others = [
    `cw:test:session:integration_test_${now}_ffffffff_1`,
    "session:0b7d8c1e-uuid-of-a-session2",
    "cw:test:anything",
    "integrationXtest_",
    "audit:log",
    "session:12",
  ];
  for (const key of others) expect(judge({}, key), key).toBe("keep");
});

test("keeps a protected key, whatever else marks it as test data", () => {
  expect(judge({ ledger: new Set(["audit:log"]), namespaces: ["*"], scope: "all" }, "audit:log")).toBe("guarded");
});

test("ignores a short id, which could be part of any key", () => {
  expect(judge({ ids: new Set(["12"]) }, "session:12:access_code")).toBe("keep");
});

test("handles as many ids as a ledger may have", () => {
  const ids = new Set(Array.from({ length: 200_000 }, (_, index) => `made-by-the-server-${index}`));
  expect(judge({ ids }, "session:made-by-the-server-199999:code")).toBe("delete");
  expect(judge({ ids }, "session:made-by-the-server-200000:code")).toBe("keep");
});

test("scope expired goes by the time in the key; a key without one is kept and counted", () => {
  const expired = { scope: "expired", prefixes: ["integration_test_"], ids: new Set<string>() } as const;
  expect(judge(expired, `cw:test:x:integration_test_${now - 8_000_000}_1a2b3c4d`)).toBe("delete");
  expect(judge(expired, `cw:test:x:integration_test_${now - 1_000}_1a2b3c4d`)).toBe("too-recent");
  expect(judge(expired, "cw:test:session:some-uuid")).toBe("ageless");
  expect(judge({ ...expired, scope: "all" }, "cw:test:session:some-uuid")).toBe("delete");
});

test("treats wildcards, brackets and backslashes in ids and prefixes as literal, and only * as special in a namespace", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "_", "%", "*", "?", "[", "]", "\\", "'", '"', "é", "名", "."),
    minLength: 8,
    maxLength: 14,
  });
  fc.assert(
    fc.property(text, text, (id, other) => {
      fc.pre(id !== other && !other.startsWith(id));
      const request = { ids: new Set([id]), prefixes: [id], ledger: new Set<string>() };
      expect(judge(request, `session:${id}:code`)).toBe("delete");
      expect(judge(request, `session:${other}:code`)).toBe("keep");
    }),
  );
});

test("takes about as long with 500 namespaces, prefixes and protected keys of one first letter as with five", () => {
  const texts = (count: number) => Array.from({ length: count }, (_, index) => `cw:team-${index}:test:`);
  const judgeOf = (count: number) =>
    keyJudge({
      ...base,
      scope: "all",
      prefixes: texts(count),
      namespaces: texts(count).map((text) => `${text}*`),
      protectedKeys: texts(count).map((text) => `${text}protected:*`),
    });
  const keys = Array.from({ length: 5_000 }, (_, index) => `cw:team-production:cw:session:cw:${index}`);
  const judges = [5, 500].map((count) => ({ judge: judgeOf(count), fastest: Number.POSITIVE_INFINITY }));
  // In turns, and the fastest of several: another process may take the CPU at any time.
  for (let turn = 0; turn < 15; turn++)
    for (const one of judges) {
      const started = performance.now();
      const kept = keys.filter((key) => one.judge(key) === "keep").length;
      one.fastest = Math.min(one.fastest, performance.now() - started);
      expect(kept).toBe(keys.length);
    }
  const [few, many] = judges.map(({ fastest }) => fastest);
  expect((many ?? 0) / (few ?? 0)).toBeLessThan(3);
});
