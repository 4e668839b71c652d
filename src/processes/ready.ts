import { setTimeout as delay } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { type Claim, describeClaim } from "../config/assertion.ts";
import { loadPatterns, pattern, whyNoPattern } from "../lib/pattern.ts";
import { UserError } from "../model/user-error.ts";
import { handshakeUrl, isListening, type NotReady, type Probe, probePort, probeSocketIo, probeUrl } from "./probes.ts";

/** When a server is ready: exactly one of url, tcp, log and socketIo. Without any, it is ready once started. */
export interface ReadyCondition {
  /** Must answer with one of `status` (200 if absent), and with JSON that matches `json`. Redirects are not followed. */
  url?: string;
  status?: readonly number[];
  json?: readonly Claim[];
  /** A port on this machine that must accept a connection. */
  tcp?: number;
  /** A regular expression that a line of output must match. */
  log?: string;
  /** The address of a Socket.IO server that must complete a handshake. */
  socketIo?: string;
  /** How long the condition must then stay true, checked repeatedly; not checked if absent. */
  stableForMs?: number;
  timeoutMs: number;
}

/**
 * The pause while nothing listens. Checking a local port takes a tenth of a millisecond; a full probe costs more, and may go over
 * the network.
 */
const listenPauseMs = 5;
const refusedPauseMs = 50;

/** A server that answers does work for each probe, and may count them, so the pauses grow from `first` to `longest`. */
const answeredPauseMs = { first: 20, longest: 500 };

/** The pause between two probes of a server that must stay ready. */
const stablePauseMs = 200;

/** The first answer may be slow (a page compiled on demand), so each probe gets twice the time of the previous one. */
const firstLookMs = 1_000;
const longestLookMs = 60_000;

/** A probe that the deadline cut off is only mentioned if it was already slow. */
const noticeableMs = 500;

const loopback = ["127.0.0.1", "::1"];

/** As text, for a message. */
export function describe(ready: ReadyCondition): string {
  const lasting = ready.stableForMs ? `, for at least ${ready.stableForMs / 1000} s` : "";
  return `${describeCondition(ready)}${lasting}`;
}

function describeCondition(ready: ReadyCondition): string {
  if (ready.url !== undefined) {
    const claims = (ready.json ?? []).map((claim) => `${claim.path}: ${describeClaim(claim)}`);
    const holding = claims.length > 0 ? ` with ${claims.join(" and ")}` : "";
    return `${ready.url} to answer ${(ready.status ?? [200]).join(" or ")}${holding}`;
  }
  if (ready.tcp !== undefined) return `port ${ready.tcp} to accept a connection`;
  if (ready.log !== undefined) return `a line of output that matches /${ready.log}/`;
  if (ready.socketIo !== undefined) return `${ready.socketIo} to complete a Socket.IO handshake`;
  return "nothing";
}

/** The local port on which a ready server will listen, if the condition says. */
export function localPort(ready: ReadyCondition): number | undefined {
  if (ready.tcp !== undefined) return ready.tcp;
  const address = ready.url ?? ready.socketIo;
  if (address === undefined) return undefined;
  const url = new URL(address);
  return addressesHere(url).length > 0 ? portOf(url) : undefined;
}

function portOf(url: URL): number {
  return Number(url.port || (url.protocol === "https:" ? 443 : 80));
}

/** A server may listen on only one of IPv4 and IPv6, whatever the name resolves to. Empty if the host is not this machine. */
function addressesHere({ hostname }: URL): string[] {
  if (hostname === "localhost" || hostname.endsWith(".localhost")) return loopback;
  if (hostname === "[::1]") return ["::1"];
  return hostname.startsWith("127.") ? [hostname] : [];
}

/** Waits for one condition. */
export interface ReadyWatch {
  /** Pass every line of output, and the last one if it has no line end. */
  onLine(line: string): void;
  /** Resolves when the condition is true. Rejects with the signal's reason. */
  wait(signal: AbortSignal): Promise<void>;
  /** The last observation, as text. */
  lastSeen(): string;
}

/** Await before the condition is watched. @throws UserError for an invalid pattern */
export async function preparePatterns({ log, json = [] }: ReadyCondition): Promise<void> {
  const written = [log, ...json.map(({ matches }) => matches)].filter((text) => text !== undefined);
  if (written.length === 0) return;
  await loadPatterns();
  for (const text of written) {
    const why = whyNoPattern(text);
    if (why !== undefined) throw new UserError("EA1030", `the pattern ${text} of a server's ready condition is invalid: ${why}`);
  }
}

export function watchReady(ready: ReadyCondition): ReadyWatch {
  const stableForMs = ready.stableForMs ?? 0;
  if (ready.log !== undefined) return watchLog(ready.log, stableForMs);
  const targets = targetsOf(ready);
  const seen = new Map<string, string>();
  return {
    onLine: () => undefined,
    lastSeen: () => [...seen].map(([where, what]) => `${where} ${what}`).join(", "),
    async wait(signal) {
      if (targets.size === 0) return void (await delay(stableForMs, undefined, { signal }));
      const found = new AbortController();
      const either = AbortSignal.any([signal, found.signal]);
      try {
        await Promise.race(
          [...targets].map(([where, target]) =>
            lookUntilReady(target, { tell: (what) => seen.set(where, what), stableForMs, signal: either }),
          ),
        );
      } finally {
        found.abort();
      }
    },
  };
}

function watchLog(written: string, stableForMs: number): ReadyWatch {
  const expression = pattern(written);
  const matched = Promise.withResolvers<void>();
  let seen = "no such line was printed";
  return {
    onLine(line) {
      if (![line, ...shownLines(line)].some((text) => expression.test(text))) return;
      seen = "the time was used up before that";
      matched.resolve();
    },
    lastSeen: () => seen,
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
      // A printed line stays printed. That it is stable means that the server keeps running, which is watched elsewhere.
      if (stableForMs > 0) await delay(stableForMs, undefined, { signal });
    },
  };
}

/** What a person reads: without colours, and without what a carriage return writes over. */
function shownLines(line: string): string[] {
  return stripVTControlCharacters(line).split("\r");
}

interface Target {
  look: Probe;
  /** Whether anybody listens there; only if it is on this machine. */
  isListening?: () => Promise<boolean>;
}

/** By the probed address. */
function targetsOf(ready: ReadyCondition): Map<string, Target> {
  const { tcp, url, socketIo } = ready;
  if (tcp !== undefined)
    return new Map(
      loopback.map((host) => [`${host}:${tcp}`, { look: probePort(host, tcp), isListening: () => isListening(host, tcp) }]),
    );
  if (url !== undefined) {
    const answer = { status: ready.status ?? [200], json: ready.json ?? [] };
    return everywhere(new URL(url), (target, address) => probeUrl(target, address, answer));
  }
  return socketIo === undefined ? new Map() : everywhere(handshakeUrl(socketIo), probeSocketIo);
}

function everywhere(url: URL, lookAt: (url: URL, address: string | undefined) => Probe): Map<string, Target> {
  const addresses = addressesHere(url);
  if (addresses.length === 0) return new Map([[url.href, { look: lookAt(url, undefined) }]]);
  const port = portOf(url);
  const where = (host: string) => (addresses.length > 1 ? `${url.href} on ${host}` : url.href);
  return new Map(addresses.map((host) => [where(host), { look: lookAt(url, host), isListening: () => isListening(host, port) }]));
}

interface Looking {
  tell: (seen: string) => void;
  stableForMs: number;
  signal: AbortSignal;
}

async function lookUntilReady({ look, isListening }: Target, { tell, stableForMs, signal }: Looking): Promise<void> {
  let retryForMs = firstLookMs;
  let answeredMs = answeredPauseMs.first;
  let readySince: number | undefined;
  let unstable = `was ready, but not for ${stableForMs / 1000} s`;
  // A probe that the deadline cut off says less than the answer before it.
  let hasAnswered = false;
  const tellCut = (seen: string) => hasAnswered || tell(seen);
  for (;;) {
    const startedAt = performance.now();
    const { notReady, late } = await lookOnce(look, tellCut, retryForMs, signal);
    hasAnswered = !late && !notReady?.refused;
    if (notReady === undefined) {
      readySince ??= startedAt;
      const leftMs = readySince + stableForMs - performance.now();
      if (leftMs <= 0) return;
      tell(unstable);
      await delay(Math.min(stablePauseMs, leftMs), undefined, { signal });
      continue;
    }
    if (readySince === undefined) tell(notReady.seen);
    else {
      unstable = `was ready for ${seconds(startedAt - readySince)}, then ${notReady.seen}`;
      tell(unstable);
    }
    readySince = undefined;
    if (late) retryForMs = Math.min(retryForMs * 2, longestLookMs);
    if (notReady.refused && isListening) await waitUntilListening(isListening, signal);
    else await delay(notReady.refused ? refusedPauseMs : answeredMs, undefined, { signal });
    if (!notReady.refused) answeredMs = Math.min(answeredMs * 1.5, answeredPauseMs.longest);
  }
}

async function waitUntilListening(isListening: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  do await delay(listenPauseMs, undefined, { signal });
  while (!(await isListening()));
}

/** Rejects with the signal's reason, after recording what the probe was waiting for. */
async function lookOnce(
  look: Probe,
  tell: (seen: string) => unknown,
  retryForMs: number,
  signal: AbortSignal,
): Promise<{ notReady: NotReady | undefined; late: boolean }> {
  signal.throwIfAborted();
  const startedAt = performance.now();
  const timeout = AbortSignal.timeout(retryForMs);
  const notReady = await look(AbortSignal.any([signal, timeout]));
  if (notReady === undefined) return { notReady, late: false };
  const tookMs = performance.now() - startedAt;
  const silent = { seen: `gave no answer within ${seconds(tookMs)}`, refused: false };
  if (signal.aborted && tookMs >= noticeableMs) tell(silent.seen);
  signal.throwIfAborted();
  return timeout.aborted ? { notReady: silent, late: true } : { notReady, late: false };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

export interface SilenceWatch {
  /** Call when something was printed. */
  heard(): void;
  stop(): void;
}

/** Calls `onQuiet` after every further `everyMs` of silence, with the milliseconds since the last output. */
export function watchSilence(everyMs: number, onQuiet: (quietMs: number) => void): SilenceWatch {
  let heardAt = performance.now();
  const timer = setInterval(() => onQuiet(Math.round(performance.now() - heardAt)), everyMs);
  return {
    heard() {
      heardAt = performance.now();
      timer.refresh();
    },
    stop: () => clearInterval(timer),
  };
}
