import { setTimeout as pause } from "node:timers/promises";
import { errorText } from "../lib/error-text.ts";
import { fetchByProxy } from "../lib/proxy/fetch.ts";

/** Reads a published page as anybody would, without a token: only to learn how new its data is. */

/** `unknown` is no permission: a page that could not be read may be the newer one. */
export type Published = { is: "absent" } | { is: "there"; page: string } | { is: "unknown"; why: string };

export interface ReadingLimits {
  /** For one attempt. */
  attemptMs?: number;
  pauseMs?: number;
  cancel?: AbortSignal;
}

/** What is looked for is in its head. */
const mostBytes = 256 * 1024;
const mostRedirects = 5;
const attempts = 3;

/** @param address with https */
export async function readPublished(address: string, limits: ReadingLimits = {}): Promise<Published> {
  const { pauseMs = 2_000, cancel } = limits;
  for (let attempt = 1; ; attempt++) {
    const read = await readOnce(address, limits).catch((error: unknown) => ({
      is: "unknown" as const,
      why: `it could not be read: ${errorText(error)}`,
      mayPass: true,
    }));
    if (read.is !== "unknown" || !read.mayPass || attempt === attempts || cancel?.aborted) return read;
    await pause(pauseMs * attempt, undefined, cancel ? { signal: cancel } : {}).catch(() => undefined);
  }
}

type Once = Exclude<Published, { is: "unknown" }> | { is: "unknown"; why: string; mayPass: boolean };

async function readOnce(address: string, { attemptMs = 15_000, cancel }: ReadingLimits): Promise<Once> {
  const signal = AbortSignal.any([AbortSignal.timeout(attemptMs), ...(cancel ? [cancel] : [])]);
  const never = (why: string) => ({ is: "unknown" as const, why, mayPass: false });
  let url = new URL(address);
  // Caches keep a page for minutes.
  url.searchParams.set("env-actions", String(Date.now()));
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const response = await fetchByProxy(url, {
      redirect: "manual",
      signal,
      headers: { accept: "text/html", "cache-control": "no-cache" },
    });
    const { status } = response;
    const target = response.headers.get("location");
    if (status >= 300 && status < 400 && target !== null) {
      await response.body?.cancel();
      if (!URL.canParse(target, url.href)) return never("it redirects to an invalid address");
      url = new URL(target, url);
      if (url.protocol !== "https:") return never(`it redirects to ${url.origin}, which is not HTTPS`);
      continue;
    }
    if (status === 200) return { is: "there", page: await headOf(response) };
    await response.body?.cancel();
    if (status === 404) return { is: "absent" };
    return { is: "unknown", why: `it answered ${status}`, mayPass: status === 429 || status >= 500 };
  }
  return never(`it redirects more than ${mostRedirects} times`);
}

async function headOf(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    pieces.push(piece);
    bytes += piece.byteLength;
    // Leaving the loop ends the connection.
    if (bytes >= mostBytes) break;
  }
  return Buffer.concat(pieces).toString("utf8");
}
