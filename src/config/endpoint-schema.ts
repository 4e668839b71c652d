import { z } from "../lib/zod.ts";
import { assertionSchema, headerSchema } from "./assertion.ts";
import { withCode } from "./explain.ts";
import { isGroup, path } from "./values.ts";

/** An API route to read. */
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
    error: "a HEAD request has no content in its answer: use method: GET, or check answerHeaders",
    params: { ...withCode("EA1016") },
    when: isGroup,
  });
