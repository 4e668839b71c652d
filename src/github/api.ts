import type { getOctokit } from "@actions/github";
import { type Attempt, growingPause, retry } from "../lib/retry.ts";
import {
  codeOf,
  exhaustedText,
  type FailedAttempt,
  failedAttempt,
  GitHubError,
  isWorthRepeating,
  limitMs,
  refusalText,
} from "./failure.ts";

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
  /** Pause before the second attempt in milliseconds; it doubles after each further attempt. */
  firstPauseMs?: number;
}

const attempts = 4;
const attemptDeadlineMs = 15_000;
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
  const octokit = getOctokit(token, { baseUrl });
  octokit.hook.wrap("request", (send, endpoint) => {
    const { method, url } = octokit.request.endpoint(endpoint);
    const patience = {
      request: `${method} ${new URL(url).pathname}`,
      repeatable: method === "GET",
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
  withinMs: number;
  firstPauseMs: number;
  cancel: AbortSignal;
}

/**
 * Retries temporary failures: rate limits for all requests; missing answers and 5xx only for requests that are safe to repeat.
 * @throws GitHubError
 */
async function patiently<Answer extends { status: number; data: unknown }>(
  { request, repeatable, withinMs, firstPauseMs, cancel }: Patience,
  send: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const attempt = async ({ leftMs }: Attempt): Promise<Answer> => {
    const answer = await send(AbortSignal.any([cancel, AbortSignal.timeout(Math.min(attemptDeadlineMs, leftMs))]));
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
