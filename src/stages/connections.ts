import { isAbsolute, join } from "node:path";
import { type Finding, type Shared, shared } from "../checks/run-check.ts";
import {
  bareHost,
  compareConfiguredRedis,
  compareConfiguredWarehouse,
  compareRedis,
  compareWarehouse,
  mayConnect,
  proveRedis,
  sentinelsToAsk,
  WrongTarget,
} from "../cleanup/execute/proof.ts";
import type { Environment } from "../config/schema.ts";
import { errorText } from "../lib/error-text.ts";
import { UserError } from "../model/user-error.ts";
import type { RedisReader, RedisSettings, TestDataRedis } from "../redis/connection.ts";
import type { CopyWarehouse, OpenOptions, TestDataWarehouse, WarehouseReader } from "../warehouse/access.ts";
import type { WritableScope } from "../warehouse/changes.ts";
import type { WarehouseSettings } from "../warehouse/connection.ts";
import type { SignIn, Workspace } from "../warehouse/sign-in.ts";
import type { TokenSource } from "../warehouse/token-source.ts";
import { type StageContext, step } from "./context.ts";

/** Reading connections; absent if the environment has none. They are being opened when this returns. */
export interface Readers {
  warehouse: Shared<WarehouseReader> | undefined;
  redis: Shared<RedisReader> | undefined;
  /** How long the warehouse took to start, in milliseconds; `undefined` if it was running. */
  wokeIn(): number | undefined;
}

/** Opens readers for `work`, and always closes them. */
export async function withReaders<Result>(context: StageContext, work: (readers: Readers) => Promise<Result>): Promise<Result> {
  const settings = await warehouseSettings(context);
  const redisTold = redisSettings(context);
  // Loaded before anything is measured: loading blocks the process, and every latency would include it.
  const [access, driver] = await Promise.all([settings && warehouseAccess(), redisTold && redisDriver()]);
  await access?.loadDriver();
  let asleepAt: number | undefined;
  let awakeAt: number | undefined;
  const onWaking = (text: string) => {
    asleepAt ??= performance.now();
    step(context, text);
  };
  const warehouse =
    settings &&
    access &&
    shared(async () => {
      const opened = await access.openReader(settings, { signal: context.signal, onWaking });
      awakeAt = performance.now();
      return opened;
    });
  const redis = redisTold && driver && shared(() => driver.openRedisReader(redisTold, context.signal));
  try {
    const wokeIn = () => (asleepAt === undefined || awakeAt === undefined ? undefined : awakeAt - asleepAt);
    return await work({ warehouse, redis, wokeIn });
  } finally {
    await closeAll([warehouse?.(), redis?.()]);
  }
}

/**
 * Opens all readers and compares them with what the environment expects; for callers other than the stages that check this
 * themselves.
 * @throws WrongTarget, WarehouseFailure, RedisFailure
 */
export async function withComparedReaders<Result>(
  context: StageContext,
  work: (readers: { warehouse?: WarehouseReader; redis?: RedisReader }) => Promise<Result>,
): Promise<Result> {
  return await withReaders(context, async (readers) => {
    const [warehouse, redis] = await Promise.all([readers.warehouse?.(), readers.redis?.()]);
    if (redis) compareRedis(context.environment, redis.identity);
    if (warehouse && context.environment.databricks?.expect) compareWarehouse(context.environment, await warehouse.identity());
    return await work({ ...(warehouse ? { warehouse } : {}), ...(redis ? { redis } : {}) });
  });
}

/** The part of a stage's context that a warehouse connection needs. */
export type WarehouseAccess = Pick<StageContext, "environment" | "workspace" | "runId" | "env" | "secrets">;

/**
 * Opens only a warehouse reader, outside any stage.
 * @throws WrongTarget, WarehouseFailure; UserError if the environment has no warehouse
 */
export async function withWarehouseReader<Result>(
  place: WarehouseAccess,
  options: OpenOptions,
  work: (warehouse: WarehouseReader) => Promise<Result>,
): Promise<Result> {
  const settings = await warehouseSettings(place);
  if (!settings)
    throw new UserError(
      "EA3013",
      `environment ${place.environment.name} has no warehouse to look at: it needs databricks: { host: … }`,
    );
  const warehouse = await (await warehouseAccess()).openReader(settings, options);
  try {
    if (place.environment.databricks?.expect) compareWarehouse(place.environment, await warehouse.identity());
    return await work(warehouse);
  } finally {
    await warehouse.close();
  }
}

/** Connections that can delete test data. */
export interface Writers {
  warehouse?: TestDataWarehouse;
  redis?: TestDataRedis;
}

/**
 * Opens connections that can delete test data, for `work`, and always closes them. A Redis that is not the expected one is refused
 * while it is opened; prove the warehouse before the first write, see `prove` in `cleanup/execute`.
 * @throws WarehouseFailure, RedisFailure, WrongTarget; Error if the environment is read-only
 */
export async function withWriters<Result>(
  context: StageContext,
  signal: AbortSignal,
  work: (writers: Writers) => Promise<Result>,
): Promise<Result> {
  if (context.environment.access !== "test-data")
    throw new Error(`environment ${context.environment.name} is read-only: nothing may be deleted there`);
  const settings = await warehouseSettings(context);
  const redisTold = redisSettings(context);
  const [access, driver] = await Promise.all([settings && warehouseAccess(), redisTold && redisDriver()]);
  const opening = [
    settings && access?.openForTestData(settings, { signal, onWaking: (text) => step(context, text) }),
    redisTold && driver?.openRedisForTestData(redisTold, signal, (identity) => proveRedis(context.environment, identity)),
  ] as const;
  try {
    const [warehouse, redis] = await Promise.all(opening);
    return await work({ ...(warehouse ? { warehouse } : {}), ...(redis ? { redis } : {}) });
  } finally {
    await closeAll(opening);
  }
}

/**
 * Opens a connection that can change a copy, such as the branch of a run.
 * @throws WarehouseFailure
 */
export async function withCopyWarehouse<Result>(
  context: StageContext,
  signal: AbortSignal,
  scope: WritableScope,
  work: (warehouse: CopyWarehouse) => Promise<Result>,
  limits: Pick<WarehouseSettings, "statementTimeoutMs"> = {},
): Promise<Result> {
  const { name, access } = context.environment;
  if (access !== "test-data") throw new Error(`environment ${name} is read-only: no copy may be changed there`);
  const settings = await warehouseSettings(context);
  if (!settings) throw new Error(`environment ${name} has no warehouse`);
  const { openForCopy } = await warehouseAccess();
  const warehouse = await openForCopy({ ...settings, ...limits }, scope, { signal, onWaking: (text) => step(context, text) });
  try {
    return await work(warehouse);
  } finally {
    await warehouse.close();
  }
}

/** Like `withWriters`, but only for keys. @throws RedisFailure, WrongTarget */
export async function withRedisWriter<Result>(
  context: StageContext,
  signal: AbortSignal,
  work: (redis: TestDataRedis) => Promise<Result>,
): Promise<Result> {
  const settings = redisSettings(context);
  if (!settings) throw new Error(`environment ${context.environment.name} has no Redis`);
  const { openRedisForTestData } = await redisDriver();
  const redis = await openRedisForTestData(settings, signal, (identity) => proveRedis(context.environment, identity));
  try {
    return await work(redis);
  } finally {
    await redis.close();
  }
}

/** An environment without a warehouse, or without Redis, does not load the code for it. */
const warehouseAccess = () => import("../warehouse/access.ts");
const redisDriver = () => import("../redis/connection.ts");

async function closeAll(opening: readonly (Promise<{ close(): Promise<void> }> | undefined)[]): Promise<void> {
  const opened = await Promise.allSettled(opening);
  await Promise.all(opened.map((result) => (result.status === "fulfilled" ? result.value?.close() : undefined)));
}

/**
 * The environment's warehouse and its sign-in; `undefined` if it has none. The credential is only returned after comparing the
 * configuration with the expectation.
 * @throws WrongTarget
 */
export async function warehouseSettings(context: WarehouseAccess): Promise<WarehouseSettings | undefined> {
  const settings = context.environment.databricks;
  if (!settings) return undefined;
  compareConfiguredWarehouse(context.environment);
  const { certificateAuthority } = settings;
  const workspace = {
    host: bareHost(settings.host),
    ...(certificateAuthority ? { certificateAuthority: inWorkspace(context, certificateAuthority) } : {}),
  };
  return {
    ...workspace,
    path: settings.path ?? `/sql/1.0/warehouses/${settings.warehouse ?? ""}`,
    token: await tokensFor(context, settings, workspace),
    catalog: settings.catalog,
    startTimeoutMs: settings.startTimeout,
    runId: context.runId,
  };
}

/** The environment's Redis; `undefined` if it has none. Compared like the warehouse. @throws WrongTarget */
export function redisSettings(context: Pick<StageContext, "environment" | "workspace">): RedisSettings | undefined {
  const settings = context.environment.redis;
  if (!settings) return undefined;
  compareConfiguredRedis(context.environment);
  const { url, sentinel, cluster, certificateAuthority } = settings;
  const nodes = sentinelsToAsk(sentinel?.nodes ?? [], settings.expect?.host);
  return {
    url: url.reveal(),
    mayConnect: (place) => mayConnect(context.environment, place),
    ...(sentinel ? { sentinel: { ...sentinel, nodes, password: sentinel.password?.reveal() } } : {}),
    ...(cluster ? { cluster: cluster === true ? [] : cluster } : {}),
    ...(certificateAuthority ? { certificateAuthority: inWorkspace(context, certificateAuthority) } : {}),
  };
}

function inWorkspace(context: Pick<StageContext, "workspace">, file: string): string {
  return isAbsolute(file) ? file : join(context.workspace, file);
}

type Databricks = NonNullable<Environment["databricks"]>;

/** One for all connections of a stage: before, during and after the tests. */
const sources = new WeakMap<Databricks, TokenSource>();

async function tokensFor({ env, secrets }: WarehouseAccess, settings: Databricks, workspace: Workspace): Promise<TokenSource> {
  const { tokenSource } = await import("../warehouse/sign-in.ts");
  const known = sources.get(settings);
  if (known) return known;
  const made = tokenSource(signInOf(settings), workspace, { env, onSecret: secrets.add });
  sources.set(settings, made);
  return made;
}

/** The loader only accepts one complete way to sign in. */
function signInOf({ token, clientId, clientSecret, oidc }: Databricks): SignIn {
  if (token) return { way: "pat", token: token.reveal() };
  if (oidc)
    return {
      way: "github-oidc",
      ...(oidc.clientId ? { clientId: oidc.clientId } : {}),
      ...(oidc.audience ? { audience: oidc.audience } : {}),
    };
  if (clientId && clientSecret) return { way: "oauth-m2m", clientId, clientSecret: clientSecret.reveal() };
  throw new UserError("EA1008", "databricks needs a sign-in: token, clientId with clientSecret, or oidc");
}

/** We looked, and it is the wrong place: that is `failed`. Whatever else is thrown means that we could not look. */
export async function failedIfWrongTarget(work: () => Promise<Finding>): Promise<Finding> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof WrongTarget)) throw error;
    return { verdict: "failed", message: errorText(error) };
  }
}
