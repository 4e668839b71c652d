import type { WarehouseSettings } from "./connection.ts";
import { WarehouseFailure } from "./failure.ts";
import { readAuthority, sendRequest } from "./https.ts";
import { tokensOf } from "./token-source.ts";

/** What the workspace's REST API says about the warehouse. Everything here only reads. */

type WarehouseAddress = Pick<WarehouseSettings, "host" | "path" | "token" | "certificateAuthority">;

/** A warehouse as its REST API describes it. */
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
 * @returns a sentence instead of the description if the token may not ask, or the path names no warehouse
 * @throws WarehouseFailure, or Node's own errors, if the API doesn't answer
 */
export async function describeWarehouse(
  warehouse: WarehouseAddress,
  signal: AbortSignal,
): Promise<WarehouseDescription | string> {
  const id = /\/warehouses\/([^/]+)$/.exec(warehouse.path)?.[1];
  if (id === undefined) return `${warehouse.path} names no SQL warehouse`;
  const answer = await getJson(warehouse, `/api/2.0/sql/warehouses/${encodeURIComponent(id)}`, signal);
  if (typeof answer === "string") return answer;
  return {
    state: typeof answer.state === "string" ? answer.state : "unknown",
    size: typeof answer.cluster_size === "string" ? answer.cluster_size : "unknown size",
    clusters: typeof answer.num_clusters === "number" ? answer.num_clusters : 0,
  };
}

/**
 * When the user's valid personal access tokens expire, in Unix milliseconds; Infinity for one that never does. The API doesn't
 * say which of them is used here.
 * @returns a sentence instead if the token may not ask
 * @throws WarehouseFailure, or Node's own errors, if the API doesn't answer
 */
export async function tokenExpiryTimes(warehouse: WarehouseAddress, signal: AbortSignal): Promise<number[] | string> {
  const answer = await getJson(warehouse, "/api/2.0/token/list", signal);
  if (typeof answer === "string") return answer;
  const tokens: unknown[] = Array.isArray(answer.token_infos) ? answer.token_infos : [];
  return tokens.flatMap((token) => {
    const end = typeof token === "object" && token !== null && "expiry_time" in token ? token.expiry_time : undefined;
    if (typeof end !== "number") return [];
    return end < 0 ? [Number.POSITIVE_INFINITY] : end > Date.now() ? [end] : [];
  });
}

/** @returns the members of the answer, or why there is none */
async function getJson(
  warehouse: WarehouseAddress,
  path: string,
  signal: AbortSignal,
): Promise<Record<string, unknown> | string> {
  const url = new URL(path, `https://${warehouse.host.replace(/^https:\/\//, "")}`);
  const authority = await readAuthority(warehouse.certificateAuthority);
  const { status, text } = await sendRequest(url, {
    method: "GET",
    headers: { authorization: `Bearer ${await tokensOf(warehouse.token).token(signal)}`, accept: "application/json" },
    authority,
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  });
  if (status !== 200) return `the request to ${url.pathname} was refused (HTTP ${status})`;
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer === "object" && answer !== null) return { ...answer };
  } catch (error) {
    throw notJson(url, error);
  }
  throw notJson(url);
}

function notJson(url: URL, cause?: unknown): WarehouseFailure {
  return new WarehouseFailure("unreachable", `${url.pathname}: expected JSON, got another answer`, {
    cure: "Check DATABRICKS_HOST: expected the address of the workspace.",
    cause,
  });
}
