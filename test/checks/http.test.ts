import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { checkEndpoint } from "../../src/checks/api/check.ts";
import { get, Pace } from "../../src/checks/api/client.ts";
import { jsonAt } from "../../src/config/assertion.ts";
import { type Api, endpoint, json, serve } from "./api.ts";
import { runOnce } from "./run-once.ts";

// A page that is merely green proves nothing, and one that could not be seen is not red: each verdict is made by a real server.
const limits = { samples: 3, apiP95: 5_000 };
const look = (api: Api, written: Parameters<typeof endpoint>[0] = {}, more: Partial<typeof limits> = {}) =>
  checkEndpoint(runOnce, api, endpoint(written), { ...limits, ...more }, "api.health");

describe("statuses", () => {
  it("200 passes, with one warm-up request and the configured number of samples", async () => {
    const api = await serve((_, response) => json(response, 200, { ok: true }));
    expect(await look(api)).toMatchObject({ id: "api.health", verdict: "passed", latency: { count: 3 } });
    expect(api.seen).toEqual(Array(4).fill("GET /health"));
  });

  it.each([
    [404, "failed"],
    [500, "failed"],
    [503, "failed"],
    [204, "failed"],
    [206, "degraded"],
    [429, "error"],
  ])("%i is %s, whatever the body says", async (status, verdict) => {
    const api = await serve((_, response) =>
      status === 204 ? response.writeHead(204).end() : json(response, status, { success: true }),
    );
    expect(await look(api)).toMatchObject({
      verdict,
      observed: expect.stringContaining(String(status)),
      message: expect.any(String),
    });
  });

  it("a rate limit reports when to try again, and nothing more is requested", async () => {
    const api = await serve((_, response) => json(response, 429, {}, { "retry-after": "30" }));
    expect((await look(api)).message).toContain("try again after 30 s");
    expect(api.seen).toHaveLength(1);
  });

  it("a rate limit during sampling is a warning with the samples so far, and an error without samples", async () => {
    const limitedAfter = (good: number) => serve((_, response, count) => json(response, count <= good ? 200 : 429, {}));
    expect(await look(await limitedAfter(3))).toMatchObject({
      verdict: "degraded",
      latency: { count: 2 },
      message: expect.stringContaining("after 3 requests"),
    });
    const none = await look(await limitedAfter(1));
    expect(none).toMatchObject({ verdict: "error" });
    expect(none.latency).toBeUndefined();
  });

  it("a later wrong or degraded answer counts like the first", async () => {
    const turning = (status: number) => serve((_, response, count) => json(response, count === 3 ? status : 200, {}));
    expect(await look(await turning(500))).toMatchObject({
      verdict: "failed",
      message: expect.stringContaining("number 3 was not"),
    });
    expect(await look(await turning(206))).toMatchObject({ verdict: "degraded", observed: expect.stringContaining("206") });
  });

  it("a redirect is not followed, because its target might write", async () => {
    const api = await serve((request, response) =>
      request.url === "/health" ? response.writeHead(302, { location: "/health/redis" }).end() : json(response, 200, {}),
    );
    expect(await look(api)).toMatchObject({
      verdict: "failed",
      observed: "HTTP 302",
      message: expect.stringContaining("redirects to /health/redis. Redirects are not followed"),
    });
    expect(api.seen).toEqual(["GET /health"]);
  });

  it("a 500 about the Origin header says what to configure", async () => {
    const api = await serve((request, response) =>
      json(response, request.headers.origin === "https://listed.example" ? 200 : 500, { error: "Origin not allowed" }),
    );
    expect((await look(api)).message).toContain("set api.headers");
    expect((await look({ ...api, headers: { origin: "https://listed.example" } })).verdict).toBe("passed");
  });
});

describe("what the JSON must hold", () => {
  it.each([
    [{ path: "$.data.serverTime", notNull: true as const }, { data: { serverTime: "2026-06-01T12:00:00Z" } }, "passed"],
    [{ path: "$.data.serverTime", notNull: true as const }, { data: { serverTime: null } }, "failed"],
    [{ path: "$.data.serverTime", notNull: true as const }, { data: {} }, "failed"],
    [{ path: "$.services.databricks", equals: "connected" }, { services: { databricks: "disabled" } }, "failed"],
    [{ path: "$.services.databricks", oneOf: ["connected", "healthy"] }, { services: { databricks: "healthy" } }, "passed"],
    [{ path: "$.items[1].n", matches: "^[0-9]+$" }, { items: [{}, { n: 42 }] }, "passed"],
    [{ path: "$.items[1].n", matches: "^[0-9]+$" }, { items: [] }, "failed"],
    [{ path: "$.n", equals: 1 }, { n: "1" }, "failed"],
  ])("%j of %j: %s", async (assertion, body, verdict) => {
    const api = await serve((_, response) => json(response, 200, body));
    expect((await look(api, { json: [assertion] })).verdict).toBe(verdict);
  });

  const changes = [{ path: "$.at", changes: true as const }];

  it("a value that must change fails when it stays or is missing, and passes when it changes", async () => {
    const of = async (value: (count: number) => unknown) =>
      await look(await serve((_, response, count) => json(response, 200, { at: value(count) })), { json: changes });
    expect(await of(() => 7)).toMatchObject({ verdict: "failed", observed: "$.at stays 7" });
    expect((await of((count) => count)).verdict).toBe("passed");
    expect((await of(() => null)).verdict).toBe("failed");
  });

  it("a rate-limited answer does not count as a change", async () => {
    const api = await serve((_, response, count) => json(response, count < 3 ? 200 : 429, { at: count < 3 ? 7 : "limited" }));
    expect((await look(api, { json: changes })).verdict).toBe("failed");
  });

  const ago = (milliseconds: number) => new Date(Date.now() - milliseconds).toISOString();
  it.each([
    ["a figure in its range", { path: "$.v", between: [0, 10] }, () => 10, "passed", ""],
    ["a figure out of its range", { path: "$.v", between: [0, 10] }, () => 11, "failed", "out of range"],
    ["text in place of a figure", { path: "$.v", between: [0, 10] }, () => "7", "failed", ""],
    ["a fresh time", { path: "$.v", youngerThan: "1m" }, () => ago(1_000), "passed", ""],
    ["a fresh time in seconds", { path: "$.v", youngerThan: "1m" }, () => Math.floor(Date.now() / 1000), "passed", ""],
    ["a fresh time in milliseconds", { path: "$.v", youngerThan: "1m" }, () => Date.now(), "passed", ""],
    ["a fresh time in seconds, as text", { path: "$.v", youngerThan: "1m" }, () => String(Date.now() / 1000), "passed", ""],
    ["a fresh time in milliseconds, as text", { path: "$.v", youngerThan: "1m" }, () => String(Date.now()), "passed", ""],
    ["a stale time in seconds, as text", { path: "$.v", youngerThan: "1m" }, () => "1700000000", "failed", "outdated"],
    ["a stale time", { path: "$.v", youngerThan: "1m" }, () => ago(120_000), "failed", "outdated or hard-coded"],
    ["a time to come", { path: "$.v", youngerThan: "1m" }, () => ago(-3_600_000), "failed", "outdated or hard-coded"],
    ["no time at all", { path: "$.v", youngerThan: "1m" }, () => null, "failed", "may be hard-coded"],
    ["what is no time", { path: "$.v", youngerThan: "1m" }, () => "soon", "failed", "outdated or hard-coded"],
  ])("%s", async (_, assertion, value, verdict, message) => {
    const api = await serve((_, response) => json(response, 200, { v: value() }));
    const found = await look(api, { json: [assertion] });
    expect(found.verdict).toBe(verdict);
    expect(found.message ?? "").toContain(message);
  });

  it("response headers are compared, and own request headers are sent", async () => {
    const api = await serve((request, response) => json(response, 200, {}, { "x-asked-by": String(request.headers["x-probe"]) }));
    const headers = { "x-probe": "env-actions" };
    const wants = (matches: string) => look(api, { headers, answerHeaders: [{ header: "X-Asked-By", matches }] });
    expect((await wants("^env-actions$")).verdict).toBe("passed");
    expect(await wants("^somebody$")).toMatchObject({ verdict: "failed", observed: 'X-Asked-By is "env-actions"' });
  });

  it("an endpoint's headers and token replace general ones in any capitalization", async () => {
    const seen: (string | undefined)[] = [];
    const api = await serve((request, response) => {
      seen.push(request.headers.origin, request.headers.authorization);
      json(response, 200, {});
    });
    const ports = { ...api, headers: { Origin: "https://listed.example", Authorization: "Basic YTpi" } };
    await look(
      { ...ports, token: () => Promise.resolve("minted") },
      { signIn: true, headers: { ORIGIN: "https://own.example" } },
    );
    expect([...new Set(seen)]).toEqual(["https://own.example", "Bearer minted"]);
  });

  it("numbers and booleans of the file are compared with headers as text", async () => {
    const api = await serve((_, response) => json(response, 200, {}, { "x-version": "2", "x-live": "true" }));
    const holding = (header: object) => look(api, { answerHeaders: [header as { header: string }] });
    expect((await holding({ header: "x-version", equals: 2 })).verdict).toBe("passed");
    expect((await holding({ header: "x-live", oneOf: [true] })).verdict).toBe("passed");
    expect((await holding({ header: "x-version", equals: 3 })).verdict).toBe("failed");
    expect((await holding({ header: "x-none", oneOf: ["undefined", false] })).verdict).toBe("failed");
  });

  it.each(["HEAD", "OPTIONS"] as const)("%s can be configured, and methods that write cannot", async (method) => {
    const api = await serve((_, response) => response.writeHead(204).end());
    expect(await look(api, { method, status: [204] })).toMatchObject({ verdict: "passed", title: `${method} /health` });
    expect(new Set(api.seen)).toEqual(new Set([`${method} /health`]));
    expect(() => endpoint({ method: "POST" as "GET" })).toThrow(/HEAD/);
  });

  it("an answer that is not JSON fails JSON assertions", async () => {
    const api = await serve((_, response) => response.end("<html>fine</html>"));
    expect(await look(api, { json: [{ path: "$.ok", equals: true }] })).toMatchObject({
      verdict: "failed",
      observed: "$.ok is missing",
    });
    expect((await look(api)).verdict).toBe("passed");
  });

  it.each([
    ["$['data']['serverTime']", 1],
    ['$["a.b"]', 2],
    ["$.items[0]['x[1]']", 3],
    ["$['it\"s']", 4],
    ["$.@type", 5],
  ])("a quoted name is one step of a JSON path: %s", (path, value) => {
    const found = { data: { serverTime: 1 }, "a.b": 2, items: [{ "x[1]": 3 }], 'it"s': 4, "@type": 5 };
    expect(jsonAt(found, path)).toBe(value);
    expect(endpoint({ json: [{ path, equals: value }] }).json).toHaveLength(1);
  });

  it.each(["$..id", "$.items[*].id", "$.*", "$.items[-1]", "$.items[0:2]", "$.a[?(@.b)]", "$.a['b", "$.a[0", "$.a."])(
    "a JSON path that matches more than one value is an error: %s",
    (path) => {
      expect(() => endpoint({ json: [{ path, notNull: true }] })).toThrow(/expected a JSON path such as/);
    },
  );

  it("a HEAD request can't have JSON assertions", () => {
    expect(() => endpoint({ method: "HEAD", json: [{ path: "$.ok", equals: true }] })).toThrow(
      /a HEAD request has no content in its answer/,
    );
  });

  it("a JSON path through a scalar finds nothing", () => {
    for (const value of [undefined, null, 1, "text", [], { a: null }]) expect(jsonAt(value, "$.a.b[0]")).toBeUndefined();
  });
});

describe("politeness", () => {
  it("all checks together stay within the limit of requests per second", async () => {
    const arrivals: number[] = [];
    const api = await serve((_, response) => {
      arrivals.push(performance.now());
      json(response, 200, {});
    });
    const pace = new Pace({ requestsPerSecond: 100, longestPauseMs: 0 });
    await Promise.all(
      Array.from({ length: 6 }, (_, index) => look({ ...api, pace }, { path: `/route/${index}` }, { samples: 20 })),
    );
    expect(arrivals).toHaveLength(126);
    for (const [index, at] of arrivals.entries())
      expect(arrivals.slice(index).filter((other) => other < at + 1_000).length).toBeLessThanOrEqual(100);
  });

  it("continues after a short Retry-After and takes all samples", async () => {
    const api = await serve((_, response, count) =>
      count === 2 ? json(response, 429, {}, { "retry-after": "0" }) : json(response, 200, {}),
    );
    const pace = new Pace({ requestsPerSecond: 1_000, longestPauseMs: 1_000 });
    expect(await look({ ...api, pace })).toMatchObject({ verdict: "passed", latency: { count: 3 } });
    expect(api.seen).toHaveLength(5);
  });

  it("accepts a date in Retry-After, and a past date means now", async () => {
    const api = await serve((_, response, count) => {
      if (count === 1) return json(response, 429, {}, { "retry-after": new Date(Date.now() + 1_500).toUTCString() });
      if (count === 2) return json(response, 429, {}, { "retry-after": "Thu, 01 Jan 2026 00:00:00 GMT" });
      json(response, 200, {});
    });
    const pace = new Pace({ requestsPerSecond: 1_000, longestPauseMs: 3_000 });
    expect(await look({ ...api, pace })).toMatchObject({ verdict: "passed", latency: { count: 3 } });
  });

  it("ignores a Retry-After that is negative or no time", async () => {
    for (const said of ["-30", "soon", "1e999"]) {
      const api = await serve((_, response) => json(response, 429, {}, { "retry-after": said }));
      const found = await look({ ...api, pace: new Pace({ requestsPerSecond: 1_000, longestPauseMs: 1_000 }) });
      expect(found.message).toBe("The API limits the rate of requests; health and latency are unknown.");
      expect(api.seen).toHaveLength(1);
    }
  });

  it("does not retry a rate limit endlessly", async () => {
    const api = await serve((_, response) => json(response, 429, {}, { "retry-after": "0" }));
    const pace = new Pace({ requestsPerSecond: 1_000, longestPauseMs: 1_000 });
    expect(await look({ ...api, pace })).toMatchObject({ verdict: "error", observed: "429, rate limited" });
    expect(api.seen).toHaveLength(3);
  });
});

describe("slow while the other checks ran", () => {
  const quickAfter = (slow: number) =>
    serve((_, response, count) => void setTimeout(() => json(response, 200, {}), count <= slow ? 420 + 150 * (count % 2) : 0));

  it("is measured once more after the other checks, and that result counts", async () => {
    const api = await quickAfter(4);
    const found = await checkEndpoint(
      runOnce,
      api,
      endpoint(),
      { samples: 3, apiP95: 400, alone: () => Promise.resolve() },
      "api.health",
    );
    expect(found).toMatchObject({
      verdict: "passed",
      observed: expect.stringMatching(/; P95 \d{3} ms while the other checks ran$/),
    });
    expect(api.seen).toHaveLength(8);
  });

  it("fails when it is slow again, without a third measurement", async () => {
    const api = await quickAfter(0);
    const found = await checkEndpoint(
      runOnce,
      api,
      endpoint(),
      { samples: 3, apiP95: 0, alone: () => Promise.resolve() },
      "api.health",
    );
    expect(found).toMatchObject({ verdict: "failed", message: "The API responds, but too slowly." });
    expect(api.seen).toHaveLength(8);
  });
});

describe("what cannot be seen is an error, and ends", () => {
  it("a slow endpoint fails with its latency", async () => {
    const api = await serve((_, response) => json(response, 200, {}));
    expect(await look(api, {}, { apiP95: 0 })).toMatchObject({
      verdict: "failed",
      latency: { count: 3 },
      message: expect.stringContaining("slowly"),
    });
  });

  it("no answer in time is an error", async () => {
    const api = await serve(() => undefined);
    expect(await look({ ...api, timeoutMs: 50 })).toMatchObject({
      verdict: "error",
      message: "/health did not respond within 50 ms.",
    });
  });

  it("a body that stops in the middle is an error", async () => {
    const api = await serve((_, response) => response.writeHead(200, { "content-length": "100" }).write("{"));
    expect(await look({ ...api, timeoutMs: 50 })).toMatchObject({ verdict: "error" });
  });

  it("a connection that breaks during a body is an error with the reason", async () => {
    const api = await serve((_, response) => {
      response.writeHead(200, { "content-length": "100" }).write("{");
      setImmediate(() => response.destroy());
    });
    expect(await look(api)).toMatchObject({ verdict: "error", message: expect.stringMatching(/closed|reset/i) });
  });

  it("is an error when the stage's time is up", async () => {
    const controller = new AbortController();
    const api = await serve(() => controller.abort(new Error("the budget is used up")));
    expect(await look({ ...api, signal: controller.signal })).toMatchObject({
      verdict: "error",
      message: "the budget is used up",
    });
  });

  it("no server is an error", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, "close");
    const api = await serve(() => undefined);
    expect(await look({ ...api, url: `http://127.0.0.1:${port}` })).toMatchObject({
      verdict: "error",
      message: `connect ECONNREFUSED 127.0.0.1:${port}. Nothing listens at http://127.0.0.1:${port}. Start the application before, correct the address, or add it to servers, so that env-actions starts it.`,
    });
  });

  it("an endless answer is cut off", async () => {
    const api = await serve((_, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(65_536)));
      };
      response.on("drain", more);
      more();
    });
    const answer = await get(api, "/health");
    expect(answer).toMatchObject({ status: 200, cut: true });
    expect(answer.text).toHaveLength(2_000_000);
    expect(await look(api, { json: [{ path: "$.ok", equals: true }] })).toMatchObject({
      verdict: "error",
      observed: "more than 2 MB",
    });
  });

  it("a route that needs a sign-in is an error without a token", async () => {
    const api = await serve((_, response) => json(response, 200, {}));
    expect(await look(api, { signIn: true })).toMatchObject({
      verdict: "error",
      message: expect.stringContaining("requires a sign-in"),
    });
    expect(api.seen).toEqual([]);
  });

  it("a path that points to another host is not requested and gets no token", async () => {
    const other = await serve((_, response) => json(response, 200, {}));
    const api = await serve((_, response) => json(response, 200, {}));
    const failure = await get(api, `//${new URL(other.url).host}/x`).catch((error: unknown) => error);
    expect(String(failure)).toContain("leads to another host");
    expect(other.seen).toEqual([]);
  });
});
