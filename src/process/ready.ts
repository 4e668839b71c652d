import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "../model.ts";

/** What makes a server ready: exactly one of url, tcp and log; without any, it is ready once it was started. */
export interface ReadyCondition {
  /** Must answer with one of `status` (200 if left out); redirects are not followed. */
  url?: string;
  status?: number[];
  /** A port on this machine that must accept a connection. */
  tcp?: number;
  /** A regular expression that a line of output must match. */
  log?: string;
  timeoutMs: number;
}

/** Between two looks. A refused connection costs this machine a fraction of a millisecond. */
const pauseMs = 10;

/** A first answer may take long (a page that is compiled on demand), so each look is given twice the time of the one before. */
const firstLookMs = 1_000;
const longestLookMs = 60_000;

const loopback = ["127.0.0.1", "::1"];

/** `undefined`: ready. Otherwise what was seen instead, for the message at the deadline. */
type Look = (signal: AbortSignal) => Promise<string | undefined>;

/** In words, for a message. */
export function describe(ready: ReadyCondition): string {
  if (ready.url !== undefined) return `${ready.url} to answer ${(ready.status ?? [200]).join(" or ")}`;
  if (ready.tcp !== undefined) return `port ${ready.tcp} to accept a connection`;
  if (ready.log !== undefined) return `a line of output that matches /${ready.log}/`;
  return "nothing";
}

/** The port on this machine where a ready server will listen, if the condition tells. */
export function localPort(ready: ReadyCondition): number | undefined {
  if (ready.tcp !== undefined) return ready.tcp;
  if (ready.url === undefined) return undefined;
  const url = new URL(ready.url);
  const here = isLocalhost(url.hostname) || url.hostname === "[::1]" || url.hostname.startsWith("127.");
  return here ? Number(url.port || (url.protocol === "https:" ? 443 : 80)) : undefined;
}

function isLocalhost(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost");
}

/** Waits for one condition. */
export interface ReadyWatch {
  /** Hand it every line of output. */
  onLine(line: string): void;
  /** Resolves when the condition holds. Rejects with the signal's reason. */
  wait(signal: AbortSignal): Promise<void>;
  /** What was seen last, in words. */
  lastSeen(): string;
}

/** Throws UserError when `log` is no regular expression. */
export function watchReady(ready: ReadyCondition): ReadyWatch {
  if (ready.log !== undefined) return watchLog(ready.log);
  const looks = looksFor(ready);
  const seen = new Map<string, string>();
  return {
    onLine: () => undefined,
    lastSeen: () => [...seen].map(([where, what]) => `${where} ${what}`).join(", "),
    async wait(signal) {
      if (looks.size === 0) return;
      const found = new AbortController();
      const either = AbortSignal.any([signal, found.signal]);
      try {
        await Promise.race([...looks].map(([where, look]) => lookUntilReady(look, (what) => seen.set(where, what), either)));
      } finally {
        found.abort();
      }
    },
  };
}

function watchLog(pattern: string): ReadyWatch {
  const expression = compile(pattern);
  const matched = Promise.withResolvers<void>();
  return {
    onLine(line) {
      if (expression.test(line)) matched.resolve();
    },
    lastSeen: () => "no such line came",
    async wait(signal) {
      const aborted = Promise.withResolvers<never>();
      const abort = () => aborted.reject(signal.reason);
      signal.throwIfAborted();
      signal.addEventListener("abort", abort, { once: true });
      try {
        await Promise.race([matched.promise, aborted.promise]);
      } finally {
        signal.removeEventListener("abort", abort);
      }
    },
  };
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (error) {
    throw new UserError(`ready.log is not a regular expression: ${(error as Error).message}`);
  }
}

/** By the address looked at. */
function looksFor(ready: ReadyCondition): Map<string, Look> {
  if (ready.tcp !== undefined) {
    const port = ready.tcp;
    return new Map(loopback.map((host) => [`${host}:${port}`, (signal) => lookTcp(host, port, signal)]));
  }
  if (ready.url === undefined) return new Map();
  const url = new URL(ready.url);
  const status = ready.status ?? [200];
  if (!isLocalhost(url.hostname)) return new Map([[url.href, (signal) => lookHttp(url, undefined, status, signal)]]);
  return new Map(loopback.map((host) => [`${url.href} on ${host}`, (signal) => lookHttp(url, host, status, signal)]));
}

async function lookUntilReady(look: Look, tell: (seen: string) => void, signal: AbortSignal): Promise<void> {
  for (let patience = firstLookMs; ; ) {
    signal.throwIfAborted();
    const timeout = AbortSignal.timeout(patience);
    const seen = await look(AbortSignal.any([signal, timeout]));
    if (seen === undefined) return;
    signal.throwIfAborted();
    tell(timeout.aborted ? `gave no answer within ${patience / 1000} s` : seen);
    if (timeout.aborted) patience = Math.min(patience * 2, longestLookMs);
    await delay(pauseMs, undefined, { signal });
  }
}

function failureOf(error: NodeJS.ErrnoException): string {
  if (error.code === "ECONNREFUSED") return "refused the connection";
  if (error.code === "ECONNRESET") return "closed the connection without an answer";
  return `could not be reached: ${error.message}`;
}

/** Looks at `address` where one is given, under the name that stands in the URL. */
function lookHttp(url: URL, address: string | undefined, status: number[], signal: AbortSignal): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, {
    ...(address ? { hostname: address, headers: { host: url.host }, servername: url.hostname } : {}),
    agent: false,
    signal,
  });
  request.once("error", (error) => resolve(failureOf(error)));
  request.once("response", (response) => {
    const code = response.statusCode ?? 0;
    resolve(status.includes(code) ? undefined : `answered ${code}`);
    // A stream of events never ends: its status is all we wanted.
    response.destroy();
  });
  request.end();
  return promise;
}

function lookTcp(host: string, port: number, signal: AbortSignal): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connect({ host, port, signal });
  socket.once("error", (error) => resolve(failureOf(error)));
  socket.once("connect", () => {
    socket.destroy();
    resolve(undefined);
  });
  return promise;
}
