import { errorText } from "../lib/error-text.ts";
import { readAuthority } from "./authority.ts";
import type { WarehouseSettings } from "./connection.ts";
import { sendRequest } from "./https.ts";
import { tokensOf } from "./token-source.ts";

/**
 * Asks the REST API to start the warehouse, with the credential of its statements. If that lacks the permission, the first
 * statement starts it anyway, and the returned sentence says so. Never throws: the caller's own probing decides.
 */
export async function startWarehouse(settings: WarehouseSettings, signal: AbortSignal): Promise<string> {
  const id = settings.path.split("/").pop() ?? "";
  try {
    const status = await post(settings, `/api/2.0/sql/warehouses/${encodeURIComponent(id)}/start`, signal);
    if (status < 300) return "the warehouse is stopped; it was asked to start, waiting for it";
    return `the warehouse is stopped; the request to start it was refused (HTTP ${status}), waiting for it to start by itself`;
  } catch (error) {
    return `the warehouse is stopped; the request to start it failed (${errorText(error)}), waiting for it to start by itself`;
  }
}

async function post(settings: WarehouseSettings, path: string, signal: AbortSignal): Promise<number> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(10_000)]);
  const authority = await readAuthority(settings.certificateAuthority);
  const url = new URL(path, `https://${settings.host.replace(/^https:\/\//, "")}`);
  const token = await tokensOf(settings.token).token(deadline);
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return (await sendRequest(url, { method: "POST", headers, body: "{}", authority, signal: deadline })).status;
}
