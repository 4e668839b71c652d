import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { type Input, inputs, type Output, outputs } from "../../src/action/interface.ts";
import { type StageName, stageNames } from "../../src/model.ts";
import { type FoundAct, findAct, runWorkflow } from "./act.ts";
import { publishForAct, sourceWithBundle } from "./published.ts";
import { makeRepository } from "./workspace.ts";

let scratch: string;
let act: FoundAct;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "env-actions-consumer-"));
  act = await findAct();
}, 300_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function declaredFor(stage: StageName, all: Record<string, Input | Output>): string[] {
  return Object.keys(all).filter((name) => !all[name]?.stages || all[name].stages.includes(stage));
}

/** One job a stage, each needing the one before it, as a consumer writes it; every input is given a value that tells which it is. */
function gateOverJobs(): string {
  const jobs = stageNames.map((stage, index) => {
    const given = Object.fromEntries(declaredFor(stage, inputs).map((name) => [name, `${stage}-${name}`]));
    const echo = { run: 'echo "outputs of the step $OUTPUTS"', env: { OUTPUTS: "${{ toJSON(steps.stage.outputs) }}" } };
    const job = {
      "runs-on": "ubuntu-latest",
      ...(index > 0 && { needs: stageNames[index - 1] }),
      steps: [{ id: "stage", uses: `classwaves/env-actions/${stage}@v1`, with: given }, echo],
    };
    return [stage, job];
  });
  return stringify({ name: "gate", on: "push", jobs: Object.fromEntries(jobs) });
}

/** What the probe printed as `event`, in the order of the log. */
function printed(log: string, event: string): Record<string, unknown>[] {
  const marker = `probe ${event} `;
  const lines = log.split("\n").filter((line) => line.includes(marker));
  return lines.map((line) => JSON.parse(line.slice(line.indexOf(marker) + marker.length)) as Record<string, unknown>);
}

/**
 * The published composites under a runner, with a probe in place of the bundle. A composite that forgets an input, names an output that
 * the core does not set, or does not find the core from its copy at the root, shows here and nowhere else before a release.
 */
describe("the five published actions, over five jobs", () => {
  let log: string;

  beforeAll(async () => {
    if ("missing" in act) return;
    const source = sourceWithBundle(join(scratch, "source"), join(import.meta.dirname, "probe.ts"));
    const workspace = join(scratch, "consumer");
    mkdirSync(workspace);
    makeRepository(workspace, { ".github/workflows/gate.yml": gateOverJobs() });
    const finished = await runWorkflow({
      act: act.path,
      workspace,
      workflow: "gate.yml",
      repositories: publishForAct(join(scratch, "published"), source),
      scratch: join(scratch, "act"),
    });
    log = finished.output;
    expect(finished.exitCode, log).toBe(0);
  }, 200_000);

  test("hand every input that they declare to the core", (context) => {
    if ("missing" in act) return context.skip(act.missing);
    const received = printed(log, "inputs");
    expect(received.map((given) => given.stage)).toEqual([...stageNames]);
    for (const [index, stage] of stageNames.entries())
      for (const name of declaredFor(stage, inputs)) expect(received[index], stage).toHaveProperty(name, `${stage}-${name}`);
  });

  test("give every output that they declare back to the workflow", (context) => {
    if ("missing" in act) return context.skip(act.missing);
    for (const stage of stageNames)
      for (const name of declaredFor(stage, outputs)) expect(log).toContain(`"${name}": "${stage}:${name}"`);
  });

  test("run the post step of every one, with the state that its main step saved", (context) => {
    if ("missing" in act) return context.skip(act.missing);
    expect(printed(log, "post")).toEqual(stageNames.map((stage) => ({ stage })));
  });

  test("find in each job what the jobs before it stored as artifacts of the run", (context) => {
    if ("missing" in act) return context.skip(act.missing);
    const expected = stageNames.map((stage, index) => {
      const before = stageNames.slice(0, index).sort();
      return { stage, earlier: before.map((name) => `evidence-${name}`), contents: before.map((name) => `${name} passed`) };
    });
    expect(printed(log, "artifacts")).toEqual(expected);
  });
});
