import { Agent, buildConnector, type Dispatcher, fetch } from "undici";
import { type HttpProxy, proxyFor } from "./choice.ts";
import { forwardsOnly, ProxyFailure, proxyFailureIn } from "./failure.ts";
import { markForwarded } from "./fetch.ts";
import { openTunnel } from "./tunnel.ts";

/** Loaded only if a variable names a proxy: Node's own `fetch` takes no connections from outside. */

type Init = Parameters<typeof fetch>[1];

/** Without a proxy too: with NODE_USE_ENV_PROXY, Node's own `fetch` reads NO_PROXY by other rules. */
const direct = new Agent();
const tunnels = new Map<string, Agent>();

export async function fetchThrough(url: URL, init: RequestInit | undefined): Promise<Response> {
  const proxy = proxyFor(url);
  const ask = async (dispatcher: Dispatcher) =>
    // The same interface, although its types are those of another version.
    (await fetch(url, { ...(init as Init), dispatcher })) as unknown as Response;
  if (!proxy) return await ask(direct);
  if (mustForward.has(forwardKey(proxy, url))) return await forwarded(proxy, url, ask);
  try {
    return await ask(tunnelling(proxy));
  } catch (error) {
    // In a tunnel every answer is the target's, so it is tried first.
    if (url.protocol !== "http:" || !forwardsOnly(proxyFailureIn(error)?.status ?? 0)) throw error;
    mustForward.add(forwardKey(proxy, url));
    return await forwarded(proxy, url, ask);
  }
}

function tunnelling(proxy: HttpProxy): Agent {
  const key = JSON.stringify(proxy);
  let agent = tunnels.get(key);
  if (!agent) {
    const addTls = buildConnector({});
    agent = new Agent({
      connect(options, callback) {
        const isSecure = options.protocol === "https:";
        const target = { host: options.hostname, port: Number(options.port || (isSecure ? 443 : 80)) };
        openTunnel(proxy, target).then(
          (httpSocket) => (isSecure ? addTls({ ...options, httpSocket }, callback) : callback(null, httpSocket)),
          (error: Error) => callback(error, null),
        );
      },
    });
    tunnels.set(key, agent);
  }
  return agent;
}

/** Pairs of proxy and target for which the proxy opens no tunnel. */
const mustForward = new Set<string>();
const forwardKey = (proxy: HttpProxy, url: URL) => `${proxy.address} ${url.origin}`;

/** What squid adds to answers of its own. Other proxies add nothing that a server behind them could not add too. */
const mark = "x-squid-error";

async function forwarded(proxy: HttpProxy, url: URL, ask: (dispatcher: Dispatcher) => Promise<Response>): Promise<Response> {
  const origin = `${proxy.tls ? "https" : "http"}://${proxy.hostname.includes(":") ? `[${proxy.hostname}]` : proxy.hostname}:${proxy.port}`;
  const forwarding = {
    dispatch: (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandlers) =>
      direct.dispatch(
        {
          ...options,
          origin,
          path: `${url.origin}${options.path}`,
          headers: {
            ...(options.headers as Record<string, string>),
            host: url.host,
            ...(proxy.authorization === undefined ? {} : { "proxy-authorization": proxy.authorization }),
          },
        },
        handler,
      ),
  };
  let response: Response;
  try {
    response = await ask(forwarding as unknown as Dispatcher);
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    if (code === undefined || !unconnected.has(code)) throw error;
    throw new ProxyFailure(proxy, target(url), { cause: (error as Error).cause });
  }
  const { status } = response;
  const isTheProxys = status === 407 || (status >= 400 && response.headers.has(mark));
  if (!isTheProxys) return markForwarded(response, proxy.address);
  await response.body?.cancel();
  throw new ProxyFailure(proxy, target(url), { status });
}

const unconnected: ReadonlySet<string> = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "EHOSTUNREACH"]);

function target(url: URL): string {
  return `${url.hostname}:${url.port || 80}`;
}
