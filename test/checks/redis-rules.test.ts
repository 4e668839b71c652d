import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { checkReadOnlyUser } from "../../src/checks/redis/check.ts";
import { grantsWriting } from "../../src/checks/redis/rights.ts";
import { type CommandFlags, openRedisReader } from "../../src/redis/connection.ts";
import { rulesOfAll } from "../../src/redis/deletability.ts";
import { runOnce } from "./run-once.ts";

/** ACL users, each with what lets it be asked at all. */
const asked = "on >pw +ping +acl|whoami +acl|getuser";
const grants: Record<string, string> = {
  reads: `${asked} ~* +@read`,
  readsNarrowly: `${asked} %R~cw:* +get +scan +info`,
  readsBySelector: `${asked} +info (~cw:* +get)`,
  readsAndConnects: `${asked} ~* +@read +@connection -@dangerous +acl|getuser`,
  unseen: "on >pw ~* +@read +ping",
  all: `${asked} ~* +@all`,
  allButWrite: `${asked} ~* +@all -@write -@dangerous +acl|getuser`,
  set: `${asked} ~* +@read +set`,
  writesOneKey: `${asked} %R~* %W~cw:test:* +@read +del`,
  bySelector: `${asked} ~* +@read (%W~cw:* +set)`,
  scripts: `${asked} ~* +@read +eval`,
  functions: `${asked} ~* +@read +fcall`,
  sorts: `${asked} ~* +@read +sort`,
  touches: `${asked} ~* +@read +getex`,
  stores: `${asked} ~* +@read +georadius`,
  publishes: `${asked} ~* &* +@read +publish`,
  flushes: `${asked} +flushall`,
  configures: `${asked} ~* +@read +config|set`,
  grantsItself: `${asked} ~* +@read +acl`,
  pauses: `${asked} ~* +@read +@connection`,
};
/** Commands for administrators that only show something. */
const looking =
  /\|(?:list|get|getuser|users|help|info|latest|history|doctor|graph|histogram|len|dryrun|log|links|replicas|slaves|count-failure-reports)$|^(?:role|lastsave)$/;

// Redis reads its rules from left to right, so the same rules in another order are another user.
test.each([
  "-@all",
  "-@all +@read",
  "-@all +@read +@connection -@dangerous +info +dbsize +scan +acl|whoami +acl|getuser",
  "-@all +get",
  "-@all +GET +Mget",
  "nocommands +get +info",
  "+@all -@all +get",
  "allcommands nocommands +ping",
  "-@all +set -set",
  "-@all +config -config +config|get",
  "-@all +config|set -config",
  "-@all +config|get +memory|usage +object|freq",
  "-@all +@read (-@all +get)",
  "-@all +@read (+get +ttl)",
  "-@all +@read +@connection -@admin",
  "-@all +@read +@connection -client|kill -client|unblock -client|pause -client|list",
])("only reads: %s", (rules) => {
  expect(grantsWriting(rules)).toBeUndefined();
});

test.each([
  ["+@all", "+@all"],
  ["allcommands", "allcommands"],
  ["-@all +@all", "+@all"],
  ["+@all -@write", "+@all"],
  ["+@all -@write -@dangerous", "+@all"],
  ["-@all +@write", "+@write"],
  ["-@all +@read +set", "+set"],
  ["-@all -set +set", "+set"],
  ["-@all +set -set +set", "+set"],
  ["-@all +set -get", "+set"],
  ["-@all +set -se", "+set"],
  ["-@all +config", "+config"],
  ["-@all +config|set", "+config|set"],
  ["-@all +config|get +config|set", "+config|set"],
  ["-@all +acl|setuser", "+acl|setuser"],
  ["-@all +@read +@keyspace", "+@keyspace"],
  ["-@all +@fast", "+@fast"],
  ["-@all +@read +@connection", "+@connection"],
  ["-@all +@read -@dangerous +@connection", "+@connection"],
  ["-@all +@read +@connection -client|kill -client|unblock", "+@connection"],
  ["-@all +@connection -client|kill -client|unblock +@connection -client|pause", "+@connection"],
  ["-@all +@read +@connection -@dangerous +client|kill", "+client|kill"],
  ["+@all -@write -@admin -@dangerous +@scripting", "+@all"],
  ["-@all +@read +sort", "+sort"],
  ["-@all +@read +georadius", "+georadius"],
  ["-@all +@read +georadiusbymember", "+georadiusbymember"],
  ["-@all +@read +publish", "+publish"],
  ["-@all +@read +@pubsub", "+@pubsub"],
  ["-@all +@read +@scripting", "+@scripting"],
  ["-@all +@read +eval_ro", "+eval_ro"],
  ["-@all +@read +fcall", "+fcall"],
  ["-@all +@read +script|load", "+script|load"],
  ["-@all +@read +function|restore", "+function|restore"],
  ["-@all +@read +client|pause", "+client|pause"],
  ["-@all +@read +cluster|failover", "+cluster|failover"],
  ["-@all +@read +latency|reset", "+latency|reset"],
  ["-@all +@read +memory|purge", "+memory|purge"],
  ["-@all +@read +xreadgroup", "+xreadgroup"],
  ["-@all +@read +multi +exec", "+multi"],
  ["-@all +eval", "+eval"],
  ["-@all +getdel", "+getdel"],
  ["-@all +getex", "+getex"],
  ["-@all +a-command-of-tomorrow", "+a-command-of-tomorrow"],
  ["-@all +@read (-@all +set)", "+set"],
  ["-@all +@read (+get) (+@all)", "+@all"],
  ["+@read", "the rules do not tell what they begin with"],
  ["(-@all +get)", "the rules do not tell what they begin with"],
  ["", "the rules do not tell what they begin with"],
])("could write: %s", (rules, because) => {
  expect(grantsWriting(rules)).toBe(because);
});

test("a user that may write on one node of a cluster could write", () => {
  const reading = "-@all +@read";
  expect(rulesOfAll([reading, reading, reading])).toBe(reading);
  expect(grantsWriting(rulesOfAll([reading, "-@all +@read (+get)"]) ?? "")).toBeUndefined();
  expect(grantsWriting(rulesOfAll([reading, reading, "-@all +@read +set"]) ?? "")).toBe("+set");
  expect(grantsWriting(rulesOfAll([reading, "-@all +@read (+get) (+del)"]) ?? "")).toBe("+del");
  expect(rulesOfAll([reading, undefined])).toBeUndefined();
});

describe("as the server itself says", () => {
  let server: RunningRedis;
  let client: Redis;
  let flags: CommandFlags;
  const wants = (rules: string) => grantsWriting(rules, flags);

  beforeAll(async () => {
    server = await startRedis({ users: grants });
    client = new Redis(server.url);
    const reader = await openRedisReader(server.url, new AbortController().signal);
    flags = (await reader.commandFlags()) ?? new Map();
    await reader.close();
  });
  afterAll(async () => {
    client.disconnect();
    await server.stop();
  });

  test("every command that Redis flags as writing counts as writing, with its flags or without", () => {
    const writing = [...flags].filter(([, told]) => told.includes("write") || told.includes("denyoom")).map(([name]) => name);
    expect(writing.length).toBeGreaterThan(100);
    expect(writing.filter((name) => !grantsWriting(`-@all +${name}`))).toEqual([]);
    expect(writing.filter((name) => !wants(`-@all +${name}`))).toEqual([]);
  });

  test("every command that changes the server, scripts, users or other connections counts as writing", () => {
    const dangerous = [...flags].filter(([name, told]) => told.includes("admin") && !looking.test(name)).map(([name]) => name);
    expect(dangerous.length).toBeGreaterThan(30);
    expect(dangerous.filter((name) => !wants(`-@all +${name}`))).toEqual([]);
  });

  test("@read is the only category that is allowed as a whole", async () => {
    const categories = (await client.call("ACL", "CAT")) as string[];
    expect(categories.filter((name) => !wants(`-@all +@${name}`))).toEqual(["read"]);
    const inRead = (await client.call("ACL", "CAT", "read")) as string[];
    expect(inRead.filter((name) => flags.get(name)?.includes("write"))).toEqual([]);
  });

  test("an unknown command may read if the server flags it so, and a flagged writer counts as writing", () => {
    expect(grantsWriting("-@all +vector.get", new Map([["vector.get", ["readonly", "fast"]]]))).toBeUndefined();
    expect(grantsWriting("-@all +vector.get", new Map([["vector.get", ["readonly", "admin"]]]))).toBe("+vector.get");
    expect(grantsWriting("-@all +get", new Map([["get", ["write", "denyoom"]]]))).toBe("+get");
  });

  // The verdict on real users of a real server, and that asking for it has changed nothing.
  test.each(Object.keys(grants))("the verdict for the user %s is right, and checking changes nothing", async (name) => {
    const reader = await openRedisReader(`redis://${name}:pw@127.0.0.1:${server.port}`, new AbortController().signal);
    const check = await checkReadOnlyUser(runOnce, () => Promise.resolve(reader));
    await reader.close();
    expect(check.verdict).toBe(name.startsWith("reads") ? "passed" : name.startsWith("unseen") ? "error" : "failed");
    expect(await client.dbsize()).toBe(0);
  });

  test("a configured exception makes it a warning until its last day", async () => {
    const reader = await openRedisReader(`redis://set:pw@127.0.0.1:${server.port}`, new AbortController().signal);
    const verdictUntil = async (until: string) =>
      (await checkReadOnlyUser(runOnce, () => Promise.resolve(reader), { until, reason: "it is replaced" })).verdict;
    expect(await verdictUntil("2999-12-31")).toBe("degraded");
    expect(await verdictUntil("2020-01-01")).toBe("failed");
    await reader.close();
  });
});
