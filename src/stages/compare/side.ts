import { type Peer, peerOf } from "../../checks/connection.ts";
import { compareRedis, WrongTarget } from "../../cleanup/execute/proof.ts";
import { redisFacts } from "../../compare/ask/redis.ts";
import { shapeOf, warehouseFacts } from "../../compare/ask/warehouse.ts";
import type { FactGroup, Shape, Told, ToldGroup } from "../../compare/facts.ts";
import { errorText } from "../../lib/error-text.ts";
import type { WarehouseSettings } from "../../warehouse/connection.ts";
import { redisSettings, type WarehouseAccess, warehouseSettings, withWarehouseReader } from "../connections.ts";
import { apiFacts } from "./api.ts";
import { configuredParts } from "./configured.ts";

/** Asks one environment for its versions, settings and counts. It opens readers only, also where test data could be written. */

export interface SideOptions {
  signal: AbortSignal;
  say: (text: string) => void;
  /** Also asks for the size of each table, one statement each. */
  sizes: boolean;
}

export interface SideAnswers {
  groups: Record<FactGroup, ToldGroup>;
  shape: Shape;
  /** What was reached, and isn't what the configuration expects. */
  wrong: string[];
}

export async function askSide(place: WarehouseAccess, options: SideOptions): Promise<SideAnswers> {
  const { environment } = place;
  const wrong: string[] = [];
  const why = (error: unknown): { unknown: string } => {
    if (error instanceof WrongTarget) wrong.push(`${environment.name}: ${errorText(error)}`);
    return { unknown: firstLine(errorText(error)) };
  };
  const whole = (error: unknown): ToldGroup => ({ group: why(error) });
  const [warehouse, redis, api, certificates] = await Promise.all([
    askWarehouse(place, options).catch((error: unknown) => ({ facts: whole(error), shape: why(error) as Shape })),
    askRedis(place, options.signal).catch(whole),
    apiFacts(place, options.signal).catch(whole),
    certificateEnds(place, options.signal).catch(whole),
  ]);
  return {
    groups: { warehouse: warehouse.facts, redis, api, certificates, configuration: configuredParts(environment) },
    shape: warehouse.shape,
    wrong,
  };
}

/** Of an environment that can't be asked at all, such as one whose variables are not set here. */
export function unknownSide(why: string): SideAnswers {
  const group: ToldGroup = { group: { unknown: why } };
  return {
    groups: { warehouse: group, redis: group, api: group, certificates: group, configuration: group },
    shape: { unknown: why },
    wrong: [],
  };
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}

async function askWarehouse(
  place: WarehouseAccess,
  { signal, say, sizes }: SideOptions,
): Promise<{ facts: ToldGroup; shape: Shape }> {
  const settings = await warehouseSettings(place);
  if (!settings) return { facts: { group: { absent: true } }, shape: { absent: true } };
  const { describeWarehouse } = await import("../../warehouse/credential.ts");
  return await withWarehouseReader(place, { signal, onWaking: say }, async (warehouse) => {
    say(`counting the rows of catalog ${warehouse.catalog} in ${place.environment.name}`);
    const description = await describeWarehouse(settings, signal).catch((error: unknown) => firstLine(errorText(error)));
    const shape = shapeOf(warehouse, { sizes }).catch((error: unknown): Shape => ({ unknown: firstLine(errorText(error)) }));
    return { facts: await warehouseFacts(warehouse, description), shape: await shape };
  });
}

async function askRedis(place: WarehouseAccess, signal: AbortSignal): Promise<ToldGroup> {
  const settings = redisSettings(place);
  if (!settings) return { group: { absent: true } };
  const { openRedisReader } = await import("../../redis/connection.ts");
  const redis = await openRedisReader(settings, signal);
  try {
    compareRedis(place.environment, redis.identity);
    return redisFacts(await redis.infoOfEach());
  } finally {
    await redis.close();
  }
}

/** The last day of each certificate. */
async function certificateEnds(place: WarehouseAccess, signal: AbortSignal): Promise<ToldGroup> {
  const [{ environment }, warehouse, redis] = [place, await warehouseSettings(place), redisSettings(place)];
  const asked: [name: string, peer: () => Promise<Peer>][] = [
    ...(environment.api ? [["api", async () => peerOf(environment.api?.url ?? "")] as [string, () => Promise<Peer>]] : []),
    ...(warehouse ? [["databricks", () => warehousePeer(warehouse)] as [string, () => Promise<Peer>]] : []),
    // Where a group of servers is asked for its master, the certificate is that of the server found.
    ...(redis && !redis.sentinel && !redis.cluster
      ? [["redis", async () => peerOf(redis.url)] as [string, () => Promise<Peer>]]
      : []),
  ];
  if (asked.length === 0) return { group: { absent: true } };
  return Object.fromEntries(
    await Promise.all(asked.map(async ([name, peer]): Promise<[string, Told]> => [name, await endOf(await peer(), signal)])),
  );
}

async function warehousePeer({ host, certificateAuthority }: WarehouseSettings): Promise<Peer> {
  const { readAuthority, trustInAddition } = await import("../../warehouse/https.ts");
  const ca = await readAuthority(certificateAuthority);
  return { ...peerOf(`https://${host.replace(/^https:\/\//, "")}`), ...(ca ? { trust: await trustInAddition(ca) } : {}) };
}

async function endOf(peer: Peer, signal: AbortSignal): Promise<Told> {
  if (!peer.tls) return { absent: true };
  try {
    const { connect } = await import("../../checks/connection.ts");
    const { certificate } = await connect(peer, { signal });
    if (!certificate) return { unknown: "the server showed no certificate" };
    return { is: `ends on ${new Date(certificate.validTo).toISOString().slice(0, 10)}` };
  } catch (error) {
    return { unknown: firstLine(errorText(error)) };
  }
}
