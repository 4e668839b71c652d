import { addressText, type RedisRoute, type RedisSettings, routeTo } from "./address.ts";
import { Cluster } from "./cluster.ts";
import { type Deletability, deletabilityOf } from "./deletability.ts";
import { RedisFailure } from "./failure.ts";
import { databasesHolding, type OtherDatabase } from "./other-databases.ts";
import { type CommandFlags, commandFlagsOf, rulesOf, rulesOfAll } from "./rules-of-user.ts";
import { ping } from "./scan-keys.ts";
import { SingleServer } from "./single.ts";
import type { RedisIdentity, Store } from "./store.ts";
import type { Wire } from "./wire.ts";

export {
  clusterNodeOf,
  type RedisSettings,
  type RedisTarget,
  redisTargetOf,
  type SentinelSettings,
  sentinelOf,
} from "./address.ts";
export type { Deletability } from "./deletability.ts";
export { RedisFailure } from "./failure.ts";
export { keyText, readableKey } from "./key.ts";
export type { CommandFlags } from "./rules-of-user.ts";
export type { RedisIdentity } from "./store.ts";

/** Milliseconds until the key goes by itself. */
export type KeyLife = number | "unlimited" | "gone";

/** INFO of one server, and which one it is. */
export interface NodeInfo {
  /** `host:port` */
  node: string;
  info: Record<string, string>;
}

export interface ScanOptions {
  /** Only keys that match this glob of Redis (as `latin1`) are told. */
  match?: string | undefined;
  /** Hears why a pass had to begin anew. */
  onInterruption?: (why: string) => void;
}

/**
 * The only client of a read-only environment: it has no way to write. Keys are handled as `latin1` text, one character a byte,
 * because a key need not be valid UTF-8, and a key that is decoded and encoded again may be another key.
 */
export interface RedisReader {
  readonly identity: RedisIdentity;
  /** Round trip in milliseconds; of a cluster the slowest master's. */
  ping(): Promise<number>;
  /** INFO of each node as key → value, all sections in one: what is wrong with one is not made good by the others. @throws RedisFailure */
  infoOfEach(): Promise<NodeInfo[]>;
  /** What the signed-in user may, such as `-@all +@read (-@all +set)`, selectors in brackets, of all nodes; `undefined` where asking is refused. */
  aclRules(): Promise<string | undefined>;
  /** Whether keys could be deleted here, by role and rights: nothing is written to find out. @throws RedisFailure */
  deletability(): Promise<Deletability>;
  /** What the server says of its own commands: `get`, `config|set` → flags such as `write`; `undefined` where asking is refused. */
  commandFlags(): Promise<CommandFlags | undefined>;
  /**
   * Every key, in batches, once over the keyspace; a key may come twice, as SCAN does. It ends when every key that was there from
   * beginning to end has been told, and else throws.
   * @throws RedisFailure
   */
  scan(options?: ScanOptions): AsyncIterable<string[]>;
  /** How long each of these keys lives, in their order. @throws RedisFailure */
  lives(keys: readonly string[]): Promise<KeyLife[]>;
  /** Which other databases of this server have some of these keys; empty also where that cannot be told. */
  elsewhere(keys: readonly string[]): Promise<OtherDatabase[]>;
  close(): Promise<void>;
}

export interface TestDataRedis extends RedisReader {
  /**
   * Deletes these keys and no other. What was interrupted is sent again, which deletes nothing else.
   * @returns how many of the keys existed and are gone; `undefined` where an answer was lost, so that it is unknown.
   * @throws RedisFailure
   */
  unlink(keys: readonly string[]): Promise<number | undefined>;
  /**
   * Limits the life of these keys to so many milliseconds; one that ends earlier stays as it is.
   * @returns how many were shortened; `undefined` where an answer was lost. @throws RedisFailure
   */
  shorten(keys: readonly string[], limitMs: number): Promise<number | undefined>;
}

/** @param settings a text is the address of one server. @throws RedisFailure, UserError */
export async function openRedisReader(settings: RedisSettings | string, signal: AbortSignal): Promise<RedisReader> {
  const way = await routeTo(typeof settings === "string" ? { url: settings } : settings);
  const store = way.cluster
    ? await Cluster.open(way, "reading", signal, undefined)
    : await SingleServer.open(way, "reading", signal, undefined);
  return reader(store, way, signal);
}

/**
 * Only for environments whose access is `test-data`.
 * @param admit is asked about every place before anything is written there, also wherever a failover leads; it throws where nothing may be.
 * @throws RedisFailure, UserError, and what `admit` throws
 */
export async function openRedisForTestData(
  settings: RedisSettings | string,
  signal: AbortSignal,
  admit?: (identity: RedisIdentity) => void,
): Promise<TestDataRedis> {
  const way = await routeTo(typeof settings === "string" ? { url: settings } : settings);
  const store = way.cluster
    ? await Cluster.open(way, "writing", signal, admit)
    : await SingleServer.open(way, "writing", signal, admit);
  return withIdentity(store, {
    ...reader(store, way, signal),
    unlink: async (keys) => (keys.length === 0 ? 0 : await store.unlink(keys)),
    shorten: (keys, limitMs) => shorten(store, keys, limitMs),
  });
}

function reader(store: Store, way: RedisRoute, signal: AbortSignal): RedisReader {
  const firstWire = async () => {
    const [wire] = await store.wires();
    if (!wire) throw new RedisFailure("unreachable", "the cluster has no server with keys");
    return wire;
  };
  return withIdentity(store, {
    identity: store.identity,
    async ping() {
      return Math.max(...(await Promise.all((await store.wires()).map(ping))));
    },
    infoOfEach: () => infoOfEach(store),
    async aclRules() {
      const wires = await store.wires();
      // Nodes of a cluster each have users of their own.
      return await unlessRefused(async () => rulesOfAll(await Promise.all(wires.map(rulesAt))));
    },
    deletability: async () => deletabilityOf(await store.wires()),
    async commandFlags() {
      const wire = await firstWire();
      return await unlessRefused(async () => commandFlagsOf(await wire.ask(["COMMAND"])));
    },
    scan: ({ match, onInterruption = () => undefined } = {}) => store.scan(match, onInterruption),
    lives: (keys) => lives(store, keys),
    elsewhere: (keys) => databasesHolding(store, way, keys, signal),
    close: () => store.close(),
  });
}

async function infoOfEach(store: Store): Promise<NodeInfo[]> {
  const infoOf = async (wire: Wire) => ({ node: addressText(wire.address), info: pairsOf(String(await wire.ask(["INFO"]))) });
  return await Promise.all((await store.wires()).map(infoOf));
}

async function rulesAt(wire: Wire): Promise<string | undefined> {
  const name = await wire.ask(["ACL", "WHOAMI"]);
  return rulesOf(await wire.ask(["ACL", "GETUSER", String(name)]));
}

/** A reader that may not see this is the normal case in production; the caller reports it as unknown. */
async function unlessRefused<Told>(ask: () => Promise<Told>): Promise<Told | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof RedisFailure && error.kind === "refused") return undefined;
    throw error;
  }
}

/** A failover changes it. */
function withIdentity<Client extends RedisReader>(store: Store, client: Client): Client {
  return Object.defineProperty(client, "identity", { get: () => store.identity, enumerable: true });
}

async function lives(store: Store, keys: readonly string[]): Promise<KeyLife[]> {
  const { replies } = await store.perKey("PTTL", keys);
  return replies.map((reply) => (reply === -1 ? "unlimited" : typeof reply === "number" && reply >= 0 ? reply : "gone"));
}

async function shorten(store: Store, keys: readonly string[], limitMs: number): Promise<number | undefined> {
  const milliseconds = String(Math.round(limitMs));
  try {
    return shortened(await store.perKey("PEXPIRE", keys, [milliseconds, "LT"]));
  } catch (error) {
    // LT came with Redis 7; before it, one has to look first.
    if (!(error instanceof RedisFailure) || !/ERR (wrong number of arguments|syntax|unsupported)/i.test(error.message))
      throw error;
    const found = await lives(store, keys);
    const longer = keys.filter((_, index) => {
      const life = found[index];
      return life === "unlimited" || (typeof life === "number" && life > limitMs);
    });
    return shortened(await store.perKey("PEXPIRE", longer, [milliseconds]));
  }
}

function shortened({ replies, lost }: { replies: readonly unknown[]; lost: boolean }): number | undefined {
  return lost ? undefined : replies.filter((reply) => reply === 1).length;
}

function pairsOf(info: string): Record<string, string> {
  const pairs = info.split("\r\n").flatMap((line) => {
    const colon = line.indexOf(":");
    return line.startsWith("#") || colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const];
  });
  return Object.fromEntries(pairs);
}

/** What is said of a cluster's memory is said of its fullest master: that one refuses writes first. Look-ups are added up. */
export function mergedInfo(nodes: readonly NodeInfo[]): Record<string, string> {
  const infos = nodes.map(({ info }) => info);
  const fullness = (info: Record<string, string>) => {
    const maximum = Number(info.maxmemory);
    return maximum > 0 ? Number(info.used_memory) / maximum : 0;
  };
  const [first = {}, ...others] = infos;
  if (others.length === 0) return first;
  const fullest = infos.reduce((a, b) => (fullness(b) > fullness(a) ? b : a), first);
  const sum = (name: string) => String(infos.reduce((total, info) => total + Number(info[name]), 0));
  return { ...fullest, keyspace_hits: sum("keyspace_hits"), keyspace_misses: sum("keyspace_misses") };
}
