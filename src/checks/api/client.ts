import { parseAnswer } from "../../config/assertion.ts";
import type { Endpoint } from "../../config/schema.ts";
import { retryAfterMs } from "../../lib/retry.ts";
import type { OnSignIn } from "../auth/sign-in.ts";
import type { Pace } from "../pace.ts";
import { milliseconds, type Shared } from "../run-check.ts";
import { type RouteGuard, whyNotSent } from "./route-guard.ts";

/** Where and how to call an API. */
export interface ApiPorts {
  url: string;
  headers: Readonly<Record<string, string>>;
  /** Bearer token for routes that need a sign-in; rejects if there is none. */
  token?: Shared<string>;
  signal: AbortSignal;
  /** Set in read-only environments. */
  readOnly?: RouteGuard;
  /** The time limit for one answer, in milliseconds; 10 s if absent. */
  timeoutMs?: number;
  /** Shared by all checks of a stage; without it nobody waits. */
  pace?: Pace;
  /** Called with every secret of a sign-in before anything may show it. */
  onSecret?: (secret: string) => void;
  /** Set if the data of a sign-in can be deleted again. */
  onSignIn?: OnSignIn;
}

export interface Answer {
  status: number;
  headers: Headers;
  /** At most the first two million bytes; `cut` if there was more. */
  text: string;
  cut: boolean;
  json: unknown;
  durationMs: number;
  retryAfterMs: number | undefined;
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
 * A POST without content, for routes that prove by refusing it that they are alive (or off). It contains nothing to write, and it
 * is the only POST in read-only environments, where `api.emptyPosts` must list the route.
 */
export function postNothing(ports: ApiPorts, path: string): Promise<Answer> {
  return postJson(ports, path, {});
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
  await ports.pace?.turn(ports.signal);
  const timeoutMs = ports.timeoutMs ?? defaultTimeoutMs;
  const deadline = AbortSignal.timeout(timeoutMs);
  const started = performance.now();
  const told = ports.pace?.asked();
  try {
    const answer = await ask(url, { ...init, signal: AbortSignal.any([ports.signal, deadline]), redirect: "manual" }, started);
    told?.(answer.durationMs);
    return answer;
  } catch (error) {
    if (deadline.aborted && !ports.signal.aborted)
      throw new Error(`${path} did not respond within ${milliseconds(timeoutMs)}.`, { cause: error });
    throw error;
  }
}

async function ask(url: URL, init: RequestInit, started: number): Promise<Answer> {
  const response = await fetch(url, init);
  const { text, cut } = await readBody(response);
  return {
    status: response.status,
    headers: response.headers,
    text,
    cut,
    json: parseAnswer(text),
    durationMs: performance.now() - started,
    retryAfterMs: retryAfterMs(response.headers.get("retry-after")),
  };
}

/** Stops at the limit, so that an endless answer cannot fill the memory. */
async function readBody(response: Response): Promise<{ text: string; cut: boolean }> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  // Leaving the loop cancels the stream and closes the connection.
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    text += decoder.decode(chunk, { stream: true });
    if (size > largestAnswer) return { text: text.slice(0, largestAnswer), cut: true };
  }
  return { text: text + decoder.decode(), cut: false };
}
