import type { ApiPorts } from "../checks/http.ts";
import type { SocketPorts } from "../checks/websocket.ts";
import type { StageContext } from "./context.ts";

/** How the environment's API is asked; `undefined` where it has none. */
export function apiPorts(context: StageContext): ApiPorts | undefined {
  const { api, token, access } = context.environment;
  if (!api) return undefined;
  return {
    url: api.url,
    headers: api.headers,
    signal: context.signal,
    ...(access === "read-only" ? { readOnly: { writes: api.writes, emptyPosts: api.emptyPosts } } : {}),
    ...(token ? { token: Promise.resolve(token.reveal()) } : {}),
  };
}

export function socketPorts(context: StageContext): SocketPorts {
  const { api, websocket } = context.environment;
  return {
    url: websocket?.url ?? api?.url ?? "",
    path: websocket?.path ?? "/socket.io/",
    headers: api?.headers ?? {},
    signal: context.signal,
  };
}
