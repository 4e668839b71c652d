import { createServer } from "node:net";

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
