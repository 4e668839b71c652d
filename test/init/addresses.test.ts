import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { answered } from "../../src/init/answers.ts";
import { planFor, projectOf } from "./plans.ts";

/** Tests that find the application by a variable: they get the address of the server that is started for them. */

const shop = {
  "package.json": JSON.stringify({
    name: "shop",
    scripts: { start: "node server.js", test: "jest" },
    devDependencies: { jest: "30" },
  }),
  "server.js": 'app.get("/health", up);\napp.listen(process.env.PORT ?? 3100);\n',
};
const flask = {
  "requirements.txt": "flask\npytest\n",
  "app.py": 'app = Flask(__name__)\n\n@app.get("/health")\ndef up(): return ""\n\napp.run(port=3100)\n',
};

function variables(files: Record<string, string>, stage = "integration", port?: string): Record<string, string> | undefined {
  const project = projectOf({ files });
  const plan = planFor({ files }, port === undefined ? project : answered(project, { port }));
  return parse(plan.files[0]?.text ?? "").stages[stage].environment;
}

describe("integration", () => {
  test.each<[code: string, expected: Record<string, string>]>([
    ['const base = process.env.BASE_URL ?? "http://localhost:3100";', { BASE_URL: "http://localhost:3100" }],
    ["const base = process.env['API_URL'] || 'http://127.0.0.1:3100/api/v1';", { API_URL: "http://127.0.0.1:3100/api/v1" }],
    ['const { SHOP = "http://localhost:3100/" } = process.env;', { SHOP: "http://localhost:3100" }],
    ["const base = process.env.SHOP ?? `http://localhost:${process.env.PORT ?? 3100}`;", { SHOP: "http://localhost:3100" }],
    // It moved, and the tests still have the old one.
    ['const base = process.env.BASE_URL ?? "http://localhost:3000";', { BASE_URL: "http://localhost:3100" }],
    ["const base = process.env.BASE_URL;", { BASE_URL: "http://localhost:3100" }],
  ])("%s", (code, expected) => {
    expect(variables({ ...shop, "test/a.test.js": code })).toEqual(expected);
  });

  test.each([
    ['process.env.MOCK_URL ?? "http://localhost:9999"', "of something else"],
    ['process.env.BASE_URL ?? "https://api.example.org"', "that is not here"],
    ["process.env.CI", "that is no address"],
    ['// process.env.BASE_URL ?? "http://localhost:3100"', "in a comment"],
  ])("%s: one %s is left alone", (code) => {
    expect(variables({ ...shop, "test/a.test.js": `${code}\n` })).toBeUndefined();
  });

  test.each([
    'BASE = os.environ["BASE_URL"]',
    'BASE = os.environ.get("BASE_URL", "http://localhost:3100")',
    'BASE = os.getenv("BASE_URL") or "http://localhost:3100"',
  ])("in Python: %s", (code) => {
    const tests = { "tests/conftest.py": `${code}\n`, "tests/test_a.py": "" };
    expect(variables({ ...flask, ...tests })).toEqual({ BASE_URL: "http://localhost:3100" });
  });

  test("one that the example file has is at the environment already", () => {
    const files = { ...shop, "test/a.test.js": "process.env.BASE_URL\n", ".env.example": "BASE_URL=http://localhost:3100\n" };
    expect(variables(files)).toBeUndefined();
    expect(planFor({ files }).files[0]?.text).toContain("BASE_URL: ${BASE_URL:-http://localhost:3100}");
  });

  test("it follows an answer, and stands beside the variable of the report", () => {
    const node = JSON.stringify({ scripts: { start: "node server.js", test: "node --test" } });
    const files = { "package.json": node, "server.js": "serve();", "test/a.js": "process.env.BASE_URL;\n" };
    expect(variables(files, "integration", "4321")).toEqual({
      BASE_URL: "http://localhost:4321",
      NODE_OPTIONS: expect.stringContaining("junit"),
    });
  });
});

describe("Playwright", () => {
  const scripts = { start: "node server.js", "test:e2e": "playwright test" };
  const browser = (more: string) => ({
    ...shop,
    "package.json": JSON.stringify({ name: "shop", scripts }),
    "playwright.config.ts": `export default { use: { baseURL: process.env.BASE_URL ?? "http://localhost:3100" }${more} };\n`,
  });

  test("its baseURL", () => {
    expect(variables(browser(""), "e2e")).toMatchObject({ BASE_URL: "http://localhost:3100" });
  });

  test("not where it starts its own server", () => {
    expect(variables(browser(', webServer: { command: "npm start", port: 4000 }'), "e2e")).not.toHaveProperty("BASE_URL");
  });
});
