import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type LocalGitHub, startGitHub } from "../../local/github/index.ts";
import { gitHub } from "../../src/github/api.ts";
import { folderForEachTest, writeFiles } from "../harness/folder.ts";
import { listen } from "../harness/port.ts";
import { bundle, run, runnerEnvironment, runnerFiles } from "../harness/process.ts";

/** Smoke after a deployment, as published: dist asks GitHub (a stand-in that knows GitHub's own description) before it looks anywhere. */
const sha = "a".repeat(40);
const place = { owner: "classwaves", repo: "app" };

const workspace = folderForEachTest();
let github: LocalGitHub;
let application: Server;
let visits: number;

beforeEach(async () => {
  visits = 0;
  application = createServer((_request, response) => {
    visits++;
    response.end("{}");
  });
  const api = `{ url: "http://127.0.0.1:${await listen(application)}", samples: 2 }`;
  await writeFiles(workspace.path, {
    ...runnerFiles,
    ".github/env-actions.yml": `version: 1\nenvironments:\n  production: { access: read-only, api: ${api} }\n`,
  });
  github = await startGitHub({
    repositories: { "classwaves/app": { refs: { main: sha } } },
    tokens: {
      "deployer-token": { permissions: { deployments: "write" } },
      "reader-token": { permissions: { deployments: "read" } },
      "powerless-token": { permissions: {} },
    },
  });
});

afterEach(async () => {
  const { violations } = github;
  await github.stop();
  application.close();
  expect(violations).toEqual([]);
});

async function deploy(state: "success" | "failure", environment = "production"): Promise<string> {
  const api = await gitHub("deployer-token", { GITHUB_API_URL: github.url });
  const { data } = await api.rest.repos.createDeployment({
    ...place,
    ref: "main",
    environment,
    auto_merge: false,
    required_contexts: [],
  });
  if (!("id" in data)) throw new Error(data.message);
  await api.rest.repos.createDeploymentStatus({ ...place, deployment_id: data.id, state });
  return String(data.id);
}

async function smoke(inputs: Record<string, string>): Promise<{ status: number | null; stdout: string; verdict: string }> {
  const environment = runnerEnvironment(workspace.path, { stage: "smoke" });
  const { status, stdout } = await run(bundle, { env: { ...environment, GITHUB_API_URL: github.url, ...inputs } });
  const { verdict } = JSON.parse(readFileSync(join(workspace.path, ".env-actions", "reports", "smoke.json"), "utf8")) as {
    verdict: string;
  };
  return { status, stdout, verdict };
}

test("smoke runs after a deployment that succeeded", async () => {
  const ran = await smoke({ INPUT_DEPLOYMENT: await deploy("success"), "INPUT_GITHUB-TOKEN": "reader-token" });
  expect(ran).toMatchObject({ status: 0, verdict: "passed" });
  expect(ran.stdout).toContain("::add-mask::reader-token");
  expect(visits).toBeGreaterThan(2);
});

test("smoke follows a deployment to the environment that GitHub calls by another name", async () => {
  const file = join(workspace.path, ".github", "env-actions.yml");
  writeFileSync(file, readFileSync(file, "utf8").replace("read-only,", 'read-only, deployedAs: "production (eu)",'));
  const reader = { "INPUT_GITHUB-TOKEN": "reader-token" };
  expect(await smoke({ INPUT_DEPLOYMENT: await deploy("success", "Production (EU)"), ...reader })).toMatchObject({ status: 0 });
  expect(await smoke({ INPUT_DEPLOYMENT: await deploy("success"), ...reader })).toMatchObject({ status: 3, verdict: "error" });
});

test.each([
  ["that failed", async () => ({ INPUT_DEPLOYMENT: await deploy("failure"), "INPUT_GITHUB-TOKEN": "reader-token" }), /failure/],
  [
    "of a preview",
    async () => ({ INPUT_DEPLOYMENT: await deploy("success", "preview"), "INPUT_GITHUB-TOKEN": "reader-token" }),
    /expected a deployment to production, but deployment \d+ went to preview/,
  ],
  [
    "that GitHub does not know",
    async () => ({ INPUT_DEPLOYMENT: "99", "INPUT_GITHUB-TOKEN": "reader-token" }),
    /has no deployment 99/,
  ],
  ["without a token", async () => ({ INPUT_DEPLOYMENT: await deploy("success") }), /could not be verified/],
  [
    "with a token that may not ask",
    async () => ({ INPUT_DEPLOYMENT: await deploy("success"), "INPUT_GITHUB-TOKEN": "powerless-token" }),
    /could not be verified[\s\S]*deployments: read/,
  ],
  [
    "that is only an address",
    async () => ({ INPUT_DEPLOYMENT: "https://app.example", "INPUT_GITHUB-TOKEN": "reader-token" }),
    /is not the id of a deployment/,
  ],
] as [string, () => Promise<Record<string, string>>, RegExp][])(
  "smoke refuses a deployment %s, and sends nothing to the application",
  async (_name, inputs, why) => {
    const ran = await smoke(await inputs());
    expect(ran).toMatchObject({ status: 3, verdict: "error" });
    expect(ran.stdout.replaceAll("%0A", "\n")).toMatch(why);
    expect(visits).toBe(0);
  },
);
