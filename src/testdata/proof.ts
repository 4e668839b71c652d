import type { Environment } from "../config/schema.ts";
import type { RedisIdentity } from "../redis/connection.ts";
import type { WarehouseIdentity } from "../warehouse/access.ts";

/** We are not where we should be: nothing was written, and nothing will be. */
export class WrongPlace extends Error {
  override name = "WrongPlace";
}

/**
 * Compares what answered with what the environment's file says it must be. Called before the first write. Names prove nothing
 * ("non-prod" contains "prod"): only exact equality does. @throws WrongPlace
 */
export function proveWarehouse(environment: Environment, seen: WarehouseIdentity): void {
  const settings = environment.databricks;
  if (environment.access !== "test-data") throw new WrongPlace("this environment is read-only: nothing may be written here");
  if (!settings?.expect) throw new WrongPlace("databricks.expect is missing: without it nothing may be written");
  compareWarehouse(environment, seen);
}

/** The comparison alone, for whoever only reads: what is not expected is not demanded. @throws WrongPlace */
export function compareWarehouse({ databricks: settings }: Environment, seen: WarehouseIdentity): void {
  if (!settings?.expect) return;
  compare("Databricks host", hostLike(seen.host, settings.expect.host), settings.expect.host);
  compare("Databricks catalog", seen.catalog, settings.expect.catalog ?? settings.catalog);
  if (settings.expect.principal) compare("Databricks principal", seen.principal, settings.expect.principal);
}

/**
 * The server itself is compared; of a cluster the node that was asked for the others, because every other master is learnt from it and
 * has said that it is the one that was meant. Behind sentinels the server changes by a failover: there the expectation may name the
 * sentinel that told where it is, in place of the server. @throws WrongPlace
 */
export function proveRedis(environment: Environment, seen: RedisIdentity): void {
  const settings = environment.redis;
  if (environment.access !== "test-data") throw new WrongPlace("this environment is read-only: nothing may be written here");
  if (!settings?.expect) throw new WrongPlace("redis.expect is missing: without it nothing may be written");
  compareRedis(environment, seen);
}

/** As `compareWarehouse`. @throws WrongPlace */
export function compareRedis({ redis: settings }: Environment, seen: RedisIdentity): void {
  if (!settings?.expect) return;
  compare("Redis host", redisHost(seen, settings.expect.host), settings.expect.host);
  if (settings.expect.database !== undefined) compare("Redis database", String(seen.database), String(settings.expect.database));
}

function redisHost(seen: RedisIdentity, expected: string): string {
  const spellings = [seen, ...(seen.namedBy ? [seen.namedBy] : [])].flatMap(({ host, port }) => [
    host,
    `${host}:${port}`,
    `[${host}]:${port}`,
  ]);
  const [itself = ""] = spellings;
  return spellings.find((spelling) => isSame(spelling, expected)) ?? hostLike(`${itself}:${seen.port}`, expected);
}

/** The port is compared only where the expectation names one. */
function hostLike(seen: string, expected: string): string {
  return expected.includes(":") ? seen : (seen.split(":")[0] ?? seen);
}

function compare(what: string, seen: string, expected: string): void {
  if (!isSame(seen, expected))
    throw new WrongPlace(`${what} is ${seen || "(unknown)"}, but this environment expects ${expected}: nothing was written`);
}

function isSame(seen: string, expected: string): boolean {
  return seen.toLowerCase() === expected.toLowerCase();
}
