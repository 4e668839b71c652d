import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { type RunningCluster, type RunningSentinel, startRedisCluster, startRedisSentinel } from "../../local/redis-groups.ts";
import { bundle, run, sources } from "../harness/process.ts";

// A process ends when its work is done: nothing of a connection to Redis keeps it alive.
let alone: RunningRedis;
let cluster: RunningCluster;
let guarded: RunningSentinel;
beforeAll(async () => {
  [alone, cluster, guarded] = await Promise.all([startRedis(), startRedisCluster(), startRedisSentinel()]);
});
afterAll(() => Promise.all([alone.stop(), cluster.stop(), guarded.stop()]));

const connection = join(import.meta.dirname, "..", "..", "src", "redis", "connection.ts");
/** Runs the work in a process of its own. @returns what still keeps that process alive once the work is done */
async function leftBehind(work: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "env-actions-linger-"));
  const file = join(folder, "work.ts");
  writeFileSync(
    file,
    `import { openRedisForTestData, openRedisReader } from ${JSON.stringify(connection)};
const controller = new AbortController();
const { signal } = controller;
${work}
// Closed sockets leave in the turns after they were closed.
for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
console.log(JSON.stringify(process.getActiveResourcesInfo().filter((name) => name !== "Immediate" && !/^(Pipe|TTY)/.test(name))));
process.exit();
`,
  );
  try {
    const { stdout, stderr } = await run(file, { deadlineMs: 60_000 });
    if (stdout === "") throw new Error(stderr);
    return JSON.parse(stdout) as string[];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const settingsOf = (name: string) =>
  JSON.stringify(
    {
      "one server": alone.url,
      "a cluster": { url: cluster.url, cluster: [] },
      sentinels: {
        url: guarded.url,
        sentinel: { master: guarded.master, nodes: [guarded.sentinel], password: guarded.sentinelPassword },
      },
    }[name],
  );

describe.each(["one server", "a cluster", "sentinels"])("of a connection to %s", (name) => {
  it("nothing is left after it was used and closed", async () => {
    const work = `const redis = await openRedisForTestData(${settingsOf(name)}, signal);
for await (const batch of redis.scan()) void batch;
await redis.unlink(["cw:test:a", "cw:test:b"]);
await redis.changeCount();
await redis.close();`;
    expect(await leftBehind(work)).toEqual([]);
  });

  it("nothing is left after it was cancelled", async () => {
    const work = `const redis = await openRedisReader(${settingsOf(name)}, signal);
const pinging = redis.ping().catch(() => undefined);
controller.abort(new Error("stop"));
await pinging;
await redis.close();
await redis.close();`;
    expect(await leftBehind(work)).toEqual([]);
  });
});

it("nothing is left of connections that were refused", async () => {
  const work = `for (const url of [${JSON.stringify(`redis://:wrong@127.0.0.1:${alone.port}`)}, "redis://127.0.0.1:1", ${JSON.stringify(`redis://${cluster.nodes[0]}`)}])
  await openRedisReader({ url, retryForMs: 0 }, signal).then((redis) => redis.close(), () => undefined);`;
  expect(await leftBehind(work)).toEqual([]);
});

/** Far more than a process needs to end, and less than the two seconds that a forgotten timer of the driver takes. */
const longestEndMs = 1_000;
/** On a busy machine any end may take long, so the fastest counts. A forgotten timer delays each of them. */
const attempts = 3;
const entry = process.env.DIST === undefined ? sources : bundle;

it.each(["one server", "a cluster"])("a stage that used %s ends with the last file that it writes", async (name) => {
  const workspace = mkdtempSync(join(tmpdir(), "env-actions-linger-"));
  const records = join(workspace, ".env-actions");
  const isCluster = name === "a cluster";
  writeFileSync(
    join(workspace, "env-actions.yml"),
    `version: 1
environments:
  sandbox:
    access: test-data
    redis: { url: "\${REDIS_URL}", expect: { host: 127.0.0.1 }${isCluster ? ", cluster: true" : ""} }
`,
  );
  const env = { REDIS_URL: isCluster ? cluster.url : alone.url };
  const lingers = async (args: readonly string[]): Promise<number> => {
    let ended = 0;
    const during = (child: ChildProcess) =>
      void child.once("exit", () => {
        ended = Date.now();
      });
    const { status, stderr } = await run(entry, { args, cwd: workspace, env, during });
    expect(status, stderr).toBe(0);
    const files = readdirSync(records, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    expect(files.map((file) => file.name)).toContain(`${args[0]}.json`);
    return ended - Math.max(...files.map((file) => statSync(join(file.parentPath, file.name)).mtimeMs));
  };
  try {
    let shortest = Number.POSITIVE_INFINITY;
    const args = ["cleanup", "--scope", "expired", "--execute", "--config", "env-actions.yml"];
    for (let attempt = 0; attempt < attempts && shortest >= longestEndMs; attempt++)
      shortest = Math.min(shortest, await lingers(args));
    expect(shortest).toBeLessThan(longestEndMs);
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
});
