import { excerpt } from "../config/assertion.ts";
import type { Environment } from "../config/schema.ts";
import type { Check } from "../model.ts";
import { look } from "./check.ts";
import { type ApiPorts, postNothing } from "./http.ts";

/** The sign-in route is alive and refuses an empty sign-in. One that accepts it has fallen back to letting everybody in. */
export function checkOauth(ports: ApiPorts, oauth: NonNullable<Environment["oauth"]>): Promise<Check> {
  return look("oauth.route", "OAuth route alive, fallback off", async () => {
    const answer = await postNothing(ports, oauth.path);
    const expected = `HTTP 400 ${oauth.code}`;
    const observed = `HTTP ${answer.status}`;
    if (answer.status === 400 && answer.text.includes(oauth.code)) return { verdict: "passed", observed: expected, expected };
    if (answer.status < 300)
      return {
        verdict: "failed",
        observed,
        expected,
        message: "An empty sign-in was accepted: the route has fallen back to a mode that lets everybody in.",
      };
    if (answer.status === 429)
      return {
        verdict: "error",
        observed: "429, rate limited",
        expected,
        message: "The API limits the rate of requests; nothing could be seen.",
      };
    return {
      verdict: "failed",
      observed,
      expected,
      message: `The sign-in route does not answer as it should: ${excerpt(answer.text)}`,
    };
  });
}
