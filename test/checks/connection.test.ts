import { once } from "node:events";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer as createPlain, type Server } from "node:net";
import { createServer, getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { type Certificates, makeCertificates } from "../../local/warehouse/certificate.ts";
import { checkConnection, type Peer, peerOf } from "../../src/checks/connection.ts";
import { sendRequest, trustInAddition } from "../../src/warehouse/https.ts";
import { runOnce } from "./run-once.ts";

// Real servers with real certificates: good for a month, for a week, over, and of an authority that nobody knows.
const signal = new AbortController().signal;

async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function secure(made: Certificates | Promise<Certificates>, trusted = true, protocols?: string[]): Promise<Peer> {
  const certificates = await made;
  const server = createServer({
    cert: certificates.certificate,
    key: certificates.key,
    ...(protocols ? { ALPNProtocols: protocols } : {}),
  });
  server.on("tlsClientError", () => undefined);
  const port = await portOf(server);
  return { host: "127.0.0.1", port, tls: true, ...(trusted ? { ca: Buffer.from(certificates.authority) } : {}) };
}

const here = [{ ip: "127.0.0.1" }];
const threeAuthorities = () => Promise.all([makeCertificates(here), makeCertificates(here), makeCertificates(here)]);
const ago = (days: number) => new Date(Date.now() - days * 86_400_000);
const check = (peer: Peer, leastDays = 14) =>
  checkConnection(runOnce, "api.connection", "Connection", peer, { leastDays }, signal);
const spoken = (peer: Peer, http: "any" | "HTTP/2") =>
  checkConnection(runOnce, "api.connection", "Connection", peer, { leastDays: 14, http }, signal);

describe("a certificate", () => {
  it.each([
    ["good for a month", () => secure(makeCertificates(here)), "passed", /^TCP .* ms, TLS .* ms, certificate valid for 29 days$/],
    ["good for a week", () => secure(makeCertificates(here, ago(0), 7)), "degraded", /valid for 6 days$/],
    ["that is over", () => secure(makeCertificates(here, ago(40), 30)), "failed", /certificate expired 1[01] days ago$/],
    ["of an authority that nobody knows", () => secure(makeCertificates(here), false), "failed", /valid for 29 days$/],
    ["of another host", () => secure(makeCertificates([{ dns: "elsewhere.example" }])), "failed", /valid for 29 days$/],
  ])("%s", async (_, peer, verdict, observed) => {
    const found = await check(await peer());
    expect(found).toMatchObject({ verdict, observed: expect.stringMatching(observed) });
    expect(found.message === undefined).toBe(verdict === "passed");
  });
});

it.each([
  ["good for a month", ago(0), 30],
  ["good for a week", ago(0), 7],
  ["that is over", ago(40), 30],
] as const)("when a certificate ends is reported as data: %s", async (_, from, days) => {
  const peer = await secure(makeCertificates(here, from, days));
  const [end, ...others] = (await check(peer)).expires ?? [];
  expect(others).toEqual([]);
  expect(end).toEqual({ what: "certificate", name: `127.0.0.1:${peer.port}`, at: expect.stringMatching(/^\d{4}-.*Z$/) });
  // A certificate has whole seconds.
  expect(Math.abs(Date.parse(end?.at ?? "") - (from.getTime() + days * 86_400_000))).toBeLessThan(60_000);
});

it.each([
  ["that begins tomorrow", () => secure(makeCertificates(here, ago(-2))), "is not valid yet"],
  ["of another host", () => secure(makeCertificates([{ dns: "elsewhere.example" }])), "it belongs to another host"],
  ["of an authority that nobody knows", () => secure(makeCertificates(here), false), "by an unknown authority"],
])("a certificate that is not trusted is reported with its reason: %s", async (_, peer, message) => {
  expect(await check(await peer())).toMatchObject({ verdict: "failed", message: expect.stringContaining(message) });
});

describe("with a private authority", () => {
  const publicOnes = getCACertificates("default");
  afterEach(() => setDefaultCACertificates(publicOnes));

  it("its certificates are trusted beside the default ones", async () => {
    const [trusted, own, unknown] = await threeAuthorities();
    setDefaultCACertificates([...publicOnes, trusted.authority]);
    const trust = await trustInAddition(Buffer.from(own.authority));
    for (const [certificates, verdict] of [
      [trusted, "passed"],
      [own, "passed"],
      [unknown, "failed"],
    ] as const)
      expect((await check({ ...(await secure(certificates, false)), trust })).verdict).toBe(verdict);
  });

  it("requests outside the driver trust the same certificates, and the list is built once", async () => {
    const [trusted, own, unknown] = await threeAuthorities();
    setDefaultCACertificates([...publicOnes, trusted.authority]);
    const authority = Buffer.from(own.authority);
    const asked = async ({ certificate, key }: Certificates) => {
      const server = createHttps({ cert: certificate, key }, (_, response) => void response.end("seen"));
      const url = new URL(`https://127.0.0.1:${await portOf(server)}`);
      onTestFinished(() => server.closeAllConnections());
      return (await sendRequest(url, { method: "GET", headers: {}, authority, signal })).text;
    };
    expect([await asked(trusted), await asked(own)]).toEqual(["seen", "seen"]);
    await expect(asked(unknown)).rejects.toThrow(/certificate/);
    expect(await trustInAddition(Buffer.from(own.authority))).toBe(await trustInAddition(authority));
  });
});

it("a certificate must match the configured name", async () => {
  const peer = await secure(makeCertificates([{ dns: "redis.example" }]));
  expect((await check({ ...peer, alsoNamed: "redis.example" })).verdict).toBe("passed");
  expect((await check({ ...peer, alsoNamed: "other.example" })).verdict).toBe("failed");
  expect((await check({ ...(await secure(makeCertificates(here))), alsoNamed: "redis.example" })).verdict).toBe("passed");
});

describe("the protocol", () => {
  const certificates = makeCertificates(here);

  it.each([
    [["h2", "http/1.1"], "any", "passed", /, HTTP\/2, certificate/],
    [["h2", "http/1.1"], "HTTP/2", "passed", /, HTTP\/2, certificate/],
    [["http/1.1"], "any", "passed", /, HTTP\/1\.1, certificate/],
    [["http/1.1"], "HTTP/2", "failed", /, HTTP\/1\.1, certificate/],
    [undefined, "any", "passed", /TLS [\d.]+ ms, certificate/],
    [undefined, "HTTP/2", "failed", /TLS [\d.]+ ms, certificate/],
  ] as const)("a server with %j, expected %s: %s", async (protocols, http, verdict, observed) => {
    const found = await spoken(await secure(certificates, true, protocols && [...protocols]), http);
    expect(found).toMatchObject({ verdict, observed: expect.stringMatching(observed) });
    if (verdict === "failed") expect(found.message).toContain("does not offer HTTP/2 (ALPN)");
  });

  it("a bad certificate outweighs a missing protocol, and without TLS none is checked", async () => {
    const over = await secure(makeCertificates(here, ago(40), 30), true, ["http/1.1"]);
    expect((await spoken(over, "HTTP/2")).message).toContain("certificate has expired");
    const port = await portOf(createPlain((socket) => void socket.end()));
    const plain = peerOf(`http://127.0.0.1:${port}`);
    expect((await spoken(plain, "any")).verdict).toBe("passed");
    expect(await spoken(plain, "HTTP/2")).toMatchObject({
      verdict: "failed",
      message: expect.stringContaining("Without TLS"),
    });
  });
});

it("without TLS only the connection is measured", async () => {
  const port = await portOf(createPlain((socket) => void socket.end()));
  expect(await check(peerOf(`http://127.0.0.1:${port}/path`))).toMatchObject({
    verdict: "passed",
    observed: expect.stringMatching(/^TCP [\d.]+ ms$/),
  });
});

it("no server, or a server without TLS, is an error", async () => {
  const gone = createPlain();
  const port = await portOf(gone);
  const plain = await portOf(createPlain((socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")));
  expect((await check({ host: "127.0.0.1", port: plain, tls: true })).verdict).toBe("error");
  gone.close();
  await once(gone, "close");
  expect(await check({ host: "127.0.0.1", port, tls: false })).toMatchObject({
    verdict: "error",
    message: expect.stringContaining("ECONNREFUSED"),
  });
  const application = { leastDays: 1, http: "any" } as const;
  const peer = { host: "127.0.0.1", port, tls: false };
  expect(await checkConnection(runOnce, "x", "Connection", peer, application, signal)).toMatchObject({
    verdict: "error",
    message: expect.stringContaining("or add it to servers, so that env-actions starts it."),
  });
});

it("an unknown authority names the key where a private one can be configured", async () => {
  const peer = await secure(makeCertificates(here), false);
  const authorityIn = "redis.certificateAuthority";
  expect(await checkConnection(runOnce, "x", "Connection", peer, { leastDays: 1, authorityIn }, signal)).toMatchObject({
    verdict: "failed",
    message: expect.stringContaining("name its PEM file in redis.certificateAuthority."),
  });
});

it("a check cut short by the stage reports the time that it really had", async () => {
  const mute = await portOf(createPlain(() => undefined));
  const cut = (ending: AbortSignal) =>
    checkConnection(runOnce, "x", "Connection", { host: "127.0.0.1", port: mute, tls: true }, { leastDays: 1 }, ending);
  expect(await cut(AbortSignal.timeout(100))).toMatchObject({
    verdict: "error",
    message: `127.0.0.1:${mute} had not responded when the stage's budget ended.`,
  });
  expect((await cut(AbortSignal.abort(new Error("cancelled by a person")))).message).toBe("cancelled by a person");
});

it("uses the default port of each scheme", () => {
  expect(peerOf("https://api.example")).toEqual({ host: "api.example", port: 443, tls: true });
  expect(peerOf("rediss://user:secret@redis.example/2")).toEqual({ host: "redis.example", port: 6379, tls: true });
  expect(peerOf("http://[::1]:3000/x")).toEqual({ host: "::1", port: 3000, tls: false });
});
