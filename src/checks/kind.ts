import type { Config, Environment } from "../config/schema.ts";
import type { z } from "../lib/zod.ts";
import type { RedisIdentity, RedisReader, RedisSettings } from "../redis/connection.ts";
import type { WarehouseIdentity, WarehouseReader } from "../warehouse/access.ts";
import type { WarehouseSettings } from "../warehouse/connection.ts";
import type { ApiPorts } from "./api/client.ts";
import type { MintedToken } from "./auth/check.ts";
import type { RunCheck, RunningCheck, Shared } from "./run-check.ts";
import type { SocketPorts } from "./websocket/check.ts";

/**
 * A kind of check: its configuration, when it runs, what it depends on, and the code that runs it. A line in `registry.ts` makes it
 * a key of every environment, with the name of its folder: the configuration is read with its schema, and its stages run it where
 * the key has a value.
 */
export interface CheckKind<Schema extends z.ZodType = z.ZodType> {
  /**
   * The schema of the kind's key in an environment, built at its first use. Without a value, or with an empty list, there is
   * nothing to check.
   */
  schema: () => Schema;
  /** The stages that run it. */
  stages: readonly CheckingStage[];
  /** Ids of checks. If one of them could not be done, a failure here is reported as an error, with that one as the possible cause. */
  dependsOn: readonly string[];
  /** Ids of its checks that a score cannot outvote. */
  critical: readonly string[];
  /** Runs even if its key has no value. */
  always?: true;
  /** Loaded only by stages that run it, before anything is measured. */
  load(): Promise<KindRunner<z.output<Schema>>>;
}

export interface KindRunner<Settings> {
  /**
   * Starts all its checks at once. What they return is in `checks` of the stage's report, and decides on its verdict.
   * @param settings the value of the kind's key, as its schema read it
   */
  run(context: CheckContext, settings: NonNullable<Settings>): RunningCheck[];
  /** Loads the clients it needs. Loading code blocks the process, so nothing is measured meanwhile. */
  prepare?(settings: NonNullable<Settings>): Promise<void>;
}

export type CheckingStage = "preflight" | "smoke";

/** What checks may use. Nothing in it can write, except that a sign-in creates a session. */
export interface CheckContext {
  stage: CheckingStage;
  environment: Environment;
  limits: Config["stages"][CheckingStage];
  /** The process's own environment variables. */
  env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the stage's budget is used up, or the run is cancelled. */
  signal: AbortSignal;
  check: RunCheck;
  /** Resolves when no other check is running, so that a measurement can be repeated without them. */
  alone: () => Promise<void>;
  warehouse?: {
    open: Shared<WarehouseReader>;
    settings: WarehouseSettings;
    /** Milliseconds until it woke up; undefined if it was running already. */
    wokeIn: () => number | undefined;
    /** @throws Error if the identity is not the expected one */
    compare: (identity: WarehouseIdentity) => void;
  };
  redis?: {
    open: Shared<RedisReader>;
    settings: RedisSettings;
    /** @throws Error if the identity is not the expected one */
    compare: (identity: RedisIdentity) => void;
  };
  api?: ApiPorts;
  sockets: SocketPorts;
  /** Test tokens. Absent where none may be minted: there a refusal proves that the server is alive. */
  signIn?: { minted: Shared<MintedToken> };
}
