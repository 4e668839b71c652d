import { excerpt, jsonAt } from "../../config/assertion.ts";
import type { Environment } from "../../config/schema.ts";
import { type ApiPorts, get, postNothing } from "../api/client.ts";
import { sessionIn } from "../auth/check.ts";
import type { CheckContext } from "../kind.ts";
import type { MeasuredCheck, RunCheck, RunningCheck } from "../run-check.ts";

type OauthSettings = NonNullable<Environment["oauth"]>;

export function run({ check, api }: CheckContext, oauth: OauthSettings): RunningCheck[] {
  if (!api) return [];
  return [checkOauth(check, api, oauth), ...(oauth.discovery === undefined ? [] : [checkDiscovery(check, api, oauth.discovery)])];
}

/** What a client needs from a provider's OpenID configuration. */
const providerRoutes = ["authorization_endpoint", "token_endpoint", "jwks_uri"];

/** Checks that the provider's discovery document exists, is its own, and has what a sign-in needs. */
export function checkDiscovery(check: RunCheck, ports: ApiPorts, address: string): Promise<MeasuredCheck> {
  return check(
    "oauth.discovery",
    "OAuth discovery document",
    async () => {
      const { origin, href } = new URL(address);
      // Another host, which must not get the API's headers and token. It may also be the same host, so the same guard applies.
      const { signal, readOnly } = ports;
      await ports.pace?.turn(signal);
      const answer = await get({ url: origin, headers: {}, signal, ...(readOnly ? { readOnly } : {}) }, href);
      const expected = `HTTP 200 with issuer, ${providerRoutes.join(", ")}`;
      const observed = `HTTP ${answer.status}`;
      if (answer.status !== 200)
        return {
          verdict: answer.status === 429 || answer.status >= 500 ? "error" : "failed",
          observed,
          expected,
          message: `${address} does not respond as expected: ${excerpt(answer.text)}`,
        };
      const issuer = jsonAt(answer.json, "$.issuer");
      if (typeof issuer !== "string" || !issuersAt(href).includes(issuer.replace(/\/$/, "")))
        return {
          verdict: "failed",
          observed: `issuer ${typeof issuer === "string" ? issuer : "missing"}`,
          expected,
          message: "The document is not the provider's own: its issuer does not match its address.",
        };
      const lacking = providerRoutes.filter((route) => !URL.canParse(String(jsonAt(answer.json, `$.${route}`))));
      return lacking.length === 0
        ? { verdict: "passed", observed: issuer, expected }
        : {
            verdict: "failed",
            observed: `no ${lacking.join(", ")}`,
            expected,
            message: "The document lacks routes that a sign-in needs.",
          };
    },
    { independent: true },
  );
}

/**
 * The issuers whose document may be at this address: the path of OpenID Connect, below the issuer in /.well-known/, or that of
 * RFC 8414, in front of the issuer's path. At any other address, it may be any issuer above it.
 */
function issuersAt(address: string): string[] {
  const { origin, pathname } = new URL(address);
  const [above = "", below] = pathname.split("/.well-known/");
  if (below !== undefined)
    return [origin + above, origin + above + below.replace(/^[^/]*/, "")].map((issuer) => issuer.replace(/\/$/, ""));
  const parts = above.split("/").slice(0, -1);
  return parts.map((_, index) => origin + parts.slice(0, index + 1).join("/"));
}

/** The request was understood and found incomplete. */
const invalid: readonly number[] = [400, 422];
/** The request was refused, whatever it contains. */
const refused: readonly number[] = [401, 403];

/** Checks that the sign-in route is alive and refuses an empty sign-in. One that accepts it lets everybody in. */
export function checkOauth(check: RunCheck, ports: ApiPorts, oauth: OauthSettings): Promise<MeasuredCheck> {
  return check("oauth.route", "OAuth route alive, fallback off", async () => {
    const answer = await postNothing(ports, oauth.path);
    const sessionId = answer.status < 300 ? sessionIn(answer.json) : undefined;
    if (sessionId !== undefined) await ports.onSignIn?.({ route: oauth.path, sessionId });
    const expected = `HTTP 400 or 422 with ${oauth.code}, or 401 or 403`;
    const observed = `HTTP ${answer.status}`;
    if (invalid.includes(answer.status) && answer.text.includes(oauth.code))
      return { verdict: "passed", observed: `${observed} ${oauth.code}`, expected };
    // A server that refuses an empty sign-in as not allowed lets no one in.
    if (refused.includes(answer.status)) return { verdict: "passed", observed, expected };
    if (answer.status < 300)
      return {
        verdict: "failed",
        observed,
        expected,
        independent: true,
        message: "An empty sign-in was accepted: the route is in a fallback mode that lets everybody in.",
      };
    if (answer.status === 429)
      return {
        verdict: "error",
        observed: "429, rate limited",
        expected,
        message: "Rate limited by the API, so the result is unknown.",
      };
    return {
      verdict: "failed",
      observed,
      expected,
      message: `The sign-in route does not respond as expected: ${excerpt(answer.text)}`,
    };
  });
}
