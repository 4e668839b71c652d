import { request } from "node:https";
import { readAuthority } from "./authority.ts";
import type { WarehouseSettings } from "./connection.ts";

/**
 * Asks the REST interface to start the warehouse. A token may lack the right to: then the first statement wakes it anyway, and
 * the returned sentence says so. Never throws: the caller's own probing decides.
 */
export async function startWarehouse(settings: WarehouseSettings, signal: AbortSignal): Promise<string> {
  const id = settings.path.split("/").pop() ?? "";
  try {
    const status = await post(settings, `/api/2.0/sql/warehouses/${encodeURIComponent(id)}/start`, signal);
    if (status < 300) return "the warehouse is asleep; it was told to start, and this waits for it";
    return `the warehouse is asleep; starting it was refused (HTTP ${status}), so this waits for it to wake by itself`;
  } catch (error) {
    return `the warehouse is asleep; it could not be told to start (${error instanceof Error ? error.message : String(error)}), so this waits for it to wake by itself`;
  }
}

async function post(settings: WarehouseSettings, path: string, signal: AbortSignal): Promise<number> {
  const ca = await readAuthority(settings.certificateAuthority);
  const url = new URL(path, `https://${settings.host.replace(/^https:\/\//, "")}`);
  return await new Promise<number>((resolve, reject) => {
    const headers = { authorization: `Bearer ${settings.token}`, "content-type": "application/json" };
    const outgoing = request(
      url,
      { method: "POST", headers, ...(ca ? { ca } : {}), signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]) },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    outgoing.on("error", reject);
    outgoing.end("{}");
  });
}
