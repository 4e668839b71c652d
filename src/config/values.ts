import { posix, win32 } from "node:path";
import { once } from "../lib/once.ts";
import { whyNoPattern } from "../lib/pattern.ts";
import { z } from "../lib/zod.ts";
import { type ErrorParams, withCode } from "./mistakes.ts";
import { handlings } from "./secret.ts";

/** Value types that several parts of the file share. Those that few files need are made at their first use. */

export const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, { error: "expected a name of lower-case letters, digits and dashes, such as staging" })
  .meta({ description: "A name of lower-case letters, digits and dashes." });

/** As on this system or on another one: editors check files for runners. */
export function isAbsolutePath(text: string): boolean {
  return posix.isAbsolute(text) || win32.isAbsolute(text);
}

export const path = z.string().regex(/^\//, { error: "expected a path that begins with /, such as /api/v1/health" });

export const routePattern = z
  .string()
  .regex(/^(?:\/|\*\*\/)[^?#]*$/, { error: "expected a route such as /api/v1/health/redis or **/health/redis" });

export const variableName = once(() =>
  z.string().regex(/^[A-Z_][A-Z0-9_]*$/, { error: "expected the name of an environment variable, such as DATABRICKS_HOST" }),
);

export const httpUrl = z.url({ protocol: /^https?$/, error: "expected an http:// or https:// address", abort: true });

/** fetch rejects an address with a password, and its error contains the password. */
export const fetchedUrl = httpUrl.refine((text) => !URL.canParse(text) || !hasUser(new URL(text)), {
  error: "expected no user and no password in the address: send them in a header, such as headers: { Authorization: ${NAME} }",
});

function hasUser({ username, password }: URL): boolean {
  return username !== "" || password !== "";
}

/** The host of a workspace. As in Databricks' own tools, an address without a path works too. */
export const workspaceHost = once(() =>
  z
    .string()
    .min(1)
    // Not a pattern, because the default is a reference.
    .refine((text) => text.startsWith("${") || /^(?:https:\/\/)?[^\s/:@?#[\]]+(?::\d{1,5})?\/*$/i.test(text), {
      error:
        "expected only the host of the workspace, such as adb-1234567890123456.7.azuredatabricks.net, without http:// and without a path",
    }),
);

const bare = (text: string) => !URL.canParse(text) || isBare(new URL(text));
const noPath = {
  error: "expected no path after the host: write the path in each route, such as path: /api/v1/health",
};
/** The host for routes. Each route starts at the root of the host, so a path here would be silently ignored. */
export const httpOrigin = once(() => httpUrl.refine(bare, noPath));
export const fetchedOrigin = fetchedUrl.refine(bare, noPath);

function isBare({ pathname, search, hash }: URL): boolean {
  return pathname === "/" && search === "" && hash === "";
}

const aPort = { error: "expected a port from 1 to 65535" };

const portNumber = once(() => z.int(aPort).min(1, aPort).max(65_535, aPort));

// A port from a variable arrives as text.
const portText = once(() => z.string().regex(/^\d+$/).transform(Number).pipe(portNumber()));

export const port = once(() => z.union([portNumber(), portText()], aPort));

/** `[` and `]` enclose an IPv6 address, as in a URL. */
export const hostAndPort = once(() =>
  z.string().regex(/^(?:\[[0-9a-fA-F:.]+\]|[^\s:/@[\]?#,]+)(?::\d{1,5})?$/, {
    error: "expected host:port, such as redis-1.internal:6379",
  }),
);

export const command = z
  .string()
  .min(1)
  .meta({ description: "Command that the shell runs. The shell itself expands the variables in it." })
  .register(handlings, { handling: "shell" });

export const regularExpression = once(() =>
  z
    .string()
    .min(1)
    .check((context) => {
      const message = whyNoPattern(context.value);
      if (message !== undefined)
        context.issues.push({ code: "custom", message, input: context.value, continue: true, params: { ...withCode("EA1030") } });
    }),
);

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

/** Converts `2m`, `500ms`, `1.5s`, `4h`, `7d` to milliseconds. */
const millisecondsPer = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const durationPattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

export const duration = z
  .string({ error: 'expected a duration such as "500ms", "30s", "2m", "4h" or "7d"' })
  .regex(durationPattern, { error: 'expected a duration such as "500ms", "30s", "2m", "4h" or "7d"' })
  .transform((text) => parseDuration(text) ?? 0)
  .meta({ description: "A duration, such as `500ms`, `30s`, `2m`, `4h` or `7d`." });

/** Milliseconds, or `undefined` if the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  const match = durationPattern.exec(text);
  if (!match) return undefined;
  return Number(match[1]) * millisecondsPer[match[2] as keyof typeof millisecondsPer];
}

/** Timers hold at most 2³¹ ms, and fire at once for longer times. */
const longestLimit = 24 * millisecondsPer.d;

/** A time limit. */
export const timeLimit = duration.refine((milliseconds) => milliseconds > 0 && milliseconds <= longestLimit, {
  error: "expected a time limit above 0 and of at most 24d",
});

/** A time limit in milliseconds, or `undefined` if the text is none. */
export function parseTimeLimit(text: string): number | undefined {
  return timeLimit.safeParse(text).data;
}

const sizes = { kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };
const aSize = "expected a size such as 500MB, 50GB or 2TB: a number above 0, and kB, MB, GB or TB in these letters";

/** `50GB`, in bytes. */
export const size = once(() =>
  z
    .string({ error: aSize })
    .regex(/^(?=.*[1-9])\d+(?:\.\d+)? ?(?:kB|MB|GB|TB)$/, { error: aSize })
    .transform((text) => Number.parseFloat(text) * sizes[text.slice(-2) as keyof typeof sizes]),
);

/** The budget of every stage. */
export const budgetDescription = {
  description: "Time limit for the whole stage. When it expires, everything that is still running is stopped.",
};

const percentPattern = /^(\d{1,3}(?:\.\d+)?)%$/;

/** A share from 0 to 1, or `undefined` if the text is not a percentage. */
export function parsePercent(text: string): number | undefined {
  const match = percentPattern.exec(text);
  if (!match) return undefined;
  const share = Number(match[1]) / 100;
  return share <= 1 ? share : undefined;
}

/** Converts `95%` to 0.95. */
export const percent = once(() =>
  z
    .string({ error: 'expected a percentage such as "95%"' })
    .refine((text) => parsePercent(text) !== undefined, { error: 'expected a percentage from "0%" to "100%"' })
    .transform((text) => parsePercent(text) ?? 0)
    .meta({ description: "A percentage, such as `95%`." }),
);

/** `UTC`, an offset such as `-08:00`, or a name such as `America/Los_Angeles`. */
export function isTimeZone(zone: string): boolean {
  if (/^(?:UTC|Z)$/i.test(zone)) return true;
  const offset = /^[+-](\d\d):?(\d\d)$/.exec(zone);
  if (offset) return Number(offset[1]) <= 14 && Number(offset[2]) < 60;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return /^[A-Za-z]/.test(zone);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

export const timeZone = once(() =>
  z.string().refine(isTimeZone, {
    error: 'expected a time zone: UTC, an offset such as "-08:00", or a name such as America/Los_Angeles',
  }),
);

/** A written exception. Without it, a credential that can write fails the check of a read-only environment. */
export const mayWrite = once(() =>
  z
    .strictObject({
      until: z.iso
        .date({ error: "expected the last day as a date, such as 2026-12-31" })
        .meta({ description: "Last day of the exception, in UTC. Afterwards, the credential fails again." }),
      reason: z
        .string({ error: "expected the reason why this credential can write, and who will fix it" })
        .regex(/\S/, { error: "expected the reason why this credential can write, and who will fix it" })
        .meta({ description: "Why the credential can write, and what is being done about it. Shown with the warning." }),
    })
    .optional()
    .meta({
      description:
        "Exception for a read-only environment: until the given day, a credential that could write is a warning instead of a failure.",
    }),
);
