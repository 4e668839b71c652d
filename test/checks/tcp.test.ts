import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { CheckContext } from "../../src/checks/kind.ts";
import { run } from "../../src/checks/tcp/check.ts";
import { tcp } from "../../src/checks/tcp/kind.ts";
import { performStage } from "../../src/index.ts";
import { runOnce } from "./run-once.ts";

// A server of which nothing is known but its address: whether it accepts connections, on real sockets.

let server: Server;
const received: Buffer[] = [];

beforeAll(async () => {
  server = createServer((socket) => socket.on("data", (data) => received.push(data)).on("error", () => undefined));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => void server.close());

const port = () => (server.address() as { port: number }).port;

async function checked(servers: object[], signal = new AbortController().signal) {
  const context = { check: runOnce, signal } as unknown as CheckContext;
  return (await Promise.all(run(context, tcp.schema().parse(servers)))).flat();
}

describe("a TCP server", () => {
  it("that accepts connections passes, and nothing is sent to it", async () => {
    const [check] = await checked([{ name: "Mail server", host: "127.0.0.1", port: port(), within: "60s" }]);
    expect(check).toMatchObject({
      id: "tcp.mail-server",
      title: "TCP connection to Mail server",
      verdict: "passed",
      observed: expect.stringMatching(/^connected in [\d.]+ ms$/),
      expected: "connected in < 60000 ms",
    });
    expect(received).toEqual([]);
  });

  it("that refuses connections fails, with what to do", async () => {
    const closed = createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const { port } = closed.address() as { port: number };
    closed.close();
    await once(closed, "close");
    expect(await checked([{ name: "mail", host: "127.0.0.1", port }])).toMatchObject([
      {
        verdict: "failed",
        observed: "connection refused",
        message: `Nothing listens on 127.0.0.1:${port}. Start mail, or correct host and port.`,
      },
    ]);
  });

  it("whose name is unknown is an error: nothing could be seen", async () => {
    expect(await checked([{ name: "mail", host: "mail.invalid", port: 25 }])).toMatchObject([{ verdict: "error" }]);
  });

  it("is an error after the stage has ended", async () => {
    const servers = [{ name: "mail", host: "127.0.0.1", port: port() }];
    expect(await checked(servers, AbortSignal.abort(new Error("cancelled")))).toMatchObject([
      { verdict: "error", message: "cancelled" },
    ]);
  });

  it("has an id of its own, whatever its name is", async () => {
    const servers = ["Mail", "mail!", "邮件"].map((name) => ({ name, host: "127.0.0.1", port: port(), within: "60s" }));
    expect((await checked(servers)).map(({ id }) => id)).toEqual(["tcp.mail", "tcp.mail-2", "tcp.server"]);
  });
});

it("needs its key in the configuration and nothing else: preflight and smoke check it", async () => {
  const workspace = mkdtempSync(join(tmpdir(), "tcp-"));
  onTestFinished(() => rmSync(workspace, { recursive: true, force: true }));
  const server = `{ name: mail, host: 127.0.0.1, port: ${port()}, within: 60s }`;
  writeFileSync(join(workspace, "c.yml"), `version: 1\nenvironments: { local: { access: read-only, tcp: [${server}] } }\n`);
  for (const stage of ["preflight", "smoke"] as const) {
    const { report } = await performStage({
      ...{ stage, workspace, configFile: "c.yml", env: {} },
      cancel: AbortSignal.timeout(60_000),
      onProgress: () => undefined,
      deployment: "1",
    });
    expect(report).toMatchObject({ verdict: "passed", checks: [{ id: "tcp.mail", verdict: "passed" }] });
  }
});
