import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { macros } from "./macros.ts";

/** Connections to one in-memory DuckDB: many concurrent readers and, as in Delta, one writer per table. */
export class Database {
  readonly #instance: DuckDBInstance;
  readonly #catalog: string;
  readonly #idle: DuckDBConnection[] = [];
  readonly #running = new Set<Promise<unknown>>();
  /** The last writer that needed exclusive access. */
  #lastOfAll: Promise<unknown> = Promise.resolve();
  /** Lane → its last writer since then. */
  readonly #lastWrites = new Map<string, Promise<unknown>>();

  private constructor(instance: DuckDBInstance, catalog: string) {
    this.#instance = instance;
    this.#catalog = catalog;
  }

  /** @param catalog used for one- and two-part names; it also holds the macros */
  static async open(catalog: string): Promise<Database> {
    const database = new Database(await DuckDBInstance.create(":memory:", { threads: "2" }), catalog);
    const connection = await database.#instance.connect();
    await connection.run(`SET GLOBAL TimeZone = 'UTC'; ATTACH ':memory:' AS ${identifier(catalog)}`);
    await connection.run([`USE ${identifier(catalog)}`, ...macros].join(";\n"));
    database.#idle.push(connection);
    return database;
  }

  /** Waits for running work, because DuckDB must not be closed before that ends. */
  async close(): Promise<void> {
    await Promise.all([this.#lastOfAll, ...this.#lastWrites.values()]);
    await Promise.allSettled(this.#running);
    for (const connection of this.#idle) connection.closeSync();
    this.#instance.closeSync();
  }

  /** Provides a connection. An abort interrupts the work, and its reason is thrown. */
  use<Result>(work: (connection: DuckDBConnection) => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    const run = this.#lend(work, signal).finally(() => this.#running.delete(run));
    this.#running.add(run);
    return run;
  }

  async #lend<Result>(work: (connection: DuckDBConnection) => Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
    signal?.throwIfAborted();
    const connection = this.#idle.pop() ?? (await this.#connect());
    const interrupt = (): void => connection.interrupt();
    signal?.addEventListener("abort", interrupt);
    try {
      return await work(connection);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", interrupt);
      this.#idle.push(connection);
    }
  }

  /**
   * Waits for its turn, then runs `work` in a transaction.
   * @param committed called after the commit, before the next writer's turn
   * @param lane writers in different lanes, such as tables, don't wait for each other; a writer without one waits for all, and
   * all for it
   */
  write<Result>(
    work: (connection: DuckDBConnection) => Promise<Result>,
    signal?: AbortSignal,
    committed: (result: Result) => void = () => undefined,
    lane?: string,
  ): Promise<Result> {
    const before = lane === undefined ? [...this.#lastWrites.values()] : [this.#lastWrites.get(lane)];
    const turn = Promise.all([this.#lastOfAll, ...before]).then(async () => {
      const result = await this.use((connection) => transaction(connection, work, signal), signal);
      committed(result);
      return result;
    });
    const ended = turn.catch(() => undefined); // the writer gets the error itself; the next one must not
    if (lane === undefined) {
      this.#lastOfAll = ended;
      this.#lastWrites.clear();
    } else this.#lastWrites.set(lane, ended);
    return turn;
  }

  async #connect(): Promise<DuckDBConnection> {
    const connection = await this.#instance.connect();
    await connection.run(`USE ${identifier(this.#catalog)}`);
    return connection;
  }
}

async function transaction<Result>(
  connection: DuckDBConnection,
  work: (connection: DuckDBConnection) => Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  await connection.run("BEGIN");
  const result = await work(connection)
    .then((done) => {
      signal?.throwIfAborted();
      return done;
    })
    .catch(async (error: unknown) => {
      await connection.run("ROLLBACK");
      throw error;
    });
  await connection.run("COMMIT");
  return result;
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
