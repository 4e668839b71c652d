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

/**
 * GitHub's API, as this project asks it: with an end to every wait, and with failures that say what to do. Nothing else here knows
 * @actions/github.
 */

/** `rest` has a method for each of GitHub's endpoints, `paginate` reads the lists that come in pages. Both throw GitHubError. */
export type GitHub = Pick<Octokit, "rest" | "paginate">;

type Octokit = ReturnType<typeof getOctokit>;
type Env = Readonly<Record<string, string | undefined>>;

export interface GitHubOptions {
  /** Ends every request and every wait. */
  cancel?: AbortSignal;
  /** Milliseconds that one request may take, with all its attempts and pauses. */
  deadlineMs?: number;
  /** Milliseconds before the second attempt; each later pause is twice as long. */
  firstPauseMs?: number;
}

const attempts = 4;
const attemptDeadlineMs = 15_000;
/** GitHub asks for a minute's wait where it does not say how long. */
const defaultDeadlineMs = 90_000;
const defaultFirstPauseMs = 500;

/**
 * @param env GITHUB_API_URL says where the API is; api.github.com if it does not.
 * @throws GitHubError without a token, or for an address that is none.
 */
export async function gitHub(token: string | undefined, env: Env, options: GitHubOptions = {}): Promise<GitHub> {
  if (!token) throw new GitHubError("EA9001", "there is no token for GitHub's API: pass the input github-token", undefined);
  const baseUrl = env.GITHUB_API_URL || "https://api.github.com";
  if (!URL.canParse(baseUrl)) throw new GitHubError("EA9001", `GITHUB_API_URL: expected an address, got "${baseUrl}"`, undefined);
  // 600 kB, which a stage that asks GitHub nothing should not have to load.
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
      // Changed in place: octokit's inner hooks were given this very object, and pass on no other.
      endpoint.request = { ...endpoint.request, signal };
      return await send(endpoint);
    });
  });
  return octokit;
}

interface Patience {
  /** For people: `GET /repos/classwaves/app/deployments/7`. */
  request: string;
  /** Whether it does no harm when it is carried out twice. */
  repeatable: boolean;
  withinMs: number;
  firstPauseMs: number;
  cancel: AbortSignal;
}

/** Sends again what may pass by itself: no answer and 5xx for requests that only read, rate limits for all. @throws GitHubError */
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

/** octokit hands on text, or none, where the answer broke off in the middle or is not GitHub's. */
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
