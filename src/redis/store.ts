import type { Reply, Wire } from "./wire.ts";

/** Where the keys are read and written. */
export interface RedisIdentity {
  mode: "standalone" | "sentinel" | "cluster";
  /** The server; for a cluster, the node that listed the others. */
  host: string;
  port: number;
  database: number;
  /** The sentinel that named this server. */
  namedBy?: { host: string; port: number };
  /** The masters of the cluster, `host:port`, each of which identified itself as the one that was listed. */
  masters?: readonly string[];
}

/** The reply for each key, in the order of the keys. */
export interface Answers {
  replies: Reply[];
  /** An answer was lost and the command was sent again, so the effect of the first attempt is unknown. */
  lost: boolean;
}

/** The server or cluster that holds the keys. */
export interface Store {
  readonly identity: RedisIdentity;
  /** A connection to each server that holds keys. @throws RedisFailure */
  wires(): Promise<Wire[]>;
  scan(match: string | undefined, onInterruption: (why: string) => void): AsyncGenerator<string[]>;
  /** Sends `name key …more` for each key. Never returns error replies. @throws RedisFailure */
  perKey(name: string, keys: readonly string[], more?: readonly string[]): Promise<Answers>;
  /** @returns how many existed; `undefined` if an answer was lost @throws RedisFailure */
  unlink(keys: readonly string[]): Promise<number | undefined>;
  close(): Promise<void>;
}

/** How often a pass may start again. */
export const maxRestarts = 5;
