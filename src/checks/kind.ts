import type { Config, Environment } from "../config/schema.ts";
import type { z } from "../lib/zod.ts";
import type { RedisIdentity, RedisReader, RedisSettings } from "../redis/connection.ts";
import type { WarehouseIdentity, WarehouseReader } from "../warehouse/access.ts";
import type { WarehouseSettings } from "../warehouse/connection.ts";
import type { ApiPorts } from "./api/client.ts";
import type { MintedToken } from "./auth/check.ts";
import type { RunCheck, RunningCheck, Shared } from "./run-check.ts";
import type { SocketPorts } from "./websocket/check.ts";

/** A kind of check: what the configuration says of it, what it depends on, and what runs it. */
export interface CheckKind<Schema extends z.ZodType = z.ZodType> {
  /** Of the kind's key in an environment of the configuration. Without a value, or with an empty list, the kind has nothing to check. */
  schema: Schema;
  stages: readonly CheckingStage[];
  /** Ids of checks. If one of them could not be done, a failure here may have no other cause. */
  dependsOn: readonly string[];
  /** Ids of its checks that no score outvotes. */
  critical: readonly string[];
  /** Runs even if its key has no value. */
  always?: true;
  /** Loaded only by stages that run it, and before anything is measured. */
  load(): Promise<KindRunner<z.output<Schema>>>;
}

export interface KindRunner<Settings> {
  /** Starts all its checks at once. */
  run(context: CheckContext, settings: NonNullable<Settings>): RunningCheck[];
  /** Loads the clients it needs. Loading code blocks the process, so nothing is measured meanwhile. */
  prepare?(settings: NonNullable<Settings>): Promise<void>;
}

export type CheckingStage = "preflight" | "smoke";

/** What checks may use. Nothing in it can write, except that a sign-in makes a session. */
export interface CheckContext {
  stage: CheckingStage;
  environment: Environment;
  limits: Config["stages"][CheckingStage];
  /** The process's own environment variables. */
  env: Readonly<Record<string, string | undefined>>;
  /** Ends at the stage's budget, or when the run is cancelled. */
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
