import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../../src/config/secret.ts";
import { load, minimal, refusal } from "./file.ts";

/** A secret in a message ends up in a log that many people can read, and must then be replaced everywhere. */

const secretText = fc.stringMatching(/^[A-Za-z0-9+/=_.!&#@:-]{8,40}$/);

const databricks = (token: string): string => `databricks:\n  host: h.example\n  warehouse: w\n  token: ${token}`;

describe("a secret written into the file", () => {
  const places: [string, (text: string) => string][] = [
    ["as the token", (text) => minimal({ inside: databricks(JSON.stringify(text)) })],
    ["as the default of a reference", (text) => minimal({ inside: databricks(JSON.stringify(`\${T:-${text}}`)) })],
    ["next to a reference", (text) => minimal({ inside: databricks(JSON.stringify(`\${T}${text}`)) })],
    ["under a mistyped key", (text) => minimal({ inside: `tokn: ${JSON.stringify(text)}` })],
    ["where a group belongs", (text) => minimal({ inside: `redis: ${JSON.stringify(text)}` })],
    ["in a list where text belongs", (text) => minimal({ inside: `token:\n  - ${JSON.stringify(text)}` })],
    ["on the line of another mistake", (text) => minimal({ inside: `redis: { url: ${JSON.stringify(text)}, expct: 1 }` })],
    ["in a header next to a mistake", (text) => minimal({ inside: `api: { headers: { A: ${JSON.stringify(text)} }, ulr: 1 }` })],
    [
      "as the password of an address",
      (text) => minimal({ inside: `api: { url: "http://u:${encodeURIComponent(text)}@h", x: 1 }` }),
    ],
    ["over several lines", (text) => minimal({ inside: `token: >-\n  ${text}\n  ${text}` })],
    ["in a file that is not YAML", (text) => minimal({ inside: `token: ${JSON.stringify(text)} ]\n\tx: 1` })],
    ["in a broken line without a key", (text) => minimal({ inside: `token: [\n'${text}` })],
  ];

  test.each(places)("%s is not repeated", async (_, file) => {
    await fc.assert(
      fc.asyncProperty(secretText, async (text) => {
        const message = await refusal(file(text), { env: { T: "t" } });
        expect(message).not.toContain(text);
        expect(message).not.toContain(encodeURIComponent(text));
      }),
      { numRuns: 30 },
    );
  });
});

describe("a secret in a variable", () => {
  test("is in no message, wherever the file refers to it and whatever the mistake", async () => {
    const place = fc.constantFrom(
      databricks("${S}"),
      "token: ${S}",
      "promotedFrom: ${S}",
      "access: ${S}",
      "api: { url: '${S}' }",
      "api: { url: http://x, samples: '${S}' }",
      "servers: { back: { command: a, port: '${S}', ready: { log: '(${S}' } } }",
      "websocket: { path: '${S}' }",
      "environment: { A: '${S}', '${S}': 1 }",
    );
    await fc.assert(
      fc.asyncProperty(place, secretText, async (inside, text) => {
        const message = await refusal(
          minimal({ inside: `${inside}\nwrong: 1`, below: "defaultEnvironment: ${S}\nauth_key: ${S}" }),
          {
            env: { S: text },
          },
        );
        expect(message).not.toContain(text);
      }),
      { numRuns: 60 },
    );
  });

  test("is masked even if the file repeats its value in a harmless place", async () => {
    const message = await refusal(minimal({ inside: "token: ${S}\napi: { url: http://the-secret-value.example, x: 1 }" }), {
      env: { S: "the-secret-value" },
    });
    expect(message).toContain("http://***.example");
  });

  test("is returned for masking, and so is the password alone of an address", async () => {
    const env = { REDIS_URL: "redis://user:p%40ss-word@localhost:6379", BEARER_TOKEN: "bearer-value", PORT: "3000" };
    const { secrets } = await load(
      minimal({ inside: "redis:\n  url: ${REDIS_URL}\nenvironment:\n  A: ${BEARER_TOKEN}\n  PORT: ${PORT}" }),
      { env },
    );
    expect(secrets.map((secret) => secret.reveal()).sort()).toEqual(
      ["bearer-value", "p%40ss-word", "p@ss-word", "redis://user:p%40ss-word@localhost:6379"].sort(),
    );
  });

  test.each([
    [
      "in a header that signs in",
      'api: { url: http://x, headers: { Authorization: "Basic ${A}", cookie: "${B}" } }',
      ["aa", "bb"],
    ],
    [
      "in a header named like a secret",
      'api: { url: http://x, headers: { x-api-key: "${A}", x-csrf-token: "${B}" } }',
      ["aa", "bb"],
    ],
    ["in a header of one route", 'api: { url: http://x, endpoints: [{ path: /a, headers: { cookie: "${A}" } }] }', ["aa"]],
    ["in a header that is none", 'api: { url: http://x, headers: { Origin: "${A}", x-monkey: "${B}" } }', []],
    ["as the password of an address", 'environment: { DATABASE_URL: "${URL_}" }', ["pass"]],
    ["as the password of an address made of several parts", 'environment: { DATABASE_URL: "pg://u:${A}@h/d" }', ["aa"]],
    ["as the password of an address with several hosts", 'environment: { MONGO: "${HOSTS}" }', ["p/ss"]],
    ["as the password of an address in the file", 'environment: { DATABASE_URL: "${ABSENT:-pg://u:local@h/d}" }', []],
    ["that commands inherit", "variables: [JWT_SECRET, { name: OTHER_KEY }, PLAIN, URL_]", ["jwt", "key", "pass"]],
  ])("is returned for masking %s", async (_, inside, masked) => {
    const env = {
      A: "aa",
      B: "bb",
      URL_: "pg://u:pass@h/d",
      HOSTS: "mongodb://u:p/ss@h1:1,h2:2/d",
      JWT_SECRET: "jwt",
      OTHER_KEY: "key",
      PLAIN: "plain",
    };
    const { secrets } = await load(minimal({ inside }), { env });
    expect(secrets.map((secret) => secret.reveal()).sort()).toEqual(masked);
  });

  test("of another environment is returned for masking too", async () => {
    const { secrets } = await load(
      `${minimal()}  production:\n    access: read-only\n    token: \${P}\n    api: { url: "\${ABSENT}" }`,
      {
        env: { P: "of-production" },
        environment: "sandbox",
      },
    );
    expect(secrets.map((secret) => secret.reveal())).toEqual(["of-production"]);
  });
});

test("a loaded secret becomes text only by reveal", async () => {
  await fc.assert(
    fc.property(secretText, (text) => {
      const holder = { token: new Secret(text) };
      const printed = [
        String(holder.token),
        `${holder.token}`,
        JSON.stringify(holder),
        inspect(holder, { showHidden: true, depth: 9 }),
      ];
      for (const way of printed) expect(way).not.toContain(text);
      expect(holder.token.reveal()).toBe(text);
    }),
  );
});
