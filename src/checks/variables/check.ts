import { decodedPart } from "../../config/redis-address.ts";
import type { Environment } from "../../config/schema.ts";
import { Secret } from "../../config/secret.ts";
import { pattern } from "../../lib/pattern.ts";
import type { Check } from "../../model/report.ts";
import { endOfToken } from "../auth/token-end.ts";
import type { CheckContext } from "../kind.ts";
import { endOf, type Finding, type MeasuredCheck, type RunCheck, type RunningCheck } from "../run-check.ts";

type Variable = Environment["variables"][number];

/** The variables, and the reader token if it contains its expiry. Without either, there is nothing to check. */
export function run({ check, environment: { token }, env }: CheckContext, variables: readonly Variable[]): RunningCheck[] {
  // What a command prints is judged when it is used.
  const known = token instanceof Secret ? token.reveal() : "";
  const tokens: Record<string, string> = endOfToken(known) ? { "the environment's token": known } : {};
  if (variables.length + Object.keys(tokens).length === 0) return [];
  return [checkVariables(check, variables, env, tokens)];
}

/** Values from examples, templates and tutorials, which are public knowledge. */
const knownDefaults = new Set(
  `changeme change-me change_me changeit secret mysecret my-secret supersecret super-secret password passw0rd admin root default test
  test-secret test-token token example dummy placeholder todo xxx 12345678 123456 dapi-test dapi0123456789 dapi-token your-token
  your-token-here your-secret your-secret-here test-token-secret adb-0000000000000000.0.azuredatabricks.net
  adb-1234567890123456.7.azuredatabricks.net`.split(/\s+/),
);
/** Of these, values that can be right if they are not secrets: NODE_ENV is `test`, a user `admin`. */
const ordinaryWords = new Set(["admin", "default", "example", "root", "test"]);
const namesNoSecret = /(?:^|_)(?:CATALOG|DATABASE|ENV|ENVIRONMENT|NAME|NAMESPACE|SCHEMA|STAGE|USER|USERNAME)$/;
/**
 * `<your token>`, `${{ secrets.TOKEN }}`, `$TOKEN`: a placeholder that was not filled in. A hash such as `$2b$12$…` is not one.
 */
const placeholder = /^<.*>$|\$\{\{|^\$[{(]\w|^\$[A-Za-z_]\w*$/;

/** What is wrong with one variable. `name` and the sentence may be shown, its value never. */
interface Problem {
  verdict: Finding["verdict"];
  name: string;
  what: string;
  cure: string;
}

/**
 * Checks that the required environment variables are present, well-formed, not well-known defaults and, if they are tokens that
 * contain their expiry, not expired. Values are never shown.
 * @param tokens bearer tokens by description; only their expiry is checked
 */
export function checkVariables(
  check: RunCheck,
  variables: readonly Variable[],
  env: Readonly<Record<string, string | undefined>>,
  tokens: Readonly<Record<string, string>> = {},
  now: number = Date.now(),
): Promise<MeasuredCheck> {
  return check("variables", "Required variables", async () => {
    const problems = [
      ...variables.flatMap((variable) => {
        const wanted = typeof variable === "string" ? { name: variable } : variable;
        return problemsOf(wanted, (env[wanted.name] ?? "").trim(), now);
      }),
      ...Object.entries(tokens).flatMap(([name, token]) => lifeProblems(name, token, undefined, now)),
    ];
    const expected = variables.length > 0 ? `${variables.length} present and well-formed` : "a token that has not expired";
    const observed = variables.length > 0 ? `${variables.length} present` : "not expired";
    const ends = endsOf(variables, env, tokens);
    if (problems.length === 0) return { verdict: "passed", observed, expected, ...ends };
    const missing = problems.filter(({ what }) => what === "missing").map(({ name }) => name);
    const others = problems.filter(({ what }) => what !== "missing").map(({ name, what }) => `${name} ${what}`);
    return {
      verdict: problems.some(({ verdict }) => verdict === "failed") ? "failed" : "degraded",
      observed: [...(missing.length > 0 ? [`missing: ${missing.join(", ")}`] : []), ...others].join("; "),
      expected,
      ...ends,
      message: [
        ...(missing.length > 0
          ? [
              `Set ${missing.join(", ")}: in a workflow with \`env:\` from the repository's secrets or variables, in a terminal with export.`,
            ]
          : []),
        ...new Set(problems.filter(({ what }) => what !== "missing").map(({ cure }) => cure)),
      ].join(" "),
    };
  });
}

/** When the tokens among them end, each by its name. */
function endsOf(
  variables: readonly Variable[],
  env: Readonly<Record<string, string | undefined>>,
  tokens: Readonly<Record<string, string>>,
): Pick<Check, "expires"> {
  const names = variables.map((variable) => (typeof variable === "string" ? variable : variable.name));
  const values = [...names.map((name) => [name, (env[name] ?? "").trim()] as const), ...Object.entries(tokens)];
  const expires = values.flatMap(([name, value]) => endOf("token", name, endOfToken(value)).expires ?? []);
  return expires.length > 0 ? { expires } : {};
}

function problemsOf(variable: Exclude<Variable, string>, value: string, now: number): Problem[] {
  const failed = (what: string, cure: string): Problem => ({ verdict: "failed", name: variable.name, what, cure });
  if (value === "") return [failed("missing", "")];
  if (placeholder.test(value)) return [failed("is a placeholder", `Set the real value of ${variable.name}.`)];
  const isOrdinary = namesNoSecret.test(variable.name) && ordinaryWords.has(value.toLowerCase());
  if ((isKnownDefault(value) && !isOrdinary) || value === variable.name)
    return [failed("is a well-known default", `Anyone can guess ${variable.name}: use a random value.`)];
  return [
    ...(variable.matches !== undefined && !pattern(`^(?:${variable.matches})$`).test(value)
      ? [
          failed(
            "is not well-formed",
            `${variable.name} should match ${variable.matches}: does it have the value of another variable?`,
          ),
        ]
      : []),
    ...(variable.minimumLength !== undefined && value.length < variable.minimumLength
      ? [failed(`has fewer than ${variable.minimumLength} characters`, `Make ${variable.name} longer: it can be guessed.`)]
      : []),
    ...lifeProblems(variable.name, value, variable.validFor, now),
  ];
}

function isKnownDefault(value: string): boolean {
  if (knownDefaults.has(value.toLowerCase())) return true;
  const password = /^\w+:\/\//.test(value) && URL.canParse(value) ? decodedPart(new URL(value).password) : "";
  return password !== "" && knownDefaults.has(password.toLowerCase());
}

function lifeProblems(name: string, value: string, validForMs: number | undefined, now: number): Problem[] {
  const end = endOfToken(value);
  if (end === undefined) return [];
  const cure = `Renew ${name}.`;
  const at = new Date(end).toISOString().slice(0, 16).replace("T", " ");
  if (end <= now) return [{ verdict: "failed", name, what: `expired at ${at} UTC`, cure }];
  return validForMs !== undefined && end - now < validForMs
    ? [{ verdict: "degraded", name, what: `expires at ${at} UTC`, cure }]
    : [];
}
