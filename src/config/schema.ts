import { z } from "zod";
import { type endpointSchema, environmentSchema, type serverSchema } from "./environment-schema.ts";
import { prefixSchema, type tableSchema, testDataSchema } from "./test-data-schema.ts";
import { duration, percent, timeLimit } from "./units.ts";
import { command, name } from "./values.ts";

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
};

const suite = z.strictObject({
  command: command.optional(),
  workingDirectory: z.string().default(".").meta({ description: "Relative to the workspace." }),
  reports: z
    .array(z.string().min(1))
    .default([])
    .meta({ description: "Globs of the reports the command writes, relative to workingDirectory." }),
  environment: z
    .record(z.string(), z.string())
    .default({})
    .meta({ description: "Handed to the command, beside the environment's own." }),
});

const stages = z.strictObject({
  preflight: z
    .strictObject({
      budget: timeLimit.prefault("2m"),
      ...limits,
    })
    .prefault({})
    .meta({ description: "Is the environment fit to be tested?" }),
  integration: suite
    .extend({
      budget: timeLimit.prefault("15m"),
      prefix: prefixSchema.default("integration_test_"),
      passRate: percent.prefault("95%").meta({ description: "Of the tests that ran, more than this must pass." }),
    })
    .prefault({})
    .meta({ description: "The integration tests." }),
  e2e: suite
    .extend({
      budget: timeLimit.prefault("30m"),
      prefix: prefixSchema.default("e2e_test_"),
      passRate: percent.prefault("90%").meta({ description: "Of the tests that ran, more than this must pass." }),
      requiredProjects: z
        .array(z.string().min(1))
        .min(1)
        .default(["authenticated-*", "unauthenticated-*"])
        .meta({ description: "Playwright projects (globs); at least one test of each must have run." }),
    })
    .prefault({})
    .meta({ description: "The tests in browsers." }),
  smoke: z
    .strictObject({
      budget: timeLimit.prefault("5m"),
      ...limits,
    })
    .prefault({})
    .meta({ description: "Is what was deployed alive? Reads only." }),
  cleanup: z
    .strictObject({ budget: timeLimit.prefault("2m") })
    .prefault({})
    .meta({ description: "Deletes test data, and proves it gone." }),
});

export const configSchema = z
  .strictObject({
    version: z.literal(1, { error: "expected 1" }).meta({ description: "The version of this file's format." }),
    defaultEnvironment: name.optional().meta({ description: "Used where no environment is named." }),
    environments: z.record(name, environmentSchema).meta({ description: "By name." }),
    testData: testDataSchema.prefault({}).meta({ description: "How test data shows, and what is never touched." }),
    stages: stages.prefault({}).meta({ description: "Budgets, commands and limits of the stages." }),
    evidence: z
      .strictObject({ maxAge: duration.prefault("4h").meta({ description: "Older evidence is stale." }) })
      .prefault({})
      .meta({ description: "What a stage asks of the stage before it." }),
  })
  .meta({ title: "env-actions", description: "Environments, test data and stages of env-actions." });

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;
export type Environment = Config["environments"][string];
export type Endpoint = z.output<typeof endpointSchema>;
export type Server = z.output<typeof serverSchema>;
export type Table = z.output<typeof tableSchema>;
export type TestDataConfig = Config["testData"];
