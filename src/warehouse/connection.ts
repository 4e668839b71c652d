import { setTimeout as delay } from "node:timers/promises";
import { errorText } from "../lib/error-text.ts";
import { proxyFor } from "../lib/proxy/choice.ts";
import { type RetryOptions, retry } from "../lib/retry.ts";
import { cancelled, type FailureKind, failureOf, WarehouseFailure } from "./failure.ts";
import { connectTrusting, readAuthority, refuseRedirects, sendRequest, trustInAddition } from "./https.ts";
import { type TokenSource, tokensOf, withRemedy } from "./token-source.ts";

export interface WarehouseSettings {
  /** `host` or `host:port` */
  host: string;
  /** HTTP path, `/sql/1.0/warehouses/<id>` */
  path: string;
  /** A long-lived token, or a source of short-lived ones. */
  token: string | TokenSource;
  catalog: string;
  /** PEM file of a private certificate authority. */
  certificateAuthority?: string;
  /** How long a stopped warehouse may take to start, in milliseconds. */
  startTimeoutMs: number;
  /** Written as a comment before every statement, so that it can be traced in the query history. */
  runId: string;
  /** How long one statement may take, in milliseconds; 2 minutes if absent. Copying many rows takes longer. */
  statementTimeoutMs?: number;
}

export type Parameters = Record<string, string | number | boolean | null>;
export type Row = Record<string, unknown>;

export interface StatementResult {
  rows: Row[];
  /** Rows changed; `undefined` if the warehouse didn't say or an answer was lost. Unknown is not zero. */
  affected: number | undefined;
}

/** The parts of the driver that we use. With its own types, every file that mentions them would load the driver. */
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

/** How far a statement got: if accepted, it has run; if sent but never answered, it may have. */
interface Progress {
  /** The token that it was sent with. */
  token?: string;
  sent: boolean;
  accepted: boolean;
}

/** A failed attempt. */
interface Attempted {
  failure: WarehouseFailure;
  progress: Progress;
}

/** The time limit for closing. */
const goodbyeMs = 2_000;

/**
 * A statement is sent again if it was rejected without being executed, or if its answer was lost. Reads and deletes by condition
 * may run twice without harm; anything else is marked `once`. Five attempts take about seven seconds. After a refused token, it
 * is sent once more with a new one.
 */
const retryDelaysMs = [250, 1000, 2000, 4000];
const longestRetryAfterMs = 30_000;
/** After a conflict nothing was committed, so any statement may be sent again, and its count stays known. */
const conflictDelaysMs = [100, 250, 500, 1000, 2000, 4000, 8000];
const repeated: ReadonlySet<FailureKind> = new Set(["throttled", "waking", "session-lost", "connection-lost", "unreachable"]);
/** For the first statement, before which there was no session to lose. */
const firstRepeated: ReadonlySet<FailureKind> = new Set(["throttled", "waking", "connection-lost"]);
const sessionDoubtful: ReadonlySet<FailureKind> = new Set(["waking", "session-lost", "connection-lost", "unreachable"]);
/** While a warehouse starts; the last one repeats. */
const wakingDelaysMs = [500, 1000, 2000, 4000, 8000, 15_000, 30_000];
/** The limit for a statement, whatever the budget: the driver alone would wait 15 minutes on a silent socket. */
const usualTimeoutMs = 120_000;

function statementTimeoutOf({ statementTimeoutMs = usualTimeoutMs }: WarehouseSettings): number {
  return statementTimeoutMs;
}

/**
 * A session on a SQL warehouse. It runs any statement, so it never leaves this room: others get a {@link
 * import("./access.ts").WarehouseReader} or a {@link import("./access.ts").TestDataWarehouse}.
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
    // The run id may come from a file, so it must not be able to end the comment.
    this.#mark = `/* env-actions run ${settings.runId.replaceAll(/[^\w.-]/g, "")} */`;
  }

  /**
   * Connects, and waits for a stopped warehouse to start.
   * @param options `onWaking`: called once if the warehouse is stopped; `first`: the statement that shows whether it runs. One
   * that is needed anyway costs no extra round trip.
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
   * Runs one statement and reads its whole result. `affected` is unknown if an earlier attempt may have run.
   * @param options `once`: the statement must not run twice, so it is only sent again if it was certainly rejected
   * @throws WarehouseFailure
   */
  async run(text: string, parameters: Parameters = {}, options: { once?: boolean } = {}): Promise<StatementResult> {
    let mayHaveRun = false;
    const renewal = this.#renewal();
    const attempt = async (progress: Progress) => await this.#once(text, parameters, progress);
    const result = await this.#retried(attempt, {
      mayPass: ({ failure, progress }) => {
        if (failure.kind === "conflict") return true;
        if (!renewal.helps(failure, progress) && !repeated.has(failure.kind)) return false;
        const answerLost = failure.kind === "connection-lost" || failure.kind === "unreachable";
        mayHaveRun ||= progress.accepted || (progress.sent && answerLost);
        return !(mayHaveRun && options.once);
      },
      pauseMs: ({ failure }, number) => {
        if (renewal.isDue()) return 0;
        // Writers that wait equally long would meet again.
        if (failure.kind === "conflict") return varied(conflictDelaysMs[number - 1]);
        const waitMs = retryDelaysMs[number - 1];
        return waitMs && Math.max(waitMs, Math.min(failure.retryAfterMs ?? 0, longestRetryAfterMs));
      },
      gaveUp: ({ why, last }) => (why === "cancelled" ? cancelled(this.#signal) : last.failure),
    });
    return mayHaveRun ? { ...result, affected: undefined } : result;
  }

  /** The answer to the first statement. */
  get opened(): readonly Row[] {
    return this.#opened;
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    // The work is done and its results are read, so a server that is gone is not waited for. The driver closes the remaining
    // sessions once more, one after another, each with a statement's time limit.
    const closing = (async () => {
      await session?.then((s) => s.close()).catch(() => undefined);
      await this.#client.close().catch(() => undefined);
    })();
    await Promise.race([closing, delay(goodbyeMs, undefined, { ref: false })]);
  }

  /** The first statement shows whether the warehouse runs: a stopped one opens sessions too. */
  async #awake(first: string, onWaking: ((text: string) => void) | undefined): Promise<Row[]> {
    const renewal = this.#renewal();
    let refusals = 0;
    let retries = 0;
    const attempt = async (progress: Progress) => {
      try {
        return (await this.#once(first, {}, progress)).rows;
      } catch (error) {
        const failure = await failureOf(error);
        if (failure.kind === "waking" && refusals === 0)
          await startWarehouse(this.#settings, this.#signal).then(onWaking, (end: unknown) => {
            // A timeout says less than what the time was spent on.
            if (!this.#signal.aborted) throw end;
          });
        throw failure;
      }
    };
    return await this.#retried(attempt, {
      // Wrong host, name or certificate: retrying would only delay the message.
      mayPass: ({ failure, progress }) => renewal.helps(failure, progress) || firstRepeated.has(failure.kind),
      pauseMs: ({ failure }) => {
        // The token of an earlier connection may have been revoked since.
        if (renewal.isDue()) return 0;
        const asleep = failure.kind === "waking";
        const waitMs = asleep ? wakingDelaysMs[Math.min(refusals++, wakingDelaysMs.length - 1)] : retryDelaysMs[retries++];
        return waitMs && Math.max(waitMs, failure.retryAfterMs ?? 0);
      },
      withinMs: this.#settings.startTimeoutMs,
      gaveUp: ({ why, failures, last: { failure } }) => {
        // A timeout says less than what the time was spent on, so the last failure before it counts.
        const seen = failures.map((one) => one.failure).findLast(({ kind }) => kind !== "cancelled");
        if (why === "cancelled" || failure.kind === "cancelled")
          return seen?.kind === "waking" ? this.#stillAsleep(seen) : cancelled(this.#signal);
        return failure.kind === "waking" ? this.#neverWoke(failure) : failure;
      },
    });
  }

  /** Runs attempts, each of which records how far it got. */
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

  /** After a refused token, renews it once and sends the statement again immediately. */
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
    const timeoutMs = statementTimeoutOf(this.#settings);
    const deadline = AbortSignal.any([this.#signal, AbortSignal.timeout(timeoutMs)]);
    // Before anything is sent, so without a token nothing was.
    progress.token = await this.#tokens.token(deadline);
    this.#session ??= this.#client.openSession({
      initialCatalog: this.#settings.catalog,
      configuration: { STATEMENT_TIMEOUT: String(Math.ceil(timeoutMs / 1000)) },
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
        if (deadline.aborted) void cancel();
        // A failing statement looks successful until `finished` has been awaited.
        await operation.finished();
        const rows = (await operation.fetchAll()) as Row[];
        const affected = await affectedRows(rows, operation);
        // Everything was read. If closing fails, only a handle is left, which the server expires.
        operation.close().catch(() => undefined);
        return { rows, affected };
      } catch (error) {
        const failure = withRemedy(await failureOf(error), this.#tokens);
        const lost = session === undefined || sessionDoubtful.has(failure.kind);
        // Another statement may have opened a new one in the meantime.
        if (lost && this.#session === opening) this.#session = undefined;
        throw failure;
      }
    };
    return await new Promise<StatementResult>((resolve, reject) => {
      const onAbort = () => {
        void cancel();
        reject(cancelled(deadline));
      };
      deadline.addEventListener("abort", onAbort, { once: true });
      work()
        .then(resolve, reject)
        .finally(() => deadline.removeEventListener("abort", onAbort));
    });
  }
}

/** Between half and one and a half times as long. */
function varied(waitMs: number | undefined): number | undefined {
  return waitMs === undefined ? undefined : waitMs * (0.5 + Math.random());
}

async function affectedRows(rows: Row[], operation: DriverOperation): Promise<number | undefined> {
  const reported = Number(rows[0]?.num_affected_rows ?? Number.NaN);
  // Servers report missing, null or -1 if they don't know the count.
  if (rows.length !== 1 || !Number.isInteger(reported) || reported < 0) return undefined;
  const modified = (await operation.status()).numModifiedRows;
  const counted =
    modified === null || modified === undefined
      ? undefined
      : Number(typeof modified === "object" ? modified.toNumber() : modified);
  // If two sources disagree, neither is used.
  return counted === undefined || counted === reported || counted < 0 ? reported : undefined;
}

/**
 * Loading the driver blocks the process for 200 ms. Code that measures latency has to load it first, or it measures the loading.
 */
export const loadDriver = () => import("@databricks/sql");

async function connect(settings: WarehouseSettings): Promise<DriverClient> {
  const { DBSQLClient } = await loadDriver();
  const [host = "", port] = settings.host.replace(/^https:\/\//, "").split(":");
  // By default the driver logs to the console, including statements. Its errors reach us as exceptions.
  const client = new DBSQLClient({ logger: { log: () => undefined } });
  // Without a listener, an error on an idle connection would end the process. The next statement reports it.
  client.on("error", () => undefined);
  const authority = await readAuthority(settings.certificateAuthority);
  const tokens = tokensOf(settings.token);
  const options = {
    host,
    path: settings.path,
    // Called before every request. The driver's own sign-in is not used: if its token exchange fails, it sends GitHub's token
    // instead.
    authType: "custom" as const,
    provider: { authenticate: async () => ({ Authorization: `Bearer ${await tokens.token()}` }) },
    ...(port ? { port: Number(port) } : {}),
    // An unreachable telemetry address blocks connect() for 30 s; the other three options need native modules or lose digits.
    telemetryEnabled: false,
    useCloudFetch: false,
    useLZ4Compression: false,
    preserveBigNumericPrecision: true,
    socketTimeout: statementTimeoutOf(settings),
    userAgentEntry: "classwaves-env-actions",
  };
  await client.connect(options);
  const proxy = proxyFor(`https://${settings.host.replace(/^https:\/\//, "")}`);
  const provider = await client.getConnectionProvider();
  refuseRedirects(await provider.getThriftConnection());
  const agent = authority || proxy ? await provider.getAgent() : undefined;
  if (agent && authority) connectTrusting(agent, await trustInAddition(authority));
  // The driver's own option loads a package for every kind of proxy, and hides why one failed.
  if (agent && proxy) (await import("../lib/proxy/agents.ts")).throughProxy(agent, proxy);
  return client as unknown as DriverClient;
}

/**
 * Asks the REST API to start the warehouse, with the credential of its statements. If that lacks the permission, the first
 * statement starts it anyway, and the returned sentence says so. Never throws: the caller's own probing decides.
 */
export async function startWarehouse(settings: WarehouseSettings, signal: AbortSignal): Promise<string> {
  const id = settings.path.split("/").pop() ?? "";
  try {
    const status = await post(settings, `/api/2.0/sql/warehouses/${encodeURIComponent(id)}/start`, signal);
    if (status < 300) return "the warehouse is stopped; it was asked to start, waiting for it";
    return `the warehouse is stopped; the request to start it was refused (HTTP ${status}), waiting for it to start by itself`;
  } catch (error) {
    return `the warehouse is stopped; the request to start it failed (${errorText(error)}), waiting for it to start by itself`;
  }
}

async function post(settings: WarehouseSettings, path: string, signal: AbortSignal): Promise<number> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(10_000)]);
  const authority = await readAuthority(settings.certificateAuthority);
  const url = new URL(path, `https://${settings.host.replace(/^https:\/\//, "")}`);
  const token = await tokensOf(settings.token).token(deadline);
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return (await sendRequest(url, { method: "POST", headers, body: "{}", authority, signal: deadline })).status;
}
