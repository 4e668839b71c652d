import { setTimeout as delay } from "node:timers/promises";
import type { Handler } from "express";
import { ApiError } from "./errors.ts";
import type { Settings } from "./settings.ts";

const windowMs = 15 * 60_000;
const requestsPerWindow = 1_000;
const smootherMs = 2_000;

/**
 * Which browser origins may call. In production, a request from an unlisted origin gets the CORS layer's error as a 500, as in
 * the real ClassWaves. Elsewhere, every origin may call if none is listed.
 */
export function admitOrigins({ production, allowedOrigins }: Settings): Handler {
  return (request, response, next) => {
    const origin = request.get("origin");
    const listed = origin !== undefined && allowedOrigins.includes(origin);
    if (production && !listed) throw new ApiError(500, "INTERNAL_ERROR", "Not allowed by CORS");
    if (origin !== undefined && (listed || allowedOrigins.length === 0)) {
      response.set({
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Headers": "authorization,content-type",
        "Access-Control-Allow-Methods": "GET,POST,DELETE",
        Vary: "Origin",
      });
    }
    if (request.method === "OPTIONS") {
      response.status(204).end();
      return;
    }
    next();
  };
}

/** At most 1000 requests in 15 minutes from one address. */
export function limitRate({ quirks }: Settings): Handler {
  const windows = new Map<string, { count: number; endsAt: number }>();
  return (request, response, next) => {
    const now = Date.now();
    const address = request.ip ?? "unknown";
    let window = windows.get(address);
    if (!window || window.endsAt <= now) {
      window = { count: 0, endsAt: now + windowMs };
      windows.set(address, window);
    }
    window.count++;
    const seconds = Math.ceil((window.endsAt - now) / 1000);
    const left = Math.max(0, requestsPerWindow - window.count);
    response.set({
      "RateLimit-Limit": `${requestsPerWindow}`,
      "RateLimit-Remaining": `${left}`,
      "RateLimit-Reset": `${seconds}`,
    });
    const overLimit = window.count > requestsPerWindow || (quirks.has("rate-limited") && request.path.startsWith("/api/"));
    if (!overLimit) return next();
    response.set({ "Retry-After": `${seconds}` });
    throw new ApiError(429, "RATE_LIMIT_EXCEEDED", "too many requests, please try again later");
  };
}

/** The first request to /api is answered immediately, each later one after two seconds. */
export function smooth({ quirks }: Settings): Handler {
  let seen = 0;
  return async (request, _response, next) => {
    if (quirks.has("smoothing") && request.path.startsWith("/api/") && seen++ > 0) await delay(smootherMs);
    next();
  };
}
