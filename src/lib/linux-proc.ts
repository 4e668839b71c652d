import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** What Linux tells in /proc about processes and ports. Elsewhere there is nothing to read, and the answers are empty. */

/** A process that ended while we looked, or one that is not ours to look at. */
const notReadable = new Set(["ENOENT", "ESRCH", "EACCES", "EPERM"]);

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && "code" in error && notReadable.has(String(error.code))) return undefined;
    throw error;
  }
}

function pids(): number[] {
  return (orUndefined(() => readdirSync("/proc")) ?? []).filter((name) => /^\d+$/.test(name)).map(Number);
}

/** What `stat` tells from the state on. Undefined for a zombie too: it has ended, and waits for a parent that may never ask. */
function livingStat(pid: number): string[] | undefined {
  const stat = orUndefined(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  // The command stands in parentheses and may itself hold spaces and parentheses.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields?.[0] === "Z" || fields?.[0] === "X" ? undefined : fields;
}

/** Whether it still runs, and in which process group. */
function processGroup(pid: number): number | undefined {
  const group = livingStat(pid)?.[2];
  return group === undefined ? undefined : Number(group);
}

/** When it started, in the kernel's own ticks: with its number it is one process and no later one. Undefined when it has ended. */
export function startOf(pid: number): string | undefined {
  return livingStat(pid)?.[19];
}

/** The boot and the process namespace that a pid belongs to: elsewhere the same number is another process. */
export function pidNamespace(): string {
  const boot = orUndefined(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()) ?? "";
  return `${boot} ${orUndefined(() => readlinkSync("/proc/self/ns/pid")) ?? ""}`;
}

/** Living processes of the group, if one is named, and those anywhere whose environment (`NAME=value`, a NUL behind each) has `mark`. */
export function runningProcesses(group: number | undefined, mark: RegExp): number[] {
  return pids().filter((pid) => {
    const itsGroup = processGroup(pid);
    if (itsGroup === undefined) return false;
    return itsGroup === group || mark.test(orUndefined(() => readFileSync(`/proc/${pid}/environ`, "latin1")) ?? "");
  });
}

/** IPv6 first, because that is where servers of most languages listen, for IPv4 as well. */
const tables = ["/proc/net/tcp6", "/proc/net/tcp"];

/** Socket inodes that listen, on any address of the table, with their ports. */
function listeningSockets(table: string): { inode: string; port: number }[] {
  const listening = "0A";
  return (orUndefined(() => readFileSync(table, "latin1")) ?? "").split("\n").flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    return state === listening && local && inode ? [{ inode, port: Number.parseInt(local.slice(-4), 16) }] : [];
  });
}

function listeningInodes(table: string, port: number): Set<string> {
  const sockets = listeningSockets(table).filter((socket) => socket.port === port);
  return new Set(sockets.map(({ inode }) => inode));
}

/** The process and what it started, as far as each still has its parent; the process alone on kernels that do not tell. */
export function descendants(pid: number): number[] {
  const children = orUndefined(() => readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1")) ?? "";
  return [pid, ...children.split(" ").filter(Boolean).map(Number).flatMap(descendants)];
}

/** Which processes listen on a TCP port, as far as we may know. */
export function listeners(port: number): number[] {
  const inodes = new Set(tables.flatMap((table) => [...listeningInodes(table, port)]));
  return inodes.size === 0 ? [] : holders(pids(), inodes);
}

/** Whether one of the processes is seen to listen there. A table takes the kernel milliseconds, so none is read in vain. */
export function listensAmong(processes: readonly number[], port: number): boolean {
  return tables.some((table) => {
    const inodes = listeningInodes(table, port);
    return inodes.size > 0 && holders(processes, inodes).length > 0;
  });
}

/** The ports where the processes are seen to listen, ascending. */
export function portsOf(processes: readonly number[]): number[] {
  const inodes = new Set(processes.flatMap(socketsOf));
  const own = tables.flatMap(listeningSockets).filter(({ inode }) => inodes.has(inode));
  return [...new Set(own.map(({ port }) => port))].sort((a, b) => a - b);
}

function holders(processes: readonly number[], inodes: ReadonlySet<string>): number[] {
  return processes.filter((pid) => socketsOf(pid).some((inode) => inodes.has(inode)));
}

/** Inodes of its open sockets. */
function socketsOf(pid: number): string[] {
  return (orUndefined(() => readdirSync(`/proc/${pid}/fd`)) ?? []).flatMap((fd) => {
    const target = orUndefined(() => readlinkSync(`/proc/${pid}/fd/${fd}`));
    return target?.startsWith("socket:[") ? [target.slice("socket:[".length, -1)] : [];
  });
}

/** Its command line for a message, shortened. Arguments may hold secrets, so only the program and its first argument are shown. */
export function commandOf(pid: number): string {
  const words = (orUndefined(() => readFileSync(`/proc/${pid}/cmdline`, "utf8")) ?? "").split("\0").filter((word) => word !== "");
  return words.slice(0, 2).join(" ").slice(0, 120);
}
