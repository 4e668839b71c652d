import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { type QuietRedis, withoutSections } from "../redis/quiet-redis.ts";
import { junit, runSuite } from "./suite.ts";

/**
 * Whole stages on a Redis that tells less than a server of one's own, as managed services do: what they don't tell is neither an error
 * nor a pass, and what env-actions needs is still refused clearly.
 */

let server: RunningRedis;
let client: Redis;
let quiet: QuietRedis | undefined;
beforeAll(async () => {
  server = await startRedis();
  client = new Redis(server.url);
});
afterEach(async () => {
  quiet?.stop();
  await client.flushall();
});
afterAll(async () => {
  client.disconnect();
  await server.stop();
});

const inside = (more = "") => `redis: { url: "\${REDIS_URL}", expect: { host: 127.0.0.1 }${more} }`;
const through = async (sections: readonly string[], commands: readonly string[]) => {
  quiet = await withoutSections(server.port, sections, commands);
  return { REDIS_URL: server.url.replace(/:\d+$/, `:${quiet.port}`), REAL_REDIS_URL: server.url };
};

/** Tests that leave a key of their run. */
const tests = `import { writeFileSync } from "node:fs";
  import { connect } from "node:net";
  const { port, password } = new URL(process.env.REAL_REDIS_URL);
  const socket = connect(Number(port), "127.0.0.1");
  const told = [];
  await new Promise((resolve) => {
    socket.on("data", (data) => { told.push(String(data)); if (told.join("").split("\\r\\n").length > 2) resolve(); });
    socket.write(\`AUTH \${password}\\r\\nSET cw:test:session:\${process.env.ENV_ACTIONS_PREFIX}1 x\\r\\n\`);
  });
  socket.end();
  writeFileSync("r.xml", ${JSON.stringify(junit())});`;
const suite = { settings: "command: node tests.mjs\nreports: [r.xml]", files: { "tests.mjs": tests } };

describe.each([
  ["a server that tells everything", [], []],
  ["one without ACL and CONFIG, as Memorystore", [], ["ACL", "CONFIG"]],
  [
    "one with little INFO and no COMMAND, as Upstash",
    ["Stats", "Memory", "Persistence", "Replication"],
    ["ACL", "COMMAND", "CONFIG", "HELLO"],
  ],
  ["one without snapshots, as a serverless ElastiCache", ["Persistence", "CPU", "Keyspace"], ["CONFIG", "CLUSTER"]],
  ["one that tells nothing about itself", [], ["INFO", "ACL", "COMMAND", "CONFIG", "CLUSTER", "HELLO", "DBSIZE", "CLIENT"]],
])("%s", (_, sections, commands) => {
  test("preflight has no error, and no pass for what was not told", async () => {
    const ran = await runSuite(
      "preflight",
      { inside: inside(), settings: "budget: 1m", files: {} },
      await through(sections, commands),
    );
    expect(ran.report.checks.filter(({ verdict }) => verdict !== "passed" && verdict !== "skipped")).toEqual([]);
    expect(ran.report.verdict).toBe("passed");
    expect(ran.check("redis.ping")?.verdict).toBe("passed");
    const untold = (name: string, by: readonly string[]) => by.some((one) => [...sections, ...commands].includes(one)) && name;
    const expected = [
      "hit-rate",
      untold("memory", ["Memory", "INFO"]),
      untold("replication", ["Replication", "INFO"]),
      untold("persistence", ["Persistence", "INFO"]),
      untold("writable", ["ACL"]),
    ].filter(Boolean);
    const skipped = ran.report.checks.filter(({ verdict }) => verdict === "skipped");
    expect(skipped.map(({ id }) => id.replace("redis.", "")).sort()).toEqual(expected.sort());
    for (const { id, message } of skipped)
      expect(message, id).toMatch(/^(?:Not told by this server|Unknown: of fewer than 100 lookups)/);
  });

  test("integration deletes the keys of the run and no others, and proves it", async () => {
    await client.set("cw:production:settings", "x");
    const ran = await runSuite("integration", { inside: inside(), ...suite }, await through(sections, commands));
    expect(ran.report.checks.filter(({ verdict }) => verdict !== "passed" && verdict !== "skipped")).toEqual([]);
    expect(ran.check("test-data.cleanup")?.verdict).toBe("passed");
    expect(ran.report.cleanup).toMatchObject({ deletedKeys: 1, leftOver: 0 });
    expect(await client.keys("*")).toEqual(["cw:production:settings"]);
  });
});

test("what is listed in redis.require must be told", async () => {
  const env = await through(["Memory"], ["ACL"]);
  const ran = await runSuite(
    "preflight",
    { inside: inside(", require: [memory, writable]"), settings: "budget: 1m", files: {} },
    env,
  );
  expect(ran.report.verdict).toBe("error");
  for (const id of ["redis.memory", "redis.writable"])
    expect(ran.check(id)).toMatchObject({ verdict: "error", message: expect.stringContaining("It is listed in redis.require.") });
});

test.each(["SCAN", "UNLINK"])(
  "a server without %s, which is needed, fails clearly, and nothing is called deleted",
  async (name) => {
    const ran = await runSuite(
      "integration",
      { inside: inside(), ...suite },
      await through([], [name, "ACL", "COMMAND", "INFO", "HELLO"]),
    );
    expect(ran.report.verdict).not.toBe("passed");
    const messages = ran.report.checks
      .filter(({ verdict }) => verdict === "error" || verdict === "failed")
      .map(({ message }) => message);
    expect(messages.join("\n")).toContain(`NOT-${name}`);
    expect(await client.keys("*")).toHaveLength(1);
  },
);
