import { type ChainableCommander, Redis } from "ioredis";

/**
 * Everything is written twice: under `cw:{NODE_ENV}:`, and under its older name without a prefix, which last year's services
 * still read. Every key has a TTL.
 */
export class Cache {
  readonly #redis: Redis;
  readonly #prefix: string;

  constructor(url: string, environment: string) {
    this.#prefix = `cw:${environment}:`;
    this.#redis = new Redis(url, {
      maxRetriesPerRequest: 1,
      commandTimeout: 2_000,
      retryStrategy: (attempt) => Math.min(attempt * 50, 1_000),
    });
    let lastReason = "";
    // ioredis reconnects by itself. Logs one line per new reason, not per attempt.
    this.#redis.on("error", (error: Error) => {
      if (error.message !== lastReason) console.error(`redis: ${error.message}`);
      lastReason = error.message;
    });
  }

  async ping(): Promise<void> {
    await this.#redis.ping();
  }

  async get(name: string): Promise<string | null> {
    return (await this.#redis.get(this.#prefix + name)) ?? this.#redis.get(name);
  }

  async set(name: string, value: string, seconds: number): Promise<void> {
    await this.#twice(name, (commands, key) => commands.set(key, value, "EX", seconds));
  }

  async addToSet(name: string, member: string, seconds: number): Promise<void> {
    await this.#twice(name, (commands, key) => commands.sadd(key, member).expire(key, seconds));
  }

  async setFields(name: string, fields: Record<string, string>, seconds: number): Promise<void> {
    await this.#twice(name, (commands, key) => commands.hset(key, fields).expire(key, seconds));
  }

  async delete(name: string): Promise<void> {
    await this.#twice(name, (commands, key) => commands.del(key));
  }

  /** Pending commands still run: sockets that just closed delete their keys. */
  async close(): Promise<void> {
    if (this.#redis.status === "ready") await this.#redis.quit();
    else this.#redis.disconnect();
  }

  async #twice(name: string, command: (commands: ChainableCommander, key: string) => ChainableCommander): Promise<void> {
    const commands = this.#redis.multi();
    for (const key of [this.#prefix + name, name]) command(commands, key);
    const answers = await commands.exec();
    const failure = answers?.find(([error]) => error)?.[0];
    if (failure) throw failure;
  }
}
