import { type RequestOptions, request as requestPlainly } from "node:http";
import { request as requestSecurely } from "node:https";
import type { Socket } from "node:net";
import type { HttpProxy } from "./choice.ts";
import { ProxyFailure } from "./failure.ts";

/** Connections through a proxy with CONNECT: TLS then runs between us and the target, whose certificate is verified as ever. */

/** How long a proxy may take, in milliseconds, if the caller has no limit of its own. */
const usualLimitMs = 15_000;

/**
 * Opens a connection to the target. It carries nothing yet, also no TLS.
 * @param signal ends the attempt; its reason is thrown
 * @throws ProxyFailure
 */
export async function openTunnel(
  proxy: HttpProxy,
  { host, port }: { host: string; port: number },
  signal?: AbortSignal,
): Promise<Socket> {
  const target = `${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
  const limit = AbortSignal.timeout(usualLimitMs);
  const options: RequestOptions = {
    method: "CONNECT",
    host: proxy.hostname,
    port: proxy.port,
    path: target,
    headers: {
      host: target,
      connection: "keep-alive",
      "proxy-connection": "keep-alive",
      ...(proxy.authorization === undefined ? {} : { "proxy-authorization": proxy.authorization }),
    },
    // A pool would use its connections again, but this one becomes the target's.
    agent: false,
  };
  return await new Promise<Socket>((resolve, reject) => {
    const asked = (proxy.tls ? requestSecurely : requestPlainly)(options);
    const settle = () => {
      for (const one of [limit, signal]) one?.removeEventListener("abort", end);
    };
    const end = () => {
      settle();
      asked.destroy();
      reject(
        signal?.aborted
          ? signal.reason
          : new ProxyFailure(proxy, target, { cause: new Error(`no answer within ${usualLimitMs / 1000} s`) }),
      );
    };
    for (const one of [limit, signal]) one?.addEventListener("abort", end, { once: true });
    asked.on("error", (cause) => {
      settle();
      reject(new ProxyFailure(proxy, target, { cause }));
    });
    asked.once("connect", ({ statusCode: status = 0 }, socket: Socket, head) => {
      settle();
      if (status < 200 || status > 299) {
        socket.destroy();
        reject(new ProxyFailure(proxy, target, { status }));
        return;
      }
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    if (signal?.aborted) end();
    else asked.end();
  });
}
