import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { answered } from "../../src/init/answers.ts";
import { detectProject } from "../../src/init/project.ts";
import { repositoryOf } from "../../src/init/repository.ts";
import { configFile, lines, paths, planFor, projectOf, questions, type Workflow } from "./plans.ts";
import { samples, writtenFor } from "./repositories.ts";

/** What of each kind of repository `init` finds, and what it writes for it. */

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
  test.each([
    ["classwaves-docs", {}, "none"],
    ["classwaves-api", { "@databricks/sql": "2" }, "classwaves"],
    // Our own package is installed in other people's repositories.
    ["@classwaves/env-actions", { "@databricks/sql": "2" }, "none"],
    ["shop", { "@databricks/sql": "2", "@classwaves/env-actions": "1" }, "none"],
  ])("a package named %s with %j has preset %s", (name, dependencies, preset) => {
    expect(detectProject(repositoryOf({ "package.json": JSON.stringify({ name, dependencies }) })).preset).toBe(preset);
  });

  test("a workflow of the same name that has nothing to do with env-actions is left alone", () => {
    const other = {
      ".github/workflows/quality-gate.yml": "on: push\njobs:\n  a: { runs-on: ubuntu-latest, steps: [{ run: make }] }\n",
    };
    expect(writtenFor({ files: { ...express.files, ...other } }).workflows.map(({ path }) => path)).toEqual([
      ".github/workflows/env-actions-quality-gate.yml",
    ]);
    const ours = { ".github/workflows/quality-gate.yml": writtenFor(express).workflows[0]?.text ?? "" };
    expect(writtenFor({ files: { ...express.files, ...ours } }).workflows.map(({ path }) => path)).toEqual([
      ".github/workflows/quality-gate.yml",
    ]);
  });

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
    expect(questions(orders)).toEqual([expect.stringMatching(/^which route shows that the application works\?/)]);
    expect(lines(orders, configFile)).toContain("- path: /health");
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
      "execute",
      "digest",
      "run-id",
    ]);
    expect(byHand.jobs.cleanup?.steps.at(-1)?.with).toEqual({
      environment: "${{ inputs.environment }}",
      scope: "${{ inputs.scope }}",
      "dry-run": "${{ !inputs.execute }}",
      "plan-digest": "${{ inputs.digest }}",
    });
    // A cleanup runs nothing of the project.
    expect(byHand.jobs.cleanup?.steps.at(-1)?.env).not.toHaveProperty("STRIPE_SECRET_KEY");
    const nightly = parse(planFor(orders).files.find(({ path }) => path.includes("nightly"))?.text ?? "") as Workflow;
    expect(nightly.jobs.cleanup?.steps.at(-1)?.with).toEqual({ environment: "sandbox", scope: "expired", "dry-run": "true" });
  });

  test("Node's runner: the script runs as it is, and its options come from a variable", () => {
    const written = lines(samples["Node's own test runner and bun's lock"], configFile);
    expect(written).toContain("command: bun run test\n");
    expect(written).toContain(
      "NODE_OPTIONS: --test-reporter=spec --test-reporter-destination=stdout --test-reporter=junit --test-reporter-destination=reports/integration.xml\n",
    );
  });

  test.each([
    // What npm does around a script, such as pretest and its PATH, is needed.
    ["NODE_ENV=test c8 node --test", undefined],
    ["tsc && node --test tests/*.test.js", undefined],
    ["node --test --test-reporter=tap --test-reporter-destination=out.tap", undefined],
    ["node --test --test-reporter junit --test-reporter-destination junit.xml", "junit.xml"],
    [
      "node --test --test-reporter=spec --test-reporter-destination=stdout --test-reporter=junit --test-reporter-destination='out/a.xml'",
      "out/a.xml",
    ],
    ["node --test --test-reporter=junit --test-reporter-destination=stdout", undefined],
  ])("Node's runner: %s", (script, report) => {
    const text = {
      files: { "package.json": JSON.stringify({ name: "x", scripts: { test: script } }), "package-lock.json": "{}" },
    };
    const written = lines(text, configFile);
    expect(written).toContain("command: npm test\n");
    expect(written).toContain(`reports: [${report ?? "reports/integration.xml"}]`);
    expect(written.includes("NODE_OPTIONS")).toBe(report === undefined);
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
