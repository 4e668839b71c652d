import type { Environment } from "../../config/schema.ts";
import { CodedError } from "../../model/coded-error.ts";
import { clusterNodeOf, type RedisIdentity, type RedisTarget, redisTargetOf, sentinelOf } from "../../redis/connection.ts";
import type { WarehouseIdentity } from "../../warehouse/access.ts";

/** The target is not the expected one. Nothing was written, and nothing will be. */
export class WrongTarget extends CodedError {
  override name = "WrongTarget";
}

/**
 * Compares the warehouse that answered with what the environment expects. Call before the first write. Only exact equality
 * counts, because similar names prove nothing ("non-prod" contains "prod").
 * @throws WrongTarget
 */
export function proveWarehouse(environment: Environment, seen: WarehouseIdentity): void {
  const settings = environment.databricks;
  if (environment.access !== "test-data")
    throw new WrongTarget("EA2002", "this environment is read-only: nothing may be written here");
  if (!settings?.expect)
    throw new WrongTarget("EA2003", "databricks.expect is missing, so nothing may be written: add expect: { host: … }");
  compareWarehouse(environment, seen);
}

/**
 * Compares what the configuration names with what it expects, without a connection, so that no token or password reaches an
 * unexpected host. With sentinels, only their own names are compared here; {@link mayConnect} compares the server before the
 * connection.
 * @throws WrongTarget
 */
export function compareConfigured(environment: Environment): void {
  const wrong = [compareConfiguredWarehouse, compareConfiguredRedis].flatMap((compareOne) => {
    try {
      compareOne(environment);
      return [];
    } catch (error) {
      if (!(error instanceof WrongTarget)) throw error;
      return error.message;
    }
  });
  // Reports all mismatches together, so that they can be fixed at once.
  if (wrong.length > 0) throw new WrongTarget("EA2001", wrong.join("; "));
}

/** @throws WrongTarget */
export function compareConfiguredWarehouse({ databricks: settings }: Environment): void {
  if (!settings?.expect) return;
  const { host, catalog } = settings.expect;
  compare("Databricks host", hostLike(bareHost(settings.host), host), host, nothingSent);
  if (catalog !== undefined) compare("Databricks catalog", settings.catalog, catalog, nothingSent);
}

/** @throws WrongTarget */
export function compareConfiguredRedis({ redis: settings }: Environment): void {
  if (!settings?.expect) return;
  const { host, database } = settings.expect;
  const target = redisTargetOf(settings.url.reveal());
  if (database !== undefined) compare("Redis database", String(target.database), String(database), nothingSent);
  // With sentinels, the expectation may name the master, which only they know.
  if (settings.sentinel) return;
  const nodes = [target, ...(Array.isArray(settings.cluster) ? settings.cluster.map(clusterNodeOf) : [])];
  if (!nodes.some((node) => isNamed(node, host))) compare("Redis host", redisHost(target, host), host, nothingSent);
}

/**
 * Whether anything may be sent to this server; for {@link import("../../redis/connection.ts").RedisSettings}.
 * @throws WrongTarget
 */
export function mayConnect({ redis: settings }: Environment, target: RedisTarget): void {
  if (!settings?.expect) return;
  const { host } = settings.expect;
  compare("Redis host", redisHost(target, host), host, "nothing was sent to it");
}

/** The sentinels to ask. If the expectation names some, only those. */
export function sentinelsToAsk(nodes: readonly string[], expected: string | undefined): readonly string[] {
  const named = expected === undefined ? [] : nodes.filter((node) => isNamed(sentinelOf(node), expected));
  return named.length > 0 ? named : nodes;
}

const nothingSent = "nothing was sent";

/** The host in DATABRICKS_HOST, which is often a URL. */
export function bareHost(written: string): string {
  return written.replace(/^https:\/\//i, "").replace(/\/+$/, "");
}

/** Compares without requiring an expectation, for callers that only read. @throws WrongTarget */
export function compareWarehouse({ databricks: settings }: Environment, seen: WarehouseIdentity): void {
  if (!settings?.expect) return;
  compare("Databricks host", hostLike(seen.host, settings.expect.host), settings.expect.host);
  compare("Databricks catalog", seen.catalog, settings.expect.catalog ?? settings.catalog);
  if (settings.expect.principal) compare("Databricks principal", seen.principal, settings.expect.principal);
}

/**
 * Compares the server itself. For a cluster, that is the configured node: it names all other masters, and has identified itself
 * as the one expected. With sentinels the server changes on failover, so the expectation may name the sentinel that reported it
 * instead.
 * @throws WrongTarget
 */
export function proveRedis(environment: Environment, seen: RedisIdentity): void {
  const settings = environment.redis;
  if (environment.access !== "test-data")
    throw new WrongTarget("EA2002", "this environment is read-only: nothing may be written here");
  if (!settings?.expect)
    throw new WrongTarget("EA2003", "redis.expect is missing, so nothing may be written: add expect: { host: … }");
  compareRedis(environment, seen);
}

/** Like `compareWarehouse`. @throws WrongTarget */
export function compareRedis({ redis: settings }: Environment, seen: RedisIdentity): void {
  if (!settings?.expect) return;
  compare("Redis host", redisHost(seen, settings.expect.host), settings.expect.host);
  if (settings.expect.database !== undefined) compare("Redis database", String(seen.database), String(settings.expect.database));
}

function redisHost(seen: RedisTarget, expected: string): string {
  const spellings = [seen, ...(seen.namedBy ? [seen.namedBy] : [])].flatMap(spellingsOf);
  const [itself = ""] = spellings;
  return spellings.find((spelling) => isSame(spelling, expected)) ?? hostLike(`${itself}:${seen.port}`, expected);
}

function isNamed(address: { host: string; port: number }, expected: string): boolean {
  return spellingsOf(address).some((spelling) => isSame(spelling, expected));
}

function spellingsOf({ host, port }: { host: string; port: number }): string[] {
  return [host, `${host}:${port}`, `[${host}]:${port}`];
}

/** Includes the port only if the expectation names one. */
function hostLike(seen: string, expected: string): string {
  return expected.includes(":") ? seen : (seen.split(":")[0] ?? seen);
}

function compare(what: string, seen: string, expected: string, done = "nothing was written"): void {
  if (!isSame(seen, expected))
    throw new WrongTarget("EA2001", `${what}: expected ${expected}, got ${seen || "(unknown)"} (${done})`);
}

function isSame(seen: string, expected: string): boolean {
  return seen.toLowerCase() === expected.toLowerCase();
}
