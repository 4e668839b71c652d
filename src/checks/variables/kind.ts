import { regularExpression, timeLimit, variableName } from "../../config/values.ts";
import { once } from "../../lib/once.ts";
import { z } from "../../lib/zod.ts";
import type { CheckKind } from "../kind.ts";

const variableSchema = once(() =>
  z.strictObject({
    name: variableName().meta({ description: "Name of the variable." }),
    matches: regularExpression().optional().meta({ description: "Regular expression that the whole value must match." }),
    minimumLength: z
      .int()
      .min(1)
      .optional()
      .meta({ description: "Minimum number of characters. A secret of four letters, for example, is not secure." }),
    validFor: timeLimit.optional().meta({
      description:
        "Minimum remaining lifetime of a JSON Web Token. A token that expires sooner is a warning; an expired token always fails.",
    }),
  }),
);

const schema = once(() =>
  z
    .array(z.union([variableName(), variableSchema()]))
    .default([])
    .meta({ description: "Environment variables that must be set. A well-known default value is not accepted." }),
);

/** Environment variables that must be set, and the expiry of the reader token. */
export const variables: CheckKind<ReturnType<typeof schema>> = {
  schema,
  stages: ["preflight", "smoke"],
  dependsOn: [],
  critical: [],
  always: true,
  load: () => import("./check.ts"),
};
