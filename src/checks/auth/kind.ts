import { authSchema } from "../../config/auth-schema.ts";
import type { CheckKind } from "../kind.ts";

const schema = authSchema.optional().meta({ description: "How test tokens are minted and used." });

/** The sign-in for tests: works where it should, and is off elsewhere. */
export const auth: CheckKind<typeof schema> = {
  schema,
  stages: ["preflight", "smoke"],
  dependsOn: ["databricks.connect", "redis.ping"],
  critical: [],
  load: () => import("./check.ts"),
};
