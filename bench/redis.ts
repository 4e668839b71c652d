import { fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { startRedis } from "../local/redis.ts";
import { openRedisForTestData, planKeys } from "../src/index.ts";
import { load, prefer, watchHost } from "./machine.ts";

/**
 * Measures a sweep of Redis: `node bench/redis.ts`. 1,000,000 keys, of which 200,000 are test keys under five patterns. Ours
 * scans once, deletes, and scans again. It is compared with ioredis' scanStream with COUNT 1000, one pass per pattern, without a
 * second scan: with a pipeline of UNLINKs per batch, as in its documentation, and – without a bound – with one UNLINK per batch.
 * They run in turns on equal data, each in its own process. Meanwhile a bystander reads and writes at a steady rate. It and the
 * server have priority on the CPUs, because in a workspace the server has its own machine. A round during which the host takes
 * CPU time away is counted and repeated. Exit status 1 when over a bound, 2 when too few rounds were undisturbed.
 */

const patterns = ["cw:test:", "test:session:", "integration_test_", "e2e_test_", "perf_test_"];
const keysPerPattern = 40_000;
const testKeys = patterns.length * keysPerPattern;
const productionKeys = 800_000;
const rounds = 5;
/** The largest share of CPU time that the host may take in a valid round, and how many rounds to try for each valid one. */
const mostStolen = 0.02;
const attempts = 6;
const bounds = { ratio: 1.5, bystanderP99: 5, memoryMegabytes: 16 };
const bystanderPauseMs = 4;

interface Sweep {
  milliseconds: number;
  deleted: number;
  left: number;
  /** The largest growth of the process. */
  megabytes: number;
}

async function ours(url: string): Promise<Sweep> {
  const redis = await openRedisForTestData(url, new AbortController().signal);
  const request = {
    scope: "all" as const,
    prefixes: patterns.slice(2),
    namespaces: patterns.slice(0, 2).map((pattern) => `${pattern}*`),
    ids: new Set<string>(),
    ledger: new Set<string>(),
    protectedKeys: ["audit:log"],
    olderThan: Date.now(),
    now: Date.now(),
    maxKeys: testKeys,
    ttlLimit: 1_800_000,
  };
  return await measured(async () => {
    const { keys } = await planKeys(redis, request);
    const deleted = await redis.unlink([...keys]);
    const again = await planKeys(redis, request);
    await redis.close();
    return { deleted: deleted ?? Number.NaN, left: again.keys.size };
  });
}

type Unlink = (redis: Redis, keys: string[]) => Promise<number>;

async function scanStream(url: string, unlink: Unlink): Promise<Sweep> {
  const redis = new Redis(url);
  await redis.ping();
  return await measured(async () => {
    let deleted = 0;
    for (const pattern of patterns) {
      const answers: Promise<number>[] = [];
      for await (const keys of redis.scanStream({ match: `${pattern}*`, count: 1_000 }))
        if (keys.length > 0) answers.push(unlink(redis, keys));
      for (const gone of await Promise.all(answers)) deleted += gone;
    }
    await redis.quit();
    return { deleted, left: 0 };
  });
}

async function pipelined(redis: Redis, keys: string[]): Promise<number> {
  const pipeline = redis.pipeline();
  for (const key of keys) pipeline.unlink(key);
  const answers = (await pipeline.exec()) ?? [];
  return answers.reduce((sum, [, gone]) => sum + Number(gone), 0);
}

async function measured(sweep: () => Promise<{ deleted: number; left: number }>): Promise<Sweep> {
  const before = process.resourceUsage().maxRSS;
  const started = performance.now();
  const result = await sweep();
  const milliseconds = performance.now() - started;
  return { ...result, milliseconds, megabytes: (process.resourceUsage().maxRSS - before) / 1_024 };
}

/** Alternates GET and SET, each on schedule however long the previous one took. @returns the time of each, in milliseconds */
async function bystander(url: string): Promise<number[]> {
  prefer(process.pid);
  const { hostname, port, password } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const latencies: number[] = [];
  const sent: number[] = [];
  const answer = () => {
    const at = sent.shift();
    if (at !== undefined) latencies.push(performance.now() - at);
  };
  socket.on("data", (piece: Buffer) => {
    for (const byte of piece) if (byte === 10) answer();
  });
  await once(socket, "connect");
  const ask = (command: string) => {
    sent.push(performance.now());
    socket.write(`${command}\r\n`);
  };
  ask(`AUTH ${password}`);
  const stopped = once(process, "message");
  let running = true;
  stopped.then(() => {
    running = false;
  });
  for (let turn = 0; running; turn++) {
    ask(turn % 2 === 0 ? "SET bystander 1" : "STRLEN bystander");
    await delay(bystanderPauseMs);
  }
  socket.destroy();
  return latencies.slice(1);
}

const sweeps = ["ours", "pipelined", "together"] as const;
type SweepName = (typeof sweeps)[number];

const roles: Record<SweepName | "bystander", (url: string) => Promise<unknown>> = {
  ours,
  pipelined: (url) => scanStream(url, pipelined),
  together: (url) => scanStream(url, (redis, keys) => redis.unlink(keys)),
  bystander,
};

/** Runs a role in its own process. @returns its result, and a function that tells it to end */
function inProcess<Result>(role: string, url: string): { result: Promise<Result>; end(): void } {
  const child = fork(import.meta.filename, [role, url], { serialization: "advanced" });
  const result = once(child, "message").then(([message]) => message as Result);
  return { result, end: () => child.send("end") };
}

async function seed(admin: Redis, production: number): Promise<void> {
  await admin.flushall();
  if (production > 0) await admin.call("DEBUG", "POPULATE", String(production), "cw:production:session", "16");
  // The last part of a name is its number.
  for (const pattern of patterns) await admin.call("DEBUG", "POPULATE", String(keysPerPattern), `${pattern}key`, "16");
}

interface Round extends Sweep {
  latencies: number[];
  stolen: number;
}

async function round(role: SweepName, admin: Redis, url: string): Promise<Round> {
  await seed(admin, productionKeys);
  const watching = inProcess<number[]>("bystander", url);
  await delay(200);
  const taken = watchHost();
  const sweep = await inProcess<Sweep>(role, url).result;
  const stolen = taken();
  watching.end();
  const left = (await admin.dbsize()) - productionKeys - 1;
  if (sweep.deleted !== testKeys || left !== 0 || sweep.left !== 0)
    throw new Error(`${role} deleted ${sweep.deleted} keys of ${testKeys}, and ${left} are left`);
  return { ...sweep, stolen, latencies: await watching.result };
}

async function undisturbed(url: string): Promise<number[]> {
  const watching = inProcess<number[]>("bystander", url);
  await delay(2_000);
  watching.end();
  return await watching.result;
}

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN;
}

function perSecond(round: Sweep): number {
  return (round.deleted / round.milliseconds) * 1_000;
}

function compared({ ours, pipelined }: Record<SweepName, Round[]>): { ratio: number; p99: number } {
  return {
    ratio: quantile(ours.map(perSecond), 0.5) / quantile(pipelined.map(perSecond), 0.5),
    p99: quantile(
      ours.flatMap(({ latencies }) => latencies),
      0.99,
    ),
  };
}

function row(name: string, all: readonly Round[]): string {
  const latencies = all.flatMap((round) => round.latencies);
  const figures = [
    Math.round(quantile(all.map(perSecond), 0.5)).toString(),
    Math.round(
      quantile(
        all.map((round) => round.milliseconds),
        0.5,
      ),
    ).toString(),
    quantile(latencies, 0.5).toFixed(2),
    quantile(latencies, 0.99).toFixed(2),
    Math.max(...latencies).toFixed(2),
  ];
  return `${name.padEnd(30)}${figures.map((figure) => figure.padStart(10)).join("")}`;
}

async function main(): Promise<void> {
  const server = await startRedis({ config: ["enable-debug-command yes", "maxmemory 0"] });
  const admin = new Redis(server.url);
  try {
    const about = await admin.info("server");
    const version = /redis_version:(\S+)/.exec(about)?.[1];
    if (!prefer(Number(/process_id:(\d+)/.exec(about)?.[1])))
      console.log("no real-time priority to be had here: latencies hold this machine's own delays");
    const before = load();
    const quiet = await undisturbed(server.url);
    const all: Record<SweepName, Round[]> = { ours: [], pipelined: [], together: [] };
    const disturbed: Record<SweepName, Round[]> = { ours: [], pipelined: [], together: [] };
    for (let turn = 0; turn < rounds * attempts; turn++)
      for (const role of turn % 2 === 0 ? sweeps : sweeps.toReversed()) {
        if (all[role].length === rounds) continue;
        const one = await round(role, admin, server.url);
        (one.stolen > mostStolen ? disturbed : all)[role].push(one);
      }
    const host = `${sweeps.reduce((sum, role) => sum + disturbed[role].length, 0)} more rounds do not count, in which the host took over ${mostStolen * 100} % of the processors' time`;
    if (sweeps.some((role) => all[role].length < rounds)) {
      console.error(`${host}: too few are left (${sweeps.map((role) => `${role} ${all[role].length}`).join(", ")} of ${rounds})`);
      process.exitCode = 2;
      return;
    }
    await seed(admin, 0);
    const small = await inProcess<Sweep>("ours", server.url).result;

    const { ratio, p99 } = compared(all);
    const whole = compared({
      ...all,
      ours: [...all.ours, ...disturbed.ours],
      pipelined: [...all.pipelined, ...disturbed.pipelined],
    });
    const large = quantile(
      all.ours.map(({ megabytes }) => megabytes),
      0.5,
    );
    console.log(`Redis ${version}, node ${process.version}; ${testKeys} test keys of ${testKeys + productionKeys}, ${rounds} rounds each, in turns; load ${before} before, ${load()} after
${host}
                                                       a bystander's latency, ms
medians                        deleted/s        ms       p50       p99       max
${row("ours, with a second look", all.ours)}
${row("ioredis, pipelined UNLINK", all.pipelined)}
${row("ioredis, an UNLINK a batch", all.together)}
nobody sweeps${" ".repeat(37)}${[quantile(quiet, 0.5), quantile(quiet, 0.99), Math.max(...quiet)].map((figure) => figure.toFixed(2).padStart(10)).join("")}
ratio ${ratio.toFixed(2)} (bound ${bounds.ratio}); bystander's p99 ${p99.toFixed(2)} ms (bound ${bounds.bystanderP99}); with the rounds that do not count: ${whole.ratio.toFixed(2)}, ${whole.p99.toFixed(2)} ms
memory: the process grows by ${large.toFixed(0)} MB with ${testKeys} test keys of ${testKeys + productionKeys}, by ${small.megabytes.toFixed(0)} MB of ${testKeys} (bound: ${bounds.memoryMegabytes} MB more)`);
    const missed = ratio < bounds.ratio || p99 >= bounds.bystanderP99 || large - small.megabytes > bounds.memoryMegabytes;
    process.exitCode = missed ? 1 : 0;
  } finally {
    admin.disconnect();
    await server.stop();
  }
}

const [role, url] = process.argv.slice(2);
const work = role !== undefined && role in roles ? roles[role as keyof typeof roles] : undefined;
if (work && url && process.send) {
  process.send(await work(url));
  process.disconnect();
} else await main();
