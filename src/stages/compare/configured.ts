import * as registry from "../../checks/registry.ts";
import type { ToldGroup } from "../../compare/facts.ts";
import type { Environment } from "../../config/schema.ts";

/** What is checked in an environment, as the configuration has it: what one of two lacks is never looked at there. */
export function configuredParts(environment: Environment): ToldGroup {
  const settings: Readonly<Record<string, unknown>> = environment;
  const kinds = Object.keys(registry).filter((name) => {
    const value = settings[name];
    return value !== undefined && !(Array.isArray(value) && value.length === 0);
  });
  const routes = (environment.api?.endpoints ?? []).map(({ method, path }) => `${method} ${path}`);
  const statements = environment.sql.map(({ name }) => `sql ${name}`);
  return Object.fromEntries([...kinds, ...routes, ...statements].map((name) => [name, { is: "checked" }]));
}
