import { setTimeout as delay } from "node:timers/promises";
import { type RetryOptions, retry } from "../lib/retry.ts";
import { connectTrusting, readAuthority, trustInAddition } from "./authority.ts";
import { cancelled, type FailureKind, failureOf, WarehouseFailure } from "./failure.ts";
import { type TokenSource, tokensOf, withRemedy } from "./token-source.ts";
import { startWarehouse } from "./wake.ts";

export interface WarehouseSettings {
  /** `host` or `host:port` */
  host: string;
  /** HTTP path, `/sql/1.0/warehouses/<id>` */
  path: string;
  /** A token that lasts, or where tokens come from that end. */
  token: string | TokenSource;
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

/** How far a statement got: one that was accepted has run, one that was sent and never answered may have. */
interface Progress {
  /** The one that it was sent with. */
  token?: string;
  sent: boolean;
  accepted: boolean;
}

/** An attempt that failed. */
interface Attempted {
  failure: WarehouseFailure;
  progress: Progress;
}

/** For saying goodbye. */
const goodbyeMs = 2_000;

/**
 * A statement is sent again when it was turned away unexecuted, or when its answer was lost: reads and deletes by a condition may run
 * twice without harm; what may not is marked `once`. Five attempts in all span about seven seconds. A refused token is renewed once, and
 * the statement sent again.
 */
const retryDelaysMs = [250, 1000, 2000, 4000];
const longestRetryAfterMs = 30_000;
const repeated: ReadonlySet<FailureKind> = new Set(["throttled", "waking", "session-lost", "connection-lost", "unreachable"]);
/** Of the first statement, before which there was no session to lose. */
const firstRepeated: ReadonlySet<FailureKind> = new Set(["throttled", "waking", "connection-lost"]);
const sessionDoubtful: ReadonlySet<FailureKind> = new Set(["waking", "session-lost", "connection-lost", "unreachable"]);
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
  readonly #tokens: TokenSource;
  readonly #mark: string;
  #session: Promise<DriverSession> | undefined;
  #opened: readonly Row[] = [];

  private constructor(client: DriverClient, settings: WarehouseSettings, signal: AbortSignal) {
    this.#client = client;
    this.#settings = settings;
    this.#signal = signal;
    this.#tokens = tokensOf(settings.token);
    // Nothing in it may end the comment: it may come from a file.
    this.#mark = `/* env-actions run ${settings.runId.replaceAll(/[^\w.-]/g, "")} */`;
  }

  /**
   * Connects, and waits for a sleeping warehouse to wake.
   * @param options `onWaking`: told once, when the warehouse turns out to be asleep; `first`: the statement that tells whether it is
   * awake: one that is needed anyway costs no round trip of its own.
   * @throws WarehouseFailure
   */
  static async open(
    settings: WarehouseSettings,
    options: { signal: AbortSignal; onWaking?: (text: string) => void; first?: string },
  ): Promise<Connection> {
    const client = await connect(settings);
    const connection = new Connection(client, settings, options.signal);
    try {
      connection.#opened = await connection.#awake(options.first ?? "SELECT 1", options.onWaking);
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /**
   * Runs one statement and reads its whole result. `affected` is unknown where an earlier attempt may have run.
   * @param options `once`: the statement must not run twice; it is sent again only while it was surely turned away.
   * @throws WarehouseFailure
   */
  async run(text: string, parameters: Parameters = {}, options: { once?: boolean } = {}): Promise<StatementResult> {
    let mayHaveRun = false;
    const renewal = this.#renewal();
    const attempt = async (progress: Progress) => await this.#once(text, parameters, progress);
    const result = await this.#retried(attempt, {
      mayPass: ({ failure, progress }) => {
        if (!renewal.helps(failure, progress) && !repeated.has(failure.kind)) return false;
        const answerLost = failure.kind === "connection-lost" || failure.kind === "unreachable";
        mayHaveRun ||= progress.accepted || (progress.sent && answerLost);
        return !(mayHaveRun && options.once);
      },
      pauseMs: ({ failure }, number) => {
        if (renewal.isDue()) return 0;
        const waitMs = retryDelaysMs[number - 1];
        return waitMs && Math.max(waitMs, Math.min(failure.retryAfterMs ?? 0, longestRetryAfterMs));
      },
      gaveUp: ({ why, last }) => (why === "cancelled" ? cancelled(this.#signal) : last.failure),
    });
    return mayHaveRun ? { ...result, affected: undefined } : result;
  }

  /** What the first statement answered. */
  get opened(): readonly Row[] {
    return this.#opened;
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    // The work is done and its results are read: a server that is gone by now takes nothing away, and is not waited for. The driver
    // closes what is left of its sessions once more, one after another, with the patience of a statement for each.
    const closing = (async () => {
      await session?.then((s) => s.close()).catch(() => undefined);
      await this.#client.close().catch(() => undefined);
    })();
    await Promise.race([closing, delay(goodbyeMs, undefined, { ref: false })]);
  }

  /** The first statement tells whether the warehouse is awake: a sleeping one opens sessions, too. */
  async #awake(first: string, onWaking: ((text: string) => void) | undefined): Promise<Row[]> {
    const renewal = this.#renewal();
    let refusals = 0;
    let retries = 0;
    const attempt = async (progress: Progress) => {
      try {
        return (await this.#once(first, {}, progress)).rows;
      } catch (error) {
        const failure = await failureOf(error);
        if (failure.kind === "waking" && refusals === 0) onWaking?.(await startWarehouse(this.#settings, this.#signal));
        throw failure;
      }
    };
    return await this.#retried(attempt, {
      // Nobody there, a wrong name or certificate: asking again would only hide it for a while.
      mayPass: ({ failure, progress }) => renewal.helps(failure, progress) || firstRepeated.has(failure.kind),
      pauseMs: ({ failure }) => {
        // An earlier connection's token may have been revoked since.
        if (renewal.isDue()) return 0;
        const asleep = failure.kind === "waking";
        const waitMs = asleep ? wakingDelaysMs[Math.min(refusals++, wakingDelaysMs.length - 1)] : retryDelaysMs[retries++];
        return waitMs && Math.max(waitMs, failure.retryAfterMs ?? 0);
      },
      withinMs: this.#settings.startTimeoutMs,
      gaveUp: ({ why, last: { failure } }) => {
        const asleep = failure.kind === "waking";
        // That the time is up says less than what it was spent on.
        if (why === "cancelled") return asleep ? this.#stillAsleep(failure) : cancelled(this.#signal);
        return asleep ? this.#neverWoke(failure) : failure;
      },
    });
  }

  /** Attempts, each of which remembers how far it got. */
  #retried<Result>(
    work: (progress: Progress) => Promise<Result>,
    options: Omit<RetryOptions<Attempted>, "failure" | "signal">,
  ): Promise<Result> {
    let progress: Progress;
    const attempt = () => {
      progress = { sent: false, accepted: false };
      return work(progress);
    };
    const failure = async (thrown: unknown) => ({ failure: await failureOf(thrown), progress });
    return retry(attempt, { ...options, failure, signal: this.#signal });
  }

  /** A refused token is renewed once, and the statement sent again at once. */
  #renewal() {
    let spent = false;
    let due = false;
    return {
      helps: (failure: WarehouseFailure, { token }: Progress): boolean => {
        due = !spent && failure.kind === "sign-in" && token !== undefined && this.#tokens.discard(token);
        spent ||= due;
        return due;
      },
      isDue: () => due,
    };
  }

  #stillAsleep(last: WarehouseFailure): WarehouseFailure {
    return new WarehouseFailure("waking", `the warehouse had not started when the time of the stage was up (${last.message})`, {
      cause: last,
    });
  }

  #neverWoke(last: WarehouseFailure): WarehouseFailure {
    const seconds = Math.round(this.#settings.startTimeoutMs / 1000);
    return new WarehouseFailure("waking", `the warehouse did not start within ${seconds} s (${last.message})`, { cause: last });
  }

  async #once(text: string, parameters: Parameters, progress: Progress): Promise<StatementResult> {
    if (this.#signal.aborted) throw cancelled(this.#signal);
    const deadline = AbortSignal.any([this.#signal, AbortSignal.timeout(statementTimeoutMs)]);
    // Before anything is sent: without a token, nothing was.
    progress.token = await this.#tokens.token(deadline);
    this.#session ??= this.#client.openSession({
      initialCatalog: this.#settings.catalog,
      configuration: { STATEMENT_TIMEOUT: String(statementTimeoutMs / 1000) },
    });
    const opening = this.#session;
    let session: DriverSession | undefined;
    let operation: DriverOperation | undefined;
    // Best effort: the server's own STATEMENT_TIMEOUT ends what this cannot.
    const cancel = () => operation?.cancel().catch(() => undefined);
    const work = async (): Promise<StatementResult> => {
      try {
        session = await opening;
        if (deadline.aborted) throw cancelled(deadline);
        progress.sent = true;
        operation = await session.executeStatement(`${this.#mark} ${text}`, {
          namedParameters: parameters,
        });
        progress.accepted = true;
        if (deadline.aborted) cancel();
        // A failing statement looks successful until `finished` has been awaited.
        await operation.finished();
        const rows = (await operation.fetchAll()) as Row[];
        const affected = await affectedRows(rows, operation);
        // Everything has been read; a close that fails leaves nothing but a handle that the server expires.
        operation.close().catch(() => undefined);
        return { rows, affected };
      } catch (error) {
        const failure = withRemedy(await failureOf(error), this.#tokens);
        const lost = session === undefined || sessionDoubtful.has(failure.kind);
        // Another statement may have opened a new one meanwhile.
        if (lost && this.#session === opening) this.#session = undefined;
        throw failure;
      }
    };
    return await new Promise<StatementResult>((resolve, reject) => {
      const onAbort = () => {
        cancel();
        reject(cancelled(deadline));
      };
      deadline.addEventListener("abort", onAbort, { once: true });
      work()
        .then(resolve, reject)
        .finally(() => deadline.removeEventListener("abort", onAbort));
    });
  }
}

async function affectedRows(rows: Row[], operation: DriverOperation): Promise<number | undefined> {
  const reported = Number(rows[0]?.num_affected_rows ?? Number.NaN);
  // Missing, null and -1 are what servers say that do not know.
  if (rows.length !== 1 || !Number.isInteger(reported) || reported < 0) return undefined;
  const modified = (await operation.status()).numModifiedRows;
  const counted =
    modified === null || modified === undefined
      ? undefined
      : Number(typeof modified === "object" ? modified.toNumber() : modified);
  // Two sources that disagree are no source.
  return counted === undefined || counted === reported || counted < 0 ? reported : undefined;
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
  const authority = await readAuthority(settings.certificateAuthority);
  const tokens = tokensOf(settings.token);
  const options = {
    host,
    path: settings.path,
    // Asked before every call. The driver's own ways to sign in are not used: its federation sends GitHub's token where the exchange fails.
    authType: "custom" as const,
    provider: { authenticate: async () => ({ Authorization: `Bearer ${await tokens.token()}` }) },
    ...(port ? { port: Number(port) } : {}),
    // An unreachable telemetry address holds connect() for 30 s; the other three need natives or lose digits.
    telemetryEnabled: false,
    useCloudFetch: false,
    useLZ4Compression: false,
    preserveBigNumericPrecision: true,
    socketTimeout: statementTimeoutMs,
    userAgentEntry: "classwaves-env-actions",
  };
  await client.connect(options);
  if (authority) {
    const agent = await (await client.getConnectionProvider()).getAgent();
    if (agent) connectTrusting(agent, await trustInAddition(authority));
  }
  return client as unknown as DriverClient;
}
