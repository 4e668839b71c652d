import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Ended, run } from "../harness/process.ts";

/** Why this machine cannot forbid direct connections; `undefined` if it can. */
export function whyNoNamespace(): string | undefined {
  if (process.platform !== "linux") return "network namespaces exist on Linux only";
  const { status, stderr, error } = spawnSync("unshare", ["-rn", "ip", "link", "set", "lo", "up"], { encoding: "utf8" });
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}

/** In the namespace, the only ways out: ports that lead to socket files. */
const doorkeeper = `
const { spawn } = require("node:child_process");
const { connect, createServer } = require("node:net");
const { doors, command, script } = JSON.parse(process.argv[1]);
if (script) end(spawn("unshare", ["-rn", "sh", "-c", script, "sh", process.execPath, "-e", process.env.DOORKEEPER, JSON.stringify({ doors, command })], { stdio: "inherit" }));
else {
  delete process.env.DOORKEEPER;
  let closed = doors.length;
  for (const { port, socketFile } of doors) createServer((inside) => {
    const outside = connect(socketFile);
    inside.on("error", () => outside.destroy());
    outside.on("error", () => inside.destroy());
    inside.pipe(outside).pipe(inside);
  }).listen(port, "127.0.0.1", () => {
    if (--closed === 0) end(spawn(command[0], command.slice(1), { stdio: "inherit" }));
  });
}
function end(child) {
  child.on("close", (status) => process.exit(status ?? 99));
}
`;

/** The port of the proxy in the namespace. */
export const proxyPort = 3128;

/**
 * Runs a program in a network namespace without any connection, but for these ports.
 * @param doors port in the namespace → port outside, both on 127.0.0.1
 * @param folder for the socket files, by which the connections leave the namespace
 */
export async function runWithoutNetwork(
  program: readonly string[],
  {
    doors,
    folder,
    cwd,
    env,
  }: { doors: Readonly<Record<number, number>>; folder: string; cwd: string; env: Record<string, string> },
): Promise<Ended> {
  const opened = await Promise.all(
    Object.entries(doors).map(async ([inside, outside]) => {
      const socketFile = join(folder, `door-${inside}-${Math.random().toString(36).slice(2)}.sock`);
      await openDoor(socketFile, outside);
      return { port: Number(inside), socketFile };
    }),
  );
  const order = { doors: opened, command: [process.execPath, ...program], script: 'ip link set lo up && exec "$@"' };
  return await run("-e", { args: [doorkeeper, JSON.stringify(order)], cwd, env: { ...env, DOORKEEPER: doorkeeper } });
}

async function openDoor(socketFile: string, port: number): Promise<void> {
  const server = createServer((inside) => {
    const outside = connect(port, "127.0.0.1");
    inside.on("error", () => outside.destroy());
    outside.on("error", () => inside.destroy());
    inside.pipe(outside).pipe(inside);
  });
  server.listen(socketFile);
  await once(server, "listening");
  onTestFinished(() => void server.close());
}
