import { randomBytes } from "node:crypto";
import type { Faults } from "./faults.ts";
import type { Principal } from "./principals.ts";
import type { Caller } from "./thrift-service.ts";

/** Who may exchange which foreign token (such as GitHub's) for one of this warehouse. All given members must match its claims. */
export interface FederationPolicy {
  issuer: string;
  audience: string;
  subject: string;
  /** The principal whose rights the exchanged token has. */
  user: string;
  /** The service principal's id; if set, the request must name it. */
  clientId?: string;
}

export interface OAuthClients {
  [clientId: string]: { secret: string; user: string };
}

export type TokenAnswer =
  | { status: 200; body: { access_token: string; token_type: "Bearer"; expires_in: number; scope: string } }
  | { status: 400 | 401 | 429 | 500 | 503; body: { error: string; error_description: string } };

/** One call of the token endpoint as received. Secrets are not kept, only whether they were sent. */
export interface TokenRequest {
  /** Unix milliseconds. */
  at: number;
  grant: string;
  scope: string;
  clientId: string | undefined;
  /** The claims of the foreign token to exchange. */
  claims: Record<string, unknown> | undefined;
  /** The status of the answer; 0 if the socket was cut. */
  status: number;
  /** The lifetime of the issued token. */
  lifetimeSeconds?: number;
}

/** All bearer tokens: those from the options, and those that the warehouse issued. */
export class Tokens {
  readonly #callers = new Map<string, Caller>();
  readonly #expiries = new Map<string, number>();
  readonly #statements = new Map<string, number>();
  readonly #clients: OAuthClients;
  readonly #policies: readonly FederationPolicy[];
  readonly #faults: Pick<Faults, "tokenLifetimeSeconds">;
  /** Every call of the token endpoint, oldest first. */
  readonly requests: TokenRequest[] = [];

  constructor(
    principals: Readonly<Record<string, Principal>>,
    clients: OAuthClients,
    policies: readonly FederationPolicy[],
    faults: Pick<Faults, "tokenLifetimeSeconds">,
  ) {
    this.#faults = faults;
    for (const [token, principal] of Object.entries(principals)) this.#callers.set(token, { token, principal });
    this.#clients = clients;
    this.#policies = policies;
  }

  /** Who a token belongs to; undefined if it is unknown, expired or used up (`statements` is the fault's limit). */
  caller(token: string, statements: number | undefined): Caller | undefined {
    if ((this.#expiries.get(token) ?? Number.POSITIVE_INFINITY) <= Date.now()) return undefined;
    if (statements !== undefined && (this.#statements.get(token) ?? 0) >= statements) return undefined;
    return this.#callers.get(token);
  }

  countStatement(token: string): void {
    this.#statements.set(token, (this.#statements.get(token) ?? 0) + 1);
  }

  /** Revokes every issued token, as an administrator can. */
  revoke(): void {
    for (const token of this.#expiries.keys()) this.#callers.delete(token);
  }

  /** Records a call of the token endpoint; the status is added when it is answered. */
  note(form: URLSearchParams, authorization: string | undefined): TokenRequest {
    const request: TokenRequest = {
      at: Date.now(),
      grant: form.get("grant_type") ?? "",
      scope: form.get("scope") ?? "",
      clientId: basicCredentials(authorization)?.[0] ?? form.get("client_id") ?? undefined,
      claims: claimsOf(form.get("subject_token") ?? ""),
      status: 0,
    };
    this.requests.push(request);
    return request;
  }

  /** `POST /oidc/v1/token`: client credentials, or the exchange of a foreign token. */
  grant(form: URLSearchParams, authorization: string | undefined): TokenAnswer {
    switch (form.get("grant_type")) {
      case "client_credentials":
        return this.#clientCredentials(form, authorization);
      case "urn:ietf:params:oauth:grant-type:token-exchange":
        return this.#exchange(form);
      default:
        return refusal(400, "unsupported_grant_type", "Only client_credentials and token-exchange are supported.");
    }
  }

  #clientCredentials(form: URLSearchParams, authorization: string | undefined): TokenAnswer {
    const [id, secret] = basicCredentials(authorization) ?? [form.get("client_id") ?? "", form.get("client_secret") ?? ""];
    const client = Object.hasOwn(this.#clients, id) ? this.#clients[id] : undefined;
    if (!client || client.secret !== secret) return refusal(401, "invalid_client", "Client authentication failed.");
    return this.#issue(client.user, form);
  }

  #exchange(form: URLSearchParams): TokenAnswer {
    if (form.get("subject_token_type") !== "urn:ietf:params:oauth:token-type:jwt")
      return refusal(400, "invalid_request", "subject_token_type must be urn:ietf:params:oauth:token-type:jwt.");
    const claims = claimsOf(form.get("subject_token") ?? "");
    if (!claims) return refusal(400, "invalid_request", "subject_token is not a JWT.");
    if (typeof claims.exp === "number" && claims.exp * 1000 <= Date.now())
      return refusal(401, "invalid_grant", "The subject token has expired.");
    const audiences = Array.isArray(claims.aud) ? claims.aud : [claims.aud];
    const policy = this.#policies.find(
      (candidate) =>
        candidate.issuer === claims.iss &&
        candidate.subject === claims.sub &&
        audiences.includes(candidate.audience) &&
        (candidate.clientId === undefined || candidate.clientId === form.get("client_id")),
    );
    if (!policy)
      return refusal(401, "invalid_grant", "No federation policy matches the issuer, audience and subject of the token.");
    return this.#issue(policy.user, form);
  }

  #issue(user: string, form: URLSearchParams): TokenAnswer {
    if (!(form.get("scope") ?? "").split(" ").includes("all-apis"))
      return refusal(400, "invalid_scope", "scope must be all-apis.");
    const principal = [...this.#callers.values()].find((caller) => caller.principal.user === user)?.principal;
    if (!principal) return refusal(401, "invalid_client", `There is no principal ${user}.`);
    const lifetimeSeconds = this.#faults.tokenLifetimeSeconds;
    const token = `local-oauth-${randomBytes(24).toString("base64url")}`;
    this.#callers.set(token, { token, principal });
    this.#expiries.set(token, Date.now() + lifetimeSeconds * 1000);
    return { status: 200, body: { access_token: token, token_type: "Bearer", expires_in: lifetimeSeconds, scope: "all-apis" } };
  }
}

/** The document under `/oidc/.well-known/…`. */
export function discovery(host: string): Record<string, unknown> {
  const issuer = `https://${host}/oidc`;
  return {
    issuer,
    authorization_endpoint: `${issuer}/v1/authorize`,
    token_endpoint: `${issuer}/v1/token`,
    grant_types_supported: ["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"],
    scopes_supported: ["all-apis"],
    token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
  };
}

function refusal(status: 400 | 401, error: string, description: string): TokenAnswer {
  return { status, body: { error, error_description: description } };
}

function basicCredentials(authorization: string | undefined): [string, string] | undefined {
  const encoded = /^Basic (.+)$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const [id = "", ...secret] = Buffer.from(encoded, "base64").toString("utf8").split(":");
  return [decodeURIComponent(id), decodeURIComponent(secret.join(":"))];
}

/** The signature is not checked, because the issuer's keys are not reachable. */
function claimsOf(token: string): Record<string, unknown> | undefined {
  const parts = token.split(".");
  if (parts.length !== 3) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? "", "base64url").toString("utf8"));
    return typeof claims === "object" && claims !== null ? { ...claims } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
