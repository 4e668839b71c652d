import fc from "fast-check";
import { expect, it } from "vitest";
import { ErrorReply, encoded, NoReply, type Reply, ReplyReader } from "../../src/redis/resp.ts";

const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
/** Line ends, and what begins a reply, are as likely as everything else. */
const sign = fc.oneof(byte, fc.constantFrom("\r", "\n", "\r\n", "$", "*", "-", ":", "+", "0", "5"));
const text = fc.oneof(
  fc.string({ unit: sign, maxLength: 40 }),
  fc.integer({ min: 200, max: 3_000 }).map((length) => "é\n".repeat(length)),
);
const line = fc.string({ unit: byte, maxLength: 20 }).map((some) => some.replaceAll(/[\r\n]/g, ""));

interface Sent {
  bytes: string;
  means: Reply;
}

const single: fc.Arbitrary<Sent> = fc.oneof(
  text.map((means) => ({ bytes: `$${means.length}\r\n${means}\r\n`, means })),
  line.map((means) => ({ bytes: `+${means}\r\n`, means })),
  line.map((said) => ({ bytes: `-${said}\r\n`, means: new ErrorReply(said) })),
  fc.maxSafeInteger().map((means) => ({ bytes: `:${means}\r\n`, means })),
  fc.constantFrom("$-1\r\n", "*-1\r\n").map((bytes) => ({ bytes, means: null })),
);
const listOf = (items: fc.Arbitrary<Sent>) =>
  fc.array(items, { maxLength: 5 }).map((all) => ({
    bytes: `*${all.length}\r\n${all.map(({ bytes }) => bytes).join("")}`,
    means: all.map(({ means }) => means),
  }));
const sent = fc.oneof(single, listOf(single), listOf(fc.oneof(single, listOf(single))));

/** What is read of these bytes if they arrive in pieces that end at these places. */
function read(bytes: string, ends: readonly number[] = []): Reply[] {
  const replies: Reply[] = [];
  const reader = new ReplyReader((reply) => replies.push(reply));
  const all = Buffer.from(bytes, "latin1");
  const places = [...ends.map((end) => end % (all.length + 1)), 0, all.length].sort((a, b) => a - b);
  for (const [index, from] of places.slice(0, -1).entries()) reader.read(all.subarray(from, places[index + 1]));
  return replies;
}

it("reads replies with any bytes, wherever the stream is cut", () => {
  const property = fc.property(fc.array(sent, { maxLength: 6 }), fc.array(fc.nat(20_000), { maxLength: 12 }), (all, ends) => {
    const bytes = all.map((one) => one.bytes).join("");
    expect(read(bytes, ends)).toEqual(all.map(({ means }) => means));
  });
  fc.assert(property, { numRuns: process.env.LONG ? 20_000 : 1_000 });
});

it("reads replies that arrive byte by byte", () => {
  const property = fc.property(fc.array(sent, { minLength: 1, maxLength: 3 }), (all) => {
    const bytes = all.map((one) => one.bytes).join("");
    const everywhere = Array.from({ length: bytes.length }, (_, index) => index);
    expect(read(bytes, everywhere)).toEqual(all.map(({ means }) => means));
  });
  fc.assert(property, { numRuns: 50 });
});

it("reads a text of many megabytes, and what follows", () => {
  const long = "0123456789abcdef".repeat(1_000_000);
  const pieces = Array.from({ length: 250 }, (_, index) => index * 65_536);
  const [first, second, ...more] = read(`$${long.length}\r\n${long}\r\n+OK\r\n`, pieces);
  expect([first === long, second, more]).toEqual([true, "OK", []]);
});

it.each([
  ["a web server", "HTTP/1.1 400 Bad Request\r\n\r\n"],
  ["a mail server", "220 mail.example.org ESMTP\r\n"],
  ["an empty line", "\r\n"],
  ["a text that is longer than it says", "$3\r\nabcd\r\n"],
  ["a length that is no number", "$3a\r\nabc\r\n"],
  ["a text that no Redis can send", "$536870913\r\n"],
  ["no length", "$\r\n"],
  ["only a sign", ":-\r\n"],
  ["a line without a carriage return", "+OK\n"],
  ["a line feed alone", "+\n"],
  ["a line that does not end", `+${"x".repeat(70_000)}`],
  ["lists without an end", "*1\r\n".repeat(100_000)],
  ["a newer version of the protocol", "%1\r\n+mode\r\n+standalone\r\n"],
])("takes %s for no Redis", (_, bytes) => {
  expect(() => read(bytes)).toThrow(NoReply);
  expect(() => read(`+OK\r\n${bytes}`, [3])).toThrow(NoReply);
});

it("quotes nothing of what it did not understand", () => {
  expect(() => read("$3\r\nsecret\r\n")).toThrow(/^expected the end of a text$/);
});

it("writes each word with its length in bytes", () => {
  expect(encoded([["PING"], ["UNLINK", "a\r\nb", "\xe9\xff", ""]])).toBe(
    "*1\r\n$4\r\nPING\r\n*4\r\n$6\r\nUNLINK\r\n$4\r\na\r\nb\r\n$2\r\n\xe9\xff\r\n$0\r\n\r\n",
  );
});
