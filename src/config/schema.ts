import type { endpointSchema } from "../checks/api/kind.ts";
import * as kinds from "../checks/registry.ts";
import { z } from "../lib/zod.ts";
import { alertsSchema, rollbackSchema } from "./after-verdict-schema.ts";
import { claimSchema } from "./assertion.ts";
import { baselineSchema } from "./baseline-schema.ts";
import { withCode } from "./mistakes.ts";
import { retries, score } from "./score-schema.ts";
import { auditKey, bearerToken } from "./secret.ts";
import { e2eSchema, integrationSchema } from "./suite-schema.ts";
import { type tableSchema, testDataSchema } from "./test-data-schema.ts";
import {
  budgetDescription,
  command,
  duration,
  exactlyOneOf,
  httpUrl,
  isGroup,
  name,
  percent,
  port,
  regularExpression,
  timeLimit,
} from "./values.ts";

/**
 * The shape of `.github/env-actions.yml`. Every key has a description, because editors show it. `schema/config.schema.json` is
 * generated from here. Defaults are ClassWaves' own, which keeps files small.
 */

const readyKinds = exactlyOneOf("url", "tcp", "log", "socketIo");

const ready = z
  .strictObject({
    url: httpUrl
      .optional()
      .meta({ description: "Address that must respond with one of `status`, and with JSON that satisfies `json`." }),
    status: z
      .array(z.int().min(100).max(599))
      .min(1)
      .optional()
      .meta({ description: "HTTP status codes of `url` that mean ready. Default: 200. Redirects are not followed." }),
    json: z
      .array(claimSchema)
      .min(1)
      .optional()
      .meta({ description: "Assertions that the JSON response of `url` must satisfy." }),
    tcp: port.optional().meta({ description: "Port that must accept a connection." }),
    log: regularExpression.optional().meta({ description: "Regular expression that a line of output must match." }),
    socketIo: httpUrl.optional().meta({
      description:
        "Address of a Socket.IO server that must complete a handshake. If the address has no path, `/socket.io/` is used.",
    }),
    stableFor: timeLimit.optional().meta({ description: "How long the server must stay ready before it counts as ready." }),
    timeout: timeLimit.prefault("60s").meta({ description: "Time limit for the server to become ready." }),
  })
  .refine(readyKinds.check, readyKinds.params)
  .superRefine(demandSense, { when: isGroup });

/** Rejects keys that have no effect without another key. */
function demandSense(
  ready: { url?: unknown; status?: unknown; json?: unknown; stableFor?: unknown; timeout?: unknown },
  context: z.RefinementCtx,
): void {
  for (const key of ["status", "json"] as const)
    if (ready[key] !== undefined && ready.url === undefined)
      context.addIssue({
        code: "custom",
        path: [key],
        message: "requires url: it describes the answer of that address",
        params: { ...withCode("EA1017") },
      });
  const { stableFor, timeout } = ready;
  if (typeof stableFor === "number" && typeof timeout === "number" && stableFor >= timeout)
    context.addIssue({
      code: "custom",
      path: ["stableFor"],
      message: "expected less than timeout: otherwise the server is never ready in time",
    });
}

export const serverSchema = z.strictObject({
  command,
  workingDirectory: z.string().default(".").meta({ description: "Working directory of the command, relative to the workspace." }),
  port: port
    .optional()
    .meta({ description: "Port of the server. It must be free before the server starts and after the server stops." }),
  ready: ready.meta({ description: "How to detect that the server is ready." }),
  environment: z
    .record(z.string(), z.string())
    .default({})
    .meta({ description: "Environment variables for this server, in addition to `environments.<name>.environment`." }),
  stages: z
    .array(z.enum(["preflight", "integration", "e2e", "smoke"]))
    .min(1)
    .default(["preflight", "integration", "e2e", "smoke"])
    .meta({ description: "Stages for which the server is started." }),
});

/** Collects the schemas of all kinds of check. The name in the registry is the key in the configuration. */
function schemasOf<Kinds extends Record<string, { schema: z.ZodType }>>(all: Kinds) {
  const schemas = Object.entries(all).map(([name, { schema }]) => [name, schema]);
  return Object.fromEntries(schemas) as { [Name in keyof Kinds]: Kinds[Name]["schema"] };
}

export const environmentSchema = z
  .strictObject({
    access: z.enum(["read-only", "test-data"]).meta({
      description:
        "`read-only`: the clients of env-actions send no writes. `test-data`: env-actions may create and delete test data.",
    }),
    promotedFrom: name.optional().meta({ description: "Environment whose e2e evidence smoke accepts in this environment." }),
    ...schemasOf(kinds),
    token: bearerToken("API_TOKEN")
      .optional()
      .meta({ description: "Bearer token for reading, for environments where test tokens cannot be minted." }),
    servers: z
      .record(name, serverSchema)
      .default({})
      .meta({ description: "Servers that env-actions starts itself (localhost). Leave out servers that are already deployed." }),
    environment: z
      .record(z.string(), z.string())
      .default({})
      .meta({ description: "Environment variables for test commands and servers." }),
    alerts: alertsSchema.optional().meta({ description: "Where alerts about verdicts are sent." }),
    rollback: rollbackSchema
      .optional()
      .meta({ description: "Rollback that smoke triggers after a bad verdict, once per deployment." }),
  })
  .superRefine(demandIdentity, { when: isGroup });

/** Requires the expected host wherever test data is written. Runs even if other keys are invalid. */
function demandIdentity(
  environment: { access?: unknown; databricks?: unknown; redis?: unknown },
  context: z.RefinementCtx,
): void {
  if (environment.access !== "test-data") return;
  for (const connection of ["databricks", "redis"] as const) {
    const written = environment[connection];
    if (typeof written === "object" && written !== null && !("expect" in written && written.expect !== undefined))
      context.addIssue({
        code: "custom",
        path: [connection, "expect"],
        message: "test data is written here: add expect: { host: … } with the host that it must be",
        params: { ...withCode("EA2003") },
      });
  }
}

/** Limits that preflight and smoke apply to the connections. */
const limits = {
  sqlP95: duration.prefault("100ms").meta({ description: "Limit for the P95 latency of SQL statements. Slower is a warning." }),
  apiP95: duration.prefault("500ms").meta({ description: "Limit for the P95 latency of API requests. Slower is a failure." }),
  websocketConnect: duration
    .prefault("2s")
    .meta({ description: "Time limit for connecting to the WebSocket. Slower is a failure." }),
  redisHitRate: percent.prefault("70%").meta({ description: "Minimum hit rate of Redis. Lower is a warning." }),
  redisMemory: percent.prefault("90%").meta({ description: "Maximum share of Redis `maxmemory` in use. More is a warning." }),
  redisLag: duration
    .prefault("10s")
    .meta({ description: "Maximum time since a Redis replica last heard from its master. Longer is a warning." }),
  certificateDays: z.int().min(0).default(14).meta({
    description: "Minimum number of days until a certificate expires. Fewer days are a warning; an expired certificate fails.",
  }),
  tokenDays: z
    .int()
    .min(0)
    .default(7)
    .meta({ description: "Minimum number of days until a Databricks personal access token expires. Fewer days are a warning." }),
  requestsPerSecond: z.number().min(0.1).max(1_000).default(60).meta({
    description: "Maximum number of requests per second that all checks of the stage together send to the application.",
  }),
  retryAfter: timeLimit.prefault("10s").meta({
    description:
      "Longest wait if the API limits the rate (`Retry-After`). If the API requires a longer wait, no more requests are sent to it.",
  }),
  baseline: baselineSchema.optional().meta({
    description:
      "Compares latencies with the last passing runs of the same environment. They are kept in `.env-actions/baseline/`.",
  }),
};

const stages = z.strictObject({
  preflight: z
    .strictObject({
      budget: timeLimit.prefault("2m").meta(budgetDescription),
      sweep: z.boolean().default(false).meta({
        description:
          "Deletes test data of unfinished runs that is older than `testData.expireAfter`. If `false`, such data is only a warning.",
      }),
      ...limits,
      score,
      retries,
    })
    .prefault({})
    .meta({ description: "Checks whether the environment is ready for tests." }),
  integration: integrationSchema,
  e2e: e2eSchema,
  smoke: z
    .strictObject({
      budget: timeLimit.prefault("5m").meta(budgetDescription),
      ...limits,
      score,
      retries,
    })
    .prefault({})
    .meta({ description: "Checks whether the deployed application works. Only reads." }),
  cleanup: z
    .strictObject({ budget: timeLimit.prefault("2m").meta(budgetDescription) })
    .prefault({})
    .meta({ description: "Deletes test data and verifies that it is gone." }),
});

const environmentVariable = z
  .string()
  .regex(/^[A-Za-z_]\w*$/, { error: "expected the name of an environment variable, such as LICENSE_SEED" });

const secrets = z.strictObject({
  also: z.array(environmentVariable).default([]).meta({
    description: "Environment variables whose value is a secret although their name does not suggest it, such as `LICENSE_SEED`.",
  }),
  not: z.array(environmentVariable).default([]).meta({
    description: "Environment variables whose value is not a secret although their name suggests it, such as `CACHE_TOKEN`.",
  }),
});

export const configSchema = z
  .strictObject({
    version: z.literal(1, { error: "expected 1" }).meta({ description: "Version of the file format." }),
    defaultEnvironment: name
      .optional()
      .meta({ description: "Environment to use if none is specified. Default: the only environment that there is." }),
    environments: z.record(name, environmentSchema).meta({ description: "The environments, by name." }),
    testData: testDataSchema
      .prefault({})
      .meta({ description: "How test data is recognized, and what env-actions never changes or deletes." }),
    stages: stages.prefault({}).meta({ description: "Budgets, commands and limits of the stages." }),
    secrets: secrets
      .prefault({})
      .meta({ description: "Which environment variables are redacted everywhere. See docs/secrets.md." }),
    evidence: z
      .strictObject({
        maxAge: duration.prefault("4h").meta({ description: "Maximum age of evidence. Older evidence is stale." }),
      })
      .prefault({})
      .meta({ description: "What a stage requires of the evidence from the stage before it." }),
    audit: z
      .strictObject({
        key: auditKey.optional().meta({
          description:
            "Secret key, `${AUDIT_KEY}`, that adds an HMAC to each line of the audit log. Without the key, a changed or added line is noticed; a cut end is not. Servers and tests do not receive it.",
        }),
      })
      .prefault({})
      .meta({ description: "Settings of the audit log." }),
  })
  .meta({ title: "env-actions", description: "Environments, test data and stages of env-actions." });

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;
export type Environment = Config["environments"][string];
export type Alerts = NonNullable<Environment["alerts"]>;
export type RollbackConfig = NonNullable<Environment["rollback"]>;
export type Endpoint = z.output<typeof endpointSchema>;
export type Server = z.output<typeof serverSchema>;
export type Table = z.output<typeof tableSchema>;
export type TestDataConfig = Config["testData"];
