import { request as plainRequest, type RequestOptions } from "node:http";
import { request } from "node:https";
import type { SecureContext, SecureContextOptions } from "node:tls";
import { retryAfterMs } from "../lib/retry-after.ts";
import { trustInAddition } from "./authority.ts";

export interface HttpRequest {
  method: "GET" | "POST";
  headers: Record<string, string>;
  body?: string;
  /** The certificate of a private authority (PEM), trusted in addition to the public ones. */
  authority?: Buffer | undefined;
  /** The only way to stop the request. */
  signal: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  /** The wait that the server requested with Retry-After. */
  retryAfterMs: number | undefined;
  text: string;
}

/** No expected answer is this long. */
const mostBytes = 1_000_000;

/**
 * Sends one request without the driver. Redirects are not followed, because the request carries a credential.
 * @throws Node's own errors, and AbortError when the signal aborts
 */
export async function sendRequest(url: URL, { method, headers, body, authority, signal }: HttpRequest): Promise<HttpAnswer> {
  // `ca` makes Node's pool keep connections with different trust apart.
  const trust = authority ? { ca: authority, secureContext: await trustInAddition(authority) } : {};
  return await new Promise<HttpAnswer>((resolve, reject) => {
    const options: RequestOptions & SecureContextOptions & { secureContext?: SecureContext } = {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }) },
      signal,
      ...trust,
    };
    const outgoing = (url.protocol === "http:" ? plainRequest : request)(url, options, (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on("data", (part: Buffer) => {
        bytes += part.length;
        parts.push(part);
        if (bytes > mostBytes) response.destroy(new Error(`the answer is longer than ${mostBytes} bytes`));
      });
      response.on("error", reject);
      response.on("end", () => {
        resolve({
          status: response.statusCode ?? 0,
          retryAfterMs: retryAfterMs(response.headers["retry-after"]),
          text: Buffer.concat(parts).toString("utf8"),
        });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
