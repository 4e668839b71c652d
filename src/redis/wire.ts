import { once } from "node:events";
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls, type PeerCertificate } from "node:tls";
import { type Address, addressText, type SignIn } from "./address.ts";
import { cancelled, RedisFailure, refusal, unreachable } from "./failure.ts";
import { ErrorReply, encode, type Reply, ReplyReader } from "./reply.ts";

/** What a pipeline got: all its replies, or as many as came before the connection was lost. */
export interface Replies {
  replies: Reply[];
  lost?: RedisFailure;
}

interface Pending {
  replies: Reply[];
  wanted: number;
  done(outcome: Replies): void;
  onFirstItem?: ((item: Reply) => void) | undefined;
}

/** What the server says of itself; members are missing where it does not say. */
export interface Greeting {
  mode?: string;
  role?: string;
}

const connectTimeoutMs = 5_000;
const answerTimeoutMs = 10_000;
const goodbyeMs = 1_000;
const pieceBytes = 65_536;
const mostDone = 4;

/** Every command that a connection for reading may send. */
const reading = ["AUTH", "HELLO", "SELECT", "PING", "INFO", "ACL", "SCAN", "PTTL", "CLUSTER", "SENTINEL"];
const writing = [...reading, "UNLINK", "PEXPIRE", "ASKING"];
export type Access = "reading" | "writing";
const allowed: Record<Access, ReadonlySet<string>> = { reading: new Set(reading), writing: new Set(writing) };

/**
 * One connection to one server. It sends what it is told and nothing else, once: a client that sends again by itself, or goes on in
 * database 0 where it may not SELECT another, cannot be used for deleting. No way leads to a command that is not listed above.
 */
export class Wire {
  readonly address: Address;
  greeting: Greeting = {};
  readonly #socket: Socket;
  readonly #access: Access;
  readonly #pending: Pending[] = [];
  #first = 0;
  #lost: RedisFailure | undefined;

  private constructor(address: Address, opened: Opened, access: Access, signal: AbortSignal) {
    const { socket } = opened;
    this.address = address;
    this.#socket = socket;
    this.#access = access;
    const reader = new ReplyReader(
      (reply) => this.#take(reply),
      (item) => this.#pending[this.#first]?.onFirstItem?.(item),
    );
    socket.setNoDelay(true);
    opened.onPiece = (piece) => {
      try {
        reader.feed(piece);
      } catch (error) {
        this.lose(unreachable(error));
      }
    };
    socket.on("error", (error) => this.lose(unreachable(error)));
    socket.on("close", () => this.lose(unreachable("the connection was closed")));
    socket.setTimeout(answerTimeoutMs, () => {
      if (this.#first < this.#pending.length) this.lose(unreachable(`nothing came within ${answerTimeoutMs / 1_000} s`));
    });
    const onAbort = () => this.lose(cancelled(signal));
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once("close", () => signal.removeEventListener("abort", onAbort));
  }

  /** Connects, signs in, selects the database, and waits for a first answer. @throws RedisFailure */
  static async open(address: Address, signIn: SignIn, access: Access, signal: AbortSignal): Promise<Wire> {
    if (signal.aborted) throw cancelled(signal);
    const wire = new Wire(address, await connected(address, signIn, signal), access, signal);
    try {
      const { username, password, database } = signIn;
      if (password !== undefined) await wire.ask(["AUTH", ...(username === undefined ? [] : [username]), password]);
      wire.greeting = await wire.#greet();
      if (database > 0) await wire.ask(["SELECT", String(database)]);
      // Whoever is still loading its data greets, but answers nothing else.
      await wire.ask(["PING"]);
      return wire;
    } catch (error) {
      wire.lose(unreachable(error));
      throw error;
    }
  }

  get usable(): boolean {
    return this.#lost === undefined;
  }

  /** @throws RedisFailure also where the server answers with an error */
  async ask(words: readonly string[]): Promise<Reply> {
    const { replies, lost } = await this.send(words[0] ?? "", encode(words), 1);
    if (lost) throw lost;
    const [reply = null] = replies;
    if (reply instanceof ErrorReply) throw refusal(reply.text);
    return reply;
  }

  /**
   * Sends commands that are encoded already, all of one name, and waits for as many replies. Errors among the replies are replies.
   * @param onFirstItem hears of the first item of a list while the others are still on their way.
   */
  send(name: string, commands: string, wanted: number, onFirstItem?: (item: Reply) => void): Promise<Replies> {
    // A mistake of ours, and the last moment to see it.
    if (!allowed[this.#access].has(name)) throw new Error(`${name} may not be sent by a connection for ${this.#access}`);
    if (this.#lost) return Promise.resolve({ replies: [], lost: this.#lost });
    return new Promise((done) => {
      this.#pending.push({ replies: [], wanted, done, onFirstItem });
      this.#socket.write(commands, "latin1");
    });
  }

  /** Ends the connection at once; whatever waits hears why. */
  lose(why: RedisFailure): void {
    if (this.#lost) return;
    this.#lost = why;
    this.#socket.destroy();
    for (const pending of this.#pending.splice(0).slice(this.#first)) pending.done({ replies: pending.replies, lost: why });
    this.#first = 0;
  }

  /** Ends the connection when what was sent has gone out. */
  async close(): Promise<void> {
    if (this.#socket.destroyed) return;
    const closed = once(this.#socket, "close");
    const deadline = setTimeout(() => this.#socket.destroy(), goodbyeMs);
    this.#socket.end();
    await closed;
    clearTimeout(deadline);
  }

  #take(reply: Reply): void {
    const pending = this.#pending[this.#first];
    if (!pending) {
      this.lose(unreachable("it said something that nobody had asked for"));
      return;
    }
    pending.replies.push(reply);
    if (pending.replies.length < pending.wanted) return;
    // An index in place of shift(), which moves everything that waits; what is done is let go of, because it holds its replies.
    this.#first++;
    if (this.#first === this.#pending.length || this.#first > mostDone) {
      this.#pending.splice(0, this.#first);
      this.#first = 0;
    }
    pending.done({ replies: pending.replies });
  }

  /** HELLO without a version changes nothing. Servers before 6, and users that may not, simply do not tell. */
  async #greet(): Promise<Greeting> {
    const { replies, lost } = await this.send("HELLO", encode(["HELLO"]), 1);
    if (lost) throw lost;
    const [reply] = replies;
    if (reply instanceof ErrorReply) {
      if (/^(NOAUTH|LOADING)/.test(reply.text)) throw refusal(reply.text);
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

interface Opened {
  socket: Socket;
  /** Gets what arrives; it is overwritten by what arrives next. */
  onPiece(piece: Uint8Array): void;
}

async function connected(address: Address, { tls }: SignIn, signal: AbortSignal): Promise<Opened> {
  const { host, port } = address;
  const opened: Pick<Opened, "onPiece"> = { onPiece: () => undefined };
  // One buffer for the whole connection: a new one for each piece is garbage outside of the heap, which is collected late.
  const onread = {
    buffer: Buffer.allocUnsafeSlow(pieceBytes),
    callback(length: number, buffer: Uint8Array) {
      opened.onPiece(buffer.subarray(0, length));
      return true;
    },
  };
  const secure = tls && {
    host,
    port,
    onread,
    ...(tls.authority === undefined ? {} : { ca: tls.authority }),
    ...serverName([host, tls.name]),
    // A node of a cluster is often told by its number, and has the certificate of the name that was configured.
    checkServerIdentity: (_name: string, certificate: PeerCertificate) => {
      const wrong = checkServerIdentity(host, certificate);
      return wrong && checkServerIdentity(tls.name, certificate) ? wrong : undefined;
    },
  };
  const socket = secure ? connectTls(secure) : connectPlain({ host, port, onread });
  let deadline: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      const tooLate = () => reject(unreachable(`no connection to ${addressText(address)} within ${connectTimeoutMs / 1_000} s`));
      deadline = setTimeout(tooLate, connectTimeoutMs);
    });
    await Promise.race([once(socket, tls ? "secureConnect" : "connect", { signal }), late]);
    return Object.assign(opened, { socket });
  } catch (error) {
    // Without a listener a late error of the socket would end the process.
    socket.on("error", () => undefined);
    socket.destroy();
    throw signal.aborted ? cancelled(signal) : tls ? tlsFailure(error) : unreachable(error);
  } finally {
    clearTimeout(deadline);
  }
}

/** Only names go into the greeting of TLS, never numbers. */
function serverName(hosts: readonly string[]): { servername?: string } {
  const named = hosts.find((host) => isIP(host) === 0);
  return named === undefined ? {} : { servername: named };
}

/** A certificate that is wrong does not become right by waiting. */
function tlsFailure(error: unknown): RedisFailure {
  const code = String((error as { code?: unknown } | null)?.code ?? "");
  if (!/CERT|SELF_SIGNED|ALTNAME|UNABLE_TO|ERR_SSL|EPROTO/.test(code)) return unreachable(error);
  const { message } = unreachable(error);
  return new RedisFailure("unreachable", `${message} (TLS, ${code})`, error, false);
}
