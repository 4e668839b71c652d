import type { ApiPorts } from "../checks/http.ts";
import type { Pace } from "../checks/pace.ts";
import type { SocketPorts } from "../checks/websocket.ts";
import type { StageContext } from "./context.ts";

/** How the environment's API is asked; `undefined` where it has none. */
export function apiPorts(context: StageContext, pace?: Pace): ApiPorts | undefined {
  const { api, token } = context.environment;
  if (!api) return undefined;
  return {
    url: api.url,
    headers: api.headers,
    signal: context.signal,
    timeoutMs: api.timeout,
    ...(pace ? { pace } : {}),
    ...(token ? { token: Promise.resolve(token.reveal()) } : {}),
  };
}

export function socketPorts(context: StageContext, pace?: Pace): SocketPorts {
  const { api, websocket } = context.environment;
  return {
    url: websocket?.url ?? api?.url ?? "",
    path: websocket?.path ?? "/socket.io/",
    headers: api?.headers ?? {},
    signal: context.signal,
    ...(pace ? { pace } : {}),
  };
}
