import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { startRedis } from "../local/redis.ts";
import { load, prefer, watchHost } from "./machine.ts";

/**
 * Measures a sweep of Redis: `node bench/redis.ts`, after `npm run build`. Whole processes, in turns on equal data: `dist/index.js
 * cleanup --scope expired --execute`, and redis-loop.mjs beside this file, a bare loop of SCAN COUNT 1000 and UNLINK that looks once
 * and proves nothing. 1,000,000 keys, of which 20 % or 1 % are test keys under five patterns. Meanwhile a bystander reads, or reads
 * and writes, at a steady rate: if others write, a sweep must look a second time. It and the server have priority on the CPUs,
 * because in a workspace the server has its own machine. Then sweeps with 5 and with 500 namespaces are compared.
 *
 * Times are wall-clock, so they need a quiet machine; CPU time is that of the process and the server together. A round during which
 * the host takes CPU time away doesn't count. ROUNDS sets the rounds (default 5), KEYS the number of keys. Exit status 1 when over a
 * bound, 2 when too few rounds were undisturbed.
 */

const patterns = ["cw:test:", "test:session:", "integration_test_", "e2e_test_", "perf_test_"];
const keys = Number(process.env.KEYS ?? 1_000_000);
const rounds = Number(process.env.ROUNDS ?? 5);
/** The largest share of CPU time that the host may take in a valid round, and how many rounds to try for each valid one. */
const mostStolen = 0.02;
const attempts = 6;
const bounds = { ratio: { 20: 1.3, 1: 1.6 }, namespaces: 1.2, bystanderP99: 5, memoryMegabytes: 16, lingersMs: 100 };
const bystanderPauseMs = 4;
const entry = process.env.DIST ?? join(import.meta.dirname, "..", "dist", "index.js");
const loop = join(import.meta.dirname, "redis-loop.mjs");

/** What a whole process took. */
interface Took {
  milliseconds: number;
  /** Of the process and the server. */
  cpuMs: number;
  megabytes: number;
  /** From the last file that it wrote to its end. */
  lingersMs: number;
}

interface Round extends Took {
  latencies: number[];
  stolen: number;
}

type Namespaces = readonly string[];
const few: Namespaces = patterns.slice(0, 2).map((pattern) => `${pattern}*`);

function configuration(namespaces: Namespaces): string {
  return `version: 1
environments:
  sandbox: { access: test-data, redis: { url: "\${REDIS_URL}", expect: { host: 127.0.0.1 } } }
testData:
  prefixes: ${JSON.stringify(patterns.slice(2))}
  keys: ${JSON.stringify(namespaces)}
  maxKeys: ${keys}
`;
}

const sweeping = ["cleanup", "--scope", "expired", "--execute", "--config", "env-actions.yml"];
/** Runs before the program, and writes what the process took when it ends. */
const meter = `import { writeFileSync } from "node:fs"; process.on("exit", () => { const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage(); writeFileSync(process.env.METER, JSON.stringify({ cpuMs: (userCPUTime + systemCPUTime) / 1_000, megabytes: maxRSS / 1_024 })); });`;

/** Runs a whole process. @throws Error if it fails */
async function took(args: readonly string[], url: string, admin: Redis, namespaces: Namespaces): Promise<Took> {
  const folder = mkdtempSync(join(tmpdir(), "env-actions-bench-"));
  const metered = join(folder, "meter.json");
  try {
    writeFileSync(join(folder, "env-actions.yml"), configuration(namespaces));
    const serverBefore = await serverCpuMs(admin);
    const started = performance.now();
    const flags = ["--import", `data:text/javascript,${encodeURIComponent(meter)}`];
    const { PATH = "", HOME = "" } = process.env;
    const child = spawn(process.execPath, [...flags, ...args], {
      cwd: folder,
      env: { PATH, HOME, REDIS_URL: url, METER: metered },
      stdio: ["ignore", "ignore", "inherit"],
    });
    const [status] = await once(child, "exit");
    const [milliseconds, ended] = [performance.now() - started, Date.now()];
    if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}`);
    const { cpuMs, megabytes } = JSON.parse(readFileSync(metered, "utf8")) as Pick<Took, "cpuMs" | "megabytes">;
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    const written = files.filter(({ name }) => name !== "meter.json").map((file) => join(file.parentPath, file.name));
    const lingersMs = ended - Math.max(...written.map((file) => statSync(file).mtimeMs));
    return { milliseconds, cpuMs: cpuMs + (await serverCpuMs(admin)) - serverBefore, megabytes, lingersMs };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function serverCpuMs(admin: Redis): Promise<number> {
  const about = await admin.info("cpu");
  const seconds = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(about)?.[1] ?? 0);
  return (seconds("used_cpu_user") + seconds("used_cpu_sys")) * 1_000;
}

/**
 * Reads, and writes every other time if asked to, each on schedule however long the previous one took.
 * @returns the time of each, in milliseconds
 */
async function bystander(url: string, writes: boolean): Promise<number[]> {
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
  process.send?.("connected");
  const stopped = once(process, "message");
  let running = true;
  stopped.then(() => {
    running = false;
  });
  for (let turn = 0; running; turn++) {
    ask(writes && turn % 2 === 0 ? "SET bystander 1" : "STRLEN bystander");
    await delay(bystanderPauseMs);
  }
  socket.destroy();
  return latencies.slice(1);
}

/** Starts a bystander in its own process, and waits for its connection. @returns a function that ends it and has its latencies */
async function watched(url: string, writes: boolean): Promise<() => Promise<number[]>> {
  const child = fork(import.meta.filename, ["bystander", url, String(writes)], { serialization: "advanced" });
  await once(child, "message");
  const result = once(child, "message").then(([message]) => message as number[]);
  return async () => {
    child.send("end");
    return await result;
  };
}

async function seed(admin: Redis, percent: number, total = keys): Promise<number> {
  const production = Math.round(total * (1 - percent / 100));
  const each = Math.round((total - production) / patterns.length);
  await admin.flushall();
  await admin.set("bystander", "1");
  if (production > 0) await admin.call("DEBUG", "POPULATE", String(production), "cw:production:session", "16");
  // The last part of a name is its number; the time before it makes the key expired.
  for (const pattern of patterns) await admin.call("DEBUG", "POPULATE", String(each), `${pattern}1700000000000:key`, "16");
  // A start and FLUSHALL count as a save, after which the server's count of changes is certain from the next second on.
  await delay(1_100);
  return production + 1;
}

const contestants = { ours: [entry, ...sweeping], bare: [loop] } as const;
type Contestant = keyof typeof contestants;

async function round(name: Contestant, percent: number, writes: boolean, admin: Redis, url: string): Promise<Round> {
  const left = await seed(admin, percent);
  const end = await watched(url, writes);
  await delay(300);
  const taken = watchHost();
  const args = name === "bare" ? [loop, url, ...patterns] : contestants.ours;
  const result = await took(args, url, admin, few);
  const stolen = taken();
  const latencies = await end();
  const now = await admin.dbsize();
  if (now !== left) throw new Error(`${name}: ${now - left} keys too many are left`);
  return { ...result, stolen, latencies };
}

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN;
}

function median(all: readonly Took[], of: keyof Took): number {
  return quantile(
    all.map((one) => one[of]),
    0.5,
  );
}

function row(name: string, all: readonly Round[]): string {
  const latencies = all.flatMap((one) => one.latencies);
  const shown = [
    ...(["milliseconds", "cpuMs", "megabytes"] as const).map((of) => median(all, of).toFixed(0)),
    ...[quantile(latencies, 0.5), quantile(latencies, 0.99), Math.max(...latencies)].map((figure) => figure.toFixed(2)),
  ];
  return `${name.padEnd(44)}${shown.map((figure) => figure.padStart(9)).join("")}`;
}

/** Compares both, in turns. @returns bounds that were missed; `undefined` if too few rounds count */
async function compare(percent: 20 | 1, writes: boolean, admin: Redis, url: string): Promise<string[] | undefined> {
  const all: Record<Contestant, Round[]> = { ours: [], bare: [] };
  const names = Object.keys(contestants) as Contestant[];
  for (let turn = 0; turn < rounds * attempts; turn++)
    for (const name of turn % 2 === 0 ? names : names.toReversed()) {
      if (all[name].length === rounds) continue;
      const one = await round(name, percent, writes, admin, url);
      if (one.stolen <= mostStolen) all[name].push(one);
    }
  if (names.some((name) => all[name].length < rounds)) return undefined;
  const [time, cpu] = (["milliseconds", "cpuMs"] as const).map((of) => median(all.ours, of) / median(all.bare, of));
  const p99 = quantile(
    all.ours.flatMap(({ latencies }) => latencies),
    0.99,
  );
  const lingers = median(all.ours, "lingersMs");
  const title = `${percent} % test keys, ${writes ? "other writers" : "no other writer"}`;
  console.log(`${row(`${title}: ours`, all.ours)}
${row(`${" ".repeat(title.length)}  bare loop`, all.bare)}
  ratio ${time?.toFixed(2)} (bound ${bounds.ratio[percent]}), CPU time ${cpu?.toFixed(2)}; ends ${lingers.toFixed(0)} ms after its last file (bound ${bounds.lingersMs})`);
  return [
    ...((time ?? 0) > bounds.ratio[percent] ? [`${title}: ratio`] : []),
    ...(p99 >= bounds.bystanderP99 ? [`${title}: bystander's p99`] : []),
    ...(lingers > bounds.lingersMs ? [`${title}: end`] : []),
  ];
}

/** Namespaces with one first letter; none of the keys is in the added ones. */
function namespacesOf(count: number): Namespaces {
  return [...few, ...Array.from({ length: count - few.length }, (_, index) => `cw:team-${index}:test:*`)];
}

async function compareNamespaces(admin: Redis, url: string): Promise<string[]> {
  const all: Record<5 | 500, Took[]> = { 5: [], 500: [] };
  for (let turn = 0; turn < rounds; turn++)
    for (const count of turn % 2 === 0 ? ([5, 500] as const) : ([500, 5] as const)) {
      await seed(admin, 1);
      all[count].push(await took(contestants.ours, url, admin, namespacesOf(count)));
    }
  const ratio = median(all[500], "cpuMs") / median(all[5], "cpuMs");
  console.log(
    `500 namespaces with one first letter: ${median(all[500], "cpuMs").toFixed(0)} ms of CPU time, 5: ${median(all[5], "cpuMs").toFixed(0)} ms; ratio ${ratio.toFixed(2)} (bound ${bounds.namespaces})`,
  );
  return ratio > bounds.namespaces ? ["namespaces"] : [];
}

/** Memory grows with the test keys, not with the keyspace. */
async function compareMemory(admin: Redis, url: string): Promise<string[]> {
  await seed(admin, 20);
  const large = await took(contestants.ours, url, admin, few);
  await seed(admin, 100, keys / 5);
  const small = await took(contestants.ours, url, admin, few);
  console.log(
    `memory: ${large.megabytes.toFixed(0)} MB with ${keys / 5} test keys of ${keys}, ${small.megabytes.toFixed(0)} MB of ${keys / 5} (bound: ${bounds.memoryMegabytes} MB more)`,
  );
  return large.megabytes - small.megabytes > bounds.memoryMegabytes ? ["memory"] : [];
}

async function main(): Promise<void> {
  const server = await startRedis({ config: ["enable-debug-command yes", "maxmemory 0"] });
  const admin = new Redis(server.url);
  try {
    const about = await admin.info("server");
    const version = /redis_version:(\S+)/.exec(about)?.[1];
    if (!prefer(Number(/process_id:(\d+)/.exec(about)?.[1])))
      console.log("no real-time priority to be had here: latencies hold this machine's own delays");
    const end = await watched(server.url, true);
    await delay(2_000);
    const quiet = await end();
    console.log(`Redis ${version}, node ${process.version}; ${keys} keys, medians of ${rounds} rounds in turns; load ${load()}
${" ".repeat(71)}a bystander's latency, ms
${"whole processes".padEnd(44)}${["ms", "CPU ms", "MB", "p50", "p99", "max"].map((name) => name.padStart(9)).join("")}
${"no sweep".padEnd(71)}${[quantile(quiet, 0.5), quantile(quiet, 0.99), Math.max(...quiet)].map((figure) => figure.toFixed(2).padStart(9)).join("")}`);
    const missed: string[] = [];
    for (const percent of [20, 1] as const)
      for (const writes of [false, true]) {
        const found = await compare(percent, writes, admin, server.url);
        if (found === undefined) {
          console.error(`too few rounds without the host taking over ${mostStolen * 100} % of the processors' time`);
          process.exitCode = 2;
          return;
        }
        missed.push(...found);
      }
    missed.push(...(await compareNamespaces(admin, server.url)), ...(await compareMemory(admin, server.url)));
    console.log(`load ${load()}; ${missed.length === 0 ? "all within bounds" : `over the bound: ${missed.join(", ")}`}`);
    process.exitCode = missed.length === 0 ? 0 : 1;
  } finally {
    admin.disconnect();
    await server.stop();
  }
}

const [role, url, writes] = process.argv.slice(2);
if (role === "bystander" && url && process.send) {
  process.send(await bystander(url, writes === "true"));
  process.disconnect();
} else await main();
