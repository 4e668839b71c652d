import type { Socket } from "node:net";
import type { Redis } from "ioredis";
import type { Address, SignIn } from "./address.ts";
import { type Connected, connected, disconnect } from "./client.ts";
import { cancelled, RedisFailure, refusedFailure, unreachable, withRetries } from "./failure.ts";
import { type CommandWords, ErrorReply, encoded, type Reply, ReplyReader } from "./resp.ts";

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

/** Commands that were sent together and still wait for replies. */
interface Waiting {
  replies: Reply[];
  missing: number;
  resolve(replies: Replies): void;
}

/**
 * One connection to one server. It sends each command exactly once: no client that connects again, sends again or follows a
 * redirection by itself is safe for deletes. Retries are done above. ioredis opens and closes the connection; commands and
 * replies don't pass through it. Commands that are not listed above cannot be sent.
 */
export class Wire {
  readonly address: Address;
  greeting: Greeting = {};
  readonly #client: Redis;
  readonly #socket: Socket;
  readonly #access: Access;
  /** In the order in which they were sent, which is that of the replies. */
  readonly #waiting: Waiting[] = [];
  #lost: RedisFailure | undefined;

  private constructor(address: Address, { client, socket }: Connected, access: Access, signal: AbortSignal) {
    this.address = address;
    this.#client = client;
    this.#socket = socket;
    this.#access = access;
    const reader = new ReplyReader((reply) => this.#take(reply));
    socket.on("data", (piece: Buffer) => {
      try {
        if (!this.#lost) reader.read(piece);
      } catch (error) {
        this.lose(unreachable(error));
      }
    });
    client.on("error", (error) => this.lose(unreachable(error)));
    socket.on("error", (error) => this.lose(unreachable(error)));
    // The server says goodbye: what it has not answered by now, it won't.
    socket.on("end", () => this.lose(unreachable("the connection was closed")));
    socket.setTimeout(answerTimeoutMs, () => {
      if (this.#waiting.length > 0) this.lose(unreachable(`no answer within ${answerTimeoutMs / 1_000} s`));
    });
    const onAbort = () => this.lose(cancelled(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    client.on("close", () => this.lose(unreachable("the connection was closed")));
    client.once("end", () => signal.removeEventListener("abort", onAbort));
    // `connected` paused it.
    socket.resume();
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
    // The socket may be gone before its close event.
    if (!this.#socket.writable) this.lose(unreachable("the connection was closed"));
    if (this.#lost) return { replies: [], lost: this.#lost };
    if (commands.length === 0) return { replies: [] };
    return await new Promise<Replies>((resolve) => {
      this.#waiting.push({ replies: [], missing: commands.length, resolve });
      this.#socket.write(encoded(commands), "latin1");
    });
  }

  #take(reply: Reply): void {
    const [first] = this.#waiting;
    // Such as the server's reason for not taking the connection.
    if (!first)
      throw unreachable(
        reply instanceof ErrorReply ? reply.text : "the server at this address sent an answer without a question",
      );
    first.replies.push(reply);
    if (--first.missing > 0) return;
    this.#waiting.shift();
    first.resolve({ replies: first.replies });
  }

  /** Closes the connection at once; pending commands get the reason. */
  lose(why: RedisFailure): void {
    if (this.#lost) return;
    this.#lost = why;
    this.#socket.destroy();
    disconnect(this.#client);
    for (const { replies, resolve } of this.#waiting.splice(0)) resolve({ replies, lost: why });
  }

  /** Closes the connection after everything was sent. */
  async close(): Promise<void> {
    if (this.#client.status === "end") return;
    const ended = new Promise<void>((resolve) => this.#client.once("end", resolve));
    const deadline = setTimeout(() => this.#socket.destroy(), goodbyeMs);
    disconnect(this.#client);
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
