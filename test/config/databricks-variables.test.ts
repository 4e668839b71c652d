import { describe, expect, test } from "vitest";
import { load, minimal, mistakes } from "./file.ts";

/** What the file leaves out of `databricks` comes from the variables that Databricks' own tools read; and what is ambiguous is said. */

const place = { DATABRICKS_HOST: "h.example", DATABRICKS_WAREHOUSE_ID: "w" };
const token = { DATABRICKS_TOKEN: "the-token-value" };
const machine = { DATABRICKS_CLIENT_ID: "the-client", DATABRICKS_CLIENT_SECRET: "the-client-secret" };
const written = (inside: string) => minimal({ inside: `databricks: { host: h.example, warehouse: w${inside} }` });

async function databricks(file: string, env: Record<string, string>) {
  const { config, secrets } = await load(file, { env });
  const { token, clientSecret, ...rest } = config.environments.sandbox?.databricks ?? { catalog: undefined };
  return { ...rest, token: token?.reveal(), clientSecret: clientSecret?.reveal(), secrets: secrets.map((s) => s.reveal()) };
}

describe("the way to sign in", () => {
  test.each<[string, string, Record<string, string>, object]>([
    ["a token, from its variable", "", token, { token: "the-token-value" }],
    ["a service principal, from its variables", "", machine, { clientId: "the-client", clientSecret: "the-client-secret" }],
    ["the variable's word: a token", "", { ...token, ...machine, DATABRICKS_AUTH_TYPE: "pat" }, { token: "the-token-value" }],
    [
      "the variable's word: a service principal",
      "",
      { ...token, ...machine, DATABRICKS_AUTH_TYPE: "oauth-m2m" },
      { clientId: "the-client", clientSecret: "the-client-secret" },
    ],
    [
      "the variable's word: GitHub's id token",
      "",
      { ...token, DATABRICKS_AUTH_TYPE: "github-oidc", DATABRICKS_CLIENT_ID: "c", DATABRICKS_TOKEN_AUDIENCE: "a" },
      { oidc: { clientId: "c", audience: "a" }, token: undefined },
    ],
    [
      "the file's word, whatever the variables say",
      ", token: '${T}'",
      { T: "other-token", ...machine },
      { token: "other-token" },
    ],
    ["the file's oidc beside a token variable", ", oidc: {}", token, { oidc: {}, token: undefined }],
    ["the account's id as audience", ", oidc: {}", { DATABRICKS_ACCOUNT_ID: "acc" }, { oidc: { audience: "acc" } }],
    [
      "a client id with the secret's variable",
      ", clientId: mine",
      machine,
      { clientId: "mine", clientSecret: "the-client-secret" },
    ],
    [
      "a secret with the client id's variable",
      ", clientSecret: '${DATABRICKS_CLIENT_SECRET}'",
      machine,
      { clientId: "the-client", clientSecret: "the-client-secret" },
    ],
    [
      "an empty variable is none",
      "",
      { ...token, DATABRICKS_CLIENT_SECRET: "", DATABRICKS_AUTH_TYPE: "" },
      { token: "the-token-value" },
    ],
  ])("%s", async (_, inside, env, expected) => {
    expect(await databricks(written(inside), env)).toMatchObject(expected);
  });

  test("secrets that only a variable names are masked like those that the file names", async () => {
    expect((await databricks(minimal({ inside: "databricks: {}" }), { ...place, ...machine })).secrets).toEqual([
      "the-client-secret",
    ]);
    expect((await databricks(minimal({ inside: "databricks: {}" }), { ...place, ...token })).secrets).toEqual([
      "the-token-value",
    ]);
  });
});

describe("the place", () => {
  test.each<[Record<string, string>, object]>([
    [place, { host: "h.example", warehouse: "w", catalog: "classwaves" }],
    [{ ...place, DATABRICKS_CATALOG: "c" }, { catalog: "c" }],
    [{ DATABRICKS_HOST: "h.example", DATABRICKS_HTTP_PATH: "/sql/1.0/warehouses/p" }, { path: "/sql/1.0/warehouses/p" }],
    [{ ...place, DATABRICKS_HTTP_PATH: "/sql/1.0/warehouses/w" }, { warehouse: "w" }],
  ])("from %j", async (env, expected) => {
    expect(await databricks(minimal({ inside: "databricks: {}" }), { ...env, ...token })).toMatchObject(expected);
  });

  test.each(["https://h.example", "https://h.example/", "h.example:443", "HTTPS://h.example:8443/"])(
    "may be written as an address: %s",
    async (DATABRICKS_HOST) => {
      const file = minimal({ inside: "databricks: { path: /p, token: '${T}' }" });
      expect(await databricks(file, { DATABRICKS_HOST, T: "t" })).toMatchObject({ host: DATABRICKS_HOST });
    },
  );

  test("what the file says stays", async () => {
    const file = minimal({ inside: "databricks: { host: mine.example, path: /p, catalog: c }" });
    const env = { ...place, ...token, DATABRICKS_CATALOG: "other" };
    expect(await databricks(file, env)).toMatchObject({ host: "mine.example", path: "/p", catalog: "c" });
    expect((await databricks(file, env)) as object).not.toHaveProperty("warehouse");
  });
});

const at = "environments.sandbox.databricks";

describe("a mistake", () => {
  test.each<[string, string, Record<string, string>, string[]]>([
    [
      "nothing at all",
      minimal({ inside: "databricks: {}" }),
      {},
      [
        `c.yml:5:5  ${at}.host  missing: expected the workspace's host, or the variable DATABRICKS_HOST`,
        `c.yml:5:5  ${at}.warehouse  missing: expected warehouse or path, or one of the variables DATABRICKS_WAREHOUSE_ID and DATABRICKS_HTTP_PATH: which warehouse runs the statements?`,
        `c.yml:5:5  ${at}.token  missing: expected a sign-in: token, clientId with clientSecret, or oidc; or the variables DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID with DATABRICKS_CLIENT_SECRET, or DATABRICKS_AUTH_TYPE=github-oidc`,
      ],
    ],
    [
      "two ways in the variables",
      written(""),
      { ...token, ...machine },
      [
        `c.yml:5:5  ${at}  two ways to sign in: DATABRICKS_TOKEN and DATABRICKS_CLIENT_SECRET are both set; set DATABRICKS_AUTH_TYPE to pat or oauth-m2m, or write token, or clientId and clientSecret, here`,
      ],
    ],
    [
      "two warehouses in the variables",
      minimal({ inside: "databricks: { host: h.example }" }),
      { ...token, DATABRICKS_WAREHOUSE_ID: "w", DATABRICKS_HTTP_PATH: "/sql/1.0/warehouses/another" },
      [
        `c.yml:5:5  ${at}.warehouse  two warehouses: DATABRICKS_WAREHOUSE_ID and DATABRICKS_HTTP_PATH name different ones; unset one of them, or write warehouse or path here`,
      ],
    ],
    [
      "a way that is not known",
      written(""),
      { DATABRICKS_AUTH_TYPE: "azure-cli" },
      [
        `c.yml:5:5  ${at}  the variable DATABRICKS_AUTH_TYPE must be one of pat, oauth-m2m, github-oidc: nothing else is known here`,
      ],
    ],
    [
      "a way without its token",
      written(""),
      { ...machine, DATABRICKS_AUTH_TYPE: "pat" },
      [`c.yml:5:5  ${at}.token  DATABRICKS_AUTH_TYPE is pat, so the variable DATABRICKS_TOKEN must be set`],
    ],
    [
      "a way without its secret",
      written(""),
      { DATABRICKS_CLIENT_ID: "c", DATABRICKS_AUTH_TYPE: "oauth-m2m" },
      [`c.yml:5:5  ${at}.clientSecret  DATABRICKS_AUTH_TYPE is oauth-m2m, so the variable DATABRICKS_CLIENT_SECRET must be set`],
    ],
    [
      "a secret without its client",
      written(""),
      { DATABRICKS_CLIENT_SECRET: "the-client-secret" },
      [`c.yml:5:5  ${at}.clientId  the other one is set, so the variable DATABRICKS_CLIENT_ID must be set`],
    ],
    [
      "two ways in the file",
      written(", oidc: {}, token: '${DATABRICKS_TOKEN}'"),
      token,
      [`c.yml:5:50  ${at}.oidc  two ways to sign in, token and oidc: keep one of token, clientId with clientSecret, and oidc`],
    ],
    [
      "a client id beside a token",
      written(", clientId: c, token: '${DATABRICKS_TOKEN}'"),
      token,
      [`c.yml:5:60  ${at}.clientId  a token needs no clientId: keep one of them`],
    ],
    [
      "a client id beside oidc",
      written(", oidc: {}, clientId: c"),
      {},
      [`c.yml:5:70  ${at}.clientId  beside oidc it belongs into it: oidc: { clientId: … }`],
    ],
    [
      "a client id without a secret",
      written(", clientId: c"),
      {},
      [
        `c.yml:5:5  ${at}.clientSecret  missing: expected clientSecret, or the variable DATABRICKS_CLIENT_SECRET; with GitHub's id token it is oidc: { clientId: … }`,
      ],
    ],
    [
      "a secret that stands in the file",
      written(", clientId: c, clientSecret: dose1234"),
      {},
      [
        `c.yml:5:77  ${at}.clientSecret  a secret must not stand in this file: expected one reference, \${NAME}, without default, and the value in that environment variable`,
      ],
    ],
    [
      "a misspelt part of oidc",
      written(", oidc: { audiance: a }"),
      {},
      [`c.yml:5:58  ${at}.oidc.audiance  unknown key; did you mean "audience"?`],
    ],
  ])("%s", async (_, file, env, says) => {
    expect(await mistakes(file, { env })).toEqual(says);
  });

  test("in the variables is none of an environment that is not looked at", async () => {
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
