import { describe, expect, test } from "vitest";
import type { Config } from "../../src/config/schema.ts";
import { load, mistakes } from "./file.ts";

/** What a preset brings, and that nothing of ClassWaves is left with `none`. */

const warehouse = { host: "h.example.com", warehouse: "0123456789abcdef", token: "${TOKEN}", expect: { host: "h.example.com" } };
const env = { TOKEN: "dapi-1" };

async function read(environment: object, rest: object = {}): Promise<Config> {
  const file = { version: 1, environments: { here: { access: "test-data", ...environment } }, ...rest };
  return (await load(JSON.stringify(file), { env })).config;
}

const endpointsOf = ({ environments }: Config) =>
  environments.here?.api?.endpoints.map(({ path, json }) => [path, json.map(({ path, ...claim }) => [path, claim])]);

const proof = [
  ["$.data.serverTime", { notNull: true }],
  ["$.data.serverTime", { changes: true }],
];

describe("a preset has two spellings", () => {
  test.each([
    ["none of them", {}, "classwaves"],
    ["the one at the top", { preset: "none" }, "none"],
    ["the older one", { testData: { preset: "none" } }, "none"],
    ["both", { preset: "none", testData: { preset: "none" } }, "none"],
    ["both, with the default", { preset: "classwaves", testData: { preset: "classwaves" } }, "classwaves"],
  ])("%s", async (_, written, preset) => {
    const config = await read({}, written);
    expect([config.preset, config.testData.preset]).toEqual([preset, preset]);
  });

  test.each([
    ["classwaves", "none"],
    ["none", "classwaves"],
  ])("which must not differ: %s and %s", async (own, older) => {
    const file = `version: 1\npreset: ${own}\nenvironments:\n  here: { access: read-only }\ntestData: { preset: ${older} }\n`;
    expect(await mistakes(file)).toEqual([
      "c.yml:5:21  EA1016: testData.preset  says something else than preset at the top of the file: remove this key, which is its older spelling",
    ]);
  });

  test("and no other value", async () => {
    expect(await mistakes("version: 1\npreset: classwave\nenvironments:\n  here: { access: read-only }\n")).toEqual([
      'c.yml:2:9  EA1010: preset  expected "classwaves" or "none"; did you mean "classwaves"?',
    ]);
  });
});

test("the older spelling keeps the defaults, on which its files rely", async () => {
  const own = { databricks: warehouse, api: { url: "http://h.example" }, websocket: {}, oauth: {}, auth: { enabled: false } };
  const [older, usual] = [await read(own, { testData: { preset: "none" } }), await read(own)];
  expect(older.testData).toEqual({ ...usual.testData, preset: "none" });
  expect(endpointsOf(older)).toEqual([["/api/v1/health", []]]);
  const withoutApi = ({ environments: { here } }: Config) => ({ ...here, api: undefined });
  expect(withoutApi(older)).toEqual(withoutApi(usual));
});

describe("none", () => {
  test("has no default that knows ClassWaves", async () => {
    const own = {
      databricks: { ...warehouse, catalog: "shop" },
      api: { url: "http://h.example", endpoints: [{ path: "/api/v1/health/databricks" }] },
      websocket: { plain: [{ path: "/live" }] },
      auth: { secret: "${TOKEN}", mint: "/mint", use: "/me" },
    };
    const config = await read(own, { preset: "none" });
    expect(JSON.stringify(config)).not.toMatch(
      /classwaves|cw:|compliance|audit:log|testschool|teacher|guidance|sess_test|health\/redis|google/,
    );
    expect(config.testData).toMatchObject({ prefixes: ["integration_test_", "e2e_test_"], keys: [], protectedKeys: [] });
    expect(endpointsOf(config)).toEqual([["/api/v1/health/databricks", []]]);
    expect(config.environments.here).toMatchObject({ websocket: { namespaces: [] }, api: { writes: [], emptyPosts: [] } });
  });

  test("keeps what the file says itself", async () => {
    const testData = { prefixes: ["shop_test_", "e2e_test_"], keys: ["shop:test:*"], synthetic: { emails: ["shop.example"] } };
    const api = { url: "http://h.example", endpoints: [{ path: "/" }], writes: ["/w"], emptyPosts: ["/p"] };
    const config = await read({ api }, { preset: "none", testData });
    expect(config.testData).toMatchObject(testData);
    expect(config.environments.here?.api).toMatchObject({ writes: ["/w"], emptyPosts: ["/p"] });
  });

  test("asks for what only ClassWaves has a default for", async () => {
    const lines = [
      "version: 1",
      "preset: none",
      "environments:",
      "  here:",
      "    access: read-only",
      "    databricks: { host: h.example.com, warehouse: a, token: '${TOKEN}' }",
      "    api: { url: http://h.example }",
      "    websocket: {}",
      "    oauth: {}",
      "    auth: { enabled: false }",
    ];
    const said = await mistakes(`${lines.join("\n")}\n`, { env });
    expect(said.map((line) => /EA1008: environments\.here\.(\S+) {2}missing: with preset: none/.exec(line)?.[1])).toEqual([
      "databricks.catalog",
      "api.endpoints",
      "websocket.namespaces",
      "oauth.path",
      "oauth.code",
      "auth.mint",
    ]);
  });

  test("takes the catalog from its variable", async () => {
    const file = { version: 1, preset: "none", environments: { here: { access: "test-data", databricks: warehouse } } };
    const { config } = await load(JSON.stringify(file), { env: { ...env, DATABRICKS_CATALOG: "shop" } });
    expect(config.environments.here?.databricks?.catalog).toBe("shop");
  });

  test("lets a route and a key of ClassWaves be those of another application", async () => {
    const api = { url: "http://h.example", endpoints: [{ path: "/health/redis" }] };
    const file = { version: 1, preset: "none", environments: { here: { access: "read-only", api } } };
    const { config } = await load(JSON.stringify({ ...file, testData: { keys: ["session:*"] } }), { env });
    expect(config.testData.keys).toEqual(["session:*"]);
  });
});

describe("classwaves proves that there is a warehouse behind the API", () => {
  const url = "http://h.example";

  test("if the file lists the route without saying what it must answer", async () => {
    const paths = ["/api/v1/health/databricks", "/API/v1/health/databricks/?fresh=1", "/api/v1/health"];
    const config = await read({ api: { url, endpoints: paths.map((path) => ({ path })) } });
    expect(endpointsOf(config)).toEqual([
      [paths[0], proof],
      [paths[1], proof],
      [paths[2], []],
    ]);
  });

  test("beside what the file says, and only once", async () => {
    const [claim, change] = [
      { path: "$.data.status", equals: "healthy" },
      { path: "$.data.serverTime", changes: true },
    ];
    const config = await read({ api: { url, endpoints: [{ path: "/api/v1/health/databricks", json: [claim, change] }] } });
    expect(endpointsOf(config)).toEqual([
      ["/api/v1/health/databricks", [["$.data.status", { equals: "healthy" }], proof[1], proof[0]]],
    ]);
  });

  test("if the file lists no routes, and the environment has a warehouse", async () => {
    expect(endpointsOf(await read({ api: { url }, databricks: warehouse }))).toEqual([
      ["/api/v1/health", []],
      ["/api/v1/health/databricks", proof],
    ]);
    expect(endpointsOf(await read({ api: { url } }))).toEqual([["/api/v1/health", []]]);
  });

  test("not from an answer without content, or of a route that must be broken", async () => {
    const path = "/api/v1/health/databricks";
    const endpoints = [
      { path, method: "HEAD" },
      { path, status: [503] },
    ];
    expect(endpointsOf(await read({ api: { url, endpoints } }))).toEqual([
      [path, []],
      [path, []],
    ]);
  });
});

describe("a stage that is left out", () => {
  test.each(["integration", "e2e", "smoke"] as const)("%s", async (stage) => {
    const { stages } = await read({}, { stages: { [stage]: false } });
    expect(stages[stage]).toEqual({ ...(await read({})).stages[stage], leftOut: true });
  });

  test.each(["preflight", "cleanup"])("is never %s", async (stage) => {
    const file = `version: 1\nenvironments:\n  here: { access: read-only }\nstages:\n  ${stage}: false\n`;
    expect(await mistakes(file)).toEqual([
      expect.stringMatching(/EA1009: stages\.\w+ {2}expected a group of keys, got true or false/),
    ]);
  });

  test("is false, not another value", async () => {
    const file = "version: 1\nenvironments:\n  here: { access: read-only }\nstages:\n  e2e: none\n  smoke: true\n";
    expect(await mistakes(file)).toEqual([
      "c.yml:5:8  EA1009: stages.e2e  expected a group of keys, or false to leave the stage out",
      "c.yml:6:10  EA1009: stages.smoke  expected a group of keys, or false to leave the stage out",
    ]);
  });

  test("needs no prefix and no time, and neither does one that the file doesn't mention", async () => {
    const testData = { prefixes: ["shop_test_"], expireAfter: "20m" };
    const integration = { prefix: "shop_test_", budget: "10m" };
    const { stages } = await read({}, { testData, stages: { integration, e2e: false } });
    expect(stages.e2e).toHaveProperty("leftOut", true);
    await read({}, { testData: { prefixes: ["shop_test_"] }, stages: { integration } });
    const lines =
      "version: 1\nenvironments:\n  here: { access: read-only }\ntestData: { prefixes: [shop_test_] }\nstages:\n  e2e: {}\n";
    expect(await mistakes(lines)).toEqual([expect.stringMatching(/EA1022: testData\.prefixes {2}what the e2e stage leaves/)]);
  });
});
