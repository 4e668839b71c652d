import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { Writable } from "node:stream";

export interface QuietRedis {
  port: number;
  stop(): void;
}

/**
 * A proxy for a real Redis that leaves sections out of INFO, and doesn't know some commands, as managed services do. Everything
 * else passes unchanged; INFO's answers are the texts that begin with a section's heading.
 * @param commands such as `ACL` or `COMMAND`
 */
export async function withoutSections(
  backend: number,
  sections: readonly string[],
  commands: readonly string[] = [],
): Promise<QuietRedis> {
  const server = createServer((client) => {
    const redis = connect(backend, "127.0.0.1");
    let held = Buffer.alloc(0);
    // The server itself refuses a name that it doesn't know, in its own words and in order.
    client.pipe(commands.length === 0 ? redis : renaming(commands, redis));
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

/** Sends each command on, under an unknown name if it is one of these. */
function renaming(commands: readonly string[], redis: Writable): Writable {
  let held = "";
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      held += chunk.toString("latin1");
      for (let whole = wholeCommand(held); whole; whole = wholeCommand(held)) {
        const { length, name } = whole;
        const words = held.slice(0, length);
        held = held.slice(length);
        const isHidden = commands.includes(name.toUpperCase());
        redis.write(
          isHidden ? words.replace(`$${name.length}\r\n${name}`, `$${name.length + 4}\r\nNOT-${name}`) : words,
          "latin1",
        );
      }
      done();
    },
    final: (done) => void redis.end(done),
  });
}

/** The first command of a text in Redis's protocol, once all of it is there. */
function wholeCommand(text: string): { length: number; name: string } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (!head) return undefined;
  let at = head[0].length;
  let name = "";
  for (let word = 0; word < Number(head[1]); word++) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at, at + 20));
    if (!size) return undefined;
    const begin = at + size[0].length;
    at = begin + Number(size[1]) + 2;
    if (text.length < at) return undefined;
    if (word === 0) name = text.slice(begin, at - 2);
  }
  return { length: at, name };
}
