import { checkAuth, mintToken } from "../checks/auth.ts";
import { checkDatabricks } from "../checks/databricks.ts";
import { checkEndpoint } from "../checks/http.ts";
import { checkRedis } from "../checks/redis.ts";
import { checkVariables } from "../checks/variables.ts";
import { checkNamespace } from "../checks/websocket.ts";
import type { Check } from "../model.ts";
import { proveRedis, proveWarehouse } from "../testdata/proof.ts";
import { apiPorts, socketPorts } from "./api.ts";
import { type Readers, withReaders } from "./connections.ts";
import { type StageContext, type StageOutcome, told } from "./context.ts";
import { checkLeftovers } from "./leftovers.ts";
import { withApplication } from "./servers.ts";

/** Proves that the environment is really there, before anything is tested in it. All checks at once. */
export async function preflight(context: StageContext, outcome: StageOutcome): Promise<void> {
  const { environment, config } = context;
  const limits = config.stages.preflight;
  const mayWrite = environment.access === "test-data";

  await withApplication(context, outcome, async () => {
    const checks = await withReaders(context, async ({ warehouse, redis }) => {
      const checking: Promise<Check | Check[]>[] = [checkVariables(environment.variables, context.env)];

      if (warehouse) {
        const prove = mayWrite ? proveWarehouse.bind(undefined, environment) : undefined;
        checking.push(checkDatabricks(warehouse, limits, prove));
      }
      if (redis) {
        const prove = mayWrite ? proveRedis.bind(undefined, environment) : undefined;
        checking.push(checkRedis(redis, limits, prove));
      }
      if (warehouse || redis) checking.push(leftovers(context, { warehouse, redis }, outcome));

      const api = apiPorts(context);
      if (api) {
        const { auth } = environment;
        const minted = auth?.enabled && auth.secret ? mintOnce(context, () => mintToken(api, auth)) : undefined;
        const ports = { ...api, ...(minted ? { token: minted } : {}) };
        if (auth) checking.push(checkAuth(ports, auth, minted));
        for (const endpoint of environment.api?.endpoints ?? [])
          checking.push(checkEndpoint(ports, endpoint, { samples: environment.api?.samples ?? 1, apiP95: limits.apiP95 }, "api"));
        for (const namespace of environment.websocket?.namespaces ?? [])
          checking.push(checkNamespace(socketPorts(context), namespace, limits.websocketConnect, minted));
      }
      return (await Promise.all(checking.map((check) => told(context, check)))).flat();
    });
    outcome.checks.push(...checks);
  });
}

async function leftovers(context: StageContext, readers: Readers, outcome: StageOutcome): Promise<Check> {
  const { check, found } = await checkLeftovers(context, readers);
  if (found) outcome.cleanup = found;
  return check;
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
