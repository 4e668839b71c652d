import { type Answer, type ApiPorts, Pace, read, withHeaders } from "../../checks/api/client.ts";
import type { Told, ToldGroup } from "../../compare/facts.ts";
import { compareTurns, type Turn, type TurnComparison } from "../../compare/turns.ts";
import { jsonAt } from "../../config/assertion.ts";
import type { Endpoint, Environment } from "../../config/schema.ts";
import { errorText } from "../../lib/error-text.ts";
import { prepareSending } from "../../lib/http/send.ts";
import type { WarehouseAccess } from "../connections.ts";

/** What an API says of itself, and how fast two of them answer when they are asked in turns. */

export interface RequestLimits {
  requestsPerSecond: number;
  /** Milliseconds. */
  retryAfter: number;
}

/** Requests may not write in any environment here, as if each were read-only, and none gets a POST. */
function portsOf({ api }: Pick<Environment, "api">, signal: AbortSignal, limits?: RequestLimits): ApiPorts | undefined {
  if (!api) return undefined;
  return {
    url: api.url,
    headers: api.headers,
    signal,
    readOnly: { writes: api.writes, emptyPosts: [] },
    timeoutMs: api.timeout,
    ...(limits ? { pace: new Pace({ requestsPerSecond: limits.requestsPerSecond, longestPauseMs: limits.retryAfter }) } : {}),
  };
}

const versionPaths = {
  version: ["$.version", "$.data.version", "$.app.version", "$.build.version"],
  commit: ["$.commit", "$.data.commit", "$.build.commit", "$.git.commit"],
};

/** Whatever looks otherwise may be anything. */
const plainVersion = /^[\w.+-]{1,64}$/;

/** Version and commit, as one of the routes says them that need no sign-in. */
export async function apiFacts({ environment }: Pick<WarehouseAccess, "environment">, signal: AbortSignal): Promise<ToldGroup> {
  const ports = portsOf(environment, signal);
  if (!ports) return { group: { absent: true } };
  await prepareSending(ports.url);
  const answers: Answer[] = [];
  const failures: string[] = [];
  for (const endpoint of environment.api?.endpoints ?? [])
    if (isOpen(endpoint))
      await read(ports, endpoint.path, endpoint.method, endpoint.headers).then(
        (answer) => answers.push(answer),
        (error: unknown) => failures.push(errorText(error).split("\n")[0] ?? ""),
      );
  const wrong = answers.find(({ status }) => status >= 400);
  const failure = failures[0] ?? (wrong ? `a route answered HTTP ${wrong.status}` : undefined);
  if (answers.length === 0)
    return { group: { unknown: failure ?? "each of its routes needs a sign-in, and a comparison signs in nowhere" } };
  return Object.fromEntries(
    Object.entries(versionPaths).map(([name, paths]): [string, Told] => [
      name,
      foundIn(answers, paths) ?? (failure === undefined ? { absent: true } : { unknown: failure }),
    ]),
  );
}

function foundIn(answers: readonly Answer[], paths: readonly string[]): Told | undefined {
  for (const { json, status } of answers)
    for (const path of status < 400 ? paths : []) {
      const value = jsonAt(json, path);
      if (typeof value === "string" && plainVersion.test(value)) return { is: value };
    }
  return undefined;
}

function isOpen({ signIn }: Endpoint): boolean {
  return !signIn;
}

export interface RouteComparison {
  /** `GET /health` */
  route: string;
  comparison?: TurnComparison;
  /** Why it was not measured, or not to the end. */
  unknown?: string;
}

/** Enough for 20 medians of three. */
const turnsPerRoute = 60;

type Side = Pick<Environment, "api"> & { name: string };

/** Measures each route that both have, in turns: A, B, then B, A, so that neither always comes after a pause. */
export async function measureInTurns(
  sides: readonly [Side, Side],
  limits: RequestLimits,
  { signal, say, turns = turnsPerRoute }: { signal: AbortSignal; say: (text: string) => void; turns?: number },
): Promise<RouteComparison[] | string> {
  const ports = sides.map((side) => portsOf(side, signal, limits));
  const [a, b] = ports;
  if (!a || !b) return `${sides[a ? 1 : 0].name} has no api`;
  await Promise.all([prepareSending(a.url), prepareSending(b.url)]);
  const found: RouteComparison[] = [];
  for (const [route, endpoints] of commonRoutes(sides)) {
    say(`measuring ${route} in turns`);
    found.push(await measureRoute(route, [a, b], endpoints, sides, turns));
  }
  return found.length > 0 ? found : "they have no route in common that needs no sign-in";
}

function commonRoutes([a, b]: readonly [Side, Side]): [route: string, endpoints: readonly [Endpoint, Endpoint]][] {
  const open = ({ api }: Side) => (api?.endpoints ?? []).filter(isOpen);
  return open(a).flatMap((endpoint): [string, readonly [Endpoint, Endpoint]][] => {
    const other = open(b).find(({ path, method }) => path === endpoint.path && method === endpoint.method);
    return other ? [[`${endpoint.method} ${endpoint.path}`, [endpoint, other]]] : [];
  });
}

async function measureRoute(
  route: string,
  ports: readonly [ApiPorts, ApiPorts],
  endpoints: readonly [Endpoint, Endpoint],
  sides: readonly [Side, Side],
  turns: number,
): Promise<RouteComparison> {
  const measured: Turn[] = [];
  const ask = async (side: 0 | 1): Promise<number> => {
    const { path, method, headers, status, degradedStatus } = endpoints[side];
    for (;;) {
      const answer = await read(ports[side], path, method, withHeaders(headers, {}));
      if (answer.status === 429 && answer.retryAfterMs !== undefined && ports[side].pace?.pause(answer.retryAfterMs)) continue;
      if (status.includes(answer.status) || degradedStatus.includes(answer.status)) return answer.durationMs;
      throw new Error(answer.status === 429 ? "limits the rate (HTTP 429)" : `answered HTTP ${answer.status}`);
    }
  };
  const named = (side: 0 | 1) =>
    ask(side).catch((error: unknown) => {
      throw new Error(`${sides[side].name}: ${errorText(error).split("\n")[0]}`, { cause: error });
    });
  try {
    // The first request of each warms up.
    for (const side of [0, 1] as const) await named(side);
    for (let turn = 0; turn < turns; turn++) {
      const [first, second] = turn % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const);
      const [one, other] = [await named(first), await named(second)];
      measured.push(first === 0 ? [one, other] : [other, one]);
    }
    return { route, comparison: compareTurns(measured) };
  } catch (error) {
    const unknown = errorText(error);
    return measured.length > 0 ? { route, comparison: compareTurns(measured), unknown } : { route, unknown };
  }
}
