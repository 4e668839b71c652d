import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { asFailure, WarehouseFailure } from "./failure.ts";
import { startWarehouse } from "./wake.ts";

export interface WarehouseSettings {
  /** `host` or `host:port` */
  host: string;
  /** HTTP path, `/sql/1.0/warehouses/<id>` */
  path: string;
  token: string;
  catalog: string;
  /** PEM file of a private certificate authority. */
  certificateAuthority?: string;
  /** How long a sleeping warehouse may take to wake, in milliseconds. */
  startTimeoutMs: number;
  /** Stands in a comment in front of every statement, so that each can be traced in the query history. */
  runId: string;
}

export type Parameters = Record<string, string | number | boolean | null>;
export type Row = Record<string, unknown>;

export interface StatementResult {
  rows: Row[];
  /** Rows changed; `undefined` where the warehouse did not tell, or a lost answer made it unknowable. Unknown is not zero. */
  affected: number | undefined;
}

/** What we use of the driver: its own types would drag the driver into every file that mentions them. */
interface DriverOperation {
  finished(): Promise<void>;
  fetchAll(): Promise<object[]>;
  status(): Promise<{ numModifiedRows?: { toNumber(): number } | number | bigint | null }>;
  cancel(): Promise<unknown>;
  close(): Promise<unknown>;
}
interface DriverSession {
  executeStatement(text: string, options: { namedParameters?: Parameters }): Promise<DriverOperation>;
  close(): Promise<unknown>;
}
interface DriverClient {
  openSession(options: { initialCatalog: string; configuration: Record<string, string> }): Promise<DriverSession>;
  close(): Promise<void>;
}

/** Retries are for what was rejected or can be repeated; five attempts in all span about eight seconds. */
const retryDelaysMs = [250, 1000, 2000, 4000];
/** While a warehouse wakes; the last one repeats. */
const wakingDelaysMs = [500, 1000, 2000, 4000, 8000, 15_000, 30_000];
/** A statement never outlives this, whatever the budget: the driver itself would wait 15 minutes on a silent socket. */
const statementTimeoutMs = 120_000;

/**
 * One session on a SQL warehouse. It runs whatever it is given, so it never leaves this room: the others get a
 * {@link import("./access.ts").WarehouseReader} or a {@link import("./access.ts").TestDataWarehouse}.
 */
export class Connection {
  readonly #client: DriverClient;
  readonly #settings: WarehouseSettings;
  readonly #signal: AbortSignal;
  #session: Promise<DriverSession> | undefined;

  private constructor(client: DriverClient, settings: WarehouseSettings, signal: AbortSignal) {
    this.#client = client;
    this.#settings = settings;
    this.#signal = signal;
  }

  /**
   * Connects, and waits for a sleeping warehouse to wake.
   * @param onWaking told once, when the warehouse turns out to be asleep.
   * @throws WarehouseFailure
   */
  static async open(
    settings: WarehouseSettings,
    options: { signal: AbortSignal; onWaking?: (text: string) => void },
  ): Promise<Connection> {
    const client = await connect(settings);
    const connection = new Connection(client, settings, options.signal);
    try {
      await connection.#awake(options.onWaking);
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /**
   * Runs one statement and reads its whole result.
   * @param options.repeatable a statement that may run twice without harm: it is sent again when its answer is lost. What was
   *   rejected unexecuted (429, 503, session lost) is always sent again.
   * @throws WarehouseFailure
   */
  async run(
    text: string,
    parameters: Parameters = {},
    options: { repeatable: boolean } = { repeatable: true },
  ): Promise<StatementResult> {
    let answerLost = false;
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await this.#once(text, parameters);
        return answerLost ? { ...result, affected: undefined } : result;
      } catch (error) {
        const failure = asFailure(error);
        const waitMs = retryDelaysMs[attempt];
        const rejected = failure.kind === "throttled" || failure.kind === "waking" || failure.kind === "session-lost";
        const lost = failure.kind === "unreachable";
        if (waitMs === undefined || !(rejected || (lost && options.repeatable))) throw failure;
        if (failure.kind !== "throttled") this.#session = undefined;
        answerLost ||= lost;
        await this.#pause(Math.max(waitMs, Math.min(failure.retryAfterMs ?? 0, 30_000)));
      }
    }
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    // The work is done and its results are read: a server that is gone by now takes nothing away.
    await Promise.race([session?.then((s) => s.close()).catch(() => undefined), delay(2000, undefined, { ref: false })]);
    await this.#client.close().catch(() => undefined);
  }

  async #awake(onWaking: ((text: string) => void) | undefined): Promise<void> {
    const started = Date.now();
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#once("SELECT 1", {});
        return;
      } catch (error) {
        const failure = asFailure(error);
        if (failure.kind !== "waking" && failure.kind !== "throttled") throw failure;
        this.#session = undefined;
        const elapsed = Date.now() - started;
        if (attempt === 0) onWaking?.(await startWarehouse(this.#settings, this.#signal));
        const waitMs = wakingDelaysMs[Math.min(attempt, wakingDelaysMs.length - 1)] ?? 0;
        if (elapsed + waitMs > this.#settings.startTimeoutMs)
          throw new WarehouseFailure(
            "waking",
            `the warehouse did not wake within ${Math.round(this.#settings.startTimeoutMs / 1000)} s (${failure.message})`,
            { cause: failure },
          );
        await this.#pause(Math.max(waitMs, failure.retryAfterMs ?? 0));
      }
    }
  }

  async #once(text: string, parameters: Parameters): Promise<StatementResult> {
    if (this.#signal.aborted) throw cancelled(this.#signal);
    const deadline = AbortSignal.any([this.#signal, AbortSignal.timeout(statementTimeoutMs)]);
    let operation: DriverOperation | undefined;
    const work = async (): Promise<StatementResult> => {
      this.#session ??= this.#client.openSession({
        initialCatalog: this.#settings.catalog,
        configuration: { STATEMENT_TIMEOUT: String(statementTimeoutMs / 1000) },
      });
      const session = await this.#session.catch((error: unknown) => {
        this.#session = undefined;
        throw error;
      });
      operation = await session.executeStatement(`/* env-actions run ${this.#settings.runId} */ ${text}`, {
        namedParameters: parameters,
      });
      // A failing statement looks successful until `finished` has been awaited.
      await operation.finished();
      const rows = (await operation.fetchAll()) as Row[];
      const affected = await affectedRows(rows, operation);
      // Everything has been read; a close that fails leaves nothing but a handle that the server expires.
      operation.close().catch(() => undefined);
      return { rows, affected };
    };
    return await new Promise<StatementResult>((resolve, reject) => {
      const onAbort = () => {
        // Best effort: the server's own STATEMENT_TIMEOUT ends what this cannot.
        operation?.cancel().catch(() => undefined);
        reject(cancelled(deadline));
      };
      deadline.addEventListener("abort", onAbort, { once: true });
      work()
        .then(resolve, (error: unknown) => reject(asFailure(error)))
        .finally(() => deadline.removeEventListener("abort", onAbort));
    });
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#signal }).catch(() => {
      throw cancelled(this.#signal);
    });
  }
}

function cancelled(signal: AbortSignal): WarehouseFailure {
  const why = signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
  return new WarehouseFailure("cancelled", `stopped before the warehouse answered: ${why}`);
}

async function affectedRows(rows: Row[], operation: DriverOperation): Promise<number | undefined> {
  const reported = rows[0]?.num_affected_rows;
  if (reported === undefined || rows.length !== 1) return undefined;
  const modified = (await operation.status()).numModifiedRows;
  const counted =
    modified === null || modified === undefined
      ? undefined
      : Number(typeof modified === "object" ? modified.toNumber() : modified);
  // Two sources that disagree are no source.
  return counted === undefined || counted === Number(reported) || counted < 0 ? Number(reported) : undefined;
}

/**
 * Loading the driver holds the process for a fifth of a second. Whoever measures latencies loads it first, or measures that.
 */
export const loadDriver = () => import("@databricks/sql");

async function connect(settings: WarehouseSettings): Promise<DriverClient> {
  const { DBSQLClient } = await loadDriver();
  const [host = "", port] = settings.host.replace(/^https:\/\//, "").split(":");
  // The driver logs to the console unless told otherwise, statements included; its errors reach us as exceptions.
  const client = new DBSQLClient({ logger: { log: () => undefined } });
  // Without a listener, an error of an idle connection would end the process; the statement that meets it reports it.
  client.on("error", () => undefined);
  const certificate = settings.certificateAuthority ? { customCaCert: await readFile(settings.certificateAuthority) } : {};
  const options = {
    host,
    path: settings.path,
    token: settings.token,
    ...(port ? { port: Number(port) } : {}),
    ...certificate,
    // An unreachable telemetry address holds connect() for 30 s; the other three need natives or lose digits.
    telemetryEnabled: false,
    useCloudFetch: false,
    useLZ4Compression: false,
    preserveBigNumericPrecision: true,
    socketTimeout: statementTimeoutMs,
    userAgentEntry: "classwaves-env-actions",
  };
  await client.connect(options);
  return client as unknown as DriverClient;
}
