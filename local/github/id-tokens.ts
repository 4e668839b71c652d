import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** One call of the endpoint. */
export interface IdTokenRequest {
  audience: string | null;
  /** Of the answer. */
  status: number;
}

export interface IdTokens {
  /** ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN, as the runner passes them to an action. */
  readonly env: { ACTIONS_ID_TOKEN_REQUEST_URL: string; ACTIONS_ID_TOKEN_REQUEST_TOKEN: string };
  readonly requests: readonly IdTokenRequest[];
  /** Every issued token. */
  readonly tokens: readonly string[];
  /** Statuses for the next calls, one each. */
  readonly refuse: number[];
  stop(): Promise<void>;
}

export const gitHubIssuer = "https://token.actions.githubusercontent.com";

/**
 * The endpoint that gives a runner's job its id token: it checks the job's bearer token and puts the requested audience into the
 * id token. The token is not signed, because nothing here could check it.
 */
export async function startIdTokens(subject: string): Promise<IdTokens> {
  const bearer = `request-${randomBytes(24).toString("base64url")}`;
  const requests: IdTokenRequest[] = [];
  const tokens: string[] = [];
  const refuse: number[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const audience = url.searchParams.get("audience");
    const authorized = request.headers.authorization === `Bearer ${bearer}`;
    const known = request.method === "GET" && url.pathname === "/idtoken" && url.searchParams.get("api-version") === "2.0";
    const status = refuse.shift() ?? (!authorized ? 401 : known ? 200 : 404);
    requests.push({ audience, status });
    response.writeHead(status, { "content-type": "application/json" });
    if (status !== 200) return void response.end(JSON.stringify({ message: "refused" }));
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: gitHubIssuer,
      sub: subject,
      aud: audience ?? "https://github.com/classwaves",
      iat: now,
      exp: now + 300,
    };
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const token = `${part({ typ: "JWT", alg: "RS256" })}.${part(claims)}.${randomBytes(32).toString("base64url")}`;
    tokens.push(token);
    response.end(JSON.stringify({ count: token.length, value: token }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    env: {
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/idtoken?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer,
    },
    requests,
    tokens,
    refuse,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
