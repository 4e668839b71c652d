import fc from "fast-check";
import { expect, test } from "vitest";
import { Pace } from "../../src/redis/pace.ts";
import { ErrorReply, encode, type Reply, ReplyReader } from "../../src/redis/reply.ts";
import { slotOf } from "../../src/redis/slots.ts";

const line = fc.string({ unit: fc.constantFrom("a", "é", " ", ":", "$", "*"), maxLength: 8 });
const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array).toString("latin1"));
const { reply } = fc.letrec<{ reply: Reply }>((tie) => ({
  reply: fc.oneof(
    { maxDepth: 3 },
    bytes,
    fc.integer(),
    fc.constant(null),
    line.map((text) => new ErrorReply(`ERR ${text}`)),
    fc.array(tie("reply"), { maxLength: 6 }),
  ),
}));

function written(value: Reply): string {
  if (value === null) return "$-1\r\n";
  if (typeof value === "number") return `:${value}\r\n`;
  if (typeof value === "string") return `$${value.length}\r\n${value}\r\n`;
  if (value instanceof ErrorReply) return `-${value.text}\r\n`;
  return `*${value.length}\r\n${value.map(written).join("")}`;
}

test("replies are read as they were written, in whatever pieces they come", () => {
  fc.assert(
    fc.property(
      fc.array(reply, { minLength: 1, maxLength: 4 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 30 })),
      (replies, sizes) => {
        const stream = Buffer.from(replies.map(written).join(""), "latin1");
        const read: Reply[] = [];
        const firsts: Reply[] = [];
        const reader = new ReplyReader(
          (one) => read.push(one),
          (item) => firsts.push(item),
        );
        for (let at = 0; at < stream.length; ) {
          const size = sizes.next().value ?? 1;
          reader.feed(stream.subarray(at, at + size));
          at += size;
        }
        expect(read).toEqual(replies);
        expect(firsts).toEqual(replies.flatMap((one) => (Array.isArray(one) && one.length > 0 ? [one[0] as Reply] : [])));
      },
    ),
    { numRuns: 300 },
  );
});

test("what is not the protocol is no reply", () => {
  const reader = new ReplyReader(
    () => undefined,
    () => undefined,
  );
  expect(() => reader.feed(Buffer.from("HTTP/1.1 400 Bad Request\r\n"))).toThrow(/not the protocol of Redis/);
});

test("a command is told by its bytes, so that nothing in a key can end it", () => {
  expect(encode(["UNLINK", "a\r\n$b", "é"])).toBe("*3\r\n$6\r\nUNLINK\r\n$5\r\na\r\n$b\r\n$1\r\né\r\n");
});

test("slots are those of Redis", () => {
  // From the specification, and CLUSTER KEYSLOT.
  expect(slotOf("123456789")).toBe(0x31c3 & 0x3fff);
  expect(slotOf("foo{hash_tag}")).toBe(2515);
  expect(slotOf("{user1000}.following")).toBe(slotOf("{user1000}.followers"));
  expect(slotOf("foo{{bar}}zap")).toBe(slotOf("{bar"));
  expect(slotOf("foo{bar}{zap}")).toBe(slotOf("bar"));
});

/** @returns the counts that a server gets which needs so long for a key, over so many SCANs */
function counts(perKeyMs: number, scans: number, disturbance: (index: number) => number = () => 0): { pace: Pace; last: number } {
  const pace = new Pace(20);
  for (let index = 0; index < scans; index++) pace.note(20 + pace.count * perKeyMs + disturbance(index), pace.count);
  return { pace, last: pace.count };
}

test("the number of keys follows what the server needs for them, and not the way there", () => {
  const targetMs = 0.75;
  expect(counts(0.000_05, 50).last).toBe(5_000);
  for (const perKeyMs of [0.000_5, 0.001, 0.005]) expect(counts(perKeyMs, 50).last * perKeyMs).toBeCloseTo(targetMs, 1);
  const slow = counts(0.05, 50);
  expect([slow.last, slow.pace.pauseMs]).toEqual([100, 5]);
  expect(counts(0.000_5, 50).pace.pauseMs).toBe(0);
  // Nine of ten round trips are held up on the way.
  expect(counts(0.000_5, 200, (index) => (index % 10 === 0 ? 0 : 15)).last * 0.000_5).toBeCloseTo(targetMs, 1);
});

test("a server that becomes slow is asked for less", () => {
  const { pace } = counts(0.000_2, 50);
  for (let index = 0; index < 16; index++) pace.note(20 + pace.count * 0.005, pace.count);
  expect(pace.count * 0.005).toBeCloseTo(0.75, 1);
});
