// It reads the proxy variables once, when it is loaded. Files share their modules, so it must be loaded before this one sets any.
import "@actions/github";
import { writeFile } from "node:fs/promises";
import { createServer as createPlain, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecure } from "node:https";
import { createServer as createTcp } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { Server } from "socket.io";
import { afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type LocalGitHub, startGitHub } from "../../local/github/index.ts";
import { type Certificates, makeCertificates } from "../../local/warehouse/certificate.ts";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { checkEndpoint } from "../../src/checks/api/check.ts";
import { get } from "../../src/checks/api/client.ts";
import { checkConnection, peerOf } from "../../src/checks/connection.ts";
import type { CheckContext } from "../../src/checks/kind.ts";
import { run as tcp } from "../../src/checks/tcp/check.ts";
import { checkNamespace, checkPlainSocket } from "../../src/checks/websocket/check.ts";
import { gitHub } from "../../src/github/api.ts";
import { artifactService } from "../../src/github/artifacts.ts";
import { deliver } from "../../src/notifications/deliver.ts";
import { sendMetrics } from "../../src/notifications/metrics.ts";
import { unreachable } from "../../src/redis/failure.ts";
import { describeWarehouse } from "../../src/warehouse/credential.ts";
import { type SignIn, tokenSource } from "../../src/warehouse/sign-in.ts";
import { endpoint } from "../checks/api.ts";
import { runOnce } from "../checks/run-once.ts";
import { folderForEachTest } from "../harness/folder.ts";
import { listenForThisTest } from "../harness/port.ts";
import { degradedSmoke } from "../report/sample.ts";
import { reads, settingsFor } from "../warehouse/harness.ts";
import { type ProxyOptions, startProxy } from "./proxy.ts";

/**
 * Every connection out goes through a real proxy to names that only the proxy resolves, or ports at which only the proxy finds a
 * server. So nothing can go around it.
 */

const signal = new AbortController().signal;
const folder = folderForEachTest();
const publicOnes = getCACertificates("default");
let certificates: Certificates;
/** Of the proxy that looks into TLS. */
let inspectors: Certificates;

beforeAll(async () => {
  const hosts = [{ dns: "app.internal" }, { dns: "localhost" }, { ip: "127.0.0.1" }];
  [certificates, inspectors] = await Promise.all([makeCertificates(hosts), makeCertificates(hosts)]);
});
beforeEach(() => {
  for (const name of ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"]) vi.stubEnv(name, "");
  setDefaultCACertificates([...publicOnes, certificates.authority]);
});
afterEach(() => {
  vi.unstubAllEnvs();
  setDefaultCACertificates(publicOnes);
});

/** A proxy that all connections of this test have to use. */
async function behind(options: ProxyOptions & { noProxy?: string }) {
  const proxy = await startProxy(options);
  const [scheme = "", host = ""] = proxy.url.split("//");
  const url = options.credentials ? `${scheme}//${options.credentials}@${host}` : proxy.url;
  vi.stubEnv("HTTPS_PROXY", url);
  vi.stubEnv("HTTP_PROXY", url);
  vi.stubEnv("NO_PROXY", options.noProxy ?? "");
  return proxy;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
const hello: Handler = (_, response) => void response.writeHead(200, { "content-type": "application/json" }).end('{"ok":true}');

const secureServer = (handler: Handler = hello) =>
  listenForThisTest(createSecure({ cert: certificates.certificate, key: certificates.key }, handler));
const plainServer = (handler: Handler = hello) => listenForThisTest(createPlain(handler));
const api = (url: string) => ({ url, headers: {}, signal });
/** Text that any error in the chain has. */
const failing = (work: Promise<unknown>) =>
  work.then(
    () => "nothing failed",
    (error: unknown) => {
      const messages: string[] = [];
      for (let one = error; one instanceof Error; one = one.cause) messages.push(one.message);
      return messages.join("\n");
    },
  );

describe("the API", () => {
  test("with TLS goes through a tunnel, and its certificate is verified as ever", async () => {
    const port = await secureServer();
    const proxy = await behind({ routes: { "app.internal:443": port, "other.internal:443": port } });
    expect(await get(api("https://app.internal"), "/health")).toMatchObject({ status: 200, json: { ok: true } });
    expect(proxy.log).toEqual(["CONNECT app.internal:443"]);
    expect(await failing(get(api("https://other.internal"), "/health"))).toContain(
      "other.internal. is not in the cert's altnames",
    );
    setDefaultCACertificates(publicOnes);
    const again = await behind({ routes: { "app.internal:443": port } });
    expect(await failing(get(api("https://app.internal"), "/health"))).toMatch(/certificate/);
    expect(again.log).toEqual(["CONNECT app.internal:443"]);
  });

  test("a connection is used again", async () => {
    const port = await secureServer();
    const proxy = await behind({ routes: { "app.internal:443": port } });
    for (let time = 0; time < 6; time++) await get(api("https://app.internal"), "/health");
    // As without a proxy: the second request finds the first connection not yet free.
    expect(proxy.log.length).toBeLessThanOrEqual(2);
  });

  test("without TLS it goes through a tunnel too; where the proxy opens none, it forwards the request", async () => {
    const seen: string[] = [];
    const port = await plainServer((request, response) => {
      seen.push(`${request.headers.host} ${request.url} ${request.headers["proxy-authorization"]}`);
      response.writeHead(503).end("the application's own");
    });
    const routes = { "app.internal:3000": port };
    const open = await behind({ routes, credentials: "user:secret-of-1" });
    expect(await get(api("http://app.internal:3000"), "/a?b=1")).toMatchObject({ status: 503, text: "the application's own" });
    const strict = await behind({ routes, credentials: "user:secret-of-2", tunnelsOnlyTo: 443 });
    for (const path of ["/a?b=1", "/c"])
      expect(await get(api("http://app.internal:3000"), path)).toMatchObject({ status: 503, text: "the application's own" });
    expect(open.log).toEqual(["CONNECT app.internal:3000"]);
    expect(strict.log).toEqual([
      "CONNECT app.internal:3000",
      "GET http://app.internal:3000/a?b=1",
      "GET http://app.internal:3000/c",
    ]);
    expect(seen.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "app.internal:3000 /a?b=1",
      "app.internal:3000 /a?b=1",
      "app.internal:3000 /c",
    ]);
    expect(seen[0]).toContain("undefined");
  });

  test("where the proxy only forwards, the check says that the answer may be the proxy's own", async () => {
    const sick = await plainServer((_, response) => void response.writeHead(503).end("down"));
    const note =
      /^\/health answered 503: down The proxy http:\/\/127\.0\.0\.1:\d+ forwarded the request, and may have answered it itself\.$/;
    const look = () =>
      checkEndpoint(runOnce, api("http://app.internal"), endpoint(), { samples: 1, apiP95: 5_000 }, "api.health");
    await behind({ routes: { "app.internal:80": sick }, tunnelsOnlyTo: 443 });
    expect(await look()).toMatchObject({ verdict: "failed", message: expect.stringMatching(note) });
    await behind({ routes: { "app.internal:80": sick } });
    expect(await look()).toMatchObject({ verdict: "failed", message: "/health answered 503: down" });
    const strict = await behind({ answers: 403 });
    expect(await look()).toMatchObject({ message: expect.stringContaining(`The proxy ${strict.url} forwarded the request`) });
    const sent = await deliver({ url: "http://hooks.internal", body: "{}", headers: () => ({}) });
    expect(sent.problem).toBe(`the answer was HTTP 403, perhaps of the proxy ${strict.url}`);
  });

  test("NO_PROXY holds, for a host and for a host with a port", async () => {
    const [port, other] = [await secureServer(), await secureServer()];
    const proxy = await behind({ routes: { [`localhost:${other}`]: other }, noProxy: `localhost:${port}` });
    for (const one of [port, other]) expect((await get(api(`https://localhost:${one}`), "/health")).status).toBe(200);
    expect(proxy.log).toEqual([`CONNECT localhost:${other}`]);
    vi.stubEnv("no_proxy", "localhost");
    expect((await get(api(`https://localhost:${other}`), "/health")).status).toBe(200);
    expect(proxy.log).toHaveLength(1);
  });

  test("a proxy with TLS of its own", async () => {
    const port = await secureServer();
    const proxy = await behind({ routes: { "app.internal:443": port }, secure: certificates });
    expect((await get(api("https://app.internal"), "/health")).status).toBe(200);
    expect(proxy.log).toEqual(["CONNECT app.internal:443"]);
    setDefaultCACertificates(publicOnes);
    await behind({ routes: { "app.internal:443": port }, secure: certificates });
    expect(await failing(get(api("https://app.internal"), "/health"))).toMatch(/the proxy https:\/\/127.0.0.1:\d+ .*certificate/);
  });

  test("a proxy that looks into TLS is trusted with its authority, and not without", async () => {
    const port = await secureServer();
    const options = { routes: { "app.internal:443": port }, inspects: inspectors };
    await behind(options);
    expect(await failing(get(api("https://app.internal"), "/health"))).toMatch(/certificate/);
    setDefaultCACertificates([...publicOnes, inspectors.authority]);
    await behind(options);
    expect((await get(api("https://app.internal"), "/health")).status).toBe(200);
  });
});

describe("a proxy that fails is told apart from its target", () => {
  test.each([
    [
      { credentials: "user:right" },
      407,
      /^the proxy http:\/\/127\.0\.0\.1:\d+ \(HTTPS_PROXY\) asks for a user and a password \(HTTP 407\): write them into HTTPS_PROXY/m,
    ],
    [
      { answers: 403 },
      403,
      /^the proxy http:\/\/127\.0\.0\.1:\d+ \(HTTPS_PROXY\) refused to connect to app\.internal:443 \(HTTP 403\)$/m,
    ],
    [{}, 502, /^the proxy http:\/\/127\.0\.0\.1:\d+ \(HTTPS_PROXY\) could not connect to app\.internal:443 \(HTTP 502\)$/m],
    [{ answers: 504 }, 504, /could not connect to app\.internal:443 \(HTTP 504\)$/m],
  ])("%j", async (options, _, expected) => {
    const proxy = await startProxy(options);
    vi.stubEnv("HTTPS_PROXY", proxy.url);
    expect(await failing(get(api("https://app.internal"), "/health"))).toMatch(expected);
  });

  test("one that nobody runs", async () => {
    vi.stubEnv("HTTPS_PROXY", "http://user:secret-word@127.0.0.1:9");
    const said = await failing(get(api("https://app.internal"), "/health"));
    expect(said).toMatch(
      /^the proxy http:\/\/127\.0\.0\.1:9 \(HTTPS_PROXY\) cannot be used for app\.internal:443: .*ECONNREFUSED/m,
    );
    expect(said).not.toContain("secret-word");
  });

  test("one that never answers is named", async () => {
    const port = await listenForThisTest(createTcp(() => undefined));
    vi.stubEnv("HTTPS_PROXY", `http://127.0.0.1:${port}`);
    expect(await failing(get({ ...api("https://app.internal"), timeoutMs: 200 }, "/health"))).toContain(
      `/health did not respond within 200 ms through the proxy http://127.0.0.1:${port}.`,
    );
  });

  test("wrong credentials, and a target on this machine", async () => {
    const proxy = await startProxy({ credentials: "user:right" });
    vi.stubEnv("HTTPS_PROXY", proxy.url.replace("//", "//user:wrong-word@"));
    const said = await failing(get(api("https://app.internal"), "/health"));
    expect(said).toContain("refused the user and the password (HTTP 407)");
    expect(said).not.toContain("wrong-word");
    await behind({});
    expect(await failing(get(api("https://localhost:3000"), "/health"))).toMatch(
      /could not connect to localhost:3000 \(HTTP 502\)\. localhost is this machine: add it to NO_PROXY/,
    );
  });

  test.each([
    [{ credentials: "user:right", tunnelsOnlyTo: 443 }, /asks for a user and a password/],
    [{ tunnelsOnlyTo: 443 }, /could not connect to app\.internal:80 \(HTTP 502\)/],
  ])("without TLS: %j", async (options, expected) => {
    const proxy = await startProxy(options);
    vi.stubEnv("HTTP_PROXY", proxy.url);
    expect(await failing(get(api("http://app.internal"), "/health"))).toMatch(expected);
  });
});

describe("the check of the connection", () => {
  const limits = { leastDays: 14, http: "any" } as const;
  const look = (url: string) => checkConnection(runOnce, "api.connection", "Connection", peerOf(url), limits, signal);

  test("looks at the target's certificate and protocol, through the proxy", async () => {
    const port = await secureServer();
    const proxy = await behind({ routes: { "app.internal:443": port } });
    expect(await look("https://app.internal")).toMatchObject({
      verdict: "passed",
      observed: expect.stringMatching(
        /^through the proxy http:\/\/127\.0\.0\.1:\d+: tunnel [\d.]+ m?s, TLS [\d.]+ m?s, HTTP\/1\.1, certificate valid for 29 days$/,
      ),
    });
    expect(proxy.log).toEqual(["CONNECT app.internal:443"]);
    setDefaultCACertificates(publicOnes);
    expect((await look("https://app.internal")).verdict).toBe("failed");
  });

  test("a proxy that forwards only shows no connection, which is no pass; one that fails is an error", async () => {
    const port = await plainServer();
    await behind({ routes: { "app.internal:80": port } });
    expect((await look("http://app.internal")).verdict).toBe("passed");
    await behind({ routes: { "app.internal:80": port }, tunnelsOnlyTo: 443 });
    expect(await look("http://app.internal")).toMatchObject({
      verdict: "skipped",
      message: expect.stringMatching(/refused to connect to app\.internal:80 \(HTTP 403\)\. It forwards plain requests/),
    });
    await behind({ answers: 403 });
    expect((await look("https://app.internal")).verdict).toBe("error");
    await behind({});
    expect(await look("http://app.internal")).toMatchObject({
      verdict: "error",
      message: expect.stringContaining("could not connect to app.internal:80 (HTTP 502)"),
    });
  });

  test("Redis and plain TCP have no proxy, and say so if they fail", async () => {
    vi.stubEnv("HTTPS_PROXY", "http://127.0.0.1:9");
    vi.stubEnv("HTTP_PROXY", "http://127.0.0.1:9");
    const direct = /; the connection is direct, because HTTPS_PROXY and HTTP_PROXY hold for HTTP only/;
    expect(unreachable(new Error("connect ETIMEDOUT")).message).toMatch(direct);
    const context = { check: runOnce, signal } as CheckContext;
    const [looked] = tcp(context, [{ name: "mail", host: "127.0.0.1", port: 9, within: 1_000 }]);
    expect(await looked).toMatchObject({ verdict: "failed", message: expect.stringMatching(direct) });
    expect(peerOf("rediss://redis.internal").proxy).toBeUndefined();
    expect(peerOf("https://app.internal").proxy).toBeDefined();
  });
});

describe("WebSockets", () => {
  async function sockets(secure: boolean): Promise<number> {
    const http = secure ? createSecure({ cert: certificates.certificate, key: certificates.key }) : createPlain();
    const server = new Server(http);
    server.of("/sessions");
    onTestFinished(() => void server.close());
    return await listenForThisTest(http);
  }
  const ports = (url: string) => ({ url, path: "/socket.io/", headers: {}, signal });
  const token = () => Promise.resolve("good");
  const plain = { path: "/socket.io/?EIO=4&transport=websocket", message: "^0" };

  test.each([
    ["https", true],
    ["http", false],
  ])("%s: with Socket.IO and without", async (scheme, secure) => {
    const port = await sockets(secure);
    const proxy = await behind({ routes: { "app.internal:8443": port }, credentials: "user:secret-word" });
    const there = ports(`${scheme}://app.internal:8443`);
    expect(await checkNamespace(runOnce, there, "/sessions", 5_000, token)).toMatchObject({ verdict: "passed" });
    expect(await checkPlainSocket(runOnce, there, plain, 5_000)).toMatchObject({ verdict: "passed" });
    expect(proxy.log).toEqual(["CONNECT app.internal:8443", "CONNECT app.internal:8443"]);
    vi.stubEnv("NO_PROXY", "localhost");
    const here = ports(`${scheme}://localhost:${port}`);
    expect(await checkNamespace(runOnce, here, "/sessions", 5_000, token)).toMatchObject({ verdict: "passed" });
    expect(await checkPlainSocket(runOnce, here, plain, 5_000)).toMatchObject({ verdict: "passed" });
    expect(proxy.log).toHaveLength(2);
  });

  test("a refusal of the proxy is none of the server: an error that names the proxy", async () => {
    await behind({ answers: 403 });
    const said = /the proxy http:\/\/127\.0\.0\.1:\d+ \(HTTPS_PROXY\) refused to connect to app\.internal:443 \(HTTP 403\)/;
    const there = ports("https://app.internal");
    for (const check of [
      checkNamespace(runOnce, there, "/sessions", 5_000, undefined),
      checkPlainSocket(runOnce, there, plain, 5_000),
    ])
      expect(await check).toMatchObject({ verdict: "error", message: expect.stringMatching(said) });
  });
});

describe("Databricks", () => {
  let warehouse: Warehouse;
  beforeAll(async () => {
    warehouse = await startWarehouse({
      principals: {
        writer: { user: "writer@school.example", grants: [{ privilege: "USE CATALOG", on: "classwaves" }] },
        principal: { user: "principal", grants: [] },
      },
      oauthClients: { "client-1": { secret: "client-secret-1", user: "principal" } },
    });
    return () => warehouse.stop();
  });
  const dead = "localhost:9";
  const settings = () => settingsFor(warehouse, { host: dead });
  const one = async (given = settings()) => await reads(given, async (reader) => await reader.query("SELECT 1 AS one"));

  test("the driver, the REST API and the sign-in go through the proxy, with the private authority", async () => {
    const proxy = await behind({ routes: { [dead]: warehouse.port }, credentials: "user:secret-word" });
    expect(await one()).toEqual([{ one: 1 }]);
    const driver = proxy.log.length;
    expect(driver).toBeGreaterThan(0);
    expect(await describeWarehouse(settings(), signal)).toMatchObject({ state: expect.any(String) });
    expect(proxy.log.length).toBeGreaterThan(driver);
    const signIn: SignIn = { way: "oauth-m2m", clientId: "client-1", clientSecret: "client-secret-1" };
    const { certificateAuthority } = warehouse;
    const source = tokenSource(signIn, { host: dead, certificateAuthority }, { env: {}, onSecret: () => undefined });
    expect(await source.token(signal)).toEqual(expect.any(String));
    expect(new Set(proxy.log)).toEqual(new Set([`CONNECT ${dead}`]));
  });

  test("NO_PROXY holds for all of them", async () => {
    const proxy = await behind({ noProxy: "localhost" });
    const direct = settingsFor(warehouse);
    expect(await one(direct)).toEqual([{ one: 1 }]);
    expect(await describeWarehouse(direct, signal)).toMatchObject({ state: expect.any(String) });
    expect(proxy.log).toEqual([]);
  });

  test("a proxy that looks into TLS is trusted with its authority in certificateAuthority, and not without", async () => {
    const inspects = inspectors;
    const authority = join(folder.path, "inspector.pem");
    await writeFile(authority, inspectors.authority);
    await behind({ routes: { [dead]: warehouse.port }, inspects });
    expect(await failing(one())).toMatch(/certificate/);
    expect(await one({ ...settings(), certificateAuthority: authority })).toEqual([{ one: 1 }]);
    expect(await describeWarehouse({ ...settings(), certificateAuthority: authority }, signal)).toMatchObject({});
  });

  test.each([
    [{ answers: 403 }, "EA9202", /the proxy .* refused to connect to localhost:9 \(HTTP 403\)/],
    [{ answers: 407 }, "EA9202", /the proxy .* asks for a user and a password/],
    [{}, "EA9203", /the proxy .* could not connect to localhost:9 \(HTTP 502\)/],
  ])("a proxy that fails: %j", async (options, code, message) => {
    await behind(options);
    await expect(one()).rejects.toMatchObject({ kind: "unreachable", code, message: expect.stringMatching(message) });
  });
});

describe("alerts and metrics", () => {
  const post = (url: string) => ({ url, body: "{}", headers: () => ({}) });
  const limits = { attemptMs: 5_000, totalMs: 10_000, attempts: 3, firstPauseMs: 1 };

  test("go through the proxy, and NO_PROXY holds", async () => {
    const seen: string[] = [];
    const port = await secureServer(async (request, response) => {
      seen.push(`${request.url} ${(await text(request)).length > 1}`);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
    const proxy = await behind({ routes: { "app.internal:443": port } });
    expect(await deliver(post("https://app.internal/hook/1"), limits)).toEqual({ attempts: 1 });
    const target = (url: string) => ({ url, headers: {}, version: "1.0.0" });
    expect(await sendMetrics(degradedSmoke(), target("https://app.internal/v1/metrics"))).toEqual({ attempts: 1 });
    expect(seen).toEqual(["/hook/1 true", "/v1/metrics true"]);
    expect(proxy.log).toEqual(["CONNECT app.internal:443", "CONNECT app.internal:443"]);
    vi.stubEnv("NO_PROXY", "localhost");
    expect(await deliver(post(`https://localhost:${port}/hook/2`), limits)).toEqual({ attempts: 1 });
    expect(await sendMetrics(degradedSmoke(), target(`https://localhost:${port}/v1/metrics`))).toEqual({ attempts: 1 });
    expect(proxy.log).toHaveLength(2);
  });

  test("a refusal of the proxy is final and shows nothing of the address; a proxy that could not connect is asked again", async () => {
    const strict = await behind({ answers: 403 });
    const { attempts, problem } = await deliver(post("https://secret-host.internal/secret-path"), limits);
    expect(attempts).toBe(1);
    expect(problem).toMatch(
      /^the proxy http:\/\/127\.0\.0\.1:\d+ \(HTTPS_PROXY\) refused to connect to the target \(HTTP 403\)$/,
    );
    expect(strict.log).toHaveLength(1);
    const lost = await behind({});
    expect(await deliver(post("https://secret-host.internal/secret-path"), limits)).toMatchObject({
      attempts: 3,
      problem: expect.stringMatching(/could not connect to the target \(HTTP 502\)$/),
    });
    expect(lost.log).toHaveLength(3);
  });
});

describe("GitHub", () => {
  let github: LocalGitHub;
  beforeAll(async () => {
    github = await startGitHub({
      repositories: { "classwaves/app": {} },
      tokens: { "token-1": { permissions: { deployments: "read" } } },
    });
    return () => github.stop();
  });
  const ask = async (url: string) => {
    const api = await gitHub("token-1", { GITHUB_API_URL: url }, { firstPauseMs: 1 });
    return await api.rest.repos.listDeployments({ owner: "classwaves", repo: "app" });
  };

  test("the API goes through the proxy, NO_PROXY holds, and a failing proxy is named", async () => {
    const { port } = new URL(github.url);
    const proxy = await behind({ routes: { "api.github.internal:80": Number(port) } });
    expect((await ask("http://api.github.internal")).data).toEqual([]);
    expect(proxy.log).toEqual(["CONNECT api.github.internal:80"]);
    vi.stubEnv("NO_PROXY", "127.0.0.1");
    expect((await ask(github.url)).data).toEqual([]);
    expect(proxy.log).toHaveLength(1);
    await behind({ answers: 502 });
    expect(await failing(ask("http://api.github.internal"))).toMatch(
      /the proxy .* could not connect to api\.github\.internal:80/,
    );
  });

  test("artifacts do too", async () => {
    const port = await secureServer(
      (_, response) => void response.writeHead(200, { "content-type": "application/json" }).end('{"artifacts":[]}'),
    );
    const proxy = await behind({ routes: { "results.internal:443": port, "app.internal:443": port } });
    const claims = Buffer.from(JSON.stringify({ scp: "Actions.Results:run-7:job-9" })).toString("base64url");
    const list = (host: string) =>
      artifactService({ ACTIONS_RESULTS_URL: `https://${host}/`, ACTIONS_RUNTIME_TOKEN: `e30.${claims}.signature` })?.list();
    expect(await list("app.internal")).toEqual([]);
    expect(proxy.log).toEqual(["CONNECT app.internal:443"]);
    await behind({ answers: 403 });
    expect(await failing(Promise.resolve(list("app.internal")))).toMatch(
      /artifact service, ListArtifacts: the proxy .* refused to connect to app\.internal:443 \(HTTP 403\)$/,
    );
  });
});
