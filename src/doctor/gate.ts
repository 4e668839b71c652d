import { posix } from "node:path";
import { group, list, text } from "../config/path.ts";
import { isStagingStage, type StageName } from "../model/report.ts";
import { isAction } from "./action-reference.ts";
import type { Configuration } from "./configuration.ts";
import { type Contexts, hasStatusFunction, type Truth, truthOf } from "./expression.ts";
import type { Subject } from "./rule.ts";
import type { Job, StageUse, Workflow } from "./workflow.ts";

/** What several rules ask about the jobs of a gate. */

/** Events whose result a branch rule can require. */
export const requiredEvents = ["pull_request", "pull_request_target", "merge_group"] as const;

/** Stages whose verdict a gate waits for. */
const judged: readonly StageName[] = ["preflight", "integration", "e2e", "smoke"];
/** Stages during which test data can exist. */
export const testing: readonly StageName[] = ["preflight", "integration", "e2e"];

export function stageWorkflows({ workflows }: Subject): Workflow[] {
  return workflows.filter((workflow) =>
    workflow.jobs.some(
      (job) => job.stages.length + job.gates.length + job.comments.length + job.approvals.length + job.dashboards.length > 0,
    ),
  );
}

/** Jobs whose own steps run stages or judge them, in all workflows. */
export function stageJobs(subject: Pick<Subject, "workflows">): Job[] {
  return subject.workflows.flatMap(({ jobs }) =>
    jobs.filter((job) => job.gates.length + job.comments.length > 0 || job.stages.some(({ jobStep }) => jobStep)),
  );
}

export function runsStages(job: Job, wanted: readonly StageName[]): boolean {
  return job.stages.some(({ stage }) => wanted.includes(stage));
}

/** Whether a job can run in an event, as far as its conditions and those of the jobs that it needs say. */
export function runsIn(job: Job, event: string): Truth {
  return runsWith(job, { "github.event_name": event });
}

export function runsWith(job: Job, contexts: Contexts): Truth {
  return reached(job, contexts, new Set());
}

function reached(job: Job, contexts: Contexts, open: Set<Job>): Truth {
  const own = truthOf(job.condition, contexts);
  if (own === "no" || (job.condition !== undefined && hasStatusFunction(job.condition)) || open.has(job)) return own;
  open.add(job);
  const needed = neededBy(job).map((one) => reached(one, contexts, open));
  open.delete(job);
  return needed.includes("no") ? "no" : needed.includes("unknown") ? "unknown" : own;
}

export function neededBy(job: Job): Job[] {
  return job.workflow.jobs.filter(({ id }) => job.needs.includes(id));
}

/**
 * All jobs that must have succeeded when this one runs.
 * @param throughAny also follows jobs that run although the one before them failed
 */
export function before(job: Job, throughAny = true): Set<Job> {
  const found = new Set<Job>();
  const visit = (one: Job): void => {
    for (const needed of neededBy(one)) {
      if (found.has(needed)) continue;
      found.add(needed);
      if (throughAny || !hasStatusFunction(needed.condition ?? "")) visit(needed);
    }
  };
  visit(job);
  return found;
}

/** The jobs whose result decides about a pull request or an entry of the merge queue. */
export function judgedJobs(workflow: Workflow): Job[] {
  const events = requiredEvents.filter((event) => workflow.triggers.has(event));
  return workflow.jobs.filter((job) => runsStages(job, judged) && events.some((event) => runsIn(job, event) !== "no"));
}

/** Whether a text depends on something that only a run knows. */
export function isComputed(value: unknown): boolean {
  return typeof value === "string" && value.includes("${{");
}

/**
 * Whether a stage reads the configuration that is examined; `undefined` if only a run knows.
 * @param configuration its path, relative to the repository
 */
export function readsConfiguration({ step }: Pick<StageUse, "step">, job: Job, configuration: string): boolean | undefined {
  const { config = ".github/env-actions.yml", "working-directory": folder = "." } = step.with;
  if (isComputed(config) || isComputed(folder)) return undefined;
  const path = posix.join(String(folder), String(config));
  const checkedOut = checkoutFolder(job);
  return [path, checkedOut === undefined ? path : posix.relative(checkedOut, path)].includes(configuration);
}

/** The folder that the job checks its own repository out into, if it is not the workspace. */
export function checkoutFolder(job: Job): string | undefined {
  const own = job.steps.find((step) => isAction(step.uses, "actions/checkout") && step.with.repository === undefined);
  const path = own && text(own.with.path);
  return path === undefined || isComputed(path) ? undefined : posix.normalize(path);
}

/** The folder in which the scripts of a job run if they don't say another one. */
export function runFolder({ workflow: { file }, path }: Job): string | undefined {
  const written = [path, []].map((one) => text(group(group(file.at([...one, "defaults"])).run)["working-directory"]));
  return written.find((folder) => folder !== undefined);
}

/** The environment in which a stage runs; `undefined` if only a run knows. */
export function environmentOf(use: StageUse, configuration: Configuration | undefined): string | undefined {
  const named = use.step.with.environment;
  if (isComputed(named)) return undefined;
  const copy = isStagingStage(use.stage) ? text(configuration?.file.at(["staging", "copy"])) : undefined;
  return text(named) || copy || configuration?.defaultEnvironment;
}

/** Each stage that reads the examined configuration, with its environment. */
export function configuredStages(
  subject: Subject,
): { job: Job; use: StageUse; name: string; environment: Record<string, unknown>; configuration: Configuration }[] {
  const { configuration } = subject;
  if (!configuration) return [];
  return stageJobs(subject).flatMap((job) =>
    job.stages.flatMap((use) => {
      const name = environmentOf(use, configuration);
      const environment = name === undefined ? undefined : configuration.environments[name];
      const isOurs = use.jobStep && readsConfiguration(use, job, configuration.file.path);
      return isOurs && name !== undefined && environment ? [{ job, use, name, environment, configuration }] : [];
    }),
  );
}

/** Every text in a part of a file. */
export function allTexts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return (list(value) ?? Object.values(value)).flatMap(allTexts);
}
