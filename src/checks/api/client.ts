import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { parseAnswer } from "../../config/assertion.ts";
import { isRoute } from "../../config/routes.ts";
import type { Endpoint } from "../../config/schema.ts";
import type { AnswerHeaders, PlainRequest, RawAnswer } from "../../lib/http/direct.ts";
import { askOverHttp } from "../../lib/http/send.ts";
import { proxyFor } from "../../lib/proxy/choice.ts";
import { retryAfterMs } from "../../lib/retry.ts";
import type { OnSignIn } from "../auth/check.ts";
import { notReached } from "../connection.ts";
import { milliseconds, type Shared } from "../run-check.ts";
import type { Origins } from "./origins.ts";
import type { Smoothing } from "./smoothing.ts";

/** Where and how to call an API. */
export interface ApiPorts {
  url: string;
  headers: Readonly<Record<string, string>>;
  /** Bearer token for routes that need a sign-in; rejects if there is none. */
  token?: Shared<string>;
  /** Called after a 401 with the refused token; returns another one, or `undefined`. */
  renew?: (refused: string) => Promise<string | undefined>;
  signal: AbortSignal;
  /** Set in read-only environments. */
  readOnly?: RouteGuard;
  /** The time limit for one answer, in milliseconds; 10 s if absent. */
  timeoutMs?: number;
  /** Shared by all checks of a stage; without it there is no wait. */
  pace?: Pace;
  /** Shared by all checks of a stage; without it every request is sent. */
  origins?: Origins;
  /** Shared by all checks of a stage. */
  smoothing?: Smoothing;
  /** Called with every secret of a sign-in before anything may show it. */
  onSecret?: (secret: string) => void;
  /** Set if the data of a sign-in can be deleted again. */
  onSignIn?: OnSignIn;
}

export interface Answer {
  status: number;
  headers: AnswerHeaders;
  /** At most the first two million bytes; `cut` if there was more. */
  text: string;
  cut: boolean;
  json: unknown;
  durationMs: number;
  retryAfterMs: number | undefined;
  /** The proxy that may have given this answer itself. */
  byProxy?: string;
}

const defaultTimeoutMs = 10_000;
export const largestAnswer = 2_000_000;

/** Sends a GET. Redirects are not followed: their target is another resource, and might write. */
export function get(ports: ApiPorts, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return read(ports, path, "GET", headers);
}

/** Sends a request with a method that is defined as safe. */
export function read(
  ports: ApiPorts,
  path: string,
  method: Endpoint["method"],
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return send(ports, path, { method, headers: withHeaders(ports.headers, headers) });
}

/** Header names are case-insensitive: two spellings would be sent as one header with both values. */
export function withHeaders(
  usual: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const lower = (headers: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return { ...lower(usual), ...lower(own) };
}

/**
 * A POST without content, for routes that prove by refusing it that they are alive. It contains nothing to write. This and {@link
 * wrongSecret} are the only POSTs in read-only environments, to routes that `api.emptyPosts` lists.
 */
export function postNothing(ports: ApiPorts, path: string): Promise<Answer> {
  return postJson(ports, path, {});
}

/** The only body that may be sent besides `{}`; see {@link wrongSecret}. */
const wrongSecretBody = /^\{"secretKey":"env-actions-wrong-secret-[0-9a-f]{48}","role":"teacher"\}$/;

/** The body of a request for a token that must be refused: well-formed, because many routes validate before they compare. */
export function wrongSecret(configured: string | undefined): { secretKey: string; role: "teacher" } {
  const secretKey = `env-actions-wrong-secret-${randomBytes(24).toString("hex")}`;
  return secretKey === configured ? wrongSecret(configured) : { secretKey, role: "teacher" };
}

export function postJson(ports: ApiPorts, path: string, body: object): Promise<Answer> {
  return send(ports, path, {
    method: "POST",
    headers: withHeaders(ports.headers, { "content-type": "application/json" }),
    body: JSON.stringify(body),
  });
}

async function send(
  ports: ApiPorts,
  path: string,
  init: { method: string; headers: Record<string, string>; body?: string },
): Promise<Answer> {
  const url = new URL(path, ports.url);
  // `//elsewhere/path` is a URL too; headers and tokens are for this host alone.
  if (url.origin !== new URL(ports.url).origin)
    throw new Error(`${path} leads to another host than ${ports.url}; nothing was sent.`);
  const refusal = ports.readOnly && whyNotSent(ports.readOnly, url, init);
  if (refusal)
    throw new Error(`${init.method} ${path} was refused before sending: this environment is read-only, and ${refusal}.`);
  const noteOrigin = await ports.origins?.turn(init.headers.origin);
  try {
    await ports.pace?.turn(ports.signal);
    const answer = await answerInTime(ports, url, init, path);
    noteOrigin?.({ path: url.pathname, status: answer.status, text: answer.text, type: typeOf(answer) });
    return answer;
  } catch (error) {
    noteOrigin?.();
    throw error;
  }
}

async function answerInTime(ports: ApiPorts, url: URL, init: Omit<PlainRequest, "signal">, path: string): Promise<Answer> {
  const timeoutMs = ports.timeoutMs ?? defaultTimeoutMs;
  const deadline = AbortSignal.timeout(timeoutMs);
  const started = performance.now();
  const told = ports.pace?.asked();
  try {
    const answer = await ask(url, { ...init, signal: AbortSignal.any([ports.signal, deadline]) }, started);
    told?.(answer.durationMs);
    return answer;
  } catch (error) {
    if (deadline.aborted && !ports.signal.aborted)
      throw new Error(`${path} did not respond within ${milliseconds(timeoutMs)}${byProxy(url)}.`, { cause: error });
    throw notReached(error, url.origin);
  }
}

/** A late answer doesn't say who was late. */
function byProxy(url: URL): string {
  const proxy = proxyFor(url);
  return proxy ? ` through the proxy ${proxy.address}` : "";
}

/** Empty if the answer has none. */
export function typeOf({ headers }: Pick<Answer, "headers">): string {
  return headers.get("content-type") ?? "";
}

async function ask(url: URL, asked: PlainRequest, started: number): Promise<Answer> {
  const { status, headers, body, byProxy } = await askOverHttp(url, asked);
  const { text, cut } = await readBody(body);
  return {
    status,
    headers,
    text,
    cut,
    json: parseAnswer(text),
    durationMs: performance.now() - started,
    retryAfterMs: retryAfterMs(headers.get("retry-after")),
    ...(byProxy === undefined ? {} : { byProxy }),
  };
}

/** Stops at the limit, so that an endless answer cannot fill the memory. */
async function readBody(body: RawAnswer["body"]): Promise<{ text: string; cut: boolean }> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  // Leaving the loop cancels the stream and closes the connection.
  for await (const chunk of body ?? []) {
    size += chunk.length;
    text += decoder.decode(chunk, { stream: true });
    if (size > largestAnswer) return { text: text.slice(0, largestAnswer), cut: true };
  }
  return { text: text + decoder.decode(), cut: false };
}

/** What may be sent to the API of a read-only environment. */
export interface RouteGuard {
  /** Patterns of routes that write on GET. */
  writes: readonly string[];
  /** Routes that may get a POST of `{}`, because they are expected to refuse it. */
  emptyPosts: readonly string[];
  /** The route that must be off; if it is one of `emptyPosts`, it may also get a {@link wrongSecret}. */
  mustBeOff?: string;
}

const readingMethods = new Set(["GET", "HEAD", "OPTIONS"]);
/** Frameworks let these headers override the request's method. */
const methodHeaders = /^x-(?:http-)?method(?:-override)?$|^x-rewrite-url$|^x-original-(?:url|method)$|^x-forwarded-method$/i;
const methodParameter = /^(?:x_)?_*(?:http_?)?method(?:_?override)?$/i;

/**
 * Why a request must not be sent in a read-only environment; `undefined` if it may. Called for every request, including each
 * redirect.
 */
export function whyNotSent(
  guard: RouteGuard,
  url: URL,
  { method, headers, body }: { method: string; headers: Readonly<Record<string, string>>; body?: string | undefined },
): string | undefined {
  const route = url.pathname + url.search;
  if (isRoute(url.pathname, guard.writes) || isRoute(route, guard.writes))
    return `${url.pathname} is listed as a route that writes (api.writes)`;
  const header = Object.keys(headers).find((name) => methodHeaders.test(name.trim()));
  if (header) return `the header ${header} could turn it into another request`;
  const parameter = parameterNames(url.search).find(
    (name) => methodParameter.test(name) || methodHeaders.test(name.replaceAll("_", "-")),
  );
  if (parameter) return `the parameter ${parameter} could turn it into another request`;
  if (readingMethods.has(method)) return body === undefined ? undefined : `a ${method} must not have a body`;
  if (method !== "POST") return `${method} may write`;
  const proves = guard.mustBeOff === route && wrongSecretBody.test(body ?? "");
  if (body !== "{}" && !proves) return "a POST with a body may write";
  // Compared exactly, because this is a permission.
  return guard.emptyPosts.includes(route) ? undefined : `a POST may write, and ${url.pathname} is not listed in api.emptyPosts`;
}

/**
 * Parameter names as any server may read them: after a semicolon, double-escaped, as a list (`_method[]`), and with characters
 * that some servers take for an underscore.
 */
function parameterNames(search: string): string[] {
  const once = unescaped(search.replaceAll("+", " "));
  return [search, once, unescaped(once)].flatMap((text) =>
    text.split(/[?&;]/).map((parameter) => {
      const [name = ""] = parameter.split("=", 1);
      const [first = ""] = name.split(/[[\]\0]/).filter((part) => part.trim() !== "");
      return first.trim().replaceAll(/[-. ]/g, "_");
    }),
  );
}

function unescaped(text: string): string {
  return text.replaceAll(/%[0-7][0-9a-f]/gi, (written) => String.fromCharCode(Number.parseInt(written.slice(1), 16)));
}

/** The clock of a pace; tests use their own. */
export interface Clock {
  now(): number;
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
}

const realClock: Clock = {
  now: () => performance.now(),
  wait: async (milliseconds, signal) => void (await delay(milliseconds, undefined, { signal })),
};

/** Evenly spaced requests bunch up on their way; this margin keeps them below the limit on arrival. */
const room = 1.04;

/** How many different pauses a stage waits for: an API that keeps limiting must not be pressed. */
const mostPauses = 2;

/**
 * Shared by all checks of a stage: each waits for its turn, so that together they never send more requests than allowed. It also
 * records the latencies in request order, because only all together reveal a limiter that delays.
 */
export class Pace {
  readonly #gapMs: number;
  readonly #longestPauseMs: number;
  readonly #clock: Clock;
  #last: Promise<unknown> = Promise.resolve();
  #lastTurn = Number.NEGATIVE_INFINITY;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #pauses = 0;
  readonly #answers: number[] = [];

  constructor(limits: { requestsPerSecond: number; longestPauseMs: number }, clock: Clock = realClock) {
    this.#gapMs = (1000 / limits.requestsPerSecond) * room;
    this.#longestPauseMs = limits.longestPauseMs;
    this.#clock = clock;
  }

  /** Waits for this caller's turn, first come, first served. @throws the signal's reason */
  async turn(signal: AbortSignal): Promise<void> {
    const turn = this.#last.then(() => this.#next(signal));
    // A caller that gave up doesn't block those after it.
    this.#last = turn.catch(() => undefined);
    await turn;
  }

  async #next(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    for (let left = this.#left(); left > 0; left = this.#left()) {
      try {
        await this.#clock.wait(left, signal);
      } catch (error) {
        // The timer only says that it was aborted; the signal has the reason.
        throw signal.aborted ? signal.reason : error;
      }
    }
    this.#lastTurn = this.#clock.now();
  }

  /** Counts from the actual time of the last turn: after a late timer the others must not catch up. */
  #left(): number {
    return Math.ceil(Math.max(this.#lastTurn + this.#gapMs, this.#pausedUntil) - this.#clock.now());
  }

  /**
   * Makes everybody wait as long as the API asks (Retry-After).
   * @returns whether the wait is short enough and hasn't been requested too often
   */
  pause(milliseconds: number): boolean {
    if (milliseconds > this.#longestPauseMs) return false;
    const until = this.#clock.now() + milliseconds;
    // Requests already on their way when the limit came get the same answer again.
    if (this.#clock.now() < this.#pausedUntil) return true;
    if (this.#pauses === mostPauses) return false;
    this.#pauses++;
    this.#pausedUntil = until;
    return true;
  }

  /** Reserves the place of a pending answer. @returns a function to call with its latency */
  asked(): (milliseconds: number) => void {
    const at = this.#answers.push(Number.NaN) - 1;
    return (milliseconds) => {
      this.#answers[at] = milliseconds;
    };
  }

  /** Whether the first answer was fast and every later one about this late: a limiter delays all but the first. */
  delaysAllButTheFirst(lateMs: number): boolean {
    const [first = Number.NaN, ...later] = this.#answers;
    const known = later.filter((milliseconds) => !Number.isNaN(milliseconds));
    return first < lateMs / 4 && known.length > 1 && known.every((milliseconds) => milliseconds > lateMs * 0.8);
  }
}
