import { once } from "node:events";
import type { Server } from "node:net";
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
