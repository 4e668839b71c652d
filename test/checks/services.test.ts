import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { checkAuth, mintToken } from "../../src/checks/auth/check.ts";
import { checkDiscovery, checkOauth } from "../../src/checks/oauth/check.ts";
import { shared } from "../../src/checks/run-check.ts";
import { environmentSchema } from "../../src/config/schema.ts";
import { type Api, bodyOf, json, serve } from "./api.ts";
import { runOnce } from "./run-once.ts";

// Routes that let people in. Each is asked in the one way that cannot let anybody in by asking, and each of ClassWaves' known
// holes is opened here by a real server.
interface AuthServer {
  acceptsAnySecret?: boolean;
  refusesItsToken?: boolean;
  status?: number;
}

function authServer(quirks: AuthServer = {}): Promise<Api> {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url === "/me")
      return json(response, request.headers.authorization === "Bearer minted" && !quirks.refusesItsToken ? 200 : 401, {});
    if (quirks.status) return json(response, quirks.status, {});
    const { secretKey } = await bodyOf(request);
    if (secretKey === undefined) return json(response, 400, {});
    if (secretKey !== "right" && !quirks.acceptsAnySecret) return json(response, 401, {});
    json(response, 200, { tokens: { accessToken: "minted" } });
  };
  return serve((request, response) => void answer(request, response));
}

function auth(written: { secret?: string; enabled?: boolean }) {
  const environment = environmentSchema.parse({ access: "read-only", auth: { mint: "/mint", use: "/me", ...written } });
  if (!environment.auth) throw new Error("no auth was configured");
  return environment.auth;
}

async function verdicts(api: Api, written: { secret?: string; enabled?: boolean }): Promise<string[]> {
  const settings = auth(written);
  const minted = settings.enabled && settings.secret ? shared(() => mintToken(api, settings)) : undefined;
  return (await checkAuth(runOnce, api, settings, minted)).map((check) => `${check.id} ${check.verdict}: ${check.message ?? ""}`);
}

const missingRoute = (status: number) => expect.stringContaining(`/mint answered ${status}: there is no such route`);

it("the role that is asked for is ClassWaves' usual one, or another of the configuration, or none", async () => {
  const asked: unknown[] = [];
  const api = await serve(async (request, response) => {
    asked.push(JSON.parse(Buffer.concat(await request.toArray()).toString("utf8")).role);
    json(response, 200, { tokens: { accessToken: "minted" } });
  });
  const usual = auth({ secret: "right" });
  const [admin] = Object.values(usual.roles);
  if (!admin) throw new Error("expected a role by default");
  for (const roles of [usual.roles, { admin }, { admin, teacher: admin }, {}]) await mintToken(api, { ...usual, roles });
  expect(asked).toEqual(["teacher", "admin", "teacher", undefined]);
});

describe("auth", () => {
  it("passes when a token is minted and accepted, and a wrong secret is refused", async () => {
    expect(await verdicts(await authServer(), { secret: "right" })).toEqual(["auth.mint passed: ", "auth.wrong-secret passed: "]);
  });

  it.each<[string, (api: Api) => Promise<Api>, unknown[]]>([
    ["breaks off", async (api) => api, [{ route: "/mint", unanswered: true }]],
    ["is not there", async (api) => ({ ...api, url: "http://127.0.0.1:1" }), []],
  ])("that %s: a possible sign-in is recorded, and nothing else", async (_, place, told) => {
    const breaking = await serve((request) => void bodyOf(request).then(() => request.socket.destroy()));
    const made: unknown[] = [];
    const api = { ...(await place(breaking)), onSignIn: async (one: unknown) => void made.push(one) };
    await expect(mintToken(api, auth({ secret: "right" }))).rejects.toThrow();
    expect(made).toEqual(told);
  });

  it("with a wrong secret is an error that names the secret", async () => {
    expect((await verdicts(await authServer(), { secret: "wrong" }))[0]).toMatch(/^auth.mint error:.*the secret is wrong/);
  });

  it("that accepts any secret fails", async () => {
    expect((await verdicts(await authServer({ acceptsAnySecret: true }), { secret: "right" }))[1]).toMatch(
      /^auth.wrong-secret failed: Anybody/,
    );
  });

  it("whose tokens are not accepted fails", async () => {
    expect((await verdicts(await authServer({ refusesItsToken: true }), { secret: "right" }))[0]).toMatch(/^auth.mint failed/);
  });

  it.each([404, 405, 410])("whose route is seen missing (%i) fails, and counts once", async (status) => {
    const api = await authServer({ status });
    const settings = { ...auth({ secret: "right" }), refresh: "/refresh" };
    const found = await checkAuth(
      runOnce,
      api,
      settings,
      shared(() => mintToken(api, settings)),
    );
    expect(found).toEqual([
      expect.objectContaining({ id: "auth.mint", verdict: "failed", independent: true, message: missingRoute(status) }),
      expect.objectContaining({ id: "auth.refresh", verdict: "failed", cause: "auth.mint" }),
      expect.objectContaining({ id: "auth.wrong-secret", verdict: "failed", cause: "auth.mint", message: missingRoute(status) }),
    ]);
  });

  it.each([429, 500])("that answers %i proves nothing about secrets", async (status) => {
    const found = await verdicts(await authServer({ status }), { secret: "right" });
    expect(found.map((one) => one.split(":")[0])).toEqual(["auth.mint error", "auth.wrong-secret error"]);
  });

  it("with an impossible lifetime has no known expiry", async () => {
    for (const answer of [{ expiresIn: 1e300 }, { accessToken: `e30.${Buffer.from('{"exp":1e20}').toString("base64url")}.s` }]) {
      const api = await serve((_, response) => json(response, 200, { accessToken: "minted", ...answer }));
      expect(await mintToken(api, auth({ secret: "right" }))).not.toHaveProperty("livesMs");
    }
  });

  it("that is rate limited when its token is used is an error, not a failure", async () => {
    const limited = (body: object) =>
      serve((request, response) => (request.url === "/me" ? json(response, 429, {}) : json(response, 200, body)));
    const settings = { ...auth({ secret: "right" }), refresh: "/refresh" };
    const minted = () => Promise.resolve({ token: "minted", refreshToken: "renew-me" });
    const found = await checkAuth(runOnce, await limited({ accessToken: "renewed" }), settings, minted);
    expect(found.slice(0, 2)).toEqual([
      expect.objectContaining({ id: "auth.mint", verdict: "error", observed: "429, rate limited" }),
      expect.objectContaining({ id: "auth.refresh", verdict: "error", observed: "429, rate limited" }),
    ]);
  });

  it("without a secret is skipped, and nothing is requested", async () => {
    const api = await authServer();
    expect(await verdicts(api, {})).toEqual(["auth.mint skipped: auth.secret is not configured"]);
    expect(api.seen).toEqual([]);
  });

  it.each([
    [404, "passed", ""],
    [405, "passed", ""],
    [410, "passed", ""],
    [400, "error", "before its secret was compared"],
    [422, "error", "before its secret was compared"],
    [401, "failed", "is enabled here"],
    [403, "error", "something in front of it"],
    [302, "error", "redirects"],
    [429, "error", "Rate limited"],
    [500, "error", "could not answer"],
    [503, "error", "could not answer"],
    [200, "failed", "accepted a wrong secret"],
  ])("that must be off: %i is %s", async (status, verdict, message) => {
    const [found] = await verdicts(await authServer({ status }), { enabled: false });
    expect(found).toMatch(new RegExp(`^auth.mint-off ${verdict}`));
    expect(found).toContain(message);
    if (verdict === "error") expect(found).toContain("could not be told");
  });

  it("that must be off: a page is no answer of an API, and a token is a session to forget", async () => {
    const page = await serve((_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>"));
    expect((await verdicts(page, { enabled: false }))[0]).toMatch(/^auth.mint-off error: .*may not be the API/);
    const made: unknown[] = [];
    const open = await serve((_, response) => json(response, 200, { accessToken: "minted", sessionId: "session-1" }));
    const api = { ...open, onSignIn: async (one: unknown) => void made.push(one) };
    expect((await verdicts(api, { enabled: false }))[0]).toMatch(/^auth.mint-off failed: .*issued a token for a wrong secret/);
    expect(made).toEqual([{ route: "/mint", sessionId: "session-1" }]);
  });

  it("that must be off, in a back end that validates first, is off", async () => {
    const api = await serve((request, response) => {
      void bodyOf(request).then(({ secretKey, role }) => json(response, secretKey && role ? 404 : 400, {}));
    });
    expect((await verdicts(api, { enabled: false }))[0]).toMatch(/^auth.mint-off passed/);
  });

  it("is requested with a secret that is certainly wrong: well-formed, random, and not the configured one", async () => {
    const sent: unknown[] = [];
    const api = await serve((request, response) => {
      void bodyOf(request).then(({ secretKey, role }) => {
        sent.push(secretKey);
        json(response, role === "teacher" ? 401 : 400, {});
      });
    });
    await verdicts(api, { enabled: false, secret: "right" });
    await verdicts(api, { secret: "right" });
    await verdicts(api, { enabled: false });
    const wrong = sent.filter((secret) => secret !== "right");
    expect(wrong).toHaveLength(3);
    expect(new Set(wrong).size).toBe(3);
    for (const secret of wrong) expect(secret).toMatch(/^env-actions-wrong-secret-[0-9a-f]{48}$/);
    expect(api.seen.filter((request) => request !== "POST /mint")).toEqual([]);
  });
});

it("everything that can be used to sign in is a secret, and nothing else is", async () => {
  const told = async (answer: object, cookies: string[] = []) => {
    const secrets: string[] = [];
    const api = await serve((_, response) => {
      response.setHeader("set-cookie", cookies);
      json(response, 200, answer);
    });
    await mintToken({ ...api, onSecret: (secret) => secrets.push(secret) }, auth({ secret: "right" })).catch(() => undefined);
    return secrets;
  };
  const tokens = { accessToken: "minted", refreshToken: "renew-me" };
  const [sessionId, cookie] = ["5f0e1b7a-9a51-4a0c-8f0e-2f6d1c1b7a9a", "s%3Aq7Wr9sT2vX4yZ6aB.c8Dd"];
  expect(await told({ tokens, sessionId }, [`sid=${cookie}; Path=/; HttpOnly`, "lang=en"])).toEqual([
    "minted",
    "renew-me",
    sessionId,
    cookie,
  ]);
  expect(await told({ accessToken: "minted", sessionId: "session-1" })).toEqual(["minted"]);
  // The beginning is the run's prefix, which stands everywhere.
  const prefixed = "integration_test_1763920000000_0a0b0c0d_";
  expect(await told({ accessToken: "minted", sessionId: `${prefixed}${sessionId}` })).toEqual(["minted", sessionId]);
  expect(await told({ accessToken: "minted", sessionId: `${prefixed}teacher` })).toEqual(["minted"]);
  expect(await told({ message: "off", sessionId })).toEqual([]);
});

describe("a token that is renewed", () => {
  const settings = { ...auth({ secret: "right" }), refresh: "/refresh" };
  const refreshed = async (answer: unknown, status = 200, use = 200) => {
    const api = await serve((request, response) =>
      request.url === "/refresh" ? json(response, status, answer) : json(response, use, {}),
    );
    const secrets: string[] = [];
    const minted = () => Promise.resolve({ token: "minted", refreshToken: "renew-me" });
    const checks = await checkAuth(runOnce, { ...api, onSecret: (secret) => secrets.push(secret) }, settings, minted);
    return { check: checks.find(({ id }) => id === "auth.refresh"), secrets };
  };

  it("is accepted, and is a secret", async () => {
    const { check, secrets } = await refreshed({ tokens: { accessToken: "renewed" } });
    expect(check).toMatchObject({ verdict: "passed" });
    expect(secrets).toEqual(["renewed"]);
  });

  it.each([
    ["that nobody accepts", { accessToken: "renewed" }, 200, 401, "failed"],
    ["that is none", {}, 200, 200, "failed"],
    ["that is refused", {}, 401, 200, "failed"],
    ["that is rate limited", {}, 429, 200, "error"],
  ])("%s", async (_, answer, status, use, verdict) => {
    expect((await refreshed(answer, status, use)).check?.verdict).toBe(verdict);
  });

  it("fails when there is no refresh token", async () => {
    const api = await serve((_, response) => json(response, 200, {}));
    const checks = await checkAuth(runOnce, api, settings, () => Promise.resolve({ token: "minted" }));
    expect(checks.find(({ id }) => id === "auth.refresh")).toMatchObject({ verdict: "failed" });
  });
});

describe("a discovery document", () => {
  const discovered = async (make: (url: string) => [number, unknown], at = "/.well-known/openid-configuration") => {
    const api: Api = await serve((_, response) => json(response, ...make(api.url)));
    return await checkDiscovery(runOnce, api, `${api.url}${at}`);
  };
  const whole = (url: string) => ({
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/keys`,
  });

  it.each<[string, (url: string) => [number, unknown], string, string]>([
    ["that is whole", (url) => [200, whole(url)], "passed", ""],
    ["of somebody else", (url) => [200, { ...whole(url), issuer: "https://elsewhere.example" }], "failed", "issuer"],
    ["without keys", (url) => [200, { ...whole(url), jwks_uri: undefined }], "failed", "lacks"],
    ["that is not there", () => [404, {}], "failed", "does not respond as expected"],
    ["of a provider that is down", () => [503, {}], "error", "does not respond as expected"],
  ])("%s", async (_, make, verdict, message) => {
    const check = await discovered(make);
    expect(check.verdict).toBe(verdict);
    expect(check.message ?? "").toContain(message);
  });

  it("is not requested from a route that writes", async () => {
    const api = await serve((_, response) => json(response, 200, {}));
    const readOnly = { writes: ["**/health/redis"], emptyPosts: [] };
    expect(await checkDiscovery(runOnce, { ...api, readOnly }, `${api.url}/health/redis`)).toMatchObject({
      verdict: "error",
      message: expect.stringContaining("refused before sending"),
    });
    expect(api.seen).toEqual([]);
  });

  it.each([
    ["/.well-known/openid-configuration", ["", "/"], ["/a", "."]],
    ["/a/v2/.well-known/openid-configuration", ["/a/v2", "/a/v2/"], ["", "/a", "/a/v"]],
    ["/.well-known/oauth-authorization-server/a", ["", "/a"], ["/oauth-authorization-server"]],
    ["/a/discovery.json", ["", "/a"], ["/a/discovery", "/b"]],
  ])("at %s must name exactly that issuer", async (at, right, wrong) => {
    const verdictOf = async (issuer: (url: string) => string) =>
      (await discovered((url) => [200, { ...whole(url), issuer: issuer(url) }], at)).verdict;
    for (const path of right) expect([path, await verdictOf((url) => `${url}${path}`)]).toEqual([path, "passed"]);
    for (const path of wrong) expect([path, await verdictOf((url) => `${url}${path}`)]).toEqual([path, "failed"]);
    for (const issuer of ["", "/", "http", "http://"])
      expect([issuer, await verdictOf(() => issuer)]).toEqual([issuer, "failed"]);
  });
});

describe("oauth", () => {
  it.each([
    [400, { code: "VALIDATION_ERROR" }, "passed", ""],
    [422, { code: "VALIDATION_ERROR" }, "passed", ""],
    [401, {}, "passed", ""],
    [403, {}, "passed", ""],
    [400, { code: "SOMETHING_ELSE" }, "failed", "does not respond as expected"],
    [422, { code: "SOMETHING_ELSE" }, "failed", "does not respond as expected"],
    [200, { tokens: { accessToken: "for anybody" } }, "failed", "lets everybody in"],
    [404, {}, "failed", "does not respond as expected"],
    [302, {}, "failed", "does not respond as expected"],
    [500, {}, "failed", "does not respond as expected"],
    [429, {}, "error", "the result is unknown"],
  ])("%i %j is %s", async (status, body, verdict, message) => {
    const api = await serve((_, response) => json(response, status, body));
    const check = await checkOauth(runOnce, api, { path: "/google", code: "VALIDATION_ERROR" });
    expect(check.verdict).toBe(verdict);
    expect(check.message ?? "").toContain(message);
  });
});
