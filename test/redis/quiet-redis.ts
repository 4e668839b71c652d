import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";

export interface QuietRedis {
  port: number;
  stop(): void;
}

/**
 * A proxy for a real Redis that leaves sections out of INFO, as managed services do. Everything else passes unchanged; INFO's
 * answers are the texts that begin with a section's heading.
 */
export async function withoutSections(backend: number, sections: readonly string[]): Promise<QuietRedis> {
  const server = createServer((client) => {
    const redis = connect(backend, "127.0.0.1");
    let held = Buffer.alloc(0);
    client.pipe(redis);
    redis.on("data", (piece: Buffer) => {
      held = Buffer.concat([held, piece]);
      for (;;) {
        const text = held.toString("latin1");
        const head = /\$(\d+)\r\n# /.exec(text);
        if (!head) break;
        client.write(held.subarray(0, head.index));
        held = held.subarray(head.index);
        const begin = head[0].length - 2;
        const end = begin + Number(head[1]);
        if (held.length < end + 2) return;
        const kept = held
          .toString("latin1", begin, end)
          .split(/(?=^# )/m)
          .filter((section) => !sections.some((name) => section.startsWith(`# ${name}\r\n`)))
          .join("");
        client.write(`$${kept.length}\r\n${kept}\r\n`, "latin1");
        held = held.subarray(end + 2);
      }
      // Waits for the rest if this may be the beginning of such an answer.
      if (/\$\d*\r?\n?#?$/.test(held.toString("latin1"))) return;
      client.write(held);
      held = Buffer.alloc(0);
    });
    for (const socket of [client, redis])
      socket
        .on("error", () => undefined)
        .on("close", () => {
          client.destroy();
          redis.destroy();
        });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, stop: () => void server.close() };
}
