import { once } from "../lib/once.ts";
import { z } from "../lib/zod.ts";
import { baselineSchema } from "./baseline-schema.ts";
import { compareSchema } from "./compare-schema.ts";
import { orLeftOut } from "./left-out.ts";
import { retries, score } from "./score-schema.ts";
import { budgetDescription, duration, percent, timeLimit } from "./values.ts";

/** The settings of the stages that run no tests. */

/** Limits that preflight and smoke apply to the connections. */
const limits = {
  sqlP95: duration.prefault("100ms").meta({ description: "Limit for the P95 latency of SQL statements. Slower is a warning." }),
  apiP95: duration.prefault("500ms").meta({ description: "Limit for the P95 latency of API requests. Slower is a failure." }),
  websocketConnect: duration
    .prefault("2s")
    .meta({ description: "Time limit for connecting to the WebSocket. Slower is a failure." }),
  redisHitRate: percent().prefault("70%").meta({ description: "Minimum hit rate of Redis. Lower is a warning." }),
  redisMemory: percent().prefault("90%").meta({ description: "Maximum share of Redis `maxmemory` in use. More is a warning." }),
  redisLag: duration
    .prefault("10s")
    .meta({ description: "Maximum time since a Redis replica last heard from its master. Longer is a warning." }),
  certificateDays: z.int().min(0).default(14).meta({
    description: "Minimum number of days until a certificate expires. Fewer days are a warning; an expired certificate fails.",
  }),
  tokenDays: z
    .int()
    .min(0)
    .default(7)
    .meta({ description: "Minimum number of days until a Databricks personal access token expires. Fewer days are a warning." }),
  requestsPerSecond: z.number().min(0.1).max(1_000).default(60).meta({
    description: "Maximum number of requests per second that all checks of the stage together send to the application.",
  }),
  retryAfter: timeLimit.prefault("10s").meta({
    description:
      "Longest wait if the API limits the rate (`Retry-After`). If the API requires a longer wait, no more requests are sent to it.",
  }),
  baseline: baselineSchema.optional().meta({
    description:
      "Compares latencies with the last passing runs of the same environment. They are in the history (`history.store`).",
  }),
  compare: compareSchema.optional().meta({
    description:
      "Compares latencies with those of another environment, by the runs that the history has of both. See docs/guides/compare.md.",
  }),
};

export const preflightSchema = z
  .strictObject({
    budget: timeLimit.prefault("2m").meta(budgetDescription),
    sweep: z.boolean().default(false).meta({
      description:
        "Deletes test data of unfinished runs that is older than `testData.expireAfter`. If `false`, such data is only a warning.",
    }),
    ...limits,
    score,
    retries,
  })
  .prefault({})
  .meta({ description: "Checks whether the environment is ready for tests." });

const smoke = () =>
  z.strictObject({
    budget: timeLimit.prefault("5m").meta(budgetDescription),
    follows: z.enum(["evidence", "nothing"]).default("evidence").meta({
      description:
        "What smoke needs before it starts. `evidence`: passed evidence of the stage before it, or a deployment that succeeded. `nothing`: neither, for a scheduled watch or a look from a terminal. Then the report says that it is not proven that the deployed version was tested. A named deployment is verified all the same.",
    }),
    ...limits,
    score,
    retries,
  });

export const smokeSchema = once(() =>
  orLeftOut(smoke()).prefault({}).meta({
    description:
      "Checks whether the deployed application works. Only reads. `false`: nothing is deployed from here, and the gate leaves the stage out.",
  }),
);

export const cleanupSchema = once(() =>
  z
    .strictObject({ budget: timeLimit.prefault("2m").meta(budgetDescription) })
    .prefault({})
    .meta({ description: "Deletes test data and verifies that it is gone." }),
);
