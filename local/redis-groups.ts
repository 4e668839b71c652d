import { randomBytes } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Redis } from "ioredis";
import { freePort, launch, onFreePort, startDeadlineMs } from "./redis.ts";

export interface RunningCluster {
  /** Of the first node; contains a password. */
  url: string;
  /** `127.0.0.1:port` of every master, in the order of their slots. */
  nodes: string[];
  stop(): Promise<void>;
}

const slotCount = 16_384;

/** Starts a real Redis Cluster of masters without replicas that serves all slots. @throws Error if it is not ready within 10 s */
export async function startRedisCluster({ masters = 3, config = [] as string[] } = {}): Promise<RunningCluster> {
  const password = randomBytes(12).toString("hex");
  const servers: { port: number; bus: number; stop(): Promise<void> }[] = [];
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  const clients: Redis[] = [];
  try {
    for (let index = 0; index < masters; index++)
      servers.push(
        await onFreePort(async (port) => {
          const bus = await freePort();
          const lines = [
            `port ${port}`,
            `cluster-port ${bus}`,
            "cluster-enabled yes",
            "cluster-config-file nodes.conf",
            "cluster-node-timeout 2000",
            'save ""',
            `requirepass ${password}`,
            `masterauth ${password}`,
            ...config,
          ];
          const directory = await ownDirectory();
          return { port, bus, stop: await launch(directory, port, lines, { password }) };
        }),
      );
    clients.push(...servers.map(({ port }) => new Redis({ port, password, enableReadyCheck: false })));
    const [first] = servers;
    for (const [index, client] of clients.entries()) {
      const [from, to] = [index, index + 1].map((part) => Math.floor((part * slotCount) / masters));
      await client.call("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
      await client.call("CLUSTER", "ADDSLOTSRANGE", String(from), String((to ?? 0) - 1));
      if (index > 0 && first) await client.call("CLUSTER", "MEET", "127.0.0.1", String(first.port), String(first.bus));
    }
    await eventually("the cluster has not come together", async () => {
      const states = await Promise.all(clients.map((client) => client.cluster("INFO")));
      return states.every(
        (state) => String(state).includes("cluster_state:ok") && String(state).includes(`cluster_size:${masters}\r`),
      );
    });
    const nodes = servers.map(({ port }) => `127.0.0.1:${port}`);
    return { url: `redis://:${password}@${nodes[0]}`, nodes, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    for (const client of clients) client.disconnect();
  }
}

export interface RunningSentinel {
  /** With the password of the servers; the host is ignored. */
  url: string;
  master: string;
  /** `127.0.0.1:port` */
  sentinel: string;
  sentinelPassword: string;
  /** Makes the replica the master, as the sentinel does when the master is gone. Resolves when done. */
  failOver(): Promise<void>;
  /** The port of the current master. */
  masterPort(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a real master, a replica, and a sentinel that knows both. @throws Error if they are not ready within 10 s */
export async function startRedisSentinel({ config = [] as string[] } = {}): Promise<RunningSentinel> {
  const password = randomBytes(12).toString("hex");
  const sentinelPassword = randomBytes(12).toString("hex");
  const master = "classroom";
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    await Promise.all(stops.map((each) => each()));
  };
  const start = async (lines: (port: number) => string[], secret: string, flags: string[] = []) =>
    await onFreePort(async (port) => {
      const directory = await ownDirectory();
      stops.push(
        await launch(directory, port, [`port ${port}`, `requirepass ${secret}`, ...lines(port)], { password: secret }, flags),
      );
      return port;
    });
  const server = ['save ""', "repl-diskless-sync-delay 0", `masterauth ${password}`, ...config];
  let asking: Redis | undefined;
  try {
    const first = await start(() => server, password);
    await start(() => [...server, `replicaof 127.0.0.1 ${first}`], password);
    const port = await start(
      () => [
        `sentinel monitor ${master} 127.0.0.1 ${first} 1`,
        `sentinel auth-pass ${master} ${password}`,
        `sentinel down-after-milliseconds ${master} 1000`,
        `sentinel failover-timeout ${master} 4000`,
      ],
      sentinelPassword,
      ["--sentinel"],
    );
    const client = new Redis({ port, password: sentinelPassword, enableReadyCheck: false });
    asking = client;
    const told = async () => (await client.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", master)) as string[];
    const state = async () => {
      const answer = (await client.call("SENTINEL", "MASTER", master)) as string[];
      return (name: string) => answer[answer.indexOf(name) + 1];
    };
    const settled = async () => {
      const replicas = String(await client.call("SENTINEL", "REPLICAS", master));
      return replicas.includes("master-link-status,ok") && (await state())("flags") === "master";
    };
    await eventually("the sentinel has not seen a replica in order", settled);
    return {
      url: `redis://:${password}@${master}`,
      master,
      sentinel: `127.0.0.1:${port}`,
      sentinelPassword,
      masterPort: async () => Number((await told())[1]),
      async failOver() {
        const before = String(await told());
        await client.call("SENTINEL", "FAILOVER", master);
        await eventually("the sentinel has not made the replica a master", async () => String(await told()) !== before);
      },
      async stop() {
        client.disconnect();
        await stop();
      },
    };
  } catch (error) {
    asking?.disconnect();
    await stop();
    throw error;
  }
}

function ownDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), "env-actions-redis-"));
}

/** @throws Error with this text if it isn't true within 10 s */
async function eventually(otherwise: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + startDeadlineMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`${otherwise} within ${startDeadlineMs / 1_000} s`);
    await wait(20);
  }
}
