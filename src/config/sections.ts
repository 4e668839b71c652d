import * as kinds from "../checks/registry.ts";
import { z } from "../lib/zod.ts";
import { defaults, environmentDefaults } from "./defaults.ts";
import {
  accessSchema,
  demandIdentity,
  deployedAsSchema,
  promotedFromSchema,
  tokenSchema,
  variablesSchema,
} from "./environment-schema.ts";
import { type Data, group, valueAt } from "./path.ts";
import type { Config, Environment } from "./schema.ts";
import { defaultEnvironmentSchema, presetSchema, versionSchema } from "./settings-schema.ts";
import { isGroup, name } from "./values.ts";

/**
 * Reads a file with the schemas of only those sections that it has: building and running all of them would take a quarter of the
 * time that a preflight of one API takes. What it accepts, the whole schema accepts with the same result. If it refuses a file, it
 * doesn't say why; the whole schema does.
 */

/** The key of a section, and how to get its schema: from this file, or with code that only files with the section load. */
type Sections = Readonly<Record<string, () => z.ZodType | Promise<z.ZodType>>>;

const kindSections: Sections = Object.fromEntries(Object.entries(kinds).map(([kind, { schema }]) => [kind, schema]));

const environmentSections: Sections = {
  access: () => accessSchema,
  promotedFrom: () => promotedFromSchema,
  deployedAs: () => deployedAsSchema,
  ...kindSections,
  token: tokenSchema,
  tasks: async () => (await import("./server-schema.ts")).tasksSchema,
  servers: async () => (await import("./server-schema.ts")).serversSchema,
  environment: () => variablesSchema,
  alerts: async () => (await import("./after-verdict-schema.ts")).alertsSchema,
  rollback: async () => (await import("./after-verdict-schema.ts")).rollbackSchema,
};

const stageSections: Sections = {
  preflight: async () => (await import("./stage-schemas.ts")).preflightSchema,
  integration: async () => (await import("./suite-schema.ts")).integrationSchema,
  e2e: async () => (await import("./suite-schema.ts")).e2eSchema,
  smoke: async () => (await import("./stage-schemas.ts")).smokeSchema(),
  cleanup: async () => (await import("./stage-schemas.ts")).cleanupSchema(),
};

const fileSections: Sections = {
  version: () => versionSchema,
  preset: () => presetSchema,
  defaultEnvironment: () => defaultEnvironmentSchema,
  testData: async () => (await import("./test-data-schema.ts")).testDataSchema,
  staging: async () => (await import("./staging-schema.ts")).stagingSchema,
  secrets: async () => (await import("./settings-schema.ts")).secretsSchema(),
  evidence: async () => (await import("./settings-schema.ts")).evidenceSchema(),
  audit: async () => (await import("./settings-schema.ts")).auditSchema(),
  history: async () => (await import("./history-schema.ts")).historySchema,
};

/** Reads files that have no other sections than the one for which it was made. */
export interface Reader {
  /** Knows every key of the file that the whole schema knows. */
  schema: z.core.$ZodType;
  /** `undefined` if the data has a mistake. */
  read(data: Data): Config | undefined;
}

/** @returns a reader for files with the same sections as this one; `undefined` if it has a key that no section has */
export async function readerFor(data: Data): Promise<Reader | undefined> {
  const { environments, stages, ...rest } = group(data);
  const keysOfEnvironments = Object.values(group(environments)).flatMap((environment) => Object.keys(group(environment)));
  const shapes = await Promise.all([
    shapeOf(fileSections, ["version", ...Object.keys(rest)]),
    shapeOf(environmentSections, ["access", ...keysOfEnvironments]),
    shapeOf(stageSections, Object.keys(group(stages))),
  ]);
  const [ofFile, ofEnvironment, ofStages] = shapes;
  if (!ofFile || !ofEnvironment || !ofStages) return undefined;
  const schema = z.strictObject({
    ...ofFile,
    environments: z.record(name, z.strictObject(ofEnvironment).superRefine(demandIdentity, { when: isGroup })),
    stages: z.strictObject(ofStages).prefault({}),
  });
  return {
    schema,
    read(told) {
      const { success, data: found } = schema.safeParse(told);
      return success ? withDefaults(found) : undefined;
    },
  };
}

async function shapeOf(sections: Sections, keys: readonly string[]): Promise<Record<string, z.ZodType> | undefined> {
  const known = [...new Set(keys)].map(async (key) => {
    const schema = Object.hasOwn(sections, key) ? await sections[key]?.() : undefined;
    return schema && ([key, schema] as const);
  });
  const found = (await Promise.all(known)).filter((entry) => entry !== undefined);
  return found.length === known.length ? Object.fromEntries(found) : undefined;
}

/** Adds what the whole schema gives to a file without the section. */
function withDefaults(read: Data): Config {
  const environments = Object.entries(group(valueAt(read, ["environments"]))).map(
    ([one, environment]) =>
      [one, { ...lacking(environmentDefaults, environment), ...group(environment) } as Environment] as const,
  );
  return {
    ...lacking(defaults, read),
    ...group(read),
    environments: Object.fromEntries(environments),
    stages: { ...lacking(defaults.stages, valueAt(read, ["stages"])), ...group(valueAt(read, ["stages"])) },
  } as unknown as Config;
}

/** A copy: whoever changes a configuration must not change the defaults. */
function lacking(all: object, told: Data): Record<string, unknown> {
  const missing = Object.entries(all).filter(([key]) => !Object.hasOwn(group(told), key));
  return structuredClone(Object.fromEntries(missing));
}
