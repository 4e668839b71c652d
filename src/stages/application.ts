import { checkAuth, type MintedToken, mintToken } from "../checks/auth.ts";
import { checkConnection, peerOf } from "../checks/connection.ts";
import { endpointIds } from "../checks/endpoint-ids.ts";
import { checkEndpoint } from "../checks/http.ts";
import { checkDiscovery, checkOauth } from "../checks/oauth.ts";
import { Pace } from "../checks/pace.ts";
import { checkNamespace, checkPlainSocket, checkWrongToken, namespaceIds, plainIds } from "../checks/websocket.ts";
import type { Endpoint } from "../config/schema.ts";
import type { Check } from "../model.ts";
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
  if (!api) return [];
  const { auth, oauth, websocket, ...environment } = context.environment;
  const minted = signsIn && auth?.enabled && auth.secret ? mintOnce(context, () => mintToken(api, auth)) : undefined;
  const token = minted?.then((made) => made.token);
  // Every check that needs the token sees the failure; where none does, it must not end the process.
  token?.catch(() => undefined);
  const ports = token ? { ...api, token } : api;
  const sockets = socketPorts(context, pace);
  const sampling = { samples: environment.api?.samples ?? 1, apiP95: limits.apiP95, quiet };
  const checkEndpoints = (group: string, endpoints: readonly Endpoint[]) => {
    const ids = endpointIds(group, endpoints, [connectionId]);
    return endpoints.map((endpoint, index) => checkEndpoint(ports, endpoint, sampling, ids[index] ?? group));
  };
  const plain = websocket?.plain ?? [];
  const plainSocketIds = plainIds(plain);
  const namespaces = websocket?.namespaces ?? [];
  const idsOfNamespaces = namespaceIds(namespaces);
  const { certificateDays, websocketConnect } = limits;
  return [
    checkConnection(
      connectionId,
      "Connection to the API",
      peerOf(api.url),
      { leastDays: certificateDays, http: environment.api?.http2 ? "HTTP/2" : "any" },
      context.signal,
    ),
    ...(auth && (signsIn || !auth.enabled) ? [checkAuth(ports, auth, minted, context.secrets.add)] : []),
    ...checkEndpoints("api", environment.api?.endpoints ?? []),
    ...(signsIn ? [] : checkEndpoints("analytics", environment.analytics)),
    ...namespaces.flatMap((name, index) => [
      checkNamespace(sockets, name, websocketConnect, token, idsOfNamespaces[index]),
      checkWrongToken(sockets, name, websocketConnect, idsOfNamespaces[index]),
    ]),
    ...plain.map((socket, index) => checkPlainSocket(sockets, socket, websocketConnect, plainSocketIds[index])),
    ...(oauth ? [checkOauth(api, oauth)] : []),
    ...(oauth?.discovery === undefined ? [] : [checkDiscovery(api, oauth.discovery)]),
  ];
}

interface ApplicationLimits {
  apiP95: number;
  websocketConnect: number;
  certificateDays: number;
  requestsPerSecond: number;
  retryAfter: number;
}

/** A minted token is a secret from the moment it exists. */
function mintOnce(context: StageContext, mint: () => Promise<MintedToken>): Promise<MintedToken> {
  const minted = mint().then((made) => {
    context.secrets.add(made.token);
    return made;
  });
  minted.catch(() => undefined);
  return minted;
}
