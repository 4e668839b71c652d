import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** What Linux reports in /proc about processes and ports. On other systems the answers are empty. */

/** The process ended while we read it, or it belongs to another user. */
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

/** The fields of `stat` from the state on. Undefined for a zombie too: it has ended and only waits to be reaped. */
function livingStat(pid: number): string[] | undefined {
  const stat = orUndefined(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  // The command is in parentheses and can itself contain spaces and parentheses.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields?.[0] === "Z" || fields?.[0] === "X" ? undefined : fields;
}

/** The process group; undefined when the process has ended. */
function processGroup(pid: number): number | undefined {
  const group = livingStat(pid)?.[2];
  return group === undefined ? undefined : Number(group);
}

/**
 * When the process started, in kernel ticks. Together with the pid this identifies it even if the pid is reused. Undefined when
 * it has ended.
 */
export function startOf(pid: number): string | undefined {
  return livingStat(pid)?.[19];
}

/** The boot and pid namespace that a pid belongs to. Elsewhere the same number is another process. */
export function pidNamespace(): string {
  const boot = orUndefined(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()) ?? "";
  return `${boot} ${orUndefined(() => readlinkSync("/proc/self/ns/pid")) ?? ""}`;
}

/**
 * Running processes of the group, if one is given, and any process whose environment matches `mark` (`NAME=value`, each followed
 * by NUL).
 */
export function runningProcesses(group: number | undefined, mark: RegExp): number[] {
  return pids().filter((pid) => {
    const itsGroup = processGroup(pid);
    if (itsGroup === undefined) return false;
    return itsGroup === group || mark.test(orUndefined(() => readFileSync(`/proc/${pid}/environ`, "latin1")) ?? "");
  });
}

/** IPv6 first: servers in most languages listen there, and serve IPv4 through it. */
const tables = ["/proc/net/tcp6", "/proc/net/tcp"];

/** Inodes and ports of the listening sockets in the table, on any address. */
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

/**
 * The process and its descendants, as far as each still has its parent. Only the process itself on kernels that don't list
 * children.
 */
export function descendants(pid: number): number[] {
  const children = orUndefined(() => readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1")) ?? "";
  return [pid, ...children.split(" ").filter(Boolean).map(Number).flatMap(descendants)];
}

/** Processes that listen on a TCP port, as far as we are allowed to see. */
export function listeners(port: number): number[] {
  const inodes = new Set(tables.flatMap((table) => [...listeningInodes(table, port)]));
  return inodes.size === 0 ? [] : holders(pids(), inodes);
}

/**
 * Whether one of the processes listens on the port. Reading a table takes the kernel milliseconds, so none is read without need.
 */
export function listensAmong(processes: readonly number[], port: number): boolean {
  return tables.some((table) => {
    const inodes = listeningInodes(table, port);
    return inodes.size > 0 && holders(processes, inodes).length > 0;
  });
}

/** The ports that the processes listen on, ascending. */
export function portsOf(processes: readonly number[]): number[] {
  const inodes = new Set(processes.flatMap(socketsOf));
  const own = tables.flatMap(listeningSockets).filter(({ inode }) => inodes.has(inode));
  return [...new Set(own.map(({ port }) => port))].sort((a, b) => a - b);
}

function holders(processes: readonly number[], inodes: ReadonlySet<string>): number[] {
  return processes.filter((pid) => socketsOf(pid).some((inode) => inodes.has(inode)));
}

/** Inodes of the process's open sockets. */
function socketsOf(pid: number): string[] {
  return (orUndefined(() => readdirSync(`/proc/${pid}/fd`)) ?? []).flatMap((fd) => {
    const target = orUndefined(() => readlinkSync(`/proc/${pid}/fd/${fd}`));
    return target?.startsWith("socket:[") ? [target.slice("socket:[".length, -1)] : [];
  });
}

/**
 * The command line for a message, shortened. Arguments can contain secrets, so only the program and its first argument are shown.
 */
export function commandOf(pid: number): string {
  const words = (orUndefined(() => readFileSync(`/proc/${pid}/cmdline`, "utf8")) ?? "").split("\0").filter((word) => word !== "");
  return words.slice(0, 2).join(" ").slice(0, 120);
}
