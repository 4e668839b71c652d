import { checkAuth } from "../checks/auth.ts";
import { checkDatabricks, checkReadOnlyCredential, checkSqlSample } from "../checks/databricks.ts";
import { checkEndpoint } from "../checks/http.ts";
import { checkOauth } from "../checks/oauth.ts";
import { checkReadOnlyUser, checkRedis } from "../checks/redis.ts";
import { checkVariables } from "../checks/variables.ts";
import { checkNamespace } from "../checks/websocket.ts";
import type { Check } from "../model.ts";
import { apiPorts, socketPorts } from "./api.ts";
import { type Readers, withReaders } from "./connections.ts";
import { gather } from "./consequences.ts";
import type { StageContext, StageOutcome } from "./context.ts";
import { withApplication } from "./servers.ts";

type Checking = Promise<Check | Check[]>;

/**
 * Looks at a deployed environment without being able to change it: it gets readers and nothing else, whatever the access of the
 * environment is, and where that is read-only the credentials themselves are examined. All checks at once.
 */
export async function smoke(context: StageContext, outcome: StageOutcome): Promise<void> {
  await withApplication(context, outcome, async () => {
    const checks = await withReaders(context, (readers) =>
      gather(context, {
        base: checkBase(context, readers),
        beside: [checkVariables(context.environment.variables, context.env)],
        application: checkApplication(context),
      }),
    );
    outcome.checks.push(...checks);
  });
}

function checkBase({ environment, config }: StageContext, { warehouse, redis }: Readers): Checking[] {
  const limits = config.stages.smoke;
  const readOnly = environment.access === "read-only";
  return [
    ...(warehouse
      ? [checkDatabricks(warehouse, limits), ...environment.sql.map((sample) => checkSqlSample(warehouse, sample))]
      : []),
    ...(warehouse && readOnly ? [checkReadOnlyCredential(warehouse, environment.databricks?.mayWrite)] : []),
    ...(redis ? [checkRedis(redis, limits)] : []),
    ...(redis && readOnly ? [checkReadOnlyUser(redis, environment.redis?.mayWrite)] : []),
  ];
}

function checkApplication(context: StageContext): Checking[] {
  const api = apiPorts(context);
  if (!api) return [];
  const { environment, config } = context;
  const { apiP95, websocketConnect } = config.stages.smoke;
  const sampling = { samples: environment.api?.samples ?? 1, apiP95 };
  return [
    ...(environment.api?.endpoints ?? []).map((endpoint) => checkEndpoint(api, endpoint, sampling, "api")),
    ...environment.analytics.map((endpoint) => checkEndpoint(api, endpoint, sampling, "analytics")),
    // Without a token: the refusal proves that the server is alive, and nobody is signed in to production.
    ...(environment.websocket?.namespaces ?? []).map((name) =>
      checkNamespace(socketPorts(context), name, websocketConnect, undefined),
    ),
    ...(environment.oauth ? [checkOauth(api, environment.oauth)] : []),
    ...(environment.auth && !environment.auth.enabled ? [checkAuth(api, environment.auth, undefined)] : []),
  ];
}
