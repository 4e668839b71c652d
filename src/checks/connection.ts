import { connect as connectTcp, isIP, type Socket } from "node:net";
import type { SecureContext, TLSSocket } from "node:tls";
import { errorText } from "../lib/error-text.ts";
import { type HttpProxy, proxyFor } from "../lib/proxy/choice.ts";
import { forwardsOnly, type ProxyFailure, proxyFailureIn } from "../lib/proxy/failure.ts";
import { isUnknownAuthority, systemCode } from "../lib/unknown-authority.ts";
import { endOf, type Finding, type MeasuredCheck, milliseconds, type RunCheck } from "./run-check.ts";

/** The other end of a connection. */
export interface Peer {
  host: string;
  port: number;
  tls: boolean;
  /** A private certificate authority (PEM); the only one that the client trusts. */
  ca?: Buffer;
  /** What the client trusts, if that is more than one authority. */
  trust?: SecureContext;
  /** The certificate may also be for this name: servers of a group are often known by number. */
  alsoNamed?: string;
  /** What the connection goes through. */
  proxy?: HttpProxy;
}

const protocols = { h2: "HTTP/2", "http/1.1": "HTTP/1.1" };
/** The HTTP versions that a server can negotiate, in their usual notation. */
export type HttpProtocol = (typeof protocols)[keyof typeof protocols];

export interface ConnectionLimits {
  /** A certificate that expires sooner is a warning. */
  leastDays: number;
  /** Where the certificate of a private authority can be configured. */
  authorityIn?: string;
  /** Checks which HTTP version the server negotiates, and requires `HTTP/2` if set. */
  http?: "any" | "HTTP/2";
}

const dayMs = 86_400_000;
const defaultTimeoutMs = 10_000;

/** @throws InvalidProxy */
export function peerOf(url: string): Peer {
  const { hostname, port, protocol } = new URL(url);
  const tls = protocol === "https:" || protocol === "rediss:";
  const usual = protocol.startsWith("redis") ? 6379 : tls ? 443 : 80;
  const proxy = proxyFor(url);
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || usual), tls, ...(proxy ? { proxy } : {}) };
}

/**
 * Checks the time to connect, without any request, and how long the certificate is valid.
 * @param peer if it has to be looked up first, it is looked up for each attempt
 */
export function checkConnection(
  check: RunCheck,
  id: string,
  title: string,
  peer: Peer | ((attempt: number) => Promise<Peer>),
  limits: ConnectionLimits,
  signal: AbortSignal,
): Promise<MeasuredCheck> {
  return check(
    id,
    title,
    async (attempt) => {
      const other = typeof peer === "function" ? await peer(attempt) : peer;
      const isApplication = limits.http !== undefined;
      const connected = await connect(other, { signal, asksProtocol: isApplication }).catch((error: unknown) =>
        notShown(other, proxyFailureIn(error), isApplication ? notReached(error, `${other.host}:${other.port}`) : error),
      );
      if ("verdict" in connected) return connected;
      const { tcpMs, tlsMs, certificate, protocol } = connected;
      const way = other.proxy ? `through the proxy ${other.proxy.address}: tunnel` : "TCP";
      const agreed = protocol ? `, ${protocol}` : "";
      const found: Finding =
        tlsMs === undefined
          ? { verdict: "passed", observed: `${way} ${milliseconds(tcpMs)}` }
          : {
              ...judgeCertificate(certificate, `${way} ${milliseconds(tcpMs)}, TLS ${milliseconds(tlsMs)}${agreed}`, limits),
              ...endOf("certificate", nameOf(other), certificate?.validTo),
            };
      if (found.verdict === "failed" || found.verdict === "error" || limits.http !== "HTTP/2" || protocol === "HTTP/2")
        return found;
      return {
        ...found,
        verdict: "failed",
        expected: "HTTP/2",
        message: `${tlsMs === undefined ? "Without TLS, browsers use HTTP/1.1" : "The server does not offer HTTP/2 (ALPN)"}, so a browser has only six connections. A proxy that terminates TLS may be the cause.`,
      };
    },
    { independent: true },
  );
}

/** Several servers of a host may have certificates of their own. */
function nameOf({ host, port }: Peer): string {
  return port === 443 ? host : `${host}:${port}`;
}

/** A proxy may forward plain requests and yet open no tunnel, in which a connection could be seen. @throws `error` otherwise */
function notShown({ tls }: Peer, failure: ProxyFailure | undefined, error: unknown): Finding {
  const { status = 0 } = failure ?? {};
  if (tls || !failure || !forwardsOnly(status)) throw error;
  return { verdict: "skipped", message: `${failure.message}. It forwards plain requests, which show no connection.` };
}

interface Certificate {
  validTo: number;
  /** Why it is not trusted, as OpenSSL's code. */
  distrust: string | undefined;
}

/** Explains the codes of OpenSSL and Node that are not about the authority. */
const causes: Readonly<Record<string, string>> = {
  CERT_NOT_YET_VALID: "it is not valid yet; compare the clocks of both machines",
  CERT_HAS_EXPIRED: "a certificate above it has expired",
  CERT_REVOKED: "it has been revoked",
  ERR_TLS_CERT_ALTNAME_INVALID: "it belongs to another host",
};

function judgeCertificate(
  certificate: Certificate | undefined,
  times: string,
  { leastDays, authorityIn = "the variable NODE_EXTRA_CA_CERTS" }: ConnectionLimits,
): Finding {
  const expected = `a trusted certificate, valid for ${leastDays} days or more`;
  if (!certificate) return { verdict: "error", observed: times, expected, message: "The server showed no certificate." };
  const days = Math.floor((certificate.validTo - Date.now()) / dayMs);
  const left = days < 0 ? `certificate expired ${-days} days ago` : `certificate valid for ${days} days`;
  const seen = { observed: `${times}, ${left}`, expected };
  if (days < 0)
    return { ...seen, verdict: "failed", message: "The certificate has expired: clients cannot connect. Renew it now." };
  if (certificate.distrust)
    return {
      ...seen,
      verdict: "failed",
      message: `The certificate is not trusted (${certificate.distrust}): ${causes[certificate.distrust] ?? `it is signed by an unknown authority. If that is a private one, name its PEM file in ${authorityIn}`}.`,
    };
  if (days < leastDays)
    return { ...seen, verdict: "degraded", message: "The certificate expires soon, so its renewal may be broken." };
  return { ...seen, verdict: "passed" };
}

/** Explains why a server that the user may have to start could not be reached. @param origin such as `http://localhost:3000` */
export function notReached(error: unknown, origin: string): Error {
  // What the proxy could not do says nothing about the server.
  if (error instanceof Error && proxyFailureIn(error)) return error;
  const said = errorText(error);
  const code = systemCode(error);
  const cure =
    code === "ECONNREFUSED"
      ? `Nothing listens at ${origin}. Start the application before, correct the address, or add it to servers, so that env-actions starts it.`
      : isUnknownAuthority(error)
        ? "The certificate is signed by an unknown authority. If that is a private one, name its PEM file in the variable NODE_EXTRA_CA_CERTS."
        : undefined;
  if (cure !== undefined)
    return new Error(`${said}${code && !said.includes(code) ? ` (${code})` : ""}. ${cure}`, { cause: error });
  return error instanceof Error ? error : new Error(said, { cause: error });
}

/** Connects once, sends nothing, and closes. @throws Error if nothing answers in time */
export async function connect(
  peer: Peer,
  {
    signal,
    asksProtocol = false,
    timeoutMs = defaultTimeoutMs,
  }: { signal: AbortSignal; asksProtocol?: boolean; timeoutMs?: number },
): Promise<{ tcpMs: number; tlsMs?: number; certificate?: Certificate | undefined; protocol?: HttpProtocol | undefined }> {
  // Loaded before the clock starts, and only if it is needed.
  const tls = peer.tls ? await import("node:tls") : undefined;
  const waiting = { deadline: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]), timeoutMs, signal, peer };
  const started = performance.now();
  const socket = peer.proxy ? await tunnel(peer, peer.proxy, waiting) : connectTcp({ host: peer.host, port: peer.port });
  try {
    if (!peer.proxy) await opened(socket, "connect", waiting);
    const tcpMs = performance.now() - started;
    if (!tls) return { tcpMs };
    // An IP address has no server name to send, but the certificate must contain it.
    const name = [peer.host, peer.alsoNamed].find((host) => host !== undefined && isIP(host) === 0);
    const named = name === undefined ? {} : { servername: name };
    // An expired certificate has to be read, so it must not end the connection. Nothing is ever sent on it.
    const secure = tls.connect({
      socket,
      host: peer.host,
      ...named,
      checkServerIdentity: (_, certificate) => {
        const wrong = tls.checkServerIdentity(peer.host, certificate);
        return wrong && (peer.alsoNamed === undefined || tls.checkServerIdentity(peer.alsoNamed, certificate))
          ? wrong
          : undefined;
      },
      ...(asksProtocol ? { ALPNProtocols: Object.keys(protocols) } : {}),
      ...(peer.ca ? { ca: peer.ca } : {}),
      ...(peer.trust ? { secureContext: peer.trust } : {}),
      rejectUnauthorized: false,
    });
    await opened(secure, "secureConnect", waiting);
    return {
      tcpMs,
      tlsMs: performance.now() - started - tcpMs,
      certificate: certificateOf(secure),
      protocol: protocolOf(secure),
    };
  } finally {
    socket.destroy();
  }
}

async function tunnel(peer: Peer, proxy: HttpProxy, waiting: Waiting): Promise<Socket> {
  const { openTunnel } = await import("../lib/proxy/tunnel.ts");
  return await openTunnel(proxy, peer, waiting.deadline).catch((error: unknown) => {
    throw waiting.deadline.aborted ? lateness(waiting) : error;
  });
}

function protocolOf({ alpnProtocol }: TLSSocket): HttpProtocol | undefined {
  return alpnProtocol === "h2" || alpnProtocol === "http/1.1" ? protocols[alpnProtocol] : undefined;
}

function certificateOf(socket: TLSSocket): Certificate | undefined {
  const validTo = Date.parse(socket.getPeerCertificate().valid_to ?? "");
  // OpenSSL's code, although the types say otherwise.
  const distrust: unknown = socket.authorizationError;
  return Number.isNaN(validTo)
    ? undefined
    : {
        validTo,
        distrust: socket.authorized ? undefined : errorText(distrust),
      };
}

interface Waiting {
  /** Our own time limit or the stage's. */
  deadline: AbortSignal;
  timeoutMs: number;
  /** Only the stage's. */
  signal: AbortSignal;
  peer: Peer;
}

/** Our own time limit, or the stage's: then the real time is unknown. */
function lateness({ peer, signal, timeoutMs }: Waiting): Error {
  const server = `${peer.host}:${peer.port}`;
  if (!signal.aborted) return new Error(`${server} did not respond within ${milliseconds(timeoutMs)}.`);
  return signal.reason instanceof Error && signal.reason.name !== "TimeoutError"
    ? signal.reason
    : new Error(`${server} had not responded when the stage's budget ended.`);
}

function opened(socket: Socket, event: "connect" | "secureConnect", waiting: Waiting): Promise<void> {
  const { deadline, peer } = waiting;
  return new Promise((resolve, reject) => {
    const late = () => reject(lateness(waiting));
    if (deadline.aborted) return late();
    deadline.addEventListener("abort", late, { once: true });
    socket.once("error", reject);
    socket.once("close", () => reject(new Error(`${peer.host}:${peer.port} closed the connection.`)));
    socket.once(event, () => {
      deadline.removeEventListener("abort", late);
      resolve();
    });
  });
}
