import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { startClassroomWorld } from "../examples/classroom/world.ts";
import { portOf } from "./machine.ts";

/**
 * Records two equal backends that are asked in turns, as `env-actions compare --measure` does: `node bench/record-turns.ts >
 * test/fixtures/latency-turns.json`. Both are fresh processes in each session, because what differs between two processes of one program
 * is wanted.
 */

const routes = ["/api/v1/ready", "/api/v1/health", "/api/v1/auth/health"];
const sessions = 16;
const turns = 60;

type Turn = [a: number, b: number];

async function ask(url: string): Promise<number> {
  const started = performance.now();
  await (await fetch(url)).text();
  return Math.round((performance.now() - started) * 100) / 100;
}

async function inTurns([a, b]: readonly [string, string]): Promise<Turn[]> {
  // The first request of each warms up.
  await ask(a);
  await ask(b);
  const measured: Turn[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const [first, second] = turn % 2 === 0 ? [a, b] : [b, a];
    const [one, other] = [await ask(first), await ask(second)];
    measured.push(turn % 2 === 0 ? [one, other] : [other, one]);
  }
  return measured;
}

function backend(env: Record<string, string>): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, "..", "examples", "classroom", "backend", "main.ts")], {
    env: { ...process.env, ...env, PORT: "0", NODE_ENV: "test" },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

const world = await startClassroomWorld();
const recorded = new Map<string, Turn[][]>(routes.map((route) => [route, []]));
try {
  for (let session = 0; session < sessions; session++) {
    const pair = [backend(world.env), backend(world.env)];
    const [a = 0, b = 0] = await Promise.all(pair.map(portOf));
    for (const route of routes)
      recorded.get(route)?.push(await inTurns([`http://localhost:${a}${route}`, `http://localhost:${b}${route}`]));
    for (const one of pair) {
      const ended = once(one, "exit");
      one.kill("SIGKILL");
      await ended;
    }
  }
} finally {
  await world.stop();
}
const lines = [...recorded].map(
  ([route, found]) => `  ${JSON.stringify(route)}: [\n${found.map((one) => `    ${JSON.stringify(one)}`).join(",\n")}\n  ]`,
);
console.log(`{\n${lines.join(",\n")}\n}`);
