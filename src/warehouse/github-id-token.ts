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
  "Give the job the permission: `permissions: { contents: read, id-token: write }`. A pull request from a fork never gets it.";

/**
 * The token by which GitHub says which job this is, for one audience. It is shown to the workspace's token endpoint and to nobody
 * else. @throws WarehouseFailure
 */
export async function gitHubIdToken(audience: string, env: IdTokenVariables, patiently: Patiently): Promise<string> {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: address, ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer } = env;
  if (!address || !bearer) throw noIdToken(env.GITHUB_ACTIONS === "true");
  if (!URL.canParse(address))
    throw new WarehouseFailure("sign-in", "ACTIONS_ID_TOKEN_REQUEST_URL is no address", { cure: permission });
  const url = new URL(address);
  url.searchParams.set("audience", audience);
  const headers = { authorization: `Bearer ${bearer}`, accept: "application/json" };
  const answer = await patiently("asking GitHub for the job's id token", (signal) =>
    sendRequest(url, { method: "GET", headers, signal }),
  );
  const token = answer.status === 200 ? tokenIn(answer.text) : undefined;
  if (token !== undefined) return token;
  const what = answer.status === 200 ? "answered without a token" : `answered HTTP ${answer.status}`;
  throw new WarehouseFailure("sign-in", `GitHub gave no id token for this job: it ${what}`, { cure: permission });
}

function noIdToken(onRunner: boolean): WarehouseFailure {
  if (onRunner) return new WarehouseFailure("sign-in", "GitHub offers this job no id token", { cure: permission });
  return new WarehouseFailure("sign-in", "there is no id token of GitHub's outside of its jobs", {
    cure: "In a terminal sign in another way: leave databricks.oidc out of the file, and set DATABRICKS_AUTH_TYPE and its variables, github-oidc in the workflow and DATABRICKS_TOKEN here.",
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
