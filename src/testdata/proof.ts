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
  compare("Databricks host", hostLike(seen.host, settings.expect.host), settings.expect.host);
  compare("Databricks catalog", seen.catalog, settings.expect.catalog ?? settings.catalog);
  if (settings.expect.principal) compare("Databricks principal", seen.principal, settings.expect.principal);
}

/** @throws WrongPlace */
export function proveRedis(environment: Environment, seen: RedisIdentity): void {
  const settings = environment.redis;
  if (environment.access !== "test-data") throw new WrongPlace("this environment is read-only: nothing may be written here");
  if (!settings?.expect) throw new WrongPlace("redis.expect is missing: without it nothing may be written");
  compare("Redis host", hostLike(`${seen.host}:${seen.port}`, settings.expect.host), settings.expect.host);
  if (settings.expect.database !== undefined) compare("Redis database", String(seen.database), String(settings.expect.database));
}

/** The port is compared only where the expectation names one. */
function hostLike(seen: string, expected: string): string {
  return expected.includes(":") ? seen : (seen.split(":")[0] ?? seen);
}

function compare(what: string, seen: string, expected: string): void {
  if (seen.toLowerCase() !== expected.toLowerCase())
    throw new WrongPlace(`${what} is ${seen || "(unknown)"}, but this environment expects ${expected}: nothing was written`);
}
