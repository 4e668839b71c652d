import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A server that says exactly these bytes. */
export interface RawServer {
  url: URL;
  /** What each request was, as text, in order. */
  requests: string[];
  /** How many connections were opened. */
  connections: () => number;
  /** Resolves when all connections are closed. */
  closed: () => Promise<void>;
}

/** @param answer what is written, and what is done afterwards, for the request with this number, counted from 1 */
export async function serveRaw(answer: (socket: Socket, count: number) => void): Promise<RawServer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    let received = "";
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      const end = received.indexOf("\r\n\r\n");
      const length = Number(/^content-length: (\d+)/im.exec(received)?.[1] ?? 0);
      if (end < 0 || received.length < end + 4 + length) return;
      requests.push(received);
      received = "";
      answer(socket, requests.length);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/health`),
    requests,
    connections: () => connections,
    closed: async () => {
      await Promise.all([...sockets].map((socket) => once(socket, "close")));
    },
  };
}

/** An answer with a length. */
export function answerOf(body: string | Buffer, headers = "", status = "200 OK"): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\n${headers}Content-Length: ${bytes.length}\r\n\r\n`, "latin1"), bytes]);
}
