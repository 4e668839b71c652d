import { z } from "zod";
import { assertionSchema, claimSchema, headerSchema } from "./assertion.ts";
import { authSchema } from "./auth-schema.ts";
import { secret } from "./secret.ts";
import { timeLimit } from "./units.ts";
import { command, exactlyOneOf, httpUrl, isGroup, name, path, port, regularExpression, variableName } from "./values.ts";

const headers = z
  .record(z.string(), z.string())
  .meta({ description: "Sent with every request; production wants a listed Origin." });

export const endpointSchema = z.strictObject({
  name: z.string().min(1).optional().meta({ description: "For people; the path if left out." }),
  path: path.meta({ description: "Relative to the API, with its query." }),
  status: z.array(z.int().min(100).max(599)).min(1).default([200]).meta({ description: "Statuses that pass." }),
  degradedStatus: z.array(z.int().min(100).max(599)).default([206]).meta({ description: "Statuses of the warning band." }),
  json: z.array(assertionSchema).default([]).meta({ description: "What the JSON answer must hold." }),
  method: z
    .enum(["GET", "HEAD", "OPTIONS"])
    .default("GET")
    .meta({ description: "No other method is sent: these are defined to change nothing." }),
  headers: z.record(z.string(), z.string()).default({}).meta({ description: "Sent with this route, beside api.headers." }),
  answerHeaders: z.array(headerSchema).default([]).meta({ description: "What headers of the answer must hold." }),
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
      catalog: z
        .string()
        .min(1)
        .optional()
        .meta({ description: "The catalog, where `catalog` comes from a variable: any other stops the run." }),
      principal: z
        .string()
        .min(1)
        .optional()
        .meta({ description: "The user or service principal that must answer current_user()." }),
    })
    .optional()
    .meta({ description: "Proven identity: compared before the first write." }),
  startTimeout: timeLimit.prefault("10m").meta({ description: "How long a sleeping warehouse may take to wake." }),
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
  samples: z.int().min(1).max(200).default(10).meta({
    description: "Requests per endpoint for the latency, after one to warm up.",
  }),
  timeout: timeLimit.prefault("10s").meta({ description: "How long one answer may take." }),
});

const plainSocket = z.strictObject({
  path: path.meta({ description: "Where it answers, below websocket.url or the API." }),
  message: regularExpression
    .optional()
    .meta({ description: "A regular expression that one of the first messages of the server must match." }),
});

const websocket = z.strictObject({
  url: httpUrl.optional().meta({ description: "The API's address if left out." }),
  path: path.default("/socket.io/").meta({ description: "Where Socket.IO answers." }),
  namespaces: z
    .array(path)
    .min(1)
    .default(["/sessions", "/guidance"])
    .meta({ description: "Socket.IO namespaces that must answer." }),
  plain: z
    .array(plainSocket)
    .default([])
    .meta({ description: "WebSockets without Socket.IO: each is opened, perhaps waited for a message, and closed." }),
});

const oauth = z.strictObject({
  path: path.default("/api/v1/auth/google").meta({ description: "Route that gets an empty sign-in, which it must refuse." }),
  code: z.string().default("VALIDATION_ERROR").meta({ description: "The error code of that refusal." }),
  discovery: httpUrl.optional().meta({
    description: "The provider's OpenID configuration, such as https://accounts.google.com/.well-known/openid-configuration.",
  }),
});

const sample = z.strictObject({
  name: z.string().min(1).meta({ description: "For people." }),
  query: z.string().min(1).meta({ description: "A reading statement: SELECT, SHOW, DESCRIBE or EXPLAIN." }),
  minimumRows: z.int().min(0).default(1).meta({ description: "Fewer rows than this is wrong." }),
});

const readyKinds = exactlyOneOf("url", "tcp", "log", "socketIo");

const ready = z
  .strictObject({
    url: httpUrl.optional().meta({ description: "Must answer with one of `status`, and hold `json`." }),
    status: z
      .array(z.int().min(100).max(599))
      .min(1)
      .optional()
      .meta({ description: "Statuses of `url` that mean ready; 200 if left out. Redirects are not followed." }),
    json: z.array(claimSchema).min(1).optional().meta({ description: "What the JSON answer of `url` must hold." }),
    tcp: port.optional().meta({ description: "A port that must accept a connection." }),
    log: regularExpression.optional().meta({ description: "A regular expression that a line of output must match." }),
    socketIo: httpUrl
      .optional()
      .meta({ description: "Address of a Socket.IO server that must shake hands, below /socket.io/ unless it has a path." }),
    stableFor: timeLimit.optional().meta({ description: "Ready only when it has stayed so for this time." }),
    timeout: timeLimit.prefault("60s").meta({ description: "How long it may take to be ready." }),
  })
  .refine(readyKinds.check, readyKinds.params)
  .superRefine(demandSense, { when: isGroup });

/** What only says something beside another key. */
function demandSense(
  ready: { url?: unknown; status?: unknown; json?: unknown; stableFor?: unknown; timeout?: unknown },
  context: z.RefinementCtx,
): void {
  for (const key of ["status", "json"] as const)
    if (ready[key] !== undefined && ready.url === undefined)
      context.addIssue({ code: "custom", path: [key], message: "says what an answer must be, so it needs url" });
  const { stableFor, timeout } = ready;
  if (typeof stableFor === "number" && typeof timeout === "number" && stableFor >= timeout)
    context.addIssue({
      code: "custom",
      path: ["stableFor"],
      message: "expected less than timeout: otherwise it is never ready in time",
    });
}

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

const variableSchema = z.strictObject({
  name: variableName.meta({ description: "Its name." }),
  matches: regularExpression.optional().meta({ description: "A regular expression that its whole value matches." }),
  minimumLength: z.int().min(1).optional().meta({ description: "Shorter is wrong: a secret of four letters is none." }),
  validFor: timeLimit
    .optional()
    .meta({ description: "A JSON Web Token that ends sooner than this is a warning; one that is over always fails." }),
});

export const environmentSchema = z
  .strictObject({
    access: z
      .enum(["read-only", "test-data"])
      .meta({ description: "read-only: no code path can write. test-data: the suite may create and delete test data." }),
    promotedFrom: name.optional().meta({ description: "Smoke here accepts the e2e evidence of this environment." }),
    variables: z
      .array(z.union([variableName, variableSchema]))
      .default([])
      .meta({ description: "Environment variables that must be present, and not be a well-known default." }),
    databricks: databricks.optional().meta({ description: "The SQL warehouse; leave it out where there is none." }),
    redis: redis.optional().meta({ description: "The Redis; leave it out where there is none." }),
    api: api.optional().meta({ description: "The HTTP API." }),
    websocket: websocket.optional().meta({ description: "The Socket.IO server." }),
    auth: authSchema.optional().meta({ description: "How test tokens are minted and used." }),
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
