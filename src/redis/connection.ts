import type { Redis } from "ioredis";

/** Redis could not be asked: connection, sign-in, or a command that was refused. */
export class RedisFailure extends Error {
  override name = "RedisFailure";
  readonly kind: "unreachable" | "sign-in" | "refused";

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
  /** The command rules of the signed-in user, such as `-@all +@read`; `undefined` where asking is refused. */
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
  return reader(await connect(url, signal));
}

/** Only for environments whose access is `test-data`. @throws RedisFailure */
export async function openRedisForTestData(url: string, signal: AbortSignal): Promise<TestDataRedis> {
  const client = await connect(url, signal);
  return {
    ...reader(client),
    async unlink(keys) {
      let gone = 0;
      for (let at = 0; at < keys.length; at += unlinkBatch) {
        signal.throwIfAborted();
        const batch = keys.slice(at, at + unlinkBatch).map((key) => Buffer.from(key, "latin1"));
        gone += await asked(client.unlink(...batch));
      }
      return gone;
    },
  };
}

async function connect(url: string, signal: AbortSignal): Promise<Redis> {
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
    throw asFailure(lastError ?? error);
  }
}

function reader(client: Redis): RedisReader {
  return {
    identity: { host: client.options.host ?? "", port: client.options.port ?? 6379, database: client.options.db ?? 0 },
    async ping() {
      const started = performance.now();
      await asked(client.ping());
      return performance.now() - started;
    },
    async info() {
      const text = await asked(client.info());
      const pairs = text.split("\r\n").flatMap((line) => {
        const colon = line.indexOf(":");
        return line.startsWith("#") || colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const];
      });
      return Object.fromEntries(pairs);
    },
    async aclRules() {
      try {
        const user = (await client.acl("GETUSER", String(await client.acl("WHOAMI")))) as unknown;
        return commandRules(user);
      } catch (error) {
        // A reader that may not see the ACL is the normal case in production; the caller reports it as unknown.
        if (error instanceof Error && /NOPERM|unknown command/i.test(error.message)) return undefined;
        throw asFailure(error);
      }
    },
    async *scan() {
      let cursor = "0";
      do {
        const [next, keys] = await asked(client.scanBuffer(cursor, "COUNT", scanCount));
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

/** ACL GETUSER answers with a flat list of names and values. */
function commandRules(user: unknown): string | undefined {
  if (!Array.isArray(user)) return undefined;
  const at = user.indexOf("commands");
  return at < 0 ? undefined : String(user[at + 1]);
}

async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw asFailure(error);
  }
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
