import { describe, expect, test } from "vitest";
import { load, minimal, mistakes } from "./file.ts";

/** Keys that the file leaves out of `databricks` come from the variables that Databricks' tools read. Ambiguous variables are reported. */

const place = { DATABRICKS_HOST: "h.example", DATABRICKS_WAREHOUSE_ID: "w" };
const token = { DATABRICKS_TOKEN: "the-token-value" };
const machine = { DATABRICKS_CLIENT_ID: "the-client", DATABRICKS_CLIENT_SECRET: "the-client-secret" };
const written = (inside: string) => minimal({ inside: `databricks: { host: h.example, warehouse: w${inside} }` });

async function databricks(file: string, env: Record<string, string>) {
  const { config, secrets } = await load(file, { env });
  const { token, clientSecret, ...rest } = config.environments.sandbox?.databricks ?? { catalog: undefined };
  return { ...rest, token: token?.reveal(), clientSecret: clientSecret?.reveal(), secrets: secrets.map((s) => s.reveal()) };
}

describe("the sign-in comes from", () => {
  test.each<[string, string, Record<string, string>, object]>([
    ["the variable with the token", "", token, { token: "the-token-value" }],
    ["the variables of a service principal", "", machine, { clientId: "the-client", clientSecret: "the-client-secret" }],
    [
      "the token, if DATABRICKS_AUTH_TYPE is pat",
      "",
      { ...token, ...machine, DATABRICKS_AUTH_TYPE: "pat" },
      { token: "the-token-value" },
    ],
    [
      "the service principal, if DATABRICKS_AUTH_TYPE is oauth-m2m",
      "",
      { ...token, ...machine, DATABRICKS_AUTH_TYPE: "oauth-m2m" },
      { clientId: "the-client", clientSecret: "the-client-secret" },
    ],
    [
      "GitHub's id token, if DATABRICKS_AUTH_TYPE is github-oidc",
      "",
      { ...token, DATABRICKS_AUTH_TYPE: "github-oidc", DATABRICKS_CLIENT_ID: "c", DATABRICKS_TOKEN_AUDIENCE: "a" },
      { oidc: { clientId: "c", audience: "a" }, token: undefined },
    ],
    ["the file, whatever the variables contain", ", token: '${T}'", { T: "other-token", ...machine }, { token: "other-token" }],
    ["oidc in the file, even if the token's variable is set", ", oidc: {}", token, { oidc: {}, token: undefined }],
    [
      "oidc in the file, with the account's id as audience",
      ", oidc: {}",
      { DATABRICKS_ACCOUNT_ID: "acc" },
      { oidc: { audience: "acc" } },
    ],
    [
      "the client id in the file and the variable of the secret",
      ", clientId: mine",
      machine,
      { clientId: "mine", clientSecret: "the-client-secret" },
    ],
    [
      "the secret in the file and the variable of the client id",
      ", clientSecret: '${DATABRICKS_CLIENT_SECRET}'",
      machine,
      { clientId: "the-client", clientSecret: "the-client-secret" },
    ],
    [
      "the other variables, if one is empty",
      "",
      { ...token, DATABRICKS_CLIENT_SECRET: "", DATABRICKS_AUTH_TYPE: "" },
      { token: "the-token-value" },
    ],
  ])("%s", async (_, inside, env, expected) => {
    expect(await databricks(written(inside), env)).toMatchObject(expected);
  });

  test("variables, and their secrets are masked like those of the file", async () => {
    expect((await databricks(minimal({ inside: "databricks: {}" }), { ...place, ...machine })).secrets).toEqual([
      "the-client-secret",
    ]);
    expect((await databricks(minimal({ inside: "databricks: {}" }), { ...place, ...token })).secrets).toEqual([
      "the-token-value",
    ]);
  });
});

describe("host, warehouse and catalog", () => {
  test.each<[Record<string, string>, object]>([
    [place, { host: "h.example", warehouse: "w", catalog: "classwaves" }],
    [{ ...place, DATABRICKS_CATALOG: "c" }, { catalog: "c" }],
    [{ DATABRICKS_HOST: "h.example", DATABRICKS_HTTP_PATH: "/sql/1.0/warehouses/p" }, { path: "/sql/1.0/warehouses/p" }],
    [{ ...place, DATABRICKS_HTTP_PATH: "/sql/1.0/warehouses/w" }, { warehouse: "w" }],
  ])("come from %j", async (env, expected) => {
    expect(await databricks(minimal({ inside: "databricks: {}" }), { ...env, ...token })).toMatchObject(expected);
  });

  test.each(["https://h.example", "https://h.example/", "h.example:443", "HTTPS://h.example:8443/"])(
    "accept a host that is written as an address: %s",
    async (DATABRICKS_HOST) => {
      const file = minimal({ inside: "databricks: { path: /p, token: '${T}' }" });
      expect(await databricks(file, { DATABRICKS_HOST, T: "t" })).toMatchObject({ host: DATABRICKS_HOST });
    },
  );

  test("come from the file if it has them", async () => {
    const file = minimal({ inside: "databricks: { host: mine.example, path: /p, catalog: c }" });
    const env = { ...place, ...token, DATABRICKS_CATALOG: "other" };
    expect(await databricks(file, env)).toMatchObject({ host: "mine.example", path: "/p", catalog: "c" });
    expect((await databricks(file, env)) as object).not.toHaveProperty("warehouse");
  });
});

const at = "environments.sandbox.databricks";

describe("a mistake is reported", () => {
  test.each<[string, string, Record<string, string>, string[]]>([
    [
      "without any file key or variable",
      minimal({ inside: "databricks: {}" }),
      {},
      [
        `c.yml:5:5  EA1008: ${at}.host  missing: expected the host of the workspace here, or the environment variable DATABRICKS_HOST`,
        `c.yml:5:5  EA1008: ${at}.warehouse  missing: expected warehouse or path here, or one of the environment variables DATABRICKS_WAREHOUSE_ID and DATABRICKS_HTTP_PATH`,
        `c.yml:5:5  EA1008: ${at}.token  missing: expected token, clientId with clientSecret, or oidc here; or the environment variables DATABRICKS_TOKEN, DATABRICKS_CLIENT_ID with DATABRICKS_CLIENT_SECRET, or DATABRICKS_AUTH_TYPE=github-oidc`,
      ],
    ],
    [
      "for two ways to sign in by variables",
      written(""),
      { ...token, ...machine },
      [
        `c.yml:5:5  EA1029: ${at}  DATABRICKS_TOKEN and DATABRICKS_CLIENT_SECRET are both set: set DATABRICKS_AUTH_TYPE to pat or oauth-m2m, or write token, or clientId and clientSecret, here`,
      ],
    ],
    [
      "for two warehouses in variables",
      minimal({ inside: "databricks: { host: h.example }" }),
      { ...token, DATABRICKS_WAREHOUSE_ID: "w", DATABRICKS_HTTP_PATH: "/sql/1.0/warehouses/another" },
      [
        `c.yml:5:5  EA1029: ${at}.warehouse  DATABRICKS_WAREHOUSE_ID and DATABRICKS_HTTP_PATH name different warehouses: unset one of them, or write warehouse or path here`,
      ],
    ],
    [
      "for an unknown way to sign in",
      written(""),
      { DATABRICKS_AUTH_TYPE: "azure-cli" },
      [
        `c.yml:5:5  EA1029: ${at}  expected the environment variable DATABRICKS_AUTH_TYPE to be one of pat, oauth-m2m, github-oidc, got another value`,
      ],
    ],
    [
      "for a way to sign in without its token",
      written(""),
      { ...machine, DATABRICKS_AUTH_TYPE: "pat" },
      [`c.yml:5:5  EA1008: ${at}.token  DATABRICKS_AUTH_TYPE is pat, so the variable DATABRICKS_TOKEN must be set`],
    ],
    [
      "for a way to sign in without its secret",
      written(""),
      { DATABRICKS_CLIENT_ID: "c", DATABRICKS_AUTH_TYPE: "oauth-m2m" },
      [
        `c.yml:5:5  EA1008: ${at}.clientSecret  DATABRICKS_AUTH_TYPE is oauth-m2m, so the variable DATABRICKS_CLIENT_SECRET must be set`,
      ],
    ],
    [
      "for a secret without its client id",
      written(""),
      { DATABRICKS_CLIENT_SECRET: "the-client-secret" },
      [
        `c.yml:5:5  EA1008: ${at}.clientId  only one of DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET is set: the variable DATABRICKS_CLIENT_ID must be set`,
      ],
    ],
    [
      "for two ways to sign in in the file",
      written(", oidc: {}, token: '${DATABRICKS_TOKEN}'"),
      token,
      [
        `c.yml:5:50  EA1029: ${at}.oidc  more than one way to sign in, token and oidc: keep one of token, clientId with clientSecret, and oidc`,
      ],
    ],
    [
      "for a client id in addition to a token",
      written(", clientId: c, token: '${DATABRICKS_TOKEN}'"),
      token,
      [`c.yml:5:60  EA1029: ${at}.clientId  token and clientId cannot be combined: remove one of them`],
    ],
    [
      "for a client id in addition to oidc",
      written(", oidc: {}, clientId: c"),
      {},
      [`c.yml:5:70  EA1029: ${at}.clientId  with oidc, write clientId inside it: oidc: { clientId: … }`],
    ],
    [
      "for a client id without a secret",
      written(", clientId: c"),
      {},
      [
        `c.yml:5:5  EA1008: ${at}.clientSecret  missing: clientId requires clientSecret: add it here, or set the environment variable DATABRICKS_CLIENT_SECRET. For GitHub's id token, write oidc: { clientId: … }`,
      ],
    ],
    [
      "for a literal secret in the file",
      written(", clientId: c, clientSecret: dose1234"),
      {},
      [
        `c.yml:5:77  EA1013: ${at}.clientSecret  a secret must not be written in this file: expected \${NAME} without default, with the value in that environment variable`,
      ],
    ],
    [
      "for a mistyped key of oidc",
      written(", oidc: { audiance: a }"),
      {},
      [`c.yml:5:58  EA1007: ${at}.oidc.audiance  unknown key; did you mean "audience"?`],
    ],
  ])("%s", async (_, file, env, says) => {
    expect(await mistakes(file, { env })).toEqual(says);
  });

  test("in variables only for the environment that is used", async () => {
    const file = `version: 1
environments:
  sandbox: { access: read-only }
  production: { access: read-only, databricks: {} }
`;
    const both = await load(file, { env: { ...place, ...token, ...machine }, environment: "sandbox" });
    expect(Object.keys(both.config.environments)).toContain("sandbox");
    const none = await load(file, { env: {}, environment: "sandbox" });
    expect(none.unresolved).toEqual({ production: ["DATABRICKS_HOST", "DATABRICKS_WAREHOUSE_ID", "DATABRICKS_TOKEN"] });
  });
});
