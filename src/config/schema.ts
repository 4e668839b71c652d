import { z } from "zod";
import { handlings } from "./handling.ts";
import { secret } from "./secret.ts";
import { duration, percent } from "./units.ts";

/**
 * The shape of `.github/env-actions.yml`. Every key has a description, because editors show it; `schema/config.schema.json` is
 * generated from here. Defaults are ClassWaves' own, so that a small file is enough.
 */

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, { error: "expected a name of lower-case letters, digits and dashes, such as staging" })
  .meta({ description: "A name: lower-case letters, digits and dashes." });

const variableName = z
  .string()
  .regex(/^[A-Z_][A-Z0-9_]*$/, { error: "expected the name of an environment variable, such as DATABRICKS_HOST" });

const path = z.string().regex(/^\//, { error: "expected a path that begins with /, such as /api/v1/health" });

const httpUrl = z.url({ protocol: /^https?$/, error: "expected an http:// or https:// address" });

const aPort = { error: "expected a port from 1 to 65535" };
const portNumber = z.int(aPort).min(1, aPort).max(65_535, aPort);
// A port that comes from a variable arrives as text.
const portText = z.string().regex(/^\d+$/).transform(Number).pipe(portNumber);
const port = z.union([portNumber, portText], aPort);

const command = z
  .string()
  .min(1)
  .meta({ description: "Run by the shell, which expands its variables itself." })
  .register(handlings, { handling: "shell" });

const regularExpression = z
  .string()
  .min(1)
  .refine(isRegularExpression, { error: "expected a regular expression of JavaScript; this one cannot be read" });

function isRegularExpression(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** A check over several keys of one group, made even where one of them is wrong by itself, so that all mistakes show at once. */
function exactlyOneOf(...keys: string[]): { check: (group: object) => boolean; params: { error: string; when: typeof isGroup } } {
  const listed = `${keys.slice(0, -1).join(", ")} and ${keys.at(-1)}`;
  return {
    check: (group) => Object.entries(group).filter(([key, value]) => keys.includes(key) && value !== undefined).length === 1,
    params: { error: `expected exactly one of ${listed}`, when: isGroup },
  };
}

function isGroup({ value }: { value: unknown }): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const headers = z
  .record(z.string(), z.string())
  .meta({ description: "Sent with every request; production wants a listed Origin." });

const assertionKinds = exactlyOneOf("equals", "oneOf", "notNull", "matches", "changes");

/** A line of a JSON answer that must hold. A page that is merely green proves nothing: see `notNull` and `changes`. */
export const assertionSchema = z
  .strictObject({
    path: z
      .string()
      .regex(/^\$/, { error: "expected a JSON path such as $.data.serverTime" })
      .meta({ description: "Where to look, such as $.data.serverTime." }),
    equals: z
      .union([z.string(), z.number(), z.boolean(), z.null()], { error: "expected text, a number, true, false or null" })
      .optional()
      .meta({ description: "Exactly this value." }),
    oneOf: z
      .array(z.union([z.string(), z.number(), z.boolean()], { error: "expected text, a number, true or false" }))
      .min(1)
      .optional()
      .meta({ description: "One of these values." }),
    notNull: z.literal(true).optional().meta({ description: "Present and not null: a mock often answers null." }),
    matches: regularExpression.optional().meta({ description: "A regular expression that the value, as text, matches." }),
    changes: z
      .literal(true)
      .optional()
      .meta({ description: "Different between two reads: proof that something lives behind it." }),
  })
  .refine(assertionKinds.check, assertionKinds.params);

export const endpointSchema = z.strictObject({
  name: z.string().min(1).optional().meta({ description: "For people; the path if left out." }),
  path: path.meta({ description: "Relative to the API, with its query." }),
  status: z.array(z.int().min(100).max(599)).min(1).default([200]).meta({ description: "Statuses that pass." }),
  degradedStatus: z.array(z.int().min(100).max(599)).default([206]).meta({ description: "Statuses of the warning band." }),
  json: z.array(assertionSchema).default([]).meta({ description: "What the JSON answer must hold." }),
  signIn: z.boolean().default(false).meta({ description: "Send the test token, or the environment's reader token." }),
});

const databricks = z.strictObject({
  host: z.string().min(1).meta({ description: "Host, or host:port; usually ${DATABRICKS_HOST}." }),
  warehouse: z.string().min(1).optional().meta({ description: "Warehouse id; usually ${DATABRICKS_WAREHOUSE_ID}." }),
  path: z.string().min(1).optional().meta({ description: "HTTP path, where it is not /sql/1.0/warehouses/<warehouse>." }),
  token: secret,
  catalog: z.string().min(1).default("classwaves").meta({ description: "The catalog that holds the tables." }),
  certificateAuthority: z.string().min(1).optional().meta({ description: "File with a private CA certificate (PEM)." }),
  expect: z
    .strictObject({
      host: z
        .string()
        .min(1)
        .meta({ description: "The host this environment is on, written out: connecting to any other stops the run." }),
      principal: z
        .string()
        .min(1)
        .optional()
        .meta({ description: "The user or service principal that must answer current_user()." }),
    })
    .optional()
    .meta({ description: "Proven identity: compared before the first write." }),
  startTimeout: duration.prefault("10m").meta({ description: "How long a sleeping warehouse may take to wake." }),
});

const redis = z.strictObject({
  url: secret.meta({ description: "redis:// or rediss:// address; a secret, because it may hold a password." }),
  expect: z
    .strictObject({
      host: z.string().min(1).meta({ description: "The Redis host this environment is on, written out." }),
      database: z.int().min(0).optional().meta({ description: "The number of the database." }),
    })
    .optional()
    .meta({ description: "Proven identity: compared before the first write." }),
});

const api = z.strictObject({
  url: httpUrl.meta({ description: "Where the API answers." }),
  headers: headers.default({}),
  endpoints: z
    .array(endpointSchema)
    .min(1)
    .prefault([{ path: "/api/v1/health" }])
    .meta({ description: "Routes that preflight and smoke read." }),
  samples: z.int().min(1).max(200).default(10).meta({ description: "Requests per endpoint for the latency." }),
});

const websocket = z.strictObject({
  url: httpUrl.optional().meta({ description: "The API's address if left out." }),
  path: path.default("/socket.io/").meta({ description: "Where Socket.IO answers." }),
  namespaces: z
    .array(path)
    .min(1)
    .default(["/sessions", "/guidance"])
    .meta({ description: "Socket.IO namespaces that must answer." }),
});

const auth = z.strictObject({
  mint: path.default("/api/v1/auth/generate-test-token").meta({ description: "Route that mints test tokens." }),
  use: path.default("/api/v1/auth/me").meta({ description: "Route that must accept the minted token." }),
  secret: secret.optional().meta({ description: "The shared secret of the mint route." }),
  enabled: z.boolean().default(true).meta({ description: "false where the mint route must be off, as in production." }),
});

const oauth = z.strictObject({
  path: path.default("/api/v1/auth/google").meta({ description: "Route that gets an empty sign-in, which it must refuse." }),
  code: z.string().default("VALIDATION_ERROR").meta({ description: "The error code of that refusal." }),
});

const sample = z.strictObject({
  name: z.string().min(1).meta({ description: "For people." }),
  query: z.string().min(1).meta({ description: "A reading statement: SELECT, SHOW, DESCRIBE or EXPLAIN." }),
  minimumRows: z.int().min(0).default(1).meta({ description: "Fewer rows than this is wrong." }),
});

const readyKinds = exactlyOneOf("url", "tcp", "log");

const ready = z
  .strictObject({
    url: httpUrl.optional().meta({ description: "Must answer with one of `status`." }),
    status: z.array(z.int().min(100).max(599)).min(1).default([200]).meta({ description: "Statuses that mean ready." }),
    tcp: port.optional().meta({ description: "A port that must accept a connection." }),
    log: regularExpression.optional().meta({ description: "A regular expression that a line of output must match." }),
    timeout: duration.prefault("60s").meta({ description: "How long it may take to be ready." }),
  })
  .refine(readyKinds.check, readyKinds.params);

export const serverSchema = z.strictObject({
  command,
  workingDirectory: z.string().default(".").meta({ description: "Relative to the workspace." }),
  port: port.optional().meta({ description: "Must be free before, and free again afterwards." }),
  ready: ready.meta({ description: "How it shows that it is up." }),
  environment: z
    .record(z.string(), z.string())
    .default({})
    .meta({ description: "Handed to this server, beside the environment's own." }),
  stages: z
    .array(z.enum(["preflight", "integration", "e2e", "smoke"]))
    .min(1)
    .default(["preflight", "integration", "e2e", "smoke"])
    .meta({ description: "The stages it is started for." }),
});

export const environmentSchema = z
  .strictObject({
    access: z
      .enum(["read-only", "test-data"])
      .meta({ description: "read-only: no code path can write. test-data: the suite may create and delete test data." }),
    promotedFrom: name.optional().meta({ description: "Smoke here accepts the e2e evidence of this environment." }),
    variables: z.array(variableName).default([]).meta({ description: "Environment variables that must be present." }),
    databricks: databricks.optional().meta({ description: "The SQL warehouse; leave it out where there is none." }),
    redis: redis.optional().meta({ description: "The Redis; leave it out where there is none." }),
    api: api.optional().meta({ description: "The HTTP API." }),
    websocket: websocket.optional().meta({ description: "The Socket.IO server." }),
    auth: auth.optional().meta({ description: "How test tokens are minted and used." }),
    oauth: oauth.optional().meta({ description: "The sign-in with Google, looked at without signing in." }),
    analytics: z.array(endpointSchema).default([]).meta({ description: "Read-only dashboard routes that smoke reads." }),
    token: secret.optional().meta({ description: "A bearer token for reading, where test tokens cannot be minted." }),
    sql: z.array(sample).default([]).meta({ description: "Statements that smoke samples." }),
    servers: z
      .record(name, serverSchema)
      .default({})
      .meta({ description: "What the suite itself starts (localhost); leave out what is deployed." }),
    environment: z.record(z.string(), z.string()).default({}).meta({ description: "Handed to test commands and servers." }),
  })
  .superRefine(demandIdentity, { when: isGroup });

/** Where test data is written, the file says which host that must be. Made even where other keys are wrong. */
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
        message: "test data is written here, so say which host it must be: expect: { host: … }",
      });
  }
}

/** A prefix is a literal. `_` is common in ids and safe, because it is never used as a pattern; `%` and `*` only ever mean a pattern. */
export const prefixSchema = z
  .string()
  .min(6, { error: "a prefix shorter than 6 characters could match production rows" })
  .regex(/^[^%*?[\]\\'"`\s]*$/, { error: "a prefix is a literal: no wildcard, quote, backslash or space" })
  .meta({ description: "What the ids of test data begin with; at least 6 characters." });

const tableName = z
  .string()
  .regex(/^[A-Za-z_][\w]*\.[A-Za-z_][\w]*$/, { error: "expected schema.table, such as sessions.classroom_sessions" });
const tablePattern = z.string().regex(/^[A-Za-z_][\w]*\.(\*|[A-Za-z_][\w]*)$/, { error: "expected schema.table or schema.*" });
const column = z.string().regex(/^[A-Za-z_][\w]*$/, { error: "expected a column name" });

const matchKinds = exactlyOneOf("prefix", "suffix", "equals");

const match = z
  .strictObject({
    column: column.meta({ description: "The column looked at." }),
    prefix: z.literal(true).optional().meta({ description: "The value begins with one of the test prefixes." }),
    suffix: z.string().min(4).optional().meta({ description: "The value ends with this, such as @testschool.edu." }),
    equals: z.string().min(1).optional().meta({ description: "The value is exactly this." }),
  })
  .refine(matchKinds.check, matchKinds.params);

/** `cw:test:*`: everything before the star is literal, and long enough to hold nothing but test data. */
const keyNamespace = z.string().regex(/^[^*?[\]\\\s]{6,}\*?$/, {
  error: "expected a Redis namespace such as cw:test:*, at least 6 literal characters and then at most one *",
});

export const tableSchema = z.strictObject({
  key: column.default("id").meta({ description: "The column that names a row." }),
  match: z.array(match).default([]).meta({ description: "How a row shows by itself that it is test data." }),
  time: column.optional().meta({ description: "When a row was made, for the age of ids that hold no time." }),
  parents: z
    .record(column, tableName)
    .default({})
    .meta({ description: "Column → the table whose key it holds: rows hang on their parents." }),
  person: z.array(column).default([]).meta({ description: "Columns that may hold a person: masked wherever they are shown." }),
});

const testData = z.strictObject({
  prefixes: z
    .array(prefixSchema)
    .min(1)
    .default([
      "integration_test_",
      "e2e_test_",
      "e2e-session-",
      "e2e-teacher-",
      "e2e-group-",
      "perf_test_",
      "sess_test_",
      "group_test_",
      "teacher_test_",
    ])
    .meta({ description: "What the ids and names of test data begin with." }),
  preset: z
    .enum(["classwaves", "none"])
    .default("classwaves")
    .meta({ description: "classwaves: the 48 tables and key shapes of ClassWaves are known." }),
  tables: z.record(tableName, tableSchema).default({}).meta({ description: "Tables beyond the preset, or in place of its own." }),
  keys: z.array(keyNamespace).default(["cw:test:*"]).meta({ description: "Redis namespaces that hold nothing but test data." }),
  protectedTables: z.array(tablePattern).default(["compliance.*"]).meta({ description: "Never touched by anything." }),
  protectedKeys: z.array(z.string().min(1)).default(["audit:log"]).meta({ description: "Never touched by anything." }),
  expireAfter: duration.prefault("2h").meta({ description: "Older test data, of any run, is swept by --scope expired." }),
  maxRows: z.int().min(1).default(20_000).meta({ description: "A plan with more rows is refused." }),
  maxShare: percent
    .prefault("50%")
    .meta({ description: "A plan that would delete more of one table (of 100 rows or more) is refused." }),
});

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
      budget: duration.prefault("2m"),
      sqlP95: duration.prefault("100ms").meta({ description: "Slower is a warning." }),
      apiP95: duration.prefault("500ms").meta({ description: "Slower fails." }),
      websocketConnect: duration.prefault("2s").meta({ description: "Slower fails." }),
      redisHitRate: percent.prefault("70%").meta({ description: "Lower is a warning." }),
      redisMemory: percent.prefault("90%").meta({ description: "More of maxmemory is a warning." }),
    })
    .prefault({})
    .meta({ description: "Is the environment fit to be tested?" }),
  integration: suite
    .extend({
      budget: duration.prefault("15m"),
      prefix: prefixSchema.default("integration_test_"),
      passRate: percent.prefault("95%").meta({ description: "Of the tests that ran, more than this must pass." }),
    })
    .prefault({})
    .meta({ description: "The integration tests." }),
  e2e: suite
    .extend({
      budget: duration.prefault("30m"),
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
      budget: duration.prefault("5m"),
      sqlP95: duration.prefault("100ms").meta({ description: "Slower is a warning." }),
      apiP95: duration.prefault("500ms").meta({ description: "Slower fails." }),
      websocketConnect: duration.prefault("2s").meta({ description: "Slower fails." }),
      redisHitRate: percent.prefault("70%").meta({ description: "Lower is a warning." }),
      redisMemory: percent.prefault("90%").meta({ description: "More of maxmemory is a warning." }),
    })
    .prefault({})
    .meta({ description: "Is what was deployed alive? Reads only." }),
  cleanup: z
    .strictObject({ budget: duration.prefault("2m") })
    .prefault({})
    .meta({ description: "Deletes test data, and proves it gone." }),
});

export const configSchema = z
  .strictObject({
    version: z.literal(1, { error: "expected 1" }).meta({ description: "The version of this file's format." }),
    defaultEnvironment: name.optional().meta({ description: "Used where no environment is named." }),
    environments: z.record(name, environmentSchema).meta({ description: "By name." }),
    testData: testData.prefault({}).meta({ description: "How test data shows, and what is never touched." }),
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
export type Assertion = z.output<typeof assertionSchema>;
export type Server = z.output<typeof serverSchema>;
export type Table = z.output<typeof tableSchema>;
export type TestDataConfig = Config["testData"];
