import type { ClientRequest, Agent as HttpAgent, IncomingMessage } from "node:http";
import type { Readable } from "node:stream";

/**
 * Sends one request without a proxy, as Node's `fetch` does, through Node's own HTTP client: `fetch` takes longer to load than all that a
 * short stage does. It follows no redirect, decodes compressed bodies, and keeps connections for the next request. Whatever only `fetch`
 * knows how to send is left to it: see {@link isPlain}.
 */

export interface PlainRequest {
  method: string;
  headers: Readonly<Record<string, string>>;
  body?: string | undefined;
  signal: AbortSignal;
}

/** The headers of an answer; `Headers` is one, too. */
export interface AnswerHeaders {
  /** All values of a header, separated by commas; `null` if the answer has none. */
  get(name: string): string | null;
  getSetCookie(): string[];
}

/** What is read of an answer, of `fetch` or of {@link askDirectly}. */
export interface RawAnswer {
  status: number;
  headers: AnswerHeaders;
  /** Leaving it early closes the connection. `null` if such an answer never has one. */
  body: AsyncIterable<Uint8Array> | null;
}

/** `fetch` refuses these headers, replaces them, or sends others because of them. */
const special =
  /^(?:connection|content-length|expect|if-.*|keep-alive|proxy-.*|range|referer|sec-.*|te|trailer|transfer-encoding|upgrade)$/i;

/** Whether a request may be sent by {@link askDirectly}. */
export function isPlain(url: URL, headers: Readonly<Record<string, string>>): boolean {
  const isHttp = url.protocol === "http:" || url.protocol === "https:";
  return isHttp && url.username === "" && url.password === "" && !Object.keys(headers).some((name) => special.test(name));
}

/** As long as `fetch` waits. */
const connectedWithinMs = 10_000;
/** Servers close idle connections after 5 s or later; ours must be first, or a request would be sent into a closing one. */
const keptMs = 4_000;

type Client = Pick<typeof import("node:http"), "request" | "Agent">;

interface Way {
  client: Client;
  agent: HttpAgent;
}

const ways = new Map<string, Promise<Way>>();

/** Loads the client for such a URL: loading blocks the process, and would be measured as latency. */
export function prepareDirect({ protocol }: URL): Promise<Way> {
  let way = ways.get(protocol);
  if (!way) {
    // TLS takes a while to load, and is needed for one of them only.
    const client: Promise<Client> = protocol === "https:" ? import("node:https") : import("node:http");
    // An agent of our own: with NODE_USE_ENV_PROXY, the global one reads NO_PROXY by other rules.
    way = client.then((loaded) => ({ client: loaded, agent: new loaded.Agent({ keepAlive: true, timeout: keptMs }) }));
    ways.set(protocol, way);
  }
  return way;
}

/**
 * @throws TypeError with the words of `fetch` and the reason as its cause; the signal's reason. So do the body's chunks
 */
export async function askDirectly(url: URL, asked: PlainRequest): Promise<RawAnswer> {
  const { signal, method } = asked;
  signal.throwIfAborted();
  const { client, agent } = await prepareDirect(url);
  signal.throwIfAborted();
  const request = client.request({
    ...{ agent, method, setHost: false, headers: headersOf(url, asked) },
    ...{ protocol: url.protocol, hostname: url.hostname.replace(/^\[|\]$/g, ""), port: url.port, path: pathOf(url) },
  });
  // Otherwise what is beyond the first 2,000 would be missing.
  request.maxHeadersCount = 0;
  const abort = () => void request.destroy();
  signal.addEventListener("abort", abort, { once: true });
  request.once("close", () => signal.removeEventListener("abort", abort));
  limitConnecting(request, url);
  let broken: unknown;
  // Stays, because a server may send garbage after its answer.
  request.on("error", (error) => {
    broken ??= error;
  });
  const failure = (words: string, error: unknown) => (signal.aborted ? signal.reason : new TypeError(words, { cause: error }));
  const answered = answerTo(request);
  request.end(asked.body);
  let message: IncomingMessage | undefined;
  try {
    message = await answered;
    const status = message.statusCode ?? 0;
    const headers = new ReceivedHeaders(message.rawHeaders);
    if (method === "HEAD" || withoutBody.has(status)) {
      message.resume();
      return { status, headers, body: null };
    }
    const body = await decoded(message, headers.get("content-encoding"));
    const received = message;
    const why = (error: unknown) => broken ?? (received.complete ? error : closedEarly(error));
    return { status, headers, body: untilBroken(body, received, signal, (error) => failure("terminated", why(error))) };
  } catch (error) {
    message?.destroy();
    throw failure("fetch failed", error);
  }
}

/** Node only says "aborted". If it knows more, the request's own error says it. */
function closedEarly(cause: unknown): Error {
  return Object.assign(new Error("other side closed", { cause }), { code: "ECONNRESET" });
}

async function decoded(message: IncomingMessage, encoding: string | null): Promise<Readable> {
  return encoding === null ? message : (await import("./decoded.ts")).decode(message, encoding);
}

/** The signal counts until the body is read: all bytes may be here, and decoding them still take long. */
async function* untilBroken(
  body: Readable,
  message: IncomingMessage,
  signal: AbortSignal,
  failure: (error: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  const abort = () => void body.destroy(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    yield* body;
    // What was destroyed in time can end as if it were whole.
    signal.throwIfAborted();
  } catch (error) {
    throw failure(error);
  } finally {
    signal.removeEventListener("abort", abort);
    message.destroy();
  }
}

/** Their body is never read. */
const withoutBody: ReadonlySet<number> = new Set([204, 205, 304]);

/** Methods of which a server expects a body: an empty one has a length, too. */
const sendsBody: ReadonlySet<string> = new Set(["POST", "PUT"]);

/** In the order of `fetch`, as names and values. */
function headersOf(url: URL, { method, headers, body }: PlainRequest): string[] {
  const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value.trim()] as const);
  const sent = new Map<string, string>([
    ["host", url.host],
    // Servers have sent bodies after a HEAD, which would be read as the next answer.
    ["connection", method === "HEAD" ? "close" : "keep-alive"],
    // `fetch` always sends the host of the URL.
    ...own.filter(([name]) => name !== "host"),
  ]);
  const usual = {
    ...(body === undefined ? {} : { "content-type": "text/plain;charset=UTF-8" }),
    accept: "*/*",
    "accept-language": "*",
    "sec-fetch-mode": "cors",
    "user-agent": "node",
    "accept-encoding": url.protocol === "https:" ? "br, gzip, deflate" : "gzip, deflate",
    ...(body === undefined && !sendsBody.has(method) ? {} : { "content-length": String(Buffer.byteLength(body ?? "")) }),
  };
  for (const [name, value] of Object.entries(usual)) if (!sent.has(name)) sent.set(name, value);
  return [...sent].flat();
}

/** A lone question mark at its end is sent, too. */
function pathOf({ pathname, search, href, hash }: URL): string {
  return `${pathname}${search || (href.slice(0, href.length - hash.length).endsWith("?") ? "?" : "")}`;
}

/** The kernel itself tries for minutes. Nothing was sent by then, which a time limit for the answer could not say. */
function limitConnecting(request: ClientRequest, { protocol, host }: URL): void {
  request.once("socket", (socket) => {
    if (!socket.connecting) return;
    const late = setTimeout(() => {
      const error = new Error(`Connect Timeout Error (attempted address: ${host}, timeout: ${connectedWithinMs}ms)`);
      request.destroy(Object.assign(error, { code: "ERR_SOCKET_CONNECTION_TIMEOUT" }));
    }, connectedWithinMs);
    const stop = () => clearTimeout(late);
    socket.once(protocol === "https:" ? "secureConnect" : "connect", stop);
    request.once("close", stop);
  });
}

function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once("response", resolve);
    request.once("error", reject);
    request.once("upgrade", (_, socket) => {
      socket.destroy();
      reject(Object.assign(new Error("bad upgrade"), { code: "ECONNRESET" }));
    });
  });
}

/** The little of `Headers` that is needed. That class loads `fetch`. */
class ReceivedHeaders implements AnswerHeaders {
  readonly #values = new Map<string, string[]>();

  /** @param raw names and values in turns */
  constructor(raw: readonly string[]) {
    for (let at = 0; at + 1 < raw.length; at += 2) {
      const name = (raw[at] ?? "").toLowerCase();
      this.#values.set(name, [...(this.#values.get(name) ?? []), raw[at + 1] ?? ""]);
    }
  }

  get(name: string): string | null {
    return this.#values.get(name.toLowerCase())?.join(", ") ?? null;
  }

  getSetCookie(): string[] {
    return [...(this.#values.get("set-cookie") ?? [])];
  }
}
