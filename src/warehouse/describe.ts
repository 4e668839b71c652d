import { readAuthority } from "./authority.ts";
import type { WarehouseSettings } from "./connection.ts";
import { WarehouseFailure } from "./failure.ts";
import { ask } from "./https.ts";
import { tokensOf } from "./token-source.ts";

/** What the workspace tells beside the warehouse, by its REST interface. Everything here only reads. */

type Place = Pick<WarehouseSettings, "host" | "path" | "token" | "certificateAuthority">;

/** A warehouse as its REST interface tells it. */
export interface WarehouseDescription {
  /** RUNNING, STARTING, STOPPED and the like. */
  state: string;
  /** As Databricks names it: `2X-Small`. */
  size: string;
  clusters: number;
}

const timeoutMs = 10_000;

/**
 * State and size of the warehouse.
 * @returns a sentence in place of the description where the token may not ask, or the path names no warehouse
 * @throws WarehouseFailure, or Node's own errors, where the interface does not answer
 */
export async function describeWarehouse(place: Place, signal: AbortSignal): Promise<WarehouseDescription | string> {
  const id = /\/warehouses\/([^/]+)$/.exec(place.path)?.[1];
  if (id === undefined) return `${place.path} names no SQL warehouse`;
  const told = await told200(place, `/api/2.0/sql/warehouses/${encodeURIComponent(id)}`, signal);
  if (typeof told === "string") return told;
  return {
    state: typeof told.state === "string" ? told.state : "unknown",
    size: typeof told.cluster_size === "string" ? told.cluster_size : "unknown size",
    clusters: typeof told.num_clusters === "number" ? told.num_clusters : 0,
  };
}

/**
 * When the personal access tokens of the signed-in user end that are still good, in Unix milliseconds; Infinity for one that never
 * does. Which of them signs in here is told to nobody.
 * @returns a sentence in place of them where the token may not ask
 * @throws WarehouseFailure, or Node's own errors, where the interface does not answer
 */
export async function endsOfTokens(place: Place, signal: AbortSignal): Promise<number[] | string> {
  const told = await told200(place, "/api/2.0/token/list", signal);
  if (typeof told === "string") return told;
  const tokens: unknown[] = Array.isArray(told.token_infos) ? told.token_infos : [];
  return tokens.flatMap((token) => {
    const end = typeof token === "object" && token !== null && "expiry_time" in token ? token.expiry_time : undefined;
    if (typeof end !== "number") return [];
    return end < 0 ? [Number.POSITIVE_INFINITY] : end > Date.now() ? [end] : [];
  });
}

/** @returns the members of the answer, or why there is none */
async function told200(place: Place, path: string, signal: AbortSignal): Promise<Record<string, unknown> | string> {
  const url = new URL(path, `https://${place.host.replace(/^https:\/\//, "")}`);
  const authority = await readAuthority(place.certificateAuthority);
  const { status, text } = await ask(url, {
    method: "GET",
    headers: { authorization: `Bearer ${await tokensOf(place.token).token(signal)}`, accept: "application/json" },
    authority,
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  });
  if (status !== 200) return `asking ${url.pathname} was refused (HTTP ${status})`;
  try {
    const told: unknown = JSON.parse(text);
    if (typeof told === "object" && told !== null) return { ...told };
  } catch (error) {
    throw notJson(url, error);
  }
  throw notJson(url);
}

function notJson(url: URL, cause?: unknown): WarehouseFailure {
  return new WarehouseFailure("unreachable", `${url.pathname} answers with something else than JSON`, {
    cure: "Check DATABRICKS_HOST: it must be the workspace's own address.",
    cause,
  });
}
