import { z } from "zod";
import { alertsSchema, rollbackSchema } from "./aftermath-schema.ts";
import { assertionSchema, claimSchema, headerSchema } from "./assertion.ts";
import { authSchema } from "./auth-schema.ts";
import { emptyPostsWanted, knownToWrite } from "./routes.ts";
import { bearerToken, secret } from "./secret.ts";
import { timeLimit } from "./units.ts";
import {
  command,
  exactlyOneOf,
  fetchedOrigin,
  fetchedUrl,
  hostAndPort,
  httpOrigin,
  httpUrl,
  isGroup,
  name,
  path,
  port,
  regularExpression,
  routePattern,
  variableName,
  workspaceHost,
} from "./values.ts";

const headers = z
  .record(z.string(), z.string())
  .meta({ description: "Sent with every request; production wants a listed Origin." });

export const endpointSchema = z
  .strictObject({
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
  })
  .refine(({ method, json }) => !(method === "HEAD" && Array.isArray(json) && json.length > 0), {
    path: ["json"],
    error: "a HEAD is answered without content: ask with GET, or look at answerHeaders",
    when: isGroup,
  });

/** A written exception: without one, a credential that could write fails a read-only environment. */
const mayWrite = z
  .strictObject({
    until: z.iso
      .date({ error: "expected the last day as a date such as 2026-12-31" })
      .meta({ description: "The last day of the exception, in UTC; afterwards the credential fails again." }),
    reason: z
      .string({ error: "expected a reason: why can this credential write, and who mends it?" })
      .regex(/\S/, { error: "expected a reason: why can this credential write, and who mends it?" })
      .meta({ description: "Why it can write, and what is done about it; shown with the warning." }),
  })
  .optional()
  .meta({
    description: "In a read-only environment: a credential that could write is a warning until that day, and no failure.",
  });

/** Before this is read, {@link import("./unified-variables.ts")} fills in what the file leaves to DATABRICKS_* variables. */
const databricks = z.strictObject({
  host: workspaceHost
    // What is read there is what stands here, so that editors show the truth.
    .prefault("${DATABRICKS_HOST}")
    .meta({ description: "Host, or host:port; DATABRICKS_HOST if left out." }),
  warehouse: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "Warehouse id; DATABRICKS_WAREHOUSE_ID, or the path in DATABRICKS_HTTP_PATH, if left out." }),
  path: z.string().min(1).optional().meta({ description: "HTTP path, where it is not /sql/1.0/warehouses/<warehouse>." }),
  token: bearerToken("DATABRICKS_TOKEN").optional().meta({
    description:
      "Signs in with a personal access token, ${DATABRICKS_TOKEN}. Without any sign-in here, DATABRICKS_* variables say which.",
  }),
  clientId: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "Signs in as a service principal (OAuth), with clientSecret; DATABRICKS_CLIENT_ID if left out." }),
  clientSecret: secret("DATABRICKS_CLIENT_SECRET").optional().meta({
    description: "The service principal's OAuth secret, ${DATABRICKS_CLIENT_SECRET}; that variable if left out beside clientId.",
  }),
  oidc: z
    .strictObject({
      clientId: z.string().min(1).optional().meta({
        description:
          "The service principal whose federation policy trusts this job; DATABRICKS_CLIENT_ID if left out, and where that is not set the account's policy.",
      }),
      audience: z.string().min(1).optional().meta({
        description:
          "As in the federation policy; DATABRICKS_TOKEN_AUDIENCE, DATABRICKS_ACCOUNT_ID or the workspace's token endpoint if left out.",
      }),
    })
    .optional()
    .meta({ description: "Signs in with GitHub's id token, without a stored secret; the job needs id-token: write." }),
  catalog: z
    .string()
    .min(1)
    .default("classwaves")
    .meta({ description: "The catalog that holds the tables; DATABRICKS_CATALOG if left out and set." }),
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
    .meta({ description: "Proven identity: compared before the first write, and by preflight and smoke wherever it is given." }),
  mayWrite,
  startTimeout: timeLimit.prefault("10m").meta({ description: "How long a sleeping warehouse may take to wake." }),
});

const sentinel = z.strictObject({
  master: z.string().min(1).meta({ description: "The name by which the sentinels know the master, such as mymaster." }),
  nodes: z
    .array(hostAndPort)
    .min(1)
    .meta({ description: "The sentinels, host:port, asked in this order; 26379 where no port is given." }),
  username: z.string().min(1).optional().meta({ description: "The ACL user at the sentinels, where they have one." }),
  password: secret("SENTINEL_PASSWORD").optional().meta({ description: "The password of the sentinels, where they have one." }),
  tls: z.boolean().optional().meta({ description: "Speak TLS with the sentinels; as url does if left out." }),
});

const redis = z.strictObject({
  url: secret("REDIS_URL").meta({
    description:
      "redis:// or rediss:// (TLS, always verified) address; a secret, because it may hold a password. With sentinel, its host is not connected to: only user, password, database and TLS are taken from it.",
  }),
  sentinel: sentinel.optional().meta({ description: "Sentinels that name the server, where it may change by a failover." }),
  cluster: z
    .union([z.boolean(), z.array(hostAndPort).min(1)], {
      error: "expected true, or a list of nodes such as [redis-1.internal:6379]",
    })
    .optional()
    .meta({ description: "true: the address is a node of a Redis Cluster. A list: more nodes to ask, where that one is down." }),
  certificateAuthority: z.string().min(1).optional().meta({ description: "File with a private CA certificate (PEM)." }),
  exclusive: z.boolean().default(false).meta({
    description: "true: nothing but this run writes to this Redis, so a new key that is left is the run's. See docs/books.md.",
  }),
  mayWrite,
  expect: z
    .strictObject({
      host: z.string().min(1).meta({
        description:
          "The Redis host this environment is on, written out: of a cluster the node that is asked first, with sentinels the master or the sentinel that names it.",
      }),
      database: z.int().min(0).optional().meta({ description: "The number of the database." }),
    })
    .optional()
    .meta({
      description:
        "Proven identity: compared before the first write, again wherever a failover leads, and by preflight and smoke wherever it is given.",
    }),
});

const api = z.strictObject({
  url: fetchedOrigin.meta({ description: "Where the API answers, without a path: routes begin at the root of the host." }),
  headers: headers.default({}),
  endpoints: z
    .array(endpointSchema)
    .min(1)
    .prefault([{ path: "/api/v1/health" }])
    .meta({ description: "Routes that preflight and smoke read." }),
  writes: z
    .array(routePattern)
    .default([...knownToWrite])
    .meta({
      description: "Routes that write although one only reads them, with * and **: a read-only environment never asks them.",
    }),
  emptyPosts: z
    .array(path)
    .default([...emptyPostsWanted])
    .meta({
      description:
        "The only routes that get a POST in a read-only environment: with {} and nothing else, because oauth and auth look for its refusal.",
    }),
  samples: z.int().min(1).max(200).default(20).meta({
    description: "Requests per endpoint for the latency, after one to warm up.",
  }),
  timeout: timeLimit.prefault("10s").meta({ description: "How long one answer may take." }),
  http2: z.boolean().default(false).meta({
    description: "The server must offer HTTP/2, as browsers want it. What it offers is told in any case.",
  }),
});

const plainSocket = z.strictObject({
  path: path.meta({ description: "Where it answers, below websocket.url or the API." }),
  message: regularExpression
    .optional()
    .meta({ description: "A regular expression that one of the first messages of the server must match." }),
});

const websocket = z.strictObject({
  url: httpOrigin.optional().meta({ description: "The API's address if left out; without a path as well." }),
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
  discovery: fetchedUrl.optional().meta({
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
    token: bearerToken("API_TOKEN")
      .optional()
      .meta({ description: "A bearer token for reading, where test tokens cannot be minted." }),
    sql: z.array(sample).default([]).meta({ description: "Statements that smoke samples." }),
    servers: z
      .record(name, serverSchema)
      .default({})
      .meta({ description: "What the suite itself starts (localhost); leave out what is deployed." }),
    environment: z.record(z.string(), z.string()).default({}).meta({ description: "Handed to test commands and servers." }),
    alerts: alertsSchema.optional().meta({ description: "Who is told of a verdict." }),
    rollback: rollbackSchema.optional().meta({ description: "Asked for once a deployment, after smoke." }),
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
