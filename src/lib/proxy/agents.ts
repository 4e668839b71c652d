import { Agent as PlainAgent } from "node:http";
import { Agent as SecureAgent } from "node:https";
import { anyProxy, type HttpProxy, proxyFor } from "./choice.ts";
import { openTunnel } from "./tunnel.ts";

/** Agents of Node's own HTTP client, which also carry WebSockets and the driver of the warehouse. */

/** By protocol and proxy, so that connections are used again. */
const known = new Map<string, PlainAgent>();

/**
 * The agent for requests to this address; `undefined` stands for Node's usual one.
 * @throws InvalidProxy
 */
export function agentFor(address: URL | string): PlainAgent | undefined {
  if (!anyProxy()) return undefined;
  const isSecure = /^(?:https|wss):/.test(new URL(address).protocol);
  const proxy = proxyFor(address);
  const key = JSON.stringify([isSecure, proxy]);
  let agent = known.get(key);
  if (!agent) {
    // Without a proxy too: with NODE_USE_ENV_PROXY, Node's usual agent reads NO_PROXY by other rules.
    agent = new (isSecure ? SecureAgent : PlainAgent)({ keepAlive: true });
    if (proxy) throughProxy(agent, proxy);
    known.set(key, agent);
  }
  return agent;
}

/** Lets an agent connect through a proxy. Its own way to connect then adds TLS, with all of its options. */
export function throughProxy(agent: PlainAgent, proxy: HttpProxy): void {
  const connect = agent.createConnection.bind(agent);
  const isSecure = agent instanceof SecureAgent;
  agent.createConnection = (options, done) => {
    const { host, port } = options as { host?: string | null; port?: number | string | null };
    openTunnel(proxy, { host: host ?? "localhost", port: Number(port) }).then(
      (socket) => {
        const tunnelled: typeof options & { socket: typeof socket } = { ...options, socket };
        const made = isSecure ? connect(tunnelled) : socket;
        if (made) done?.(null, made);
      },
      // A connection that failed has no socket.
      (error: Error) => (done as ((error: Error) => void) | undefined)?.(error),
    );
    return undefined;
  };
}
