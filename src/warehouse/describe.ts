import { request } from "node:https";
import { readAuthority } from "./authority.ts";
import type { WarehouseSettings } from "./connection.ts";

/** A warehouse as its REST interface tells it. */
export interface WarehouseDescription {
  /** RUNNING, STARTING, STOPPED and the like. */
  state: string;
  /** As Databricks names it: `2X-Small`. */
  size: string;
  clusters: number;
}

const timeoutMs = 10_000;
const largestAnswer = 100_000;

/**
 * State and size of the warehouse. Only reads.
 * @returns a sentence in place of the description where the token may not ask, or the path names no warehouse
 * @throws Error where the interface does not answer
 */
export async function describeWarehouse(
  settings: Pick<WarehouseSettings, "host" | "path" | "token" | "certificateAuthority">,
  signal: AbortSignal,
): Promise<WarehouseDescription | string> {
  const id = /\/warehouses\/([^/]+)$/.exec(settings.path)?.[1];
  if (id === undefined) return `${settings.path} names no SQL warehouse`;
  const ca = await readAuthority(settings.certificateAuthority);
  const url = new URL(`/api/2.0/sql/warehouses/${encodeURIComponent(id)}`, `https://${settings.host.replace(/^https:\/\//, "")}`);
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const outgoing = request(
      url,
      {
        headers: { authorization: `Bearer ${settings.token}` },
        ...(ca ? { ca } : {}),
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("error", reject);
        response.on("data", (chunk: string) => {
          text += chunk;
          if (text.length > largestAnswer) response.destroy(new Error(`${url.pathname} answers without end`));
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    outgoing.on("error", reject);
    outgoing.end();
  });
  if (status !== 200) return `asking ${url.pathname} was refused (HTTP ${status})`;
  const told = JSON.parse(text) as { state?: unknown; cluster_size?: unknown; num_clusters?: unknown };
  return {
    state: typeof told.state === "string" ? told.state : "unknown",
    size: typeof told.cluster_size === "string" ? told.cluster_size : "unknown size",
    clusters: typeof told.num_clusters === "number" ? told.num_clusters : 0,
  };
}
