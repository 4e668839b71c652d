import type { getOctokit } from "@actions/github";
import { anyProxy } from "../lib/proxy/choice.ts";
import { fetchByProxy } from "../lib/proxy/fetch.ts";
import { type Attempt, growingPause, retry } from "../lib/retry.ts";
import { CodedError } from "../model/coded-error.ts";
import type { ErrorCode } from "../model/error-codes/catalogue.ts";
import { minutes } from "./clock.ts";

/** The client for GitHub's API: every wait has a deadline, and failures say what to do. No other file knows @actions/github. */

/** `rest` has a method for each of GitHub's endpoints, and `paginate` reads lists with several pages. Both throw GitHubError. */
export type GitHub = Pick<Octokit, "rest" | "paginate">;

type Octokit = ReturnType<typeof getOctokit>;
type Env = Readonly<Record<string, string | undefined>>;

export interface GitHubOptions {
  /** Ends every request and every wait. */
  cancel?: AbortSignal;
  /** Time limit for one request in milliseconds, including all attempts and pauses. */
  deadlineMs?: number;
  /** Time limit for one attempt in milliseconds. */
  attemptMs?: number;
  /** Pause before the second attempt in milliseconds; it doubles after each further attempt. */
  firstPauseMs?: number;
}

const attempts = 4;
const defaultAttemptMs = 15_000;
/** Longer than a minute, because GitHub asks clients to wait that long if it gives no time. */
const defaultDeadlineMs = 90_000;
const defaultFirstPauseMs = 500;

/**
 * @param env GITHUB_API_URL is the API's address; api.github.com by default
 * @throws GitHubError without a token, or for an invalid address
 */
export async function gitHub(token: string | undefined, env: Env, options: GitHubOptions = {}): Promise<GitHub> {
  if (!token) throw new GitHubError("EA9001", "there is no token for GitHub's API: pass the input github-token", undefined);
  const baseUrl = env.GITHUB_API_URL || "https://api.github.com";
  if (!URL.canParse(baseUrl)) throw new GitHubError("EA9001", `GITHUB_API_URL: expected an address, got "${baseUrl}"`, undefined);
  // Loaded lazily: 600 kB that a stage without requests to GitHub does not need.
  const { getOctokit } = await import("@actions/github");
  // octokit's own way through a proxy has other rules for NO_PROXY than all other connections, and hides why it failed.
  const octokit = getOctokit(token, { baseUrl, ...(anyProxy() ? { request: { fetch: fetchByProxy } } : {}) });
  octokit.hook.wrap("request", (send, endpoint) => {
    const { method, url } = octokit.request.endpoint(endpoint);
    const patience = {
      request: `${method} ${new URL(url).pathname}`,
      repeatable: isRepeatable(method, endpoint.url),
      attemptMs: options.attemptMs ?? defaultAttemptMs,
      withinMs: options.deadlineMs ?? defaultDeadlineMs,
      firstPauseMs: options.firstPauseMs ?? defaultFirstPauseMs,
      cancel: options.cancel ?? new AbortController().signal,
    };
    return patiently(patience, async (signal) => {
      // Changed in place, because octokit's inner hooks hold this object and pass on no other.
      endpoint.request = { ...endpoint.request, signal };
      return await send(endpoint);
    });
  });
  return octokit;
}

interface Patience {
  /** For messages: `GET /repos/classwaves/app/deployments/7`. */
  request: string;
  /** Whether running the request twice is harmless. */
  repeatable: boolean;
  attemptMs: number;
  withinMs: number;
  firstPauseMs: number;
  cancel: AbortSignal;
}

/**
 * PATCH sets a comment's whole text; a branch is moved only by those who look at it first. What is named after its content can be written
 * twice.
 */
function isRepeatable(method: string, url: string): boolean {
  if (method === "PATCH") return !/\/git\/refs\//.test(url);
  return method === "GET" || (method === "POST" && /\/git\/(?:blobs|trees|commits)$/.test(url));
}

/**
 * Retries temporary failures: rate limits for all requests; missing answers and 5xx only for requests that are safe to repeat.
 * @throws GitHubError
 */
async function patiently<Answer extends { status: number; data: unknown }>(
  { request, repeatable, attemptMs, withinMs, firstPauseMs, cancel }: Patience,
  send: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const attempt = async ({ leftMs }: Attempt): Promise<Answer> => {
    const answer = await send(AbortSignal.any([cancel, AbortSignal.timeout(Math.min(attemptMs, leftMs))]));
    if (isDamaged(answer)) throw new DamagedAnswer(answer.status);
    return answer;
  };
  return await retry(attempt, {
    failure: (thrown) => {
      if (cancel.aborted) throw cancelled(request, thrown);
      return thrown instanceof DamagedAnswer ? thrown.attempt : failedAttempt(thrown);
    },
    mayPass: (failed) => isWorthRepeating(failed, repeatable),
    pauseMs: (failed, number) => limitMs(failed, Date.now()) ?? growingPause(firstPauseMs, number),
    attempts,
    withinMs,
    signal: cancel,
    gaveUp: ({ why, failures, last, waitMs = 0 }) => {
      if (why === "cancelled") return cancelled(request, cancel.reason);
      const text = why === "refused" ? refusalText(request, last) : exhaustedText(request, failures, waitMs);
      return new GitHubError(codeOf(last), text, last.status, last.error);
    },
  });
}

/** octokit returns text or nothing if the answer broke off, or does not come from GitHub. */
function isDamaged({ status, data }: { status: number; data: unknown }): boolean {
  return status !== 204 && (typeof data !== "object" || data === null);
}

class DamagedAnswer extends Error {
  readonly attempt: FailedAttempt;

  constructor(status: number) {
    super("damaged");
    this.attempt = { status: undefined, headers: {}, said: `${status}, but the answer is not JSON`, error: undefined };
  }
}

function cancelled(request: string, cause: unknown): GitHubError {
  return new GitHubError("EA9007", `${request} was cancelled`, undefined, cause);
}

/** GitHub could not be reached, or refused the request. It does not answer the question, except for `status` 404. */
export class GitHubError extends CodedError {
  override name = "GitHubError";
  /** The status of the HTTP answer; undefined if there was none. */
  readonly status: number | undefined;

  constructor(code: ErrorCode, message: string, status: number | undefined, cause?: unknown) {
    super(code, message, { cause });
    this.status = status;
  }
}

/** A failed attempt, with what the answer says about the reason. */
export interface FailedAttempt {
  /** undefined: no answer, or an unreadable one. */
  status: number | undefined;
  headers: Readonly<Record<string, string | number | undefined>>;
  /** The message from GitHub or from the network. */
  said: string;
  error: unknown;
}

/** octokit's errors have a status even if there was no answer; `response` is missing then. */
interface RequestError extends Error {
  status: number;
  response?: { headers: FailedAttempt["headers"]; data: unknown };
}

/** @throws the error itself if it is a bug in this program, not a failed request */
export function failedAttempt(error: unknown): FailedAttempt {
  if (!(error instanceof Error) || !("status" in error)) throw error;
  const { status, response, message } = error as RequestError;
  if (!response) return { status: undefined, headers: {}, said: firstLine(message), error };
  return { status, headers: response.headers, said: wordsOf(response.data), error };
}

/** Proxies in front of GitHub answer with a whole page, so only its status is used. */
function wordsOf(data: unknown): string {
  const message = typeof data === "object" && data !== null && "message" in data ? data.message : undefined;
  return typeof message === "string" ? firstLine(message) : "";
}

function firstLine(text: string): string {
  return (text.split(/[\r\n]/, 1)[0] ?? "").slice(0, 300);
}

const passingStatuses = [500, 502, 503, 504];
/** The pause that GitHub asks for if a rate limit gives no time. */
const unknownLimitMs = 60_000;

/**
 * Whether another attempt may succeed.
 * @param repeatable whether running the request twice is harmless
 */
export function isWorthRepeating(attempt: FailedAttempt, repeatable: boolean): boolean {
  // A request that a rate limit rejected was not carried out.
  return isRateLimit(attempt) || (mayPass(attempt) && repeatable);
}

function mayPass({ status }: FailedAttempt): boolean {
  return status === undefined || passingStatuses.includes(status);
}

/** GitHub uses 403 as well as 429 for rate limits. */
function isRateLimit({ status, headers, said }: FailedAttempt): boolean {
  if (status !== 403 && status !== 429) return false;
  return status === 429 || headers["retry-after"] !== undefined || isUsedUp(headers) || /rate limit/i.test(said);
}

function isUsedUp(headers: FailedAttempt["headers"]): boolean {
  return String(headers["x-ratelimit-remaining"]) === "0";
}

/** How long the rate limit lasts, in milliseconds; undefined if the refusal is no rate limit. */
export function limitMs(attempt: FailedAttempt, now: number): number | undefined {
  if (!isRateLimit(attempt)) return undefined;
  const { headers } = attempt;
  const seconds = Number(headers["retry-after"] ?? Number.NaN);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const resetAt = Number(headers["x-ratelimit-reset"] ?? Number.NaN) * 1000;
  return isUsedUp(headers) && Number.isFinite(resetAt) ? Math.max(0, resetAt - now) : unknownLimitMs;
}

/** The code for a refusal, or for the last attempt if GitHub did not answer. */
export function codeOf(attempt: FailedAttempt): ErrorCode {
  if (isRateLimit(attempt)) return "EA9005";
  if (mayPass(attempt)) return "EA9006";
  return refusalCodes[attempt.status ?? 0] ?? "EA9008";
}

const refusalCodes: Readonly<Record<number, ErrorCode>> = { 401: "EA9002", 403: "EA9003", 404: "EA9004" };

/** The message for a permanent refusal, with what to do. */
export function refusalText(request: string, attempt: FailedAttempt): string {
  const { status } = attempt;
  const refused = `GitHub refused ${request} (${reason(attempt)})`;
  if (status === 401) return `${refused}: the token is wrong or has expired: pass another github-token`;
  if (status === 403) return `${refused}: ${permissionText(attempt.headers["x-accepted-github-permissions"])}`;
  if (status === 404) return `${refused}: it does not exist, or the token may not see it`;
  return mayPass(attempt)
    ? `GitHub did not answer ${request} (${reason(attempt)}); it may have been carried out, so it was not repeated`
    : refused;
}

/** @param accepted the value of GitHub's header, such as `deployments=write`; `,` means "and", `;` means "or" */
function permissionText(accepted: string | number | undefined): string {
  const alternatives = String(accepted ?? "")
    .split(";")
    .map((set) => set.split(",").flatMap(permissionLine))
    .filter((lines) => lines.length > 0);
  if (alternatives.length === 0) return "the token lacks a permission, and GitHub does not name it";
  const blocks = alternatives.map((lines) => ["permissions:", ...lines.map((line) => `  ${line}`)].join("\n"));
  const forks = alternatives.flat().some((line) => line.endsWith("write"))
    ? "\nOn a pull request from a fork the token can only read, whatever its permissions say."
    : "";
  return `the job's token lacks a permission. Add it to the permissions of the job:\n${blocks.join("\nor\n")}${forks}`;
}

/**
 * Workflows write permissions with `-` where the header has `_`. `metadata` is left out: every token has it, and workflows cannot
 * name it.
 */
function permissionLine(text: string): string[] {
  const [, name, access] = /^\s*([a-z_]+)=(read|write)\s*$/.exec(text) ?? [];
  return name && access && name !== "metadata" ? [`${name.replaceAll("_", "-")}: ${access}`] : [];
}

/** Says why there are no more attempts: the last failure, or a wait beyond the deadline. */
export function exhaustedText(request: string, failed: readonly FailedAttempt[], waitMs: number): string {
  const last = failed.at(-1);
  const times = failed.length === 1 ? "once" : `${failed.length} times`;
  const reasons = `GitHub was asked ${times} and did not answer ${request} (${failed.map(reason).join("; ")})`;
  return last && isRateLimit(last) ? `${reasons}: its rate limit lasts another ${minutes(waitMs)}` : reasons;
}

function reason({ status, said }: FailedAttempt): string {
  return [status, said].filter((part) => part !== undefined && part !== "").join(" ");
}
