import { addressText, type RedisRoute } from "./address.ts";
import type { Store } from "./connection.ts";
import { RedisFailure } from "./failure.ts";
import { ErrorReply, type Reply } from "./resp.ts";
import { Wire } from "./wire.ts";

/** Whether keys could be deleted here, determined only by reading. */
export interface Deletability {
  /** `undefined` if the server doesn't say. */
  possible: boolean | undefined;
  /** What was found, or what is wrong and how to fix it. */
  why: string;
}

/** With several servers, each must accept deletions. @throws RedisFailure */
export async function deletabilityOf(wires: readonly Wire[]): Promise<Deletability> {
  const each = await Promise.all(wires.map(deletabilityAt));
  return (
    each.find(({ possible }) => possible === false) ??
    each.find(({ possible }) => possible === undefined) ??
    each[0] ?? { possible: undefined, why: "the cluster has no server with keys" }
  );
}

async function deletabilityAt(wire: Wire): Promise<Deletability> {
  const node = addressText(wire.address);
  const [info, unlink, user, ping] = await Promise.all([
    replyUnlessRefused(wire, ["INFO", "replication"]),
    replyUnlessRefused(wire, ["COMMAND", "INFO", "UNLINK"]),
    signedIn(wire),
    wire.send([["PING"]]),
  ]);
  if (ping.lost) throw ping.lost;
  const [pong] = ping.replies;
  const about = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(String(info ?? ""))?.[1];
  const role = about("role") ?? wire.greeting.role;
  if ((role === "slave" || role === "replica") && about("slave_read_only") !== "0") {
    const master = about("master_host");
    const where = master === undefined ? "" : `, ${master}:${about("master_port")}`;
    return impossible(`${node} is a read-only replica: set redis.url to the address of its master${where}`);
  }
  if (pong instanceof ErrorReply && pong.text.startsWith("MISCONF "))
    return impossible(`${node} accepts no writes because its last snapshot failed: check its disk space`);
  if (Array.isArray(unlink) && unlink.length === 1 && unlink[0] === null)
    return impossible(`${node} has no command UNLINK: use Redis 4 or later, and do not rename the command`);
  const allowed = user && mayDelete(user.rules);
  if (allowed === false)
    return impossible(
      `user ${user?.name} may not delete keys on ${node}: grant it +unlink on the patterns of test keys, such as ~cw:test:*`,
    );
  if (role === undefined || allowed === undefined) {
    const missing = [
      ...(role === undefined ? ["its role (+info)"] : []),
      ...(allowed === undefined ? ["this user's rules (+acl|whoami +acl|getuser)"] : []),
    ];
    return { possible: undefined, why: `${node} does not show ${missing.join(" and ")}` };
  }
  return { possible: true, why: `${role}, user ${user?.name} may UNLINK` };
}

function impossible(why: string): Deletability {
  return { possible: false, why };
}

async function signedIn(wire: Wire): Promise<{ name: string; rules: Reply } | undefined> {
  const name = await replyUnlessRefused(wire, ["ACL", "WHOAMI"]);
  const rules = typeof name === "string" ? await replyUnlessRefused(wire, ["ACL", "GETUSER", name]) : undefined;
  return typeof name === "string" && rules !== undefined ? { name, rules } : undefined;
}

/** A refused question counts as unanswered. */
async function replyUnlessRefused(wire: Wire, words: Parameters<Wire["ask"]>[0]): Promise<Reply | undefined> {
  try {
    return await wire.ask(words);
  } catch (error) {
    if (error instanceof RedisFailure && error.kind === "refused") return undefined;
    throw error;
  }
}

/** A database that has some of the requested keys. */
export interface OtherDatabase {
  database: number;
  keys: string[];
}

/** Hardly any server has more databases than this. */
const mostDatabases = 32;

/**
 * Which other databases of the same server have some of these keys (as `latin1`). Also empty if the server doesn't say: a cluster
 * has only one database, and a user may lack the right.
 */
export async function databasesHolding(
  store: Store,
  way: RedisRoute,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<OtherDatabase[]> {
  if (way.cluster || keys.length === 0) return [];
  const found: OtherDatabase[] = [];
  try {
    const [wire] = await store.wires();
    const info = String((await wire?.ask(["INFO", "keyspace"])) ?? "");
    const databases = [...info.matchAll(/^db(\d+):/gm)].map(([, number]) => Number(number));
    for (const database of databases.filter((one) => one !== store.identity.database).slice(0, mostDatabases)) {
      const { host, port } = store.identity;
      const other = await Wire.open({ host, port }, { ...way.signIn, database }, "reading", signal);
      try {
        const { replies } = await other.send(keys.map((key) => ["PTTL", key] as const));
        const there = keys.filter((_, index) => typeof replies[index] === "number" && replies[index] !== -2);
        if (there.length > 0) found.push({ database, keys: there });
      } finally {
        await other.close();
      }
    }
  } catch (error) {
    if (!(error instanceof RedisFailure)) throw error;
  }
  return found;
}

/** ACL GETUSER answers with a flat list of names and values; a selector is another such list. */
export function rulesOf(user: Reply): string | undefined {
  const commands = namedValue(user, "commands");
  if (typeof commands !== "string") return undefined;
  const selectors = namedValue(user, "selectors") ?? [];
  // If the selectors are not understood, the rules are unknown.
  if (!Array.isArray(selectors)) return undefined;
  const more = selectors.map((selector) => namedValue(selector, "commands"));
  return more.every((rules) => typeof rules === "string")
    ? [commands, ...more.map((rules) => `(${rules})`)].join(" ")
    : undefined;
}

/** The ACL categories of UNLINK, in every version that has it. */
const categoriesOfUnlink = ["@all", "@keyspace", "@write", "@fast"];

/** Whether a user may UNLINK keys, according to ACL GETUSER; `undefined` if the answer is not understood. */
export function mayDelete(user: Reply): boolean | undefined {
  const selectors = namedValue(user, "selectors") ?? [];
  if (!Array.isArray(selectors)) return undefined;
  const parts = [user, ...selectors].map((part) => ({ rules: namedValue(part, "commands"), keys: namedValue(part, "keys") }));
  if (parts.some(({ rules }) => typeof rules !== "string")) return undefined;
  return parts.some(({ rules, keys }) => grantsUnlink(String(rules)) && grantsWriting(keys));
}

/** From left to right, as Redis does. */
function grantsUnlink(rules: string): boolean {
  let granted = false;
  for (const rule of rules.toLowerCase().split(/\s+/)) {
    const name = rule === "allcommands" ? "@all" : rule === "nocommands" ? "@all" : rule.slice(1);
    if (name === "unlink" || categoriesOfUnlink.includes(name)) granted = rule.startsWith("+") || rule === "allcommands";
  }
  return granted;
}

/** Key patterns as in Redis 7, `~cw:* %R~session:*`, or as a list without prefixes in older versions. */
function grantsWriting(keys: Reply | undefined): boolean {
  if (Array.isArray(keys)) return keys.length > 0;
  if (typeof keys !== "string") return true;
  return keys.split(/\s+/).some((pattern) => pattern !== "" && !/^%R~/i.test(pattern));
}

/** Combines a user's rules on several servers: the rights on other servers become selectors. Unknown on one means unknown. */
export function rulesOfAll(servers: readonly (string | undefined)[]): string | undefined {
  const [first, ...others] = new Set(servers);
  if (servers.includes(undefined)) return undefined;
  const asSelectors = (rules = "") =>
    [`(${rules.replaceAll(/\([^)]*\)/g, " ").trim()})`, ...(rules.match(/\([^)]*\)/g) ?? [])].join(" ");
  return [first, ...others.map(asSelectors)].join(" ");
}

/** Commands and subcommands (`config|set`), in lower case → the server's flags for them. */
export type CommandFlags = ReadonlyMap<string, readonly string[]>;

/**
 * COMMAND answers with a list per command: the name is first, the flags third, and the subcommands, which are such lists too,
 * tenth.
 */
export function commandFlagsOf(commands: Reply): CommandFlags {
  const flags = new Map<string, readonly string[]>();
  for (const command of listOf(commands)) {
    const [name, , told, , , , , , , subcommands = null] = listOf(command);
    if (typeof name !== "string") continue;
    flags.set(name.toLowerCase(), listOf(told).map(String));
    for (const [subcommand, more] of commandFlagsOf(subcommands)) flags.set(subcommand, more);
  }
  return flags;
}

function listOf(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? reply : [];
}

function namedValue(list: Reply, name: string): Reply | undefined {
  if (!Array.isArray(list)) return undefined;
  const at = list.indexOf(name);
  return at < 0 ? undefined : list[at + 1];
}
