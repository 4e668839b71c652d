import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";

import { connect } from "node:net";
import { createInterface } from "node:readline";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningRedis, startRedis } from "../../local/redis.ts";

/** The local stand-in for a cloud Redis. A reader that could write, or a server that kept running, would make other tests wrong. */
describe("a local Redis", () => {
  let redis: RunningRedis;
  let owner: Redis;
  let reader: Redis;

  beforeAll(async () => {
    redis = await startRedis({
      users: { worker: "on >secret ~cw:test:* +@all" },
      config: ["maxmemory 32mb", 'rename-command KEYS ""'],
    });
    owner = new Redis(redis.url);
    reader = new Redis(redis.readOnlyUrl);
  });
  afterAll(async () => {
    owner.disconnect();
    reader.disconnect();
    await redis.stop();
  });

  it("lets the owner write and read", async () => {
    await owner.set("greeting", "hello");
    expect(await owner.get("greeting")).toBe("hello");
  });

  it("lets the reader use all commands that checks need", async () => {
    await owner.set("looked-at", "yes", "EX", 100);
    expect(await reader.ping()).toBe("PONG");
    expect(await reader.get("looked-at")).toBe("yes");
    expect(await reader.ttl("looked-at")).toBeGreaterThan(0);
    expect(await reader.dbsize()).toBeGreaterThan(0);
    expect(await reader.info()).toContain("keyspace_hits");
    expect((await reader.scan(0, "COUNT", 1000))[1]).toContain("looked-at");
    expect(await reader.call("ACL", "WHOAMI")).toBe("reader");
  });

  it.each([
    ["SET", "a", "b"],
    ["DEL", "greeting"],
    ["UNLINK", "greeting"],
    ["EXPIRE", "greeting", "1"],
    ["XADD", "audit:log", "*", "a", "b"],
    ["GETDEL", "greeting"],
    ["FLUSHALL"],
    ["FLUSHDB"],
    ["EVAL", "return redis.call('DEL', 'greeting')", "0"],
    ["CONFIG", "SET", "maxmemory", "1mb"],
    ["ACL", "SETUSER", "reader", "+@all"],
    ["SHUTDOWN", "NOSAVE"],
  ])("refuses the reader's %s", async (...command) => {
    const [name = "", ...words] = command;
    await expect(reader.call(name, ...words)).rejects.toThrow(/NOPERM/);
  });

  it("accepts more users and more configuration", async () => {
    const worker = new Redis(redis.url.replace(/default:[^@]*/, "worker:secret"));
    try {
      expect(await worker.set("cw:test:a", "1")).toBe("OK");
      await expect(worker.set("cw:production:a", "1")).rejects.toThrow(/NOPERM/);
    } finally {
      worker.disconnect();
    }
    expect(await owner.info("memory")).toContain("maxmemory:33554432");
    await expect(owner.call("KEYS", "*")).rejects.toThrow(/unknown command/);
  });
});

describe("starting and stopping a local Redis", () => {
  it("frees its port and removes its directory when stopped, even twice", async () => {
    const redis = await startRedis();
    const directory = await directoryOf(redis.url);
    expect(existsSync(directory)).toBe(true);
    await redis.stop();
    await redis.stop();
    expect(await listens(redis.port)).toBe(false);
    expect(existsSync(directory)).toBe(false);
  });

  it("reports the server's own message if it cannot start", async () => {
    await expect(startRedis({ config: ["maxmemory a-lot"] })).rejects.toThrow(/ended at once:[\s\S]*maxmemory/);
  });

  it("ends the server if the process that started it is killed", async () => {
    const program = `import { startRedis } from ${JSON.stringify(new URL("../../local/redis.ts", import.meta.url).href)};
      console.log((await startRedis()).url); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    const [url] = (await once(createInterface(child.stdout), "line")) as [string];
    const directory = await directoryOf(url);
    child.kill("SIGKILL");
    await expect.poll(() => listens(Number(new URL(url).port)), { timeout: 5_000 }).toBe(false);
    await expect.poll(() => existsSync(directory), { timeout: 5_000 }).toBe(false);
  });
});

async function directoryOf(url: string): Promise<string> {
  const client = new Redis(url);
  try {
    const [, directory] = (await client.config("GET", "dir")) as string[];
    return directory ?? "";
  } finally {
    client.disconnect();
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
