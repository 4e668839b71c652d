import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { executeCleanup, prove } from "../../src/cleanup/execute/execute.ts";
import { judgeCleanup } from "../../src/cleanup/execute/verdict.ts";
import { keyFilter } from "../../src/cleanup/keys/filter.ts";
import { keyJudge } from "../../src/cleanup/keys/judge.ts";
import { type KeyRequest, planKeys } from "../../src/cleanup/keys/plan-keys.ts";
import { describePlan } from "../../src/cleanup/plan/describe-plan.ts";
import { type CleanupRequest, planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import { environmentSchema, type TestDataConfig } from "../../src/config/schema.ts";
import { testDataSchema } from "../../src/config/test-data-schema.ts";
import type { CleanupResult } from "../../src/model/test-data.ts";
import { keyText, openRedisForTestData, openRedisReader, type TestDataRedis } from "../../src/redis/connection.ts";
import { requestFor, runId, runStarted } from "./test-stores.ts";
import { otherRun } from "./world.ts";

// Cleanups with only a Redis: what they find, delete, limit and leave alone.
const signal = new AbortController().signal;
let server: RunningRedis;
let admin: Redis;
let redis: TestDataRedis;

/** Reading without PTTL for `unaware`, and without anything that Redis may refuse. */
const least = "-@all +ping +scan";
beforeAll(async () => {
  server = await startRedis({
    users: {
      unaware: `on >pw ~* ${least}`,
      reading: `on >pw ~* ${least} +pttl`,
      cleaning: `on >pw ~* ${least} +pttl +unlink +pexpire`,
    },
    config: ["KEYS", "EVAL", "FLUSHALL", "FLUSHDB", "CONFIG"].map((command) => `rename-command ${command} ""`),
  });
  admin = new Redis(server.url);
  redis = await openRedisForTestData(`redis://cleaning:pw@127.0.0.1:${server.port}`, signal);
});
beforeEach(removeAll);
afterAll(async () => {
  admin.disconnect();
  await redis.close();
  await server.stop();
});

/** FLUSHALL is disabled here, as in production. */
async function removeAll(): Promise<void> {
  const keys = await everything();
  if (keys.length > 0) await admin.unlink(keys);
}

async function everything(): Promise<string[]> {
  // SCAN may return a key more than once.
  const keys = new Set<string>();
  for await (const batch of admin.scanStream()) for (const key of batch as string[]) keys.add(key);
  return [...keys].sort();
}

const environment = environmentSchema.parse({
  access: "test-data",
  redis: { url: "redis://localhost", expect: { host: "127.0.0.1" } },
});
const told = { onStep: () => undefined, onRemaining: () => undefined, audit: async () => undefined };
const ports = (changes = {}) => ({ environment, redis, signal, ...told, ...changes });
const request = (scope: CleanupResult["scope"], testData: Partial<TestDataConfig> = {}) => requestFor({}, { scope, testData });
const limit = 1_800_000;
const old = runStarted - 86_400_000;

/** Test keys with every kind of TTL, a protected key, and a production key. */
async function fill(): Promise<void> {
  await admin.mset(`cw:test:a:${old}`, "1", `cw:test:b:${old}`, "1", "cw:test:ageless", "1", "cw:test:long", "1");
  await admin.mset(`cw:test:young:${runStarted}`, "1", "audit:log", "1", "session:1", "1");
  await admin.pexpire(`cw:test:b:${old}`, limit / 2);
  await admin.pexpire("cw:test:long", limit * 2);
}

it("a protected key in the ledger is kept and reported", async () => {
  await fill();
  const ledger = { rows: new Map(), keys: new Set(["audit:log", "cw:test:long", "protected:gone"]), problems: [] };
  const protectedKeys = ["audit:log", "protected:*"];
  const plan = await planCleanup(ports(), { ...requestFor({}, { scope: "run", testData: { protectedKeys } }), ledger });
  const result = await executeCleanup(await prove(ports()), plan);
  expect(result).toMatchObject({ deletedKeys: 1, leftOver: 0 });
  expect(result.notes).toContain("1 Redis key that the ledger names is protected, and not deleted: audit:log");
  expect(await admin.exists("audit:log", "cw:test:long")).toBe(1);
});

describe("a key in the ledger", () => {
  const mine = `integration_test_${runId}`;
  const clean = async (keys: string[], changes: Partial<CleanupRequest> = {}) => {
    const ledger = { rows: new Map(), keys: new Set(keys), problems: [] };
    const plan = await planCleanup(ports(), { ...request("run"), ledger, stagePrefixes: ["integration_test_"], ...changes });
    return await executeCleanup(await prove(ports()), plan);
  };
  const startWith = (...keys: string[]) => ({
    takenAt: runStarted,
    versions: new Map(),
    hadKey: (key: string) => keys.map(keyText).includes(key),
  });

  it("is kept and fails the stage if nothing else proves that the run created it", async () => {
    await admin.mset("cw:production:settings", "1", "teacher_sessions:real-teacher-1", "1", `cw:test:x:${mine}`, "1");
    const result = await clean(["cw:production:settings", "teacher_sessions:real-teacher-1", `cw:test:x:${mine}`]);
    expect(await everything()).toEqual(["cw:production:settings", "teacher_sessions:real-teacher-1"]);
    expect(result).toMatchObject({ deletedKeys: 1, leftOver: 0 });
    expect(result.problems).toHaveLength(1);
    expect(result.problems[0]).toMatch(/^2 Redis keys that the ledger names are kept, .*: /);
    for (const key of await everything()) expect(result.problems[0]).toContain(key);
    expect(judgeCleanup(result, 0).verdict).toBe("failed");
  });

  it("is deleted if it contains the run's id, is in a test namespace, or is new since the tests began", async () => {
    const [carrying, inNamespace, made, real] = [
      `jobs:${runId}`,
      "cw:test:room",
      `room:é:teacher_test_${otherRun}`,
      "settings:é",
    ];
    await admin.mset(
      carrying,
      "1",
      inNamespace,
      "1",
      made,
      "1",
      real,
      "1",
      `cw:test:integration_test_${runStarted}_ffffffff`,
      "1",
    );
    const result = await clean([carrying, inNamespace, made, real, `cw:test:integration_test_${otherRun}`], {
      start: startWith(real),
    });
    // Another run's keys are not ours, even in a test namespace.
    expect(await everything()).toEqual([`cw:test:integration_test_${otherRun}`, real].sort());
    expect(result.problems.join()).toContain(real);
  });

  it("that doesn't exist is reported but not a failure, because tests delete their own keys", async () => {
    await admin.set("cw:test:there", "1");
    const some = await clean(["cw:test:there", "cw:test:gone"], { start: startWith() });
    expect(some).toMatchObject({ deletedKeys: 1, problems: [] });
    expect(some.notes.join()).toContain("1 Redis key that the ledger names is missing: cw:test:gone");
    expect(some.notes.join()).not.toContain("none of the ledger's keys");
    const none = await clean(["app:test:gone", "settings:é"], { start: startWith("settings:é") });
    expect(none.problems).toEqual([]);
    expect(none.notes.join()).toContain("1 existed before the tests started: settings:é");
    expect(none.notes.join()).toMatch(/none of the ledger's keys exists: compare the database and the keyPrefix/);
  });
});

it("a ledger whose keys are all in another database fails the stage, and the database is named", async () => {
  const key = `cw:test:integration_test_${runId}`;
  const other = new Redis(`${server.url}/3`);
  const full = await openRedisForTestData(server.url, signal);
  try {
    await other.mset(key, "1", "cw:test:shared", "1");
    const planned = async (...keys: string[]) => {
      const ledger = { rows: new Map(), keys: new Set(keys), problems: [] };
      return await planCleanup(ports({ redis: full }), { ...request("run"), ledger });
    };
    const wrong = /database 3 of this Redis, but this cleanup uses database 0: write \/3 as the path of redis\.url/;
    expect((await planned(key, "cw:test:shared")).problems).toEqual([expect.stringMatching(wrong)]);
    // A name that another environment may also use proves nothing.
    const shared = await planned("cw:test:shared");
    expect(shared.problems).toEqual([]);
    expect(shared.keys?.notes).toContainEqual(expect.stringMatching(wrong));
    await admin.set("cw:test:here", "1");
    expect((await planned(key, "cw:test:here")).problems).toEqual([]);
  } finally {
    await other.unlink(key, "cw:test:shared");
    other.disconnect();
    await full.close();
  }
});

it("keys with the run's prefix as a separate word anywhere are deleted, in every scope that includes it", async () => {
  const mine = `integration_test_${runId}`;
  const theirs = [`cw:test:c:detail_${mine}_x`, `cw:test:e:x-${mine}`, `{${mine}}:a`, `list/${mine}.7`, `a:b|${mine}`];
  const others = [`x${mine}`, `cw:${mine.replaceAll("_", "X")}`, "my_integration_test_report:1700000000000", `é${mine}`];
  const fill = () => admin.mset(...[...theirs, ...others].flatMap((key) => [key, "1"]));
  for (const wanted of [
    request("run"),
    { ...request("expired", { expireAfter: 1, keys: ["nothing:*"] }), now: runStarted + 1_000_000 },
  ]) {
    await removeAll();
    await fill();
    const result = await executeCleanup(await prove(ports()), await planCleanup(ports(), wanted));
    expect(await everything(), wanted.scope).toEqual([...others].sort());
    expect(result).toMatchObject({ deletedKeys: theirs.length, leftOver: 0, problems: [] });
  }
});

describe("the suite's own sign-ins", () => {
  const session = "0b7d8c1e-1111-4222-8333-0123456789ab";

  it("are deleted by the session in the answer; earlier and protected keys are kept", async () => {
    const made = [`tokens:${session}`, `cw:test:secure_session:${session}`, `refresh_${session}-1`];
    const others = [`tokens:${session}f`, "tokens:1b7d8c1e-1111-4222-8333-0123456789ab", `old:${session}`, `audit:${session}`];
    await admin.mset(...[...made, ...others].flatMap((key) => [key, "1"]));
    const signIns = { ids: new Set([session]), notes: ["POST /mint named no session"] };
    const start = { takenAt: runStarted, versions: new Map(), hadKey: (key: string) => key === `old:${session}` };
    const wanted = { ...request("run", { protectedKeys: ["audit:*"] }), signIns, start };
    const result = await executeCleanup(await prove(ports()), await planCleanup(ports(), wanted));
    expect(await everything()).toEqual([...others].sort());
    expect(result).toMatchObject({ deletedKeys: made.length, leftOver: 0, problems: [] });
    expect(result.notes).toContain("POST /mint named no session");
  });
});

describe("the TTL of test keys", () => {
  it("is reported for deleted and kept keys, and for nobody else's", async () => {
    await fill();
    const plan = await planCleanup(ports(), request("expired"));
    const result = describePlan(plan, true);
    expect(result.keys).toMatchObject({ planned: 2, ttl: { limitMs: limit, unlimited: 3, over: 1 } });
    expect(result.keys.ttl?.samples).toHaveLength(3);
    expect(result.notes).toContain("3 Redis test keys have no TTL, 1 lives longer than 30 min");
    expect(result.notes).toContain("2 Redis test keys are kept, because their age is unknown");
  });

  it("is limited for kept keys by a deleting cleanup if configured, and never lengthened", async () => {
    await fill();
    await admin.set("cw:test:short", "1", "PX", 60_000);
    const keyTtl = { limit, apply: true };
    describePlan(await planCleanup(ports(), request("expired", { keyTtl })), true);
    expect(await admin.pttl("cw:test:ageless")).toBe(-1);

    const result = await executeCleanup(await prove(ports()), await planCleanup(ports(), request("expired", { keyTtl })));
    expect(result).toMatchObject({
      deletedKeys: 2,
      leftOver: 0,
      keys: { deleted: 2, ttl: { unlimited: 3, over: 1, shortened: 3 } },
    });
    for (const key of ["cw:test:ageless", "cw:test:long", `cw:test:young:${runStarted}`]) {
      expect(await admin.pttl(key), key).toBeGreaterThan(limit - 60_000);
      expect(await admin.pttl(key), key).toBeLessThanOrEqual(limit);
    }
    expect(await admin.pttl("cw:test:short")).toBeLessThanOrEqual(60_000);
    for (const key of ["audit:log", "session:1"]) expect(await admin.pttl(key), key).toBe(-1);
  });

  it("is also limited if nothing has to be deleted, but never unless configured", async () => {
    await admin.set("cw:test:ageless", "1");
    await executeCleanup(await prove(ports()), await planCleanup(ports(), request("expired")));
    expect(await admin.pttl("cw:test:ageless")).toBe(-1);
    const keyTtl = { limit, apply: true };
    await executeCleanup(await prove(ports()), await planCleanup(ports(), request("expired", { keyTtl })));
    expect(await admin.pttl("cw:test:ageless")).toBeGreaterThan(0);
  });

  it("is left alone for another run's keys", async () => {
    await admin.set(`cw:test:integration_test_${runStarted}_ffffffff`, "1");
    const plan = await planCleanup(ports(), request("run", { keyTtl: { limit, apply: true } }));
    expect(describePlan(plan, true).keys).toMatchObject({ planned: 0, ttl: { unlimited: 0, over: 0 } });
  });

  it("is unknown without permission to ask, which stops nothing", async () => {
    await fill();
    const unaware = await openRedisReader(`redis://unaware:pw@127.0.0.1:${server.port}`, signal);
    const plan = await planCleanup(ports({ redis: unaware }), request("expired"));
    expect(plan.keys?.keys.size).toBe(2);
    expect(describePlan(plan, true).notes).toContainEqual(expect.stringMatching(/could not be read: .*NOPERM.*pttl/));
    await unaware.close();
  });
});

describe("a plan", () => {
  it("with more keys than the cap is refused, and holds at most one more", async () => {
    await admin.mset(...Array.from({ length: 3_000 }, (_, index) => [`cw:test:${index}`, "1"]).flat());
    const plan = await planCleanup(ports(), request("all", { maxKeys: 1_000 }));
    expect(plan.keys?.keys.size).toBe(1_001);
    expect(plan.blockers).toEqual(["the plan deletes more Redis keys than testData.maxKeys (1000)"]);
    const result = await executeCleanup(await prove(ports()), plan);
    expect(result).toMatchObject({ deletedKeys: 0, problems: [plan.blockers[0], "nothing was deleted"] });
    expect(await admin.dbsize()).toBe(3_000);
  });

  it("deletes exactly what it lists, whatever bytes keys and ids contain", async () => {
    const id = "0b7d8c1e*[a-z]?\\";
    const near = ["session:0b7d8c1e-x-a:code", "session:0b7d8c1e*[a-z]?\\x:code", "session:0b7d8c1eAAb:code"];
    const binary = Buffer.from([...Buffer.from("cw:test:"), 0xff, 0x00, 0x0d, 0x0a, 0x3a]);
    await admin.mset(`session:${id}:code`, "1", binary, "1", ...near.flatMap((key) => [key, "1"]));
    const ledger = { rows: new Map(), keys: new Set([`session:${id}:code`]), problems: [] };
    const start = { takenAt: runStarted, versions: new Map(), hadKey: () => false };
    const run = await executeCleanup(await prove(ports()), await planCleanup(ports(), { ...request("run"), ledger, start }));
    expect(run).toMatchObject({ deletedKeys: 1, leftOver: 0 });
    const all = await executeCleanup(await prove(ports()), await planCleanup(ports(), request("all")));
    expect(all).toMatchObject({ deletedKeys: 1, leftOver: 0 });
    expect(await everything()).toEqual([...near].sort());
  });
});

describe("what the filter excludes on the server", () => {
  const sign = fc.constantFrom("a", "b", "1", "-", "_", "]", "[", "^", "\\", "*", "?", ":", "é", "\n", "\0");
  const text = fc.string({ unit: sign, minLength: 4, maxLength: 9 });
  const scope = fc.record({
    scope: fc.constantFrom("run" as const, "all" as const),
    prefixes: fc.array(text, { minLength: 1, maxLength: 3 }),
    ids: fc.array(fc.tuple(text, text), { maxLength: 2 }).map((ids) => new Set(ids.map((parts) => parts.join("")))),
    signIns: fc.array(fc.tuple(text, text), { maxLength: 1 }).map((ids) => new Set(ids.map((parts) => parts.join("")))),
    ledger: fc.array(text, { maxLength: 1 }).map((keys) => new Set(keys)),
    namespaces: fc.array(
      text.map((name) => `${name.replaceAll("*", "")}*`),
      { maxLength: 2 },
    ),
  });

  it("is nothing that the judge would delete, whatever the texts contain", async () => {
    let filtered = 0;
    const asking = fc.asyncProperty(scope, fc.array(text, { maxLength: 8 }), async (made, others) => {
      const wanted: KeyRequest = {
        ...made,
        protectedKeys: [],
        olderThan: 0,
        now: 0,
        maxKeys: 1_000,
        ttlLimit: limit,
        hadKey: () => false,
      };
      const near = [
        ...made.prefixes,
        ...made.ids,
        ...made.signIns,
        ...made.ledger,
        ...made.namespaces.map((name) => name.slice(0, -1)),
      ];
      const keys = [
        ...new Set([...others, ...near.flatMap((some) => [some, `x:${some}`, `${some}x`, some.slice(1), `x${some}`])]),
      ];
      await removeAll();
      await admin.mset(...keys.flatMap((key) => [key, "1"]));
      if (keyFilter(wanted) !== undefined) filtered++;
      const judge = keyJudge(wanted);
      const expected = keys.map(keyText).filter((key) => judge(key) === "delete");
      expect([...(await planKeys(redis, wanted)).keys].sort()).toEqual(expected.sort());
    });
    await fc.assert(asking, { numRuns: 150 });
    expect(filtered).toBeGreaterThan(50);
  });

  it("is nearly all production data, with the prefixes and namespaces of ClassWaves", () => {
    const { prefixes, keys } = testDataSchema.parse({});
    const none = new Set<string>();
    const wanted = {
      scope: "expired",
      prefixes,
      namespaces: keys,
      ids: none,
      ledger: none,
      protectedKeys: [],
      olderThan: 0,
      now: 0,
    } as const;
    expect(keyFilter(wanted)).toMatch(/^\*.+\*$/);
    // If every key could be test data, none is excluded.
    expect(keyFilter({ ...wanted, namespaces: ["*"] })).toBeUndefined();
    expect(keyFilter({ ...wanted, prefixes: ["abc"] })).toBeUndefined();
  });
});

describe("what a connection sends", () => {
  it("while reading is limited to a short list of commands that change nothing", async () => {
    await fill();
    const monitor = await admin.monitor();
    const sent = new Set<string>();
    const done = new Promise<void>((resolve) => {
      monitor.on("monitor", (_time: string, [command = "", ...words]: string[]) => {
        if (command.toUpperCase() === "ECHO") resolve();
        else sent.add(command.toUpperCase() === "ACL" ? `ACL ${words[0]}` : command.toUpperCase());
      });
    });
    const reader = await openRedisReader(`${server.url}/0`, signal);
    await Promise.all([reader.ping(), reader.infoOfEach(), reader.aclRules()]);
    describePlan(await planCleanup(ports({ redis: reader }), request("expired", { keyTtl: { limit, apply: true } })), true);
    await reader.close();
    await admin.echo("that was all");
    await done;
    monitor.disconnect();
    // MONITOR doesn't show administrators' commands: ACL GETUSER is sent too.
    expect([...sent].sort()).toEqual(["ACL WHOAMI", "AUTH", "HELLO", "INFO", "PING", "PTTL", "SCAN"]);
  });

  it("works with only those: all of this ran without KEYS, EVAL, FLUSH and CONFIG, and with INFO, ACL and HELLO refused", async () => {
    for (const command of ["KEYS", "EVAL", "FLUSHALL", "FLUSHDB", "CONFIG"])
      await expect(admin.call(command), command).rejects.toThrow(/unknown command/);
    await expect(redis.infoOfEach()).rejects.toThrow(/NOPERM/);
    const reading = await openRedisReader(`redis://reading:pw@127.0.0.1:${server.port}`, signal);
    expect(await reading.aclRules()).toBeUndefined();
    await reading.close();
  });
});
