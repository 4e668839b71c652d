import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import type { Redis } from "ioredis";
import { isUnknownAuthority } from "../lib/unknown-authority.ts";
import { type Address, addressText, type SignIn } from "./address.ts";
import { cancelled, RedisFailure, refusedFailure, unreachable, withRetries } from "./failure.ts";

/** An error reply from the server, one of perhaps many replies. */
export class ErrorReply {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Texts are `latin1`, one character per byte. */
export type Reply = string | number | null | ErrorReply | Reply[];

/** The name of a command and its arguments, as `latin1`. */
export type CommandWords = readonly [name: string, ...rest: string[]];

/** The replies of a pipeline: all, or those that came before the connection was lost. */
export interface Replies {
  replies: Reply[];
  lost?: RedisFailure;
}

/** What the server reports about itself; members it doesn't report are absent. */
export interface Greeting {
  mode?: string;
  role?: string;
}

const connectTimeoutMs = 5_000;
const answerTimeoutMs = 10_000;
const goodbyeMs = 1_000;

/** Every command that a reading connection may send. Commands that can also write are limited to subcommands that only read. */
const reading = [
  ..."AUTH HELLO SELECT PING INFO SCAN PTTL COMMAND".split(" "),
  ...["ACL WHOAMI", "ACL GETUSER", "CLUSTER NODES", "SENTINEL GET-MASTER-ADDR-BY-NAME"],
];
const writing = [...reading, "UNLINK", "PEXPIRE", "ASKING"];
export type Access = "reading" | "writing";
const allowed: Record<Access, ReadonlySet<string>> = { reading: new Set(reading), writing: new Set(writing) };

/**
 * One connection to one server. It sends each command exactly once. By default ioredis would reconnect, resend unanswered
 * commands, and continue in database 0 if SELECT is refused; none of that is safe for deletes. So ioredis only transports, and
 * sign-in, database selection and retries are done here and above. Commands that are not listed above cannot be sent.
 */
export class Wire {
  readonly address: Address;
  greeting: Greeting = {};
  readonly #client: Redis;
  readonly #access: Access;
  #lost: RedisFailure | undefined;

  private constructor(address: Address, client: Redis, access: Access, signal: AbortSignal) {
    this.address = address;
    this.#client = client;
    this.#access = access;
    client.on("error", (error) => this.lose(unreachable(error)));
    client.on("close", () => this.lose(unreachable("the connection was closed")));
    const onAbort = () => this.lose(cancelled(signal));
    signal.addEventListener("abort", onAbort, { once: true });
    client.once("end", () => signal.removeEventListener("abort", onAbort));
  }

  /** Connects, signs in, selects the database, and waits for a first answer. @throws RedisFailure */
  static async open(address: Address, signIn: SignIn, access: Access, signal: AbortSignal): Promise<Wire> {
    if (signal.aborted) throw cancelled(signal);
    const wire = new Wire(address, await connected(address, signIn, signal), access, signal);
    try {
      const { username, password, database } = signIn;
      // Signs in even without a password. Otherwise we would be `default`, and the checks would examine the wrong user.
      if (username !== undefined) await wire.ask(["AUTH", username, password ?? ""]);
      else if (password !== undefined) await wire.ask(["AUTH", password]);
      wire.greeting = await wire.#greet();
      if (database > 0) await wire.ask(["SELECT", String(database)]);
      // A server that is still loading greets, but answers nothing else.
      await wire.ping();
      return wire;
    } catch (error) {
      wire.lose(unreachable(error));
      throw error;
    }
  }

  get usable(): boolean {
    return this.#lost === undefined;
  }

  /** @throws RedisFailure also if the server answers with an error */
  async ask(words: CommandWords): Promise<Reply> {
    const { replies, lost } = await this.send([words]);
    if (lost) throw lost;
    const [reply = null] = replies;
    if (reply instanceof ErrorReply) throw refusedFailure(reply.text);
    return reply;
  }

  /**
   * Waits for a sign of life. A server that accepts no writes because its last snapshot failed reports that even to PING,
   * although it answers reads; writers get the error again at their first write.
   * @throws RedisFailure
   */
  async ping(): Promise<void> {
    const { replies, lost } = await this.send([["PING"]]);
    if (lost) throw lost;
    const [reply] = replies;
    if (reply instanceof ErrorReply) {
      if (!reply.text.startsWith("MISCONF ")) throw refusedFailure(reply.text);
    } else if (reply !== "PONG")
      throw unreachable(`expected PONG as the answer to PING, got ${reply ? String(reply).slice(0, 40) : "nothing"}`);
  }

  /** Sends commands together and waits for as many replies. Error replies are returned, not thrown. */
  async send(commands: readonly CommandWords[]): Promise<Replies> {
    // The last chance to catch a bug of ours.
    for (const [name, first] of commands)
      if (!allowed[this.#access].has(name) && !allowed[this.#access].has(`${name} ${first}`))
        throw new Error(`the command ${name} may not be sent by a connection for ${this.#access}`);
    if (this.#lost) return { replies: [], lost: this.#lost };
    const replies: Reply[] = [];
    for (const outcome of await this.#outcomes(commands)) {
      const reply = outcome instanceof Error ? errorReply(outcome) : replyOf(outcome);
      if (reply === undefined) {
        // The socket may be gone before its close event.
        this.lose(unreachable(saysClosed.test(String(outcome)) ? "the connection was closed" : outcome));
        return { replies, lost: this.#lost ?? unreachable(outcome) };
      }
      replies.push(reply);
    }
    return { replies };
  }

  /** The reply to each command, or its error. */
  async #outcomes(commands: readonly CommandWords[]): Promise<unknown[]> {
    const [only, ...others] = commands;
    if (only && others.length === 0) {
      const [name, rest] = encoded(only);
      return [await this.#client.callBuffer(name, ...rest).then(undefined, asError)];
    }
    // One write for all of them.
    const pipeline = this.#client.pipeline();
    for (const words of commands) {
      const [name, rest] = encoded(words);
      pipeline.callBuffer(name, ...rest);
    }
    return ((await pipeline.exec()) ?? []).map(([error, value]) => error ?? value);
  }

  /** Closes the connection at once; pending commands get the reason. */
  lose(why: RedisFailure): void {
    if (this.#lost) return;
    this.#lost = why;
    this.#client.stream?.destroy();
    disconnect(this.#client);
  }

  /** Closes the connection after everything was sent. */
  async close(): Promise<void> {
    if (this.#client.status === "end") return;
    const ended = new Promise<void>((resolve) => this.#client.once("end", resolve));
    const deadline = setTimeout(() => this.#client.stream?.destroy(), goodbyeMs);
    this.#client.disconnect();
    await ended;
    clearTimeout(deadline);
  }

  /** HELLO without a version changes nothing. Servers before Redis 6, and users without the right, report nothing. */
  async #greet(): Promise<Greeting> {
    const { replies, lost } = await this.send([["HELLO"]]);
    if (lost) throw lost;
    const [reply] = replies;
    if (reply instanceof ErrorReply) {
      if (/^(NOAUTH|LOADING)/.test(reply.text)) throw refusedFailure(reply.text);
      return {};
    }
    const told = (name: string): string | undefined => {
      if (!Array.isArray(reply)) return undefined;
      const at = reply.indexOf(name);
      const value = at < 0 ? undefined : reply[at + 1];
      return typeof value === "string" ? value : undefined;
    };
    const [mode, role] = [told("mode"), told("role")];
    return { ...(mode === undefined ? {} : { mode }), ...(role === undefined ? {} : { role }) };
  }
}

/** On an already closed client, ioredis waits two seconds for a close event that never comes, and keeps the process alive. */
function disconnect(client: Redis): void {
  if (client.status !== "close" && client.status !== "end") client.disconnect();
}

/** ioredis' messages for a missing or closed connection. */
const saysClosed = /Stream isn't writeable|Connection is closed/;

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** `undefined` if this isn't an answer from the server, so the connection is gone. */
function errorReply(error: Error): ErrorReply | undefined {
  return error.name === "ReplyError" ? new ErrorReply(error.message) : undefined;
}

function replyOf(value: unknown): Reply {
  if (Buffer.isBuffer(value)) return value.toString("latin1");
  if (Array.isArray(value)) return value.map(replyOf);
  if (value instanceof Error) return new ErrorReply(value.message);
  return typeof value === "number" || typeof value === "string" ? value : null;
}

/** Texts byte for byte: a key need not be valid UTF-8. Texts of ASCII are sent as they are, which is several times faster. */
function encoded([name, ...rest]: CommandWords): [name: string, rest: (string | Buffer)[]] {
  return [name, rest.map((word) => (notAscii.test(word) ? Buffer.from(word, "latin1") : word))];
}

const notAscii = /[^\0-\x7f]/;

async function connected(address: Address, { tls }: SignIn, signal: AbortSignal): Promise<Redis> {
  const { host, port } = address;
  // Uses the default export, because webpack finds no named ones on a module that is a function.
  const { default: ioredis } = await import("ioredis");
  const client = new ioredis.Redis({
    host,
    port,
    protocol: 2,
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    socketTimeout: answerTimeoutMs,
    retryStrategy: () => null,
    maxRetriesPerRequest: null,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    disableClientInfo: true,
    ...(tls
      ? {
          tls: {
            ...(tls.authority === undefined ? {} : { ca: tls.authority }),
            ...serverName([host, tls.name]),
            // A cluster node is often known by number only, and has a certificate for the configured name.
            checkServerIdentity: (_name: string, certificate: PeerCertificate) => {
              const wrong = checkServerIdentity(host, certificate);
              return wrong && checkServerIdentity(tls.name, certificate) ? wrong : undefined;
            },
          },
        }
      : {}),
  });
  let lastError: unknown;
  const onError = (error: unknown) => {
    lastError = error;
  };
  const onAbort = () => disconnect(client);
  // Without a listener, ioredis prints every connection error.
  client.on("error", onError);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await client.connect();
    client.off("error", onError);
    return client;
  } catch (error) {
    disconnect(client);
    if (signal.aborted) throw cancelled(signal);
    const cause = lastError ?? error;
    if (cause instanceof Error && cause.message.includes("ETIMEDOUT"))
      throw unreachable(`no connection to ${addressText(address)} within ${connectTimeoutMs / 1_000} s`);
    throw tls ? tlsFailure(cause) : unreachable(cause);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** TLS SNI only takes names, not IP addresses. */
function serverName(hosts: readonly string[]): { servername?: string } {
  const named = hosts.find((host) => isIP(host) === 0);
  return named === undefined ? {} : { servername: named };
}

/** A wrong certificate doesn't become valid by waiting. */
function tlsFailure(error: unknown): RedisFailure {
  const code = String((error as { code?: unknown } | null)?.code ?? "");
  if (!/CERT|SELF_SIGNED|ALTNAME|UNABLE_TO|ERR_SSL|EPROTO/.test(code)) return unreachable(error);
  const { message } = unreachable(error);
  const cure = isUnknownAuthority(error)
    ? ". Its certificate is signed by an authority that this machine does not know: name the authority's PEM file in redis.certificateAuthority"
    : "";
  return new RedisFailure("unreachable", `${message} (TLS, ${code})${cure}`, error, false);
}

/** A connection that is opened again after a loss, to wherever the server is by then. */
export class ReconnectingWire {
  readonly #open: () => Promise<Wire>;
  #opening: Promise<Wire> | undefined;
  #wire: Wire | undefined;
  #closed: RedisFailure | undefined;

  constructor(open: () => Promise<Wire>) {
    this.#open = open;
  }

  /** @throws RedisFailure if it cannot be opened now */
  async wire(): Promise<Wire> {
    if (this.#closed) throw this.#closed;
    if (this.#wire?.usable) return this.#wire;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    this.#wire = await this.#opening;
    return this.#wire;
  }

  /** Drops a connection that may still be open but is useless: its server has become a replica, or is starting. */
  drop(wire: Wire, why: RedisFailure): void {
    wire.lose(why);
  }

  /** Pending work gets this reason, and nothing is opened again. */
  async close(why = new RedisFailure("cancelled", "the connection to Redis was closed")): Promise<void> {
    this.#closed ??= why;
    // Whoever waits for the connection gets its failure; here there is only nothing to close.
    const opening = await this.#opening?.catch(() => undefined);
    await Promise.all([opening?.close(), this.#wire?.close()]);
  }
}

/** Commands that are sent together, and the handler for their replies. */
export interface Job {
  commands: readonly CommandWords[];
  take(replies: readonly Reply[]): void;
}

/**
 * Runs jobs, `width` at a time. An interrupted one is sent again, so all of them must be repeatable.
 * @returns whether an answer was lost, so that the effect of the first attempt is unknown
 * @throws RedisFailure the first failure that isn't temporary
 */
export async function runJobs(
  line: ReconnectingWire,
  jobs: Iterator<Job>,
  { width, retryForMs, signal }: { width: number; retryForMs: number; signal: AbortSignal },
): Promise<boolean> {
  let lostAnswers = false;
  const run = async (job: Job): Promise<void> => {
    const wire = await line.wire();
    const { replies, lost } = await wire.send(job.commands);
    if (lost) {
      lostAnswers = true;
      throw lost;
    }
    const refused = replies.find((reply) => reply instanceof ErrorReply);
    try {
      job.take(replies);
    } catch (error) {
      if (refused && error instanceof RedisFailure && error.passing) line.drop(wire, error);
      throw error;
    }
  };
  // After the first failure nothing more is sent, and nothing is in progress when this returns.
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let next = jobs.next(); !next.done && failures.length === 0; next = jobs.next()) {
      const job = next.value;
      try {
        await withRetries(retryForMs, signal, () => run(job));
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  if (failures.length > 0) throw failures[0];
  return lostAnswers;
}
