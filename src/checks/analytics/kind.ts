import { once } from "../../lib/once.ts";
import { z } from "../../lib/zod.ts";
import { endpointSchema } from "../api/kind.ts";
import type { CheckKind } from "../kind.ts";

const schema = once(() =>
  z.array(endpointSchema()).default([]).meta({ description: "Read-only dashboard routes that smoke reads." }),
);

/** Dashboard routes, which show data that the application computes. */
export const analytics: CheckKind<ReturnType<typeof schema>> = {
  schema,
  stages: ["smoke"],
  dependsOn: ["databricks.connect", "redis.ping"],
  critical: [],
  load: () => import("./check.ts"),
};
