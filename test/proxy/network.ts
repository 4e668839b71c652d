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

/** In the namespace, the only way out: a port that leads to a socket file. */
const door = `
import { spawn } from "node:child_process";
import { connect, createServer } from "node:net";
const [socketFile, port, ...command] = process.argv.slice(1);
createServer((inside) => {
  const outside = connect(socketFile);
  inside.on("error", () => outside.destroy());
  outside.on("error", () => inside.destroy());
  inside.pipe(outside).pipe(inside);
}).listen(Number(port), "127.0.0.1", () => {
  spawn(command[0], command.slice(1), { stdio: "inherit" }).on("close", (status) => process.exit(status ?? 99));
});
`;

/** The port of the proxy in the namespace. */
export const proxyPort = 3128;

/**
 * Runs a program in a network namespace without any connection but one: 127.0.0.1:3128 leads to the proxy outside.
 * @param folder for the socket file
 */
export async function runWithoutNetwork(
  program: readonly string[],
  { folder, proxyAt, cwd, env }: { folder: string; proxyAt: number; cwd: string; env: Record<string, string> },
): Promise<Ended> {
  const socketFile = join(folder, `door-${Math.random().toString(36).slice(2)}.sock`);
  const server = createServer((inside) => {
    const outside = connect(proxyAt, "127.0.0.1");
    inside.on("error", () => outside.destroy());
    outside.on("error", () => inside.destroy());
    inside.pipe(outside).pipe(inside);
  });
  server.listen(socketFile);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const script = 'ip link set lo up && exec "$@"';
  const command = [
    process.execPath,
    "--input-type=module",
    "-e",
    door,
    "--",
    socketFile,
    String(proxyPort),
    process.execPath,
    ...program,
  ];
  return await run("-e", {
    args: [starter, JSON.stringify(["unshare", "-rn", "sh", "-c", script, "sh", ...command])],
    cwd,
    env,
  });
}

/** \`run\` starts Node, so Node starts the program. */
const starter = `
const [command, ...args] = JSON.parse(process.argv[1]);
require("node:child_process").spawn(command, args, { stdio: "inherit" }).on("close", (status) => process.exit(status ?? 99));
`;
