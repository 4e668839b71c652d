import { z } from "zod";
import { baselineSchema } from "./baseline-schema.ts";
import { type endpointSchema, environmentSchema, type serverSchema } from "./environment-schema.ts";
import { retries, score } from "./score-schema.ts";
import { auditKey } from "./secret.ts";
import { e2eSchema, integrationSchema } from "./suite-schema.ts";
import { type tableSchema, testDataSchema } from "./test-data-schema.ts";
import { duration, percent, timeLimit } from "./units.ts";
import { name } from "./values.ts";

/**
 * The shape of `.github/env-actions.yml`. Every key has a description, because editors show it; `schema/config.schema.json` is
 * generated from here. Defaults are ClassWaves' own, so that a small file is enough.
 */

/** What preflight and smoke hold the connections to. */
const limits = {
  sqlP95: duration.prefault("100ms").meta({ description: "Slower is a warning." }),
  apiP95: duration.prefault("500ms").meta({ description: "Slower fails." }),
  websocketConnect: duration.prefault("2s").meta({ description: "Slower fails." }),
  redisHitRate: percent.prefault("70%").meta({ description: "Lower is a warning." }),
  redisMemory: percent.prefault("90%").meta({ description: "More of maxmemory is a warning." }),
  redisLag: duration.prefault("10s").meta({ description: "A replica that heard of its master longer ago is a warning." }),
  certificateDays: z
    .int()
    .min(0)
    .default(14)
    .meta({ description: "A certificate that ends within so many days is a warning; one that is over fails." }),
  tokenDays: z
    .int()
    .min(0)
    .default(7)
    .meta({ description: "A personal access token of Databricks that ends within so many days is a warning." }),
  requestsPerSecond: z
    .number()
    .min(0.1)
    .max(1_000)
    .default(60)
    .meta({ description: "All checks of the stage together never ask the application more often." }),
  retryAfter: timeLimit.prefault("10s").meta({
    description:
      "An API that limits the rate is waited for at most this long (Retry-After), and asked no more where it wants longer.",
  }),
  baseline: baselineSchema.optional().meta({
    description: "Compare latencies with the last passing runs of the same environment, kept in .env-actions/baseline/.",
  }),
};

const stages = z.strictObject({
  preflight: z
    .strictObject({
      budget: timeLimit.prefault("2m"),
      sweep: z.boolean().default(false).meta({
        description: "Delete what lost runs left, once it is older than testData.expireAfter; else it is only a warning.",
      }),
      ...limits,
      score,
      retries,
    })
    .prefault({})
    .meta({ description: "Is the environment fit to be tested?" }),
  integration: integrationSchema,
  e2e: e2eSchema,
  smoke: z
    .strictObject({
      budget: timeLimit.prefault("5m"),
      ...limits,
      score,
      retries,
    })
    .prefault({})
    .meta({ description: "Is what was deployed alive? Reads only." }),
  cleanup: z
    .strictObject({ budget: timeLimit.prefault("2m") })
    .prefault({})
    .meta({ description: "Deletes test data, and proves it gone." }),
});

const environmentVariable = z
  .string()
  .regex(/^[A-Za-z_]\w*$/, { error: "expected the name of an environment variable, such as LICENSE_SEED" });

const secrets = z.strictObject({
  also: z.array(environmentVariable).default([]).meta({
    description: "Environment variables whose value is a secret although their name doesn't look like it, such as LICENSE_SEED.",
  }),
  not: z.array(environmentVariable).default([]).meta({
    description: "Environment variables whose value is not a secret although their name looks like it, such as CACHE_TOKEN.",
  }),
});

export const configSchema = z
  .strictObject({
    version: z.literal(1, { error: "expected 1" }).meta({ description: "The version of this file's format." }),
    defaultEnvironment: name.optional().meta({ description: "Used where no environment is named." }),
    environments: z.record(name, environmentSchema).meta({ description: "By name." }),
    testData: testDataSchema.prefault({}).meta({ description: "How test data shows, and what is never touched." }),
    stages: stages.prefault({}).meta({ description: "Budgets, commands and limits of the stages." }),
    secrets: secrets
      .prefault({})
      .meta({ description: "Which environment variables are redacted everywhere; see docs/secrets.md." }),
    evidence: z
      .strictObject({ maxAge: duration.prefault("4h").meta({ description: "Older evidence is stale." }) })
      .prefault({})
      .meta({ description: "What a stage asks of the stage before it." }),
    audit: z
      .strictObject({
        key: auditKey.optional().meta({
          description:
            "A secret, ${AUDIT_KEY}: each line of the audit log then carries an HMAC, so that nobody without it can rewrite the log. Servers and tests do not get it.",
        }),
      })
      .prefault({})
      .meta({ description: "How the audit log is kept." }),
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
