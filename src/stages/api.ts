import type { ApiPorts } from "../checks/api/client.ts";
import type { RouteGuard } from "../checks/api/route-guard.ts";
import type { Pace } from "../checks/pace.ts";
import type { SocketPorts } from "../checks/websocket/check.ts";
import { knownToWrite } from "../config/routes.ts";
import type { StageContext } from "./context.ts";
import { rememberSignIn } from "./sign-ins.ts";

/** How the environment's API is asked; `undefined` where it has none. */
export function apiPorts(context: StageContext, pace?: Pace): ApiPorts | undefined {
  const { api, token, redis, access } = context.environment;
  if (!api) return undefined;
  return {
    url: api.url,
    headers: api.headers,
    signal: context.signal,
    ...guarded(context),
    timeoutMs: api.timeout,
    onSecret: context.secrets.add,
    ...(pace ? { pace } : {}),
    ...(redis && access === "test-data" ? { onSignIn: (made) => rememberSignIn(context, made) } : {}),
    ...(token ? { token: () => Promise.resolve(token.reveal()) } : {}),
  };
}

export function socketPorts(context: StageContext, pace?: Pace): SocketPorts {
  const { api, websocket } = context.environment;
  return {
    url: websocket?.url ?? api?.url ?? "",
    path: websocket?.path ?? "/socket.io/",
    headers: api?.headers ?? {},
    signal: context.signal,
    ...guarded(context),
    ...(pace ? { pace } : {}),
  };
}

/** Also where there is no API: a WebSocket begins with a GET. */
function guarded({ environment: { access, api } }: StageContext): { readOnly?: RouteGuard } {
  if (access !== "read-only") return {};
  return { readOnly: { writes: api?.writes ?? knownToWrite, emptyPosts: api?.emptyPosts ?? [] } };
}
