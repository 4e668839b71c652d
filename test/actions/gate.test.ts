import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { type FoundAct, findAct } from "../../scripts/act.ts";
import { outputs, type StageAction } from "../../src/action/interface.ts";
import { readZip } from "../../src/github/zip.ts";

import { type Finished, runWorkflow } from "./act.ts";
import { type Cloud, productionTable, startCloud, tablesWithRows } from "./cloud.ts";
import { declaredFor } from "./declared.ts";
import { inAJobEach, inGate, inOneJob, requiredCheck } from "./jobs.ts";
import { publishForAct } from "./published.ts";
import { makeRepository } from "./workspace.ts";

/**
 * The whole gate as a consumer's workflow: the published tree with the committed bundle, under act, against a warehouse and a Redis.
 * What only breaks on a runner breaks here: inputs and secrets by the runner's ways, evidence through artifacts, the bundle's chunks.
 */

let act: FoundAct;
let scratch: string;
let cloud: Cloud;

beforeAll(async () => {
  act = findAct();
  if ("missing" in act) return console.warn(`SKIPPED: no gate was run under act. ${act.missing}`);
  scratch = mkdtempSync(join(tmpdir(), "env-actions-gate-"));
  cloud = await startCloud();
}, 300_000);
afterAll(async () => {
  await cloud?.stop();
  if (scratch) rmSync(scratch, { recursive: true, force: true });
});

/** What a consumer's `npm ci` does; once a job. */
const install = { run: 'test -e node_modules || ln -s "$MODULES" node_modules' };

function stepsOf(stage: StageAction): object[] {
  return [
    install,
    {
      id: stage,
      uses: `classwaves/env-actions/${stage}@v1`,
      env: { DATABRICKS_TOKEN: "${{ secrets.DATABRICKS_TOKEN }}", REDIS_URL: "${{ secrets.REDIS_URL }}" },
    },
    {
      run: `node -p '"outputs of ${stage} " + JSON.stringify(JSON.parse(process.env.OUTPUTS))'`,
      env: { OUTPUTS: `\${{ toJSON(steps.${stage}.outputs) }}` },
    },
  ];
}

/** What the stage's step gave to the workflow. */
function outputsOf(log: string, stage: StageAction): Record<string, string> {
  const marker = `outputs of ${stage} {`;
  const line = log.split("\n").find((candidate) => candidate.includes(marker)) ?? `${marker}}`;
  return JSON.parse(line.slice(line.indexOf(marker) + marker.length - 1)) as Record<string, string>;
}

/** Every file of every artifact that the run stored, as one text. */
function artifactTexts(directory: string): string {
  const archives = globSync("*/*/*.zip", { cwd: directory }).map((path) => readFileSync(join(directory, path)));
  return archives
    .flatMap((archive) => readZip(archive))
    .map((file) => file.content.toString("utf8"))
    .join("\n");
}

let runs = 0;

describe.each([
  ["in one job", inOneJob(stepsOf)],
  ["over five jobs", { ...inAJobEach(stepsOf), ...requiredCheck(inGate) }],
])("the gate %s", (_, jobs) => {
  let finished: Finished;
  let artifacts: string;

  beforeAll(async () => {
    if ("missing" in act) return;
    const place = join(scratch, String(++runs));
    const workspace = join(place, "consumer");
    cpSync(join(import.meta.dirname, "consumer"), workspace, { recursive: true });
    makeRepository(workspace, { ".github/workflows/gate.yml": stringify({ name: "gate", on: "push", jobs }) });
    finished = await runWorkflow({
      act: act.path,
      workspace,
      workflow: "gate.yml",
      repositories: publishForAct(join(place, "published")),
      env: cloud.variables,
      secrets: { ...cloud.secrets },
      scratch: join(place, "act"),
    });
    expect(finished.exitCode, finished.output).toBe(0);
    artifacts = artifactTexts(join(place, "act", "artifacts"));
  }, 200_000);

  test("passes every stage, each on the evidence of the previous one", (context) => {
    if ("missing" in act) return context.skip(act.missing);
    for (const stage of inGate) expect(["passed", "degraded"], stage).toContain(outputsOf(finished.output, stage).verdict);
  });

  test("passes the required check, which reads the evidence of the other jobs", (context) => {
    if ("missing" in act) return context.skip(act.missing);
    if (!("gate" in jobs && "preflight" in jobs)) return;
    expect(finished.output).toMatch(/gate (?:passed: every stage passed|degraded: .* passed with warnings)/);
    expect(finished.output).toMatch(/✔ e2e (?:passed|degraded): job e2e, environment \w+/);
  });

  test("gives every output that the actions declare", (context) => {
    if ("missing" in act) return context.skip(act.missing);
    for (const stage of inGate)
      for (const name of declaredFor(stage, outputs))
        expect(outputsOf(finished.output, stage)[name], `${stage} ${name}`).toBeTruthy();
  });

  test("runs the tests and deletes their data", (context) => {
    if ("missing" in act) return context.skip(act.missing);
    const allPassed = { tests: "2", "failed-tests": "0", "flaky-tests": "0", "pass-rate": "100%", "left-over": "0" };
    const integration = outputsOf(finished.output, "integration");
    expect(integration).toMatchObject({ ...allPassed, "deleted-rows": "1", "deleted-keys": "1" });
    const e2e = outputsOf(finished.output, "e2e");
    expect(e2e).toMatchObject({ ...allPassed, "deleted-rows": "2", "deleted-keys": "0" });
  });

  test("leaves production rows unchanged and nothing else behind", async (context) => {
    if ("missing" in act) return context.skip(act.missing);
    expect(cloud.warehouse.statements.some(({ sql, ok }) => ok && sql.startsWith("INSERT"))).toBe(true);
    expect(await tablesWithRows(cloud.warehouse)).toEqual([productionTable]);
    const client = new Redis(cloud.redis.url);
    expect(await client.dbsize()).toBe(0);
    client.disconnect();
  });

  test("stores evidence without secrets", (context) => {
    if ("missing" in act) return context.skip(act.missing);
    expect(artifacts).toContain('"stage": "smoke"');
    for (const secret of Object.values(cloud.secrets)) expect(artifacts).not.toContain(secret);
  });
});
