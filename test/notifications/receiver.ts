import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A status with headers; `hang`: no answer; `cut`: the connection is closed without an answer. */
export type Behaviour = { status: number; headers?: Record<string, string>; body?: string } | "hang" | "cut";

export interface Receiver {
  url: string;
  received: Received[];
  /** The next answers, one for each request; after them, 202. */
  next: Behaviour[];
  stop(): Promise<void>;
}

/** Receives alerts over real HTTP. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const next: Behaviour[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    received.push({ path: request.url ?? "", headers: request.headers, body });
    const behaviour = next.shift() ?? { status: 202, body: "{}" };
    if (behaviour === "hang") return;
    if (behaviour === "cut") return void request.socket.destroy();
    response.writeHead(behaviour.status, { "content-type": "application/json", ...behaviour.headers });
    response.end(behaviour.body ?? "");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    next,
    async stop() {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}
