import fc from "fast-check";
import { expect, it } from "vitest";
import { endpointIds } from "../../src/checks/run-check.ts";
import { endpoint } from "./api.ts";

const ids = (...written: Parameters<typeof endpoint>[0][]) => endpointIds("api", written.map(endpoint), ["api.connection"]);

it("is made from the name or the path", () => {
  expect(ids({ path: "/api/v1/health" }, { path: "/x", name: "Queue depth" })).toEqual(["api.api-v1-health", "api.queue-depth"]);
});

it("names the difference when a path is requested in several ways, in any order", () => {
  const me = "/api/v1/auth/me";
  const asked = [
    [{ path: me }, "api.api-v1-auth-me"],
    [{ path: me, status: [401, 403] }, "api.api-v1-auth-me-401-403"],
    [{ path: me, signIn: true }, "api.api-v1-auth-me-signed-in"],
    [{ path: me, method: "HEAD" }, "api.api-v1-auth-me-head"],
  ] as const;
  for (const order of [asked, asked.toReversed()])
    expect(
      ids(...order.map(([written]) => ({ ...written, status: [...("status" in written ? written.status : [200])] }))),
    ).toEqual(order.map(([, id]) => id));
});

it("gets a number for identical requests, and never another endpoint's id", () => {
  expect(ids({ path: "/a/b" }, { path: "/a-b" }, { path: "/a.b-2" }, { path: "/a-b" })).toEqual([
    "api.a-b",
    "api.a-b-3",
    "api.a-b-2",
    "api.a-b-4",
  ]);
  expect(ids({ path: "/connection" })).toEqual(["api.connection-2"]);
});

it("is made from the path, or from character codes, for a name in another alphabet", () => {
  expect(ids({ path: "/y", name: "概要" }, { path: "/概", name: "概要" }, { path: "/", name: "概要" })).toEqual([
    "api.y",
    "api.e6-a6-82",
    "api.root",
  ]);
});

it("is unique and never empty", () => {
  const words = fc.constantFrom("/a", "/a-2", "/a-2-2", "/a-head", "/概要", "/", "/connection", "/\ud800");
  const some = fc.record({ path: words, name: fc.option(words, { nil: undefined }), method: fc.constantFrom("GET", "HEAD") });
  fc.assert(
    fc.property(fc.array(some, { maxLength: 12 }), (endpoints) => {
      const made = endpointIds(
        "api",
        endpoints.map((asked) => endpoint(asked)),
        ["api.connection"],
      );
      expect(new Set([...made, "api.connection"]).size).toBe(endpoints.length + 1);
      for (const id of made) expect(id).toMatch(/^api\.[a-z0-9]+(?:-[a-z0-9]+)*$/);
    }),
  );
});
