import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { commandOf, listeners } from "../lib/linux-proc.ts";

/** The answer is only for a message, which must not wait long. */
const askingMs = 3_000;

/**
 * Describes the process on a port, for a message: `pid 4711 (node server.js)`, or `another process` if the system doesn't say.
 * Never throws: the message is that the port is taken, and this is only a hint.
 */
export async function holderOf(port: number): Promise<string> {
  const holders = (await ask(port)).map(({ pid, command }) => `pid ${pid} (${command || "command unknown"})`);
  return holders.length > 0 ? holders.join(", ") : "another process";
}

export interface Holder {
  pid: number;
  /** Empty if unknown. */
  command: string;
}

async function ask(port: number): Promise<Holder[]> {
  if (process.platform === "linux") return listeners(port).map((pid) => ({ pid, command: commandOf(pid) }));
  if (process.platform === "darwin") return parseLsof(await outputOf("lsof", ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpc"]));
  if (process.platform !== "win32") return [];
  const pids = parseNetstat(await outputOf("netstat", ["-ano", "-p", "TCP"]), port);
  return Promise.all(
    pids.map(async (pid) => ({
      pid,
      command: parseTasklist(await outputOf("tasklist", ["/fi", `PID eq ${pid}`, "/fo", "csv", "/nh"])),
    })),
  );
}

/** Empty if the program is missing, finds nothing (lsof then exits with 1), or takes too long. */
async function outputOf(program: string, args: string[]): Promise<string> {
  const run = promisify(execFile)(program, args, { timeout: askingMs, windowsHide: true });
  return run.then(
    ({ stdout }) => stdout,
    () => "",
  );
}

/** `lsof -Fpc`: a line `p<pid>` starts each process, and `c<command>` belongs to it. */
export function parseLsof(output: string): Holder[] {
  const holders: Holder[] = [];
  for (const line of output.split("\n")) {
    const last = holders.at(-1);
    if (/^p\d+$/.test(line)) holders.push({ pid: Number(line.slice(1)), command: "" });
    else if (line.startsWith("c") && last) last.command = line.slice(1);
  }
  return holders;
}

/**
 * `netstat -ano`: `TCP 0.0.0.0:3000 0.0.0.0:0 LISTENING 4711`. The state is localised, so the empty remote address decides.
 */
export function parseNetstat(output: string, port: number): number[] {
  const pids = output.split("\n").flatMap((line) => {
    const [protocol, local, remote, , pid] = line.trim().split(/\s+/);
    const listens = protocol === "TCP" && local?.endsWith(`:${port}`) && remote?.endsWith(":0");
    return listens && pid ? [Number(pid)] : [];
  });
  return [...new Set(pids)];
}

/** `tasklist /fo csv /nh`: `"node.exe","4711","Console","1","40,000 K"`. */
export function parseTasklist(output: string): string {
  return /^"([^"]+)","\d+"/m.exec(output)?.[1] ?? "";
}
