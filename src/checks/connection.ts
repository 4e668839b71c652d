import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Check } from "../model.ts";
import { type Finding, look, milliseconds } from "./check.ts";

/** Where a connection is set up. */
export interface Peer {
  host: string;
  port: number;
  tls: boolean;
  /** A private certificate authority (PEM). */
  ca?: Buffer;
}

const dayMs = 86_400_000;
const timeoutMs = 10_000;

export function peerOf(url: string): Peer {
  const { hostname, port, protocol } = new URL(url);
  const tls = protocol === "https:";
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || (tls ? 443 : 80)), tls };
}

/**
 * What it costs to connect, apart from any answer, and how long the certificate is still good.
 * @param leastDays a certificate that ends sooner is a warning
 */
export function checkConnection(
  id: string,
  title: string,
  peer: Peer | Promise<Peer>,
  leastDays: number,
  signal: AbortSignal,
): Promise<Check> {
  return look(id, title, async () => {
    const { tcpMs, tlsMs, certificate } = await connect(await peer, signal);
    if (tlsMs === undefined) return { verdict: "passed", observed: `TCP ${milliseconds(tcpMs)}` };
    return judgeCertificate(certificate, `TCP ${milliseconds(tcpMs)}, TLS ${milliseconds(tlsMs)}`, leastDays);
  });
}

interface Certificate {
  validTo: number;
  /** Why it is not trusted, as OpenSSL names it. */
  distrust: string | undefined;
}

function judgeCertificate(certificate: Certificate | undefined, times: string, leastDays: number): Finding {
  const expected = `a trusted certificate for ${leastDays} days or more`;
  if (!certificate) return { verdict: "error", observed: times, expected, message: "The server showed no certificate." };
  const days = Math.floor((certificate.validTo - Date.now()) / dayMs);
  const left = days < 0 ? `certificate over since ${-days} days` : `certificate good for ${days} days`;
  const seen = { observed: `${times}, ${left}`, expected };
  if (days < 0) return { ...seen, verdict: "failed", message: "The certificate is over: no client will connect. Renew it now." };
  if (certificate.distrust)
    return {
      ...seen,
      verdict: "failed",
      message: `The certificate is not trusted (${certificate.distrust}): wrong host name, or an authority that is not known here.`,
    };
  if (days < leastDays)
    return { ...seen, verdict: "degraded", message: "The certificate ends soon, so its renewal may be broken." };
  return { ...seen, verdict: "passed" };
}

/** Connects once, sends nothing, and closes. @throws where nobody answers in time */
async function connect(
  peer: Peer,
  signal: AbortSignal,
): Promise<{ tcpMs: number; tlsMs?: number; certificate?: Certificate | undefined }> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const started = performance.now();
  const socket = connectTcp({ host: peer.host, port: peer.port });
  try {
    await opened(socket, "connect", deadline, peer);
    const tcpMs = performance.now() - started;
    if (!peer.tls) return { tcpMs };
    // An address has no server name to ask for, but the certificate must name it all the same.
    const named = /^[\d.]+$|:/.test(peer.host) ? {} : { servername: peer.host };
    // An expired certificate is to be read, not to be met with a closed door. Nothing is ever sent on this connection.
    const secure = connectTls({
      socket,
      host: peer.host,
      ...named,
      ...(peer.ca ? { ca: peer.ca } : {}),
      rejectUnauthorized: false,
    });
    await opened(secure, "secureConnect", deadline, peer);
    return { tcpMs, tlsMs: performance.now() - started - tcpMs, certificate: certificateOf(secure) };
  } finally {
    socket.destroy();
  }
}

function certificateOf(socket: TLSSocket): Certificate | undefined {
  const validTo = Date.parse(socket.getPeerCertificate().valid_to ?? "");
  // Named as the code of OpenSSL, whatever the types say.
  const distrust: unknown = socket.authorizationError;
  return Number.isNaN(validTo)
    ? undefined
    : {
        validTo,
        distrust: socket.authorized ? undefined : distrust instanceof Error ? distrust.message : String(distrust),
      };
}

function opened(socket: Socket, event: "connect" | "secureConnect", deadline: AbortSignal, peer: Peer): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = () =>
      reject(
        deadline.reason instanceof Error && deadline.reason.name !== "TimeoutError"
          ? deadline.reason
          : new Error(`${peer.host}:${peer.port} did not answer within ${milliseconds(timeoutMs)}.`),
      );
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
