import type { ApiPorts, Pace, RouteGuard } from "../checks/api/client.ts";
import type { SocketPorts } from "../checks/websocket/check.ts";
import { knownToWrite } from "../config/routes.ts";
import type { Readers } from "./connections.ts";
import type { StageContext } from "./context.ts";

/** How to call the environment's API; `undefined` if it has none. */
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
    ...(redis && access === "test-data"
      ? { onSignIn: async (made) => (await import("./sign-ins.ts")).rememberSignIn(context, made) }
      : {}),
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

/** Also without an API, because a WebSocket begins with a GET. */
function guarded({ environment: { access, api } }: StageContext): { readOnly?: RouteGuard } {
  if (access !== "read-only") return {};
  return { readOnly: { writes: api?.writes ?? knownToWrite, emptyPosts: api?.emptyPosts ?? [] } };
}

/** Like `withReaders`, for environments that may have neither a warehouse nor Redis: these load no code for connections. */
export async function withConfiguredReaders<Result>(
  context: StageContext,
  work: (readers: Readers) => Promise<Result>,
): Promise<Result> {
  const { databricks, redis } = context.environment;
  if (!databricks && !redis) return await work({ warehouse: undefined, redis: undefined, wokeIn: () => undefined });
  const { withReaders } = await import("./connections.ts");
  return await withReaders(context, work);
}
