import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { type RunningCluster, startRedisCluster, startRedisSentinel } from "../../local/redis-groups.ts";
import { openRedisForTestData, openRedisReader } from "../../src/redis/connection.ts";
import { blocks } from "../docs/markdown.ts";
import { runSuite } from "./suite.ts";

// The users that docs/redis.md shows for each role are enough, and the narrow ones can't delete other keys: stages sign in as these.

const lines = blocks("docs/redis.md", "").flatMap(({ text }) =>
  [...text.matchAll(/^ACL SETUSER (\S+) (.+)$/gm)].map(([, user = "", rules = ""]) => ({
    user,
    rules: rules.replace(/>\w+/, ">pw").split(" "),
  })),
);
const old = "integration_test_1763920000000_1a2b3c4d";
const keys = [`cw:test:session:${old}`, `cw:test:detail_${old}`, "audit:log", "cw:production:settings", "tokens:of-somebody"];
const never = new AbortController().signal;

let server: RunningRedis;
let cluster: RunningCluster;
let client: Redis;
let nodes: Redis[];
beforeAll(async () => {
  [server, cluster] = await Promise.all([startRedis(), startRedisCluster()]);
  client = new Redis(server.url);
  const { password } = new URL(cluster.url);
  nodes = cluster.nodes.map((node) => new Redis(`redis://:${password}@${node}`));
  for (const { user, rules } of lines) {
    // The subcommands of a sentinel are known to sentinels only: that user has a test of its own.
    if (rules.some((rule) => rule.includes("sentinel|"))) continue;
    for (const each of [client, ...nodes]) await each.call("ACL", "SETUSER", user, ...rules);
  }
});
afterAll(async () => {
  for (const each of [client, ...nodes]) each.disconnect();
  await Promise.all([server.stop(), cluster.stop()]);
});
beforeEach(async () => {
  await client.flushall();
  await client.mset(keys.flatMap((key) => [key, "1"]));
});

const urlOf = (user: string, port: number | string = server.port) => `redis://${user}:pw@127.0.0.1:${port}`;

const cleanup = (user: string, execute: boolean) =>
  runSuite(
    "cleanup",
    {
      inside: 'redis: { url: "${REDIS_URL}", expect: { host: 127.0.0.1 } }',
      settings: "budget: 1m",
      beside: "testData: { preset: none, keys: [cw:test:*], tables: {} }",
      files: {},
      overrides: { scope: "expired", execute },
    },
    { REDIS_URL: urlOf(user) },
  );
const left = async () => (await client.keys("*")).sort();

test("the page shows a user for each role", () => {
  const users = ["reader", "deleter", "reader", "deleter", "sentinel"].map((role) => `env-actions-${role}`);
  expect(lines.map(({ user }) => user)).toEqual([...users, "app-under-test", "env-actions-all"]);
  expect(lines.filter(({ rules }) => rules.includes("~*")).map(({ user }) => user)).toEqual(["env-actions-all"]);
});

test("reading is enough for a plan, and not enough to delete", async () => {
  const planned = await cleanup("env-actions-reader", false);
  expect(planned.check("test-data.cleanup")).toMatchObject({
    verdict: "passed",
    observed: "0 rows and 2 keys would be deleted",
  });
  const executed = await cleanup("env-actions-reader", true);
  expect(["failed", "error"]).toContain(executed.report.verdict);
  expect(await left()).toEqual([...keys].sort());
});

test("reading has no command that writes", async () => {
  const flags = await Promise.all(
    (lines[0]?.rules ?? [])
      .filter((rule) => rule.startsWith("+"))
      .map(async (rule) => (await client.call("COMMAND", "INFO", rule.slice(1))) as [[string, number, string[]] | null]),
  );
  expect(flags.flatMap(([found]) => found?.[2] ?? [])).not.toContain("write");
});

test("deleting is enough for a cleanup", async () => {
  const ran = await cleanup("env-actions-deleter", true);
  expect(ran.check("test-data.cleanup")?.verdict).toBe("passed");
  expect(await left()).toEqual(keys.slice(2).sort());
});

test.each([
  ["env-actions-deleter", "audit:log", false],
  ["env-actions-deleter", "cw:production:settings", false],
  ["env-actions-all", "audit:log", true],
  ["app-under-test", "audit:log", false],
])("the server lets %s delete %s: %s", async (user, key, may) => {
  const other = new Redis(urlOf(user), { enableReadyCheck: false });
  const answer = await other.unlink(key).catch((error: unknown) => String(error));
  other.disconnect();
  if (may) expect(answer).toBe(1);
  else expect(answer).toContain("NOPERM");
  expect((await left()).includes(key)).toBe(!may);
});

test("the users of a cluster can read and delete there, and the deleter may follow a slot that moves", async () => {
  const [first = "", ...others] = cluster.nodes;
  const settingsOf = (user: string) => ({ url: `redis://${user}:pw@${first}`, cluster: others });
  const seed = new Redis.Cluster(
    cluster.nodes.map((node) => `redis://${node}`),
    {
      redisOptions: { password: new URL(cluster.url).password },
    },
  );
  await Promise.all(keys.map((key) => seed.set(key, "1")));
  const own = keys.slice(0, 2);
  const reader = await openRedisReader(settingsOf("env-actions-reader"), never);
  expect(await reader.lives(own)).toEqual(["unlimited", "unlimited"]);
  await reader.close();
  const deleter = await openRedisForTestData(settingsOf("env-actions-deleter"), never);
  expect(await deleter.deletability()).toMatchObject({ possible: true });
  expect(await deleter.unlink(own)).toBe(2);
  await deleter.close();
  expect(await Promise.all(keys.map((key) => seed.exists(key)))).toEqual([0, 0, 1, 1, 1]);
  seed.disconnect();
  expect(await nodes[0]?.call("ACL", "DRYRUN", "env-actions-deleter", "ASKING")).toBe("OK");
});

test("the user of the sentinels is enough to find the master", async () => {
  const sentinel = await startRedisSentinel();
  onTestFinished(() => sentinel.stop());
  const admin = new Redis(`redis://:${sentinel.sentinelPassword}@${sentinel.sentinel}`);
  const { user = "", rules = [] } = lines.find(({ rules: each }) => each.some((rule) => rule.includes("sentinel|"))) ?? {};
  await admin.call("ACL", "SETUSER", user, ...rules);
  admin.disconnect();
  const way = { master: sentinel.master, nodes: [sentinel.sentinel], username: user, password: "pw" };
  const reader = await openRedisReader({ url: sentinel.url, sentinel: way }, never);
  expect(reader.identity.port).toBe(await sentinel.masterPort());
  await reader.close();
});
