import { anyProxy } from "../proxy/choice.ts";
import { fetchByProxy, possibleAuthor, prepareFetch } from "../proxy/fetch.ts";
import { askDirectly, isPlain, type PlainRequest, prepareDirect, type RawAnswer } from "./direct.ts";

export interface SentAnswer extends RawAnswer {
  /** The proxy that may have given this answer itself. */
  byProxy?: string | undefined;
}

/**
 * Sends a request, through the proxy of the variables if there is one. Redirects are not followed.
 * @throws what `fetch` throws
 */
export async function askOverHttp(url: URL, asked: PlainRequest): Promise<SentAnswer> {
  if (!anyProxy() && isPlain(url, asked.headers)) return await askDirectly(url, asked);
  const { method, headers, body, signal } = asked;
  const response = await fetchByProxy(url, { ...{ method, headers, signal }, body: body ?? null, redirect: "manual" });
  return { status: response.status, headers: response.headers, body: response.body, byProxy: possibleAuthor(response) };
}

/** Loads what {@link askOverHttp} needs for such a URL: loading blocks the process, and would be measured as latency. */
export async function prepareSending(url: string): Promise<void> {
  if (anyProxy()) await prepareFetch();
  else await prepareDirect(new URL(url));
}
