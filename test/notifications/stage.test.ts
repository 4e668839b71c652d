import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type LocalGitHub, startGitHub } from "../../local/github/index.ts";
import { outputsOf } from "../../src/action/run.ts";
import { parseReport } from "../../src/report/schema.ts";
import { folderForEachTest } from "../harness/folder.ts";
import { listen, portOf } from "../harness/port.ts";
import { performIn } from "../harness/stage.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

/** A whole smoke stage on a runner, from the configuration to the records, with a score, a rollback and alerts. */

const sha = "a".repeat(40);
const slackPath = "/services/T000/B000/notforanybodyselse";

const workspace = folderForEachTest();
let github: LocalGitHub;
let receiver: Receiver;
let api: Server;
let health: number[];

beforeEach(async () => {
  health = [];
  api = createServer((request, response) => {
    const status = request.url === "/health" ? (health.shift() ?? 200) : 200;
    response.writeHead(status, { "content-type": "application/json" });
    response.end("{}");
  });
  [github, receiver] = await Promise.all([
    startGitHub({
      repositories: { "classwaves/app": { refs: { main: sha } } },
      tokens: { "job-token": { permissions: { deployments: "write", actions: "write" } } },
    }),
    startReceiver(),
    listen(api),
  ]);
});

afterEach(async () => {
  api.closeAllConnections();
  api.close();
  await Promise.all([github.stop(), receiver.stop()]);
  expect(github.violations).toEqual([]);
});

async function ask(path: string, body: object): Promise<{ id: number }> {
  const response = await fetch(`${github.url}/repos/classwaves/app${path}`, {
    method: "POST",
    headers: { authorization: "token job-token", "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await response.json()) as { id: number };
}

async function configured(stage: string): Promise<void> {
  await writeFile(
    join(workspace.path, "env-actions.yml"),
    `version: 1
environments:
  production:
    access: read-only
    api:
      url: http://127.0.0.1:${portOf(api)}
      samples: 2
      endpoints: [{ path: /health }, { path: /other }, { path: /third }]
    alerts:
      slack: { url: "\${SLACK_URL}" }
      openTelemetry: { url: "${receiver.url}/v1/metrics" }
    rollback:
      workflow: { file: rollback.yml, inputs: { deployment: "{deployment}" } }
stages:
  smoke:
${stage}`,
  );
}

async function smoke(deployment: string) {
  return await performIn(workspace.path, {
    stage: "smoke",
    configFile: "env-actions.yml",
    deployment,
    githubToken: "job-token",
    env: {
      GITHUB_ACTIONS: "true",
      GITHUB_API_URL: github.url,
      GITHUB_REPOSITORY: "classwaves/app",
      GITHUB_RUN_ID: "77",
      GITHUB_SHA: sha,
      SLACK_URL: `${receiver.url}${slackPath}`,
    },
  });
}

async function deployed(): Promise<string> {
  const { id } = await ask("/deployments", { ref: "main", environment: "production", required_contexts: [], auto_merge: false });
  await ask(`/deployments/${id}/statuses`, { state: "success" });
  return String(id);
}

test("a failed key check triggers a rollback and an alert; the next deployment that passes is reported as recovered", async () => {
  await configured(
    `    score: { pass: 50%, warning: 40%, weights: [{ check: api.health, key: true }, { check: api.third, dryRun: true }] }\n`,
  );
  health = [503];
  const deployment = await deployed();
  const { report, files } = await smoke(deployment);
  expect(report).toMatchObject({
    verdict: "failed",
    reason: expect.stringMatching(/^Key indicator: GET \/health/),
    score: { percent: 66.6 },
    rollback: { outcome: "fired", of: `deployment ${deployment}` },
    alerts: [
      { channel: "slack", event: "failed", outcome: "sent" },
      { channel: "openTelemetry", event: "measured", outcome: "sent" },
    ],
    problems: [],
  });
  expect(github.repositories.get("classwaves/app")?.dispatches).toMatchObject([
    { workflow: "rollback.yml", inputs: { deployment } },
  ]);
  const written = parseReport(files.reportText, "smoke.json");
  expect(written).toMatchObject({ rollback: report.rollback, alerts: report.alerts, score: { percent: 66.6 } });
  const [summary, page, log] = await Promise.all([files.summary, files.html, files.audit].map((file) => readFile(file, "utf8")));
  for (const text of [summary, page]) {
    expect(text).toMatch(/Score: 66\.6/);
    expect(text).toMatch(/dry run: not counted/);
    expect(text).toMatch(/was requested/);
  }
  expect(log).toMatch(/"what":"rollback"/);
  for (const text of [summary, page, log, files.reportText]) expect(text).not.toContain("notforanybodyselse");

  const next = await smoke(await deployed());
  expect(next.report).toMatchObject({
    verdict: "passed",
    alerts: [{ event: "recovered", outcome: "sent" }, { event: "measured" }],
  });
  expect(next.report.rollback).toBeUndefined();

  // Later steps of the job can read the result.
  const outputs = [{ report, files }, next].map((answer) => Object.fromEntries(outputsOf(answer)));
  expect(outputs).toMatchObject([
    { verdict: "failed", score: "66.6%", rollback: "fired" },
    { verdict: "passed", score: "100%", rollback: "none" },
  ]);
});

test("an alert that cannot be sent is reported and the verdict stays; a check declared flaky is retried", async () => {
  await configured(`    retries: [{ check: api.health, times: 1, reason: "the first answer wakes it, #9" }]\n`);
  receiver.next.push({ status: 404 });
  health = [503, 503];
  const failed = await smoke(await deployed());
  const { report } = failed;
  expect(report).toMatchObject({
    verdict: "failed",
    checks: expect.arrayContaining([expect.objectContaining({ id: "api.health", attempts: 2 })]),
  });
  expect(report.score).toBeUndefined();
  expect(report.alerts?.filter(({ outcome }) => outcome === "failed")).toHaveLength(1);
  expect(failed.warnings).toEqual([
    expect.stringMatching(/^The rollback of deployment \d+ was requested \(/),
    expect.stringMatching(/^the alert to (slack|openTelemetry) \(\w+\): /),
  ]);

  health = [503];
  const passed = (await smoke(await deployed())).report;
  expect(passed.verdict).toBe("passed");
  expect(passed.checks.find(({ id }) => id === "api.health")).toMatchObject({
    attempts: 2,
    message: expect.stringMatching(
      /^Only attempt 2 succeeded; the first was failed .* Declared flaky: the first answer wakes it, #9$/,
    ),
  });
});

test("a run whose audit entry cannot be written does not pass, and no recovery is sent", async () => {
  await configured("    retries: []\n");
  health = [503];
  await smoke(await deployed());
  // A folder in place of the log: nothing can be appended to it.
  const log = join(workspace.path, ".env-actions", "audit.jsonl");
  await rm(log);
  await mkdir(log);
  const { report, files } = await smoke(await deployed());
  expect(report).toMatchObject({ verdict: "error", alerts: [{ channel: "slack", event: "error" }, { event: "measured" }] });
  expect(parseReport(files.reportText, "smoke.json").verdict).toBe("error");
  const told = receiver.received.filter(({ path }) => path === slackPath).map(({ body }) => body);
  expect(told).toHaveLength(2);
  expect(told[1]).not.toMatch(/recovered|passed/i);
});
