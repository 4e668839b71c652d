/** Faults of the local warehouse. Each can be set at any time; by default there are none. */
export interface Faults {
  /** Added to every statement, in milliseconds. */
  latencyMs: number;
  /**
   * The warehouse is stopped. The first OpenSession, statement or REST start begins to start it, and it runs `seconds` later.
   * Until then OpenSession succeeds and statements are rejected. Setting this stops a running warehouse.
   */
  coldStart: { seconds: number } | undefined;
  /** The warehouse is stopped, and stays STARTING for ever once it is asked to start. */
  neverWakes: boolean;
  /** HTTP answers for the next calls, in this order; each entry is used `times` times. `rpc` limits it to one call. */
  refuse: { status: 429 | 503; times: number; retryAfter?: number; rpc?: Rpc }[];
  /** Sockets cut instead of an answer: `before` the call was executed, or `after` it (the client cannot tell which). */
  dropSockets: { times: number; when: "before" | "after"; rpc?: Rpc }[];
  /** A token is valid for this many statements, then refused with 403. */
  tokenExpiresAfterStatements: number | undefined;
  /** The lifetime of tokens that the token endpoint issues from now on. */
  tokenLifetimeSeconds: number;
  /**
   * What the token endpoint does with the next calls, in this order, instead of answering: a status, a cut socket, a page that
   * isn't JSON, or the right answer after `delayMs`.
   */
  tokenEndpoint: { times: number; status?: 429 | 500 | 503; retryAfter?: number; cut?: true; page?: true; delayMs?: number }[];
  /** The expiry of each personal access token, in Unix milliseconds, -1 for never; `refused` if asking is not allowed. */
  tokenEnds: number[] | "refused";
  /** Added to the number of affected rows that DELETE reports. */
  wrongDeleteCount: number;
  /** How many rows of the next DELETEs come back, as if another writer had inserted them again. Counts down per row. */
  reappearingRows: number;
  /**
   * Whether DELETE and UPDATE with a subquery in their condition are refused: Delta without Databricks does so. MERGE works in both.
   */
  refusesSubqueriesInDelete: boolean;
  /**
   * How many of the next writes conflict with another writer, which committed first: Delta refuses them, and they change nothing.
   * Counts down per write.
   */
  conflictingWrites: number;
  /**
   * Whether a write that had to wait for another of its table conflicts with it as in Delta, if it read what the other changed.
   * Otherwise it runs after the other.
   */
  optimisticWrites: boolean;
  /** Writes wait for `until` when it is their turn. `begun` counts those that began, also those that still wait for their turn. */
  heldWrites: { until: Promise<void>; begun: number } | undefined;
  /** Statements whose text contains `matching` take `seconds` longer. They can be cancelled meanwhile. */
  slowOperation: { seconds: number; matching: string } | undefined;
  /** The time of new versions in the table history, in Unix milliseconds; the current time if undefined. */
  clock: number | undefined;
  /**
   * Whether `SELECT … FROM (DESCRIBE HISTORY t)` is supported: Databricks does, Delta without Databricks gives a syntax error.
   */
  historyInQueries: boolean;
  /** Statements that take longer than this are not answered directly, and the client has to poll. 0: always poll. */
  directResultsMs: number;
}

/** The calls of the driver's protocol that can be told apart from outside. */
export type Rpc =
  | "OpenSession"
  | "CloseSession"
  | "ExecuteStatement"
  | "GetOperationStatus"
  | "FetchResults"
  | "CloseOperation"
  | "CancelOperation";

export function noFaults(): Faults {
  return {
    latencyMs: 0,
    coldStart: undefined,
    neverWakes: false,
    refuse: [],
    dropSockets: [],
    tokenExpiresAfterStatements: undefined,
    tokenLifetimeSeconds: 3600,
    tokenEndpoint: [],
    tokenEnds: [-1],
    wrongDeleteCount: 0,
    reappearingRows: 0,
    refusesSubqueriesInDelete: false,
    conflictingWrites: 0,
    optimisticWrites: false,
    heldWrites: undefined,
    slowOperation: undefined,
    clock: undefined,
    historyInQueries: true,
    directResultsMs: 5000,
  };
}

/** The time that new versions carry, in Unix milliseconds. */
export function timeOf(faults: Faults): number {
  return faults.clock ?? Date.now();
}

/** Takes one use of the first entry that applies to this call, if any. Used-up entries are removed. */
export function takeOne<Entry extends { times: number; rpc?: Rpc }>(
  entries: Entry[],
  rpc: string,
  accept: (entry: Entry) => boolean = () => true,
): Entry | undefined {
  const index = entries.findIndex((entry) => entry.times > 0 && (entry.rpc === undefined || entry.rpc === rpc) && accept(entry));
  const entry = entries[index];
  if (!entry) return undefined;
  entry.times--;
  if (entry.times === 0) entries.splice(index, 1);
  return entry;
}
