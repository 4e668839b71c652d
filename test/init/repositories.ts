import { planOf } from "../../src/init/plan.ts";
import { detectProject } from "../../src/init/project.ts";
import { repositoryOf } from "../../src/init/repository.ts";
import type { Written } from "../../src/init/workflows.ts";

/** Repositories that `init` is tried on: small, but with the files that real ones of their kind have. */

export interface Sample {
  files: Record<string, string>;
  /** The folder that is set up; the root if absent. */
  folder?: string;
}

const manifest = (value: Record<string, unknown>) => `${JSON.stringify(value, undefined, 2)}\n`;
const lockFile = manifest({ lockfileVersion: 3, packages: {} });
const noTests = { test: 'echo "Error: no test specified" && exit 1' };

/** Also the sample of a whole configuration in other tests. */
export const classwavesBackend: Record<string, string> = {
  "package.json": manifest({
    name: "classwaves-backend",
    scripts: {
      "start:backend": "node dist/server.js",
      "start:frontend": "next start -p 3001",
      build: "tsc",
      test: "jest",
      "test:integration": "jest --runInBand tests/integration",
    },
    dependencies: { express: "5", "socket.io": "4", ioredis: "5", "@databricks/sql": "1" },
    devDependencies: { jest: "29", "@playwright/test": "1.40.0" },
    engines: { node: ">=22" },
  }),
  "package-lock.json": lockFile,
  ".env.example":
    "PORT=3000\nDATABRICKS_HOST=your-workspace.cloud.databricks.com\nDATABRICKS_TOKEN=\nDATABRICKS_WAREHOUSE_ID=\nDATABRICKS_CATALOG=classwaves\nREDIS_URL=\nTEST_TOKEN_SECRET=\n",
  "playwright.config.ts":
    'export default { projects: [{ name: "authenticated-chrome" }, { name: "unauthenticated-chrome" }], reporter: [["json", { outputFile: "test-results/playwright.json" }]] };\n',
  "src/server.ts":
    'app.get("/api/v1/health", health);\nserver.listen(process.env.PORT ?? 3000);\nconst key = `cw:${env}:session`;\n',
  "src/db.ts": 'const tables = ["sessions.classroom_sessions", "sessions.student_groups"];\n',
  "tests/integration/sessions.test.ts": "const id = `integration_test_${Date.now()}`;\n",
};

export const samples = {
  "Express, Jest and npm": {
    files: {
      "package.json": manifest({
        name: "shop-api",
        scripts: { start: "node server.js", test: "jest" },
        dependencies: { express: "5.1.0" },
        devDependencies: { jest: "30.0.0" },
      }),
      "package-lock.json": lockFile,
      ".nvmrc": "22\n",
      "server.js":
        'const app = express();\napp.get("/health", (_, response) => response.json({ up: true }));\napp.listen(process.env.PORT || 8080);\n',
      "tests/orders.test.js": 'test("orders", () => {});\n',
    },
  },
  "Next, Playwright and pnpm": {
    files: {
      "package.json": manifest({
        name: "web",
        packageManager: "pnpm@10.2.0",
        scripts: { dev: "next dev", build: "next build", start: "next start", "test:e2e": "playwright test" },
        dependencies: { next: "16.0.0" },
        devDependencies: { "@playwright/test": "1.56.0" },
        engines: { node: ">=22" },
      }),
      "pnpm-lock.yaml": "lockfileVersion: '9.0'\n",
      "app/api/health/route.ts": "export function GET() { return Response.json({ ok: true }); }\n",
      "playwright.config.ts":
        'export default defineConfig({\n  projects: [{ name: "chromium" }, { name: "webkit" }],\n  webServer: { command: "pnpm start", url: "http://localhost:3000" },\n});\n',
      "e2e/home.spec.ts": 'test("home", async () => {});\n',
    },
  },
  "FastAPI and pytest": {
    files: {
      "requirements.txt": "fastapi\nuvicorn\npytest\n",
      ".python-version": "3.13\n",
      "app/main.py": 'app = FastAPI()\n\n@app.get("/healthz")\ndef health():\n    return {}\n',
      "tests/test_orders.py": "def test_orders(): pass\n",
    },
  },
  "Go service": {
    files: {
      "go.mod": "module example.org/shop\n\ngo 1.25\n",
      "go.sum": "",
      "main.go": 'package main\n\nfunc main() {\n\thttp.HandleFunc("/health", health)\n\thttp.ListenAndServe(":9090", nil)\n}\n',
      "main_test.go": "package main\n",
    },
  },
  "package of a monorepo": {
    folder: "packages/shop",
    files: {
      "package.json": manifest({ name: "all", private: true, workspaces: ["packages/*"], packageManager: "yarn@4.5.0" }),
      "yarn.lock": "__metadata:\n  version: 8\n",
      ".nvmrc": "24\n",
      "packages/shop/package.json": manifest({
        name: "@all/shop",
        scripts: { start: "node src/server.js", "test:integration": "vitest run tests/integration" },
        devDependencies: { vitest: "4.0.0" },
      }),
      "packages/shop/src/server.js": "app.listen(4000);\n",
      "packages/shop/tests/integration/orders.test.js": "test();\n",
      "packages/admin/package.json": manifest({ name: "@all/admin", scripts: { start: "node other.js", test: "jest" } }),
      ".github/workflows/ci.yml":
        "on: push\njobs:\n  test:\n    runs-on: ubuntu-22.04\n    services:\n      postgres:\n        image: postgres:17\n        env:\n          POSTGRES_PASSWORD: postgres\n        ports: ['5432:5432']\n    steps: [{ run: yarn test }]\n",
    },
  },
  "no tests at all": {
    files: {
      "package.json": manifest({ name: "site", scripts: { start: "node index.js", ...noTests } }),
      "index.js": "createServer().listen(3000);\n",
    },
  },
  "nothing but a README": { files: { "README.md": "# Hello\n" } },
  ClassWaves: { files: classwavesBackend },
  "ClassWaves, the back end alone": {
    files: {
      ...Object.fromEntries(Object.entries(classwavesBackend).filter(([name]) => name !== "playwright.config.ts")),
      "package.json": manifest({
        ...JSON.parse(classwavesBackend["package.json"] ?? "{}"),
        scripts: { start: "node dist/server.js", build: "tsc", "test:integration": "jest tests/integration" },
        devDependencies: { jest: "29" },
      }),
    },
  },
  "own tables, Mocha, and a Redis in compose": {
    files: {
      "package.json": manifest({
        name: "orders",
        scripts: { start: "node server.mjs", test: "mocha tests", "db:migrate": "knex migrate:latest" },
        dependencies: { "@databricks/sql": "2.0.0", ioredis: "5.0.0", "env-actions": "github:classwaves/env-actions#v1.4.2" },
        devDependencies: { mocha: "11.0.0" },
      }),
      "package-lock.json": manifest({
        lockfileVersion: 3,
        packages: {
          "node_modules/env-actions": {
            version: "1.4.2",
            resolved: "git+ssh://git@github.com/classwaves/env-actions.git#0123456789abcdef0123456789abcdef01234567",
          },
        },
      }),
      "compose.yaml":
        "services:\n  cache:\n    image: redis:8-alpine\n    ports: ['6380:6379']\n  db:\n    image: postgres:17\n    environment: { POSTGRES_PASSWORD: dev, POSTGRES_USER: '${USER}' }\n    ports: ['5432:5432']\n  app:\n    build: .\n    ports: ['8081:8081']\n",
      ".env.example":
        "DATABRICKS_HOST=dbc-12345678-9abc.cloud.databricks.com\nDATABRICKS_TOKEN=\nDATABRICKS_HTTP_PATH=/sql/1.0/warehouses/…\nDATABRICKS_CATALOG=orders\nDATABASE_URL=postgres://postgres:dev@db:5432/orders\nSTRIPE_SECRET_KEY=sk_test_…\nLOG_LEVEL=debug\nBASE_PATH='/a b: c'\n",
      "db/tables.sql":
        "-- CREATE TABLE old.gone (id STRING)\nCREATE TABLE sales.customers (\n  id STRING NOT NULL,\n  name STRING,\n  email STRING,\n  created_at TIMESTAMP\n);\nCREATE TABLE IF NOT EXISTS `sales`.`orders` (id STRING, customer_id STRING, total DECIMAL(10, 2), created_at TIMESTAMP, CONSTRAINT known FOREIGN KEY (customer_id) REFERENCES sales.customers (id));\n",
      "server.mjs": 'router.get("/health", health);\napp.use("/api", router);\n',
      "tests/orders.mjs": 'const id = "orders-e2e-7";\nconst other = "orders-e2e-8";\n',
    },
  },
  "Node's own test runner and bun's lock": {
    files: {
      "package.json": manifest({ name: "x", scripts: { test: "node --test tests/*.test.js", start: "bun run server.ts" } }),
      "bun.lock": "{}\n",
      "server.ts": "Bun.serve({ port: 3000 });\n",
      "tests/a.test.js": "test();\n",
    },
  },
  "Cypress, classic yarn, self-hosted": {
    files: {
      "package.json": manifest({
        name: "front",
        scripts: { start: "vite preview", build: "vite build", test: "vitest" },
        devDependencies: { vite: "7", vitest: "4", cypress: "15", typescript: "5" },
      }),
      "yarn.lock": "# yarn lockfile v1\n",
      "cypress.config.ts": "export default {};\n",
      "src/main.test.ts": "test();\n",
      ".github/workflows/build.yaml": "on: push\njobs:\n  build:\n    runs-on: big-machines\n    steps: [{ run: yarn build }]\n",
    },
  },
  "Maven and JUnit": {
    files: { "pom.xml": "<project/>\n", mvnw: "#!/bin/sh\n", "src/test/java/OrdersTest.java": "class OrdersTest {}\n" },
  },
  "Django with poetry and Databricks": {
    folder: "service",
    files: {
      "service/pyproject.toml":
        '[tool.poetry]\nname = "service"\n[tool.poetry.dependencies]\ndatabricks-sql-connector = "4"\n[tool.pytest.ini_options]\n',
      "service/poetry.lock": "",
      "service/manage.py": "",
      "service/tests/integration/test_rows.py": 'row = "service_test_1"\n',
      "service/.env.sample":
        "DATABRICKS_SERVER_HOSTNAME=adb-1234.5.azuredatabricks.net\nDATABRICKS_CLIENT_ID=\nDATABRICKS_CLIENT_SECRET=\n",
    },
  },
} as const satisfies Record<string, Sample>;

/** The files that `init` writes without answers. */
export function writtenFor(
  { files, folder = "" }: Sample,
  { isStandalone } = { isStandalone: true },
): { configuration: string; workflows: Written[] } {
  const path = folder === "" ? ".github/env-actions.yml" : `${folder}/.github/env-actions.yml`;
  const project = { ...detectProject(repositoryOf(files, folder)), isStandalone };
  const [configuration, ...workflows] = planOf(project, path, () => undefined).files;
  return { configuration: configuration?.text ?? "", workflows };
}
