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

const forwarders = new WeakMap<Response, string>();

/** Remembers which proxy forwarded the request, instead of opening a tunnel in which every answer is the target's. */
export function markForwarded(response: Response, proxy: string): Response {
  forwarders.set(response, proxy);
  return response;
}

/** What a proxy answers by itself if it refuses, or doesn't reach its target. */
const ambiguous: ReadonlySet<number> = new Set([403, 502, 503, 504]);

/** The proxy that may have given this answer in place of the target; `undefined` if it is surely the target's. */
export function possibleAuthor(response: Response): string | undefined {
  return ambiguous.has(response.status) ? forwarders.get(response) : undefined;
}

/** Loads what `fetchByProxy` needs: loading blocks the process, and would be measured as latency. */
export async function prepareFetch(): Promise<void> {
  if (anyProxy()) await import("./dispatch.ts");
}
