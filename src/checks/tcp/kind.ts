import { port, timeLimit } from "../../config/values.ts";
import { once } from "../../lib/once.ts";
import { z } from "../../lib/zod.ts";
import type { CheckKind } from "../kind.ts";

const server = once(() =>
  z.strictObject({
    name: z.string().min(1).meta({ description: "Display name." }),
    host: z.string().min(1).meta({ description: "Host name or IP address." }),
    port: port().meta({ description: "Port that must accept a connection." }),
    within: timeLimit.prefault("2s").meta({ description: "Time limit for the connection. Slower is a failure." }),
  }),
);

const schema = once(() =>
  z.array(server()).default([]).meta({
    description: "Servers that must accept a TCP connection, such as a mail server. Nothing is sent to them.",
  }),
);

/** Servers that can be reached: all that can be checked without knowing their protocol. */
export const tcp: CheckKind<ReturnType<typeof schema>> = {
  schema,
  stages: ["preflight", "smoke"],
  dependsOn: [],
  critical: [],
  load: () => import("./check.ts"),
};
