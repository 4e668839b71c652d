import { z } from "zod";
import { secret } from "./secret.ts";
import { path, variableName } from "./values.ts";

const roleName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/, { error: "expected the name of a role, such as teacher or super_admin" })
  .meta({ description: "The name of a role." });

const bodyValue = z.union([z.string(), z.number(), z.boolean()], { error: "expected text, a number, true or false" });

const role = z.strictObject({
  body: z.record(z.string(), bodyValue).default({}).meta({
    description: "Sent to the mint route beside secretKey and role; {prefix} becomes the prefix of the run's test data.",
  }),
  variable: variableName
    .optional()
    .meta({ description: "Also hand the token over in this variable; that one cannot be renewed while the tests run." }),
});

export const authSchema = z.strictObject({
  mint: path.default("/api/v1/auth/generate-test-token").meta({ description: "Route that mints test tokens." }),
  use: path.default("/api/v1/auth/me").meta({ description: "Route that must accept the minted token." }),
  refresh: path.optional().meta({
    description: "Route that gives new tokens for {refreshToken}; looked at where it is given, such as /api/v1/auth/refresh.",
  }),
  secret: secret("TEST_TOKEN_SECRET").optional().meta({ description: "The shared secret of the mint route." }),
  enabled: z.boolean().default(true).meta({ description: "false where the mint route must be off, as in production." }),
  roles: z.record(roleName, role).prefault({ teacher: {} }).meta({
    description:
      "Tokens for the tests, minted before they start and renewed while they run: in the file ENV_ACTIONS_TOKENS names.",
  }),
});
