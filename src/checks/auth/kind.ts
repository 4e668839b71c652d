import { secret } from "../../config/secret.ts";
import { path, variableName } from "../../config/values.ts";
import { once } from "../../lib/once.ts";
import { z } from "../../lib/zod.ts";
import type { CheckKind } from "../kind.ts";

const roleName = once(() =>
  z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/, { error: "expected the name of a role, such as teacher or super_admin" })
    .meta({ description: "Name of a role." }),
);

const bodyValue = once(() => z.union([z.string(), z.number(), z.boolean()], { error: "expected text, a number, true or false" }));

const role = once(() =>
  z.strictObject({
    body: z.record(z.string(), bodyValue()).default({}).meta({
      description:
        "Fields sent to the mint route in addition to `secretKey` and `role`. `{prefix}` is replaced with the prefix of the run's test data.",
    }),
    variable: variableName().optional().meta({
      description: "Environment variable that also receives the token. This copy cannot be renewed while the tests run.",
    }),
  }),
);

export const authSchema = once(() =>
  z.strictObject({
    mint: path.default("/api/v1/auth/generate-test-token").meta({ description: "Route that mints (creates) test tokens." }),
    use: path.default("/api/v1/auth/me").meta({ description: "Route that must accept the minted token." }),
    refresh: path.optional().meta({
      description:
        "Route that returns new tokens for a POST of `{refreshToken}`, such as `/api/v1/auth/refresh`. The route is checked only if this key is set.",
    }),
    secret: secret("TEST_TOKEN_SECRET").optional().meta({ description: "Shared secret of the mint route." }),
    enabled: z
      .boolean()
      .default(true)
      .meta({ description: "Whether test tokens can be minted. `false`: the mint route must be off, as in production." }),
    roles: z.record(roleName(), role()).prefault({ teacher: {} }).meta({
      description:
        "Roles whose tokens are minted before the tests start and renewed while they run. `ENV_ACTIONS_TOKENS` contains the path of the file with the tokens.",
    }),
  }),
);

const schema = once(() => authSchema().optional().meta({ description: "How test tokens are minted and used." }));

/** The sign-in for tests: works where it should, and is off elsewhere. */
export const auth: CheckKind<ReturnType<typeof schema>> = {
  schema,
  stages: ["preflight", "smoke"],
  dependsOn: ["databricks.connect", "redis.ping"],
  critical: [],
  load: () => import("./check.ts"),
};
