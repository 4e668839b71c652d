import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { archiveSize, largestArchive, layOut } from "../scripts/lay-out.ts";

/**
 * Measures what every job pays before anything is done: `node bench/start.ts`. How long dist takes to report that its inputs are
 * missing, compared with an empty node process in turns; and the size of the download. Exit status 1 when over a bound.
 */

const largestRatio = 1.5;
const rounds = 21;
/** The first rounds read the files from disk for the later ones. */
const warmUps = 2;
const runDeadlineMs = 10_000;

const repository = join(import.meta.dirname, "..");
const entry = join(repository, "dist", "index.js");

function main(): void {
  if (!existsSync(entry)) throw new Error("dist/index.js is missing: run npm run build");
  const bare: number[] = [];
  const dist: number[] = [];
  for (let round = 0; round < rounds + warmUps; round++) {
    const nothing = timed(["-e", "0"], 0);
    const missing = timed([entry], 2);
    if (round < warmUps) continue;
    bare.push(nothing);
    dist.push(missing);
  }
  const ratio = median(dist) / median(bare);
  const archive = releaseArchive();
  console.log(`node ${process.version}, medians of ${rounds}, in turns, whole process

bare node                        ${median(bare).toFixed(1)} ms
dist/index.js, inputs missing    ${median(dist).toFixed(1)} ms
ratio                            ${ratio.toFixed(2)} (at most ${largestRatio})
release archive, tar.gz          ${Math.ceil(archive / 1000)} kB (at most ${largestArchive / 1000})`);
  process.exitCode = ratio > largestRatio || archive > largestArchive ? 1 : 0;
}

/**
 * @returns milliseconds of the whole process
 * @throws Error if it ends in an unexpected way, because then something else was measured
 */
function timed(args: string[], expectedStatus: number): number {
  const started = process.hrtime.bigint();
  const { status, signal, stderr } = spawnSync(process.execPath, args, {
    env: { PATH: process.env.PATH, GITHUB_ACTIONS: "true" },
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

main();
