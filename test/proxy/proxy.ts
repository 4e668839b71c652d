import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, TLSSocket } from "node:tls";
import { onTestFinished } from "vitest";
import type { Certificates } from "../../local/warehouse/certificate.ts";

/** A forward proxy that writes down what it was asked. It resolves names that exist nowhere else, so nothing can go around it. */
export interface LoggingProxy {
  port: number;
  /** For HTTPS_PROXY, without credentials. */
  url: string;
  /** `CONNECT host:port`, or the method and the absolute URL. */
  log: string[];
}

export interface ProxyOptions {
  /** Ports on this machine, by `host:port` of the target. */
  routes?: Readonly<Record<string, number>>;
  /** `user:password`, without which it answers 407. */
  credentials?: string;
  /** It looks into TLS, with this certificate in place of the target's. */
  inspects?: Certificates;
  /** The answer to everything. */
  answers?: number;
  /** Opens tunnels to this port only, as squid does by default. */
  tunnelsOnlyTo?: number;
  /** It speaks TLS itself. */
  secure?: Certificates;
}

/** Listens until the test has ended. */
export async function startProxy(options: ProxyOptions = {}): Promise<LoggingProxy> {
  const log: string[] = [];
  const { secure } = options;
  const server = secure ? createSecureServer({ cert: secure.certificate, key: secure.key }) : createServer();
  const sockets = new Set<Duplex>();
  const kept = <Kept extends Duplex>(socket: Kept): Kept => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    return socket.on("error", () => socket.destroy());
  };
  server.on("connection", kept);
  server.on("request", (asked: IncomingMessage, answer: ServerResponse) => {
    log.push(`${asked.method} ${asked.url}`);
    const refusal = refusalOf(asked, options);
    if (refusal !== undefined) return void answer.writeHead(refusal).end("the proxy's own page");
    const url = new URL(asked.url ?? "");
    const port = portOf(`${url.hostname}:${url.port || 80}`, options);
    if (port === undefined) return void answer.writeHead(502, { "x-squid-error": "ERR_CONNECT_FAIL 111" }).end();
    const { method, headers } = asked;
    const passedOn = request({ host: "127.0.0.1", port, method, path: url.pathname + url.search, headers }, (got) => {
      answer.writeHead(got.statusCode ?? 0, got.headers);
      got.pipe(answer);
    });
    passedOn.on("error", () => answer.writeHead(502).end());
    asked.pipe(passedOn);
  });
  server.on("connect", (asked: IncomingMessage, client: Socket, head: Buffer) => {
    kept(client);
    log.push(`CONNECT ${asked.url}`);
    const target = asked.url ?? "";
    const isClosed = options.tunnelsOnlyTo !== undefined && !target.endsWith(`:${options.tunnelsOnlyTo}`);
    const refusal = refusalOf(asked, options) ?? (isClosed ? 403 : undefined);
    const port = portOf(target, options);
    if (refusal !== undefined || port === undefined)
      return void client.end(`HTTP/1.1 ${refusal ?? 502} no\r\ncontent-length: 2\r\n\r\nno`);
    const upstream = kept(connect(port, "127.0.0.1"));
    upstream.once("error", () => client.end("HTTP/1.1 502 no\r\n\r\n"));
    upstream.once("connect", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      const { inspects } = options;
      if (inspects) {
        const inside = kept(new TLSSocket(client, { isServer: true, cert: inspects.certificate, key: inspects.key }));
        const outside = kept(connectTls({ socket: upstream, rejectUnauthorized: false }));
        inside.pipe(outside).pipe(inside);
        return;
      }
      upstream.write(head);
      client.pipe(upstream).pipe(client);
    });
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { port, url: `${secure ? "https" : "http"}://127.0.0.1:${port}`, log };
}

function refusalOf({ headers }: IncomingMessage, { credentials, answers }: ProxyOptions): number | undefined {
  const expected = credentials && `Basic ${Buffer.from(credentials).toString("base64")}`;
  return expected && headers["proxy-authorization"] !== expected ? 407 : answers;
}

function portOf(target: string, { routes = {} }: ProxyOptions): number | undefined {
  return routes[target];
}
