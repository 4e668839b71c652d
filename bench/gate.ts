import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { parseDocument } from "yaml";
import { startClassroomWorld } from "../examples/classroom/world.ts";
import { readTools } from "../scripts/tools.ts";
import type { StageReport } from "../src/index.ts";
import { load, watchHost } from "./machine.ts";
import { median, report } from "./result.ts";

/**
 * Measures what the suite itself takes in the gate that `npm start` runs: `node bench/gate.ts`, after `npm run build`. The whole process
 * from its start to its end, less the time in which the project's own processes are started or run: its servers until they are ready,
 * and its test commands. Samples are taken at the largest rate, because waiting for the next one is what the configuration asks for.
 * ROUNDS sets the rounds (default 5). Exit status 1 when over the bound.
 */

const rounds = Number(process.env.ROUNDS ?? 5);
/** The first round fills caches of the disk and of the project's tools. */
const warmUps = 1;
const mostOwnMs = 4_000;
const runDeadlineMs = 120_000;
const root = join(import.meta.dirname, "..");
const example = join(root, "examples", "classroom");
/** Requests per second: the largest that the configuration allows. */
const unpaced = 1_000;

interface Round {
  wholeMs: number;
  /** By stage, in the order in which they ran. */
  stages: { stage: string; ms: number; projectMs: number }[];
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "bench-gate-"));
  const tools = readTools(root);
  const world = await startClassroomWorld({ redisServer: tools.redisServer });
  try {
    const config = join(folder, "env-actions.yml");
    writeFileSync(config, withoutPauses(readFileSync(join(example, ".github", "env-actions.yml"), "utf8")));
    const env = { ...world.env, CHROME_PATH: tools.chrome };
    const stolen = watchHost();
    const taken: Round[] = [];
    for (let round = 0; round < warmUps + rounds; round++) {
      const one = await gate(config, env);
      if (round >= warmUps) taken.push(one);
    }
    say(taken, stolen());
  } finally {
    await world.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function withoutPauses(source: string): string {
  const document = parseDocument(source);
  for (const stage of ["preflight", "smoke"]) document.setIn(["stages", stage, "requestsPerSecond"], unpaced);
  return document.toString();
}

/** @throws Error if the gate doesn't pass, because then something else was measured */
async function gate(config: string, worldEnv: Record<string, string>): Promise<Round> {
  const { GITHUB_ACTIONS: _runner, ENV_ACTIONS_RUN_ID: _run, NODE_EXTRA_CA_CERTS: _authority, ...inherited } = process.env;
  const path = [join(root, "node_modules", ".bin"), inherited.PATH ?? ""].join(delimiter);
  const direct = "localhost,127.0.0.1,::1";
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [
      join(root, "dist", "index.js"),
      "gate",
      "--config",
      config,
      "--environment",
      "local",
      "--production",
      "production",
      "--json",
    ],
    {
      cwd: example,
      env: { ...inherited, ...worldEnv, PATH: path, NO_PROXY: direct, no_proxy: direct },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: runDeadlineMs,
    },
  );
  const ended = once(child, "exit").then(([status, signal]) => ({ status: status ?? signal, at: performance.now() }));
  const [out, errors, { status, at }] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (status !== 0) throw new Error(`the gate ended with ${status}:\n${errors}`);
  const reports = JSON.parse(out) as StageReport[];
  return {
    wholeMs: at - started,
    stages: reports.map((one) => ({ stage: one.stage, ms: one.durationMs, projectMs: projectMsOf(one) })),
  };
}

/** Servers start one after the other, and commands run after them. */
function projectMsOf({ servers = [], commands = [] }: StageReport): number {
  const sum = (values: readonly (number | undefined)[]) => values.reduce<number>((all, one) => all + (one ?? 0), 0);
  return sum(servers.map(({ readyMs }) => readyMs)) + sum(commands.map(({ durationMs }) => durationMs));
}

function ownOf({ wholeMs, stages }: Round): number {
  return wholeMs - stages.reduce((sum, { projectMs }) => sum + projectMs, 0);
}

function say(taken: readonly Round[], stolen: number): void {
  const names = taken[0]?.stages.map(({ stage }) => stage) ?? [];
  const of = (value: (round: Round) => number) => median(taken.map(value));
  const own = of(ownOf);
  console.log(`node ${process.version}, load ${load()}, ${(100 * stolen).toFixed(0)} % taken by the host, medians of ${rounds}

                 stage   of it the project's   the suite's, ms`);
  for (const [at, name] of names.entries()) {
    const [ms, project] = [of(({ stages }) => stages[at]?.ms ?? 0), of(({ stages }) => stages[at]?.projectMs ?? 0)];
    const cells = [ms.toFixed(0).padStart(7), project.toFixed(0).padStart(22), (ms - project).toFixed(0).padStart(18)];
    console.log(`${name.padEnd(15)}${cells.join("")}`);
  }
  console.log(
    `whole process  ${of(({ wholeMs }) => wholeMs)
      .toFixed(0)
      .padStart(7)}`,
  );
  console.log(`of it the suite's: ${own.toFixed(0)} ms (at most ${mostOwnMs})`);
  const row = {
    name: "the suite's own time in npm start",
    unit: "ms",
    points: [{ value: own }],
    bounds: { value: mostOwnMs },
  } as const;
  if (!report(row)) process.exitCode = 1;
}

await main();
