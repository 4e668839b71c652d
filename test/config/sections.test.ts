import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { defaults, environmentDefaults } from "../../src/config/defaults.ts";
import { configSchema, environmentSchema } from "../../src/config/schema.ts";
import { readerFor } from "../../src/config/sections.ts";

/** A file is read with the schemas of its own sections alone. That must make no difference to reading it with the whole schema. */

const repository = join(import.meta.dirname, "..", "..");

test("the defaults are what the whole schema makes of an empty file", () => {
  const { version, environments, ...ofFile } = configSchema.parse({ version: 1, environments: {} });
  const { access, ...ofEnvironment } = environmentSchema.parse({ access: "read-only" });
  expect([version, environments, access]).toEqual([1, {}, "read-only"]);
  expect(defaults).toStrictEqual(ofFile);
  expect(environmentDefaults).toStrictEqual(ofEnvironment);
});

const environmentKeys: Record<string, unknown> = {
  promotedFrom: "other",
  deployedAs: "Production (EU)",
  databricks: { host: "h", warehouse: "w", token: "t", expect: { host: "h" } },
  redis: { url: "redis://h:1", expect: { host: "h" } },
  api: { url: "https://h.example", endpoints: [{ path: "/x", json: [{ path: "$.a", changes: true }] }] },
  auth: { secret: "s" },
  oauth: {},
  websocket: { plain: [{ path: "/p", message: "x" }] },
  sql: [{ name: "n", query: "SELECT 1" }],
  tcp: [{ name: "n", host: "h", port: 25 }],
  variables: ["ONE", { name: "TWO", minimumLength: 9 }],
  analytics: [{ path: "/a" }],
  token: "t",
  tasks: [{ name: "migrate", command: "run", timeout: "1m" }],
  servers: { app: { command: "run", port: "80", ready: { url: "http://localhost:80/" } } },
  environment: { A: "b" },
  alerts: { webhook: { url: "https://h.example/hook", secret: "s" } },
  rollback: { command: "back" },
};
const stageKeys: Record<string, unknown> = {
  preflight: { budget: "1m", score: { weights: [{ check: "api.*" }] } },
  integration: { command: "test", reports: ["a.xml"] },
  e2e: { command: "test", shards: 1 },
  smoke: { apiP95: "1s", baseline: { criteria: { p95: "<= +10%" } }, compare: { with: "here" } },
  cleanup: { budget: "1m" },
};
const fileKeys: Record<string, unknown> = {
  preset: "none",
  defaultEnvironment: "here",
  testData: { preset: "none", tables: { "a.b": { key: "id", match: [{ column: "id", prefix: true }] } } },
  staging: {
    original: "production",
    copy: "staging",
    drift: { limits: { comments: 3 }, ignore: [{ object: "a.*", reason: "r" }] },
  },
  secrets: { also: ["X"] },
  evidence: { maxAge: "1h", store: { folder: "/mnt/evidence" } },
  audit: { key: "0123456789abcdef" },
  history: { store: { branch: "env-actions-history" }, keep: "30d" },
};

const file = (environment: object, stages?: object, rest: object = {}) => ({
  version: 1,
  environments: { here: { access: "read-only", ...environment } },
  ...(stages ? { stages } : {}),
  ...rest,
});
const alone = (all: Record<string, unknown>) => Object.entries(all).map(([key, value]) => ({ [key]: value }));

const files: [what: string, data: unknown][] = [
  ["nothing", file({})],
  ["every section", file(environmentKeys, stageKeys, fileKeys)],
  ["empty groups", file({}, {}, { testData: {}, secrets: {}, evidence: {}, audit: {}, history: {} })],
  ...alone(environmentKeys).map((keys): [string, unknown] => [`only ${Object.keys(keys)}`, file(keys)]),
  ...alone(stageKeys).map((keys): [string, unknown] => [`only stages.${Object.keys(keys)}`, file({}, keys)]),
  ...alone(fileKeys).map((keys): [string, unknown] => [`only ${Object.keys(keys)}`, file({}, undefined, keys)]),
  [
    "two environments with different sections",
    { version: 1, environments: { a: { access: "read-only", oauth: {} }, b: { access: "test-data", sql: [] } } },
  ],
  ...examples(),
];

/** Without variables filled in, some are refused; then both must refuse. */
function examples(): [string, unknown][] {
  return ["examples", "docs", "test"].flatMap((folder) =>
    readdirSync(join(repository, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => /env-actions\.ya?ml$/.test(path) && !path.includes("node_modules"))
      .map((path): [string, unknown] => [`${folder}/${path}`, parse(readFileSync(join(repository, folder, path), "utf8"))]),
  );
}

describe("with the sections of the file alone", () => {
  test.each(files)("%s", async (_, data) => {
    const whole = configSchema.safeParse(data);
    expect((await readerFor(data))?.read(data)).toEqual(whole.data);
  });

  test("the keys of every section are tried", () => {
    expect(Object.keys(environmentSchema.shape).sort()).toEqual(["access", ...Object.keys(environmentKeys)].sort());
    expect(Object.keys(configSchema.shape).sort()).toEqual(
      ["version", "environments", "stages", ...Object.keys(fileKeys)].sort(),
    );
    expect(Object.keys(defaults.stages).sort()).toEqual(Object.keys(stageKeys).sort());
  });

  test("every section alone is accepted, so that these cases compare something", () => {
    for (const [what, data] of files.slice(0, files.length - examples().length))
      expect([what, configSchema.safeParse(data).error]).toEqual([what, undefined]);
  });

  test.each<[string, unknown]>([
    ["an unknown key", { version: 1, environments: {}, extra: 1 }],
    ["an unknown key of an environment", file({ redys: {} })],
    ["an unknown key of the stages", file({}, { prefligt: {} })],
  ])("%s is left to the whole schema", async (_, data) => {
    expect(await readerFor(data)).toBeUndefined();
  });

  test.each<[string, unknown]>([
    ["no version", { environments: {} }],
    ["no access", { version: 1, environments: { a: {} } }],
    ["no environments", { version: 1 }],
    ["no group", { version: 1, environments: [], stages: null }],
    ["a wrong value", file({ api: { url: 7 } })],
    [
      "writing without an expected identity",
      { version: 1, environments: { a: { access: "test-data", redis: { url: "redis://h" } } } },
    ],
  ])("%s is refused", async (_, data) => {
    expect((await readerFor(data))?.read(data)).toBeUndefined();
  });
});
