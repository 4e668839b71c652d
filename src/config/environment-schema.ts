import { z } from "../lib/zod.ts";
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
  .meta({ description: "Headers sent with every request. A production API accepts only a listed `Origin`." });

export const endpointSchema = z
  .strictObject({
    name: z.string().min(1).optional().meta({ description: "Display name. Default: the path." }),
    path: path.meta({ description: "Path relative to the API, including the query string." }),
    status: z.array(z.int().min(100).max(599)).min(1).default([200]).meta({ description: "HTTP status codes that pass." }),
    degradedStatus: z
      .array(z.int().min(100).max(599))
      .default([206])
      .meta({ description: "HTTP status codes that are a warning." }),
    json: z.array(assertionSchema).default([]).meta({ description: "Assertions that the JSON response must satisfy." }),
    method: z.enum(["GET", "HEAD", "OPTIONS"]).default("GET").meta({
      description: "HTTP method of the request. Only these methods are allowed, because they are defined to change nothing.",
    }),
    headers: z
      .record(z.string(), z.string())
      .default({})
      .meta({ description: "Headers sent to this route, in addition to `api.headers`." }),
    answerHeaders: z.array(headerSchema).default([]).meta({ description: "Assertions that the response headers must satisfy." }),
    signIn: z
      .boolean()
      .default(false)
      .meta({ description: "Sends the test token, or the environment's reader token (`token`), with the request." }),
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
      .meta({ description: "Last day of the exception, in UTC. Afterwards, the credential fails again." }),
    reason: z
      .string({ error: "expected a reason: why can this credential write, and who mends it?" })
      .regex(/\S/, { error: "expected a reason: why can this credential write, and who mends it?" })
      .meta({ description: "Why the credential can write, and what is being done about it. Shown with the warning." }),
  })
  .optional()
  .meta({
    description:
      "Exception for a read-only environment: until the given day, a credential that could write is a warning instead of a failure.",
  });

/** Before this is read, {@link import("./unified-variables.ts")} fills in what the file leaves to DATABRICKS_* variables. */
const databricks = z.strictObject({
  host: workspaceHost
    // What is read there is what stands here, so that editors show the truth.
    .prefault("${DATABRICKS_HOST}")
    .meta({ description: "Host of the workspace, or `host:port`. Default: the variable `DATABRICKS_HOST`." }),
  warehouse: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "Id of the SQL warehouse. Default: `DATABRICKS_WAREHOUSE_ID`, or the path in `DATABRICKS_HTTP_PATH`." }),
  path: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "HTTP path of the warehouse, if it is not `/sql/1.0/warehouses/<warehouse>`." }),
  token: bearerToken("DATABRICKS_TOKEN").optional().meta({
    description:
      "Signs in with a personal access token, `${DATABRICKS_TOKEN}`. If no sign-in is configured here, the `DATABRICKS_*` variables decide which one is used.",
  }),
  clientId: z.string().min(1).optional().meta({
    description:
      "Client id of the service principal to sign in as (OAuth), together with `clientSecret`. Default: `DATABRICKS_CLIENT_ID`.",
  }),
  clientSecret: secret("DATABRICKS_CLIENT_SECRET").optional().meta({
    description:
      "OAuth secret of the service principal, `${DATABRICKS_CLIENT_SECRET}`. If only `clientId` is set, that variable is used.",
  }),
  oidc: z
    .strictObject({
      clientId: z.string().min(1).optional().meta({
        description:
          "Client id of the service principal whose federation policy trusts this job. Default: `DATABRICKS_CLIENT_ID`. If that is not set, the account's policy applies.",
      }),
      audience: z.string().min(1).optional().meta({
        description:
          "Audience, as in the federation policy. Default: `DATABRICKS_TOKEN_AUDIENCE`, `DATABRICKS_ACCOUNT_ID` or the workspace's token endpoint.",
      }),
    })
    .optional()
    .meta({ description: "Signs in with GitHub's id token, without a stored secret. The job needs `id-token: write`." }),
  catalog: z
    .string()
    .min(1)
    .default("classwaves")
    .meta({ description: "Catalog that contains the tables. If left out, `DATABRICKS_CATALOG` is used if it is set." }),
  certificateAuthority: z.string().min(1).optional().meta({ description: "File with a private CA certificate (PEM)." }),
  expect: z
    .strictObject({
      host: z.string().min(1).meta({
        description:
          "Expected host of the workspace, written out and not taken from a variable. Connecting to any other host stops the run.",
      }),
      catalog: z
        .string()
        .min(1)
        .optional()
        .meta({ description: "Expected catalog, for when `catalog` comes from a variable. Any other catalog stops the run." }),
      principal: z
        .string()
        .min(1)
        .optional()
        .meta({ description: "User or service principal that `current_user()` must return." }),
    })
    .optional()
    .meta({
      description:
        "Expected identity of the warehouse. It is compared before the first write. If it is set, preflight and smoke compare it, too.",
    }),
  mayWrite,
  startTimeout: timeLimit.prefault("10m").meta({ description: "Time limit for a stopped warehouse to start." }),
});

const sentinel = z.strictObject({
  master: z.string().min(1).meta({ description: "Name of the master in the sentinels' configuration, such as `mymaster`." }),
  nodes: z.array(hostAndPort).min(1).meta({ description: "Sentinels as `host:port`, asked in this order. Default port: 26379." }),
  username: z.string().min(1).optional().meta({ description: "ACL user for the sentinels, if they require one." }),
  password: secret("SENTINEL_PASSWORD").optional().meta({ description: "Password for the sentinels, if they require one." }),
  tls: z.boolean().optional().meta({ description: "Whether to connect to the sentinels with TLS. Default: the same as `url`." }),
});

const redis = z.strictObject({
  url: secret("REDIS_URL").meta({
    description:
      "Address of Redis: `redis://`, or `rediss://` for TLS, which is always verified. It is a secret because it may contain a password. With `sentinel`, only its user, password, database and TLS are used, not its host.",
  }),
  sentinel: sentinel
    .optional()
    .meta({ description: "Redis Sentinels that name the current server, which may change in a failover." }),
  cluster: z
    .union([z.boolean(), z.array(hostAndPort).min(1)], {
      error: "expected true, or a list of nodes such as [redis-1.internal:6379]",
    })
    .optional()
    .meta({ description: "`true`: `url` is a node of a Redis Cluster. A list: more nodes to ask if that node is down." }),
  certificateAuthority: z.string().min(1).optional().meta({ description: "File with a private CA certificate (PEM)." }),
  exclusive: z.boolean().default(false).meta({
    description:
      "`true`: only this run writes to this Redis, so every new key that is left belongs to the run. See docs/books.md.",
  }),
  mayWrite,
  expect: z
    .strictObject({
      host: z.string().min(1).meta({
        description:
          "Expected Redis host, written out and not taken from a variable. With a cluster: the node that is asked first. With sentinels: the master, or the sentinel that names it.",
      }),
      database: z.int().min(0).optional().meta({ description: "Expected database number." }),
    })
    .optional()
    .meta({
      description:
        "Expected identity of Redis. It is compared before the first write and again after every failover. If it is set, preflight and smoke compare it, too.",
    }),
});

const api = z.strictObject({
  url: fetchedOrigin.meta({ description: "Address of the API, without a path. Routes begin at the root of the host." }),
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
      description:
        "Routes that write data even on a read request such as GET. `*` and `**` are wildcards. In a read-only environment, these routes are never requested.",
    }),
  emptyPosts: z
    .array(path)
    .default([...emptyPostsWanted])
    .meta({
      description:
        "The only routes that receive a POST request in a read-only environment. The body is always `{}`, because `oauth` and `auth` only check that the request is refused.",
    }),
  samples: z.int().min(1).max(200).default(20).meta({
    description: "Number of requests per endpoint to measure latency, after one warm-up request.",
  }),
  timeout: timeLimit.prefault("10s").meta({ description: "Time limit for one response." }),
  http2: z.boolean().default(false).meta({
    description: "`true`: the server must offer HTTP/2, as browsers require it. The negotiated HTTP version is always reported.",
  }),
});

const plainSocket = z.strictObject({
  path: path.meta({ description: "Path of the WebSocket, below `websocket.url` or the address of the API." }),
  message: regularExpression
    .optional()
    .meta({ description: "Regular expression that one of the server's first messages must match." }),
});

const websocket = z.strictObject({
  url: httpOrigin
    .optional()
    .meta({ description: "Address of the WebSocket server, without a path. Default: the address of the API." }),
  path: path.default("/socket.io/").meta({ description: "Path at which Socket.IO responds." }),
  namespaces: z
    .array(path)
    .min(1)
    .default(["/sessions", "/guidance"])
    .meta({ description: "Socket.IO namespaces that must respond." }),
  plain: z.array(plainSocket).default([]).meta({
    description: "WebSockets without Socket.IO. Each one is opened, checked for a message if `message` is set, and closed.",
  }),
});

const oauth = z.strictObject({
  path: path
    .default("/api/v1/auth/google")
    .meta({ description: "Route that receives an empty sign-in request and must refuse it." }),
  code: z
    .string()
    .default("VALIDATION_ERROR")
    .meta({ description: "Error code that the route must return for the empty request." }),
  discovery: fetchedUrl.optional().meta({
    description:
      "URL of the provider's OpenID configuration, such as `https://accounts.google.com/.well-known/openid-configuration`.",
  }),
});

const sample = z.strictObject({
  name: z.string().min(1).meta({ description: "Display name." }),
  query: z.string().min(1).meta({ description: "Statement that only reads: `SELECT`, `SHOW`, `DESCRIBE` or `EXPLAIN`." }),
  minimumRows: z.int().min(0).default(1).meta({ description: "Minimum number of rows that the statement must return." }),
});

const readyKinds = exactlyOneOf("url", "tcp", "log", "socketIo");

const ready = z
  .strictObject({
    url: httpUrl
      .optional()
      .meta({ description: "Address that must respond with one of `status`, and with JSON that satisfies `json`." }),
    status: z
      .array(z.int().min(100).max(599))
      .min(1)
      .optional()
      .meta({ description: "HTTP status codes of `url` that mean ready. Default: 200. Redirects are not followed." }),
    json: z
      .array(claimSchema)
      .min(1)
      .optional()
      .meta({ description: "Assertions that the JSON response of `url` must satisfy." }),
    tcp: port.optional().meta({ description: "Port that must accept a connection." }),
    log: regularExpression.optional().meta({ description: "Regular expression that a line of output must match." }),
    socketIo: httpUrl.optional().meta({
      description:
        "Address of a Socket.IO server that must complete a handshake. If the address has no path, `/socket.io/` is used.",
    }),
    stableFor: timeLimit.optional().meta({ description: "How long the server must stay ready before it counts as ready." }),
    timeout: timeLimit.prefault("60s").meta({ description: "Time limit for the server to become ready." }),
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
  workingDirectory: z.string().default(".").meta({ description: "Working directory of the command, relative to the workspace." }),
  port: port
    .optional()
    .meta({ description: "Port of the server. It must be free before the server starts and after the server stops." }),
  ready: ready.meta({ description: "How to detect that the server is ready." }),
  environment: z
    .record(z.string(), z.string())
    .default({})
    .meta({ description: "Environment variables for this server, in addition to `environments.<name>.environment`." }),
  stages: z
    .array(z.enum(["preflight", "integration", "e2e", "smoke"]))
    .min(1)
    .default(["preflight", "integration", "e2e", "smoke"])
    .meta({ description: "Stages for which the server is started." }),
});

const variableSchema = z.strictObject({
  name: variableName.meta({ description: "Name of the variable." }),
  matches: regularExpression.optional().meta({ description: "Regular expression that the whole value must match." }),
  minimumLength: z
    .int()
    .min(1)
    .optional()
    .meta({ description: "Minimum number of characters. A secret of four letters, for example, is not secure." }),
  validFor: timeLimit.optional().meta({
    description:
      "Minimum remaining lifetime of a JSON Web Token. A token that expires sooner is a warning; an expired token always fails.",
  }),
});

export const environmentSchema = z
  .strictObject({
    access: z
      .enum(["read-only", "test-data"])
      .meta({ description: "`read-only`: no code path can write. `test-data`: env-actions may create and delete test data." }),
    promotedFrom: name.optional().meta({ description: "Environment whose e2e evidence smoke accepts in this environment." }),
    variables: z
      .array(z.union([variableName, variableSchema]))
      .default([])
      .meta({ description: "Environment variables that must be set. A well-known default value is not accepted." }),
    databricks: databricks
      .optional()
      .meta({ description: "The Databricks SQL warehouse. Leave it out if the environment has none." }),
    redis: redis.optional().meta({ description: "The Redis server. Leave it out if the environment has none." }),
    api: api.optional().meta({ description: "The HTTP API." }),
    websocket: websocket.optional().meta({ description: "The Socket.IO server." }),
    auth: authSchema.optional().meta({ description: "How test tokens are minted and used." }),
    oauth: oauth.optional().meta({ description: "Checks the sign-in with Google without signing in." }),
    analytics: z.array(endpointSchema).default([]).meta({ description: "Read-only dashboard routes that smoke reads." }),
    token: bearerToken("API_TOKEN")
      .optional()
      .meta({ description: "Bearer token for reading, for environments where test tokens cannot be minted." }),
    sql: z.array(sample).default([]).meta({ description: "SQL statements that smoke runs as samples." }),
    servers: z
      .record(name, serverSchema)
      .default({})
      .meta({ description: "Servers that env-actions starts itself (localhost). Leave out servers that are already deployed." }),
    environment: z
      .record(z.string(), z.string())
      .default({})
      .meta({ description: "Environment variables for test commands and servers." }),
    alerts: alertsSchema.optional().meta({ description: "Where alerts about verdicts are sent." }),
    rollback: rollbackSchema
      .optional()
      .meta({ description: "Rollback that smoke triggers after a bad verdict, once per deployment." }),
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
