import { WarehouseFailure } from "./failure.ts";
import { type HttpAnswer, sendRequest } from "./https.ts";

/** The runner's variables; the first two are there only where the job may have an id token. */
export interface IdTokenVariables {
  readonly ACTIONS_ID_TOKEN_REQUEST_URL?: string | undefined;
  readonly ACTIONS_ID_TOKEN_REQUEST_TOKEN?: string | undefined;
  readonly GITHUB_ACTIONS?: string | undefined;
}

/** Sends until it is answered, or not worth while any more. */
type Patiently = (what: string, send: (signal: AbortSignal) => Promise<HttpAnswer>) => Promise<HttpAnswer>;

const permission =
  "Add the permission to the job: `permissions: { contents: read, id-token: write }`. Pull requests from forks never get it.";

/**
 * The token by which GitHub says which job this is, for one audience. It is shown to the workspace's token endpoint and to nobody
 * else. @throws WarehouseFailure
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

/** What a policy compares, of a token that is itself never shown: who issued it, about whom, and for whom. */
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
    // No JWT: then it says nothing that could be compared.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
