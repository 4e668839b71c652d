import { describe, expect, test } from "vitest";
import { selectEnvironment } from "../../src/config/load.ts";
import { Secret } from "../../src/config/secret.ts";
import { load, minimal } from "./file.ts";

const twoEnvironments = `version: 1
defaultEnvironment: sandbox
environments:
  sandbox:
    access: test-data
    redis:
      url: \${REDIS_URL}
      expect: { host: localhost }
  production:
    access: read-only
    promotedFrom: sandbox
    redis:
      url: \${PRODUCTION_REDIS_URL}
    api:
      url: \${PRODUCTION_API_URL}
      samples: 5
`;

describe("an environment whose variables are absent", () => {
  test("does not stop a run in another environment, and can't be selected", async () => {
    const { config, unresolved } = await load(twoEnvironments, { env: { REDIS_URL: "redis://localhost" } });
    expect(Object.keys(config.environments)).toEqual(["sandbox"]);
    expect(unresolved).toEqual({ production: ["PRODUCTION_REDIS_URL", "PRODUCTION_API_URL"] });
    expect(() => selectEnvironment(config, "production")).toThrow(
      'the environment "production" does not exist or cannot be used here; known: sandbox',
    );
  });

  test("stops a run in that environment and names each variable", async () => {
    await expect(load(twoEnvironments, { env: { REDIS_URL: "redis://localhost" }, environment: "production" })).rejects.toThrow(
      /PRODUCTION_REDIS_URL is not set[\s\S]*PRODUCTION_API_URL is not set/,
    );
  });

  test("still has its other errors reported", async () => {
    const file = twoEnvironments.replace("samples: 5", "samples: none");
    await expect(load(file, { env: { REDIS_URL: "redis://localhost" } })).rejects.toThrow(
      "c.yml:16:16  EA1009: environments.production.api.samples  expected a number, got text",
    );
  });

  test("can be used when its variables are set", async () => {
    const env = { REDIS_URL: "redis://a", PRODUCTION_REDIS_URL: "redis://b", PRODUCTION_API_URL: "https://c.example" };
    const { config, unresolved } = await load(twoEnvironments, { env });
    expect(unresolved).toEqual({});
    expect(selectEnvironment(config, "production").environment.redis?.url.reveal()).toBe("redis://b");
  });
});

describe("selecting an environment", () => {
  test("uses the default for no name or an empty one", async () => {
    const { config } = await load(twoEnvironments, { env: { REDIS_URL: "redis://localhost" }, environment: "" });
    expect(selectEnvironment(config, undefined).name).toBe("sandbox");
    expect(selectEnvironment(config, "").name).toBe("sandbox");
  });

  test("uses the only environment", async () => {
    const { config } = await load(minimal());
    expect(selectEnvironment(config, undefined).name).toBe("sandbox");
  });

  test("never chooses among several, even if only one is usable", async () => {
    const { config } = await load(twoEnvironments.replace("defaultEnvironment: sandbox\n", ""), {
      env: { REDIS_URL: "redis://a" },
    });
    expect(() => selectEnvironment(config, undefined)).toThrow("no environment is selected");
  });

  test("suggests the nearest name", async () => {
    const { config } = await load(minimal());
    expect(() => selectEnvironment(config, "sandbxo")).toThrow('did you mean "sandbox"?');
  });

  test('does not accept names such as "constructor"', async () => {
    const { config } = await load(minimal());
    expect(() => selectEnvironment(config, "constructor")).toThrow('the environment "constructor" does not exist');
  });
});

describe("variables", () => {
  const value = async (written: string, env: Record<string, string> = {}): Promise<string | undefined> => {
    const { config } = await load(minimal({ inside: `environment:\n  A: ${written}` }), { env });
    return config.environments.sandbox?.environment.A;
  };

  test.each([
    ["${X}", { X: "x" }, "x"],
    ["a-${X}-b-${Y}", { X: "x", Y: "y" }, "a-x-b-y"],
    ["${X:-default}", {}, "default"],
    ["${X:-default}", { X: "" }, "default"],
    ["${X:-}", {}, ""],
    ["'${X:-a:b-c d}'", {}, "a:b-c d"],
    ["$${X}", { X: "x" }, "${X}"],
    ["$$${X}", { X: "x" }, "$${X}"],
    ["$X", { X: "x" }, "$X"],
    ["costs 5$", {}, "costs 5$"],
    ["'${X}'", { X: "quoted" }, "quoted"],
    ["${X}", { X: "${Y}", Y: "never read twice" }, "${Y}"],
  ])("%s with %o is %j", async (written, env, expected) => {
    expect(await value(written, env)).toBe(expected);
  });

  test.each(["a\nb: injected", "a: b", '"', "'", "# c", "- x", "{", "*a", "!t", "\t", " ", "\u2028", "null", "1"])(
    "the value %j stays text",
    async (text) => {
      expect(await value("${X}", { X: text })).toBe(text);
    },
  );

  test('names such as "constructor" are no variables', async () => {
    await expect(value("${constructor}")).rejects.toThrow("the environment variable constructor is not set");
  });

  test("are left to the shell in commands", async () => {
    const { config } = await load(minimal({ below: 'stages:\n  integration:\n    command: test "${X}" && echo ${Y:-z}' }), {
      env: { X: "$(touch /tmp/run)" },
    });
    expect(config.stages.integration.command).toBe('test "${X}" && echo ${Y:-z}');
  });

  test("may be used for a port", async () => {
    const server = "servers:\n  back:\n    command: a\n    port: ${PORT}\n    ready: { tcp: 3000 }";
    const { config } = await load(minimal({ inside: server }), { env: { PORT: "3000" } });
    expect(config.environments.sandbox?.servers.back?.port).toBe(3000);
  });
});

describe("YAML", () => {
  test("is version 1.2: no, on and 010 are not converted", async () => {
    const { config } = await load(minimal({ inside: "environment: { A: no, B: on, C: yes }" }));
    expect(config.environments.sandbox?.environment).toEqual({ A: "no", B: "on", C: "yes" });
  });

  test("aliases can be used any number of times", async () => {
    const { config } = await load(
      minimal({
        inside:
          "api:\n  url: http://localhost:1\n  endpoints: &e\n    - &one { path: /x, status: [204] }\n    - *one\nanalytics: *e",
      }),
    );
    const { api, analytics } = config.environments.sandbox ?? {};
    expect(analytics?.map((endpoint) => endpoint.status)).toEqual([[204], [204]]);
    expect(api?.endpoints).toEqual(analytics);
  });

  test("an error behind an alias has its position, and a secret behind an alias is hidden", async () => {
    const { config, secrets } = await load(
      `version: 1\nenvironments:\n  a:\n    access: read-only\n    token: &t "\${T}"\n  b:\n    access: read-only\n    token: *t\n`,
      { env: { T: "tttttt" } },
    );
    const { token } = config.environments.b ?? {};
    expect(token instanceof Secret && token.reveal()).toBe("tttttt");
    expect(secrets.map((secret) => secret.reveal())).toEqual(["tttttt"]);
  });

  test("Windows line ends and a byte order mark don't change positions", async () => {
    const file = `\ufeff${minimal({ inside: "colour: red" }).replaceAll("\n", "\r\n")}`;
    await expect(load(file)).rejects.toThrow("c.yml:5:5  EA1007: environments.sandbox.colour");
  });
});

test("a table may be its own parent", async () => {
  const { config } = await load(
    minimal({ below: "testData:\n  tables:\n    a.groups:\n      parents: { group_id: { partOf: a.groups } }" }),
  );
  expect(config.testData.tables["a.groups"]?.parents).toEqual({
    group_id: { table: "a.groups", kind: "part-of" },
  });
});

test("a small file uses ClassWaves' defaults", async () => {
  const { config } = await load(minimal());
  expect(config.stages.integration).toMatchObject({ budget: 15 * 60_000, prefix: "integration_test_", passRate: 0.95 });
  expect(config.stages.e2e).toMatchObject({ budget: 30 * 60_000, prefix: "e2e_test_", passRate: 0.9 });
  expect(config.testData).toMatchObject({
    preset: "classwaves",
    protectedTables: ["compliance.*"],
    protectedKeys: ["audit:log"],
  });
});

describe("a configuration with many tables", () => {
  const tables = (length: number, parentOf: (table: number) => string) =>
    Array.from(
      { length },
      (_, index) =>
        `    s.t${index}: { match: [{ column: id, prefix: true }], time: made_at, parents: { parent_id: { partOf: ${parentOf(index)} } } }`,
    );
  const written = (lines: string[]) => minimal({ below: `testData:\n  preset: none\n  tables:\n${lines.join("\n")}\n` });

  test("is read, also if 5,000 of them form one chain", async () => {
    const { config } = await load(written(tables(5_000, (index) => `s.t${Math.max(0, index - 1)}`)));
    expect(Object.keys(config.testData.tables)).toHaveLength(5_000);
  });

  test("has all its mistakes reported, and the first of them with a suggestion", async () => {
    const refusal = await load(written(tables(200, (index) => `s.u${index}`))).catch((error: Error) => error.message);
    expect(refusal).toContain("c.yml has 200 mistakes");
    expect(refusal).toContain('the table "s.u0" is not declared; did you mean "s.t0"?');
    expect(refusal).toContain('the table "s.u199" is not declared; declare it under testData.tables');
  });
});
