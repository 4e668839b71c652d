import { getEventListeners, once } from "node:events";
import { createServer as createSecure } from "node:https";
import { type AddressInfo, createServer, type Socket } from "node:net";
import * as zlib from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeCertificates } from "../../../local/warehouse/certificate.ts";
import { errorText } from "../../../src/lib/error-text.ts";
import { askDirectly, isPlain, type PlainRequest, type RawAnswer } from "../../../src/lib/http/direct.ts";
import { isUnknownAuthority } from "../../../src/lib/unknown-authority.ts";
import { answerOf, serveRaw } from "./servers.ts";

// Checks send through Node's HTTP client what they sent through `fetch`. A server must not notice, and the answers must be the same:
// `fetch` itself is the oracle.

type Ask = (url: URL, asked: PlainRequest) => Promise<RawAnswer>;

const byFetch: Ask = (url, { body, ...init }) => fetch(url, { ...init, body: body ?? null, redirect: "manual" });

const plain = (more: Partial<PlainRequest> = {}): PlainRequest => ({
  method: "GET",
  headers: { origin: "https://classwaves.example" },
  signal: new AbortController().signal,
  ...more,
});

interface Seen {
  status?: number;
  body?: string;
  type?: string | null;
  double?: string | null;
  cookies?: string[];
  failed?: string;
  /** Whether the answer came, and its body did not. */
  late?: boolean;
}

async function seen(ask: Ask, url: URL, asked: PlainRequest): Promise<Seen> {
  let answer: RawAnswer;
  try {
    answer = await ask(url, asked);
  } catch (error) {
    return { failed: kindOf(error) };
  }
  const { status, headers } = answer;
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of answer.body ?? []) chunks.push(chunk);
  } catch (error) {
    return { status, failed: kindOf(error), late: true };
  }
  const body = Buffer.concat(chunks).toString("latin1");
  return {
    ...{ status, body, type: headers.get("Content-Type"), double: headers.get("x-double") },
    cookies: headers.getSetCookie(),
  };
}

/** `fetch` has codes of its own for what Node's client calls by the system's, and none for some of what isn't HTTP. */
const same: Record<string, string> = {
  UND_ERR_SOCKET: "ECONNRESET",
  UND_ERR_HEADERS_OVERFLOW: "no HTTP",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "no HTTP",
};

function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = (error.cause ?? error) as NodeJS.ErrnoException;
  const code = cause.name === "HTTPParserError" || cause.code?.startsWith("HPE_") ? "no HTTP" : (cause.code ?? "none");
  return `${error.name} ${error.message}: ${same[code] ?? code}`;
}

const gzip = (text: string) => zlib.gzipSync(text);
const chunked = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const ends = (bytes: string | Buffer) => (socket: Socket) => void socket.end(bytes);
const says = (bytes: string | Buffer) => (socket: Socket) => void socket.write(bytes);
const encoded = (coding: string, body: Buffer) => says(answerOf(body, `Content-Encoding: ${coding}\r\n`));
const text = "a body that is long enough to be compressed: ".repeat(50);

const answers: Record<string, (socket: Socket, count: number) => void> = {
  "a plain answer": says(answerOf('{"ok":true}', "Content-Type: application/json\r\n")),
  "a header twice, and cookies": says(answerOf("x", "X-Double: a\r\nx-double:  b\r\nSet-Cookie: a=1, b\r\nSet-Cookie: c=2\r\n")),
  "a header beyond ASCII": says(answerOf("x", "X-Double: caf\u00e9\r\n")),
  "a redirect": says(answerOf("moved", "Location: /elsewhere\r\n", "302 Found")),
  "a redirect without a target": says(answerOf("", "", "301 Moved Permanently")),
  "a failure with a body": says(answerOf("broken", "", "500 Internal Server Error")),
  "a status without a reason": says("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"),
  "a status that nobody knows": says(answerOf("x", "", "799 Strange")),
  "no content": says("HTTP/1.1 204 No Content\r\n\r\n"),
  "reset content": says("HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"),
  "not modified": says("HTTP/1.1 304 Not Modified\r\n\r\n"),
  "an empty body": says(answerOf("")),
  "a body until the end of the connection": ends("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nthe body"),
  "HTTP/1.0": ends("HTTP/1.0 200 OK\r\n\r\nthe body"),
  "a body in chunks": says(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunked("one ")}${chunked("two")}0\r\n\r\n`),
  "chunks with a trailer": says(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunked("one")}0\r\nX-Double: t\r\n\r\n`),
  "interim answers": says(
    `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answerOf("x").toString()}`,
  ),
  "an unasked upgrade": says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
  "garbage after the answer": says(`${answerOf("x").toString()}garbage`),
  "another answer after the answer": says(Buffer.concat([answerOf("x"), answerOf("y")])),
  "an end in the body": ends("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf"),
  "an end in a chunk": ends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf"),
  "an end before the last chunk": ends(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunked("half")}`),
  "an end in the headers": ends("HTTP/1.1 200 OK\r\nContent-Le"),
  "an end without an answer": ends(""),
  "a reset": (socket) => void socket.resetAndDestroy(),
  "a reset in the body": (socket) =>
    void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf", () => setImmediate(() => socket.destroy())),
  "no HTTP": says("220 mail.example ESMTP\r\n"),
  "two lengths": says("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy"),
  "a length and chunks": says("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
  "a wrong chunk": says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nx\r\n"),
  "a header with a wrong name": says("HTTP/1.1 200 OK\r\nX Y: z\r\nContent-Length: 1\r\n\r\nx"),
  "headers beyond the limit": says(answerOf("x", `X-Long: ${"a".repeat(40_000)}\r\n`)),
  "many headers": says(answerOf("x", `${Array.from({ length: 2_100 }, (_, at) => `A${at}: b\r\n`).join("")}X-Double: last\r\n`)),
  gzip: encoded("gzip", gzip(text)),
  "x-gzip in capitals": encoded("X-GZIP", gzip(text)),
  deflate: encoded("deflate", zlib.deflateSync(text)),
  "deflate without a header": encoded("deflate", zlib.deflateRawSync(text)),
  brotli: encoded("br", zlib.brotliCompressSync(text)),
  zstd: encoded("zstd", zlib.zstdCompressSync(text)),
  "two codings": encoded("gzip, br", zlib.brotliCompressSync(gzip(text))),
  "an unknown coding": encoded("rot13", Buffer.from("uryyb")),
  "an unknown coding around a known one": encoded("gzip, rot13", gzip(text)),
  identity: encoded("identity", Buffer.from("hello")),
  "too many codings": encoded("gzip, gzip, gzip, gzip, gzip, gzip", gzip(text)),
  "gzip that isn't": encoded("gzip", Buffer.from("hello, this is plain")),
  "gzip that ends early": encoded("gzip", gzip(text).subarray(0, 40)),
  "gzip with garbage after it": encoded("gzip", Buffer.concat([gzip(text), Buffer.from("garbage")])),
  "two gzips": encoded("gzip", Buffer.concat([gzip("one "), gzip("two")])),
  "brotli that ends early": encoded("br", zlib.brotliCompressSync(text).subarray(0, 20)),
  "deflate that ends early": encoded("deflate", zlib.deflateSync(text).subarray(0, 30)),
  "deflate that isn't": encoded("deflate", Buffer.from("x is not a coding")),
  "deflate with garbage after it": encoded("deflate", Buffer.concat([zlib.deflateSync(text), Buffer.from("garbage")])),
  "deflate with a line feed after it": encoded("deflate", Buffer.concat([zlib.deflateSync(text), Buffer.from("\n")])),
  "deflate without a header, and garbage": encoded("deflate", Buffer.concat([zlib.deflateRawSync(text), Buffer.from("garbage")])),
  "two deflates": encoded("deflate", Buffer.concat([zlib.deflateSync("one "), zlib.deflateSync("two")])),
  "an empty gzip": encoded("gzip", Buffer.alloc(0)),
  "an empty deflate": encoded("deflate", Buffer.alloc(0)),
  "gzip, and an end in the body": ends(
    Buffer.concat([Buffer.from("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 900\r\n\r\n"), gzip(text)]),
  ),
  "no content, and a coding": says("HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n"),
};

describe("an answer is read as by fetch", () => {
  it.each(Object.entries(answers))("%s", async (_, answer) => {
    const server = await serveRaw(answer);
    const [expected, found] = [await seen(byFetch, server.url, plain()), await seen(askDirectly, server.url, plain())];
    expect(found).toEqual(expected);
    expect(server.requests[1]).toBe(server.requests[0]);
  });

  it("an unasked 100 is passed over, as RFC 9110 asks; fetch takes it for an error", async () => {
    const server = await serveRaw(says(`HTTP/1.1 100 Continue\r\n\r\n${answerOf("x").toString()}`));
    expect(await seen(askDirectly, server.url, plain())).toMatchObject({ status: 200, body: "x" });
  });

  it("what follows a deflated body later is passed over, and the request ends", async () => {
    const server = await serveRaw((socket) => {
      socket.setNoDelay(true);
      const body = Buffer.concat([zlib.deflateSync(text), Buffer.from("garbage")]);
      for (const byte of answerOf(body, "Content-Encoding: deflate\r\n")) socket.write(Buffer.of(byte));
    });
    expect(await seen(askDirectly, server.url, plain())).toMatchObject({ status: 200, body: text });
  });

  it.each(["gzip", "deflate", "br"])("%s in one byte at a time", async (coding) => {
    const compress = { gzip: zlib.gzipSync, deflate: zlib.deflateSync, br: zlib.brotliCompressSync }[coding] ?? zlib.gzipSync;
    const server = await serveRaw((socket) => {
      socket.setNoDelay(true);
      for (const byte of answerOf(compress(text), `Content-Encoding: ${coding}\r\n`)) socket.write(Buffer.of(byte));
    });
    expect(await seen(askDirectly, server.url, plain())).toMatchObject({ status: 200, body: text });
  });
});

const requests: Record<string, { path?: string; asked: Partial<PlainRequest> }> = {
  "a GET with a query": { path: "/a%20b?c=d%C3%A9&e#f", asked: {} },
  "a lone question mark": { path: "/a?", asked: {} },
  "a question mark before a fragment": { path: "/a?#b", asked: {} },
  "a GET without headers": { asked: { headers: {} } },
  "headers that fetch would set": {
    asked: { headers: { accept: "text/html", "user-agent": "me", "accept-language": "de", "accept-encoding": "gzip" } },
  },
  "a host of its own": { asked: { headers: { host: "elsewhere.example" } } },
  "an authorization and a cookie": { asked: { headers: { authorization: "Bearer x", cookie: "a=b; c=d" } } },
  "a value with spaces around it, and beyond ASCII": { asked: { headers: { "x-name": "  caf\u00e9 \t" } } },
  "an empty value": { asked: { headers: { "x-empty": "" } } },
  "a HEAD": { asked: { method: "HEAD" } },
  "an OPTIONS": { asked: { method: "OPTIONS" } },
  "a POST": { asked: { method: "POST", headers: { "content-type": "application/json" }, body: '{"name":"caf\u00e9"}' } },
  "an empty POST": { asked: { method: "POST", headers: { "content-type": "application/json" }, body: "{}" } },
  "a POST without a body": { asked: { method: "POST" } },
  "a PUT without a body": { asked: { method: "PUT" } },
  "a body of nothing": { asked: { method: "POST", body: "" } },
  "a value with a line break": { asked: { headers: { "x-evil": "a\r\nX-Other: b" } } },
  "a value beyond Latin": { asked: { headers: { "x-price": "5 \u20ac" } } },
  "a name with a space": { asked: { headers: { "x y": "z" } } },
};

describe("a request is sent as by fetch", () => {
  it.each(Object.entries(requests))("%s", async (_, { path = "/health", asked }) => {
    const server = await serveRaw((socket) => void socket.write(answerOf("")));
    const url = new URL(path, server.url);
    const outcomes = [];
    for (const ask of [byFetch, askDirectly]) {
      const answer = await seen(ask, url, plain(asked));
      outcomes.push("failed" in answer ? answer.failed?.split(" ", 1)[0] : answer.status);
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(server.requests[1]?.split("\r\n")).toEqual(server.requests[0]?.split("\r\n"));
  });

  it.each(["connection", "Content-Length", "expect", "If-None-Match", "range", "sec-fetch-mode", "transfer-encoding", "te"])(
    "the header %s is left to fetch",
    (name) => {
      expect(isPlain(new URL("http://a.example"), { [name]: "x" })).toBe(false);
    },
  );

  it("credentials in the URL and other schemes are left to fetch", () => {
    for (const url of ["http://me@a.example", "http://me:x@a.example", "data:,x", "ftp://a.example"])
      expect(isPlain(new URL(url), {})).toBe(false);
    expect(isPlain(new URL("https://a.example"), { authorization: "Bearer x" })).toBe(true);
  });
});

describe("connections", () => {
  it("one connection serves requests after each other, and several at once get one each", async () => {
    const server = await serveRaw(says(answerOf("x")));
    for (let count = 0; count < 3; count++) await seen(askDirectly, server.url, plain());
    expect(server.connections()).toBe(1);
    await Promise.all([1, 2, 3].map(() => seen(askDirectly, server.url, plain())));
    expect(server.connections()).toBe(3);
    expect(server.requests).toHaveLength(6);
  });

  it("a connection that the server closed after its answer isn't used again", async () => {
    const server = await serveRaw((socket) => void socket.end(answerOf("x")));
    for (let count = 0; count < 3; count++) {
      expect(await seen(askDirectly, server.url, plain())).toMatchObject({ status: 200, body: "x" });
      await server.closed();
    }
  });

  it("leaving the body early closes the connection", async () => {
    const server = await serveRaw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunked("endless")}`);
    });
    const { body } = await askDirectly(server.url, plain());
    for await (const chunk of body ?? []) {
      expect(Buffer.from(chunk).toString()).toBe("endless");
      break;
    }
    await server.closed();
  });

  it("a failed connection has the system's code and words, as with fetch", async () => {
    const closed = `http://127.0.0.1:${await closedPort()}/`;
    for (const target of [new URL(closed), new URL("http://nowhere.invalid/")]) {
      const [expected, found] = await Promise.all(
        [byFetch, askDirectly].map((ask) =>
          ask(target, plain()).then(String, (error: unknown) => [kindOf(error), errorText(error)]),
        ),
      );
      expect(found).toEqual(expected);
    }
  });

  it("a certificate of an unknown authority, or for another host, has the code of OpenSSL, as with fetch", async () => {
    const { certificate: cert, key } = await makeCertificates([{ ip: "127.0.0.1" }]);
    const server = createSecure({ cert, key }, (_, response) => response.end("x")).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const found = await seen(askDirectly, url, plain());
    expect(found).toEqual(await seen(byFetch, url, plain()));
    expect(isUnknownAuthority(await askDirectly(url, plain()).catch((error: unknown) => error))).toBe(true);
  });

  it("a name with two addresses is tried with both", async () => {
    const server = await serveRaw(says(answerOf("x")));
    expect(await seen(askDirectly, new URL(`http://localhost:${server.url.port}/`), plain())).toMatchObject({ status: 200 });
  });
});

describe("an abort", () => {
  it.each([
    ["before the request", (): void => undefined, "now"],
    ["before the answer", (): void => undefined, "asked"],
    ["in the body", (socket: Socket) => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), "answered"],
    [
      "in a compressed body",
      (socket: Socket) => void socket.write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n\r\n\x1f"),
      "answered",
    ],
  ])("%s throws the reason of the signal, and closes the connection", async (_, answer, moment) => {
    const reason = new Error("the reason");
    let abort = new AbortController();
    const server = await serveRaw((socket) => {
      answer(socket);
      if (moment === "asked") abort.abort(reason);
    });
    for (const ask of [byFetch, askDirectly]) {
      abort = new AbortController();
      if (moment === "now") abort.abort(reason);
      const answered = ask(server.url, plain({ signal: abort.signal }));
      const read = async () => {
        const { body } = await answered;
        abort.abort(reason);
        for await (const _ of body ?? []);
      };
      await expect(read()).rejects.toBe(reason);
    }
    await server.closed();
    expect(server.requests).toHaveLength(moment === "now" ? 0 : 2);
  });

  it("after the answer came, and before its body is read, is an error as with fetch", async () => {
    for (const ask of [byFetch, askDirectly]) {
      const server = await serveRaw(says(answerOf("ok")));
      const cancel = new AbortController();
      const { body } = await ask(server.url, plain({ signal: cancel.signal }));
      cancel.abort(new Error("enough"));
      const read = async () => {
        for await (const _ of body ?? []);
      };
      await expect(read()).rejects.toThrow("enough");
    }
  });

  it("while all bytes are here, and are still decoded, ends that", async () => {
    const server = await serveRaw(encoded("gzip", zlib.gzipSync(Buffer.alloc(50_000_000))));
    const cancel = new AbortController();
    const { body } = await askDirectly(server.url, plain({ signal: cancel.signal }));
    let size = 0;
    const reading = (async () => {
      for await (const chunk of body ?? []) {
        size += chunk.length;
        cancel.abort(new Error("enough"));
      }
    })();
    await expect(reading).rejects.toThrow("enough");
    expect(size).toBeLessThan(5_000_000);
  });

  it("leaves no listener on a signal that all requests of a stage share", async () => {
    const server = await serveRaw(says(answerOf("x")));
    const { signal } = new AbortController();
    for (let count = 0; count < 5; count++) {
      await seen(askDirectly, server.url, plain({ signal }));
      await new Promise(setImmediate);
    }
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

/** A port on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
