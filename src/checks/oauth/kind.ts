import { fetchedUrl, path } from "../../config/values.ts";
import { once } from "../../lib/once.ts";
import { z } from "../../lib/zod.ts";
import type { CheckKind } from "../kind.ts";

const settings = once(() =>
  z.strictObject({
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
  }),
);

const schema = once(() => settings().optional().meta({ description: "Checks the sign-in with Google without signing in." }));

/** The sign-in with an identity provider, without signing in. */
export const oauth: CheckKind<ReturnType<typeof schema>> = {
  schema,
  stages: ["preflight", "smoke"],
  dependsOn: ["databricks.connect", "redis.ping"],
  critical: [],
  load: () => import("./check.ts"),
};
