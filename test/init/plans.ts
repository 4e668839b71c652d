import { type Plan, planOf } from "../../src/init/plan.ts";
import { detectProject, type Project } from "../../src/init/project.ts";
import { repositoryOf } from "../../src/init/repository.ts";
import type { Sample } from "./repositories.ts";

/** What `init` would write for a sample, as tests look at it. */

export const configFile = ".github/env-actions.yml";

/** With the gate written out, as `init --standalone` does: the reusable workflow has a test of its own. */
export function projectOf({ files, folder = "" }: Sample): Project {
  return { ...detectProject(repositoryOf(files, folder)), isStandalone: true };
}

export function planFor(sample: Sample, project = projectOf(sample)): Plan {
  const path = sample.folder === undefined ? configFile : `${sample.folder}/${configFile}`;
  return planOf(project, path, () => undefined);
}

/** The lines of a file that are no comments. */
export function lines(sample: Sample, name: string | RegExp, project?: Project): string {
  const file = planFor(sample, project).files.find(({ path }) => (typeof name === "string" ? path === name : name.test(path)));
  return (file?.text ?? "").replace(/^\s*#.*\n/gm, "").replace(/ #.*$/gm, "");
}

export const paths = (sample: Sample) => planFor(sample).files.map(({ path }) => path);
export const questions = (sample: Sample) => planFor(sample).open.map(({ question }) => question);

export interface Step {
  uses?: string;
  run?: string;
  "working-directory"?: string;
  env?: Record<string, string>;
  with?: Record<string, string>;
}
export interface Job {
  if?: string;
  needs?: string | string[];
  "runs-on": string;
  environment?: string;
  permissions?: Record<string, string>;
  services?: Record<string, { image: string }>;
  steps: Step[];
}
export interface Workflow {
  on: Record<string, { inputs?: Record<string, unknown> } | null>;
  permissions: Record<string, string>;
  concurrency?: { group: string; "cancel-in-progress": boolean };
  env?: unknown;
  jobs: Record<string, Job>;
}
