import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { Redis } from "ioredis";
import { afterEach, describe, expect, it } from "vitest";
import { startRedis } from "../../local/redis.ts";
import { startRedisCluster, startRedisSentinel } from "../../local/redis-groups.ts";
import { WrongTarget } from "../../src/cleanup/execute/proof.ts";
import { slotOf } from "../../src/redis/cluster-nodes.ts";
import { openRedisForTestData, openRedisReader, type RedisSettings, type TestDataRedis } from "../../src/redis/connection.ts";
import { allKeys, failureOf, names } from "./helpers.ts";

// What happens to a scan and to a deletion while servers restart, fail over, and move slots – on real servers.
const never = new AbortController().signal;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function server() {
  const started = await startRedis({ config: ["enable-debug-command yes"] });
  closing.push(() => started.stop());
  const admin = client(started.url);
  return { ...started, admin };
}

function client(url: string): Redis {
  // Nothing is sent twice: a repeated restart command would be a second restart.
  const made = new Redis(url, { enableReadyCheck: false, retryStrategy: () => 20, autoResendUnfulfilledCommands: false });
  made.on("error", () => undefined);
  closing.push(() => made.disconnect());
  return made;
}

async function open(settings: RedisSettings | string, admit?: () => void): Promise<TestDataRedis> {
  const opened = await openRedisForTestData(settings, never, admit);
  closing.push(() => opened.close());
  return opened;
}

async function fill(admin: Redis, keys: readonly string[]): Promise<void> {
  await admin.mset(...keys.flatMap((key) => [key, "1"]));
}

describe("one server", () => {
  it("that restarts during a scan is scanned from the beginning", async () => {
    const { url, admin } = await server();
    const keys = names(20_000);
    await fill(admin, keys);
    await admin.save();
    const redis = await open(url);
    const told: string[] = [];
    const found = await allKeys(
      redis.scan({ onInterruption: (why) => told.push(why) }),
      // A new process: the old one's cursors mean nothing to it.
      async (batch) => {
        if (batch !== 1) return;
        const cut = once(admin, "close");
        // It never answers, because it is gone.
        admin.call("DEBUG", "RESTART").catch(() => undefined);
        await cut;
      },
    );
    expect(found).toEqual([...keys].sort());
    expect(told).toEqual([expect.stringMatching(/interrupted and starts again: Redis does not answer/)]);
    expect(await redis.unlink(keys)).toBe(keys.length);
  });

  it("that is gone for good is an error, never the end of a scan", async () => {
    const { url, stop, admin } = await server();
    await fill(admin, names(20_000));
    const redis = await open({ url, retryForMs: 100 });
    const pass = allKeys(redis.scan(), async (batch) => (batch === 0 ? await stop() : undefined));
    expect(await failureOf(pass)).toMatchObject({ kind: "unreachable" });
    expect(await failureOf(redis.unlink(["key:1"]))).toMatchObject({ kind: "unreachable" });
  });

  it("that interrupts every scan fails with the reason", async () => {
    const { url, admin } = await server();
    await fill(admin, names(20_000));
    const redis = await open(url);
    const told: string[] = [];
    const pass = allKeys(redis.scan({ onInterruption: (why) => told.push(why) }), async () => {
      await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    });
    expect(await failureOf(pass)).toMatchObject({ message: expect.stringMatching(/in 6 attempts: .*closed|ECONNRESET/) });
    expect(told).toHaveLength(5);
  });

  it("whose answer to a deletion was lost makes the count unknown, and nothing else is deleted", async () => {
    const { port, url, admin } = await server();
    const keys = names(1_000);
    await fill(admin, [...keys, "stays"]);
    const proxy = await cutAtFirst("UNLINK", port);
    const redis = await open(url.replace(String(port), String(proxy.port)));
    expect(await redis.unlink(keys)).toBeUndefined();
    expect(proxy.cuts()).toBe(1);
    expect(await admin.keys("*")).toEqual(["stays"]);
    // Once counts are known again, they are reported again.
    expect(await redis.unlink(["stays"])).toBe(1);
  });

  it("that refuses a deletion gives an error", async () => {
    const { url, admin } = await server();
    await fill(admin, names(10_000));
    await admin.call("ACL", "SETUSER", "default", "-unlink");
    const redis = await open(url);
    expect(await failureOf(redis.unlink(names(10_000)))).toMatchObject({
      kind: "refused",
      message: expect.stringContaining("unlink"),
    });
    expect(await admin.dbsize()).toBe(10_000);
  });
});

/** Forwards everything until the server has answered a command of this name for the first time; that answer is dropped. */
async function cutAtFirst(command: string, port: number): Promise<{ port: number; cuts(): number }> {
  let cuts = 0;
  const sockets = new Set<Socket>();
  const proxy = createServer((from) => {
    const to = connect(port, "127.0.0.1");
    let asked = false;
    from.on("data", (piece) => {
      asked ||= cuts === 0 && piece.includes(command);
      to.write(piece);
    });
    to.on("data", (piece) => {
      if (!asked || cuts > 0) from.write(piece);
      else {
        cuts++;
        from.destroy();
      }
    });
    for (const socket of [from, to]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => (socket === from ? to : from).destroy());
    }
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  const address = proxy.address();
  return { port: typeof address === "object" && address ? address.port : 0, cuts: () => cuts };
}

describe("behind sentinels", () => {
  it("a failover during a scan starts it again on the new master, which is proven first", async () => {
    const guarded = await startRedisSentinel();
    closing.push(() => guarded.stop());
    const { password } = new URL(guarded.url);
    const master = client(`redis://:${password}@127.0.0.1:${await guarded.masterPort()}`);
    const keys = names(20_000);
    await fill(master, keys);
    await master.wait(1, 5_000);

    const settings: RedisSettings = {
      url: guarded.url,
      sentinel: { master: guarded.master, nodes: [guarded.sentinel], password: guarded.sentinelPassword },
    };
    const admitted: number[] = [];
    const redis = await openRedisForTestData(settings, never, ({ port }) => admitted.push(port));
    closing.push(() => redis.close());
    const before = redis.identity.port;
    const pinned = await open(settings, () => {
      if (admitted.length > 1) throw new WrongTarget("EA2001", "the file names the master of before");
    });
    const told: string[] = [];
    const found = await allKeys(redis.scan({ onInterruption: (why) => told.push(why) }), async (batch) =>
      batch === 0 ? await guarded.failOver() : undefined,
    );
    expect(found).toEqual([...keys].sort());
    expect(told.length).toBeGreaterThan(0);
    expect(redis.identity.port).not.toBe(before);
    expect(admitted).toEqual([before, redis.identity.port]);
    expect(await redis.unlink(keys)).toBe(keys.length);
    // It was admitted to another server, so it must not write where the failover led.
    await expect(allKeys(pinned.scan())).rejects.toThrow("the master of before");
    expect(await allKeys(redis.scan())).toEqual([]);
  });
});

describe("a cluster", () => {
  it("that moves slots is scanned again, and a key is deleted wherever it moved", async () => {
    const cluster = await startRedisCluster();
    closing.push(() => cluster.stop());
    const { password } = new URL(cluster.url);
    const nodes = cluster.nodes.map((address) => client(`redis://:${password}@${address}`));
    const [first, second] = nodes as [Redis, Redis];
    const [firstId, secondId] = (await Promise.all([first, second].map((node) => node.cluster("MYID")))) as [string, string];
    const writer = new Redis.Cluster([cluster.url], { redisOptions: { password } });
    closing.push(() => writer.disconnect());
    // The test moves this slot from the first node to the second.
    const tag = ["{a}", "{b}", "{c}", "{d}", "{e}", "{f}"].find((some) => slotOf(some) < 16_384 / 3 - 1) ?? "";
    const slot = slotOf(tag);
    expect(slot).toBe(await first.cluster("KEYSLOT", tag));
    const tagged = names(300, tag);
    // The node would drop a key that is not moved with its slot.
    const others = names(6_000).filter((key) => slotOf(key) !== slot);
    await Promise.all([...others, ...tagged].map((key) => writer.set(key, "1")));

    const moveKeys = async (some: readonly string[]) => {
      const [host, port] = (cluster.nodes[1] ?? "").split(":");
      await first.call("MIGRATE", host ?? "", port ?? "", "", "0", "5000", "AUTH", password, "KEYS", ...some);
    };
    const begin = async () => {
      await second.cluster("SETSLOT", slot, "IMPORTING", firstId);
      await first.cluster("SETSLOT", slot, "MIGRATING", secondId);
    };
    const end = async () => {
      for (const node of [second, first]) await node.cluster("SETSLOT", slot, "NODE", secondId);
    };
    let moved = false;

    const redis = await open({ url: cluster.url, cluster: [] });
    const told: string[] = [];
    const found = await allKeys(redis.scan({ onInterruption: (why) => told.push(why) }), async () => {
      if (moved) return;
      moved = true;
      await begin();
      await moveKeys(tagged.slice(0, 150));
    }).catch((error: unknown) => error);
    // While the slot is between two nodes, nobody can say that all keys were seen.
    expect(found).toMatchObject({ message: expect.stringContaining("slots moved") });

    // Half of the keys are on each node; one is deleted on each.
    expect(await redis.unlink([...tagged.slice(0, 1), ...tagged.slice(299)])).toBe(2);
    await moveKeys(tagged.slice(150, 299));
    const stale = await open({ url: cluster.url, cluster: [] });
    await end();
    // The old map still names the first node; MOVED corrects it.
    expect(await stale.unlink(tagged.slice(1, 2))).toBe(1);
    expect(await allKeys(redis.scan())).toEqual([...others, ...tagged.slice(2, 299)].sort());
  });

  it("whose master becomes a replica, noticed by another scan first, is scanned again", async () => {
    const cluster = await startRedisCluster();
    closing.push(() => cluster.stop());
    const { password } = new URL(cluster.url);
    const nodes = cluster.nodes.map((address) => client(`redis://:${password}@${address}`));
    const [first, , third] = nodes as [Redis, Redis, Redis];
    const firstId = (await first.cluster("MYID")) as string;
    const thirdId = (await third.cluster("MYID")) as string;
    const writer = new Redis.Cluster([cluster.url], { redisOptions: { password } });
    closing.push(() => writer.disconnect());
    // Only an empty node becomes a replica.
    const before = Math.floor((2 * 16_384) / 3);
    const keys = names(300).filter((key) => slotOf(key) < before);
    await Promise.all(keys.map((key) => writer.set(key, "1")));
    const demote = async () => {
      await third.call("CLUSTER", "DELSLOTSRANGE", before, 16_383);
      // At the same time, because a late message from the third node would make the first one give them back.
      const [, taken] =
        (await first
          .multi()
          .call("CLUSTER", "DELSLOTSRANGE", before, 16_383)
          .call("CLUSTER", "ADDSLOTSRANGE", before, 16_383)
          .exec()) ?? [];
      expect(taken).toEqual([null, "OK"]);
      await first.call("CLUSTER", "BUMPEPOCH");
      await third.call("CLUSTER", "REPLICATE", firstId);
      await expect.poll(() => first.cluster("NODES"), { timeout: 10_000 }).toMatch(new RegExp(`^${thirdId} \\S+ \\S*slave`, "m"));
    };

    const redis = await open({ url: cluster.url, cluster: [] });
    const told: string[] = [];
    let demoted = false;
    const found = await allKeys(redis.scan({ onInterruption: (why) => told.push(why) }), async () => {
      if (demoted) return;
      demoted = true;
      await demote();
      expect(await allKeys(redis.scan())).toEqual([...keys].sort());
    });
    expect(found).toEqual([...keys].sort());
    expect(told.join()).toContain("is no longer a master");
    // Closing still ends what is in progress.
    await redis.close();
    expect(await failureOf(allKeys(redis.scan()))).toMatchObject({ kind: "cancelled" });
  });

  it("with a missing master is an error", async () => {
    const cluster = await startRedisCluster({ config: ["enable-debug-command yes"] });
    closing.push(() => cluster.stop());
    const { password } = new URL(cluster.url);
    const redis = await openRedisReader({ url: cluster.url, cluster: [], retryForMs: 200 }, never);
    closing.push(() => redis.close());
    await client(`redis://:${password}@${cluster.nodes[2]}`)
      .shutdown("NOSAVE")
      .catch(() => undefined);
    expect(await failureOf(allKeys(redis.scan()))).toMatchObject({ kind: "unreachable" });
  });
});
