import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { archiveSize, largestArchive, layOut } from "../scripts/lay-out.ts";
import { load, portOf, prefer } from "./machine.ts";

/**
 * Measures what every job pays before anything is done: `node bench/start.ts`. How long dist takes to report that its inputs are
 * missing, compared with an empty node process; how long a preflight of one HTTP API takes, compared with a node process that asks
 * the same server once; and the size of the download. All in turns, whole processes. Exit status 1 when over a bound.
 */

const bounds = { missing: 1.1, preflight: 2 };
const rounds = 21;
/** The first rounds read the files from disk for the later ones. */
const warmUps = 2;
const runDeadlineMs = 10_000;

const repository = join(import.meta.dirname, "..");
const entry = join(repository, "dist", "index.js");

/** In memory if possible: how long a busy disk takes for a sync says nothing about a start. */
const folderOf = () => mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "bench-start-"));

/** One request after the warm-up, without a pause between them. */
const configuration = (url: string) => `version: 1
environments:
  here:
    access: read-only
    api: { url: "${url}", samples: 1, endpoints: [{ path: /health }] }
stages:
  preflight: { requestsPerSecond: 1000 }
`;

const server = `require("node:http")
  .createServer((_, answer) => answer.writeHead(200, { "content-type": "application/json" }).end("{}"))
  .listen(0, "127.0.0.1", function () { console.log("listening on port " + this.address().port); });`;

async function main(): Promise<void> {
  if (!existsSync(entry)) throw new Error("dist/index.js is missing: run npm run build");
  const workspace = folderOf();
  const serving = spawn(process.execPath, ["-e", server], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    // Otherwise its waiting time is measured too, more of it where more requests are made.
    if (serving.pid) prefer(serving.pid);
    const url = `http://127.0.0.1:${await portOf(serving)}`;
    writeFileSync(join(workspace, "c.yml"), configuration(url));
    report(measured(workspace, url));
  } finally {
    serving.kill();
    rmSync(workspace, { recursive: true, force: true });
  }
}

type Kind = "bare" | "missing" | "fetch" | "preflight";

function measured(workspace: string, url: string): Record<Kind, number> {
  const runner = { GITHUB_WORKSPACE: workspace, GITHUB_SHA: "a".repeat(40), INPUT_STAGE: "preflight", INPUT_CONFIG: "c.yml" };
  const runs: Record<Kind, () => number> = {
    bare: () => timed(["-e", "0"], 0),
    missing: () => timed([entry], 2),
    fetch: () => timed(["-e", `await fetch("${url}/health")`], 0),
    preflight: () => timed([entry], 0, runner),
  };
  const taken: Record<Kind, number[]> = { bare: [], missing: [], fetch: [], preflight: [] };
  for (let round = 0; round < rounds + warmUps; round++)
    for (const kind of Object.keys(runs) as Kind[]) {
      const ms = runs[kind]();
      if (round >= warmUps) taken[kind].push(ms);
    }
  const { bare, missing, fetch, preflight } = taken;
  return { bare: median(bare), missing: median(missing), fetch: median(fetch), preflight: median(preflight) };
}

function report({ bare, missing, fetch, preflight }: Record<Kind, number>): void {
  const ratios = { missing: missing / bare, preflight: preflight / fetch };
  const archive = releaseArchive();
  console.log(`node ${process.version}, load ${load()}, medians of ${rounds}, in turns, whole processes

bare node                        ${bare.toFixed(1)} ms
dist/index.js, inputs missing    ${missing.toFixed(1)} ms
ratio                            ${ratios.missing.toFixed(2)} (at most ${bounds.missing})
node with one fetch              ${fetch.toFixed(1)} ms
preflight of one HTTP API        ${preflight.toFixed(1)} ms
ratio                            ${ratios.preflight.toFixed(2)} (at most ${bounds.preflight})
release archive, tar.gz          ${Math.ceil(archive / 1000)} kB (at most ${largestArchive / 1000})`);
  const slow = ratios.missing > bounds.missing || ratios.preflight > bounds.preflight;
  process.exitCode = slow || archive > largestArchive ? 1 : 0;
}

/**
 * @returns milliseconds of the whole process
 * @throws Error if it ends in an unexpected way, because then something else was measured
 */
function timed(args: string[], expectedStatus: number, env: Record<string, string> = {}): number {
  const started = process.hrtime.bigint();
  const { status, signal, stderr } = spawnSync(process.execPath, args, {
    env: { PATH: process.env.PATH, GITHUB_ACTIONS: "true", ...env },
    stdio: ["ignore", "ignore", "pipe"],
    timeout: runDeadlineMs,
  });
  const elapsed = Number(process.hrtime.bigint() - started) / 1e6;
  if (status === expectedStatus) return elapsed;
  throw new Error(`node ${args.join(" ")} ended with ${status ?? signal}, not ${expectedStatus}: ${stderr}`);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function releaseArchive(): number {
  const out = mkdtempSync(join(tmpdir(), "release-"));
  try {
    layOut({ from: repository, out });
    return archiveSize(out);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

await main();
