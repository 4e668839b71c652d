import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { type Claim, excerpt, jsonAt, meetsClaim, parseAnswer, shortValue } from "../config/assertion.ts";

/** Why one probe found the server not ready. */
export interface NotReady {
  /** Phrased to follow the address: `answered 503`. */
  seen: string;
  /** Nothing listens there, so probing again is cheap. */
  refused: boolean;
}

/** Probes a server once: `undefined` if it is ready. Ends with the signal, and never rejects. */
export type Probe = (signal: AbortSignal) => Promise<NotReady | undefined>;

/** Protects memory from endless responses. In bytes. */
const largestAnswer = 1_000_000;

interface Answer {
  status: number;
  location: string | undefined;
  /** Empty unless the body was requested; cut at the largest size. */
  text: string;
}

/** If its connection queue is full, even this machine doesn't answer. */
const listenMs = 1_000;

/**
 * Whether anybody listens on this machine. Cheap enough to ask all the time: only a connection is opened, and nothing is sent.
 */
export function isListening(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port });
  const opened = () => {
    socket.destroy();
    resolve(true);
  };
  socket.on("error", () => resolve(false));
  socket.once("connect", opened);
  socket.setTimeout(listenMs, opened);
  return promise;
}

/** Ready when a connection is accepted. */
export function probePort(host: string, port: number): Probe {
  return (signal) => {
    const { promise, resolve } = Promise.withResolvers<NotReady | undefined>();
    const socket = connect({ host, port, signal });
    socket.on("error", (error) => resolve(unreachable(error)));
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
    return promise;
  };
}

export interface ExpectedAnswer {
  status: readonly number[];
  json: readonly Claim[];
}

/** @param address where to connect, while the request keeps the name from the URL; the name's own address if absent */
export function probeUrl(url: URL, address: string | undefined, { status, json }: ExpectedAnswer): Probe {
  return async (signal) => {
    const answer = await ask(url, address, json.length > 0, signal);
    if ("refused" in answer) return answer;
    if (!status.includes(answer.status)) return answered(`${answer.status}${whereTo(answer)}`);
    const body = parseAnswer(answer.text);
    const broken = json.find((claim) => !meetsClaim(claim, jsonAt(body, claim.path)));
    if (!broken) return undefined;
    if (body === undefined) return answered(`${answer.status}, but the answer is not JSON: ${excerpt(answer.text)}`);
    return answered(`${answer.status}, but ${broken.path} is ${shortValue(jsonAt(body, broken.path))}`);
  };
}

/** The URL of the Socket.IO handshake: below `/socket.io/`, unless the address has a path of its own. */
export function handshakeUrl(server: string): URL {
  const url = new URL(server);
  if (url.pathname === "/") url.pathname = "/socket.io/";
  url.searchParams.set("EIO", "4");
  url.searchParams.set("transport", "polling");
  return url;
}

/** Engine.IO's error if only WebSocket is allowed. Nothing else sends this error, so the server is up. */
const transportUnknown = 0;

/** Ready after an Engine.IO 4 handshake, which Socket.IO 3 and 4 use: an open packet with a session id. */
export function probeSocketIo(handshake: URL, address: string | undefined): Probe {
  return async (signal) => {
    const answer = await ask(handshake, address, true, signal);
    if ("refused" in answer) return answer;
    const { status, text } = answer;
    const opened = text.startsWith("0") && typeof jsonAt(parseAnswer(text.slice(1)), "$.sid") === "string";
    if (status === 200 && opened) return undefined;
    if (status === 400 && jsonAt(parseAnswer(text), "$.code") === transportUnknown) return undefined;
    return answered(`${status}${whereTo(answer)}, but the answer is not from Socket.IO: ${excerpt(text)}`);
  };
}

function answered(what: string): NotReady {
  return { seen: `answered ${what}`, refused: false };
}

function whereTo({ location }: Answer): string {
  return location === undefined ? "" : ` (to ${excerpt(location)})`;
}

/** Doesn't follow redirects: their target may be up while this server is not. */
function ask(url: URL, address: string | undefined, withBody: boolean, signal: AbortSignal): Promise<Answer | NotReady> {
  const { promise, resolve } = Promise.withResolvers<Answer | NotReady>();
  const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, {
    ...(address ? { hostname: address, headers: { host: url.host }, servername: url.hostname } : {}),
    agent: false,
    signal,
  });
  const failed = (error: Error) => resolve(unreachable(error));
  request.on("error", failed);
  request.once("response", (response) => {
    const answer = { status: response.statusCode ?? 0, location: response.headers.location };
    let text = "";
    const done = () => {
      resolve({ ...answer, text });
      // A stream of events never ends, and the status is enough.
      response.destroy();
    };
    if (!withBody) return done();
    response.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (text.length > largestAnswer) done();
    });
    response.on("error", failed).once("end", done);
  });
  request.end();
  return promise;
}

const speaksNoTls = new Set(["EPROTO", "ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_PACKET_LENGTH_TOO_LONG"]);
const untrusted = /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT_)/;

function unreachable(error: NodeJS.ErrnoException): NotReady {
  const code = error.code ?? "";
  return { seen: inWords(code, error.message), refused: code === "ECONNREFUSED" };
}

function inWords(code: string, message: string): string {
  if (code === "ECONNREFUSED") return "refused the connection";
  if (code === "ECONNRESET") return "closed the connection without an answer";
  if (code.startsWith("HPE_")) return `answered with something that is not HTTP (${message})`;
  if (speaksNoTls.has(code)) return "answered without TLS: if the server speaks plain HTTP, write http:// in place of https://";
  if (untrusted.test(code))
    return `has a certificate that is not trusted (${message}): set NODE_EXTRA_CA_CERTS to the file of its certificate authority`;
  return `could not be reached: ${message}`;
}

/** All four, because on some systems a listener on one of them doesn't block another. */
const addresses = ["127.0.0.1", "::1", "0.0.0.0", "::"];

export type PortState = "free" | "taken" | "unknown";

async function stateAt(host: string, port: number): Promise<PortState> {
  const { promise, resolve } = Promise.withResolvers<PortState>();
  const server = createServer();
  server.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EADDRINUSE") resolve("taken");
    // This machine doesn't have the address (IPv6 is often off), so nothing can hold the port there.
    else if (error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT") resolve("free");
    else resolve("unknown");
  });
  server.listen({ host, port, exclusive: true, ipv6Only: host === "::" }, () => server.close(() => resolve("free")));
  return promise;
}

/** Whether a server could listen on the port now. `unknown` if we may not try, as on ports below 1024. */
export async function portState(port: number): Promise<PortState> {
  let whole: PortState = "free";
  for (const address of addresses) {
    const state = await stateAt(address, port);
    if (state === "taken") return "taken";
    if (state === "unknown") whole = "unknown";
  }
  return whole;
}

/** The last state seen: `free` as soon as it is, otherwise the state after `withinMs`. */
export async function waitUntilFree(port: number, withinMs: number): Promise<PortState> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const state = await portState(port);
    if (state !== "taken" || performance.now() >= deadline) return state;
    await delay(20);
  }
}
