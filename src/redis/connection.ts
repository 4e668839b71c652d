import type { Redis } from "ioredis";

/** Redis could not be asked: connection, sign-in, or a command that was refused. */
export class RedisFailure extends Error {
  override name = "RedisFailure";
  readonly kind: "unreachable" | "sign-in" | "refused" | "cancelled";

  constructor(kind: RedisFailure["kind"], message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

export interface RedisIdentity {
  host: string;
  port: number;
  database: number;
}

/**
 * The only client of a read-only environment: it has no way to write. Keys are handled as `latin1` text, one character a byte,
 * because a key need not be valid UTF-8, and a key that is decoded and encoded again may be another key.
 */
export interface RedisReader {
  readonly identity: RedisIdentity;
  /** Round trip in milliseconds. */
  ping(): Promise<number>;
  /** INFO as key → value, all sections in one. */
  info(): Promise<Record<string, string>>;
  /** What the signed-in user may, such as `-@all +@read (-@all +set)`, selectors in brackets; `undefined` where asking is refused. */
  aclRules(): Promise<string | undefined>;
  /** Every key, in batches, once over the keyspace; a key may come twice, as SCAN does. */
  scan(): AsyncIterable<string[]>;
  close(): Promise<void>;
}

export interface TestDataRedis extends RedisReader {
  /** @returns how many of the keys existed and are gone. */
  unlink(keys: string[]): Promise<number>;
}

const connectTimeoutMs = 5_000;
const commandTimeoutMs = 10_000;
const scanCount = 1_000;
const unlinkBatch = 500;

/** @throws RedisFailure */
export async function openRedisReader(url: string, signal: AbortSignal): Promise<RedisReader> {
  return reader(await connect(url, signal), signal);
}

/** Only for environments whose access is `test-data`. @throws RedisFailure */
export async function openRedisForTestData(url: string, signal: AbortSignal): Promise<TestDataRedis> {
  const client = await connect(url, signal);
  return {
    ...reader(client, signal),
    async unlink(keys) {
      let gone = 0;
      for (let at = 0; at < keys.length; at += unlinkBatch) {
        const batch = keys.slice(at, at + unlinkBatch).map((key) => Buffer.from(key, "latin1"));
        gone += await asked(signal, () => client.unlink(...batch));
      }
      return gone;
    },
  };
}

async function connect(url: string, signal: AbortSignal): Promise<Redis> {
  if (signal.aborted) throw cancelled(signal);
  // By its default export: webpack finds no names on a module that is a function.
  const { default: ioredis } = await import("ioredis");
  const client = new ioredis.Redis(url, {
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    commandTimeout: commandTimeoutMs,
    maxRetriesPerRequest: 2,
    // INFO may be refused to a reader; PING below tells whether it is ready.
    enableReadyCheck: false,
    retryStrategy: (attempt) => (attempt <= 3 ? attempt * 100 : null),
  });
  let lastError: unknown;
  // Without a listener ioredis prints every connection error; the command that meets it reports the last one.
  client.on("error", (error) => {
    lastError = error;
  });
  const onAbort = () => client.disconnect();
  signal.addEventListener("abort", onAbort, { once: true });
  client.once("end", () => signal.removeEventListener("abort", onAbort));
  try {
    await client.connect();
    await client.ping();
    return client;
  } catch (error) {
    client.disconnect();
    throw signal.aborted ? cancelled(signal) : asFailure(lastError ?? error);
  }
}

function reader(client: Redis, signal: AbortSignal): RedisReader {
  return {
    identity: { host: client.options.host ?? "", port: client.options.port ?? 6379, database: client.options.db ?? 0 },
    async ping() {
      const started = performance.now();
      await asked(signal, () => client.ping());
      return performance.now() - started;
    },
    async info() {
      const text = await asked(signal, () => client.info());
      const pairs = text.split("\r\n").flatMap((line) => {
        const colon = line.indexOf(":");
        return line.startsWith("#") || colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const];
      });
      return Object.fromEntries(pairs);
    },
    async aclRules() {
      try {
        const user = await asked(signal, async () => client.acl("GETUSER", String(await client.acl("WHOAMI"))));
        return rulesOf(user);
      } catch (error) {
        // A reader that may not see the ACL is the normal case in production; the caller reports it as unknown.
        if (error instanceof RedisFailure && error.kind === "refused") return undefined;
        throw error;
      }
    },
    async *scan() {
      let cursor = "0";
      do {
        const [next, keys] = await asked(signal, () => client.scanBuffer(cursor, "COUNT", scanCount));
        cursor = next.toString();
        if (keys.length > 0) yield keys.map((key) => key.toString("latin1"));
      } while (cursor !== "0");
    },
    async close() {
      // A connection that is already gone has nothing left to say goodbye to.
      await client.quit().catch(() => client.disconnect());
    },
  };
}

/** ACL GETUSER answers with a flat list of names and values; a selector is such a list again. */
function rulesOf(user: unknown): string | undefined {
  const commands = namedValue(user, "commands");
  if (typeof commands !== "string") return undefined;
  const selectors = namedValue(user, "selectors") ?? [];
  // Rules that are not understood are unknown rules.
  if (!Array.isArray(selectors)) return undefined;
  const more = selectors.map((selector) => namedValue(selector, "commands"));
  return more.every((rules) => typeof rules === "string")
    ? [commands, ...more.map((rules) => `(${rules})`)].join(" ")
    : undefined;
}

function namedValue(list: unknown, name: string): unknown {
  if (!Array.isArray(list)) return undefined;
  const at = list.indexOf(name);
  return at < 0 ? undefined : list[at + 1];
}

/** @throws RedisFailure */
async function asked<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  if (signal.aborted) throw cancelled(signal);
  try {
    return await ask();
  } catch (error) {
    // The signal ends the connection, and with it whatever was asked.
    throw signal.aborted ? cancelled(signal) : asFailure(error);
  }
}

function cancelled(signal: AbortSignal): RedisFailure {
  const why = signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
  return new RedisFailure("cancelled", `stopped before Redis answered: ${why}`, signal.reason);
}

function asFailure(error: unknown): RedisFailure {
  if (error instanceof RedisFailure) return error;
  const message =
    error instanceof Error ? error.message || String((error as { code?: unknown }).code ?? error.name) : String(error);
  if (/WRONGPASS|NOAUTH|invalid username-password/i.test(message))
    return new RedisFailure("sign-in", `Redis refused the password: ${message}`, error);
  if (/NOPERM|unknown command|ERR /i.test(message))
    return new RedisFailure("refused", `Redis refused the command: ${message}`, error);
  return new RedisFailure("unreachable", `Redis does not answer: ${message}`, error);
}

/** A key as people read it. */
export function readableKey(key: string): string {
  return Buffer.from(key, "latin1").toString("utf8");
}

/** Text as it stands in keys. */
export function keyText(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
