import { EventEmitter, once } from "node:events";
import { type AddressInfo, createServer, Socket } from "node:net";
import { expect, it } from "vitest";
import { connected, takeOver } from "../../src/redis/client.ts";

it("gives no reply to ioredis, which would take it for an answer to a command of its own", async () => {
  // Speaks as soon as the connection is open, and again when asked.
  const server = createServer((socket) => {
    socket.write("+early\r\n");
    socket.on("error", () => undefined).on("data", () => socket.write("+late\r\n"));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const { client, socket } = await connected({ host: "127.0.0.1", port }, { database: 0 }, new AbortController().signal);
  const heard: string[] = [];
  client.on("error", (error) => heard.push(`ioredis: ${error}`));
  client.on("close", () => heard.push("closed"));
  expect(socket.listenerCount("data")).toBe(0);
  const all = new Promise<void>((resolve) => {
    socket.on("data", (piece) => {
      heard.push(String(piece));
      if (heard.join("").includes("late")) resolve();
      else socket.write("*1\r\n$4\r\nPING\r\n");
    });
    client.once("close", () => resolve());
  });
  socket.resume();
  await all;
  expect(heard).toEqual(["+early\r\n", "+late\r\n"]);
  const ended = once(client, "end");
  client.disconnect();
  await ended;
  server.close();
});

it("says so if ioredis is not as expected", () => {
  expect(() => takeOver(undefined)).toThrow(/ioredis is not as expected: its stream is no socket/);
  expect(() => takeOver(new EventEmitter())).toThrow(/ioredis is not as expected: its stream is no socket/);
  expect(() => takeOver(new Socket())).toThrow(/ioredis is not as expected: its socket has 0 listeners/);
});
