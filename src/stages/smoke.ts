import { checkAuth } from "../checks/auth.ts";
import { checkDatabricks, checkReadOnlyCredential, checkSqlSample } from "../checks/databricks.ts";
import { checkEndpoint } from "../checks/http.ts";
import { checkOauth } from "../checks/oauth.ts";
import { checkReadOnlyUser, checkRedis } from "../checks/redis.ts";
import { checkVariables } from "../checks/variables.ts";
import { checkNamespace } from "../checks/websocket.ts";
import type { Check } from "../model.ts";
import { apiPorts, socketPorts } from "./api.ts";
import { withReaders } from "./connections.ts";
import { type StageContext, type StageOutcome, told } from "./context.ts";
import { withApplication } from "./servers.ts";

/**
 * Looks at a deployed environment without being able to change it: it gets readers and nothing else, whatever the access of the
 * environment is, and where that is read-only the credentials themselves are examined. All checks at once.
 */
export async function smoke(context: StageContext, outcome: StageOutcome): Promise<void> {
  const { environment, config } = context;
  const limits = config.stages.smoke;

  await withApplication(context, outcome, async () => {
    const checks = await withReaders(context, async ({ warehouse, redis }) => {
      const checking: Promise<Check | Check[]>[] = [checkVariables(environment.variables, context.env)];
      if (warehouse) {
        checking.push(checkDatabricks(warehouse, limits));
        for (const sample of environment.sql) checking.push(checkSqlSample(warehouse, sample));
        if (environment.access === "read-only") checking.push(checkReadOnlyCredential(warehouse));
      }
      if (redis) {
        checking.push(checkRedis(redis, limits));
        if (environment.access === "read-only") checking.push(checkReadOnlyUser(redis));
      }
      const api = apiPorts(context);
      if (api) {
        const sampling = { samples: environment.api?.samples ?? 1, apiP95: limits.apiP95 };
        for (const endpoint of environment.api?.endpoints ?? []) checking.push(checkEndpoint(api, endpoint, sampling, "api"));
        for (const endpoint of environment.analytics) checking.push(checkEndpoint(api, endpoint, sampling, "analytics"));
        for (const namespace of environment.websocket?.namespaces ?? [])
          checking.push(checkNamespace(socketPorts(context), namespace, limits.websocketConnect, undefined));
        if (environment.oauth) checking.push(checkOauth(api, environment.oauth));
        if (environment.auth && !environment.auth.enabled) checking.push(checkAuth(api, environment.auth, undefined));
      }
      return (await Promise.all(checking.map((check) => told(context, check)))).flat();
    });
    outcome.checks.push(...checks);
  });
}
