import { excerpt, jsonAt } from "../../config/assertion.ts";
import type { Environment } from "../../config/schema.ts";
import { isWorthHiding } from "../../lib/redaction/variables.ts";
import { type Answer, type ApiPorts, get, postJson, typeOf, wrongSecret } from "../api/client.ts";
import type { CheckContext } from "../kind.ts";
import { type Finding, type MeasuredCheck, type RunCheck, type RunningCheck, type Shared, skipped } from "../run-check.ts";
import { endOfToken, lastMomentMs } from "./token-end.ts";

type Auth = NonNullable<Environment["auth"]>;

export interface MintedToken {
  token: string;
  /** If the answer has one. */
  refreshToken?: string;
  /** Milliseconds from now, if the answer or the token says. */
  livesMs?: number;
}

/** A token that expires sooner is useless, and would be renewed without end. */
const leastLifeMs = 500;

/** The role to ask for: ClassWaves' usual one, or the first that the configuration has; none if it has none. */
function roleOf({ roles }: Auth): { role?: string } {
  const [first] = Object.keys(roles);
  const role = "teacher" in roles ? "teacher" : first;
  return role === undefined ? {} : { role };
}

/** We looked, and a configured route does not exist: a finding, and no failure to look. */
export class RouteAbsent extends Error {
  override name = "RouteAbsent";
}

/** Mints a test token. @param body is sent along with the secret @throws RouteAbsent, or Error with the route's answer */
export async function mintToken(
  ports: ApiPorts,
  auth: Auth,
  body: Readonly<Record<string, string | number | boolean>> = roleOf(auth),
): Promise<MintedToken> {
  if (!auth.secret) throw new Error("auth.secret is not configured, so no test token can be minted.");
  const answer = await postSignIn(ports, auth.mint, { ...body, secretKey: auth.secret.reveal() });
  const token = accessTokenIn(answer.json);
  if (answer.status < 300 && token !== undefined) {
    const livesMs = lifeTold(answer.json) ?? lifeInside(token);
    if (livesMs !== undefined && livesMs < leastLifeMs)
      throw new Error(
        `${auth.mint} minted a token that ${livesMs === 0 ? "has already expired" : `expires in ${livesMs} ms`}: compare its exp with the clock of this machine.`,
      );
    const refreshToken = refreshTokenIn(answer.json);
    return {
      token,
      ...(refreshToken === undefined ? {} : { refreshToken }),
      ...(livesMs === undefined ? {} : { livesMs }),
    };
  }
  if (absent.includes(answer.status)) throw new RouteAbsent(isAbsent(auth.mint, answer));
  const cures: Record<number, string> = {
    401: "the secret is wrong",
    429: "the API limits the rate of requests",
  };
  throw new Error(
    `${auth.mint} answered ${answer.status}${cures[answer.status] ? ` (${cures[answer.status]})` : ""}: ${answer.status < 300 ? "no accessToken in the response" : excerpt(answer.text)}`,
  );
}

/** Nothing is there that a POST could reach. */
const absent: readonly number[] = [404, 405, 410];

function isAbsent(route: string, { status }: Answer): string {
  return `${route} answered ${status}: there is no such route, or it is disabled. Correct auth.mint, or write auth: { enabled: false } if no test tokens may be minted here.`;
}

/** Calls a route whose answer may be a sign-in. The session is recorded before anything else can fail. */
async function postSignIn(ports: ApiPorts, route: string, body: object): Promise<Answer> {
  let answer: Answer;
  try {
    answer = await postJson(ports, route, body);
  } catch (error) {
    // Aborted by us or lost on the way: the server may have continued.
    if (ports.signal.aborted || mayHaveArrived(error)) await ports.onSignIn?.({ route, unanswered: true });
    throw error;
  }
  tellSecrets(ports, answer);
  await noteSignIn(ports, route, answer);
  return answer;
}

/** Any answer that contains a token is a sign-in. */
async function noteSignIn(ports: ApiPorts, route: string, { status, json }: Answer): Promise<void> {
  if (!isSignIn({ status, json })) return;
  const sessionId = sessionIn(json);
  await ports.onSignIn?.({ route, ...(sessionId === undefined ? {} : { sessionId }) });
}

function isSignIn({ status, json }: Pick<Answer, "status" | "json">): boolean {
  return status < 300 && accessTokenIn(json) !== undefined;
}

/** Must come first, because anything else could show them. */
function tellSecrets(ports: ApiPorts, answer: Answer): void {
  if (isSignIn(answer)) for (const secret of secretsIn(answer.json, answer.headers.getSetCookie())) ports.onSecret?.(secret);
}

/** Errors of connections over which a request may have been sent. Without a connection, nothing arrived. */
const broken: ReadonlySet<unknown> = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "UND_ERR_SOCKET"]);

function mayHaveArrived(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && (cause.name === "TimeoutError" || broken.has((cause as NodeJS.ErrnoException).code));
}

function lifeTold(answer: unknown): number | undefined {
  const seconds = jsonAt(answer, "$.tokens.expiresIn") ?? jsonAt(answer, "$.expiresIn");
  if (typeof seconds !== "number" || !(seconds > 0)) return undefined;
  return Date.now() + seconds * 1000 <= lastMomentMs ? seconds * 1000 : undefined;
}

function lifeInside(token: string): number | undefined {
  const end = endOfToken(token);
  return end === undefined ? undefined : Math.max(0, end - Date.now());
}

/** If signing in is not allowed, only the mint route being off can be checked. */
export function run({ check, api, stage, signIn }: CheckContext, auth: Auth): RunningCheck[] {
  if (!api || (stage === "smoke" && auth.enabled)) return [];
  return [checkAuth(check, api, auth, signIn?.minted)];
}

/** Checks that auth works: it mints a token, accepts and renews it, and refuses a wrong secret. */
export async function checkAuth(
  check: RunCheck,
  ports: ApiPorts,
  auth: Auth,
  minted: Shared<MintedToken> | undefined,
): Promise<MeasuredCheck[]> {
  if (!auth.enabled) return [await checkMintIsOff(check, ports, auth)];
  if (!minted) return [skipped("auth.mint", "Auth: mint a test token", "auth.secret is not configured")];
  return await Promise.all([
    check("auth.mint", "Auth: mint a test token and use it", async (attempt) => {
      const token = await minted(attempt).then(({ token }) => token, absentRoute);
      if (typeof token !== "string") return token;
      const answer = await get(ports, auth.use, { authorization: `Bearer ${token}` });
      return judgeUse(auth.use, answer, "minted");
    }),
    ...(auth.refresh === undefined ? [] : [checkRefresh(check, ports, { ...auth, refresh: auth.refresh }, minted)]),
    check(
      "auth.wrong-secret",
      "Auth: a wrong secret is refused",
      async () => {
        const answer = await postSignIn(ports, auth.mint, { ...roleOf(auth), ...wrongSecret(auth.secret?.reveal()) });
        const expected = "HTTP 401 or 403";
        if (answer.status === 401 || answer.status === 403)
          return { verdict: "passed", observed: `HTTP ${answer.status}`, expected };
        if (absent.includes(answer.status))
          return {
            verdict: "failed",
            observed: `HTTP ${answer.status}`,
            expected,
            message: isAbsent(auth.mint, answer),
            cause: "auth.mint",
          };
        if (answer.status < 300)
          return {
            verdict: "failed",
            observed: `HTTP ${answer.status}`,
            expected,
            message: "Anybody can mint tokens: the route does not check its secret.",
          };
        return {
          verdict: "error",
          observed: `HTTP ${answer.status}`,
          expected,
          message: `Unexpected response: ${excerpt(answer.text)}`,
        };
      },
      { independent: true },
    ),
  ]);
}

function absentRoute(error: unknown): Finding {
  if (!(error instanceof RouteAbsent)) throw error;
  return { verdict: "failed", expected: "a token", message: error.message, independent: true };
}

/** A test run outlives a token, so a refreshed one must be accepted as well. */
function checkRefresh(
  check: RunCheck,
  ports: ApiPorts,
  auth: { refresh: string; use: string },
  minted: Shared<MintedToken>,
): Promise<MeasuredCheck> {
  return check("auth.refresh", "Auth: refresh a token and use it", async (attempt) => {
    const refreshToken = await minted(attempt).then(({ refreshToken }) => refreshToken, absentRoute);
    if (typeof refreshToken === "object") return { ...refreshToken, cause: "auth.mint" };
    if (refreshToken === undefined)
      return {
        verdict: "failed",
        observed: "no refreshToken was minted",
        message: "The mint route returned no refreshToken, so tokens cannot be renewed.",
      };
    const answer = await postJson(ports, auth.refresh, { refreshToken });
    tellSecrets(ports, answer);
    const token = accessTokenIn(answer.json);
    // Usually the session that was minted; if the answer names another, that one is ours too.
    if (sessionIn(answer.json) !== undefined) await noteSignIn(ports, auth.refresh, answer);
    if (answer.status === 429) return rateLimited;
    if (answer.status >= 300 || token === undefined)
      return {
        verdict: "failed",
        observed: `HTTP ${answer.status}`,
        expected: "a new accessToken",
        message: `${auth.refresh} gave no new token${answer.status < 300 ? "" : `: ${excerpt(answer.text)}`}.`,
      };
    const used = await get(ports, auth.use, { authorization: `Bearer ${token}` });
    return judgeUse(auth.use, used, "refreshed");
  });
}

const rateLimited: Finding = {
  verdict: "error",
  observed: "429, rate limited",
  message: "Rate limited by the API, so the result is unknown.",
};

function judgeUse(route: string, answer: Answer, made: "minted" | "refreshed"): Finding {
  if (answer.status === 200) return { verdict: "passed", observed: `${made}, and ${route} accepts it` };
  if (answer.status === 429) return rateLimited;
  return {
    verdict: "failed",
    observed: `${route} answered ${answer.status}`,
    expected: "HTTP 200",
    message: `The token was ${made}, but is not accepted: ${excerpt(answer.text)}`,
  };
}

/**
 * In production, a route that mints tokens is a security hole. It is called with a secret that is certainly wrong: a route that is
 * off answers as if it did not exist, and one that is on refuses the secret. Without a secret, many routes answer 400 either way.
 */
function checkMintIsOff(check: RunCheck, ports: ApiPorts, auth: Auth): Promise<MeasuredCheck> {
  return check(
    "auth.mint-off",
    "Auth: test tokens are off",
    async () => {
      const answer = await postSignIn(ports, auth.mint, wrongSecret(auth.secret?.reveal()));
      return { observed: `HTTP ${answer.status}`, expected: "HTTP 404", ...judgeOff(auth.mint, answer) };
    },
    { independent: true },
  );
}

/** What each answer to a wrong secret proves. */
function judgeOff(route: string, answer: Answer): Pick<Finding, "verdict" | "message"> {
  const { status } = answer;
  const unknown = (why: string) => ({ verdict: "error" as const, message: `${whetherOff} ${why}: ${excerpt(answer.text)}` });
  if (absent.includes(status)) return { verdict: "passed" };
  if (accessTokenIn(answer.json) !== undefined && status < 300)
    return { verdict: "failed", message: `${route} issued a token for a wrong secret: anybody can sign in as any user.` };
  if (status === 401)
    return {
      verdict: "failed",
      message: `${route} is enabled here: anyone who knows or guesses the secret can sign in as any user.`,
    };
  if (status < 300)
    return /^text\/html\b/i.test(typeOf(answer))
      ? unknown("A page was returned, so it may not be the API that answers")
      : { verdict: "failed", message: `${route} is enabled here: it accepted a wrong secret, and returned no token.` };
  if (status < 400) return unknown("It redirects, and redirects are not followed");
  if (status === 403) return unknown("The request was refused, by the route or by something in front of it");
  if (status === 429) return unknown("Rate limited by the API");
  if (status < 500) return unknown("The request was refused before its secret was compared");
  return unknown("The API could not answer");
}

const whetherOff = "Whether the route is disabled could not be told.";

/** A sign-in by the suite itself, as far as the answer shows. */
export interface SignInMade {
  /** The route that was called. */
  route: string;
  /** The session id in the application's keys. */
  sessionId?: string;
  /** No answer, but the request may have arrived, so the sign-in may exist. */
  unanswered?: true;
}

/** Records a sign-in before it is used. */
export type OnSignIn = (made: SignInMade) => Promise<void>;

const places = ["$.sessionId", "$.data.sessionId", "$.session.id", "$.tokens.sessionId"];

/** The session id in an answer. */
export function sessionIn(answer: unknown): string | undefined {
  for (const place of places) {
    const id = jsonAt(answer, place);
    if (typeof id === "string" && id !== "") return id;
  }
  return undefined;
}

/** The access token in an answer, which makes it a sign-in. */
export function accessTokenIn(answer: unknown): string | undefined {
  const token = jsonAt(answer, "$.tokens.accessToken") ?? jsonAt(answer, "$.accessToken");
  return typeof token === "string" && token !== "" ? token : undefined;
}

/** The refresh token in an answer. */
export function refreshTokenIn(answer: unknown): string | undefined {
  const token = jsonAt(answer, "$.tokens.refreshToken") ?? jsonAt(answer, "$.refreshToken");
  return typeof token === "string" && token !== "" ? token : undefined;
}

/** A shorter id can be guessed, so it cannot protect anything, and it also occurs in other texts. */
const shortestSessionId = 16;

/**
 * The secret part of a session id; knowing it may be enough to use the session. Many APIs begin it with the test's name, which is
 * printed everywhere.
 */
export function secretOfSession(id: string): string | undefined {
  const own = id.replace(/^.*\d{13}_[0-9a-f]{8}[^A-Za-z0-9]*/s, "");
  return own.length >= shortestSessionId && isWorthHiding(own) ? own : undefined;
}

/** Everything that lets somebody else use the sign-in. @param cookies as set by the answer */
export function secretsIn(answer: unknown, cookies: readonly string[]): string[] {
  const values = cookies.map((cookie) => /^[^=;]*=([^;]*)/.exec(cookie)?.[1]?.trim() ?? "");
  const ids = [sessionIn(answer) ?? "", ...values].map(secretOfSession);
  return [accessTokenIn(answer), refreshTokenIn(answer), ...ids].filter((secret) => secret !== undefined);
}
