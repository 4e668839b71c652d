import type { ApiPorts, RouteGuard } from "../checks/api/client.ts";
import type { SocketPorts } from "../checks/websocket/check.ts";
import { knownToWrite } from "../config/routes.ts";
import type { Readers } from "./connections.ts";
import type { StageContext } from "./context.ts";
import { readerToken } from "./reader-token.ts";

/** What all checks of a stage share. */
export type SharedByChecks = Pick<ApiPorts, "pace" | "origins" | "smoothing">;

/** How to call the environment's API; `undefined` if it has none. */
export function apiPorts(context: StageContext, shared: SharedByChecks = {}): ApiPorts | undefined {
  const { api, redis, access } = context.environment;
  if (!api) return undefined;
  return {
    url: api.url,
    headers: api.headers,
    signal: context.signal,
    ...guarded(context),
    timeoutMs: api.timeout,
    onSecret: context.secrets.add,
    ...shared,
    ...(redis && access === "test-data"
      ? { onSignIn: async (made) => (await import("./sign-ins.ts")).rememberSignIn(context, made) }
      : {}),
    ...readerToken(context),
  };
}

export function socketPorts(context: StageContext, { pace, origins }: SharedByChecks = {}): SocketPorts {
  const { api, websocket } = context.environment;
  return {
    url: websocket?.url ?? api?.url ?? "",
    path: websocket?.path ?? "/socket.io/",
    headers: api?.headers ?? {},
    signal: context.signal,
    ...guarded(context),
    ...(pace ? { pace } : {}),
    ...(origins ? { origins } : {}),
  };
}

/** Also without an API, because a WebSocket begins with a GET. */
function guarded({ environment: { access, api, auth } }: StageContext): { readOnly?: RouteGuard } {
  if (access !== "read-only") return {};
  const mustBeOff = auth && !auth.enabled ? { mustBeOff: auth.mint } : {};
  return { readOnly: { writes: api?.writes ?? knownToWrite, emptyPosts: api?.emptyPosts ?? [], ...mustBeOff } };
}

/** Opens readers of the environment's warehouse and Redis for `work`, and always closes them. Without either, it loads no code for connections. */
export async function withConfiguredReaders<Result>(
  context: StageContext,
  work: (readers: Readers) => Promise<Result>,
): Promise<Result> {
  const { databricks, redis } = context.environment;
  if (!databricks && !redis) return await work({ warehouse: undefined, redis: undefined, wokeIn: () => undefined });
  const { withReaders } = await import("./connections.ts");
  return await withReaders(context, work);
}
