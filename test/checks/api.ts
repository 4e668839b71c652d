import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { ApiPorts } from "../../src/checks/api/client.ts";
import { endpointSchema } from "../../src/checks/api/kind.ts";
import type { Endpoint } from "../../src/config/schema.ts";

export interface Api extends ApiPorts {
  /** Method and path of every request, in order. */
  seen: string[];
}

/** A real HTTP server for one test. */
export async function serve(answer: (request: IncomingMessage, response: ServerResponse, count: number) => void): Promise<Api> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    answer(request, response, seen.length);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    headers: { origin: "https://classwaves.example" },
    signal: new AbortController().signal,
    seen,
  };
}

export function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

export async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
}

export function endpoint(written: Partial<Parameters<ReturnType<typeof endpointSchema>["parse"]>[0] & object> = {}): Endpoint {
  return endpointSchema().parse({ path: "/health", ...written });
}
