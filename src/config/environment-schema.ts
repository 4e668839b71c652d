import { once } from "../lib/once.ts";
import { z } from "../lib/zod.ts";
import { withCode } from "./mistakes.ts";
import { bearerToken, handlings } from "./secret.ts";
import { command, name, timeLimit } from "./values.ts";

/** The keys of an environment that are no kind of check and no group of their own. */

export const environmentsDescription = { description: "The environments, by name." };

export const accessSchema = z.enum(["read-only", "test-data"]).meta({
  description:
    "`read-only`: the clients of env-actions send no writes. `test-data`: env-actions may create and delete test data.",
});

export const promotedFromSchema = name.optional().meta({
  description:
    "Environment whose evidence smoke accepts in this environment: that of e2e, or of the last stage before smoke that is not left out.",
});

/** GitHub allows any characters, up to 255. */
export const deployedAsSchema = z.string().min(1).max(255).optional().meta({
  description:
    "The name of this environment in GitHub's deployments, if it has another one there. Smoke follows only deployments to it; GitHub ignores the case.",
});

const tokenCommand = once(() =>
  z.strictObject({
    command: command.meta({
      description:
        "Command that the shell runs in the workspace. It prints the token, and nothing else. What it prints is hidden everywhere and never logged.",
    }),
    timeout: timeLimit.prefault("30s").meta({ description: "Time limit for the command." }),
  }),
);

export const tokenSchema = once(() =>
  z
    .union([bearerToken("API_TOKEN"), tokenCommand()], {
      error: "expected a reference such as ${API_TOKEN}, or command: … for a command that prints the token",
    })
    // Also for the text itself: it is found by the path of this key.
    .register(handlings, { handling: "secret" })
    .optional()
    .meta({
      description:
        "Bearer token for reading, for environments where test tokens cannot be minted: a reference to a variable, or a command that prints one. The command runs again after the first 401, or shortly before the token expires if it is a JWT that says so.",
    }),
);

export const variablesSchema = z
  .record(z.string(), z.string())
  .default({})
  .meta({ description: "Environment variables for test commands and servers." });

/** Requires the expected host wherever test data is written. Runs even if other keys are invalid. */
export function demandIdentity(
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
        message: "test data is written here: add expect: { host: … } with the host that it must be",
        params: { ...withCode("EA2003") },
      });
  }
}
