import { checkAuth, mintToken } from "../checks/auth.ts";
import { checkDatabricks } from "../checks/databricks.ts";
import { checkEndpoint } from "../checks/http.ts";
import { checkRedis } from "../checks/redis.ts";
import { checkVariables } from "../checks/variables.ts";
import { checkNamespace } from "../checks/websocket.ts";
import type { Environment } from "../config/schema.ts";
import type { Check } from "../model.ts";
import { proveRedis, proveWarehouse } from "../testdata/proof.ts";
import { apiPorts, socketPorts } from "./api.ts";
import { type Readers, withReaders } from "./connections.ts";
import { gather } from "./consequences.ts";
import type { StageContext, StageOutcome } from "./context.ts";
import { checkLeftovers } from "./leftovers.ts";
import { withApplication } from "./servers.ts";

type Checking = Promise<Check | Check[]>;

/** Proves that the environment is really there, before anything is tested in it. All checks at once. */
export async function preflight(context: StageContext, outcome: StageOutcome): Promise<void> {
  await withApplication(context, outcome, async () => {
    const checks = await withReaders(context, (readers) =>
      gather(context, {
        base: checkBase(context, readers),
        beside: [checkVariables(context.environment.variables, context.env), ...checkEarlierRuns(context, readers, outcome)],
        application: checkApplication(context),
      }),
    );
    outcome.checks.push(...checks);
  });
}

function checkBase(context: StageContext, { warehouse, redis }: Readers): Checking[] {
  const { environment, config } = context;
  const limits = config.stages.preflight;
  // Where test data will be written, it must be the right place.
  const proving = <Seen>(prove: (environment: Environment, seen: Seen) => void) =>
    environment.access === "test-data" ? (seen: Seen) => prove(environment, seen) : undefined;
  return [
    ...(warehouse ? [checkDatabricks(warehouse, limits, proving(proveWarehouse))] : []),
    ...(redis ? [checkRedis(redis, limits, proving(proveRedis))] : []),
  ];
}

function checkEarlierRuns(context: StageContext, readers: Readers, outcome: StageOutcome): Checking[] {
  if (!readers.warehouse && !readers.redis) return [];
  const look = async () => {
    const { check, found } = await checkLeftovers(context, readers);
    if (found) outcome.cleanup = found;
    return check;
  };
  return [look()];
}

function checkApplication(context: StageContext): Checking[] {
  const api = apiPorts(context);
  if (!api) return [];
  const { environment, config } = context;
  const { auth } = environment;
  const limits = config.stages.preflight;
  const minted = auth?.enabled && auth.secret ? mintOnce(context, async () => (await mintToken(api, auth)).token) : undefined;
  const ports = { ...api, ...(minted ? { token: minted } : {}) };
  const sampling = { samples: environment.api?.samples ?? 1, apiP95: limits.apiP95 };
  return [
    ...(auth ? [checkAuth(ports, auth, minted)] : []),
    ...(environment.api?.endpoints ?? []).map((endpoint) => checkEndpoint(ports, endpoint, sampling, "api")),
    ...(environment.websocket?.namespaces ?? []).map((name) =>
      checkNamespace(socketPorts(context), name, limits.websocketConnect, minted),
    ),
  ];
}

/** A minted token is a secret from the moment it exists. */
function mintOnce(context: StageContext, mint: () => Promise<string>): Promise<string> {
  const minted = mint().then((token) => {
    context.secrets.add(token);
    return token;
  });
  // Every check that needs the token sees the failure; where none does, it must not end the process.
  minted.catch(() => undefined);
  return minted;
}
