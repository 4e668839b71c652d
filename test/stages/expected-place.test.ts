import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { sentinelsToAsk, WrongTarget } from "../../src/cleanup/execute/proof.ts";
import { terminal } from "../../src/cli/main.ts";
import { openRedisForTestData, openRedisReader } from "../../src/redis/connection.ts";
import { folderForAllTests } from "../harness/folder.ts";
import { listen } from "../harness/port.ts";
import { performIn } from "../harness/stage.ts";

/**
 * A host that is not the expected one gets nothing: no password, no token, not even a connection. The proof is a server that listens
 * where the configuration leads, and counts who comes.
 */

let stranger: Server;
let port: number;
let visits: number;
const workspace = folderForAllTests();

beforeAll(async () => {
  stranger = createServer((socket) => {
    visits++;
    socket.destroy();
  });
  port = await listen(stranger);
});
afterAll(async () => {
  await new Promise((resolve) => stranger.close(resolve));
});
beforeEach(() => {
  visits = 0;
});

const wrongWarehouse = { host: "$HOST", warehouse: "w", token: "${TOKEN}", expect: { host: "adb-1.azuredatabricks.net" } };
const wrongRedis = { url: "${REDIS_URL}", expect: { host: "redis.internal" } };

interface Configured {
  databricks?: object;
  redis?: object;
}

async function configure({ databricks, redis }: Configured, access = "test-data"): Promise<NodeJS.ProcessEnv> {
  const written = JSON.parse(JSON.stringify({ databricks, redis }).replaceAll("$HOST", `127.0.0.1:${port}`));
  const config = {
    version: 1,
    environments: {
      sandbox: {
        access,
        ...written,
        // Servers get the credentials, too.
        servers: { backend: { command: `node -e "fetch('http://127.0.0.1:${port}')"`, ready: { tcp: port } } },
      },
    },
    stages: { integration: { command: "node -e 1", reports: ["*.xml"] }, e2e: { command: "node -e 1", reports: ["*.xml"] } },
  };
  await writeFile(join(workspace.path, "c.yml"), JSON.stringify(config));
  return {
    PATH: process.env.PATH,
    TOKEN: "dapi0123456789abcdef0123456789abcdef",
    REDIS_URL: `redis://:not-for-strangers@127.0.0.1:${port}/2`,
    PLAIN_REDIS: `redis://127.0.0.1:${port}`,
    CLIENT_SECRET: "not-for-strangers",
    ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/id-token`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: "not-for-strangers",
  };
}

async function stage(name: "preflight" | "smoke" | "cleanup", configured: Configured, access = "test-data") {
  const env = await configure(configured, access);
  const { report } = await performIn(workspace.path, {
    stage: name,
    configFile: "c.yml",
    env,
    ...(name === "cleanup" ? { overrides: { scope: "expired", execute: true } } : {}),
  });
  return report;
}

const signIns: [string, object][] = [
  ["a token", wrongWarehouse],
  ["a client secret", { ...wrongWarehouse, token: undefined, clientId: "c", clientSecret: "${CLIENT_SECRET}" }],
  ["GitHub's id token", { ...wrongWarehouse, token: undefined, oidc: { clientId: "c" } }],
];

test.each([
  ...(["preflight", "smoke", "cleanup"] as const).flatMap((name) =>
    signIns.map(([what, databricks]) => [name, `${what} for a foreign workspace`, { databricks }] as const),
  ),
  ["preflight", "a password for a foreign Redis", { redis: wrongRedis }],
  ["smoke", "a password for a foreign Redis", { redis: wrongRedis }],
  ["cleanup", "a password for another database", { redis: { ...wrongRedis, expect: { host: "127.0.0.1", database: 0 } } }],
  [
    "cleanup",
    "a cluster of strangers",
    { redis: { url: "${PLAIN_REDIS}", cluster: ["127.0.0.1:2"], expect: { host: "redis.internal" } } },
  ],
] as const)("%s sends nothing to an unexpected host: %s", async (name, _, configured) => {
  const report = await stage(name, configured);
  expect(report.checks).toEqual([
    expect.objectContaining({
      id: "identity",
      verdict: "failed",
      message: expect.stringMatching(/: expected .*, got .* \(nothing was sent\)$/),
    }),
  ]);
  expect(report.verdict).toBe("failed");
  expect(visits).toBe(0);
});

test("a read-only environment is compared with what it expects, too", async () => {
  const report = await stage("smoke", { databricks: wrongWarehouse, redis: wrongRedis }, "read-only");
  expect(report.checks).toMatchObject([{ id: "identity", verdict: "failed" }]);
  expect(report.checks[0]?.message).toMatch(
    /Databricks host: expected .*\(nothing was sent\); Redis host: expected .*\(nothing was sent\)$/,
  );
  expect(visits).toBe(0);
});

/** A terminal, with what it printed. */
async function inTerminal(argv: string[], env: NodeJS.ProcessEnv): Promise<{ exit: number; said: string }> {
  let said = "";
  const stream = new PassThrough();
  stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const out = stream as unknown as NodeJS.WriteStream;
  return { exit: await terminal([...argv, "--config", "c.yml"], { cwd: workspace.path, env, stdout: out, stderr: out }), said };
}

test.each([[["tables"]], [["tables", "--check"]], [["plan"]], [["undo", "report.json"]], [["undo", "report.json", "--execute"]]])(
  "the command %j sends nothing to an unexpected host and exits with 1",
  async (argv) => {
    const env = await configure({ databricks: wrongWarehouse });
    const report = await stage("cleanup", { databricks: wrongWarehouse });
    const cleanup = { scope: "run", dryRun: false, digest: "0".repeat(64), tables: [], keys: { planned: 0, samples: [] } };
    const counts = { problems: [], notes: [], plannedRows: 0, deletedRows: 0, deletedKeys: 0, leftOver: 0 };
    await writeFile(join(workspace.path, "report.json"), JSON.stringify({ ...report, cleanup: { ...cleanup, ...counts } }));
    const { exit, said } = await inTerminal(argv, env);
    expect(said).toContain("expected adb-1.azuredatabricks.net, got");
    expect(said).not.toMatch(/\n {4}at /);
    expect(exit).toBe(1);
    expect(visits).toBe(0);
  },
);

/** Says that the master is here, whoever asks; and counts who comes. */
async function sentinel(master: number): Promise<{ node: string; asked: () => number; stop: () => void }> {
  let asked = 0;
  const server = createServer((socket) => {
    asked++;
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      const text = chunk.toString("latin1").toLowerCase();
      if (text.includes("get-master-addr-by-name"))
        socket.write(`*2\r\n$9\r\n127.0.0.1\r\n$${String(master).length}\r\n${master}\r\n`);
      else if (text.includes("hello")) socket.write("-ERR unknown command\r\n");
      else socket.write(text.includes("ping") ? "+PONG\r\n" : "+OK\r\n");
    });
  });
  const node = `127.0.0.1:${await listen(server)}`;
  return { node, asked: () => asked, stop: () => server.close() };
}

test("the master that sentinels name is compared before it gets the password", async () => {
  const lying = await sentinel(port);
  const report = await stage("cleanup", {
    redis: { url: "${REDIS_URL}", sentinel: { master: "m", nodes: [lying.node] }, expect: { host: "redis.internal" } },
  });
  expect(report.checks[0]?.message).toMatch(/Redis host: expected redis\.internal, got 127\.0\.0\.1.*\(nothing was sent to it\)/);
  expect(report.verdict).toBe("failed");
  expect(lying.asked()).toBeGreaterThan(0);
  expect(visits).toBe(0);
  lying.stop();
});

test("only expected sentinels are asked; without expected ones all are asked for the expected master", () => {
  const nodes = ["redis-1", "redis-2:26380", "[::1]:26379"];
  expect(sentinelsToAsk(nodes, "redis-1:26379")).toEqual(["redis-1"]);
  expect(sentinelsToAsk(nodes, "REDIS-2")).toEqual(["redis-2:26380"]);
  expect(sentinelsToAsk(nodes, "::1")).toEqual(["[::1]:26379"]);
  expect(sentinelsToAsk(nodes, "redis-2:26379")).toEqual(nodes);
  expect(sentinelsToAsk(nodes, undefined)).toEqual(nodes);
});

test.each([
  ["reading", openRedisReader],
  ["writing", openRedisForTestData],
] as const)("an unexpected cluster node is not asked in place of a node that is down (%s)", async (_, open) => {
  const mayConnect = (place: { port: number }) => {
    if (place.port === port) throw new WrongTarget("EA2001", "a stranger");
  };
  const settings = { url: "redis://:secret@127.0.0.1:1", cluster: [`127.0.0.1:${port}`], retryForMs: 50, mayConnect };
  await expect(open(settings, AbortSignal.timeout(5_000))).rejects.toThrow(/no node of the cluster answered/);
  expect(visits).toBe(0);
});
