import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { promisify } from "node:util";
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { mergedInfo, openRedisForTestData, openRedisReader, readableKey } from "../../src/redis/connection.ts";
import { allKeys, failureOf } from "./helpers.ts";

let server: RunningRedis;
let seed: Redis;
const never = new AbortController().signal;

beforeAll(async () => {
  server = await startRedis({
    users: {
      pinger: "on >pw -@all +ping",
      selective: "on >pw ~* -@all +@read +ping +acl|whoami +acl|getuser (+set ~cw:*)",
      mute: "on >pw ~* -@all",
    },
  });
  seed = new Redis(server.url);
});
beforeEach(() => seed.flushall());
afterAll(async () => {
  seed.disconnect();
  await server.stop();
});

function as(user: string): string {
  return `redis://${user}:pw@127.0.0.1:${server.port}`;
}

it("signs in as a user without a password, even if the default user needs none either", async () => {
  const open = await startRedis({ users: { guest: "on nopass ~* -@all +@read +ping +acl|whoami +acl|getuser" } });
  const administrator = new Redis(open.url);
  await administrator.call("ACL", "SETUSER", "default", "nopass");
  const reader = await openRedisReader(`redis://guest@127.0.0.1:${open.port}`, never);
  expect(await reader.aclRules()).toContain("-@all +@read");
  await reader.close();
  administrator.disconnect();
  await open.stop();
});

it("leaves no timer that would keep a finished process alive", async () => {
  const module = JSON.stringify(new URL("../../src/redis/connection.ts", import.meta.url).href);
  const script = `const { openRedisReader } = await import(${module});
    const reader = await openRedisReader(${JSON.stringify(server.url)}, new AbortController().signal);
    await reader.close();
    await openRedisReader("redis://127.0.0.1:1", new AbortController().signal).catch(() => undefined);
    console.log(process.getActiveResourcesInfo().filter((one) => one === "Timeout").length);`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  expect(stdout.trim()).toBe("0");
});

describe("failures", () => {
  it.each([
    ["a wrong password", () => `redis://default:wrong@127.0.0.1:${server.port}`, "sign-in", /refused the user or password/],
    ["no password", () => `redis://127.0.0.1:${server.port}`, "sign-in", /NOAUTH/],
    ["a port without a server", () => "redis://127.0.0.1:1", "unreachable", /ECONNREFUSED/],
    ["a host without a name", () => "redis://no-such-host.invalid", "unreachable", /ENOTFOUND|EAI_AGAIN/],
    ["a user that may not even ping", () => as("mute"), "refused", /NOPERM/],
  ])("%s", async (_, url, kind, message) => {
    expect(await failureOf(openRedisReader(url(), never))).toMatchObject({ kind, message: expect.stringMatching(message) });
  });

  it.each([
    ["an API", () => "HTTP/1.1 400 Bad Request\r\n\r\n", "the server at this address is not a Redis"],
    [
      "a server that answers OK to everything",
      (asked: number) => "+OK\r\n".repeat(asked),
      "expected PONG as the answer to PING, got OK",
    ],
    [
      "a server that never answers",
      (asked: number) => "$-1\r\n".repeat(asked),
      "expected PONG as the answer to PING, got nothing",
    ],
  ])("%s instead of Redis", async (_, answer, message) => {
    const other = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (data) => void socket.write(answer(String(data).match(/^\*\d+\r$/gm)?.length ?? 1)));
    }).listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    expect(await failureOf(openRedisReader(`redis://127.0.0.1:${port}`, never))).toMatchObject({
      kind: "unreachable",
      message: expect.stringContaining(message),
    });
    other.close();
    await once(other, "close");
  });

  it("a user with a password, without giving it", async () => {
    expect(await failureOf(openRedisReader(`redis://selective@127.0.0.1:${server.port}`, never))).toMatchObject({
      kind: "sign-in",
    });
  });

  it("a command that the user may not use", async () => {
    const reader = await openRedisReader(as("pinger"), never);
    expect(await failureOf(reader.infoOfEach())).toMatchObject({ kind: "refused", message: expect.stringContaining("info") });
    expect(await failureOf(allKeys(reader.scan()))).toMatchObject({ kind: "refused" });
    // Not being allowed to read its own rules is unknown, not an error.
    expect(await reader.aclRules()).toBeUndefined();
    await reader.close();
  });

  it("a server that accepts and never answers ends with the signal", async () => {
    const silent = await listening(createServer());
    const controller = new AbortController();
    silent.once("connection", () => controller.abort(new Error("the budget is used up")));
    const failure = await failureOf(openRedisReader(`redis://127.0.0.1:${portOf(silent)}`, controller.signal));
    expect(failure).toMatchObject({ kind: "cancelled", message: expect.stringContaining("the budget is used up") });
    silent.close();
  });

  it("an abort ends a scan, and nothing is sent after it", async () => {
    await seed.mset(Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`key:${index}`, "1"])));
    const controller = new AbortController();
    const redis = await openRedisForTestData(server.url, controller.signal);
    const scanning = (async () => {
      for await (const _ of redis.scan()) controller.abort(new Error("stop"));
    })();
    expect(await failureOf(scanning)).toMatchObject({ kind: "cancelled" });
    expect(await failureOf(redis.unlink(["key:1"]))).toMatchObject({ kind: "cancelled" });
    await redis.close();
    expect(await seed.dbsize()).toBe(5_000);
    expect(await failureOf(openRedisReader(server.url, controller.signal))).toMatchObject({ kind: "cancelled" });
  });
});

describe("a reader", () => {
  it("has no method that writes", async () => {
    const reader = await openRedisReader(server.url, never);
    expect(Object.keys(reader).sort()).toEqual([
      "aclRules",
      "changeCount",
      "close",
      "commandFlags",
      "deletability",
      "elsewhere",
      "hasAcl",
      "identity",
      "infoOfEach",
      "lives",
      "ping",
      "scan",
    ]);
    // @ts-expect-error: the type has none either
    expect(reader.unlink).toBeUndefined();
    await reader.close();
  });

  it("changes nothing with any of its calls", async () => {
    await seed.mset({ a: "1", b: "2" });
    const before = changes(await seed.info("persistence"));
    const reader = await openRedisReader(server.url, never);
    await Promise.all([reader.ping(), reader.infoOfEach(), reader.aclRules(), allKeys(reader.scan())]);
    await reader.close();
    expect(changes(await seed.info("persistence"))).toBe(before);
  });

  it("that signs in as the reading user could not write with any client", async () => {
    const raw = new Redis(server.readOnlyUrl, { enableReadyCheck: false });
    const attempts = [
      ["SET", "a", "1"],
      ["UNLINK", "a"],
      ["FLUSHALL"],
      ["EVAL", "return redis.call('SET','a','1')", "0"],
      ["CONFIG", "SET", "maxmemory", "1"],
      ["ACL", "SETUSER", "reader", "+@all"],
      ["GETDEL", "a"],
      ["EXPIRE", "a", "1"],
    ] as const;
    for (const [command, ...values] of attempts) await expect(raw.call(command, ...values), command).rejects.toThrow("NOPERM");
    raw.disconnect();
  });

  it("knows its target, its rights, and what the server reports", async () => {
    const reader = await openRedisReader(`${server.readOnlyUrl}/3`, never);
    expect(reader.identity).toEqual({ mode: "standalone", host: "127.0.0.1", port: server.port, database: 3 });
    expect(await reader.aclRules()).toContain("-@all +@read");
    expect(mergedInfo(await reader.infoOfEach())).toMatchObject({
      redis_version: expect.stringMatching(/^\d/),
      used_memory: expect.stringMatching(/^\d+$/),
    });
    expect(await reader.ping()).toBeGreaterThan(0);
    await reader.close();
  });

  it("reports its selectors too", async () => {
    const reader = await openRedisReader(as("selective"), never);
    // Redis lists single commands in no fixed order.
    expect((await reader.aclRules())?.split(" ").sort()).toEqual(
      ["(-@all", "+@read", "+acl|getuser", "+acl|whoami", "+ping", "+set)", "-@all"].sort(),
    );
    await reader.close();
  });
});

describe("keys", () => {
  it("are found exactly, whatever bytes they contain", async () => {
    const keys = Array.from({ length: 300 }, () => randomBytes(12));
    keys.push(Buffer.from([0]), Buffer.from([0xff, 0xfe, 0x0d, 0x0a]), Buffer.from("名前:*?[]\\"), Buffer.from("é"));
    await seed.mset(...keys.flatMap((key) => [key, "1"]));
    const redis = await openRedisForTestData(server.url, never);
    const found = await allKeys(redis.scan());
    expect(found).toEqual(keys.map((key) => key.toString("latin1")).sort());
    expect(found.map(readableKey)).toContain("名前:*?[]\\");
    expect(await redis.unlink(found)).toBe(keys.length);
    expect(await seed.dbsize()).toBe(0);
    await redis.close();
  });

  it("are found, asked about and deleted one by one, however odd they are", async () => {
    const odd = fc.constantFrom(
      "",
      "*",
      "?",
      "[a-z]",
      "\\",
      "\r\n",
      "$5\r\nhello\r\n",
      "*2\r\n",
      "-ERR x\r\n",
      "\0",
      "é",
      "\ud83c\udf92",
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 30 }).map((some) => Buffer.from(some)),
      fc.array(odd, { maxLength: 4 }).map((parts) => Buffer.from(parts.join(""))),
      // Longer than what the socket delivers at once.
      fc.integer({ min: 60_000, max: 200_000 }).map((length) => Buffer.alloc(length, `long:${length}\r\n`)),
    );
    const key = fc.record({ bytes, life: fc.constantFrom(undefined, 1_000_000, 5_000_000), isGone: fc.boolean() });
    const distinct = fc.uniqueArray(key, { selector: (one) => one.bytes.toString("latin1"), maxLength: 60 });
    const redis = await openRedisForTestData(server.url, never);
    const holds = fc.asyncProperty(distinct, async (keys) => {
      await seed.flushall();
      for (const one of keys)
        await (one.life === undefined ? seed.set(one.bytes, "1") : seed.set(one.bytes, "1", "PX", one.life));
      const texts = keys.map((one) => one.bytes.toString("latin1"));
      expect(await allKeys(redis.scan())).toEqual([...texts].sort());
      const lives = await redis.lives([...texts, "never there"]);
      expect(lives.map((life) => (typeof life === "number" ? Math.ceil(life / 1_000_000) : life))).toEqual([
        ...keys.map(({ life }) => (life === undefined ? "unlimited" : life / 1_000_000)),
        "gone",
      ]);
      const going = texts.filter((_, index) => keys[index]?.isGone);
      expect(await redis.unlink(going)).toBe(going.length);
      const left = (await seed.keysBuffer("*")).map((one) => one.toString("latin1"));
      expect(left.sort()).toEqual(texts.filter((_, index) => !keys[index]?.isGone).sort());
    });
    await fc.assert(holds, { numRuns: process.env.LONG ? 1_000 : 60 });
    await redis.close();
  });

  it("are all found among 20,000, and none that stays is missed while others come and go", async () => {
    // Batches double up to 5,000 keys if Redis is fast, so five batches could be enough for 10,000 keys.
    const names = Array.from({ length: 20_000 }, (_, index) => `stays:${index}`);
    await seed.mset(...names.flatMap((name) => [name, "1"]));
    const reader = await openRedisReader(server.url, never);
    const found = new Set<string>();
    let round = 0;
    for await (const batch of reader.scan()) {
      for (const key of batch) found.add(key);
      round++;
      await seed.mset(...Array.from({ length: 500 }, (_, index) => [`new:${round}:${index}`, "1"]).flat());
      await seed.unlink(...Array.from({ length: 400 }, (_, index) => `new:${round - 1}:${index}`));
    }
    expect(round).toBeGreaterThan(5);
    expect(names.filter((name) => !found.has(name))).toEqual([]);
    await reader.close();
  });

  it("are unlinked in batches: existing ones are counted, and nothing else is touched", async () => {
    const names = Array.from({ length: 2_345 }, (_, index) => `gone:${index}`);
    await seed.mset(...names.flatMap((name) => [name, "1"]), "stays", "1", "gone:*", "a literal star");
    const redis = await openRedisForTestData(server.url, never);
    expect(await redis.unlink([...names, "never there"])).toBe(names.length);
    expect(await redis.unlink([])).toBe(0);
    expect((await seed.keys("*")).sort()).toEqual(["gone:*", "stays"]);
    await redis.close();
  });
});

function changes(info: string): string | undefined {
  return /rdb_changes_since_last_save:(\d+)/.exec(info)?.[1];
}

async function listening(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}
