import { checkAuth, mintToken } from "../checks/auth.ts";
import { checkConnection, peerOf } from "../checks/connection.ts";
import { endpointIds } from "../checks/endpoint-ids.ts";
import { checkEndpoint } from "../checks/http.ts";
import { checkDiscovery, checkOauth } from "../checks/oauth.ts";
import { Pace } from "../checks/pace.ts";
import { type Shared, shared } from "../checks/retry.ts";
import { checkNamespace, checkPlainSocket, checkWrongToken, namespaceIds, plainIds } from "../checks/websocket.ts";
import type { Endpoint } from "../config/schema.ts";
import type { Check } from "../model/report.ts";
import { apiPorts, socketPorts } from "./api.ts";
import type { StageContext } from "./context.ts";

/** Of the check that stands beside those of the endpoints. */
const connectionId = "api.connection";

type Checking = Promise<Check | Check[]>;

/**
 * Everything that is asked of the running application, all at once and at one pace.
 * @param signsIn whether test tokens may be minted and used; otherwise routes must refuse, and that is the proof of life
 * @param quiet resolves when what else the stage looks at has been looked at
 */
export function checkApplication(
  context: StageContext,
  limits: ApplicationLimits,
  signsIn: boolean,
  quiet: Promise<unknown>,
): Checking[] {
  const pace = new Pace({ requestsPerSecond: limits.requestsPerSecond, longestPauseMs: limits.retryAfter });
  const api = apiPorts(context, pace);
  // A WebSocket may stand alone, at an address of its own.
  if (!api) return checkSockets(context, pace, limits, undefined);
  const { auth, oauth, ...environment } = context.environment;
  const minted = signsIn && auth?.enabled && auth.secret ? shared(() => mintToken(api, auth)) : undefined;
  const token = minted && (async () => (await minted()).token);
  const ports = token ? { ...api, token } : api;
  const sampling = { samples: environment.api?.samples ?? 1, apiP95: limits.apiP95, quiet };
  const checkEndpoints = (group: string, endpoints: readonly Endpoint[]) => {
    const ids = endpointIds(group, endpoints, [connectionId]);
    return endpoints.map((endpoint, index) => checkEndpoint(ports, endpoint, sampling, ids[index] ?? group));
  };
  return [
    checkConnection(
      connectionId,
      "Connection to the API",
      peerOf(api.url),
      { leastDays: limits.certificateDays, http: environment.api?.http2 ? "HTTP/2" : "any" },
      context.signal,
    ),
    ...(auth && (signsIn || !auth.enabled) ? [checkAuth(ports, auth, minted)] : []),
    ...checkEndpoints("api", environment.api?.endpoints ?? []),
    ...(signsIn ? [] : checkEndpoints("analytics", environment.analytics)),
    ...checkSockets(context, pace, limits, token),
    ...(oauth ? [checkOauth(api, oauth)] : []),
    ...(oauth?.discovery === undefined ? [] : [checkDiscovery(api, oauth.discovery)]),
  ];
}

function checkSockets(
  context: StageContext,
  pace: Pace,
  { websocketConnect }: ApplicationLimits,
  token: Shared<string> | undefined,
): Checking[] {
  const { websocket } = context.environment;
  if (!websocket) return [];
  const { namespaces, plain } = websocket;
  const sockets = socketPorts(context, pace);
  const [namespaceIdsOf, plainIdsOf] = [namespaceIds(namespaces), plainIds(plain)];
  return [
    ...namespaces.flatMap((name, index) => [
      checkNamespace(sockets, name, websocketConnect, token, namespaceIdsOf[index]),
      checkWrongToken(sockets, name, websocketConnect, namespaceIdsOf[index]),
    ]),
    ...plain.map((socket, index) => checkPlainSocket(sockets, socket, websocketConnect, plainIdsOf[index])),
  ];
}

interface ApplicationLimits {
  apiP95: number;
  websocketConnect: number;
  certificateDays: number;
  requestsPerSecond: number;
  retryAfter: number;
}
