import { type Attempt, type GaveUp, retry } from "../lib/retry.ts";
import { failureOf, WarehouseFailure } from "./failure.ts";
import { type HttpAnswer, readAuthority, sendRequest } from "./https.ts";
import { fixedToken, type IssuedToken, RenewedTokens, type TokenSource } from "./token-source.ts";

/** The ways to sign in to a workspace, named as in DATABRICKS_AUTH_TYPE. */
export type SignIn =
  /** A personal access token. */
  | { way: "pat"; token: string }
  /** A service principal and its OAuth secret. */
  | { way: "oauth-m2m"; clientId: string; clientSecret: string }
  /** GitHub's id token for the job: no stored secret. */
  | { way: "github-oidc"; clientId?: string; audience?: string };

export interface Workspace {
  /** `host` or `host:port` */
  host: string;
  /** PEM file of a private certificate authority. */
  certificateAuthority?: string;
}

export interface SignInOptions {
  /** The runner's variables, for GitHub's id token. */
  env: IdTokenVariables;
  /** Called with every token before anything else gets it. */
  onSecret: (secret: string) => void;
}

/** Requests nothing until the first token is needed. */
export function tokenSource(signIn: SignIn, workspace: Workspace, options: SignInOptions): TokenSource {
  switch (signIn.way) {
    case "pat":
      return fixedToken(signIn.token);
    case "oauth-m2m":
      return new RenewedTokens(() => withClientSecret(signIn, workspace, options), `${grant} ${ofPrincipal(signIn.clientId)}`);
    case "github-oidc":
      return new RenewedTokens(
        () => withIdToken(signIn, workspace, options),
        `${grant} ${signIn.clientId ? ofPrincipal(signIn.clientId) : "of the principal that the federation policy names"}`,
      );
  }
}

const grant = "The sign-in itself worked. Check the permissions: CAN USE on the warehouse, and access to the workspace,";
const ofPrincipal = (clientId: string) => `of the service principal ${clientId}.`;

function withClientSecret(
  { clientId, clientSecret }: { clientId: string; clientSecret: string },
  workspace: Workspace,
  options: SignInOptions,
): Promise<IssuedToken> {
  const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString("base64");
  for (const secret of [clientSecret, basic]) options.onSecret(secret);
  return issued(workspace, options, {
    headers: { authorization: `Basic ${basic}` },
    form: { grant_type: "client_credentials" },
    secrets: [basic, clientSecret],
    refused: `Check the service principal ${clientId} and its secret (DATABRICKS_CLIENT_ID, DATABRICKS_CLIENT_SECRET): the secret may be expired or deleted, or belong to another workspace.`,
  });
}

async function withIdToken(
  { clientId, audience }: { clientId?: string; audience?: string },
  workspace: Workspace,
  options: SignInOptions,
): Promise<IssuedToken> {
  if (options.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN) options.onSecret(options.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN);
  // GitHub's token is valid for minutes, so each exchange requests a new one.
  const idToken = await gitHubIdToken(audience ?? tokenEndpoint(workspace).href, options.env, patiently);
  options.onSecret(idToken);
  const policy = clientId
    ? `Compare the federation policy of the service principal ${clientId}`
    : "Compare the account's federation policy (a service principal's own policy needs databricks.oidc.clientId)";
  return await issued(workspace, options, {
    headers: {},
    form: {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      subject_token: idToken,
      ...(clientId ? { client_id: clientId } : {}),
    },
    secrets: [idToken],
    refused: `${policy} with the claims of GitHub's token: ${describeClaims(idToken)}.`,
  });
}

function tokenEndpoint({ host }: Workspace): URL {
  return new URL("/oidc/v1/token", `https://${host.replace(/^https:\/\//, "")}`);
}

interface Request {
  headers: Record<string, string>;
  form: Record<string, string>;
  /** Sent values that must not appear in a message. */
  secrets: readonly string[];
  /** The fix if the workspace refuses. */
  refused: string;
}

async function issued(workspace: Workspace, options: SignInOptions, request: Request): Promise<IssuedToken> {
  const url = tokenEndpoint(workspace);
  const authority = await readAuthority(workspace.certificateAuthority);
  const body = new URLSearchParams({ ...request.form, scope: "all-apis" }).toString();
  const headers = { ...request.headers, "content-type": "application/x-www-form-urlencoded", accept: "application/json" };
  const answer = await patiently(`the sign-in at ${url.host}`, (signal) =>
    sendRequest(url, { method: "POST", headers, body, authority, signal }),
  );
  const content = membersOf(answer.text);
  if (answer.status !== 200) throw refusal(url, answer.status, content, request);
  const { access_token: token, expires_in: seconds } = content;
  if (typeof token !== "string" || token === "")
    throw new WarehouseFailure("sign-in", `${url.host} answered the sign-in, but without a token`, { cure: noWorkspace });
  options.onSecret(token);
  // Workspaces state the lifetime; otherwise their default is used.
  const lifetimeMs = typeof seconds === "number" && seconds > 0 ? seconds * 1000 : 3_600_000;
  return { token, lifetimeMs };
}

const noWorkspace = "Check DATABRICKS_HOST: expected the address of the workspace.";

function refusal(url: URL, status: number, content: Record<string, unknown>, { secrets, refused }: Request): WarehouseFailure {
  const said = [content.error, content.error_description ?? content.message].filter((part) => typeof part === "string");
  // Some servers quote what they refuse.
  const why = secrets.reduce((text, secret) => text.replaceAll(secret, "***"), said.join(": ")).slice(0, 300);
  const message = `${url.host} refused the sign-in (HTTP ${status}${why === "" ? "" : `: ${why}`})`;
  return new WarehouseFailure("sign-in", message, { cure: [400, 401, 403].includes(status) ? refused : noWorkspace });
}

function membersOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch (error) {
    // Another server's page: it has no members, and the status is enough.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** For one attempt, and for all of them including pauses. */
const attemptMs = 10_000;
const deadlineMs = 30_000;
const pausesMs = [250, 1000, 2000, 4000];

/** Why there is no usable answer. */
interface Unanswered {
  said: string;
  retryAfterMs?: number | undefined;
  /** Set if nothing was answered. */
  failure?: WarehouseFailure;
}

/** 429 or 5xx. */
class BusyAnswer extends Error {
  readonly answer: HttpAnswer;

  constructor(answer: HttpAnswer) {
    super(`HTTP ${answer.status}`);
    this.answer = answer;
  }
}

/**
 * Retries failures that may be temporary: 429, 5xx and broken connections. Each request creates a new token, so repeating is
 * harmless.
 * @throws WarehouseFailure
 */
async function patiently(what: string, send: (signal: AbortSignal) => Promise<HttpAnswer>): Promise<HttpAnswer> {
  const attempt = async ({ leftMs }: Attempt) => {
    const answer = await answerWithin(Math.min(attemptMs, Math.max(1, leftMs)), send);
    if (answer.status === 429 || answer.status >= 500) throw new BusyAnswer(answer);
    return answer;
  };
  return await retry(attempt, {
    failure: unanswered,
    mayPass: ({ failure }) => failure?.kind !== "unreachable",
    pauseMs: ({ retryAfterMs = 0 }, number) => Math.max(pausesMs[number - 1] ?? 0, retryAfterMs),
    attempts: pausesMs.length + 1,
    withinMs: deadlineMs,
    gaveUp: (end) => signInFailure(what, end),
  });
}

async function unanswered(thrown: unknown): Promise<Unanswered> {
  if (thrown instanceof BusyAnswer) return { said: thrown.message, retryAfterMs: thrown.answer.retryAfterMs };
  const failure = await failureOf(thrown);
  return { said: failure.message, failure };
}

function signInFailure(what: string, { why, failures, last: { said, failure } }: GaveUp<Unanswered>): WarehouseFailure {
  if (why === "refused") return new WarehouseFailure("unreachable", `${what} failed: ${said}`, { cause: failure });
  const times = failures.length === 1 ? "" : ` ${failures.length} times`;
  return new WarehouseFailure("sign-in", `${what} failed${times}; last answer: ${said}`, {
    cure: "Try again later: the server is busy, or the connection to it broke.",
    cause: failure,
  });
}

async function answerWithin(limitMs: number, send: (signal: AbortSignal) => Promise<HttpAnswer>): Promise<HttpAnswer> {
  const signal = AbortSignal.timeout(limitMs);
  try {
    return await send(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new WarehouseFailure("connection-lost", `no answer within ${Math.round(limitMs / 1000)} s`);
  }
}

/** The runner's variables. The first two only exist if the job may request an id token. */
export interface IdTokenVariables {
  readonly ACTIONS_ID_TOKEN_REQUEST_URL?: string | undefined;
  readonly ACTIONS_ID_TOKEN_REQUEST_TOKEN?: string | undefined;
  readonly GITHUB_ACTIONS?: string | undefined;
}

/** Retries until there is an answer, or until the time is up. */
type Patiently = (what: string, send: (signal: AbortSignal) => Promise<HttpAnswer>) => Promise<HttpAnswer>;

const permission =
  "Add the permission to the job: `permissions: { contents: read, id-token: write }`. Pull requests from forks never get it.";

/**
 * GitHub's id token for this job and one audience. It is only sent to the workspace's token endpoint.
 * @throws WarehouseFailure
 */
export async function gitHubIdToken(audience: string, env: IdTokenVariables, patiently: Patiently): Promise<string> {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: address, ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer } = env;
  if (!address || !bearer) throw noIdToken(env.GITHUB_ACTIONS === "true");
  if (!URL.canParse(address))
    throw new WarehouseFailure("sign-in", "the environment variable ACTIONS_ID_TOKEN_REQUEST_URL is not an address", {
      code: "EA3011",
      cure: permission,
    });
  const url = new URL(address);
  url.searchParams.set("audience", audience);
  const headers = { authorization: `Bearer ${bearer}`, accept: "application/json" };
  const answer = await patiently("the request for an id token to GitHub", (signal) =>
    sendRequest(url, { method: "GET", headers, signal }),
  );
  const token = answer.status === 200 ? tokenIn(answer.text) : undefined;
  if (token !== undefined) return token;
  const what = answer.status === 200 ? "answered without a token" : `answered HTTP ${answer.status}`;
  throw new WarehouseFailure("sign-in", `GitHub gave this job no id token: it ${what}`, { code: "EA3011", cure: permission });
}

function noIdToken(onRunner: boolean): WarehouseFailure {
  if (onRunner)
    return new WarehouseFailure("sign-in", "this job has no permission for an id token of GitHub", {
      code: "EA3011",
      cure: permission,
    });
  return new WarehouseFailure("sign-in", "id tokens of GitHub exist only in jobs of GitHub Actions", {
    code: "EA3011",
    cure: "In a terminal, sign in another way: leave databricks.oidc out of the file, set DATABRICKS_AUTH_TYPE: github-oidc in the workflow, and DATABRICKS_TOKEN here.",
  });
}

function tokenIn(text: string): string | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    const value = typeof answer === "object" && answer !== null && "value" in answer ? answer.value : undefined;
    return typeof value === "string" && value !== "" ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The claims that a policy compares: issuer, subject and audience. The token itself is never shown. */
export function describeClaims(token: string): string {
  const claims = claimsOf(token);
  const named = { issuer: claims.iss, subject: claims.sub, audience: claims.aud };
  return Object.entries(named)
    .map(([name, value]) => `${name} ${[value ?? "(none)"].flat().join(", ")}`)
    .join("; ");
}

function claimsOf(token: string): Record<string, unknown> {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
    return typeof claims === "object" && claims !== null ? { ...claims } : {};
  } catch (error) {
    // Not a JWT, so there are no claims to compare.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
