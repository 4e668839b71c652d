import { skipped } from "../checks/check.ts";
import { checkConnection, type Peer, peerOf } from "../checks/connection.ts";
import { checkDatabricks, type WarehouseLooks } from "../checks/databricks.ts";
import type { Shared } from "../checks/retry.ts";
import { checkTokenLife, endOfToken } from "../checks/token-life.ts";
import { checkVariables } from "../checks/variables.ts";
import { loadSocketClient } from "../checks/websocket.ts";
import type { Check } from "../model/report.ts";
import type { RedisReader, RedisSettings } from "../redis/connection.ts";
import { loadDriver } from "../warehouse/access.ts";
import { readAuthority, trustBesidePublic } from "../warehouse/authority.ts";
import type { WarehouseSettings } from "../warehouse/connection.ts";
import { describeWarehouse, endsOfTokens } from "../warehouse/describe.ts";
import { type Readers, redisSettings, warehouseSettings } from "./connections.ts";
import type { StageContext } from "./context.ts";

/** What preflight and smoke look at in the same way, below the application. */

/**
 * Loads what the checks need before anything is measured, best while the servers start: while code is loaded nothing else gets its
 * turn, and every latency would show it.
 */
export async function loadClients({ environment }: StageContext): Promise<void> {
  await Promise.all([
    environment.databricks ? loadDriver() : undefined,
    environment.websocket?.namespaces.length ? loadSocketClient() : undefined,
  ]);
}

/**
 * @param looks `prove` throws where the identity is not the expected one, and is not given where none is expected; `quiet` resolves
 * when nothing else is asked of the warehouse.
 */
export function checkWarehouse(
  context: StageContext,
  readers: Readers,
  limits: { sqlP95: number; certificateDays: number; tokenDays: number },
  { prove, quiet }: { prove: WarehouseLooks["prove"] | undefined; quiet: Promise<unknown> },
): Promise<Check | Check[]>[] {
  const settings = warehouseSettings(context);
  if (!readers.warehouse || !settings) return [];
  const ownToken = context.environment.databricks?.token;
  const looks: WarehouseLooks = {
    ...(prove ? { prove } : {}),
    wokeIn: readers.wokeIn,
    quiet,
    describe: () => describeWarehouse(settings, context.signal),
  };
  return [
    checkDatabricks(readers.warehouse, limits, looks),
    checkConnection(
      "databricks.certificate",
      "Connection to Databricks",
      () => warehousePeer(settings),
      { leastDays: limits.certificateDays },
      context.signal,
    ),
    // Other ways to sign in get a new token whenever they need one, and a token that tells its own end is looked at with the variables.
    ...(ownToken && endOfToken(ownToken.reveal()) === undefined
      ? [checkTokenLife(() => endsOfTokens(settings, context.signal), limits.tokenDays)]
      : []),
  ];
}

/** Nothing but what the connection itself shows; none where it is not encrypted. */
export function checkRedisCertificate(
  context: StageContext,
  readers: Readers,
  limits: { certificateDays: number },
): Promise<Check>[] {
  const settings = redisSettings(context);
  if (!readers.redis || !settings?.url.startsWith("rediss:")) return [];
  const { redis } = readers;
  const peer = () => redisPeer(settings, redis);
  return [
    checkConnection("redis.certificate", "Connection to Redis", peer, { leastDays: limits.certificateDays }, context.signal),
  ];
}

/** The server that was found, which with sentinels is another one than the address names. */
async function redisPeer(settings: RedisSettings, opening: Shared<RedisReader>): Promise<Peer> {
  const { host, port } = (await opening()).identity;
  const ca = await readAuthority(settings.certificateAuthority);
  return { host, port, tls: true, alsoNamed: peerOf(settings.url).host, ...(ca ? { ca } : {}) };
}

async function warehousePeer(settings: WarehouseSettings): Promise<Peer> {
  const peer = peerOf(`https://${settings.host.replace(/^https:\/\//, "")}`);
  const ca = await readAuthority(settings.certificateAuthority);
  return ca ? { ...peer, trust: await trustBesidePublic(ca) } : peer;
}

/** The variables, and the life of the token that reads. Where there is nothing else to look at either, no variables are no pass. */
export function lookAtVariables(context: StageContext): Promise<Check> {
  const { variables, token } = context.environment;
  if (variables.length === 0 && !token && namesNothing(context)) {
    const why = "this environment names nothing to look at: add databricks, redis, api, websocket, servers or variables";
    return Promise.resolve(skipped("variables", "Required variables", why));
  }
  return checkVariables(variables, context.env, token ? { "the environment's token": token.reveal() } : {});
}

function namesNothing({ environment, stage }: StageContext): boolean {
  const { databricks, redis, api, websocket, servers } = environment;
  const started = Object.values(servers).some(({ stages }) => stages.some((one) => one === stage));
  return !databricks && !redis && !api && !websocket && !started;
}
