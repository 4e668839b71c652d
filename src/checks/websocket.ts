import type { Check } from "../model.ts";
import { look, milliseconds } from "./check.ts";
import { type RouteGuard, whyNotSent } from "./route-guard.ts";

export interface SocketPorts {
  url: string;
  path: string;
  headers: Readonly<Record<string, string>>;
  signal: AbortSignal;
  /** Set where nothing may be written. */
  readOnly?: RouteGuard;
}

interface Meeting {
  outcome: "connected" | "refused";
  text: string;
  durationMs: number;
}

/** What Socket.IO answers to a namespace that does not exist. */
const unknownNamespace = "Invalid namespace";
const missingToken = /token required|authentication|unauthorized/i;

/**
 * A namespace answers in time. With a token it must connect; without one its refusal is the proof of life, and being let in is
 * a finding.
 * @param token resolves to the token to sign in with; `undefined` to be refused on purpose.
 */
export function checkNamespace(
  ports: SocketPorts,
  namespace: string,
  limitMs: number,
  token: Promise<string> | undefined,
): Promise<Check> {
  return look(`websocket${namespace.replaceAll("/", ".")}`, `WebSocket ${namespace}`, async () => {
    const expected = `${token ? "connect" : "refusal without a token"} in < ${milliseconds(limitMs)}`;
    const { outcome, text, durationMs } = await meet(ports, namespace, limitMs * 2, await token);
    const observed = `${outcome}${text ? ` (${text})` : ""} in ${milliseconds(durationMs)}`;
    const late = durationMs >= limitMs;
    if (text === unknownNamespace)
      return { verdict: "failed", observed, expected, message: `The server runs, but has no namespace ${namespace}.` };
    if (token && outcome === "refused")
      return { verdict: "failed", observed, expected, message: "The server refused a fresh token." };
    if (!token && outcome === "connected")
      return { verdict: "failed", observed, expected, message: "The server lets a client in that has no token." };
    if (!token && !missingToken.test(text))
      return { verdict: "error", observed, expected, message: "The server refused, but for a reason that proves nothing." };
    if (late) return { verdict: "failed", observed, expected, message: "The WebSocket answers, but too slowly." };
    return { verdict: "passed", observed, expected };
  });
}

/** Connects once and closes again, whatever happens. */
async function meet(ports: SocketPorts, namespace: string, timeoutMs: number, token: string | undefined): Promise<Meeting> {
  const address = new URL(ports.path, ports.url);
  const refusal = ports.readOnly && whyNotSent(ports.readOnly, address, { method: "GET", headers: ports.headers });
  if (refusal) throw new Error(`${ports.path} was refused before sending: this environment is read-only, and ${refusal}.`);
  const { io } = await import("socket.io-client");
  const started = performance.now();
  const socket = io(new URL(namespace, ports.url).href, {
    path: ports.path,
    transports: ["websocket"],
    reconnection: false,
    forceNew: true,
    timeout: timeoutMs,
    extraHeaders: { ...ports.headers },
    ...(token ? { auth: { token } } : {}),
  });
  try {
    return await new Promise<Meeting>((resolve, reject) => {
      const met = (outcome: Meeting["outcome"], text: string) =>
        resolve({ outcome, text, durationMs: performance.now() - started });
      const ended = () =>
        reject(
          ports.signal.aborted
            ? ports.signal.reason
            : new Error(`The WebSocket did not answer within ${milliseconds(timeoutMs)}.`),
        );
      const deadline = AbortSignal.any([ports.signal, AbortSignal.timeout(timeoutMs)]);
      deadline.addEventListener("abort", ended, { once: true });
      // What is over already tells nobody any more.
      if (deadline.aborted) ended();
      socket.once("connect", () => met("connected", ""));
      socket.once("connect_error", (error) => {
        // A transport that fails is no answer of the server; only the server's own refusal is one.
        if (error.message === "websocket error" || error.message === "xhr poll error" || error.message === "timeout")
          reject(new Error(`No WebSocket at ${ports.url}${ports.path}: ${describe(error)}`));
        else met("refused", error.message);
      });
    });
  } finally {
    socket.disconnect();
  }
}

function describe(error: Error & { description?: unknown }): string {
  const details = error.description as { message?: string } | undefined;
  return details?.message ?? error.message;
}
