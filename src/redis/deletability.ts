import { addressText, type RedisRoute } from "./address.ts";
import { RedisFailure } from "./failure.ts";
import { mayDelete } from "./rules-of-user.ts";
import type { Store } from "./store.ts";
import { ErrorReply, type Reply, Wire } from "./wire.ts";

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
    return impossible(`user ${user?.name} may not delete keys on ${node}: grant it +unlink on the keys of tests (~*)`);
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
