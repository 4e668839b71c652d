import { e2e, endedBy, gateStages, left, type Row } from "./question.ts";

// Several configurations in one repository, and gates that know one of them or all.

const a = "packages/a/.github/env-actions.yml";
const b = "packages/b/.github/env-actions.yml";
const gateOf = (project: string, ...evidence: ReturnType<typeof left>[]) => ({ project, evidence });
const allOf = (project: string) => gateStages.map((stage) => left(stage, "passed", { project }));
const gateOfAll = (...evidence: ReturnType<typeof left>[]) => ({ project: undefined, evidence });

export const projects: Row[] = [
  [
    "another project's pass",
    gateOf(
      b,
      left("preflight", "passed", { project: b }),
      left("integration", "passed", { project: b }),
      e2e("passed", { project: a }),
    ),
    "failed",
    /none left evidence of e2e for the configuration packages\/b\S+: found evidence for packages\/a/,
  ],
  [
    "another project passed everything, and this one ran nothing",
    gateOf(b, ...allOf(a)),
    "failed",
    /none left evidence of preflight for the configuration packages\/b\S+: found evidence for packages\/a/,
  ],
  ["another project failed", gateOf(b, ...allOf(b), e2e("failed", { project: a })), "passed", /every stage passed/],
  [
    "this project failed, and another one passed",
    gateOf(b, ...allOf(a), ...allOf(b), e2e("failed", { project: b, cell: "2" })),
    "failed",
    /failed in job e2e \(2\), environment sandbox/,
  ],
  [
    "a path that only begins with this project's",
    gateOf(b, ...allOf(`${b}.bak`)),
    "failed",
    /for the configuration packages\/b\S+\.yml: found evidence for packages\/b\S+\.yml\.bak/,
  ],
  ["a gate for all projects, and each passed", gateOfAll(...allOf(a), ...allOf(b)), "passed", /every stage passed/],
  [
    "a gate for all projects, and one lacks a stage",
    gateOfAll(...allOf(a), ...allOf(b).slice(0, 2)),
    "failed",
    /none left evidence of e2e for packages\/b/,
  ],
  [
    "a gate for all projects, and one failed",
    gateOfAll(...allOf(a), ...allOf(b), e2e("failed", { project: b })),
    "failed",
    /failed in job e2e, environment sandbox, configuration packages\/b/,
  ],
  [
    "a project of another workflow run is not asked for",
    gateOfAll(...allOf(a), left("preflight", "passed", { project: b, workflowRun: "6" })),
    "passed",
    /every stage passed/,
  ],
  ["evidence of an older version, which names no project", endedBy(omitProject(e2e())), "passed", /every stage passed/],
];

function omitProject({ project: _, ...evidence }: ReturnType<typeof left>) {
  return evidence;
}
