import { excerpt, jsonAt } from "../config/assertion.ts";
import type { Environment } from "../config/schema.ts";
import type { Check } from "../model.ts";
import { look, skipped } from "./check.ts";
import { type ApiPorts, get, postJson, postNothing } from "./http.ts";

type Auth = NonNullable<Environment["auth"]>;

export interface MintedToken {
  token: string;
  /** Milliseconds from now, where the answer or the token tells. */
  livesMs?: number;
}

/** Mints a test token. @param body is sent beside the secret. @throws Error that says what the route answered. */
export async function mintToken(
  ports: ApiPorts,
  auth: Auth,
  body: Readonly<Record<string, string | number | boolean>> = { role: "teacher" },
): Promise<MintedToken> {
  if (!auth.secret) throw new Error("auth.secret is not configured, so no test token can be minted.");
  const answer = await postJson(ports, auth.mint, { ...body, secretKey: auth.secret.reveal() });
  const token = jsonAt(answer.json, "$.tokens.accessToken") ?? jsonAt(answer.json, "$.accessToken");
  if (answer.status < 300 && typeof token === "string" && token !== "") {
    const livesMs = lifeTold(answer.json) ?? lifeInside(token);
    return livesMs === undefined ? { token } : { token, livesMs };
  }
  const cures: Record<number, string> = {
    401: "the secret is wrong",
    404: "the route is off",
    429: "the API limits the rate of requests",
  };
  throw new Error(
    `${auth.mint} answered ${answer.status}${cures[answer.status] ? ` (${cures[answer.status]})` : ""}: ${answer.status < 300 ? "no accessToken in the answer" : excerpt(answer.text)}`,
  );
}

function lifeTold(answer: unknown): number | undefined {
  const seconds = jsonAt(answer, "$.tokens.expiresIn") ?? jsonAt(answer, "$.expiresIn");
  return typeof seconds === "number" && seconds > 0 ? seconds * 1000 : undefined;
}

/** A JSON Web Token says itself when it ends; any other token tells nothing. */
function lifeInside(token: string): number | undefined {
  const seconds = jsonAt(claimsOf(token), "$.exp");
  return typeof seconds === "number" ? Math.max(0, seconds * 1000 - Date.now()) : undefined;
}

function claimsOf(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  } catch (error) {
    // Not a JSON Web Token, which it need not be.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The auth service really works: it mints a token, the token is accepted, and a wrong secret is refused. */
export async function checkAuth(ports: ApiPorts, auth: Auth, minted: Promise<string> | undefined): Promise<Check[]> {
  if (!auth.enabled) return [await checkMintIsOff(ports, auth)];
  if (!minted) return [skipped("auth.mint", "Auth: mint a test token", "auth.secret is not configured")];
  return await Promise.all([
    look("auth.mint", "Auth: mint a test token and use it", async () => {
      const token = await minted;
      const answer = await get(ports, auth.use, { authorization: `Bearer ${token}` });
      if (answer.status === 200) return { verdict: "passed", observed: `minted, and ${auth.use} accepts it` };
      return {
        verdict: "failed",
        observed: `${auth.use} answered ${answer.status}`,
        expected: "HTTP 200",
        message: `The token was minted, but is not accepted: ${excerpt(answer.text)}`,
      };
    }),
    look("auth.wrong-secret", "Auth: a wrong secret is refused", async () => {
      const answer = await postJson(ports, auth.mint, { secretKey: "env-actions-wrong-secret", role: "teacher" });
      const expected = "HTTP 401 or 403";
      if (answer.status === 401 || answer.status === 403)
        return { verdict: "passed", observed: `HTTP ${answer.status}`, expected };
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
        message: `The route neither accepted nor refused: ${excerpt(answer.text)}`,
      };
    }),
  ]);
}

/** In production a route that mints tokens is a hole. It is asked without a secret, so nothing can be minted by asking. */
function checkMintIsOff(ports: ApiPorts, auth: Auth): Promise<Check> {
  return look("auth.mint-off", "Auth: test tokens are off", async () => {
    const answer = await postNothing(ports, auth.mint);
    const expected = "HTTP 404";
    if (answer.status === 404) return { verdict: "passed", observed: "HTTP 404", expected };
    if (answer.status === 429 || answer.status >= 500)
      return {
        verdict: "error",
        observed: `HTTP ${answer.status}`,
        expected,
        message: `Whether the route is off could not be seen: ${excerpt(answer.text)}`,
      };
    return {
      verdict: "failed",
      observed: `HTTP ${answer.status}`,
      expected,
      message: `${auth.mint} is switched on here: whoever knows or guesses the secret can sign in as anybody.`,
    };
  });
}
