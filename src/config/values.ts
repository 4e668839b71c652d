import { whyNoPattern } from "../lib/pattern.ts";
import { z } from "../lib/zod.ts";
import { type ErrorParams, withCode } from "./explain.ts";
import { handlings } from "./handling.ts";

/** Value types that several parts of the file share. */

export const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, { error: "expected a name of lower-case letters, digits and dashes, such as staging" })
  .meta({ description: "A name of lower-case letters, digits and dashes." });

export const path = z.string().regex(/^\//, { error: "expected a path that begins with /, such as /api/v1/health" });

export const routePattern = z
  .string()
  .regex(/^(?:\/|\*\*\/)[^?#]*$/, { error: "expected a route such as /api/v1/health/redis or **/health/redis" });

export const variableName = z
  .string()
  .regex(/^[A-Z_][A-Z0-9_]*$/, { error: "expected the name of an environment variable, such as DATABRICKS_HOST" });

export const httpUrl = z.url({ protocol: /^https?$/, error: "expected an http:// or https:// address", abort: true });

/** fetch rejects an address with a password, and its error contains the password. */
export const fetchedUrl = httpUrl.refine((text) => !URL.canParse(text) || !hasUser(new URL(text)), {
  error: "expected no user and no password in the address: send them in a header, such as headers: { Authorization: ${NAME} }",
});

function hasUser({ username, password }: URL): boolean {
  return username !== "" || password !== "";
}

/** The host of a workspace. As in Databricks' own tools, an address without a path works too. */
export const workspaceHost = z
  .string()
  .min(1)
  // Not a pattern, because the default is a reference.
  .refine((text) => text.startsWith("${") || /^(?:https:\/\/)?[^\s/:@?#[\]]+(?::\d{1,5})?\/*$/i.test(text), {
    error:
      "expected only the host of the workspace, such as adb-1234567890123456.7.azuredatabricks.net, without http:// and without a path",
  });

const bare = (text: string) => !URL.canParse(text) || isBare(new URL(text));
const noPath = {
  error: "expected no path after the host: write the path in each route, such as path: /api/v1/health",
};
/** The host for routes. Each route starts at the root of the host, so a path here would be silently ignored. */
export const httpOrigin = httpUrl.refine(bare, noPath);
export const fetchedOrigin = fetchedUrl.refine(bare, noPath);

function isBare({ pathname, search, hash }: URL): boolean {
  return pathname === "/" && search === "" && hash === "";
}

const aPort = { error: "expected a port from 1 to 65535" };

const portNumber = z.int(aPort).min(1, aPort).max(65_535, aPort);

// A port from a variable arrives as text.
const portText = z.string().regex(/^\d+$/).transform(Number).pipe(portNumber);

export const port = z.union([portNumber, portText], aPort);

/** `[` and `]` enclose an IPv6 address, as in a URL. */
export const hostAndPort = z.string().regex(/^(?:\[[0-9a-fA-F:.]+\]|[^\s:/@[\]?#,]+)(?::\d{1,5})?$/, {
  error: "expected host:port, such as redis-1.internal:6379",
});

export const command = z
  .string()
  .min(1)
  .meta({ description: "Command that the shell runs. The shell itself expands the variables in it." })
  .register(handlings, { handling: "shell" });

export const regularExpression = z
  .string()
  .min(1)
  .check((context) => {
    const message = whyNoPattern(context.value);
    if (message !== undefined)
      context.issues.push({ code: "custom", message, input: context.value, continue: true, params: { ...withCode("EA1030") } });
  });

/** A check over several keys of one group. It also runs if one of them is invalid, so that all mistakes are reported at once. */
export function exactlyOneOf(...keys: string[]): {
  check: (group: object) => boolean;
  params: { error: string; when: typeof isGroup; params: Record<keyof ErrorParams, unknown> };
} {
  const listed = `${keys.slice(0, -1).join(", ")} and ${keys.at(-1)}`;
  return {
    check: (group) => Object.entries(group).filter(([key, value]) => keys.includes(key) && value !== undefined).length === 1,
    params: { error: `expected exactly one of ${listed}`, when: isGroup, params: { ...withCode("EA1016") } },
  };
}

export function isGroup({ value }: { value: unknown }): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
