import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { startRedisCluster } from "../../local/redis-groups.ts";
import { noFaults } from "../../local/warehouse/faults.ts";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { checkDatabricks, checkReadOnlyCredential } from "../../src/checks/databricks/check.ts";
import { checkReadOnlyUser, checkRedis } from "../../src/checks/redis/check.ts";
import { checkRunner, type Shared, shared } from "../../src/checks/run-check.ts";
import { checkSqlSample, sqlIds } from "../../src/checks/sql/check.ts";
import { mergedInfo, openRedisForTestData, openRedisReader, RedisFailure, type RedisReader } from "../../src/redis/connection.ts";
import { openReader, type WarehouseReader } from "../../src/warehouse/access.ts";
import { describeWarehouse } from "../../src/warehouse/credential.ts";
import { withoutSections } from "../redis/quiet-redis.ts";
import { runOnce } from "./run-once.ts";

// The checks of warehouse and Redis on real ones: what they say when all is well, and in every way in which it is not.
const signal = new AbortController().signal;
let warehouse: Warehouse;
let server: RunningRedis;
const closing: Promise<{ close(): Promise<void> }>[] = [];

beforeAll(async () => {
  const reading = (["USE CATALOG", "USE SCHEMA", "SELECT"] as const).map((privilege) => ({ privilege, on: "classwaves" }));
  [warehouse, server] = await Promise.all([
    startWarehouse({
      principals: {
        reader: { user: "reader@school.example", grants: reading },
        writer: { user: "writer@school.example", grants: [...reading, { privilege: "MODIFY", on: "classwaves" }] },
      },
    }),
    startRedis({
      users: {
        pinger: "on >pw -@all +ping",
        asker: "on >pw -@all +ping +info",
        writing: "on >pw ~* -@all +@read +ping +set +acl|whoami +acl|getuser",
      },
    }),
  ]);
  await warehouse.createTables({ "classwaves.users.teachers": { columns: { id: "string" } } });
});
afterEach(async () => {
  Object.assign(warehouse.faults, noFaults());
  for (const opened of await Promise.allSettled(closing.splice(0))) if (opened.status === "fulfilled") await opened.value.close();
});
afterAll(() => Promise.all([warehouse.stop(), server.stop()]));

function opening(token = "reader", changes: { startTimeoutMs?: number; host?: string } = {}): Shared<WarehouseReader> {
  const settings = {
    host: warehouse.host,
    path: warehouse.path,
    token,
    catalog: "classwaves",
    certificateAuthority: warehouse.certificateAuthority,
    startTimeoutMs: 100,
    runId: "0",
    ...changes,
  };
  return shared(() => {
    const reader = openReader(settings, { signal });
    closing.push(reader);
    return reader;
  });
}

function redis(url = server.url): Shared<RedisReader> {
  return shared(() => {
    const reader = openRedisReader(url, signal);
    closing.push(reader);
    return reader;
  });
}

const user = (name: string) => `redis://${name}:pw@127.0.0.1:${server.port}`;

describe("databricks", () => {
  it("passes when the expected warehouse answers correctly", async () => {
    const checks = await checkDatabricks(runOnce, opening(), { sqlP95: 60_000 });
    expect(checks.map(({ id, verdict }) => [id, verdict])).toEqual([
      ["databricks.connect", "passed"],
      ["databricks.proof", "passed"],
      ["databricks.latency", "passed"],
    ]);
    expect(checks[0]?.observed).toBe("reader@school.example in catalog classwaves");
    expect(checks[2]?.latency?.count).toBe(20);
  });

  it("reports a cold start separately from slowness", async () => {
    const checks = await checkDatabricks(
      runOnce,
      opening(),
      { sqlP95: 60_000 },
      {
        wokeIn: () => 8_210,
        describe: () => describeWarehouse({ ...warehouse, token: "reader" }, signal),
      },
    );
    expect(checks[0]).toMatchObject({ verdict: "passed", observed: expect.stringContaining("after a cold start of 8.2 s") });
    expect(checks[1]).toMatchObject({ id: "databricks.warehouse", verdict: "passed", observed: "RUNNING, 2X-Small, 1 cluster" });
    const refused = await describeWarehouse({ ...warehouse, path: "/sql/1.0/warehouses/another", token: "reader" }, signal);
    expect(refused).toContain("was refused (HTTP 404)");
  });

  it("a mock that echoes the query fails and has no latency", async () => {
    const real = await opening()();
    const mock: WarehouseReader = {
      ...real,
      query: async (_, parameters = {}) => [{ ...parameters, total: 42, digest: String(parameters.nonce) }],
    };
    const checks = await checkDatabricks(runOnce, () => Promise.resolve(mock), { sqlP95: 60_000 });
    expect(checks.at(-1)).toMatchObject({
      id: "databricks.proof",
      verdict: "failed",
      message: expect.stringContaining("may be a mock"),
    });
  });

  it("a slow warehouse is a warning", async () => {
    expect((await checkDatabricks(runOnce, opening(), { sqlP95: 0 })).at(-1)).toMatchObject({
      verdict: "degraded",
      message: expect.stringContaining("is slow"),
    });
  });

  it("an unexpected warehouse fails, and nothing more is sent to it", async () => {
    const prove = () => {
      throw new Error("Databricks catalog is classwaves, but this environment expects sandbox");
    };
    expect(await checkDatabricks(runOnce, opening(), { sqlP95: 60_000 }, { compare: prove })).toEqual([
      expect.objectContaining({ verdict: "failed", message: expect.stringContaining("expects sandbox") }),
    ]);
  });

  it.each([
    ["a wrong token", () => opening("nonsense"), "Check DATABRICKS_TOKEN"],
    ["a wrong host", () => opening("reader", { host: "localhost:1" }), "Check DATABRICKS_HOST"],
    [
      "a warehouse that sleeps on",
      () => {
        warehouse.faults.neverWakes = true;
        return opening();
      },
      "databricks.startTimeout",
    ],
  ])("%s is an error with the fix", async (_, open, cure) => {
    expect(await checkDatabricks(runOnce, open(), { sqlP95: 60_000 })).toEqual([
      expect.objectContaining({ verdict: "error", message: expect.stringContaining(cure) }),
    ]);
  });

  it("a credential that could write fails, a read-only one passes", async () => {
    expect((await checkReadOnlyCredential(runOnce, opening())).verdict).toBe("passed");
    expect(await checkReadOnlyCredential(runOnce, opening("writer"))).toMatchObject({
      verdict: "failed",
      observed: "MODIFY on catalog classwaves (writer@school.example)",
    });
  });

  it("a sample with too few rows fails, and one that writes is refused before sending", async () => {
    const sample = (query: string) => checkSqlSample(runOnce, opening(), { name: "teachers", query, minimumRows: 1 });
    expect((await sample("SELECT 1")).verdict).toBe("passed");
    expect(await sample("SELECT * FROM users.teachers")).toMatchObject({ verdict: "failed", observed: "0 rows" });
    expect(await sample("DELETE FROM users.teachers")).toMatchObject({
      verdict: "error",
      message: expect.stringContaining("refused before sending"),
    });
    expect(warehouse.statements.map(({ sql }) => sql).join()).not.toContain("DELETE");
  });
});

it("statements with the same name get different ids", async () => {
  const samples = ["teachers", "schools", "teachers"].map((name) => ({ name, query: "SELECT 1", minimumRows: 1 }));
  const ids = sqlIds(samples);
  const checks = await Promise.all(samples.map((sample, index) => checkSqlSample(runOnce, opening(), sample, ids[index])));
  expect(checks.map(({ id }) => id)).toEqual(["sql.teachers", "sql.schools", "sql.teachers-2"]);
});

describe("declared flaky, and looked at again", () => {
  const flaky = (check: string) => checkRunner({ rules: [{ check, times: 2, reason: "the network" }], signal, pauseMs: 1 });

  it("a failed connection is opened again for every later check", async () => {
    let openings = 0;
    const connection = shared(async () => {
      if (openings++ === 0) throw new Error("the network was away");
      return await opening()();
    });
    const run = flaky("databricks.connect");
    const [[connected, proof], credential] = await Promise.all([
      checkDatabricks(run, connection, { sqlP95: 60_000 }),
      checkReadOnlyCredential(run, connection),
    ]);
    expect(connected).toMatchObject({ verdict: "passed", attempts: 2, message: expect.stringContaining("the network was away") });
    expect(proof).toMatchObject({ id: "databricks.proof", verdict: "passed" });
    // It was not declared flaky, and has seen the first failure.
    expect(credential).toMatchObject({ verdict: "error", message: expect.stringContaining("the network was away") });
    expect(openings).toBe(2);
  });

  it("a connection is opened at most as often as declared", async () => {
    let openings = 0;
    const connection = shared(() => {
      openings++;
      return Promise.reject<RedisReader>(new Error("the network is away"));
    });
    const [ping] = await checkRedis(flaky("redis.*"), connection, { redisHitRate: 0, redisMemory: 1, redisLag: 0 });
    expect(ping).toMatchObject({ id: "redis.ping", verdict: "error", attempts: 3 });
    expect(openings).toBe(3);
  });

  it("a working connection is kept when another check fails", async () => {
    let openings = 0;
    const connection = shared(() => {
      openings++;
      return opening()();
    });
    const prove = () => {
      throw new Error("another catalog");
    };
    const checks = await checkDatabricks(flaky("databricks.*"), connection, { sqlP95: 60_000 }, { compare: prove });
    expect(checks).toMatchObject([{ verdict: "failed", attempts: 3 }]);
    expect(openings).toBe(1);
  });
});

describe("redis", () => {
  const limits = { redisHitRate: 0.7, redisMemory: 0.9, redisLag: 10_000 };
  const verdicts = async (reader: Shared<RedisReader>, changes: Partial<typeof limits> = {}) =>
    Object.fromEntries((await checkRedis(runOnce, reader, { ...limits, ...changes })).map((check) => [check.id, check]));

  it("the hit rate is unknown on a young server, then as the server counts it", async () => {
    const client = new Redis(server.url);
    await client.config("RESETSTAT");
    expect((await verdicts(redis()))["redis.hit-rate"]).toMatchObject({
      verdict: "skipped",
      observed: "only 0 lookups so far",
      message: expect.stringContaining("the rate means nothing"),
    });
    await client.set("here", "1");
    await client.mget(...Array(80).fill("here"), ...Array(20).fill("not here"));
    expect((await verdicts(redis()))["redis.hit-rate"]).toMatchObject({ verdict: "passed", observed: "80 % of 100 lookups" });
    expect((await verdicts(redis(), { redisHitRate: 0.8 }))["redis.hit-rate"]).toMatchObject({
      verdict: "degraded",
      expected: "> 80 %",
    });
    client.disconnect();
  });

  it("memory use over the limit is a warning", async () => {
    expect((await verdicts(redis()))["redis.memory"]?.verdict).toBe("passed");
    expect((await verdicts(redis(), { redisMemory: 0 }))["redis.memory"]).toMatchObject({
      verdict: "degraded",
      message: expect.stringContaining("nearly full"),
    });
  });

  describe("what INFO tells", () => {
    const told = async (changes: Record<string, string>) => {
      const real = await redis()();
      const info = { ...mergedInfo(await real.infoOfEach()), ...changes };
      return await verdicts(() => Promise.resolve({ ...real, infoOfEach: async () => [{ node: "127.0.0.1:6379", info }] }));
    };

    it("a persistent master without replicas passes", async () => {
      const found = await told({});
      expect(found["redis.replication"]).toMatchObject({ verdict: "passed", observed: "master, no replicas" });
      expect(found["redis.persistence"]?.verdict).toBe("passed");
    });

    it.each([
      [{ slave0: "ip=10.0.0.2,port=6379,state=online,offset=9,lag=1" }, "passed"],
      [{ slave0: "ip=10.0.0.2,port=6379,state=online,offset=9,lag=11" }, "degraded"],
      // Dragonfly's words.
      [{ slave0: "ip=10.0.0.2,port=6379,state=stable_sync,lag=0" }, "passed"],
      [{ role: "replica", master_link_status: "down", master_last_io_seconds_ago: "-1" }, "failed"],
      [{ slave0: "ip=10.0.0.2,port=6379,state=wait_bgsave,offset=0,lag=0" }, "degraded"],
      [{ role: "slave", master_link_status: "up", master_last_io_seconds_ago: "1" }, "passed"],
      [{ role: "slave", master_link_status: "up", master_last_io_seconds_ago: "60" }, "degraded"],
      [{ role: "slave", master_link_status: "down", master_last_io_seconds_ago: "-1" }, "failed"],
      [{ role: "" }, "error"],
    ])("replication %j: %s", async (changes, verdict) => {
      expect((await told(changes as Record<string, string>))["redis.replication"]?.verdict).toBe(verdict);
    });

    it.each([
      [{ rdb_last_bgsave_status: "err" }, "degraded"],
      [{ aof_enabled: "1", aof_last_write_status: "err" }, "degraded"],
      [{ aof_enabled: "1", aof_last_write_status: "ok", aof_last_bgrewrite_status: "ok" }, "passed"],
      [{ loading: "1" }, "error"],
    ])("persistence %j: %s", async (changes, verdict) => {
      expect((await told(changes as Record<string, string>))["redis.persistence"]?.verdict).toBe(verdict);
    });

    it("an unreported memory limit is unknown, not absent", async () => {
      expect((await told({ maxmemory: "0" }))["redis.memory"]).toMatchObject({
        verdict: "passed",
        observed: expect.stringContaining("no limit set"),
      });
      expect((await told({ maxmemory: undefined as unknown as string }))["redis.memory"]).toMatchObject({
        verdict: "skipped",
        observed: expect.stringMatching(/^\d+\.\d MB$/),
        message: "Not told by this server. Its INFO lacks maxmemory, so its limit is unknown.",
      });
    });

    it("evictions are reported", async () => {
      expect((await told({ evicted_keys: "12" }))["redis.memory"]?.observed).toContain("12 keys evicted");
    });
  });

  it.each([
    ["Stats", "redis.hit-rate"],
    ["Memory", "redis.memory"],
    ["Replication", "redis.replication"],
    ["Persistence", "redis.persistence"],
  ])("a Redis whose INFO lacks %s is no error, and %s is not reported", async (section, id) => {
    const client = new Redis(server.url);
    await client.mget(...Array(100).fill("not here"));
    client.disconnect();
    const quiet = await withoutSections(server.port, [section]);
    const found = await verdicts(redis(server.url.replace(/:\d+$/, `:${quiet.port}`)), { redisHitRate: 0 });
    quiet.stop();
    expect(found[id]).toMatchObject({
      verdict: "skipped",
      message: expect.stringContaining(`no section ${section.toLowerCase()}`),
    });
    const others = Object.values(found).filter((check) => check.id !== id);
    expect(others.filter(({ verdict }) => verdict === "skipped" || verdict === "error")).toEqual([]);
  });

  it("a value that no node reports is unknown, and one reporting node decides", async () => {
    const real = await redis()();
    const info = mergedInfo(await real.infoOfEach());
    const { role: _role, ...quiet } = info;
    const told = async (...each: Record<string, string>[]) =>
      (await verdicts(() => Promise.resolve({ ...real, infoOfEach: async () => each.map((one) => ({ node: "n", info: one })) })))[
        "redis.replication"
      ]?.verdict;
    expect(await told(quiet, quiet)).toBe("skipped");
    expect(await told(quiet, info)).toBe("passed");
  });

  it("a failed snapshot is reported as persistence, although writes are refused", async () => {
    const full = await startRedis({ config: ["save 3600 1"] });
    const client = new Redis(full.url);
    try {
      await client.mset("kept:1", "1", "kept:2", "2");
      await failSnapshots(client);
      await expect(client.ping()).rejects.toThrow("MISCONF");

      const found = await verdicts(redis(full.readOnlyUrl));
      expect(found["redis.ping"]?.verdict).toBe("passed");
      expect(found["redis.memory"]?.verdict).toBe("passed");
      const [, writable] = await checkRedis(runOnce, redis(full.url), limits, { deletes: true });
      expect(writable).toMatchObject({
        id: "redis.writable",
        verdict: "failed",
        message: expect.stringContaining("last snapshot"),
      });
      expect(found["redis.persistence"]).toMatchObject({
        verdict: "degraded",
        observed: expect.stringContaining("last snapshot"),
      });
      const writer = await openRedisForTestData(full.url, signal);
      closing.push(Promise.resolve(writer));
      await expect(writer.unlink(["kept:1"])).rejects.toThrow("MISCONF");
      expect((await writer.lives(["kept:1"]))[0]).toBe("unlimited");
    } finally {
      client.disconnect();
      await full.stop();
    }
  });

  it("the worst node of a cluster decides and is named", async () => {
    const cluster = await startRedisCluster({ config: ["save 3600 1"] });
    const [first, , last = ""] = cluster.nodes;
    const client = new Redis({ port: Number(last.split(":")[1]), password: new URL(cluster.url).password });
    const opened = openRedisReader({ url: cluster.url, cluster: [] }, signal);
    closing.push(opened);
    try {
      const before = await verdicts(() => opened);
      expect(before["redis.persistence"]).toMatchObject({
        verdict: "passed",
        observed: expect.stringContaining(`3 masters, such as ${first}`),
      });
      await failSnapshots(client);
      const found = await verdicts(() => opened);
      expect(found["redis.persistence"]).toMatchObject({
        verdict: "degraded",
        observed: `${last} of 3 masters: last snapshot failed`,
      });
      expect(found["redis.replication"]?.verdict).toBe("passed");
    } finally {
      client.disconnect();
      await cluster.stop();
    }
  });

  it("an unknown node prevents a pass, and a failed node outweighs it", async () => {
    const real = await redis()();
    const info = mergedInfo(await real.infoOfEach());
    const told = async (...changes: Record<string, string>[]) => {
      const each = changes.map((change, index) => ({ node: `10.0.0.${index}:6379`, info: { ...info, ...change } }));
      return (await verdicts(() => Promise.resolve({ ...real, infoOfEach: async () => each })))["redis.replication"];
    };
    const lost = { role: "slave", master_link_status: "down", master_last_io_seconds_ago: "-1" };
    expect(await told({}, { role: "" })).toMatchObject({ verdict: "error", observed: "10.0.0.1:6379 of 2 masters" });
    expect(await told({ role: "" }, lost, {}, lost)).toMatchObject({
      verdict: "failed",
      observed: expect.stringContaining("10.0.0.1:6379, 10.0.0.3:6379 of 4 masters: replica"),
    });
    expect((await told())?.verdict).toBe("error");
  });

  it("what a user without permissions is not told is neither an error nor a pass, unless it is required", async () => {
    const all = ["hit-rate", "memory", "replication", "persistence"] as const;
    const found = await verdicts(redis(user("pinger")));
    expect(found["redis.ping"]?.verdict).toBe("passed");
    for (const name of all)
      expect(found[`redis.${name}`]).toMatchObject({
        verdict: "skipped",
        message: expect.stringMatching(/^Not told by this server\. .*NOPERM/),
      });
    const required = await checkRedis(runOnce, redis(user("pinger")), limits, {
      deletes: true,
      required: ["memory", "writable"],
    });
    expect(Object.fromEntries(required.map(({ id, verdict }) => [id, verdict]))).toEqual({
      ...{ "redis.ping": "passed", "redis.writable": "error", "redis.memory": "error" },
      ...{ "redis.hit-rate": "skipped", "redis.replication": "skipped", "redis.persistence": "skipped" },
    });
    expect(required.find(({ id }) => id === "redis.memory")?.message).toContain("It is listed in redis.require.");
  });

  // A promise that fails before anybody waits for it ends the process, or fails whatever test runs at that moment.
  it("a refused INFO is not told, also while another check is running", async () => {
    const real = await redis(user("pinger"))();
    const refused = Promise.withResolvers<void>();
    const slow: RedisReader = {
      ...real,
      infoOfEach: () => real.infoOfEach().finally(refused.resolve),
      async deletability() {
        await refused.promise;
        // Node tells of it between two turns of its loop.
        await new Promise(setImmediate);
        return { possible: true, why: "master" };
      },
    };
    const unheard: unknown[] = [];
    const hear = (error: unknown) => unheard.push(error);
    process.on("unhandledRejection", hear);
    const found = await checkRedis(runOnce, () => Promise.resolve(slow), limits, { deletes: true });
    process.off("unhandledRejection", hear);
    expect(unheard).toEqual([]);
    expect(found.find(({ id }) => id === "redis.memory")?.verdict).toBe("skipped");
  });

  it("an INFO whose connection is lost is an error", async () => {
    const real = await redis()();
    const lost = { ...real, infoOfEach: () => Promise.reject(new RedisFailure("unreachable", "the connection was closed")) };
    expect((await verdicts(() => Promise.resolve(lost)))["redis.memory"]?.verdict).toBe("error");
  });

  it("an unreachable Redis is an error, and an unexpected one fails", async () => {
    expect(await checkRedis(runOnce, redis("redis://127.0.0.1:1"), limits)).toEqual([
      expect.objectContaining({ verdict: "error", message: expect.stringContaining("ECONNREFUSED") }),
    ]);
    const prove = () => {
      throw new Error("Redis host is 127.0.0.1");
    };
    expect(await checkRedis(runOnce, redis(), limits, { compare: prove })).toEqual([
      expect.objectContaining({ verdict: "failed", message: "Redis host is 127.0.0.1" }),
    ]);
  });

  it.each([
    ["the reading user", () => server.readOnlyUrl, "passed"],
    ["a user with one writing command", () => user("writing"), "failed"],
    ["the default user", () => server.url, "failed"],
    ["a user that may not see its rules", () => user("asker"), "error"],
  ])("read-only: %s", async (_, url, verdict) => {
    expect((await checkReadOnlyUser(runOnce, redis(url()))).verdict).toBe(verdict);
  });

  it("read-only: a server without ACL is a warning, and an error if it is required", async () => {
    const quiet = await withoutSections(server.port, [], ["ACL"]);
    const open = redis(server.url.replace(/:\d+$/, `:${quiet.port}`));
    expect(await checkReadOnlyUser(runOnce, open)).toMatchObject({
      verdict: "degraded",
      message: expect.stringMatching(/^Not told by this server: it has no users with rules/),
    });
    expect((await checkReadOnlyUser(runOnce, open, undefined, true)).verdict).toBe("error");
    expect(await checkReadOnlyUser(runOnce, open, { until: "2999-12-31", reason: "no ACL here" })).toMatchObject({
      verdict: "degraded",
      message: expect.stringContaining("no ACL here"),
    });
    quiet.stop();
  });
});

/** No file can take the place of a directory: so the snapshot fails, as on a full disk. */
async function failSnapshots(client: Redis): Promise<void> {
  const [, directory = ""] = (await client.config("GET", "dir")) as string[];
  await mkdir(join(directory, "dump.rdb"));
  await client.bgsave();
  await expect.poll(() => client.info("persistence"), { timeout: 10_000 }).toContain("rdb_last_bgsave_status:err");
}
