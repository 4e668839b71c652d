import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { type FoundAct, findAct } from "../../scripts/act.ts";
import { inputs, outputs, type StageAction, stageActions } from "../../src/action/interface.ts";
import { type Finished, runWorkflow } from "./act.ts";
import { declaredFor } from "./declared.ts";
import { inAJobEach, inOneJob } from "./jobs.ts";
import { publishForAct, sourceWithBundle } from "./published.ts";
import { makeRepository } from "./workspace.ts";

let scratch: string;
let act: FoundAct;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "env-actions-consumer-"));
  act = findAct();
  if ("missing" in act) console.warn(`SKIPPED: no workflow was run under act. ${act.missing}`);
}, 300_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The step of a stage; every input is given a value that tells which it is, and the outputs are printed. */
function stepsOf(stage: StageAction): object[] {
  const given = Object.fromEntries(declaredFor(stage, inputs).map((name) => [name, `${stage}-${name}`]));
  return [
    { id: stage, uses: `classwaves/env-actions/${stage}@v1`, with: given, env: { PROBE_CREDENTIAL: `for ${stage}` } },
    { run: 'echo "outputs of the step $OUTPUTS"', env: { OUTPUTS: `\${{ toJSON(steps.${stage}.outputs) }}` } },
  ];
}

/** What the probe printed as `event`, in the order of the log. */
function printed(log: string, event: string): Record<string, unknown>[] {
  const marker = `probe ${event} `;
  const lines = log.split("\n").filter((line) => line.includes(marker));
  return lines.map((line) => JSON.parse(line.slice(line.indexOf(marker) + marker.length)) as Record<string, unknown>);
}

let runs = 0;

/** Runs the jobs as the workflow of a repository that knows nothing but the published actions, with the probe as their bundle. */
async function runAsConsumer(act: string, jobs: object, env: Record<string, string> = {}): Promise<Finished> {
  const place = join(scratch, String(++runs));
  const source = sourceWithBundle(join(place, "source"), join(import.meta.dirname, "probe.ts"));
  const workspace = join(place, "consumer");
  mkdirSync(workspace);
  makeRepository(workspace, { ".github/workflows/gate.yml": stringify({ name: "gate", on: "push", jobs }) });
  const repositories = publishForAct(join(place, "published"), source);
  return await runWorkflow({ act, workspace, workflow: "gate.yml", repositories, env, scratch: join(place, "act") });
}

/**
 * The published composites under a runner, with a probe in place of the bundle. A composite that forgets an input, names an output that
 * the core does not set, or does not find the core from its copy at the root, shows here and nowhere else before a release.
 */
describe.each([
  ["in a job each", inAJobEach(stepsOf, stageActions)],
  ["in one job", inOneJob(stepsOf, stageActions)],
])("the published actions that run stages, %s", (_, jobs) => {
  let log: string;

  beforeAll(async () => {
    if ("missing" in act) return;
    const finished = await runAsConsumer(act.path, jobs);
    log = finished.output;
    expect(finished.exitCode, log).toBe(0);
  }, 200_000);

  test("pass every declared input to the core", (context) => {
    if ("missing" in act) return context.skip(act.missing);
    const received = printed(log, "inputs");
    expect(received.map((given) => given.stage)).toEqual([...stageActions]);
    for (const [index, stage] of stageActions.entries())
      for (const name of declaredFor(stage, inputs)) expect(received[index], stage).toHaveProperty(name, `${stage}-${name}`);
  });

  test("return every declared output to the workflow", (context) => {
    if ("missing" in act) return context.skip(act.missing);
    for (const stage of stageActions)
      for (const name of declaredFor(stage, outputs)) expect(log).toContain(`"${name}": "${stage}:${name}"`);
  });

  test("run each post step with the saved state and the credentials of its step", (context) => {
    if ("missing" in act) return context.skip(act.missing);
    const byName = (all: Record<string, unknown>[]) => all.sort((a, b) => String(a.stage).localeCompare(String(b.stage)));
    expect(byName(printed(log, "post"))).toEqual(byName(stageActions.map((stage) => ({ stage, credential: `for ${stage}` }))));
  });

  test("find the artifacts that earlier stages of the run stored", (context) => {
    if ("missing" in act) return context.skip(act.missing);
    const expected = stageActions.map((stage, index) => {
      const before = stageActions.slice(0, index).sort();
      return { stage, earlier: before.map((name) => `evidence-${name}`), contents: before.map((name) => `${name} passed`) };
    });
    expect(printed(log, "artifacts")).toEqual(expected);
  });
});

test("a failed stage stops later stages, and its post step still cleans up", async (context) => {
  if ("missing" in act) return context.skip(act.missing);
  const { exitCode, output } = await runAsConsumer(act.path, inAJobEach(stepsOf), { PROBE_FAILS: "integration" });
  expect(exitCode, output).not.toBe(0);
  expect(printed(output, "inputs").map(({ stage }) => stage)).toEqual(["preflight", "integration"]);
  expect(printed(output, "post").map(({ stage }) => stage)).toEqual(["preflight", "integration"]);
}, 200_000);
