import { addressText, type RedisRoute, type RedisSettings, routeTo } from "./address.ts";
import { type ChangeCount, changeCountOf } from "./changes.ts";
import { Cluster } from "./cluster.ts";
import {
  type CommandFlags,
  commandFlagsOf,
  type Deletability,
  databasesHolding,
  deletabilityOf,
  type OtherDatabase,
  rulesOf,
  rulesOfAll,
} from "./deletability.ts";
import { RedisFailure } from "./failure.ts";
import { type CommandWords, ErrorReply, type Reply } from "./resp.ts";
import { ping } from "./scan-keys.ts";
import { SingleServer } from "./single.ts";
import type { Wire } from "./wire.ts";

export {
  clusterNodeOf,
  type RedisSettings,
  type RedisTarget,
  redisTargetOf,
  type SentinelSettings,
  sentinelOf,
} from "./address.ts";
export { areAllChanges, type ChangeCount } from "./changes.ts";
export type { CommandFlags, Deletability } from "./deletability.ts";
export { RedisFailure } from "./failure.ts";
export { keyText, readableKey } from "./scan-keys.ts";

/** Milliseconds until the key expires. */
export type KeyLife = number | "unlimited" | "gone";

/** INFO of one server, and the server's name. */
export interface NodeInfo {
  /** `host:port` */
  node: string;
  info: Record<string, string>;
}

/**
 * A Redis glob (as `latin1`), or how to choose it after some of the server's keys have been seen, which are returned as well.
 * Without one, all keys are returned.
 */
export type Match = string | undefined | ((seen: readonly string[]) => string | undefined);

export interface ScanOptions {
  /** Returns only keys that match. */
  match?: Match;
  /** Called with the reason when a pass had to start again. */
  onInterruption?: (why: string) => void;
}

/**
 * The only client in a read-only environment: it has no method that writes. Keys are `latin1` text, one character per byte,
 * because a key need not be valid UTF-8, and decoding and encoding could turn it into another key.
 */
export interface RedisReader {
  readonly identity: RedisIdentity;
  /** Round trip in milliseconds; for a cluster, that of the slowest master. */
  ping(): Promise<number>;
  /**
   * INFO of each node as key → value, all sections in one. Separate, because the other nodes don't make up for a problem in one.
   * @throws RedisFailure
   */
  infoOfEach(): Promise<NodeInfo[]>;
  /** How often the data has changed so far; `undefined` if that cannot be determined. @throws RedisFailure if cancelled */
  changeCount(): Promise<ChangeCount | undefined>;
  /**
   * The rights of the signed-in user, such as `-@all +@read (-@all +set)`, with selectors in brackets, on all nodes; `undefined`
   * if refused.
   */
  aclRules(): Promise<string | undefined>;
  /** Whether the server has users with rules at all: false if it doesn't know these commands. True if they are refused to this user. */
  hasAcl(): Promise<boolean>;
  /** Whether role and rights allow deleting keys here, determined without writing. @throws RedisFailure */
  deletability(): Promise<Deletability>;
  /** The server's own commands: `get`, `config|set` → flags such as `write`; `undefined` if refused. */
  commandFlags(): Promise<CommandFlags | undefined>;
  /**
   * Every key, in batches, in one pass over the keyspace; SCAN may return a key twice. Completes only if every key that existed
   * throughout was returned, otherwise throws.
   * @throws RedisFailure
   */
  scan(options?: ScanOptions): AsyncIterable<string[]>;
  /** The TTLs of these keys, in their order. @throws RedisFailure */
  lives(keys: readonly string[]): Promise<KeyLife[]>;
  /** Which other databases of this server have some of these keys; also empty if that cannot be determined. */
  elsewhere(keys: readonly string[]): Promise<OtherDatabase[]>;
  close(): Promise<void>;
}

export interface TestDataRedis extends RedisReader {
  /**
   * Deletes exactly these keys. An interrupted command is sent again, which deletes nothing else.
   * @returns how many existing keys were deleted; `undefined` if an answer was lost
   * @throws RedisFailure
   */
  unlink(keys: readonly string[]): Promise<number | undefined>;
  /**
   * Limits the TTL of these keys to this many milliseconds; shorter TTLs stay.
   * @returns how many were shortened; `undefined` if an answer was lost
   * @throws RedisFailure
   */
  shorten(keys: readonly string[], limitMs: number): Promise<number | undefined>;
}

/** @param settings a text is the address of one server @throws RedisFailure, UserError */
export async function openRedisReader(settings: RedisSettings | string, signal: AbortSignal): Promise<RedisReader> {
  const way = await routeTo(typeof settings === "string" ? { url: settings } : settings);
  const store = way.cluster
    ? await Cluster.open(way, "reading", signal, undefined)
    : await SingleServer.open(way, "reading", signal, undefined);
  return reader(store, way, signal);
}

/**
 * Only for environments whose access is `test-data`.
 * @param admit is called for every target before anything is written there, including those that a failover leads to; throws if
 * nothing may be written
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
    changeCount: () => changeCount(store),
    async aclRules() {
      const wires = await store.wires();
      // The nodes of a cluster have separate users.
      return await unlessRefused(async () => rulesOfAll(await Promise.all(wires.map(rulesAt))));
    },
    hasAcl: async () => (await Promise.all((await store.wires()).map(knowsAcl))).every((known) => known),
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

async function changeCount(store: Store): Promise<ChangeCount | undefined> {
  try {
    const nodes = await infoOfEach(store);
    // Afterwards: if these are still the servers that hold the keys, no other one took a write before they were asked.
    return changeCountOf(nodes, await store.layout());
  } catch (error) {
    if (error instanceof RedisFailure && error.kind !== "cancelled") return undefined;
    throw error;
  }
}

async function rulesAt(wire: Wire): Promise<string | undefined> {
  const name = await wire.ask(["ACL", "WHOAMI"]);
  return rulesOf(await wire.ask(["ACL", "GETUSER", String(name)]));
}

/** NOPERM comes from a server that has rules, any other error from one that doesn't have the command. */
async function knowsAcl(wire: Wire): Promise<boolean> {
  const ask = async (...words: CommandWords): Promise<Reply> => {
    const { replies, lost } = await wire.send([words]);
    if (lost) throw lost;
    return replies[0] ?? null;
  };
  const isUnknown = (reply: Reply) => reply instanceof ErrorReply && !reply.text.startsWith("NOPERM ");
  const name = await ask("ACL", "WHOAMI");
  return !isUnknown(name) && !(typeof name === "string" && isUnknown(await ask("ACL", "GETUSER", name)));
}

/** In production, a reader without this permission is normal; the caller reports it as unknown. */
async function unlessRefused<Told>(ask: () => Promise<Told>): Promise<Told | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof RedisFailure && error.kind === "refused") return undefined;
    throw error;
  }
}

/** A getter, because a failover changes it. */
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
    // LT was added in Redis 7; older versions need a look first.
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

/** A cluster's memory is reported for its fullest master, which refuses writes first. Hits and misses are summed. */
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

/** Where the keys are read and written. */
export interface RedisIdentity {
  mode: "standalone" | "sentinel" | "cluster";
  /** The server; for a cluster, the node that listed the others. */
  host: string;
  port: number;
  database: number;
  /** The sentinel that named this server. */
  namedBy?: { host: string; port: number };
  /** The masters of the cluster, `host:port`, each of which identified itself as the one that was listed. */
  masters?: readonly string[];
}

/** The reply for each key, in the order of the keys. */
export interface Answers {
  replies: Reply[];
  /** An answer was lost and the command was sent again, so the effect of the first attempt is unknown. */
  lost: boolean;
}

/** The server or cluster that holds the keys. */
export interface Store {
  readonly identity: RedisIdentity;
  /** A connection to each server that holds keys. @throws RedisFailure */
  wires(): Promise<Wire[]>;
  /** Who holds which keys, as the servers or sentinels say now; `undefined` while keys move. @throws RedisFailure */
  layout(): Promise<string | undefined>;
  scan(match: Match, onInterruption: (why: string) => void): AsyncGenerator<string[]>;
  /** Sends `name key …more` for each key. Never returns error replies. @throws RedisFailure */
  perKey(name: string, keys: readonly string[], more?: readonly string[]): Promise<Answers>;
  /** @returns how many existed; `undefined` if an answer was lost @throws RedisFailure */
  unlink(keys: readonly string[]): Promise<number | undefined>;
  close(): Promise<void>;
}

/** How often a pass may start again. */
export const maxRestarts = 5;
