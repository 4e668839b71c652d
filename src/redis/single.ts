import { randomUUID } from "node:crypto";
import { type Address, addressText, type RedisRoute } from "./address.ts";
import { type Answers, type Match, maxRestarts, type RedisIdentity, type Store } from "./connection.ts";
import { RedisFailure, refusedFailure, unreachable, withRetries } from "./failure.ts";
import { type CommandWords, ErrorReply, type Reply } from "./resp.ts";
import { readableKey, scanKeys } from "./scan-keys.ts";
import { type Access, type Job, ReconnectingWire, runJobs, Wire } from "./wire.ts";

/** Keys per UNLINK. Other clients have to wait for a whole UNLINK, but not for a whole pipeline. */
const keysPerUnlink = 256;
const keysPerPipeline = 1_024;
const jobsAtOnce = 8;
/** Long enough for a Redis that has just restarted; a missing one is reported soon. */
const openingRetryForMs = 600;

/** One server, found by address or through sentinels. */
export class SingleServer implements Store {
  readonly #way: RedisRoute;
  readonly #line: ReconnectingWire;
  readonly #limits: { width: number; retryForMs: number; signal: AbortSignal };
  #identity: RedisIdentity | undefined;

  private constructor(
    way: RedisRoute,
    access: Access,
    signal: AbortSignal,
    admit: ((identity: RedisIdentity) => void) | undefined,
  ) {
    this.#way = way;
    this.#limits = { width: jobsAtOnce, retryForMs: way.retryForMs, signal };
    this.#line = new ReconnectingWire(async () => {
      const { wire, identity } = await opened(way, access, signal);
      try {
        admit?.(identity);
      } catch (error) {
        await wire.close();
        throw error;
      }
      this.#identity = identity;
      return wire;
    });
  }

  /**
   * @param admit is called for every server that a failover leads to, and throws if nothing may be written
   * @throws RedisFailure
   */
  static async open(
    way: RedisRoute,
    access: Access,
    signal: AbortSignal,
    admit: ((identity: RedisIdentity) => void) | undefined,
  ): Promise<SingleServer> {
    const server = new SingleServer(way, access, signal, admit);
    const retryForMs = way.sentinel ? way.retryForMs : Math.min(way.retryForMs, openingRetryForMs);
    await withRetries(retryForMs, signal, () => server.#line.wire());
    return server;
  }

  get identity(): RedisIdentity {
    if (!this.#identity) throw new Error("the connection has not been opened");
    return this.#identity;
  }

  async wires(): Promise<Wire[]> {
    return [await this.#wire()];
  }

  async layout(): Promise<string> {
    await this.#stillTheMaster(await this.#wire());
    return "";
  }

  async *scan(match: Match, onInterruption: (why: string) => void): AsyncGenerator<string[]> {
    for (let restarts = 0; ; restarts++) {
      const wire = await this.#wire();
      try {
        yield* scanKeys(wire, match, this.#limits.signal);
        await this.#stillTheMaster(wire);
        return;
      } catch (error) {
        if (!(error instanceof RedisFailure) || !error.passing) throw error;
        this.#line.drop(wire, error);
        if (restarts === maxRestarts)
          throw new RedisFailure(
            error.kind,
            `the keys could not be looked through in ${maxRestarts + 1} attempts: ${error.message}`,
            error,
          );
        onInterruption(`reading the Redis keys was interrupted and starts again: ${error.message}`);
      }
    }
  }

  /**
   * After a failover the old master keeps its connections for a while; what it shows or accepts doesn't count.
   * @throws RedisFailure
   */
  async #stillTheMaster(wire: Wire): Promise<void> {
    if (!this.#way.sentinel) return;
    const { master } = await askSentinels(this.#way.sentinel, this.#limits.signal);
    if (addressText(master) !== addressText(wire.address))
      throw unreachable(`${addressText(wire.address)} is no longer the master; the master is now ${addressText(master)}`);
  }

  async perKey(name: string, keys: readonly string[], more: readonly string[] = []): Promise<Answers> {
    const answers: Reply[] = new Array(keys.length);
    function* jobs(): Generator<Job> {
      for (let at = 0; at < keys.length; at += keysPerPipeline) {
        const part = keys.slice(at, at + keysPerPipeline);
        const commands = part.map((key): CommandWords => [name, key, ...more]);
        const take = (replies: readonly Reply[]) => {
          for (const [index, reply] of replies.entries()) answers[at + index] = good(reply);
        };
        yield { commands, take };
      }
    }
    const lost = await runJobs(this.#line, jobs(), this.#limits);
    return { replies: answers, lost };
  }

  async unlink(keys: readonly string[]): Promise<number | undefined> {
    let gone = 0;
    const take = ([reply = null]: readonly Reply[]) => {
      gone += Number(good(reply));
    };
    function* jobs(): Generator<Job> {
      for (let at = 0; at < keys.length; at += keysPerUnlink)
        yield { commands: [["UNLINK", ...keys.slice(at, at + keysPerUnlink)]], take };
    }
    const lost = await runJobs(this.#line, jobs(), this.#limits);
    return lost ? undefined : gone;
  }

  close(): Promise<void> {
    return this.#line.close();
  }

  #wire(): Promise<Wire> {
    return withRetries(this.#limits.retryForMs, this.#limits.signal, () => this.#line.wire());
  }
}

function good(reply: Reply): Reply {
  if (reply instanceof ErrorReply) throw refusedFailure(reply.text);
  return reply;
}

async function opened(way: RedisRoute, access: Access, signal: AbortSignal): Promise<{ wire: Wire; identity: RedisIdentity }> {
  const named = way.sentinel && (await askSentinels(way.sentinel, signal));
  const address = named?.master ?? way.address;
  // The sentinel's answer is checked before the named server gets user and password.
  way.mayConnect?.({ ...address, database: way.signIn.database, ...(named ? { namedBy: named.sentinel } : {}) });
  const wire = await Wire.open(address, way.signIn, access, signal);
  const { mode, role } = wire.greeting;
  const wrong = wrongServer(mode, role, way.sentinel !== undefined);
  if (wrong) {
    await wire.close();
    throw new RedisFailure("refused", `${addressText(address)} ${wrong.what}`, undefined, wrong.passing);
  }
  if (access === "writing" && role !== "master") await proveWritable(wire);
  const identity = { mode: named ? "sentinel" : "standalone", ...address, database: way.signIn.database } as const;
  return { wire, identity: named ? { ...identity, namedBy: named.sentinel } : identity };
}

/**
 * A replica only shows itself when written to, and so does a server that doesn't report its role. So a write to an unused key is
 * tried first. After a failover the next attempt may reach the master.
 * @throws RedisFailure
 */
async function proveWritable(wire: Wire): Promise<void> {
  const { replies, lost } = await wire.send([["UNLINK", `env-actions:nobody-has-this-key:${randomUUID()}`]]);
  const [reply] = replies;
  if (!lost && !(reply instanceof ErrorReply && reply.text.startsWith("READONLY"))) return;
  await wire.close();
  const why = `${addressText(wire.address)} is a read-only replica: set redis.url to the address of its master`;
  throw lost ?? new RedisFailure("refused", why, undefined, true);
}

/** A cluster node would show only its own keys, and cleanup would report "nothing is left" for all of them. */
function wrongServer(
  mode: string | undefined,
  role: string | undefined,
  bySentinel: boolean,
): { what: string; passing: boolean } | undefined {
  if (mode === "cluster") return { what: "is a node of a Redis Cluster: add redis.cluster: true", passing: false };
  if (mode === "sentinel")
    return { what: "is a sentinel, which has no keys: write it under redis.sentinel.nodes", passing: false };
  // Just after a failover, a sentinel may still name the old master.
  if (bySentinel && role !== undefined && role !== "master")
    return { what: "is not the master, although a sentinel says so", passing: true };
  return undefined;
}

/** The master's address, from the first sentinel that knows it. @throws RedisFailure with each sentinel's answer */
export async function askSentinels(
  { master, nodes, signIn }: NonNullable<RedisRoute["sentinel"]>,
  signal: AbortSignal,
): Promise<{ master: Address; sentinel: Address }> {
  const failures: RedisFailure[] = [];
  for (const sentinel of nodes) {
    try {
      return { master: await ask(sentinel, master, signIn, signal), sentinel };
    } catch (error) {
      if (!(error instanceof RedisFailure) || error.kind === "cancelled") throw error;
      failures.push(new RedisFailure(error.kind, `${addressText(sentinel)}: ${error.message}`, error, error.passing));
    }
  }
  // A refusal by one sentinel may only concern that one; a silent one may answer soon.
  const kind = failures.find((failure) => !failure.passing)?.kind ?? "unreachable";
  const passing = failures.some((failure) => failure.passing);
  const said = failures.map((failure) => failure.message).join("; ");
  throw new RedisFailure(
    kind,
    `no sentinel gives the address of the master ${readableKey(master)}: ${said}`,
    failures[0],
    passing,
  );
}

async function ask(
  address: Address,
  master: string,
  signIn: NonNullable<RedisRoute["sentinel"]>["signIn"],
  signal: AbortSignal,
): Promise<Address> {
  const wire = await Wire.open(address, signIn, "reading", signal);
  try {
    if (wire.greeting.mode !== undefined && wire.greeting.mode !== "sentinel")
      throw new RedisFailure("refused", "expected a sentinel, got a Redis server");
    const reply = await wire.ask(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", master]);
    if (!Array.isArray(reply)) throw new RedisFailure("refused", `it knows no master with the name ${readableKey(master)}`);
    const [host, port] = reply.map(String);
    return { host: host ?? "", port: Number(port) };
  } finally {
    await wire.close();
  }
}
