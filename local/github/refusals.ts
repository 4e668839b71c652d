import type { Access, Answer, PermissionName } from "./endpoint.ts";

/** Answers that GitHub can give at any endpoint, and that its description lists at few of them. */

const documentation = "https://docs.github.com/rest";

function refusal(status: number, message: string, headers: Record<string, string> = {}): Answer {
  return { status, headers, body: { message, documentation_url: documentation, status: String(status) } };
}

/** The token is unknown or expired. */
export function badCredentials(): Answer {
  return refusal(401, "Bad credentials");
}

/** The token is valid, but the job's `permissions:` lack this one. */
export function notAccessible(permission: PermissionName, access: Access): Answer {
  return refusal(403, "Resource not accessible by integration", { "x-accepted-github-permissions": `${permission}=${access}` });
}

export function notFound(): Answer {
  return refusal(404, "Not Found");
}

/** GitHub understood the request and can't do it in this state. */
export function unprocessable(message: string): Answer {
  return refusal(422, message);
}

/** The token's requests for this hour are used up. @param resetAt milliseconds; sent in whole seconds */
export function rateLimitExceeded(resetAt: number, status: 403 | 429 = 403): Answer {
  return refusal(status, "API rate limit exceeded for installation ID 4711.", {
    "x-ratelimit-remaining": "0",
    "x-ratelimit-reset": String(Math.ceil(resetAt / 1000)),
  });
}

/** Too many requests at once. GitHub often, but not always, says how many seconds to wait. */
export function secondaryRateLimit(retryAfter?: number, status: 403 | 429 = 403): Answer {
  return refusal(
    status,
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    retryAfter === undefined ? {} : { "retry-after": String(retryAfter) },
  );
}

/** The proxy in front of GitHub answers with an HTML page, not JSON. */
export function serverError(status: 500 | 502 | 503 | 504): Answer {
  return {
    status,
    body: "<!DOCTYPE html><html><body><p>We had issues producing the response to your request.</p></body></html>",
  };
}
