import type { Agent } from "node:http";
import type { Environment } from "../../config/schema.ts";
import { errorText } from "../../lib/error-text.ts";
import { pattern } from "../../lib/pattern.ts";
import { anyProxy } from "../../lib/proxy/choice.ts";
import { type Pace, type RouteGuard, whyNotSent, withHeaders } from "../api/client.ts";
import type { Origins } from "../api/origins.ts";
import { notReached } from "../connection.ts";
import type { CheckContext } from "../kind.ts";
import {
  type MeasuredCheck,
  measured,
  milliseconds,
  numberedIds,
  type RunCheck,
  type RunningCheck,
  type Shared,
  slug,
} from "../run-check.ts";

export interface SocketPorts {
  url: string;
  path: string;
  headers: Readonly<Record<string, string>>;
  signal: AbortSignal;
  /** Set in read-only environments. */
  readOnly?: RouteGuard;
  /** Shared by all checks of a stage; without it there is no wait. */
  pace?: Pace;
  /** Shared by all checks of a stage; without it every connection is opened. */
  origins?: Origins;
}

interface Meeting {
  outcome: "connected" | "refused";
  text: string;
  durationMs: number;
}

type WebsocketSettings = NonNullable<Environment["websocket"]>;

/** Neither Socket.IO nor ws says otherwise that the server answered without opening a WebSocket. */
const plainAnswer = /^Unexpected server response: (\d{3})$/;

/** The server answered, and there is no such route: a finding, and no failure to look. */
class NoSocketThere extends Error {
  override name = "NoSocketThere";
}

function noSocket(url: string, error: Error): Error {
  const status = Number(plainAnswer.exec(error.message)?.[1]);
  if (status === 404 || status === 410) return new NoSocketThere(`No WebSocket at ${url}: ${error.message}`);
  return new Error(`No WebSocket at ${url}: ${errorText(notReached(error, new URL(url).origin))}`, { cause: error });
}

/** Runs checks for which a missing route is a finding. */
function seeing(check: RunCheck): RunCheck {
  return (id, title, probe, options) =>
    check(
      id,
      title,
      async (attempt) => {
        try {
          return await probe(attempt);
        } catch (error) {
          if (!(error instanceof NoSocketThere)) throw error;
          return { verdict: "failed", expected: "a WebSocket", message: error.message, independent: true };
        }
      },
      options,
    );
}

export async function prepare({ namespaces }: WebsocketSettings): Promise<void> {
  if (namespaces.length > 0) await import("socket.io-client");
}

/** Checks each namespace with and without a token, and with a wrong one; and each plain WebSocket. */
export function run({ check, sockets, limits, signIn }: CheckContext, { namespaces, plain }: WebsocketSettings): RunningCheck[] {
  const token = signIn && (async (attempt?: number) => (await signIn.minted(attempt)).token);
  const limitMs = limits.websocketConnect;
  const [idsOfNamespaces, idsOfPlain] = [namespaceIds(namespaces), plainIds(plain)];
  return [
    ...namespaces.flatMap((name, index) => {
      const id = idsOfNamespaces[index] ?? namespaceId(name);
      return [checkNamespace(check, sockets, name, limitMs, token, id), checkWrongToken(check, sockets, name, limitMs, id)];
    }),
    ...plain.map((socket, index) => checkPlainSocket(check, sockets, socket, limitMs, idsOfPlain[index] ?? plainId(socket.path))),
  ];
}

/** Socket.IO's answer for a namespace that doesn't exist. */
const unknownNamespace = "Invalid namespace";
const wrongToken = /token|authentication|unauthorized|forbidden|jwt/i;
const missingToken = /token required|authentication|unauthorized/i;

/**
 * Checks that a namespace answers in time. With a token it must connect. Without one a refusal proves that it is alive, and
 * acceptance is a finding.
 * @param token resolves to the token to sign in with; `undefined` to be refused on purpose
 */
export function checkNamespace(
  check: RunCheck,
  ports: SocketPorts,
  namespace: string,
  limitMs: number,
  token: Shared<string> | undefined,
  id = namespaceId(namespace),
): Promise<MeasuredCheck> {
  return seeing(check)(id, `WebSocket ${namespace}`, async (attempt) => {
    const expected = `${token ? "connect" : "refusal without a token"} in < ${milliseconds(limitMs)}`;
    const { outcome, text, durationMs } = await meet(ports, namespace, limitMs * 2, await token?.(attempt));
    const observed = `${outcome}${text ? ` (${text})` : ""} in ${milliseconds(durationMs)}`;
    const late = durationMs >= limitMs;
    if (text === unknownNamespace)
      return { verdict: "failed", observed, expected, message: `The server runs, but has no namespace ${namespace}.` };
    if (token && outcome === "refused")
      return { verdict: "failed", observed, expected, message: "The server refused a fresh token." };
    if (!token && outcome === "connected")
      return {
        verdict: "failed",
        observed,
        expected,
        independent: true,
        message: "The server accepts clients without a token.",
      };
    if (!token && !missingToken.test(text))
      return {
        verdict: "error",
        observed,
        expected,
        message: "The server refused, but the reason does not prove that it checks tokens.",
      };
    const latency = measured([durationMs]);
    if (late) return { verdict: "failed", observed, expected, ...latency, message: "The WebSocket responds, but too slowly." };
    return { verdict: "passed", observed, expected, ...latency };
  });
}

/** An invalid token must be refused: a namespace that accepts any text only looks protected. */
export function checkWrongToken(
  check: RunCheck,
  ports: SocketPorts,
  namespace: string,
  limitMs: number,
  id = namespaceId(namespace),
): Promise<MeasuredCheck> {
  return seeing(check)(`${id}.wrong-token`, `WebSocket ${namespace} refuses a wrong token`, async () => {
    const { outcome, text } = await meet(ports, namespace, limitMs * 2, "env-actions-wrong-token");
    const expected = "refusal";
    const observed = `${outcome}${text ? ` (${text})` : ""}`;
    if (outcome === "connected")
      return {
        verdict: "failed",
        observed,
        expected,
        independent: true,
        message: "Anyone can connect: the token is not checked.",
      };
    if (text === unknownNamespace)
      return { verdict: "failed", observed, expected, message: `The server runs, but has no namespace ${namespace}.` };
    if (!wrongToken.test(text))
      return {
        verdict: "error",
        observed,
        expected,
        message: "The server refused, but the reason does not prove that it checks tokens.",
      };
    return { verdict: "passed", observed, expected };
  });
}

function namespaceId(namespace: string): string {
  return `websocket${namespace.replaceAll("/", ".")}`;
}

/** One id per namespace; those that differ only in slashes would share one. */
export function namespaceIds(namespaces: readonly string[]): string[] {
  return numberedIds(namespaces.map(namespaceId));
}

/** Checks a WebSocket without Socket.IO: opens it, waits for a message if one is expected, and closes it. */
export function checkPlainSocket(
  check: RunCheck,
  ports: SocketPorts,
  socket: { path: string; message?: string | undefined },
  limitMs: number,
  id = plainId(socket.path),
): Promise<MeasuredCheck> {
  return seeing(check)(id, `WebSocket ${socket.path} without Socket.IO`, async () => {
    const expected = `${socket.message === undefined ? "open" : `a message that matches ${socket.message}`} in < ${milliseconds(limitMs)}`;
    const durationMs = await meetPlainly(ports, socket, limitMs * 2);
    const observed = `${socket.message === undefined ? "open" : "message"} after ${milliseconds(durationMs)}`;
    const latency = measured([durationMs]);
    return durationMs < limitMs
      ? { verdict: "passed", observed, expected, ...latency }
      : { verdict: "failed", observed, expected, ...latency, message: "The WebSocket responds, but too slowly." };
  });
}

function plainId(path: string): string {
  return `websocket.plain.${slug(path) || "root"}`;
}

/** One id each; the same path may be listed several times, for different messages. */
export function plainIds(sockets: readonly { path: string }[]): string[] {
  return numberedIds(sockets.map(({ path }) => plainId(path)));
}

/** Later messages are not part of a server's greeting. */
const mostMessages = 20;

/** How long to wait for the server to close. Node's own WebSocket would wait without end and keep the process alive. */
const partingMs = 500;

/** @returns the milliseconds until it was open, or until the expected message @throws if neither came in time */
async function meetPlainly(
  ports: SocketPorts,
  { path, message }: { path: string; message?: string | undefined },
  timeoutMs: number,
): Promise<number> {
  const url = addressOf(ports, path);
  const [{ WebSocket }, agent] = await Promise.all([import("ws"), agentOf(url)]);
  await ports.origins?.admit(withHeaders(ports.headers, {}).origin);
  await ports.pace?.turn(ports.signal);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const deadline = AbortSignal.any([ports.signal, AbortSignal.timeout(timeoutMs)]);
  const started = performance.now();
  // In a variable, because the types don't have closeTimeout yet.
  const options = { headers: ports.headers, closeTimeout: partingMs, ...agent };
  const socket = new WebSocket(url, options);
  try {
    return await new Promise<number>((resolve, reject) => {
      const met = () => resolve(performance.now() - started);
      let messages = 0;
      deadline.addEventListener("abort", () => reject(lateness(ports.signal, timeoutMs)), { once: true });
      if (deadline.aborted) reject(lateness(ports.signal, timeoutMs));
      // Stays attached: closing a socket before it is open raises an error too.
      socket.on("error", (error) => reject(noSocket(url.href, error)));
      socket.on("close", (code) => reject(new Error(`${url.href} was closed by the server (code ${code}).`)));
      if (message === undefined) {
        socket.on("open", met);
        return;
      }
      socket.on("message", (data) => {
        if (pattern(message).test(String(data))) met();
        else if (++messages === mostMessages) reject(new Error(`None of ${mostMessages} messages matches ${message}.`));
      });
    });
  } finally {
    socket.close();
  }
}

/** The option for a proxy, if a variable names one. */
async function agentOf(address: URL): Promise<{ agent?: Agent }> {
  const agent = anyProxy() ? (await import("../../lib/proxy/agents.ts")).agentFor(address) : undefined;
  return agent ? { agent } : {};
}

/** @throws Error if it is on another host */
function addressAt({ url }: SocketPorts, path: string): URL {
  const address = new URL(path, url);
  // `//elsewhere/path` is a URL too; headers and tokens are for this host alone.
  if (address.origin !== new URL(url).origin) throw new Error(`${path} leads to another host than ${url}; nothing was sent.`);
  return address;
}

/** @throws Error if it is on another host, or must not be called in a read-only environment */
function addressOf(ports: SocketPorts, path: string): URL {
  const address = addressAt(ports, path);
  const refusal = ports.readOnly && whyNotSent(ports.readOnly, address, { method: "GET", headers: ports.headers });
  if (refusal) throw new Error(`${path} was refused before sending: this environment is read-only, and ${refusal}.`);
  return address;
}

function lateness(signal: AbortSignal, timeoutMs: number): unknown {
  return signal.aborted ? signal.reason : new Error(`The WebSocket did not respond within ${milliseconds(timeoutMs)}.`);
}

/** Connects once and closes again, whatever happens. */
async function meet(ports: SocketPorts, namespace: string, timeoutMs: number, token: string | undefined): Promise<Meeting> {
  const address = addressAt(ports, namespace);
  addressOf(ports, ports.path);
  const [{ io }, agent] = await Promise.all([import("socket.io-client"), agentOf(address)]);
  await ports.origins?.admit(withHeaders(ports.headers, {}).origin);
  await ports.pace?.turn(ports.signal);
  const started = performance.now();
  const socket = io(address.href, {
    path: ports.path,
    transports: ["websocket"],
    reconnection: false,
    forceNew: true,
    timeout: timeoutMs,
    extraHeaders: { ...ports.headers },
    // Its types only know agents of browsers.
    ...(agent as object),
    ...(token ? { auth: { token } } : {}),
  });
  try {
    return await new Promise<Meeting>((resolve, reject) => {
      const met = (outcome: Meeting["outcome"], text: string) =>
        resolve({ outcome, text, durationMs: performance.now() - started });
      const ended = () => reject(lateness(ports.signal, timeoutMs));
      const deadline = AbortSignal.any([ports.signal, AbortSignal.timeout(timeoutMs)]);
      deadline.addEventListener("abort", ended, { once: true });
      // A signal that has already aborted sends no event.
      if (deadline.aborted) ended();
      socket.once("connect", () => met("connected", ""));
      socket.once("connect_error", (error) => {
        // A transport failure is not the server's answer; only its own refusal is.
        if (error.message === "websocket error" || error.message === "xhr poll error" || error.message === "timeout")
          reject(noSocket(`${ports.url}${ports.path}`, described(error)));
        else met("refused", error.message);
      });
    });
  } finally {
    socket.disconnect();
  }
}

/** Socket.IO keeps the error of its transport in an event. */
function described(error: Error & { description?: unknown }): Error {
  const details = error.description as { message?: string; error?: unknown } | undefined;
  if (details?.error instanceof Error) return details.error;
  return details?.message === undefined ? error : new Error(details.message, { cause: error });
}
