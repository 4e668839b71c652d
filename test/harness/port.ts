import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { onTestFinished } from "vitest";

/** @returns the port on which this server listens from now on, on this machine only */
export async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return portOf(server);
}

export function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the server does not listen on a port");
  return address.port;
}

/** Listens until the test has ended. */
export async function listenForThisTest(server: Server & { closeAllConnections?: () => void }): Promise<number> {
  onTestFinished(() => {
    server.closeAllConnections?.();
    server.close();
  });
  return await listen(server);
}

/** Below the ports that systems hand out by themselves: no other test's `listen(0)`, and no connection, takes it before it is used. */
const [lowest, count] = [20_000, 10_000];

/** A port that nobody holds just now. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * count);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) =>
      server
        .once("error", () => resolve(false))
        .once("listening", () => resolve(true))
        .listen(port, "127.0.0.1"),
    );
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
