import { WarehouseFailure } from "./failure.ts";
import { type HttpAnswer, sendRequest } from "./https.ts";

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
