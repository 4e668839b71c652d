import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startServer } from "../src/index.ts";
import { report } from "./result.ts";

/**
 * Measures the delay between the moment when a server listens, which it prints itself, and the moment when we notice: `node
 * bench/ready.ts`. Compared in turns with wait-on at an interval of 50 ms. Exit status 1 when over a bound. wait-on is installed
 * into a temporary folder; if that fails, this is reported and only ours is measured.
 */

const starts = 30;
/** The first starts load code for the later ones. */
const warmUps = 2;
const bounds = { p50: 25, p95: 50 };
const peer = { package: "wait-on@9.5.1", interval: 50 };
const startDeadlineMs = 15_000;
const installDeadlineMs = 120_000;

/** Milliseconds since 1970 with fractions, the same in every process of this machine. */
const now = "performance.timeOrigin + performance.now()";

/** Listens after a delay that isn't a multiple of any interval, so that polling is hit at every phase. */
function serverCode(port: number, afterMs: number): string {
  const listen = `require("http").createServer((q, r) => r.end("hello")).listen(${port}, () => console.log("listening", ${now}))`;
  return `setTimeout(() => ${listen}, ${afterMs})`;
}

/** @returns milliseconds from listening to detection */
type Detect = (port: number, afterMs: number) => Promise<number>;

async function ours(port: number, afterMs: number, folder: string): Promise<number> {
  const listening = Promise.withResolvers<number>();
  const server = await startServer(
    {
      name: "measured",
      command: `exec "${process.execPath}" -e '${serverCode(port, afterMs)}'`,
      cwd: folder,
      env: {},
      ready: { url: `http://localhost:${port}/`, timeoutMs: startDeadlineMs },
      logFile: join(folder, "server.log"),
    },
    {
      signal: AbortSignal.timeout(startDeadlineMs),
      onLine: (line) => listening.resolve(Number(line.replace("listening ", ""))),
    },
  );
  const known = performance.timeOrigin + performance.now();
  const since = await listening.promise;
  await server.stop();
  return known - since;
}

type WaitOn = (options: { resources: string[]; interval: number; timeout: number }) => Promise<void>;

async function withWaitOn(waitOn: WaitOn, port: number, afterMs: number): Promise<number> {
  const child = spawn(process.execPath, ["-e", serverCode(port, afterMs)], { stdio: ["ignore", "pipe", "inherit"] });
  const line = once(createInterface(child.stdout), "line");
  await waitOn({ resources: [`http-get://localhost:${port}/`], interval: peer.interval, timeout: startDeadlineMs });
  const known = performance.timeOrigin + performance.now();
  const [text] = await line;
  const ended = once(child, "exit");
  child.kill();
  await ended;
  return known - Number(String(text).replace("listening ", ""));
}

/** @returns why it isn't available */
function install(folder: string): WaitOn | string {
  try {
    execFileSync("npm", ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", peer.package], {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
      timeout: installDeadlineMs,
    });
    return createRequire(join(folder, "here.cjs"))("wait-on");
  } catch (error) {
    return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("no free port was given");
  return address.port;
}

/** In turns, so that other load on the machine affects all equally. */
async function measure(detectors: Record<string, Detect>): Promise<Record<string, number[]>> {
  const times: Record<string, number[]> = {};
  for (let start = 0; start < starts + warmUps; start++)
    for (const [name, detect] of Object.entries(detectors)) {
      const took = await detect(await freePort(), 100 + ((start * 37) % 101));
      if (!Number.isFinite(took)) throw new Error(`${name}: the server did not say when it listened`);
      if (start >= warmUps) times[name] = [...(times[name] ?? []), took];
    }
  return times;
}

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN;
}

function row(name: string, values: readonly number[]): string {
  const figures = [0.5, 0.95, 1].map((share) => quantile(values, share).toFixed(1).padStart(8));
  return `${name.padEnd(24)}${figures.join("")}`;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "ready-"));
  try {
    const waitOn = install(folder);
    if (typeof waitOn === "string") console.log(`${peer.package} cannot be had, so ours stands alone: ${waitOn}\n`);
    const before = loadavg()[0] ?? Number.NaN;
    const times = await measure({
      ours: (port, afterMs) => ours(port, afterMs, folder),
      ...(typeof waitOn === "string"
        ? {}
        : { [`wait-on, ${peer.interval} ms`]: (port, afterMs) => withWaitOn(waitOn, port, afterMs) }),
    });
    console.log(`node ${process.version}, ${starts} starts each, in turns; load ${before.toFixed(2)} before, ${loadavg()[0]?.toFixed(2)} after
from listening to known, ms     p50     p95     max
${Object.entries(times)
  .map(([name, values]) => row(name, values))
  .join("\n")}
bounds for ours                 ${bounds.p50}      ${bounds.p95}`);
    const { ours: own = [], ...others } = times;
    const [other] = Object.entries(others);
    const isRight = ([0.5, 0.95] as const).map((share) =>
      report({
        name: `from listening to known, p${100 * share}`,
        unit: "ms",
        bounds: { value: share === 0.5 ? bounds.p50 : bounds.p95 },
        ...(other ? { peer: other[0] } : {}),
        points: [{ value: quantile(own, share), ...(other ? { peer: quantile(other[1], share) } : {}) }],
      }),
    );
    process.exitCode = isRight.every(Boolean) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
