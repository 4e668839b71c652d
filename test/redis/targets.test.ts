import { createServer } from "node:tls";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { type RunningCluster, type RunningSentinel, startRedisCluster, startRedisSentinel } from "../../local/redis-groups.ts";
import { makeCertificates } from "../../local/warehouse/certificate.ts";
import { proveRedis, WrongTarget } from "../../src/cleanup/execute/proof.ts";
import { environmentSchema } from "../../src/config/schema.ts";
import { mergedInfo, openRedisForTestData, openRedisReader, type RedisSettings } from "../../src/redis/connection.ts";
import { allKeys, failureOf, names } from "./helpers.ts";

// Every kind of Redis: alone, with TLS, with sentinels, as a cluster; and what proves that it is the right one.
const never = new AbortController().signal;
let alone: RunningRedis;
let secure: RunningRedis;
let cluster: RunningCluster;
let guarded: RunningSentinel;

beforeAll(async () => {
  [alone, secure, cluster, guarded] = await Promise.all([
    startRedis({ users: { "per:cent": "on >p%40:/ ~* +@all", "first-only": "on >pw ~* &* +@all -select" } }),
    startRedis({ tls: true }),
    startRedisCluster(),
    startRedisSentinel(),
  ]);
});
afterAll(() => Promise.all([alone.stop(), secure.stop(), cluster.stop(), guarded.stop()]));

const bySentinel = (changes: Partial<RedisSettings["sentinel"]> = {}): RedisSettings => ({
  url: guarded.url,
  sentinel: { master: guarded.master, nodes: [guarded.sentinel], password: guarded.sentinelPassword, ...changes },
  retryForMs: 100,
});

function environment(expected: string, database?: number) {
  return environmentSchema.parse({
    access: "test-data",
    redis: { url: "redis://localhost", expect: { host: expected, database } },
  });
}

describe("one server", () => {
  it("signs in with any user and password", async () => {
    const redis = await openRedisReader(`redis://per%3Acent:${encodeURIComponent("p%40:/")}@127.0.0.1:${alone.port}`, never);
    expect(await redis.aclRules()).toBe("+@all");
    await redis.close();
  });

  it("is not used in database 0 if the requested one was refused", async () => {
    const url = `redis://first-only:pw@127.0.0.1:${alone.port}/3`;
    expect(await failureOf(openRedisForTestData(url, never))).toMatchObject({ kind: "refused" });
  });

  it("that is a replica is found to refuse deletions early, even if its role may not be read", async () => {
    const users = { least: "on >pw ~* -@all +ping +scan +pttl +unlink" };
    const [replica, writable] = await Promise.all(
      ["yes", "no"].map((readOnly) =>
        startRedis({ users, config: [`replicaof 127.0.0.1 ${alone.port}`, `replica-read-only ${readOnly}`] }),
      ),
    );
    try {
      for (const url of [replica?.url ?? "", `redis://least:pw@127.0.0.1:${replica?.port}`]) {
        const message = expect.stringMatching(/is a read-only replica: set redis.url to the address of its master/);
        expect(await failureOf(openRedisForTestData(url, never))).toMatchObject({ kind: "refused", message });
      }
      const reader = await openRedisReader(replica?.url ?? "", never);
      expect(await reader.deletability()).toMatchObject({ possible: false });
      // It has its own keys, which can be deleted there.
      const local = await openRedisForTestData(writable?.url ?? "", never);
      expect(await local.deletability()).toMatchObject({ possible: true });
      await Promise.all([reader.close(), local.close()]);
    } finally {
      await Promise.all([replica?.stop(), writable?.stop()]);
    }
  });

  it.each([
    ["+@all -@write", false],
    ["-@all +@read +unlink", true],
    ["+@all -unlink", false],
    ["+@all -@dangerous", true],
    ["-@all +@read (~* +unlink)", true],
    ["-@all +@keyspace -@write +ping", false],
    ["%R~* +@all", false],
    ["resetkeys +@all", false],
    ["%R~a:* %W~b:* +@all", true],
  ])("says whether a user with %s may delete", async (rules, possible) => {
    const admin = new Redis(alone.url);
    const keys = /~|resetkeys/.test(rules.replace(/\(.*\)/, "")) ? [] : ["~*"];
    await admin.call(
      "ACL",
      "SETUSER",
      "asked",
      "reset",
      "on",
      ">pw",
      ...keys,
      ...(rules.match(/\([^)]*\)|\S+/g) ?? []),
      "+acl",
      "+info",
      "+ping",
    );
    const reader = await openRedisReader(`redis://asked:pw@127.0.0.1:${alone.port}`, never);
    expect((await reader.deletability()).possible).toBe(possible);
    await reader.close();
    admin.disconnect();
  });

  it("that is a cluster node or a sentinel is not taken for the whole", async () => {
    const message = expect.stringContaining("cluster: true");
    expect(await failureOf(openRedisReader(cluster.url, never))).toMatchObject({ kind: "refused", message });
    const sentinel = `redis://:${guarded.sentinelPassword}@${guarded.sentinel}`;
    expect((await failureOf(openRedisReader(sentinel, never))).message).toContain("is a sentinel");
  });
});

describe("TLS", () => {
  it("works only with the private authority", async () => {
    const { url, certificateAuthority } = secure;
    const redis = await openRedisForTestData({ url, certificateAuthority }, never);
    expect(await redis.ping()).toBeGreaterThan(0);
    await redis.close();
    expect(await failureOf(openRedisReader(url, never))).toMatchObject({
      message: expect.stringMatching(/TLS, .*name the authority's PEM file in redis\.certificateAuthority/),
    });
    // The certificate is for the name, not the number.
    const byNumber = { url: url.replace("localhost", "127.0.0.1"), certificateAuthority };
    expect((await failureOf(openRedisReader(byNumber, never))).message).toMatch(/ALTNAME_INVALID/);
    await expect(openRedisReader({ url, certificateAuthority: "/no/such/file" }, never)).rejects.toThrow(/cannot be read/);
    const none = { url, certificateAuthority: import.meta.filename };
    await expect(openRedisReader(none, never)).rejects.toThrow(
      /expected a PEM file that begins with a certificate, got .*targets\.test\.ts/,
    );
  });

  it("reads a keyspace that arrives in many chunks", async () => {
    const { url, certificateAuthority } = secure;
    const seed = new Redis(url, { tls: { rejectUnauthorized: false } });
    const keys = names(20_000, "a key with a rather long name that is there for its length");
    await seed.mset(...keys.flatMap((key) => [key, ""]));
    const redis = await openRedisForTestData({ url, certificateAuthority }, never);
    expect(await allKeys(redis.scan())).toEqual([...keys].sort());
    expect(await redis.unlink(keys)).toBe(keys.length);
    seed.disconnect();
    await redis.close();
  });

  it("sends the server's name", async () => {
    const { certificate, key } = await makeCertificates([{ dns: "localhost" }]);
    const wanted = Promise.withResolvers<string>();
    const remember = (name: string, done: (error: null) => void) => {
      wanted.resolve(name);
      done(null);
    };
    const server = createServer({ cert: certificate, key, SNICallback: remember });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    await failureOf(openRedisReader({ url: `rediss://localhost:${port}`, retryForMs: 0 }, never));
    expect(await wanted.promise).toBe("localhost");
    server.close();
  });
});

describe("sentinels", () => {
  it("report where the master is; a missing sentinel is skipped", async () => {
    const redis = await openRedisForTestData(bySentinel({ nodes: ["127.0.0.1:1", guarded.sentinel] }), never);
    const port = await guarded.masterPort();
    const [host, sentinelPort] = guarded.sentinel.split(":");
    expect(redis.identity).toMatchObject({ mode: "sentinel", port, namedBy: { host, port: Number(sentinelPort) } });
    proveRedis(environment(`127.0.0.1:${port}`), redis.identity);
    proveRedis(environment(guarded.sentinel), redis.identity);
    expect(() => proveRedis(environment("127.0.0.1:1"), redis.identity)).toThrow(WrongTarget);
    await redis.close();
  });

  it.each([
    ["a master that they do not know", { master: "staffroom" }, /knows no master with the name staffroom/],
    ["a wrong password", { password: "wrong" }, /refused the user or password/],
    ["nobody there", { nodes: ["127.0.0.1:1"] }, /ECONNREFUSED/],
  ])("%s", async (_, changes, message) => {
    expect((await failureOf(openRedisReader(bySentinel(changes), never))).message).toMatch(message);
  });

  it("a Redis instead of a sentinel", async () => {
    const settings = { ...bySentinel({ nodes: [`127.0.0.1:${alone.port}`] }) };
    expect((await failureOf(openRedisReader(settings, never))).message).toMatch(/no sentinel gives the address of the master/);
  });
});

describe("a cluster", () => {
  it("is scanned on every master, and keys are deleted where they are", async () => {
    const redis = await openRedisForTestData({ url: cluster.url, cluster: [] }, never);
    const seed = new Redis.Cluster([cluster.url], { redisOptions: { password: new URL(cluster.url).password } });
    const keys = [...names(3_000), ...names(50, "{one slot}"), "name{}d", "{", "}{a}"];
    await Promise.all(keys.map((key) => seed.set(key, "1")));
    await seed.pexpire("key:1", 60_000);

    expect(await allKeys(redis.scan())).toEqual([...keys].sort());
    const lives = await redis.lives(["key:0", "key:1", "never there"]);
    expect(lives).toEqual(["unlimited", expect.any(Number), "gone"]);
    expect(await redis.shorten(["key:0", "key:1"], 90_000)).toBe(1);
    expect(await redis.unlink([...keys, "never there"])).toBe(keys.length);
    expect(await allKeys(redis.scan())).toEqual([]);
    expect(await redis.ping()).toBeGreaterThan(0);
    expect(mergedInfo(await redis.infoOfEach())).toMatchObject({
      keyspace_hits: expect.stringMatching(/^\d+$/),
      cluster_enabled: "1",
    });
    seed.disconnect();
    await redis.close();
  });

  it("is proven by the node that lists the others", async () => {
    const { identity, close } = await openRedisReader({ url: cluster.url, cluster: cluster.nodes.slice(1) }, never);
    expect(identity).toMatchObject({ mode: "cluster", host: "127.0.0.1", masters: [...cluster.nodes].sort() });
    proveRedis(environment(cluster.nodes[0] ?? ""), identity);
    // Another node's name is not verified.
    expect(() => proveRedis(environment(cluster.nodes[1] ?? ""), identity)).toThrow(WrongTarget);
    await close();
  });

  it("is found through another node if the first is missing", async () => {
    const url = cluster.url.replace(/:\d+$/, ":1");
    const redis = await openRedisReader({ url, cluster: ["127.0.0.1:2", cluster.nodes[2] ?? ""] }, never);
    expect(`${redis.identity.host}:${redis.identity.port}`).toBe(cluster.nodes[2]);
    await redis.close();
    expect((await failureOf(openRedisReader({ url, cluster: [], retryForMs: 0 }, never))).message).toMatch(
      /127.0.0.1:1: .*ECONNREFUSED/,
    );
  });

  it("that isn't a cluster is refused", async () => {
    const opening = openRedisReader({ url: alone.url, cluster: [], retryForMs: 0 }, never);
    expect(await failureOf(opening)).toMatchObject({
      kind: "refused",
      message: expect.stringContaining("the server is not a node of a cluster: remove redis.cluster"),
    });
    await expect(openRedisReader({ url: `${cluster.url}/2`, cluster: [] }, never)).rejects.toThrow(/expected database 0 or none/);
  });
});

it("nothing is written before the target is proven, in any mode", async () => {
  const seen: string[] = [];
  const refuse = ({ mode }: { mode: string }) => {
    seen.push(mode);
    throw new WrongTarget("EA2001", "not here");
  };
  for (const settings of [{ url: alone.url }, bySentinel(), { url: cluster.url, cluster: [] }])
    await expect(openRedisForTestData(settings, never, refuse)).rejects.toThrow("not here");
  expect(seen).toEqual(["standalone", "sentinel", "cluster"]);
});
