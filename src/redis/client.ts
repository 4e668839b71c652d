import { isIP, Socket } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import type { Redis } from "ioredis";
import { isUnknownAuthority } from "../lib/unknown-authority.ts";
import { type Address, addressText, type SignIn } from "./address.ts";
import { cancelled, RedisFailure, unreachable } from "./failure.ts";

const connectTimeoutMs = 5_000;

export interface Connected {
  client: Redis;
  socket: Socket;
}

/**
 * A connection that is open, with TLS if asked for, and has sent nothing yet. Nobody reads from its socket, which is paused.
 * By default ioredis would reconnect, resend unanswered commands, and continue in database 0 if SELECT is refused; none of that
 * is safe for deletes. So it only opens and closes the connection.
 * @throws RedisFailure
 */
export async function connected(address: Address, { tls }: SignIn, signal: AbortSignal): Promise<Connected> {
  const { host, port } = address;
  // Uses the default export, because webpack finds no named ones on a module that is a function.
  const { default: ioredis } = await import("ioredis");
  const client = new ioredis.Redis({
    host,
    port,
    protocol: 2,
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    retryStrategy: () => null,
    maxRetriesPerRequest: null,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    disableClientInfo: true,
    ...(tls
      ? {
          tls: {
            ...(tls.authority === undefined ? {} : { ca: tls.authority }),
            ...serverName([host, tls.name]),
            // A cluster node is often known by number only, and has a certificate for the configured name.
            checkServerIdentity: (_name: string, certificate: PeerCertificate) => {
              const wrong = checkServerIdentity(host, certificate);
              return wrong && checkServerIdentity(tls.name, certificate) ? wrong : undefined;
            },
          },
        }
      : {}),
  });
  let lastError: unknown;
  const onError = (error: unknown) => {
    lastError = error;
  };
  const onAbort = () => disconnect(client);
  // Now, not when `connect()` returns: what a server says in between belongs to us.
  let socket: Socket | Error | undefined;
  client.once("connect", () => {
    try {
      socket = takeOver(client.stream);
    } catch (error) {
      socket = error as Error;
    }
  });
  // Without a listener, ioredis prints every connection error.
  client.on("error", onError);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await client.connect();
  } catch (error) {
    disconnect(client);
    if (signal.aborted) throw cancelled(signal);
    const cause = lastError ?? error;
    if (cause instanceof Error && cause.message.includes("ETIMEDOUT"))
      throw unreachable(`no connection to ${addressText(address)} within ${connectTimeoutMs / 1_000} s`);
    throw tls ? tlsFailure(cause) : unreachable(cause);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  if (!(socket instanceof Socket)) {
    disconnect(client);
    throw socket ?? new Error(`${notAsExpected}: it said nothing of the connection`);
  }
  client.off("error", onError);
  return { client, socket };
}

const notAsExpected = "cannot read from Redis, because ioredis is not as expected";

/** ioredis reads from the socket as soon as it is open. It sent no command, so no reply may reach it. @throws if there is nothing to take */
export function takeOver(stream: unknown): Socket {
  if (!(stream instanceof Socket)) throw new Error(`${notAsExpected}: its stream is no socket`);
  if (stream.listenerCount("data") !== 1)
    throw new Error(`${notAsExpected}: its socket has ${stream.listenerCount("data")} listeners for data instead of 1`);
  stream.removeAllListeners("data");
  stream.pause();
  return stream;
}

/** On an already closed client, ioredis waits two seconds for a close event that never comes, and keeps the process alive. */
export function disconnect(client: Redis): void {
  if (client.status !== "close" && client.status !== "end") client.disconnect();
}

/** TLS SNI only takes names, not IP addresses. */
function serverName(hosts: readonly string[]): { servername?: string } {
  const named = hosts.find((host) => isIP(host) === 0);
  return named === undefined ? {} : { servername: named };
}

/** A wrong certificate doesn't become valid by waiting. */
function tlsFailure(error: unknown): RedisFailure {
  const code = String((error as { code?: unknown } | null)?.code ?? "");
  if (!/CERT|SELF_SIGNED|ALTNAME|UNABLE_TO|ERR_SSL|EPROTO/.test(code)) return unreachable(error);
  const { message } = unreachable(error);
  const cure = isUnknownAuthority(error)
    ? ". Its certificate is signed by an authority that this machine does not know: name the authority's PEM file in redis.certificateAuthority"
    : "";
  return new RedisFailure("unreachable", `${message} (TLS, ${code})${cure}`, error, false);
}
