import { expect, test } from "vitest";
import { samples, writtenFor } from "../init/repositories.ts";
import { base, examined, type Files } from "./fixture.ts";

/** Small repositories without a mistake, and what looks like one and isn't. */

const sha = "0123456789abcdef0123456789abcdef01234567";
const gate = ".github/workflows/gate.yml";
const configuration = ".github/env-actions.yml";

async function said(files: Files, changes: Files = {}): Promise<string[]> {
  const { findings } = await examined({ ...files, ...changes });
  return findings.map(({ code, file, line, message }) => `${code} ${file}:${line} ${message}`);
}

const checkout = `      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with: { persist-credentials: false }
`;

function job(id: string, steps: string, more = ""): string {
  return `  ${id}:\n    runs-on: ubuntu-latest\n${more}    permissions: { contents: read }\n    steps:\n${checkout}${steps}`;
}

function uses(stage: string, inputs = "{}"): string {
  return `      - uses: classwaves/env-actions/${stage}@${sha} # v1.2.3\n        with: ${inputs}\n`;
}

const head = "on: { pull_request: , merge_group: }\npermissions: {}\njobs:\n";
const needs = `needs: "\${{ toJson(needs) }}"`;
const setupNode = `      - uses: actions/setup-node@${sha} # v4.4.0\n        with: { node-version: 24, cache: npm }\n      - run: npm ci\n`;

const node: Files = {
  "package.json": `{ "scripts": { "start": "node server.js", "test": "node --test --test-reporter=junit --test-reporter-destination=reports/tests.xml" },
  "dependencies": { "express": "5.1.0" } }`,
  "package-lock.json": "{}",
  [configuration]: `version: 1
preset: none
environments:
  local:
    access: test-data
    api: { url: "http://localhost:3000", endpoints: [{ path: /health }] }
    servers:
      app: { command: npm start, port: 3000, ready: { tcp: 3000 } }
stages:
  integration: { command: npm test, reports: [reports/tests.xml] }
  e2e: false
  smoke: false
`,
  [gate]: `${head}${job("preflight", setupNode + uses("preflight"))}${job("integration", setupNode + uses("integration"), "    needs: preflight\n")}${job(
    "gate",
    uses("gate", `{ ${needs} }`),
    "    needs: [preflight, integration]\n    if: always()\n",
  )}`,
};

const python: Files = {
  "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "--junitxml=reports/pytest.xml"\n',
  [configuration]: `version: 1
preset: none
environments:
  ci:
    access: test-data
    api: { url: "http://localhost:5000", endpoints: [{ path: /health }] }
    tasks: [{ name: seed, command: python -m shop.seed }]
    servers:
      app: { command: flask --app shop run --port 5000, port: 5000, ready: { tcp: 5000 } }
stages:
  integration: { command: python -m pytest, reports: [reports/pytest.xml] }
  e2e: false
`,
  [gate]: `${head}${job(
    "gate",
    `      - uses: actions/setup-python@${sha} # v5.6.0\n        with: { python-version: "3.13", cache: pip }\n      - run: pip install -e .\n${uses("preflight")}${uses("integration")}`,
  )}`,
};

/** The gate of one package; the other package has the same with another name. */
function packageGate(name: string, label = `gate (${name})`): string {
  const folder = `working-directory: packages/${name}`;
  const installs = `      - uses: pnpm/action-setup@${sha} # v4.1.0
      - uses: actions/setup-node@${sha} # v4.4.0
        with: { node-version-file: package.json, cache: pnpm }
      - run: pnpm install --frozen-lockfile
`;
  return `${head}${job("preflight", uses("preflight", `{ ${folder} }`))}${job(
    "integration",
    installs + uses("integration", `{ ${folder} }`),
    "    needs: preflight\n",
  )}${job("gate", uses("gate", `{ ${folder}, ${needs} }`), `    name: ${label}\n    needs: [preflight, integration]\n    if: always()\n`)}`;
}

const monorepo: Files = {
  "package.json": '{ "devDependencies": { "vitest": "4.0.0" } }',
  "pnpm-lock.yaml": "",
  [configuration]: `version: 1
preset: none
environments:
  ci:
    access: test-data
    api: { url: "http://localhost:3000", endpoints: [{ path: /health }] }
stages:
  integration: { command: pnpm vitest run --reporter=junit --outputFile=reports/all.xml, reports: [reports/*.xml] }
  e2e: false
`,
  ".github/workflows/web.yml": packageGate("web"),
  ".github/workflows/api.yml": packageGate("api"),
};

test.each([
  ["Node", node],
  ["Python", python],
  ["a monorepo", monorepo],
])("%s has nothing to find", async (_, files) => {
  expect(await said(files)).toEqual([]);
});

test("two gates of a monorepo with one name are found at the second", async () => {
  const files = { ...monorepo, ".github/workflows/web.yml": packageGate("web", "gate (api)") };
  expect(await said(files)).toEqual([expect.stringMatching(/^ED315 \.github\/workflows\/web\.yml:\d+ .*"gate \(api\)"$/)]);
});

const lint = (on: string, name = "gate") =>
  `on: ${on}\npermissions: {}\njobs:\n  lint:\n    name: ${name}\n    runs-on: ubuntu-latest\n    steps: [{ run: make lint }]\n`;

test.each([
  ["on another event", lint("{ push: { branches: [main] } }")],
  ["that only a run knows", lint("pull_request", "gate ${{ github.actor }}")],
  [
    "that runs in no required event",
    lint("[pull_request]").replace("  lint:\n", "  lint:\n    if: github.event_name == 'push'\n"),
  ],
])("a job with the gate's name %s is no second check", async (_, workflow) => {
  expect(await said(base, { ".github/workflows/lint.yml": workflow })).toEqual([]);
});

const withoutLock = Object.fromEntries(Object.entries(node).filter(([name]) => name !== "package-lock.json"));
const installedBy = (command: string) => ({
  [gate]: (node[gate] ?? "").replaceAll(
    / {6}- uses: actions\/setup-node[^-]*.*\n.*\n {6}- run: npm ci\n/g,
    `      - run: ${command}\n`,
  ),
});

test.each(["npm install", "npm ci || npm install", "cd web && npm ci", "make packages"])(
  "without a lock file, `%s` may be right",
  async (command) => {
    expect(await said(withoutLock, installedBy(command))).toEqual([]);
  },
);

test("without a lock file, npm ci is found", async () => {
  const found = await said(withoutLock, installedBy("npm ci"));
  expect(found.map((one) => one.slice(0, 5))).toEqual(["ED511", "ED511"]);
});

test("Node's own test runner needs no packages, and npx downloads its own", async () => {
  const alone = installedBy("node --version");
  const manifest = (node["package.json"] ?? "").replace(/,\s*"dependencies".*$/, " }");
  expect(await said(node, { ...alone, "package.json": manifest })).toEqual([]);
  const server = (node[configuration] ?? "").replace("npm start", "npx http-server -p 3000").replace("npm test", "node --test");
  const written = server.replace(
    "node --test",
    "node --test --test-reporter=junit --test-reporter-destination=reports/tests.xml",
  );
  expect(await said(node, { ...alone, [configuration]: written })).toEqual([]);
  expect((await said(node, alone)).map((one) => one.slice(0, 5))).toEqual(["ED506", "ED506"]);
});

test("inputs are compared without their case, and all that the interface declares are known", async () => {
  const step = (inputs: string) => ({
    [gate]: (node[gate] ?? "").replace("with: {}", `with: ${inputs}`),
  });
  expect(
    await said(node, step("{ Environment: local, FAIL-ON: degraded, budget: 5m, config: .github/env-actions.yml }")),
  ).toEqual([]);
  expect(await said(node, step("{ envronment: local }"))).toEqual([
    expect.stringContaining('preflight has no input "envronment"; did you mean "environment"?'),
  ]);
  expect(await said(node, step("{ plan-digest: x }"))).toEqual([
    expect.stringContaining('preflight has no input "plan-digest"; only cleanup, staging have it'),
  ]);
});

test("a TODO that init didn't write is nobody's question", async () => {
  const own = `# TODO: raise the budget\n${base[configuration]}`;
  expect(await said(base, { [configuration]: own })).toEqual([]);
});

test("a stage that nobody asks for needs no key", async () => {
  const without = (node[configuration] ?? "").replace("  e2e: false\n", "");
  const own = (node[gate] ?? "").replace(
    / {6}- uses: classwaves\/env-actions\/gate.*\n.*\n/,
    "      - env: { RESULTS: \"${{ join(needs.*.result, ' ') }}\" }\n        run: test \"$RESULTS\" = 'success success'\n",
  );
  expect(await said(node, { [configuration]: without, [gate]: own })).toEqual([]);
  expect(await said(node, { [configuration]: without })).toEqual([expect.stringMatching(/^ED109 .* stages\.e2e is missing/)]);
});

/** A package of a monorepo has its configuration elsewhere: command.test.ts looks at one. */
const inRoot = Object.entries(samples).filter(([name]) => name !== "package of a monorepo");

test("there are samples of init", () => expect(inRoot.length).toBeGreaterThanOrEqual(13));

test.each(inRoot)("what init writes for %s leaves its questions and nothing else", async (_, sample) => {
  const { workflows, configuration: text } = writtenFor(sample);
  const written = Object.fromEntries(workflows.map((file) => [file.path, file.text]));
  const { findings } = await examined({ ...sample.files, ...written, [configuration]: text });
  const questions = text.split("\n").flatMap((line, index) => (line.includes("# TODO: ") ? [`ED108:${index + 1}`] : []));
  expect(findings.map(({ code, line }) => `${code}:${line}`)).toEqual(questions);
});

test.each([
  ["one axis", "shard: [1, 2, 3]", "${{ strategy.job-total }}"],
  ["a second axis with one value", "{ shard: [1, 2], node: [24] }", "${{ strategy.job-total }}"],
  ["a number beside two axes", "{ shard: [1, 2], browser: [chromium, webkit] }", "2"],
  [
    "a third one that is included",
    "{ shard: [1, 2], include: [{ shard: 3 }, { shard: 1, slow: true }] }",
    "${{ strategy.job-total }}",
  ],
  ["a computed list", "{ shard: '${{ fromJson(vars.SHARDS) }}' }", "${{ strategy.job-total }}"],
])("shards of %s are no mistake", async (_, matrix, total) => {
  const axes = matrix.startsWith("{") ? matrix : `{ ${matrix} }`;
  const written = (base[gate] ?? "").replace(
    "  e2e:\n",
    `  e2e:\n    strategy: { fail-fast: false, matrix: ${axes} }\n    env: { ENV_ACTIONS_SHARD: "\${{ matrix.shard }}", ENV_ACTIONS_SHARDS: "${total}" }\n`,
  );
  expect(await said(base, { [gate]: written })).toEqual([]);
});
