import { anyProxy } from "./choice.ts";

/**
 * `fetch`, through the proxy of the variables. Without such variables it is Node's own, and nothing else is loaded.
 * @throws InvalidProxy; as the cause of the error, ProxyFailure
 */
export async function fetchByProxy(url: string | URL, init?: RequestInit): Promise<Response> {
  if (!anyProxy()) return await globalThis.fetch(url, init);
  const { fetchThrough } = await import("./dispatch.ts");
  return await fetchThrough(new URL(url), init);
}

/** Loads what `fetchByProxy` needs: loading blocks the process, and would be measured as latency. */
export async function prepareFetch(): Promise<void> {
  if (anyProxy()) await import("./dispatch.ts");
}
