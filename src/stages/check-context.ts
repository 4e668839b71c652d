import { type ApiPorts, Pace } from "../checks/api/client.ts";
import { Origins } from "../checks/api/origins.ts";
import { Smoothing } from "../checks/api/smoothing.ts";
import type { CheckContext, CheckingStage } from "../checks/kind.ts";
import { type Shared, shared } from "../checks/run-check.ts";
import type { Readers } from "./connections.ts";
import type { StageContext } from "./context.ts";
import { apiPorts, socketPorts } from "./ports.ts";

/**
 * What the checks of a stage may use: its readers, each with what its target must be, the API and its sockets at one pace, and in
 * preflight a test token, minted once for all. Nothing in it can write, except that a sign-in creates a session.
 * @param alone resolves when no other check is running
 */
export async function checkContextOf(
  context: StageContext,
  stage: CheckingStage,
  readers: Readers,
  alone: CheckContext["alone"],
): Promise<CheckContext> {
  const { environment, config, env, signal, check } = context;
  const limits = config.stages[stage];
  const pace = new Pace({ requestsPerSecond: limits.requestsPerSecond, longestPauseMs: limits.retryAfter });
  const all = { pace, origins: new Origins(), smoothing: new Smoothing() };
  const api = apiPorts(context, all);
  const { auth } = environment;
  // Smoke has no token: refusals prove that the server is alive, and it never signs in to production.
  const minted =
    stage === "preflight" && api && auth?.enabled && auth.secret
      ? shared(async () => (await import("../checks/auth/check.ts")).mintToken(api, auth))
      : undefined;
  const token: Shared<string> | undefined = minted && (async (attempt) => (await minted(attempt)).token);
  return {
    stage,
    environment,
    limits,
    env,
    signal,
    check,
    alone,
    ...(readers.warehouse || readers.redis ? await connectionsOf(context, stage, readers) : {}),
    ...(api ? { api: token ? withToken(api, token) : api } : {}),
    sockets: socketPorts(context, all),
    ...(minted ? { signIn: { minted } } : {}),
  };
}

/** The test token takes the place of the reader token. */
function withToken({ renew: _, ...api }: ApiPorts, token: Shared<string>): ApiPorts {
  return { ...api, token };
}

async function connectionsOf(
  context: StageContext,
  stage: CheckingStage,
  readers: Readers,
): Promise<Pick<CheckContext, "warehouse" | "redis">> {
  const { environment } = context;
  const { redisSettings, warehouseSettings } = await import("./connections.ts");
  const { compareRedis, compareWarehouse, proveRedis, proveWarehouse } = await import("../cleanup/execute/proof.ts");
  const [warehouse, redis] = [await warehouseSettings(context), redisSettings(context)];
  // If test data will be written, the identity must be proven; otherwise it is compared if one is expected.
  const writes = stage === "preflight" && environment.access === "test-data";
  const [isWarehouse, isRedis] = writes ? [proveWarehouse, proveRedis] : [compareWarehouse, compareRedis];
  return {
    ...(warehouse && readers.warehouse
      ? {
          warehouse: {
            open: readers.warehouse,
            settings: warehouse,
            wokeIn: readers.wokeIn,
            compare: (seen) => isWarehouse(environment, seen),
          },
        }
      : {}),
    ...(redis && readers.redis
      ? { redis: { open: readers.redis, settings: redis, compare: (seen) => isRedis(environment, seen) } }
      : {}),
  };
}
