import type { ServerResponse } from "node:http";
import { expect, it } from "vitest";
import { checkEndpoint } from "../../src/checks/api/check.ts";
import { Origins } from "../../src/checks/api/origins.ts";
import { checkOauth } from "../../src/checks/oauth/check.ts";
import { checkPlainSocket } from "../../src/checks/websocket/check.ts";
import { type Api, endpoint, json, serve } from "./api.ts";
import { runOnce } from "./run-once.ts";

// An API that requires an allowed Origin may write down each request without one, so it gets as few as possible.
const refuse = (response: ServerResponse) => json(response, 500, { message: "Not allowed by CORS: no Origin header" });
const limits = { samples: 2, apiP95: 1_000 };

function lookAtAll(api: Api) {
  return Promise.all([
    ...["/a", "/b", "/c"].map((path) => checkEndpoint(runOnce, api, endpoint({ path }), limits, `api.${path}`)),
    checkOauth(runOnce, api, { path: "/google", code: "VALIDATION_ERROR" }),
    checkPlainSocket(runOnce, { ...api, path: "/socket.io/" }, { path: "/ws" }, 1_000),
  ]);
}

it("after the first answer that asks for an Origin, nothing more is requested, and every check says what to set", async () => {
  const api = { ...(await serve((_, response) => refuse(response))), headers: {}, origins: new Origins() };
  const found = await lookAtAll(api);
  expect(api.seen).toEqual(["GET /a"]);
  expect(found.map(({ verdict }) => verdict)).toEqual(["failed", "error", "error", "error", "error"]);
  expect(found[0]?.message).toContain("set api.headers");
  for (const check of found.slice(1)) expect(check.message).toMatch(/^Not requested: \/a answered 500.*Set api.headers/);
});

it("an Origin that is not allowed is named, and a route with its own is still requested", async () => {
  const api = {
    ...(await serve((request, response) =>
      request.headers.origin === "https://b" ? json(response, 200, {}) : refuse(response),
    )),
    headers: { Origin: "https://a" },
    origins: new Origins(),
  };
  const own = endpoint({ path: "/own", headers: { origin: "https://b" } });
  const [first, second, third] = await Promise.all([
    ...["/a", "/b"].map((path) => checkEndpoint(runOnce, api, endpoint({ path }), limits, `api.${path}`)),
    checkEndpoint(runOnce, api, own, limits, "api.own"),
  ]);
  expect([first?.verdict, second?.verdict, third?.verdict]).toEqual(["failed", "error", "passed"]);
  expect(second?.message).toContain("https://a is not allowed");
  expect(api.seen.filter((request) => request !== "GET /own")).toEqual(["GET /a"]);
});

it.each([
  [
    "a page that mentions origins",
    (response: ServerResponse) => response.writeHead(500, { "content-type": "text/html" }).end("cross-origin"),
  ],
  ["a fault whose original error is named", (response: ServerResponse) => json(response, 500, { original: "x" })],
  ["a broken connection", (response: ServerResponse) => response.destroy()],
])("%s is no such answer, and all is requested", async (_, answer) => {
  const api = { ...(await serve((_request, response) => void answer(response))), headers: {}, origins: new Origins() };
  await lookAtAll(api);
  expect(new Set(api.seen)).toEqual(new Set(["GET /a", "GET /b", "GET /c", "POST /google", "GET /ws"]));
});

it("a slow first answer does not hold the others up", async () => {
  const answered = Promise.withResolvers<void>();
  const api = {
    ...(await serve((_, response, count) => {
      if (count === 1) answered.promise.then(() => json(response, 200, {}));
      else json(response, 200, {});
    })),
    headers: {},
    origins: new Origins(),
  };
  const slow = checkEndpoint(runOnce, api, endpoint({ path: "/a" }), limits, "api.a");
  const other = await checkEndpoint(runOnce, api, endpoint({ path: "/b" }), limits, "api.b");
  expect(other.verdict).toBe("passed");
  // Only now, so if the other had waited for it, neither would have ended.
  answered.resolve();
  await slow;
});
