import { connect as connectTcp, isIP, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls, type SecureContext, type TLSSocket } from "node:tls";
import { errorText } from "../lib/error-text.ts";
import { type Finding, type MeasuredCheck, milliseconds, type RunCheck } from "./run-check.ts";

/** Where a connection is set up. */
export interface Peer {
  host: string;
  port: number;
  tls: boolean;
  /** A private certificate authority (PEM), the only one that its client trusts. */
  ca?: Buffer;
  /** What its client trusts, where that is more than one authority. */
  trust?: SecureContext;
  /** Its certificate may also be good for this name: servers of a group are often told by their numbers. */
  alsoNamed?: string;
}

const protocols = { h2: "HTTP/2", "http/1.1": "HTTP/1.1" };
/** As people write it, of those that a server of HTTP agrees to. */
export type HttpProtocol = (typeof protocols)[keyof typeof protocols];

export interface ConnectionLimits {
  /** A certificate that ends sooner is a warning. */
  leastDays: number;
  /** Asks a server of HTTP which one it speaks, and holds it to `HTTP/2`. */
  http?: "any" | "HTTP/2";
}

const dayMs = 86_400_000;
const defaultTimeoutMs = 10_000;

export function peerOf(url: string): Peer {
  const { hostname, port, protocol } = new URL(url);
  const tls = protocol === "https:" || protocol === "rediss:";
  const usual = protocol.startsWith("redis") ? 6379 : tls ? 443 : 80;
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || usual), tls };
}

/**
 * What it costs to connect, apart from any answer, and how long the certificate is still good.
 * @param peer where that has to be found out first, it is at each look
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
      const { tcpMs, tlsMs, certificate, protocol } = await connect(typeof peer === "function" ? await peer(attempt) : peer, {
        signal,
        asksProtocol: limits.http !== undefined,
      });
      const agreed = protocol ? `, ${protocol}` : "";
      const found: Finding =
        tlsMs === undefined
          ? { verdict: "passed", observed: `TCP ${milliseconds(tcpMs)}` }
          : judgeCertificate(certificate, `TCP ${milliseconds(tcpMs)}, TLS ${milliseconds(tlsMs)}${agreed}`, limits.leastDays);
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

interface Certificate {
  validTo: number;
  /** Why it is not trusted, as OpenSSL names it. */
  distrust: string | undefined;
}

/** What stands behind the codes of OpenSSL and Node that are not about the authority. */
const causes: Readonly<Record<string, string>> = {
  CERT_NOT_YET_VALID: "it is not valid yet; compare the clocks of both machines",
  CERT_HAS_EXPIRED: "a certificate above it has expired",
  CERT_REVOKED: "it has been revoked",
  ERR_TLS_CERT_ALTNAME_INVALID: "it belongs to another host",
};

function judgeCertificate(certificate: Certificate | undefined, times: string, leastDays: number): Finding {
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
      message: `The certificate is not trusted (${certificate.distrust}): ${causes[certificate.distrust] ?? "it is signed by an unknown authority"}.`,
    };
  if (days < leastDays)
    return { ...seen, verdict: "degraded", message: "The certificate expires soon, so its renewal may be broken." };
  return { ...seen, verdict: "passed" };
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
  const waiting = { deadline: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]), timeoutMs, signal, peer };
  const started = performance.now();
  const socket = connectTcp({ host: peer.host, port: peer.port });
  try {
    await opened(socket, "connect", waiting);
    const tcpMs = performance.now() - started;
    if (!peer.tls) return { tcpMs };
    // An address has no server name to ask for, but the certificate must name it all the same.
    const name = [peer.host, peer.alsoNamed].find((host) => host !== undefined && isIP(host) === 0);
    const named = name === undefined ? {} : { servername: name };
    // An expired certificate is to be read, not to be met with a closed door. Nothing is ever sent on this connection.
    const secure = connectTls({
      socket,
      host: peer.host,
      ...named,
      checkServerIdentity: (_, certificate) => {
        const wrong = checkServerIdentity(peer.host, certificate);
        return wrong && (peer.alsoNamed === undefined || checkServerIdentity(peer.alsoNamed, certificate)) ? wrong : undefined;
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

function protocolOf({ alpnProtocol }: TLSSocket): HttpProtocol | undefined {
  return alpnProtocol === "h2" || alpnProtocol === "http/1.1" ? protocols[alpnProtocol] : undefined;
}

function certificateOf(socket: TLSSocket): Certificate | undefined {
  const validTo = Date.parse(socket.getPeerCertificate().valid_to ?? "");
  // Named as the code of OpenSSL, whatever the types say.
  const distrust: unknown = socket.authorizationError;
  return Number.isNaN(validTo)
    ? undefined
    : {
        validTo,
        distrust: socket.authorized ? undefined : errorText(distrust),
      };
}

interface Waiting {
  /** Our own end of patience, or the stage's. */
  deadline: AbortSignal;
  timeoutMs: number;
  /** The stage's alone. */
  signal: AbortSignal;
  peer: Peer;
}

/** Ours is over, or that of the stage: then nobody knows how long it would have taken. */
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
