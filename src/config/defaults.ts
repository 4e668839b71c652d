import values from "./defaults.json" with { type: "json" };
import type { Config, Environment } from "./schema.ts";

/**
 * What the whole schema makes of a file that has none of these sections, so that a start need not build and run it for that.
 * `node scripts/generate.ts` writes the values.
 */

export const defaults = values.file as unknown as Omit<Config, "version" | "environments" | "defaultEnvironment">;

export const environmentDefaults = values.environment as Pick<
  Environment,
  "analytics" | "sql" | "tcp" | "variables" | "tasks" | "servers" | "environment"
>;
