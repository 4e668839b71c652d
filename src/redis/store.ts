import type { Reply, Wire } from "./wire.ts";

/** Where the keys are that are read and written. */
export interface RedisIdentity {
  mode: "standalone" | "sentinel" | "cluster";
  /** The server; of a cluster the node that told of the others. */
  host: string;
  port: number;
  database: number;
  /** The sentinel that named this server. */
  namedBy?: { host: string; port: number };
  /** The masters of the cluster, `host:port`, each of which said that it is the one that was meant. */
  masters?: readonly string[];
}

/** What a command of one key got for every key, in the order of the keys. */
export interface Answers {
  replies: Reply[];
  /** An answer was lost and the command was sent again: what it did the first time is not known. */
  lost: boolean;
}

/** Where the keys are: on one server, or on the masters of a cluster. */
export interface Store {
  readonly identity: RedisIdentity;
  /** A connection to each server that holds keys. @throws RedisFailure */
  wires(): Promise<Wire[]>;
  scan(match: string | undefined, onInterruption: (why: string) => void): AsyncGenerator<string[]>;
  /** Sends `name key …more` for each key. No reply is an error. @throws RedisFailure */
  perKey(name: string, keys: readonly string[], more?: readonly string[]): Promise<Answers>;
  /** @returns how many there were; `undefined` where an answer was lost. @throws RedisFailure */
  unlink(keys: readonly string[]): Promise<number | undefined>;
  close(): Promise<void>;
}

/** How often one pass may begin anew before it is given up. */
export const maxRestarts = 5;
