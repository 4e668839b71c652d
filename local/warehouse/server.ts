import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import service from "@databricks/sql/thrift/TCLIService.js";
import type * as T from "@databricks/sql/thrift/TCLIService_types.js";
import types from "@databricks/sql/thrift/TCLIService_types.js";
import thrift from "thrift";
import { workspaceId } from "./bindings.ts";
import type { Catalogs } from "./catalog.ts";
import type { Certificates } from "./certificate.ts";
import { type Faults, takeOne } from "./faults.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { discovery, type Tokens } from "./oauth.ts";
import type { Privileges } from "./privileges.ts";
import { answerRest } from "./rest.ts";
import type { Caller, ThriftService } from "./thrift-service.ts";
import { failure, handleId } from "./wire.ts";

export interface ServerParts {
  warehouseId: string;
  tokens: Tokens;
  service: ThriftService;
  lifecycle: Lifecycle;
  faults: Faults;
  catalogs: Catalogs;
  privileges: Privileges;
}

/** The largest call that is accepted; the driver's own are far smaller. */
const largestBody = 64 * 1024 * 1024;

/** Listens on this machine only. Port 0 takes a free one. */
export async function listen(certificates: Certificates, port: number, parts: ServerParts): Promise<Server> {
  const server = createServer({ key: certificates.key, cert: certificates.certificate }, (request, response) => {
    answer(request, response, parts).catch((error: unknown) => {
      // Only a broken connection or a bug in the warehouse gets here, and the client must see the latter.
      if (response.headersSent || response.destroyed) response.destroy();
      else send(response, 500, { error_code: "INTERNAL_ERROR", message: String(error) });
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function answer(request: IncomingMessage, response: ServerResponse, parts: ServerParts): Promise<void> {
  const path = new URL(request.url ?? "/", "https://localhost").pathname;
  const body = await read(request);
  if (body === undefined) return send(response, 413, { error_code: "MALFORMED_REQUEST", message: "The request is too large." });
  const host = request.headers.host ?? "localhost";
  if (request.method === "GET" && path.startsWith("/oidc/.well-known/")) return send(response, 200, discovery(host));
  if (request.method === "POST" && path === "/oidc/v1/token")
    return await answerToken(new URLSearchParams(body.toString("utf8")), request.headers.authorization, response, parts);
  const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (token === undefined)
    return send(response, 401, {
      error_code: 401,
      message: "Credential was not sent or was of an unsupported type for this API.",
    });
  const caller = parts.tokens.caller(token, parts.faults.tokenExpiresAfterStatements);
  if (!caller) return send(response, 403, { error_code: 403, message: "Invalid access token." });
  const rest = answerRest(request.method ?? "GET", path, { ...parts, principal: caller.principal });
  if (rest) return send(response, rest.status, rest.body);
  if (request.method === "POST" && path === `/sql/1.0/warehouses/${parts.warehouseId}`)
    return answerThrift(body, response, caller, parts);
  send(response, 404, { error_code: "ENDPOINT_NOT_FOUND", message: `No API found for '${request.method} ${path}'` });
}

async function answerToken(
  form: URLSearchParams,
  authorization: string | undefined,
  response: ServerResponse,
  { tokens, faults }: ServerParts,
): Promise<void> {
  const noted = tokens.note(form, authorization);
  const misbehaving = takeOne(faults.tokenEndpoint, "");
  if (misbehaving?.delayMs) await delay(misbehaving.delayMs);
  if (misbehaving?.cut) return cut(response);
  if (misbehaving?.page) {
    noted.status = 200;
    response.writeHead(200, { "content-type": "text/html" });
    response.end("<html>Sign in</html>");
    return;
  }
  if (misbehaving?.status) {
    noted.status = misbehaving.status;
    return send(response, misbehaving.status, refusedBody, misbehaving.retryAfter);
  }
  const granted = tokens.grant(form, authorization);
  noted.status = granted.status;
  if ("expires_in" in granted.body) noted.lifetimeSeconds = granted.body.expires_in;
  send(response, granted.status, granted.body);
}

async function answerThrift(body: Buffer, response: ServerResponse, caller: Caller, parts: ServerParts): Promise<void> {
  const rpc = methodName(body);
  const refusal = takeOne(parts.faults.refuse, rpc);
  if (refusal) return send(response, refusal.status, refusedBody, refusal.retryAfter);
  if (takeOne(parts.faults.dropSockets, rpc, (entry) => entry.when === "before")) return cut(response);
  if (rpc === "OpenSession") parts.lifecycle.start();
  if (rpc === "ExecuteStatement") {
    if (parts.lifecycle.state() !== "RUNNING") return turnAway(response, body, parts.lifecycle);
    parts.tokens.countStatement(caller.token);
  }
  const reply = await process(parts.service.handlerFor(caller), body).catch((error: unknown) => String(error));
  if (typeof reply === "string")
    return send(response, 400, { error_code: "BAD_REQUEST", message: `This is no call of the protocol: ${reply}` });
  if (takeOne(parts.faults.dropSockets, rpc, (entry) => entry.when === "after")) return cut(response);
  sendThrift(response, reply);
}

const refusedBody = {
  error_code: "TEMPORARILY_UNAVAILABLE",
  message: "The service is temporarily unavailable. Please try again later.",
};

/** The answer of a stopped warehouse to a statement, which also begins to start it. */
async function turnAway(response: ServerResponse, body: Buffer, lifecycle: Lifecycle): Promise<void> {
  lifecycle.start();
  switch (lifecycle.nextRefusal()) {
    case "unavailable":
      return send(response, 503, refusedBody);
    case "bad-request":
      return send(response, 400, { error_code: "BAD_REQUEST", message: "BAD_REQUEST: The warehouse is starting." });
    case "session-not-initialized":
      return sendThrift(response, await process(sleepingHandler, body));
  }
}

const sleepingHandler = {
  ExecuteStatement: async (request: T.TExecuteStatementReq) => {
    const id = handleId(request.sessionHandle.sessionId);
    return new types.TExecuteStatementResp({ status: failure(`Session handle ${id} is not initialized`) });
  },
};

/** Runs one call through the generated Thrift processor and returns its bytes. */
function process(handler: object, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const output = new thrift.TBinaryProtocol(
      new thrift.TBufferedTransport(undefined, (message) => resolve(Buffer.from(message ?? []))),
    );
    const receive = thrift.TBufferedTransport.receiver((transport) => {
      new service.Processor(handler).process(new thrift.TBinaryProtocol(transport), output);
    }, 0);
    try {
      receive(body);
    } catch (error) {
      reject(error);
    }
  });
}

/** A strict binary message begins with version and type (four bytes), the length of the name (four), and the name. */
function methodName(body: Buffer): string {
  return body.length < 8 ? "" : body.subarray(8, 8 + body.readInt32BE(4)).toString("utf8");
}

function sendThrift(response: ServerResponse, message: Buffer): void {
  response.writeHead(200, { "content-type": "application/x-thrift", "content-length": message.length });
  response.end(message);
}

function send(response: ServerResponse, status: number, body: object, retryAfter?: number): void {
  const text = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": text.length,
    // Databricks names its workspace like this.
    "x-databricks-org-id": String(workspaceId),
    ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
  });
  response.end(text);
}

function cut(response: ServerResponse): void {
  response.socket?.destroy();
}

async function read(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > largestBody) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
