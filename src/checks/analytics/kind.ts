import { figureSchema } from "../../config/assertion.ts";
import { once } from "../../lib/once.ts";
import { z } from "../../lib/zod.ts";
import { endpointWith } from "../api/kind.ts";
import type { CheckKind } from "../kind.ts";

const schema = once(() =>
  z.array(endpointWith(figureSchema())).default([]).meta({ description: "Read-only dashboard routes that smoke reads." }),
);

/** Dashboard routes, which show data that the application computes. */
export const analytics: CheckKind<ReturnType<typeof schema>> = {
  schema,
  stages: ["smoke"],
  dependsOn: ["databricks.connect", "redis.ping"],
  critical: [],
  load: () => import("./check.ts"),
};
