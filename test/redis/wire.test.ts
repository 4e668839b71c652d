import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, it } from "vitest";
import { Wire } from "../../src/redis/wire.ts";

/** What becomes of a connection to a server that sends this half of a reply, and then ends or is silent. */
async function failureAfterHalfAReply(ends: boolean): Promise<unknown> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => void (ends ? socket.end("$100\r\nhalf") : socket.write("$100\r\nhalf")));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const opening = Wire.open({ host: "127.0.0.1", port }, { database: 0 }, "reading", new AbortController().signal);
  const failure = await opening.then(
    () => undefined,
    (error: unknown) => error,
  );
  server.close();
  // Only if the connection was closed here too.
  await once(server, "close");
  return failure;
}

it("loses a connection that ends in the middle of a reply", async () => {
  expect(await failureAfterHalfAReply(true)).toMatchObject({
    kind: "unreachable",
    message: "Redis does not answer: the connection was closed",
  });
});

it("loses a connection that is silent in the middle of a reply", { timeout: 30_000 }, async () => {
  const start = performance.now();
  expect(await failureAfterHalfAReply(false)).toMatchObject({
    kind: "unreachable",
    message: "Redis does not answer: no answer within 10 s",
  });
  expect(performance.now() - start).toBeGreaterThan(9_900);
});
