import type { endpointSchema } from "../checks/api/kind.ts";
import * as kinds from "../checks/registry.ts";
import { z } from "../lib/zod.ts";
import { alertsSchema, rollbackSchema } from "./after-verdict-schema.ts";
import {
  accessSchema,
  demandIdentity,
  deployedAsSchema,
  environmentsDescription,
  promotedFromSchema,
  tokenSchema,
  variablesSchema,
} from "./environment-schema.ts";
import { historySchema } from "./history-schema.ts";
import { type serverSchema, serversSchema, tasksSchema } from "./server-schema.ts";
import {
  auditSchema,
  defaultEnvironmentSchema,
  evidenceSchema,
  presetSchema,
  secretsSchema,
  versionSchema,
} from "./settings-schema.ts";
import { cleanupSchema, preflightSchema, smokeSchema } from "./stage-schemas.ts";
import { stagingSchema } from "./staging-schema.ts";
import { e2eSchema, integrationSchema } from "./suite-schema.ts";
import { type tableSchema, testDataSchema } from "./test-data-schema.ts";
import { isGroup, name } from "./values.ts";

/**
 * The shape of `.github/env-actions.yml`. Every key has a description, because editors show it. `schema/config.schema.json` is
 * generated from here. Defaults are ClassWaves' own, which keeps files small.
 *
 * This is the whole, for editors and for the messages about a mistake. A file without mistakes is read with the few sections that
 * it has: see sections.ts.
 */

/** Collects the schemas of all kinds of check. The name in the registry is the key in the configuration. */
function schemasOf<Kinds extends Record<string, { schema: () => z.ZodType }>>(all: Kinds) {
  const schemas = Object.entries(all).map(([kind, { schema }]) => [kind, schema()]);
  return Object.fromEntries(schemas) as { [Name in keyof Kinds]: ReturnType<Kinds[Name]["schema"]> };
}

export const environmentSchema = z
  .strictObject({
    access: accessSchema,
    promotedFrom: promotedFromSchema,
    deployedAs: deployedAsSchema,
    ...schemasOf(kinds),
    token: tokenSchema(),
    tasks: tasksSchema,
    servers: serversSchema,
    environment: variablesSchema,
    alerts: alertsSchema,
    rollback: rollbackSchema,
  })
  .superRefine(demandIdentity, { when: isGroup });

const stages = z.strictObject({
  preflight: preflightSchema,
  integration: integrationSchema,
  e2e: e2eSchema,
  smoke: smokeSchema(),
  cleanup: cleanupSchema(),
});

export const configSchema = z
  .strictObject({
    version: versionSchema,
    preset: presetSchema,
    defaultEnvironment: defaultEnvironmentSchema,
    environments: z.record(name, environmentSchema).meta(environmentsDescription),
    testData: testDataSchema,
    staging: stagingSchema,
    stages: stages.prefault({}).meta({ description: "Budgets, commands and limits of the stages." }),
    secrets: secretsSchema(),
    evidence: evidenceSchema(),
    audit: auditSchema(),
    history: historySchema,
  })
  .meta({ title: "env-actions", description: "Environments, test data and stages of env-actions." });

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;
export type Environment = Config["environments"][string];
export type Alerts = NonNullable<Environment["alerts"]>;
export type RollbackConfig = NonNullable<Environment["rollback"]>;
export type Endpoint = z.output<ReturnType<typeof endpointSchema>>;
export type Server = z.output<typeof serverSchema>;
export type Table = z.output<typeof tableSchema>;
export type TestDataConfig = Config["testData"];
