import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { examine } from "../../src/doctor/examine.ts";
import { base, examined, type Files, writeFiles } from "./fixture.ts";

/** What depends on where the repository is and on how large it is, and what the doctor can't know. */

const gate = ".github/workflows/gate.yml";
const sha = "0123456789abcdef0123456789abcdef01234567";
const shown = async (files: Files) =>
  (await examined(files)).findings.map(({ code, file, line, message }) => `${code} ${file}:${line} ${message}`);

function onHost(url: string, workflow = base[gate] ?? ""): Files {
  return {
    ...base,
    [gate]: workflow,
    ".git/config": `[core]\n\tbare = false\n[remote "origin"]\n\turl = ${url}\n[branch "main"]\n`,
  };
}

const oneJob = `on: [pull_request, merge_group]
permissions: { contents: read }
jobs:
  gate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with: { persist-credentials: false }
      - run: npm ci
      - uses: classwaves/env-actions/preflight@${sha} # v1.2.3-portable
        env: &own
          DATABRICKS_HOST: \${{ vars.DATABRICKS_HOST }}
          DATABRICKS_WAREHOUSE_ID: \${{ vars.DATABRICKS_WAREHOUSE_ID }}
          DATABRICKS_TOKEN: \${{ secrets.DATABRICKS_TOKEN }}
      - uses: classwaves/env-actions/integration@${sha} # v1.2.3-portable
        env: *own
`;

test.each([
  "https://git.school.example/library/library.git",
  "git@git.school.example:library/library.git",
  "ssh://git@git.school.example:22/library.git",
])("on GitHub Enterprise Server, the portable form and one job are needed: %s", async (url) => {
  const found = await shown(onHost(url));
  expect(found).toEqual([
    expect.stringMatching(/^ED602 \S+:16 the repository is on git\.school\.example, and classwaves\/env-actions\/preflight@/),
    expect.stringMatching(/^ED604 \S+:32 .*integration can't see the evidence of preflight/),
    expect.stringMatching(/^ED602 \S+:32 /),
    expect.stringMatching(/^ED604 \S+:46 .*e2e can't see the evidence of integration/),
    expect.stringMatching(/^ED602 \S+:46 /),
  ]);
  expect(await shown(onHost(url, oneJob))).toEqual([]);
  const file = ".github/env-actions.yml";
  const byFolder = { ...onHost(url), [file]: `${base[file]}evidence: { store: { folder: /mnt/evidence } }\n` };
  expect((await shown(byFolder)).filter((finding) => finding.startsWith("ED604"))).toEqual([]);
  expect(await shown(onHost(url, oneJob.replaceAll(/@\w+ # v1.2.3-portable/g, "@v1-portable")))).toEqual([]);
});

test.each([
  "https://github.com/library/library.git",
  "git@github.com:library/library.git",
  "https://library.ghe.com/a/b",
  "/srv/git/library",
  "file:///srv/git",
])("elsewhere they are not: %s", async (url) => expect(await shown(onHost(url))).toEqual([]));

test("workflows in a folder where GitHub doesn't look are examined, and that is said", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "doctor-"));
  writeFiles(cwd, {
    ".git/config": "",
    ...Object.fromEntries(Object.entries(base).map(([name, text]) => [`examples/${name}`, text])),
  });
  const options = { cwd: join(cwd, "examples"), configFile: ".github/env-actions.yml", env: {} };
  const { findings, notLookedAt, lookedAt } = await examine(options);
  rmSync(cwd, { recursive: true });
  expect(findings).toEqual([]);
  expect(lookedAt.stages).toBe(3);
  expect(notLookedAt.map(({ what, why }) => `${what}: ${why}`)).toContainEqual(
    expect.stringMatching(/^\.\.: GitHub reads workflows only in this root of the repository/),
  );
});

test("a release of env-actions that can't be pinned yet is said, and isn't found", async () => {
  const workflow = oneJob.replaceAll(/@\w{40} # v1.2.3-portable/g, "@v1");
  const { findings, notLookedAt } = await examined({ ...base, [gate]: workflow });
  expect(findings).toEqual([]);
  expect(notLookedAt.map(({ what, why }) => `${what}: ${why}`)).toContain(
    `the commit of classwaves/env-actions@v1 in ${gate}: this name moves with each release. To pin it, install env-actions (npm i -D) and run the doctor again`,
  );
  const lock = `"resolved": "git+ssh://git@github.com/classwaves/env-actions.git#${sha}"`;
  const installed = await examined({ ...base, [gate]: workflow, "package-lock.json": lock });
  expect(installed.findings.map(({ code, cure }) => `${code} ${cure}`)).toEqual([
    expect.stringMatching(new RegExp(`^ED405 .*@${sha}`)),
    expect.stringMatching(new RegExp(`^ED405 .*@${sha}`)),
  ]);
});

test("a stage that is left out is not waited for, and smoke may follow nothing", async () => {
  const configuration = (base[".github/env-actions.yml"] ?? "")
    .replace(/ {2}integration:[\s\S]*?(?= {2}e2e:)/, "  integration: false\n  smoke: { follows: nothing }\n")
    .replace(
      "environments:",
      "environments:\n  production: { access: read-only, api: { url: 'https://library.example', endpoints: [{ path: /health }] } }",
    );
  const workflow = (base[gate] ?? "")
    .replace(/ {2}integration:[\s\S]*?(?= {2}e2e:)/, "")
    .replace("needs: [integration]", "needs: preflight")
    .replace("[preflight, integration, e2e]", "[preflight, e2e]")
    .replace("success success success", "success success");
  const watch = oneJob
    .replace("on: [pull_request, merge_group]", "on: { schedule: [{ cron: '*/15 * * * *' }] }")
    .replace(
      / {6}- run: npm ci[\s\S]*$/,
      `      - uses: classwaves/env-actions/smoke@${sha} # v1.2.3\n        with: { environment: production }\n`,
    );
  const files = { ...base, ".github/env-actions.yml": configuration, [gate]: workflow, ".github/workflows/watch.yml": watch };
  expect(await shown(files)).toEqual([]);
  const follows = { ...files, ".github/env-actions.yml": configuration.replace("  smoke: { follows: nothing }\n", "") };
  expect(await shown(follows)).toEqual([
    expect.stringMatching(/^ED304 \S+watch\.yml:9 smoke needs evidence of e2e, but no job of this workflow runs e2e$/),
  ]);
});

test("what a step replaces is not compared with the configuration", async () => {
  const workflow = oneJob.replace(/(integration@.*\n)/, "$1        with: { command: make test, reports: out/*.xml }\n");
  const configuration = (base[".github/env-actions.yml"] ?? "").replace("[reports/integration.xml]", "[other/integration.xml]");
  const { findings, notLookedAt } = await examined({ ...base, [gate]: workflow, ".github/env-actions.yml": configuration });
  expect(findings).toEqual([]);
  expect(notLookedAt.map(({ what }) => what)).toContain("the reports of integration");
});

test("what only a run knows is not judged, and is said", async () => {
  const workflow = oneJob.replaceAll("        env:", "        with: { environment: '${{ inputs.place }}' }\n        env:");
  const { findings, notLookedAt } = await examined({ ...base, [gate]: workflow });
  expect(findings).toEqual([]);
  expect(notLookedAt.map(({ what, why }) => `${what}: ${why}`)).toEqual(
    expect.arrayContaining([
      `${gate}, preflight of the job gate: its configuration or environment is only known during a run`,
      `${gate}, integration of the job gate: its configuration or environment is only known during a run`,
    ]),
  );
});

test("stages in local actions and called workflows are found where they are used", async () => {
  const action = `name: Stages
runs:
  using: composite
  steps:
    - run: npm ci
      shell: bash
    - uses: classwaves/env-actions@${sha} # v1.2.3
      with: { stage: preflight }
    - uses: classwaves/env-actions/integration@${sha} # v1.2.3
      with: { environment: sandbox }
`;
  const caller = `on: [pull_request]
permissions: { contents: read }
jobs:
  gate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with: { persist-credentials: false }
      - uses: ./.github/actions/stages
`;
  const local = await examined({ ...base, [gate]: caller, ".github/actions/stages/action.yaml": action });
  expect(local.lookedAt.stages).toBe(2);
  expect(local.findings.map(({ code, line }) => `${code}:${line}`)).toEqual(["ED201:1"]);

  const called = `on: workflow_call
permissions: { contents: read }
jobs:
  stages:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with: { persist-credentials: false }
      - uses: ./.github/actions/stages
`;
  const callers = caller.replace(/ {4}runs-on[\s\S]*$/, "    uses: ./.github/workflows/stages.yml\n");
  const files = {
    ...base,
    [gate]: callers,
    ".github/workflows/stages.yml": called,
    ".github/actions/stages/action.yaml": action,
  };
  const reusable = await examined(files);
  expect(reusable.findings.map(({ code, file, line }) => `${code} ${file}:${line}`)).toEqual([`ED201 ${gate}:1`]);
});

test("a local action that calls itself, and a job that needs itself, end", async () => {
  const action = "name: Loop\nruns:\n  using: composite\n  steps:\n    - uses: ./.github/actions/loop\n";
  const workflow = (base[gate] ?? "")
    .replace("    needs: preflight", "    needs: [preflight, e2e]")
    .replace("npm ci", "npm ci\n      - uses: ./.github/actions/loop");
  const { findings } = await examined({ ...base, [gate]: workflow, ".github/actions/loop/action.yml": action });
  expect(findings.map(({ code }) => code)).toEqual([]);
});

test("a workflow of nested aliases, long conditions and deep brackets is refused or read at once", async () => {
  const bomb = `a: &a [${"x,".repeat(9)}x]\n${[..."bcdefgh"].map((name, index) => `${name}: &${name} [${`*${"abcdefgh"[index]},`.repeat(10)}]`).join("\n")}\non: push\njobs: {}\n`;
  const deep = (base[gate] ?? "").replace("if: always()", `if: always() && ${"(".repeat(5_000)}true${")".repeat(5_000)}`);
  const started = process.cpuUsage();
  const bombed = await examined({ ...base, ".github/workflows/bomb.yml": bomb });
  expect(bombed.findings.map(({ code, message }) => `${code} ${message}`)).toEqual([
    expect.stringMatching(/^ED102 more than 100000 entries/),
  ]);
  expect((await examined({ ...base, [gate]: deep })).findings).toEqual([]);
  const { user, system } = process.cpuUsage(started);
  expect((user + system) / 1_000).toBeLessThan(20_000);
});

test.each([
  ["brackets", "${{ "],
  ["contexts", "github.event.commits."],
  ["names of tools", "playwright needs npx "],
  ["names of settings", "outputFile --reporter name: "],
  ["scripts", "npm run -x "],
  ["options of Node", "node --import -r --import --test-reporter spec "],
  ["installs", "npm ci --x && yarn install --immutabl "],
  ["quotes", "'\"`//"],
])("much of %s takes seconds, not hours", async (_, word) => {
  const much = word.repeat(Math.floor(400_000 / word.length));
  const run = `      - run: ${JSON.stringify(`${much}\n$\{{ ${much.slice(0, 9_000)}`)}\n`;
  const workflow = (base[gate] ?? "").replace("      - run: npm ci\n", (line) => `${line}${run}`);
  const manifest = JSON.stringify({ scripts: { "test:integration": `vitest run ${much}` } });
  const files = { ...base, [gate]: workflow, "package.json": manifest, "vitest.config.mjs": much, "playwright.config.mjs": much };
  const started = process.cpuUsage();
  await examined(files);
  const { user, system } = process.cpuUsage(started);
  expect((user + system) / 1_000).toBeLessThan(30_000);
});
