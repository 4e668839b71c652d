import { excerpt, holds, jsonAt, parseAnswer, same, shown, wanted } from "../config/assertion.ts";
import type { Endpoint } from "../config/schema.ts";
import type { Check } from "../model.ts";
import { type Finding, latencyOf, look, milliseconds } from "./check.ts";
import { type RouteGuard, whyNotSent } from "./route-guard.ts";

/** Where and how an API is asked. */
export interface ApiPorts {
  url: string;
  headers: Readonly<Record<string, string>>;
  /** Bearer token for routes that need a sign-in; rejects where none could be had. */
  token?: Promise<string | undefined>;
  signal: AbortSignal;
  /** Set where nothing may be written. */
  readOnly?: RouteGuard;
  /** How long one answer may take, in milliseconds; 10 s if left out. */
  timeoutMs?: number;
}

export interface Answer {
  status: number;
  /** The first two million bytes, at most: `cut` says that there was more. */
  text: string;
  cut: boolean;
  json: unknown;
  durationMs: number;
  retryAfterMs: number | undefined;
}

const defaultTimeoutMs = 10_000;
const largestAnswer = 2_000_000;

/** A reading request. Redirects are not followed: where they lead is not what was asked, and might write. */
export function get(ports: ApiPorts, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return send(ports, path, { method: "GET", headers: { ...ports.headers, ...headers } });
}

/**
 * A POST without content, for routes whose refusal is the proof that they are alive (or off). There is nothing in it that could
 * be written, and no other POST leaves this room in a read-only environment; there, `api.emptyPosts` has to name the route.
 */
export function postNothing(ports: ApiPorts, path: string): Promise<Answer> {
  return postJson(ports, path, {});
}

export function postJson(ports: ApiPorts, path: string, body: object): Promise<Answer> {
  return send(ports, path, {
    method: "POST",
    headers: { ...ports.headers, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function send(
  ports: ApiPorts,
  path: string,
  init: { method: string; headers: Record<string, string>; body?: string },
): Promise<Answer> {
  const url = new URL(path, ports.url);
  // `//elsewhere/path` is an address, too: headers and tokens are for this host alone.
  if (url.origin !== new URL(ports.url).origin) throw new Error(`${path} leads away from ${ports.url}; nothing was asked there.`);
  const refusal = ports.readOnly && whyNotSent(ports.readOnly, url, init);
  if (refusal)
    throw new Error(`${init.method} ${path} was refused before sending: this environment is read-only, and ${refusal}.`);
  const timeoutMs = ports.timeoutMs ?? defaultTimeoutMs;
  const deadline = AbortSignal.timeout(timeoutMs);
  const started = performance.now();
  try {
    return await ask(url, { ...init, signal: AbortSignal.any([ports.signal, deadline]), redirect: "manual" }, started);
  } catch (error) {
    if (deadline.aborted && !ports.signal.aborted)
      throw new Error(`${path} did not answer within ${milliseconds(timeoutMs)}.`, { cause: error });
    throw error;
  }
}

async function ask(url: URL, init: RequestInit, started: number): Promise<Answer> {
  const response = await fetch(url, init);
  const { text, cut } = await readBody(response);
  const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
  return {
    status: response.status,
    text,
    cut,
    json: parseAnswer(text),
    durationMs: performance.now() - started,
    retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1000 : undefined,
  };
}

/** Reads no further than it has to: an answer without end must not fill the memory. */
async function readBody(response: Response): Promise<{ text: string; cut: boolean }> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  // Leaving the loop cancels the stream, and with it the connection.
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    text += decoder.decode(chunk, { stream: true });
    if (size > largestAnswer) return { text: text.slice(0, largestAnswer), cut: true };
  }
  return { text: text + decoder.decode(), cut: false };
}

export interface EndpointLimits {
  samples: number;
  /** Milliseconds; slower fails. */
  apiP95: number;
}

/** One route: its status, what its answer proves, and its latency. The first request warms up and is not counted. */
export function checkEndpoint(ports: ApiPorts, endpoint: Endpoint, limits: EndpointLimits, group: string): Promise<Check> {
  const title = endpoint.name ?? `GET ${endpoint.path}`;
  return look(`${group}.${idPart(endpoint.name ?? endpoint.path)}`, title, async () => {
    const signIn = endpoint.signIn ? await bearer(ports) : {};
    const answers: Answer[] = [];
    let limited = false;
    while (answers.length <= limits.samples) {
      const answer = await get(ports, endpoint.path, signIn);
      // A limit in mid-sampling takes nothing from what was seen before.
      limited = answer.status === 429 && answers.length > 0;
      if (limited) break;
      const wrong = judgeAnswer(endpoint, answer);
      if (wrong && answers.length === 0) return wrong;
      if (wrong)
        return {
          ...wrong,
          message: `The first answer was right, number ${answers.length + 1} was not. ${wrong.message ?? ""}`.trim(),
        };
      answers.push(answer);
    }
    return judgeAnswers(endpoint, answers, limited, limits);
  });
}

/** All answers together; each of them is right by itself. The first has warmed up, and counts for no latency. */
function judgeAnswers(endpoint: Endpoint, answers: readonly Answer[], limited: boolean, limits: EndpointLimits): Finding {
  const expected = `P95 < ${milliseconds(limits.apiP95)}`;
  const [first, ...sampled] = answers;
  if (first === undefined || sampled.length === 0)
    return {
      verdict: "error",
      observed: "429, rate limited",
      expected,
      message: "The API limits the rate of requests, so its latency is unknown. Wait, or lower api.samples.",
    };
  const still = endpoint.json.find(({ changes, path }) => {
    const value = jsonAt(first.json, path);
    return changes && sampled.every((answer) => same(value, jsonAt(answer.json, path)));
  });
  if (still)
    return {
      verdict: "failed",
      observed: `${still.path} stays ${shown(jsonAt(first.json, still.path))}`,
      expected: "a value that changes",
      message: "The answer looks alive, but it is always the same: a mock or a cache may stand in for the real thing.",
    };
  const latency = latencyOf(sampled.map((answer) => answer.durationMs));
  const degraded = answers.find((answer) => endpoint.degradedStatus.includes(answer.status));
  const seen = {
    observed: `${(degraded ?? first).status}, P95 ${milliseconds(latency.p95)} of ${latency.count}`,
    expected,
    latency,
  };
  if (latency.p95 >= limits.apiP95) return { ...seen, verdict: "failed", message: "The API answers, but too slowly." };
  if (degraded)
    return { ...seen, verdict: "degraded", message: `The service itself says that it is degraded (HTTP ${degraded.status}).` };
  if (limited)
    return {
      ...seen,
      verdict: "degraded",
      message: `Rate limited after ${answers.length} requests: fewer samples than asked for.`,
    };
  return { ...seen, verdict: "passed" };
}

/** What is wrong with one answer, or `undefined`. */
function judgeAnswer(endpoint: Endpoint, answer: Answer): Finding | undefined {
  const expected = `HTTP ${endpoint.status.join(" or ")}`;
  if (answer.status === 429)
    return {
      verdict: "error",
      observed: "429, rate limited",
      expected,
      message: `The API limits the rate of requests${answer.retryAfterMs ? ` (try again after ${Math.round(answer.retryAfterMs / 1000)} s)` : ""}; it is neither slow nor broken, but nothing could be seen.`,
    };
  if (!endpoint.status.includes(answer.status) && !endpoint.degradedStatus.includes(answer.status)) {
    const hint =
      answer.status === 500 && /origin|cors/i.test(answer.text) ? " It asks for a listed Origin: set api.headers." : "";
    return {
      verdict: "failed",
      observed: `HTTP ${answer.status}`,
      expected,
      message: `${endpoint.path} answered ${answer.status}: ${excerpt(answer.text)}${hint}`,
    };
  }
  for (const assertion of endpoint.json) {
    const value = jsonAt(answer.json, assertion.path);
    if (holds(assertion, value)) continue;
    if (answer.cut)
      return {
        verdict: "error",
        observed: `more than ${largestAnswer / 1_000_000} MB`,
        expected: wanted(assertion),
        message: `${endpoint.path} answers ${answer.status} with more than is read, so ${assertion.path} could not be seen.`,
      };
    return {
      verdict: "failed",
      observed: `${assertion.path} is ${shown(value)}`,
      expected: wanted(assertion),
      message: `${endpoint.path} answers ${answer.status}, but not with what it should: a page that is merely green proves nothing.`,
    };
  }
  return undefined;
}

async function bearer(ports: ApiPorts): Promise<Record<string, string>> {
  const token = await ports.token;
  if (!token)
    throw new Error("This route needs a sign-in, and there is no token: configure auth.secret or the environment's token.");
  return { authorization: `Bearer ${token}` };
}

function idPart(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}
