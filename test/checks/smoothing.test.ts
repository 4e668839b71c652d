import type { ServerResponse } from "node:http";
import { expect, it } from "vitest";
import { checkEndpoint } from "../../src/checks/api/check.ts";
import { Pace } from "../../src/checks/api/client.ts";
import { Smoothing } from "../../src/checks/api/smoothing.ts";
import { type Api, endpoint, json, serve } from "./api.ts";
import { runOnce } from "./run-once.ts";
import { undisturbed } from "./undisturbed.ts";

// A limiter that delays requests hides how fast the API is. It remembers what earlier stages sent, so it may delay the first, too.
const delayMs = 400;
const limits = { samples: 5, apiP95: 300 };

/** What all checks of one stage share. */
const stage = (api: Api): Api => ({
  ...api,
  pace: new Pace({ requestsPerSecond: 1_000, longestPauseMs: 0 }),
  smoothing: new Smoothing(),
});

async function look(api: Api, paths: readonly string[], { samples = limits.samples } = {}) {
  const checks = paths.map((path) => checkEndpoint(runOnce, api, endpoint({ path }), { ...limits, samples }, `api.${path}`));
  return (await Promise.all(checks)).map(({ verdict, message }) => [verdict, message ?? ""] as const);
}

const late = (response: ServerResponse, status = 200) => void setTimeout(() => json(response, status, {}), delayMs);

it("a limiter that delays all but the first request below /api is one in every stage, whatever came before", async () => {
  const limited = async () => {
    let seen = 0;
    const api = await serve((request, response) => {
      if (request.url?.startsWith("/api/") && seen++ > 0) return late(response, request.url.includes("no-such") ? 404 : 200);
      json(response, request.url?.startsWith("/api/") ? 200 : 404, {});
    });
    const routes = ["/api/v1/a", "/api/v1/b"];
    return { api, first: await look(stage(api), routes), second: await look(stage(api), routes) };
  };
  const { api, first, second } = await undisturbed(limited);
  for (const [round, found] of Object.entries({ first, second })) {
    expect(found).toHaveLength(2);
    for (const [verdict, message] of found) {
      expect(verdict, round).toBe("degraded");
      expect(message).toContain("a rate limiter delays requests");
    }
  }
  // Once for all checks of a stage: one route below /api, and one outside, twice.
  const missing = api.seen.filter((request) => request.includes("no-such-route"));
  expect(missing.length).toBeLessThanOrEqual(6);
  expect(missing.length).toBeGreaterThanOrEqual(3);
});

it("is recognised with few samples, and beside a fast route that is not limited", async () => {
  const api = await serve((request, response) => (request.url?.startsWith("/api/") ? late(response) : json(response, 200, {})));
  const found = await undisturbed(() => look(stage(api), ["/api/v1/a", "/metrics"], { samples: 2 }));
  expect(found.map(([verdict]) => verdict)).toEqual(["degraded", "passed"]);
});

it.each([
  ["an API whose routes wait, while others answer", (path: string) => path.startsWith("/api/v1/")],
  ["a server that is late with everything", () => true],
])("%s is slow, and fails", async (_, isLate) => {
  const api = await serve((request, response) => {
    const path = request.url ?? "";
    return isLate(path) ? late(response) : json(response, 404, {});
  });
  const found = await undisturbed(() => look(stage(api), ["/api/v1/a"]));
  expect(found[0]?.[0]).toBe("failed");
  expect(found[0]?.[1]).toMatch(/either a rate limiter .*, or the API waits/);
});

it("a path without a first part has no other route to compare with", async () => {
  const api = await serve((_, response) => late(response));
  expect((await look(stage(api), ["/health"]))[0]?.[0]).toBe("failed");
  expect(api.seen.filter((request) => request !== "GET /health")).toEqual([]);
});
