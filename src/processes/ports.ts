import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** All four, because on some systems a listener on one of them doesn't block another. */
const addresses = ["127.0.0.1", "::1", "0.0.0.0", "::"];

export type PortState = "free" | "taken" | "unknown";

async function stateAt(host: string, port: number): Promise<PortState> {
  const { promise, resolve } = Promise.withResolvers<PortState>();
  const server = createServer();
  server.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EADDRINUSE") resolve("taken");
    // This machine doesn't have the address (IPv6 is often off), so nobody can hold the port there.
    else if (error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT") resolve("free");
    else resolve("unknown");
  });
  server.listen({ host, port, exclusive: true, ipv6Only: host === "::" }, () => server.close(() => resolve("free")));
  return promise;
}

/** Whether a server could listen on the port now. `unknown` if we may not try, as on ports below 1024. */
export async function portState(port: number): Promise<PortState> {
  let whole: PortState = "free";
  for (const address of addresses) {
    const state = await stateAt(address, port);
    if (state === "taken") return "taken";
    if (state === "unknown") whole = "unknown";
  }
  return whole;
}

/** The last state seen: `free` as soon as it is, otherwise the state after `withinMs`. */
export async function waitUntilFree(port: number, withinMs: number): Promise<PortState> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const state = await portState(port);
    if (state !== "taken" || performance.now() >= deadline) return state;
    await delay(20);
  }
}
