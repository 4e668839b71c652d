import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { answered, answersOf, questionsOf } from "../../src/init/answers.ts";
import { configuredAs, namedAs } from "../../src/init/configured.ts";
import { type Plan, planOf } from "../../src/init/plan.ts";
import type { Project } from "../../src/init/project.ts";
import { load } from "../config/file.ts";
import { configFile, planFor, projectOf, type Workflow } from "./plans.ts";
import { type Sample, samples } from "./repositories.ts";

/** What a second `init` makes of a configuration that somebody has edited. */

const orders = samples["own tables, Mocha, and a Redis in compose"];
const express = samples["Express, Jest and npm"];
const django = samples["Django with poetry and Databricks"];

function written(sample: Sample): string {
  return planFor(sample).files[0]?.text ?? "";
}

/** As `env-actions init` goes about it. */
function again(sample: Sample, configuration: string): Plan {
  const detected = namedAs(projectOf(sample), configuration);
  const project: Project = answered(detected, answersOf(configuration, detected));
  const path = sample.folder === undefined ? configFile : `${sample.folder}/${configFile}`;
  const first = new Map(planFor(sample).files.map((file) => [file.path, file.text]));
  return planOf(project, path, (name) => (name === path ? configuration : first.get(name)));
}

function edited(text: string, ...changes: readonly (readonly [from: string | RegExp, to: string])[]): string {
  return changes.reduce((before, [from, to]) => {
    const after = before.replace(from, to);
    if (after === before) throw new Error(`nothing to replace: ${String(from)}`);
    return after;
  }, text);
}

const added = (plan: Plan, index = 0) => (plan.files[index]?.difference ?? []).filter((line) => line.startsWith("+"));
const removed = (plan: Plan, index = 0) => (plan.files[index]?.difference ?? []).filter((line) => line.startsWith("-"));

describe("an edited configuration", () => {
  test.each<[what: string, sample: Sample, from: string | RegExp, to: string]>([
    ["the address", express, "url: http://localhost:8080", "url: https://test.shop.example"],
    ["the port of a server", express, "port: 8080", "port: 9999"],
    ["a command", express, /command: npm test.*/, "command: make test"],
    ["reports", express, "reports: [reports/integration.json]", "reports: [out/**/*.xml]"],
    ["an endpoint", express, "- path: /health", "- path: /up\n          json: [{ path: $.database, equals: up }]"],
    ["a comment", express, "# Started before a stage", "# Ask Anna about this. Started before a stage"],
    ["a key of its own", express, "e2e: false", "e2e: false\n  cleanup: { budget: 5m }"],
    ["the command's variables", orders, "STRIPE_SECRET_KEY]", "STRIPE_SECRET_KEY, MAIL_TOKEN]"],
    ["a value of a variable", orders, "LOG_LEVEL: ${LOG_LEVEL:-debug}", "LOG_LEVEL: info"],
    ["a rule of a table", orders, "        - { column: email, prefix: true }\n", ""],
    ["prefixes", orders, "prefixes: [orders-e2e-]", "prefixes: [orders-e2e-, orders_test_]"],
    ["a parent", orders, "belongsTo: sales.customers", "partOf: sales.customers"],
  ])("keeps %s", (_, sample, from, to) => {
    const text = edited(written(sample), [from, to]);
    const plan = again(sample, text);
    expect(plan.files[0]?.difference).toEqual([]);
    expect(plan.files[0]?.text).toBe(text);
  });

  test("with other line ends stays as it is", () => {
    const text = written(orders).replaceAll("\n", "\r\n");
    expect(again(orders, text).files[0]?.difference).toEqual([]);
  });

  test("gets what is new in the repository, in its place, and nothing else", () => {
    const text = edited(written(express), ["url: http://localhost:8080", "url: https://test.shop.example"]);
    const grown: Sample = {
      files: {
        ...express.files,
        ".env.example": "REDIS_URL=redis://redis.internal:6379\nCOLOUR=blue\n",
        "package.json": express.files["package.json"].replace(
          '"express": "5.1.0"',
          '"express": "5.1.0",\n    "ioredis": "5.0.0"',
        ),
      },
    };
    const plan = again(grown, text);
    expect(removed(plan)).toEqual([]);
    expect(added(plan).filter((line) => !/^\+\s*(?:#|$)/.test(line))).toEqual([
      "+    redis:",
      "+      url: ${REDIS_URL}",
      "+      expect: { host: redis.internal } # anywhere else, nothing is sent",
      "+    environment:",
      "+      COLOUR: ${COLOUR:-blue}",
      "+testData:",
      "+  prefixes: [shop_api_test_]",
      "+  keys: []",
      "+  expireAfter: 2h",
      "+    prefix: shop_api_test_",
    ]);
    const data = parse(plan.files[0]?.text ?? "");
    expect(Object.keys(data)).toEqual(Object.keys(parse(planFor(grown).files[0]?.text ?? "")));
    expect(data.environments.sandbox.api.url).toBe("https://test.shop.example");
  });

  test("loads with what was added", async () => {
    const text = edited(written(express), ["url: http://localhost:8080", "url: https://test.shop.example"]);
    const grown = { files: { ...express.files, "db/a.sql": "", ".env.example": "REDIS_URL=redis://redis.internal\n" } };
    const { config } = await load(again(grown, text).files[0]?.text ?? "", { env: { REDIS_URL: "redis://redis.internal" } });
    expect(config.environments.sandbox?.redis?.expect?.host).toBe("redis.internal");
  });

  test("gets a new table beside the declared ones", () => {
    const text = edited(written(orders), [/ {4}sales\.orders:[\s\S]*?belongsTo: sales\.customers \}\n/, ""]);
    const plan = again(orders, text);
    expect(removed(plan)).toEqual([]);
    expect(parse(plan.files[0]?.text ?? "").testData.tables).toEqual(parse(written(orders)).testData.tables);
    expect(plan.files[0]?.text).toBe(written(orders));
  });

  test("does not get a part back whose key is a comment", () => {
    const text = edited(written(orders), [
      /( {4})# Started before a stage[\s\S]*?(?=\n {4}# Environment)/,
      "$1# servers: the application is deployed already",
    ]);
    expect(again(orders, text).files[0]?.difference).toEqual([]);
    const table = edited(written(orders), [
      / {4}sales\.orders:[\s\S]*?belongsTo: sales\.customers \}\n/,
      "    # sales.orders:\n",
    ]);
    expect(again(orders, table).files[0]?.difference).toEqual([]);
  });

  test("gets no servers for an application that runs elsewhere", () => {
    const text = edited(
      written(express),
      ["url: http://localhost:8080", "url: https://test.shop.example"],
      [/ {4}# Started before a stage[\s\S]*?(?=\n\nstages:)/, ""],
    );
    expect(added(again(express, text))).toEqual([]);
  });

  test("gets an answer of the repository in the place of its question, and keeps the others open", () => {
    const text = written(django);
    const sql = { "service/db/a.sql": "CREATE TABLE shop.orders (id STRING, created_at TIMESTAMP);\n" };
    const example = `${django.files["service/.env.sample"]}DATABRICKS_CATALOG=shop\n`;
    const plan = again({ ...django, files: { ...django.files, ...sql, "service/.env.sample": example } }, text);
    expect(parse(plan.files[0]?.text ?? "").testData.tables).toMatchObject({ "shop.orders": { key: "id" } });
    expect(plan.files[0]?.text).toContain("catalog: shop\n");
    expect(plan.open.map(({ question }) => question)).toEqual([
      expect.stringMatching(/^which host/),
      expect.stringMatching(/^which route/),
    ]);
  });

  test("gets the port in each place where it was assumed, as long as nobody has touched them", () => {
    const bare: Sample = { files: { "package.json": JSON.stringify({ name: "shop", scripts: { start: "node server.js" } }) } };
    const known: Sample = { files: { ...bare.files, "server.js": "app.listen(8123);\n" } };
    const { environments } = parse(again(known, written(bare)).files[0]?.text ?? "");
    expect(environments.sandbox.api.url).toBe("http://localhost:8123");
    expect(environments.sandbox.servers.application).toMatchObject({ port: 8123, environment: { PORT: "8123" } });
    const touched = edited(written(bare), ["command: npm start", "command: make start"]);
    expect(parse(again(known, touched).files[0]?.text ?? "").environments.sandbox.servers.application).toMatchObject({
      command: "make start",
      port: 3000,
    });
  });

  test("gets no variable into its list, but is told of it", () => {
    const grown: Sample = { files: { ...express.files, ".env.example": "MAIL_TOKEN=\n" } };
    const plan = again(grown, written(express));
    expect(plan.files[0]?.difference).toEqual([]);
    expect(plan.notes).toEqual([
      ".env.example names MAIL_TOKEN, and the configuration doesn't: add what the tests need to variables of environments.sandbox",
    ]);
  });

  test("in one line gets no new keys, and a note says so", () => {
    const text =
      'version: 1\npreset: none\nenvironments: { sandbox: { access: test-data, api: { url: "http://localhost:1" } } }\nstages: { integration: false, e2e: false, smoke: false }\n';
    const plan = again(express, text);
    expect(plan.files[0]?.text).toBe(text);
    expect(plan.notes).toContainEqual(
      "environments.sandbox.servers is new, but environments.sandbox is written in one line: write its keys below each other, and run init again",
    );
  });

  test("that has nothing but a version gets everything", () => {
    expect(again(express, "version: 1\n").files[0]?.text).toBe(written(express));
  });
});

/** Each value that is no group, with its path. */
function leaves(value: unknown, path: readonly string[] = []): [path: string, value: string][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[path.join("/"), JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

test("whatever lines somebody has deleted: no other line changes, no value is lost, and once written nothing more is new", () => {
  const cut = fc.record({ at: fc.double({ min: 0, max: 0.999, noNaN: true }), count: fc.integer({ min: 1, max: 8 }) });
  const all: readonly Sample[] = Object.values(samples);
  fc.assert(
    fc.property(fc.constantFrom(...all), fc.array(cut, { minLength: 1, maxLength: 4 }), (sample, cuts) => {
      const lines = written(sample)
        .split("\n")
        .filter((line) => !line.includes("# TODO"));
      for (const { at, count } of cuts) lines.splice(Math.floor(at * lines.length), count);
      const text = lines.join("\n");
      const data = parsed(text);
      fc.pre(typeof data?.environments === "object" && data.environments !== null);
      const plan = again(sample, text);
      const after = new Map(leaves(parse(plan.files[0]?.text ?? "")));
      for (const [path, value] of leaves(data)) if (value !== "null") expect([path, after.get(path)]).toEqual([path, value]);
      expect(removed(plan).filter((line) => !line.endsWith("no line break at the end"))).toEqual([]);
      expect(again(sample, plan.files[0]?.text ?? "").files[0]?.difference).toEqual([]);
    }),
    { numRuns: 80 },
  );
});

test("a comment that stands above a removed key isn't written twice", () => {
  const first = written(express);
  const plan = again(express, edited(first, ["  e2e: false\n", ""]));
  expect(added(plan)).toEqual(["+  e2e: false"]);
  expect(plan.files[0]?.text).toBe(first);
});

test("whoever has no application deletes api, and it stays away", () => {
  const alone: Sample = { files: { "requirements.txt": "pytest\n", "tests/test_a.py": "" } };
  const first = written(alone);
  expect(first).toContain("Nothing here shows a server; if there is none, delete api.");
  const without = first.replace(/ {4}# TODO: at which address[\s\S]*?(?=\nstages:)/, "");
  expect(without).not.toContain("api:");
  expect(added(again(alone, without))).toEqual([]);
});

test("who has installed it from elsewhere than GitHub isn't told to install it", () => {
  const manifest = JSON.stringify({ name: "shop", devDependencies: { "env-actions": "git+file:///srv/env-actions" } });
  const plan = planFor({ files: { ...express.files, "package.json": manifest } });
  expect(plan.files[1]?.text).toContain("env-actions is installed here, but not from GitHub");
  expect(plan.files[1]?.text).not.toContain("To pin it, install env-actions");
});

function parsed(text: string): { environments?: unknown } | undefined {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

describe("the workflows follow the configuration", () => {
  const gate = (plan: Plan) => parse(plan.files[1]?.text ?? "") as Workflow;
  const passed = (plan: Plan, job = "integration") => Object.keys(gate(plan).jobs[job]?.steps.at(-1)?.env ?? {});

  test("its environment's own name, and the commands that it leaves out", () => {
    const text = edited(
      written(express),
      ["defaultEnvironment: sandbox", "defaultEnvironment: staging"],
      ["  sandbox:\n", "  staging:\n"],
      [/ {2}integration:\n[\s\S]*?\n(?= {2}#)/, "  integration: false\n"],
    );
    const plan = again(express, text);
    expect(plan.files[0]?.difference).toEqual([]);
    expect(Object.keys(gate(plan).jobs)).toEqual(["preflight", "gate"]);
    expect(gate(plan).jobs.preflight?.steps.at(-1)?.with?.environment).toBe("staging");
  });

  test("a variable that it demands or refers to is passed on, and one that it has no longer is not", () => {
    const text = edited(
      written(orders),
      ["STRIPE_SECRET_KEY]", "MAIL_TOKEN]"],
      ["LOG_LEVEL: ${LOG_LEVEL:-debug}", "LOG_LEVEL: ${LOG_LEVEL}"],
    );
    const plan = again(orders, text);
    expect(passed(plan)).toEqual(expect.arrayContaining(["MAIL_TOKEN", "LOG_LEVEL", "REDIS_URL", "DATABRICKS_HTTP_PATH"]));
    expect(passed(plan)).not.toContain("STRIPE_SECRET_KEY");
    expect(gate(plan).jobs.integration?.steps.at(-1)?.env).toMatchObject({
      MAIL_TOKEN: "${{ secrets.MAIL_TOKEN }}",
      LOG_LEVEL: "${{ vars.LOG_LEVEL }}",
    });
  });

  test("a sign-in by GitHub's id token takes its right, and no secret", () => {
    const plan = again(orders, edited(written(orders), ["token: ${DATABRICKS_TOKEN}", "oidc: {}"], ["DATABRICKS_TOKEN, ", ""]));
    expect(plan.files[0]?.difference).toEqual([]);
    expect(passed(plan)).not.toContain("DATABRICKS_TOKEN");
    expect(gate(plan).jobs.integration?.permissions).toEqual({ contents: "read", "id-token": "write" });
  });

  test("an environment for smoke is checked under its own name", () => {
    const live =
      '  live:\n    access: read-only\n    promotedFrom: sandbox\n    api: { url: "https://shop.example.org" }\n    token: ${LIVE_TOKEN}\n';
    const plan = again(
      express,
      edited(written(express), ["\nstages:", `${live}\nstages:`], [/ {2}# Left out.*\n {2}smoke: false\n/, ""]),
    );
    expect(plan.files[0]?.difference).toEqual([]);
    const smoke = parse(plan.files.find(({ path }) => path.includes("smoke"))?.text ?? "") as Workflow;
    expect(smoke.jobs.smoke?.steps.at(-2)).toMatchObject({
      env: { LIVE_TOKEN: "${{ secrets.LIVE_TOKEN }}" },
      with: { environment: "live" },
    });
  });
});

describe.each(Object.entries(samples).map(([name, sample]) => [name, sample as Sample] as const))("%s", (_, sample) => {
  test("nothing is different after the first time", () => {
    expect(again(sample, written(sample)).files.map(({ state }) => state)).toEqual(planFor(sample).files.map(() => "same"));
  });

  test("the workflows need the same with and without their configuration", () => {
    const project = projectOf(sample);
    const { configured, ...rest } = configuredAs(project, written(sample));
    expect({ ...project, ...rest }).toEqual(project);
    expect(configured).toBeDefined();
  });

  test("whoever answers every question leaves none open, and nothing differs the next time", () => {
    const answers: Record<string, string> = {
      ...{ address: "https://test.shop.example", port: "8080", health: "/up", reports: "out/*.xml", frontendPort: "3005" },
      ...{ namespaces: "/, /orders", databricksHost: "dbc-1.cloud.databricks.com", catalog: "shop", redisHost: "redis.internal" },
      ...{ tables: "sales.orders, sales.lines.line_id", prefix: "shop_test_", production: "https://shop.example.org" },
    };
    const project = projectOf(sample);
    const given = Object.fromEntries(questionsOf(project).map(({ name, read }) => [name, read(answers[name] ?? "")]));
    const plan = planFor(sample, answered(project, given));
    expect(plan.open).toEqual([]);
    const first = new Map(plan.files.map(({ path, text }) => [path, text]));
    const [configuration] = plan.files;
    const detected = namedAs(project, configuration?.text);
    const next = planOf(answered(detected, answersOf(configuration?.text, detected)), configuration?.path ?? "", (path) =>
      first.get(path),
    );
    expect(next.files.flatMap(({ difference }) => difference)).toEqual([]);
    expect(next.files.map(({ path }) => path)).toEqual(plan.files.map(({ path }) => path));
  });
});
