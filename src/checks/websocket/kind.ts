import { httpOrigin, path, regularExpression } from "../../config/values.ts";
import { once } from "../../lib/once.ts";
import { z } from "../../lib/zod.ts";
import type { CheckKind } from "../kind.ts";

const plainSocket = once(() =>
  z.strictObject({
    path: path.meta({ description: "Path of the WebSocket, below `websocket.url` or the address of the API." }),
    message: regularExpression()
      .optional()
      .meta({ description: "Regular expression that one of the server's first messages must match." }),
  }),
);

const settings = once(() =>
  z.strictObject({
    url: httpOrigin()
      .optional()
      .meta({ description: "Address of the WebSocket server, without a path. Default: the address of the API." }),
    path: path.default("/socket.io/").meta({ description: "Path at which Socket.IO responds." }),
    namespaces: z
      .array(path)
      .min(1)
      .default(["/sessions", "/guidance"])
      .meta({ description: "Socket.IO namespaces that must respond." }),
    plain: z.array(plainSocket()).default([]).meta({
      description: "WebSockets without Socket.IO. Each one is opened, checked for a message if `message` is set, and closed.",
    }),
  }),
);

const schema = once(() => settings().optional().meta({ description: "The Socket.IO server." }));

/** Socket.IO namespaces and plain WebSockets. */
export const websocket: CheckKind<ReturnType<typeof schema>> = {
  schema,
  stages: ["preflight", "smoke"],
  dependsOn: ["databricks.connect", "redis.ping"],
  critical: [],
  load: () => import("./check.ts"),
};
