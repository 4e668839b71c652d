import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { Server } from "socket.io";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  checkNamespace,
  checkPlainSocket,
  checkWrongToken,
  namespaceIds,
  plainIds,
  type SocketPorts,
} from "../../src/checks/websocket/check.ts";
import { runOnce } from "./run-once.ts";

const http = createServer();
let ports: SocketPorts;
/** Sockets that are connected, by namespace. */
const connected = () => [...sockets._nsps.values()].reduce((sum, namespace) => sum + namespace.sockets.size, 0);
let sockets: Server;

beforeAll(async () => {
  sockets = new Server(http);
  sockets.of("/sessions").use((socket, next) => {
    const { token } = socket.handshake.auth;
    if (token === undefined) next(new Error("Authentication token required"));
    else if (token !== "good") next(new Error("Invalid token"));
    else next();
  });
  sockets.of("/open");
  sockets.of("/broken").use((_, next) => next(new Error("Database is down")));
  // Later than the limit below, and well before twice the limit, when patience ends.
  sockets.of("/late").use((_, next) => void setTimeout(next, 600));
  sockets.of("/silent").use(() => undefined);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  ports = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    path: "/socket.io/",
    headers: {},
    signal: new AbortController().signal,
  };
});
afterAll(() => sockets.close());

const look = (namespace: string, token?: string, more: Partial<SocketPorts> = {}, limitMs = 5_000) =>
  checkNamespace(
    runOnce,
    { ...ports, ...more },
    namespace,
    limitMs,
    token === undefined ? undefined : () => Promise.resolve(token),
  );

describe("a namespace", () => {
  it("that refuses a connection without a token passes", async () => {
    expect(await look("/sessions")).toMatchObject({
      id: "websocket.sessions",
      verdict: "passed",
      observed: expect.stringContaining("refused (Authentication token required)"),
    });
  });

  it("accepts a good token, and is disconnected afterwards", async () => {
    expect(await look("/sessions", "good")).toMatchObject({
      verdict: "passed",
      observed: expect.stringMatching(/^connected in/),
    });
    await expect.poll(connected).toBe(0);
  });

  it.each([
    ["that refuses a fresh token", "/sessions", "outdated", "failed", "refused a fresh token"],
    ["that lets everybody in", "/open", undefined, "failed", "accepts clients without a token"],
    ["that nobody made", "/nowhere", "good", "failed", "has no namespace /nowhere"],
    ["that refuses for another reason", "/broken", undefined, "error", "does not prove"],
  ])("%s", async (_, namespace, token, verdict, message) => {
    expect(await look(namespace, token)).toMatchObject({ verdict, message: expect.stringContaining(message) });
  });

  it("that answers too late fails", async () => {
    expect(await look("/late", "good", {}, 500)).toMatchObject({
      verdict: "failed",
      message: expect.stringContaining("too slowly"),
    });
  });

  it("that never answers is an error at the deadline", async () => {
    expect(await look("/silent", "good", {}, 100)).toMatchObject({
      verdict: "error",
      message: expect.stringContaining("did not respond within 200 ms"),
    });
  });

  it("is not waited for after the stage's time is up", async () => {
    const controller = new AbortController();
    const looking = look("/silent", "good", { signal: controller.signal });
    controller.abort(new Error("the budget is used up"));
    expect(await looking).toMatchObject({ verdict: "error", message: expect.stringContaining("the budget is used up") });
  });
});

describe("a wrong token", () => {
  it.each([
    ["is refused", "/sessions", "passed", ""],
    ["lets anybody in", "/open", "failed", "Anyone can connect"],
    ["at a namespace that nobody made", "/nowhere", "failed", "has no namespace"],
    ["where something else is wrong", "/broken", "error", "does not prove"],
  ])("%s", async (_, namespace, verdict, message) => {
    const check = await checkWrongToken(runOnce, ports, namespace, 5_000);
    expect(check.verdict).toBe(verdict);
    expect(check.message ?? "").toContain(message);
    await expect.poll(connected).toBe(0);
  });
});

describe("a WebSocket without Socket.IO", () => {
  // What Socket.IO stands on is one: it greets with a message that begins with 0.
  const path = "/socket.io/?EIO=4&transport=websocket";
  it("opens, sends its greeting, and is closed", async () => {
    expect(await checkPlainSocket(runOnce, ports, { path }, 5_000)).toMatchObject({ verdict: "passed", latency: { count: 1 } });
    expect(await checkPlainSocket(runOnce, ports, { path, message: '^0.*"sid"' }, 5_000)).toMatchObject({ verdict: "passed" });
    await expect.poll(() => sockets.engine.clientsCount).toBe(0);
  });

  it.each([
    ["that says something else", { path, message: "hello" }, 100, "did not respond within 200 ms"],
    ["that is none", { path: "/nothing" }, 5_000, "No WebSocket at"],
  ])("%s is an error", async (_, socket, limitMs, message) => {
    expect(await checkPlainSocket(runOnce, ports, socket, limitMs)).toMatchObject({
      verdict: "error",
      message: expect.stringContaining(message),
    });
  });
});

it("a redirect to another host is not followed and gets no headers or token", async () => {
  const asked: string[] = [];
  const other = createServer((request, response) => {
    asked.push(String(request.url));
    response.writeHead(404).end();
  }).on("upgrade", (request, socket) => {
    asked.push(String(request.url));
    socket.destroy();
  });
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  const elsewhere = `//127.0.0.1:${(other.address() as AddressInfo).port}/sessions`;
  const found = [
    await look(elsewhere, "good"),
    await checkWrongToken(runOnce, ports, elsewhere, 1_000),
    await checkPlainSocket(runOnce, ports, { path: elsewhere }, 1_000),
  ];
  for (const check of found)
    expect(check).toMatchObject({ verdict: "error", message: expect.stringContaining("nothing was sent") });
  expect(asked).toEqual([]);
  other.closeAllConnections();
  other.close();
  await once(other, "close");
});

it("namespaces that differ only in slashes get different ids", () => {
  expect(namespaceIds(["/a/b", "/sessions", "/a.b"])).toEqual(["websocket.a.b", "websocket.sessions", "websocket.a.b-2"]);
});

it("the same path configured twice gets two ids", () => {
  expect(plainIds([{ path: "/ws" }, { path: "/" }, { path: "/ws/" }])).toEqual([
    "websocket.plain.ws",
    "websocket.plain.root",
    "websocket.plain.ws-2",
  ]);
});

it("a server that never closes the connection does not delay the check", async () => {
  const mute = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (request) => {
      const key = /sec-websocket-key: (.*)\r/i.exec(String(request))?.[1];
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      // The closing frame is read, and nothing follows from it.
      socket.resume();
    });
  }).listen(0, "127.0.0.1");
  await once(mute, "listening");
  const left = once(mute, "connection").then(([socket]) => once(socket, "close", { signal: AbortSignal.timeout(3_000) }));
  const url = `http://127.0.0.1:${(mute.address() as AddressInfo).port}`;
  expect(await checkPlainSocket(runOnce, { ...ports, url }, { path: "/ws" }, 1_000)).toMatchObject({ verdict: "passed" });
  await left;
  mute.close();
});

it("a server without such a route fails, and no server is an error", async () => {
  const plain = createServer((_, response) => response.writeHead(404).end()).listen(0, "127.0.0.1");
  await once(plain, "listening");
  const url = `http://127.0.0.1:${(plain.address() as AddressInfo).port}`;
  expect(await look("/sessions", undefined, { url })).toMatchObject({
    verdict: "failed",
    message: expect.stringContaining("No WebSocket at"),
  });
  const socket = { path: "/ws" };
  expect(await checkPlainSocket(runOnce, { ...ports, url }, socket, 1_000)).toMatchObject({
    verdict: "failed",
    message: expect.stringContaining("404"),
  });
  plain.close();
  await once(plain, "close");
  const message = expect.stringMatching(/^No WebSocket at .*ECONNREFUSED.* add it to servers, so that env-actions starts it\.$/);
  expect(await look("/sessions", undefined, { url })).toMatchObject({ verdict: "error", message });
  expect(await checkPlainSocket(runOnce, { ...ports, url }, socket, 1_000)).toMatchObject({ verdict: "error", message });
});

it("a token that can't be minted makes this check an error", async () => {
  const check = await checkNamespace(runOnce, ports, "/sessions", 1_000, () => Promise.reject(new Error("the secret is wrong")));
  expect(check).toMatchObject({ verdict: "error", message: "the secret is wrong" });
});
