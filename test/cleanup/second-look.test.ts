import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { type RunningCluster, startRedisCluster } from "../../local/redis-groups.ts";
import { executeCleanup, prove } from "../../src/cleanup/execute/execute.ts";
import { type KeyRequest, planKeys } from "../../src/cleanup/keys/plan-keys.ts";
import { planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import { environmentSchema, type TestDataConfig } from "../../src/config/schema.ts";
import type { AuditEvent } from "../../src/model/audit-event.ts";
import type { CleanupResult } from "../../src/model/test-data.ts";
import { openRedisForTestData, type TestDataRedis } from "../../src/redis/connection.ts";
import { withoutSections } from "../redis/quiet-redis.ts";
import { requestFor } from "./test-stores.ts";

// After it deleted, a cleanup proves that nothing is left: by the server's own count of changes, or by another scan.
const signal = new AbortController().signal;
const limit = 1_800_000;
let server: RunningRedis;
let admin: Redis;
let redis: TestDataRedis;
let cluster: RunningCluster;
beforeAll(async () => {
  const users = { uninformed: "on >pw ~* -@all +ping +scan +pttl +unlink" };
  [server, cluster] = await Promise.all([startRedis({ users }), startRedisCluster()]);
  admin = new Redis(server.url);
  redis = await openRedisForTestData(server.url, signal);
  // A server that saved within this second may still set its count back; a start counts as a save.
  await delay(1_100);
});
beforeEach(() => admin.flushdb());
afterAll(async () => {
  admin.disconnect();
  await redis.close();
  await Promise.all([server.stop(), cluster.stop()]);
});

const environment = environmentSchema.parse({
  access: "test-data",
  redis: { url: "redis://localhost", expect: { host: "127.0.0.1" } },
});

interface Options {
  client?: TestDataRedis;
  testData?: Partial<TestDataConfig>;
  /** What somebody does right after the keys were deleted for the first time. */
  afterDeleting?: () => Promise<unknown>;
  /** What somebody does between the plan and the deletion. */
  beforeDeleting?: () => Promise<unknown>;
}

async function clean(options: Options = {}): Promise<CleanupResult> {
  const { client = redis, testData = {}, beforeDeleting, afterDeleting } = options;
  let isFirst = true;
  const audit = async ({ action, details }: AuditEvent) => {
    if (action === "decision" && details?.what === "plan") await beforeDeleting?.();
    if (action !== "statement" || !isFirst) return;
    isFirst = false;
    await afterDeleting?.();
  };
  const told = { onStep: () => undefined, onRemaining: () => undefined, audit };
  const ports = { environment, redis: client, signal, ...told };
  return await executeCleanup(await prove(ports), await planCleanup(ports, requestFor({}, { scope: "all", testData })));
}

/** How often the keyspace was scanned to its end: a small one takes one SCAN. */
async function passes(client: Redis, work: () => Promise<unknown>): Promise<number> {
  await client.config("RESETSTAT");
  await work();
  return Number(/cmdstat_scan:calls=(\d+)/.exec(await client.info("commandstats"))?.[1] ?? 0);
}

const gone = { leftOver: 0, problems: [] };
const fill = () => admin.mset("cw:test:a", "1", "cw:test:b", "1", "cw:production:settings", "1");

describe("the keyspace is scanned once", () => {
  it("if the server counted our deletions and nothing else", async () => {
    await fill();
    expect(await passes(admin, async () => expect(await clean()).toMatchObject({ ...gone, deletedKeys: 2 }))).toBe(1);
    expect(await admin.keys("*")).toEqual(["cw:production:settings"]);
  });

  it("also if we set limits of TTLs, and if keys expire meanwhile", async () => {
    const old = Date.now() - 86_400_000 * 300;
    await admin.mset(`cw:test:${old}`, "1", "cw:test:ageless", "1");
    await admin.set("somebody:else", "1", "PX", 20);
    const audit = async () => void (await delay(30));
    const ports = { environment, redis, signal, onStep: () => undefined, onRemaining: () => undefined, audit };
    const wanted = requestFor({}, { scope: "expired", testData: { keyTtl: { limit, apply: true } } });
    const work = async () => {
      const result = await executeCleanup(await prove(ports), await planCleanup(ports, { ...wanted, now: Date.now() }));
      expect(result).toMatchObject({ ...gone, deletedKeys: 1, keys: { ttl: { shortened: 1 } } });
    };
    expect(await passes(admin, work)).toBe(1);
  });

  it("in a cluster whose slots stay where they are", async () => {
    const nodes = cluster.nodes.map((node) => new Redis(`redis://${node}`, { password: new URL(cluster.url).password }));
    const client = await openRedisForTestData({ url: cluster.url, cluster: [] }, signal);
    const keys = Array.from({ length: 30 }, (_, index) => `cw:test:${index}`);
    const set = (key: string) => Promise.any(nodes.map((node) => node.set(key, "1")));
    try {
      await Promise.all(keys.map(set));
      const [first] = nodes;
      if (!first) throw new Error("the cluster has no node");
      expect(await passes(first, async () => expect(await clean({ client })).toMatchObject({ ...gone, deletedKeys: 30 }))).toBe(
        1,
      );
      await Promise.all(keys.map(set));
      const again = () => clean({ client, afterDeleting: () => set("cw:test:late") });
      expect(await passes(first, async () => expect(await again()).toMatchObject({ ...gone, deletedKeys: 31 }))).toBeGreaterThan(
        1,
      );
    } finally {
      for (const node of nodes) node.disconnect();
      await client.close();
    }
  });
});

describe("the keyspace is scanned again", () => {
  const cases: Record<string, Options & { deletes: number }> = {
    "and finds a key that came back": { afterDeleting: () => admin.set("cw:test:a", "2"), deletes: 3 },
    "and finds a key made after the scan": { beforeDeleting: () => admin.set("cw:test:late", "1"), deletes: 3 },
    "if somebody wrote another key": { afterDeleting: () => admin.set("cw:production:other", "1"), deletes: 2 },
    "if somebody wrote in another database": {
      afterDeleting: () => admin.multi().select(3).set("x", "1").select(0).exec(),
      deletes: 2,
    },
    "if somebody deleted one of the keys, and wrote another": {
      beforeDeleting: () => admin.multi().unlink("cw:test:a").set("cw:test:late", "1").exec(),
      deletes: 2,
    },
    "if the server saved, which sets its count back": {
      afterDeleting: async () => {
        await admin.set("cw:test:late", "1");
        await admin.call("SAVE");
      },
      deletes: 3,
    },
  };
  it.each(Object.keys(cases))("%s", async (name) => {
    const { deletes, ...options } = cases[name] ?? { deletes: 0 };
    await fill();
    const work = async () => expect(await clean(options)).toMatchObject({ ...gone, deletedKeys: deletes });
    expect(await passes(admin, work)).toBeGreaterThan(1);
    expect(await admin.keys("cw:test:*")).toEqual([]);
    await delay(name.includes("saved") ? 1_100 : 0);
  });

  it("if the server doesn't show its count", async () => {
    await fill();
    const client = await openRedisForTestData(`redis://uninformed:pw@127.0.0.1:${server.port}`, signal);
    expect(await passes(admin, async () => expect(await clean({ client })).toMatchObject(gone))).toBe(2);
    await client.close();
  });

  it("behind a proxy, which may hide the counts of other servers", async () => {
    await fill();
    const proxy = await withoutSections(server.port, []);
    const client = await openRedisForTestData(server.url.replace(`:${server.port}`, `:${proxy.port}`), signal);
    expect(await passes(admin, async () => expect(await clean({ client })).toMatchObject(gone))).toBe(2);
    await client.close();
    proxy.stop();
  });

  it("if the keys to find are others than before", async () => {
    await fill();
    await admin.set("session:of-a-new-row-1:code", "1");
    const request: KeyRequest = {
      ...{ scope: "run", prefixes: ["cw:test:"], namespaces: [], protectedKeys: [], ledger: new Set() },
      ...{ ids: new Set<string>(), olderThan: 0, now: 0, maxKeys: 10, ttlLimit: limit },
    };
    const plan = await planKeys(redis, request);
    const earlier = { plan, changes: await redis.unlink([...plan.keys]) };
    const found = async (wanted: KeyRequest) => [...(await planKeys(redis, wanted, earlier)).keys];
    expect(await passes(admin, () => found(request))).toBe(0);
    expect(await found({ ...request, ids: new Set(["of-a-new-row-1"]) })).toEqual(["session:of-a-new-row-1:code"]);
    expect(await found({ ...request, prefixes: ["cw:"] })).toEqual(["cw:production:settings"]);
    // An answer that was lost proves nothing.
    expect(await passes(admin, () => planKeys(redis, request, { plan, changes: undefined }))).toBe(1);
  });
});

it("whatever others do at any moment, no test key is left and no other key is lost", async () => {
  const key = fc.constantFrom("cw:test:a", "cw:test:b", "cw:test:late", "other:a", "other:b");
  const change = fc.oneof(
    key.map((name) => ({ command: "SET", words: [name, "1"] })),
    key.map((name) => ({ command: "DEL", words: [name] })),
    key.map((name) => ({ command: "PEXPIRE", words: [name, "1"] })),
    fc.constant({ command: "RENAME", words: ["other:a", "cw:test:late"] }),
  );
  const changes = fc.array(change, { maxLength: 3 });
  const asking = fc.asyncProperty(changes, changes, async (before, after) => {
    const others = async () => (await admin.keys("other:*")).sort();
    await admin.flushdb();
    await admin.mset("cw:test:a", "1", "cw:test:b", "1", "other:a", "1", "other:b", "1");
    let expected: string[] = [];
    const doing = (list: typeof before) => async () => {
      for (const { command, words } of list) await admin.call(command, ...words).catch(() => undefined);
      await delay(2);
      expected = await others();
    };
    const result = await clean({ beforeDeleting: doing(before), afterDeleting: doing(after) });
    expect(result).toMatchObject({ leftOver: 0 });
    expect(await admin.keys("cw:test:*")).toEqual([]);
    expect(await others()).toEqual(expected);
  });
  await fc.assert(asking, { numRuns: process.env.LONG ? 1_000 : 40 });
});
