/** How the local warehouse misbehaves. Every fault can be set while it runs; the default is a warehouse that behaves. */
export interface Faults {
  /** Added to every statement, in milliseconds. */
  latencyMs: number;
  /**
   * The warehouse is stopped; the first OpenSession, statement or REST start begins to wake it, and it runs `seconds` later. Until
   * then OpenSession succeeds and statements are turned away. Setting this puts a running warehouse to sleep.
   */
  coldStart: { seconds: number } | undefined;
  /** The warehouse is stopped and stays STARTING for ever once it was asked to start. */
  neverWakes: boolean;
  /** HTTP answers in place of the next calls, in this order; each entry is used up `times` times. `rpc` limits it to one call. */
  refuse: { status: 429 | 503; times: number; retryAfter?: number; rpc?: Rpc }[];
  /** Sockets cut in place of an answer: `before` the call was carried out, or `after` it (the client cannot tell which). */
  dropSockets: { times: number; when: "before" | "after"; rpc?: Rpc }[];
  /** A token is good for this many statements; after them it is refused with 403. */
  tokenExpiresAfterStatements: number | undefined;
  /** How long the tokens are good that the token endpoint hands out from now on. */
  tokenLifetimeSeconds: number;
  /**
   * What the token endpoint does with the next calls, in this order, in place of a prompt answer: one of these statuses, a cut socket,
   * a page that is no JSON, or the right answer only after `delayMs`.
   */
  tokenEndpoint: { times: number; status?: 429 | 500 | 503; retryAfter?: number; cut?: true; page?: true; delayMs?: number }[];
  /** When the personal access tokens of everybody end, in Unix milliseconds, -1 for never; `refused` where nobody may ask. */
  tokenEnds: number[] | "refused";
  /** Added to the number of affected rows that DELETE reports. */
  wrongDeleteCount: number;
  /** How many rows of the next DELETEs come back, as if another writer had put them there again. Used up row by row. */
  reappearingRows: number;
  /** Statements whose text contains `matching` take `seconds` more. They can be cancelled meanwhile. */
  slowOperation: { seconds: number; matching: string } | undefined;
  /** The time that new versions of tables carry in their history, in Unix milliseconds; the clock's where undefined. */
  clock: number | undefined;
  /** Whether `SELECT … FROM (DESCRIBE HISTORY t)` is understood: by Databricks it is, by Delta without Databricks it is a syntax error. */
  historyInQueries: boolean;
  /** How long a statement may take to be answered at once; after that the client has to poll. 0: it always has to. */
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
    slowOperation: undefined,
    clock: undefined,
    historyInQueries: true,
    directResultsMs: 5000,
  };
}

/** Takes one use of the first entry that holds for this call, or nothing. Entries that are used up are removed. */
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
