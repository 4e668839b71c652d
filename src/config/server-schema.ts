import { z } from "../lib/zod.ts";
import { claimSchema } from "./assertion.ts";
import { withCode } from "./mistakes.ts";
import { command, exactlyOneOf, httpUrl, isGroup, name, port, regularExpression, timeLimit } from "./values.ts";

/** Servers that env-actions starts itself. */

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
      .array(claimSchema())
      .min(1)
      .optional()
      .meta({ description: "Assertions that the JSON response of `url` must satisfy." }),
    tcp: port().optional().meta({ description: "Port that must accept a connection." }),
    log: regularExpression().optional().meta({ description: "Regular expression that a line of output must match." }),
    socketIo: httpUrl.optional().meta({
      description:
        "Address of a Socket.IO server that must complete a handshake. If the address has no path, `/socket.io/` is used.",
    }),
    stableFor: timeLimit.optional().meta({ description: "How long the server must stay ready before it counts as ready." }),
    timeout: timeLimit.prefault("60s").meta({ description: "Time limit for the server to become ready." }),
  })
  .refine(readyKinds.check, readyKinds.params)
  .superRefine(demandSense, { when: isGroup });

/** Rejects keys that have no effect without another key. */
function demandSense(
  ready: { url?: unknown; status?: unknown; json?: unknown; stableFor?: unknown; timeout?: unknown },
  context: z.RefinementCtx,
): void {
  for (const key of ["status", "json"] as const)
    if (ready[key] !== undefined && ready.url === undefined)
      context.addIssue({
        code: "custom",
        path: [key],
        message: "requires url: it describes the answer of that address",
        params: { ...withCode("EA1017") },
      });
  const { stableFor, timeout } = ready;
  if (typeof stableFor === "number" && typeof timeout === "number" && stableFor >= timeout)
    context.addIssue({
      code: "custom",
      path: ["stableFor"],
      message: "expected less than timeout: otherwise the server is never ready in time",
    });
}

const startingStage = z.enum(["preflight", "integration", "e2e", "smoke"]);

export const serverSchema = z.strictObject({
  command,
  workingDirectory: z.string().default(".").meta({ description: "Working directory of the command, relative to the workspace." }),
  port: port()
    .optional()
    .meta({ description: "Port of the server. It must be free before the server starts and after the server stops." }),
  ready: ready.meta({ description: "How to detect that the server is ready." }),
  environment: z
    .record(z.string(), z.string())
    .default({})
    .meta({ description: "Environment variables for this server, in addition to `environments.<name>.environment`." }),
  stages: z
    .array(startingStage)
    .min(1)
    .default(["preflight", "integration", "e2e", "smoke"])
    .meta({ description: "Stages for which the server is started." }),
});

export const serversSchema = z
  .record(name, serverSchema)
  .default({})
  .meta({ description: "Servers that env-actions starts itself (localhost). Leave out servers that are already deployed." });

const task = z.strictObject({
  name: name.meta({ description: "Name of the task, for messages and its log." }),
  command,
  workingDirectory: z.string().default(".").meta({ description: "Working directory of the command, relative to the workspace." }),
  timeout: timeLimit
    .prefault("5m")
    .meta({ description: "Time limit for the task. When it expires, the task is stopped and failed." }),
  environment: z
    .record(z.string(), z.string())
    .default({})
    .meta({ description: "Environment variables for this task, in addition to `environments.<name>.environment`." }),
  stages: z
    .array(startingStage)
    .min(1)
    .default(["preflight", "integration", "e2e"])
    .meta({ description: "Stages in which the task runs. Smoke is not among them unless you list it: most tasks write." }),
});

export const tasksSchema = z
  .array(task)
  .superRefine((tasks, context) => {
    for (const [index, { name }] of tasks.entries())
      if (tasks.findIndex((other) => other.name === name) < index)
        context.addIssue({
          code: "custom",
          path: [index, "name"],
          message: "another task has the same name: give each its own",
          params: { ...withCode("EA1016") },
        });
  })
  .default([])
  .meta({
    description:
      "Commands that run one after the other before the servers start, such as migrations and seeds. If one fails, no server starts, and the stage fails.",
  });
