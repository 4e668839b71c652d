import { assertionSchema, headerSchema } from "../../config/assertion.ts";
import { withCode } from "../../config/mistakes.ts";
import { emptyPostsWanted, knownToWrite } from "../../config/routes.ts";
import { fetchedOrigin, isGroup, path, routePattern, timeLimit } from "../../config/values.ts";
import { once } from "../../lib/once.ts";
import { z } from "../../lib/zod.ts";
import type { CheckKind } from "../kind.ts";

/** An API route to read. */
export const endpointSchema = once(() => endpointWith(assertionSchema()));

/** @param assertion what can be claimed about its JSON */
export function endpointWith<Assertion extends z.ZodType>(assertion: Assertion) {
  return z
    .strictObject({
      name: z.string().min(1).optional().meta({ description: "Display name. Default: the path." }),
      path: path.meta({ description: "Path relative to the API, including the query string." }),
      status: z.array(z.int().min(100).max(599)).min(1).default([200]).meta({ description: "HTTP status codes that pass." }),
      degradedStatus: z
        .array(z.int().min(100).max(599))
        .default([206])
        .meta({ description: "HTTP status codes that are a warning." }),
      json: z.array(assertion).default([]).meta({ description: "Assertions that the JSON response must satisfy." }),
      method: z.enum(["GET", "HEAD", "OPTIONS"]).default("GET").meta({
        description: "HTTP method of the request. Only these methods are allowed, because they are defined to change nothing.",
      }),
      headers: z
        .record(z.string(), z.string())
        .default({})
        .meta({ description: "Headers sent to this route, in addition to `api.headers`." }),
      answerHeaders: z
        .array(headerSchema())
        .default([])
        .meta({ description: "Assertions that the response headers must satisfy." }),
      signIn: z
        .boolean()
        .default(false)
        .meta({ description: "Sends the test token, or the environment's reader token (`token`), with the request." }),
    })
    .refine(({ method, json }) => !(method === "HEAD" && Array.isArray(json) && json.length > 0), {
      path: ["json"],
      error: "a HEAD request has no content in its answer: use method: GET, or check answerHeaders",
      params: { ...withCode("EA1016") },
      when: isGroup,
    });
}

const headers = once(() =>
  z.record(z.string(), z.string()).meta({
    description:
      "Headers sent with every request and with the handshake of WebSockets. A production API accepts only a listed `Origin`.",
  }),
);

const settings = once(() =>
  z.strictObject({
    url: fetchedOrigin.meta({ description: "Address of the API, without a path. Routes begin at the root of the host." }),
    headers: headers().default({}),
    endpoints: z
      .array(endpointSchema())
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
          "The only routes that receive a POST request in a read-only environment. The body is `{}`, or a random wrong secret for the route that `auth: { enabled: false }` names, because `oauth` and `auth` only check that the request is refused.",
      }),
    samples: z.int().min(1).max(200).default(20).meta({
      description: "Number of requests per endpoint to measure latency, after one warm-up request.",
    }),
    timeout: timeLimit.prefault("10s").meta({ description: "Time limit for one response." }),
    http2: z.boolean().default(false).meta({
      description:
        "`true`: the server must offer HTTP/2, as browsers require it. The negotiated HTTP version is always reported.",
    }),
  }),
);

const schema = once(() => settings().optional().meta({ description: "The HTTP API." }));

/** The HTTP API: its connection, and the routes that must answer. */
export const api: CheckKind<ReturnType<typeof schema>> = {
  schema,
  stages: ["preflight", "smoke"],
  dependsOn: ["databricks.connect", "redis.ping"],
  critical: [],
  load: () => import("./check.ts"),
};
