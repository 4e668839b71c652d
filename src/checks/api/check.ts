import { deepEqual, describeClaim, excerpt, headerHolds, jsonAt, meetsClaim, shortValue } from "../../config/assertion.ts";
import type { Endpoint, Environment } from "../../config/schema.ts";
import { prepareSending } from "../../lib/http/send.ts";
import { checkConnection, peerOf } from "../connection.ts";
import type { CheckContext } from "../kind.ts";
import {
  endpointIds,
  type Finding,
  type MeasuredCheck,
  measured,
  milliseconds,
  type RunCheck,
  type RunningCheck,
} from "../run-check.ts";
import { type Answer, type ApiPorts, get, largestAnswer, read, typeOf, withHeaders } from "./client.ts";
import { asksForOrigin } from "./origins.ts";
import { showsLimiter } from "./smoothing.ts";

const connectionId = "api.connection";

export async function prepare({ url }: NonNullable<Environment["api"]>): Promise<void> {
  await prepareSending(url);
}

/** Checks the connection and every listed route. */
export function run(context: CheckContext, { url, http2, endpoints }: NonNullable<Environment["api"]>): RunningCheck[] {
  const { check, limits, signal } = context;
  const connectionLimits = { leastDays: limits.certificateDays, http: http2 ? "HTTP/2" : "any" } as const;
  return [
    checkConnection(check, connectionId, "Connection to the API", peerOf(url), connectionLimits, signal),
    ...checkEndpoints(context, "api", endpoints),
  ];
}

/** @param group the prefix of the checks' ids */
export function checkEndpoints(
  { check, api, environment, limits, alone }: CheckContext,
  group: string,
  endpoints: readonly Endpoint[],
): RunningCheck[] {
  if (!api) return [];
  const ids = endpointIds(group, endpoints, [connectionId]);
  const sampling = { samples: environment.api?.samples ?? 1, apiP95: limits.apiP95, alone };
  return endpoints.map((endpoint, index) => checkEndpoint(check, api, endpoint, sampling, ids[index] ?? group));
}

export interface EndpointLimits {
  samples: number;
  /** Milliseconds; slower fails. */
  apiP95: number;
  /** See {@link CheckContext.alone}: delays caused by our own checks don't count as slow. */
  alone?: () => Promise<void>;
}

/** This many equally late answers are enough; more requests would only strain the limiter. */
const enoughDelayed = 4;
/** Networks vary more than timers: answers this late, and within this share of each other, were delayed on purpose. */
const evenShare = 0.25;
const leastDelayMs = 300;

/** Checks one route: its status, what its answer proves, and its latency. The first request is a warm-up and not counted. */
export function checkEndpoint(
  check: RunCheck,
  ports: ApiPorts,
  endpoint: Endpoint,
  limits: EndpointLimits,
  id: string,
): Promise<MeasuredCheck> {
  const title = endpoint.name ?? `${endpoint.method} ${endpoint.path}`;
  return check(id, title, async (attempt) => {
    const headers = withHeaders(endpoint.headers, endpoint.signIn ? await bearer(ports, attempt) : {});
    const first = await sample(ports, endpoint, headers, limits);
    const found = await judgeSampling(ports, endpoint, first, limits);
    if (found.verdict !== "failed" || !found.latency || !limits.alone) return found;
    // Equal delays are not caused by our own checks.
    if (heldBack(first.answers.slice(1)) > 0) return found;
    await limits.alone();
    const again = await judgeSampling(ports, endpoint, await sample(ports, endpoint, headers, limits), limits);
    return {
      ...again,
      observed: `${again.observed}; P95 ${milliseconds(found.latency.p95)} while the other checks ran`,
    };
  });
}

/** The result of several requests. */
interface Sampling {
  answers: Answer[];
  /** The API limited the rate before all samples were taken. */
  limited: boolean;
  /** The wrong answer that ended the sampling. */
  wrong?: Finding;
}

async function sample(
  ports: ApiPorts,
  endpoint: Endpoint,
  headers: Readonly<Record<string, string>>,
  limits: EndpointLimits,
): Promise<Sampling> {
  const answers: Answer[] = [];
  const ask = asking(ports, endpoint, headers);
  while (answers.length <= limits.samples) {
    const answer = await ask();
    // If the API says when to retry, and that is soon, retry then; the next turn waits for it.
    if (answer.status === 429 && answer.retryAfterMs !== undefined && ports.pace?.pause(answer.retryAfterMs)) continue;
    // A rate limit during sampling doesn't invalidate earlier answers.
    if (answer.status === 429 && answers.length > 0) return { answers, limited: true };
    const wrong = judgeAnswer(endpoint, answer);
    if (wrong) return { answers, limited: false, wrong };
    answers.push(answer);
    if (answers.length > enoughDelayed && heldBack(answers.slice(1)) >= limits.apiP95) break;
  }
  return { answers, limited: false };
}

async function judgeSampling(ports: ApiPorts, endpoint: Endpoint, sampling: Sampling, limits: EndpointLimits): Promise<Finding> {
  const { answers, limited, wrong } = sampling;
  if (!wrong) {
    const found = judgeAnswers(endpoint, answers, { ...limits, limited });
    const isLate = found.latency !== undefined && found.latency.p95 >= limits.apiP95;
    return isLate ? { ...found, ...(await judgeLate(ports, endpoint, answers.slice(1))) } : found;
  }
  if (answers.length === 0) return wrong;
  return {
    ...wrong,
    message: `The first response was correct, number ${answers.length + 1} was not. ${wrong.message ?? ""}`.trim(),
  };
}

/** By how much all these answers were late, if they were late by the same time; otherwise 0. */
function heldBack(answers: readonly Answer[]): number {
  const durations = answers.map((answer) => answer.durationMs);
  const [least, most] = [Math.min(...durations), Math.max(...durations)];
  return answers.length >= enoughDelayed && least >= leastDelayMs && most - least <= least * evenShare ? least : 0;
}

/** Judges all answers together; each is right by itself. The first is the warm-up, and doesn't count for latency. */
function judgeAnswers(endpoint: Endpoint, answers: readonly Answer[], limits: EndpointLimits & { limited: boolean }): Finding {
  const expected = `P95 < ${milliseconds(limits.apiP95)}`;
  const [first, ...sampled] = answers;
  if (first === undefined || sampled.length === 0)
    return {
      verdict: "error",
      observed: "429, rate limited",
      expected,
      message: "Rate limited by the API, so its latency is unknown. Wait, or lower api.samples.",
    };
  const still = endpoint.json.find(({ changes, path }) => {
    const value = jsonAt(first.json, path);
    return changes && sampled.every((answer) => deepEqual(value, jsonAt(answer.json, path)));
  });
  if (still)
    return {
      verdict: "failed",
      observed: `${still.path} stays ${shortValue(jsonAt(first.json, still.path))}`,
      expected: "a value that changes",
      message: "The value never changes: it is hard-coded, or comes from a mock or a cache.",
    };
  const { latency, samples } = measured(
    sampled.map((answer) => answer.durationMs),
    { limit: limits.apiP95 },
  );
  const degraded = answers.find((answer) => endpoint.degradedStatus.includes(answer.status));
  const seen = {
    observed: `${(degraded ?? first).status}, P95 ${milliseconds(latency.p95)} (${latency.count} samples; first ${milliseconds(first.durationMs)})`,
    expected,
    latency,
    samples,
  };
  if (latency.p95 >= limits.apiP95) return { ...seen, ...tooSlow };
  if (degraded)
    return { ...seen, verdict: "degraded", message: `The service reports that it is degraded (HTTP ${degraded.status}).` };
  if (limits.limited)
    return {
      ...seen,
      verdict: "degraded",
      message: `Rate limited after ${answers.length} requests: fewer samples than configured.`,
    };
  return { ...seen, verdict: "passed" };
}

const tooSlow: Pick<Finding, "verdict" | "message"> = { verdict: "failed", message: "The API responds, but too slowly." };

/** Either slow, or delayed on purpose, so that the real latency is unknown. */
async function judgeLate(
  ports: ApiPorts,
  { path }: Endpoint,
  sampled: readonly Answer[],
): Promise<Pick<Finding, "verdict" | "message">> {
  // Of few answers it cannot be said that they are equally late, but a route that does not exist can be.
  const few = sampled.length < enoughDelayed;
  const delayMs = few ? Math.min(...sampled.map(({ durationMs }) => durationMs)) : heldBack(sampled);
  if (delayMs < leastDelayMs) return tooSlow;
  const even = `All responses were delayed by nearly the same ${milliseconds(delayMs)}`;
  const cure = "It hides the API's own latency; exempt the runner's address, or send fewer requests.";
  if (!few && ports.pace?.delaysAllButTheFirst(delayMs))
    return {
      verdict: "degraded",
      message: `${even}, except for the first request of the stage: a rate limiter delays requests. ${cure}`,
    };
  const control = await ports.smoothing?.control(path, (missing) => get(ports, missing));
  if (control && showsLimiter(control, delayMs))
    return {
      verdict: "degraded",
      message: `${even}, even that of a route that does not exist, but not one outside of /${path.split("/")[1]}: a rate limiter delays requests. ${cure}`,
    };
  if (few) return tooSlow;
  return {
    verdict: "failed",
    message: `${even}: either a rate limiter delays each request, or the API waits for something that does not respond.`,
  };
}

/** What is wrong with one answer; `undefined` if nothing. */
export function judgeAnswer(endpoint: Endpoint, answer: Answer): Finding | undefined {
  const expected = `HTTP ${endpoint.status.join(" or ")}`;
  if (answer.status === 429)
    return {
      verdict: "error",
      observed: "429, rate limited",
      expected,
      message: `The API limits the rate of requests${answer.retryAfterMs ? ` (try again after ${Math.round(answer.retryAfterMs / 1000)} s)` : ""}; health and latency are unknown.`,
    };
  if (!endpoint.status.includes(answer.status) && !endpoint.degradedStatus.includes(answer.status)) {
    return {
      verdict: "failed",
      observed: `HTTP ${answer.status}`,
      expected,
      message: `${endpoint.path} answered ${answer.status}: ${excerpt(answer.text)}${hintFor(answer)}`,
    };
  }
  for (const { header, ...claim } of endpoint.answerHeaders) {
    const value = answer.headers.get(header) ?? undefined;
    if (!headerHolds(claim, value))
      return {
        verdict: "failed",
        observed: `${header} is ${shortValue(value)}`,
        expected: describeClaim(claim),
        message: `${endpoint.path} answers ${answer.status}, but with an unexpected ${header} header.`,
      };
  }
  for (const assertion of endpoint.json) {
    const value = jsonAt(answer.json, assertion.path);
    if (meetsClaim(assertion, value)) continue;
    if (answer.cut)
      return {
        verdict: "error",
        observed: `more than ${largestAnswer / 1_000_000} MB`,
        expected: describeClaim(assertion),
        message: `${endpoint.path} answers ${answer.status} with more than is read, so ${assertion.path} is unknown.`,
      };
    return {
      verdict: "failed",
      observed: `${assertion.path} is ${shortValue(value)}`,
      expected: describeClaim(assertion),
      message: `${endpoint.path} answers ${answer.status}, but the content is wrong: ${suspicion(assertion, value)}`,
    };
  }
  return undefined;
}

/** The known cause of such an answer. */
function hintFor(answer: Answer): string {
  const { status, text, json, headers, byProxy } = answer;
  const location = headers.get("location");
  if (status >= 300 && status < 400 && location !== null)
    return ` It redirects to ${location}. Redirects are not followed, because their target might write.`;
  const hints = [
    byProxy === undefined ? "" : `The proxy ${byProxy} forwarded the request, and may have answered it itself.`,
    asksForOrigin({ status, text, type: typeOf(answer) }) ? "The API requires an allowed Origin header: set api.headers." : "",
    status >= 400 && jsonAt(json, "$.success") === true ? "The body says success: true, but the HTTP status decides." : "",
    status === 503 && /\bcold\b/i.test(text) ? "Its cache is cold: try again when it is warm." : "",
  ];
  return hints.map((hint) => (hint === "" ? "" : ` ${hint}`)).join("");
}

function suspicion(assertion: Endpoint["json"][number], value: unknown): string {
  const absent = value === undefined || value === null;
  if (assertion.youngerThan !== undefined)
    return absent ? "it contains no time, so it may be hard-coded." : "it is outdated or hard-coded.";
  if (assertion.notNull && absent) return "this value is always present in a real response, so this may be a mock.";
  if (assertion.changes) return "no value that could change, so it may be hard-coded or come from a mock.";
  if (assertion.between && !absent) return "the value is out of range.";
  return "a 200 response alone is no proof.";
}

/** Asks a route again and again. If its token is refused, it is renewed, and the request repeated. */
export function asking(
  ports: ApiPorts,
  { path, method, status, signIn }: Pick<Endpoint, "path" | "method" | "status" | "signIn">,
  headers: Readonly<Record<string, string>>,
): () => Promise<Answer> {
  let current = headers;
  return async () => {
    const answer = await read(ports, path, method, current);
    if (answer.status !== 401 || !signIn || status.includes(401)) return answer;
    const renewed = await ports.renew?.((current.authorization ?? "").replace(/^Bearer /, ""));
    if (renewed === undefined) return answer;
    current = { ...current, authorization: `Bearer ${renewed}` };
    return await read(ports, path, method, current);
  };
}

export async function bearer(ports: ApiPorts, attempt: number): Promise<Record<string, string>> {
  const token = await ports.token?.(attempt);
  if (!token)
    throw new Error("This route requires a sign-in, but no token is configured: set auth.secret or the environment's token.");
  return { authorization: `Bearer ${token}` };
}
