import { isGroup, type Path, text } from "../../config/path.ts";
import { truthOf } from "../expression.ts";
import { isComputed, requiredEvents, runsIn, runsStages, stageJobs, stageWorkflows, testing } from "../gate.ts";
import type { Rule, Subject } from "../rule.ts";
import { type Job, jobPlace, type Workflow } from "../workflow.ts";

/** What runs at the same time, and what cancels what. */

interface Concurrency {
  workflow: Workflow;
  /** Absent if the whole workflow has it. */
  job: Job | undefined;
  path: Path;
  group: string;
  cancels: unknown;
  queues: boolean;
}

function concurrencyAt(workflow: Workflow, job: Job | undefined): Concurrency[] {
  const path = [...(job?.path ?? []), "concurrency"];
  const written = workflow.file.at(path);
  const group = text(isGroup(written) ? written.group : written);
  if (group === undefined) return [];
  const { "cancel-in-progress": cancels, queue } = isGroup(written) ? written : {};
  return [{ workflow, job, path, group, cancels, queues: queue === "max" }];
}

/** Of workflows with stages: the workflow's own, and that of each job with stages. */
function allOf(subject: Subject): Concurrency[] {
  return stageWorkflows(subject).flatMap((workflow) => [
    ...concurrencyAt(workflow, undefined),
    ...workflow.jobs.filter((job) => job.stages.length > 0).flatMap((job) => concurrencyAt(workflow, job)),
  ]);
}

/** Whether it cancels in an event; `unknown` counts, because then it may. */
function mayCancel({ cancels }: Concurrency, event: string): boolean {
  if (typeof cancels === "boolean") return cancels;
  const condition = text(cancels);
  return condition !== undefined && truthOf(condition, { "github.event_name": event }) !== "no";
}

export const cancelInProgress: Rule = {
  code: "ED310",
  severity: "surprises",
  title: "A new run cancels a stage that is running",
  meaning:
    "A cancelled stage has some seconds to stop its tests; its post step then has five minutes to delete their data. If that isn't enough, or the runner is lost, the data stay until a sweep finds them.",
  cure: "Write `cancel-in-progress: false`. To stop outdated runs earlier, cancel them before the first stage.",
  *find(subject) {
    for (const one of allOf(subject)) {
      const jobs = one.job ? [one.job] : one.workflow.jobs;
      const makesData = jobs.filter((job) => runsStages(job, [...testing, "cleanup"]));
      const events = [...one.workflow.triggers.keys()].filter(
        (event) => mayCancel(one, event) && makesData.some((job) => runsIn(job, event) !== "no"),
      );
      if (events.length > 0)
        yield {
          at: one.workflow.file.keyPlace([...one.path, "cancel-in-progress"]),
          message: `a new run cancels ${one.job ? `the job ${one.job.id}` : "the stages"} of the previous run (${events.join(", ")})`,
        };
    }
  },
};

/** Events for which `github.ref` is usually the default branch. */
const onDefaultBranch = ["push", "schedule", "workflow_dispatch", "repository_dispatch", "deployment_status", "workflow_run"];
/** Parts of a group that differ between any two runs, or between events. */
const differs = /github\.(?:run_id|run_number|sha|event_name)\b|github\.event\b/;

export const collidingGroup: Rule = {
  code: "ED311",
  severity: "surprises",
  title: "Unrelated runs share a concurrency group",
  meaning:
    "In each group, GitHub runs one and lets one wait: a third one cancels the one that waits. Runs of different events or pull requests then cancel each other, and their checks have no result.",
  cure: "Put `github.event_name` and `github.ref` into the group. If one run at a time is meant, write `queue: max`, which needs `cancel-in-progress: false`.",
  *find(subject) {
    for (const one of allOf(subject)) {
      const why = whyColliding(one);
      if (why !== undefined) yield { at: groupPlace(one), message: why };
    }
    yield* sharedGroups(subject);
  },
};

function groupPlace({ workflow, path }: Concurrency) {
  const written = workflow.file.at(path);
  return workflow.file.valuePlace(isGroup(written) ? [...path, "group"] : path);
}

function whyColliding(one: Concurrency): string | undefined {
  const { workflow, group, job } = one;
  // In a matrix that is said for the cells.
  if (one.queues || differs.test(group) || job) return undefined;
  const events = [...workflow.triggers.keys()];
  if (/github\.head_ref\b/.test(group) && !/\|\|/.test(group)) {
    const others = events.filter((event) => !["pull_request", "pull_request_target"].includes(event));
    return others.length > 0 ? `github.head_ref is empty in ${others.join(", ")}, so all these runs are in one group` : undefined;
  }
  const required = requiredEvents.filter((event) => workflow.triggers.has(event));
  const isConstant = !/github\.(?:ref|ref_name|head_ref)\b|inputs\./.test(group);
  if (isConstant && required.length > 0)
    return `all runs of ${required.join(", ")} are in one group, and only one of them can wait`;
  const shared = events.filter((event) => onDefaultBranch.includes(event));
  const different = shared.filter((event) => jobsIn(workflow, event) !== jobsIn(workflow, shared[0] ?? ""));
  return different.length > 0
    ? `${[shared[0], ...different].join(" and ")} run different jobs in one group, because their ref is the same`
    : undefined;
}

function jobsIn(workflow: Workflow, event: string): string {
  return workflow.jobs
    .filter((job) => job.stages.length > 0 && runsIn(job, event) !== "no")
    .map(({ id }) => id)
    .join();
}

/** Groups belong to the repository, not to a workflow. */
function* sharedGroups(subject: Subject) {
  const known = new Map<string, Concurrency>();
  const stages = stageWorkflows(subject);
  for (const one of subject.workflows.flatMap((workflow) => concurrencyAt(workflow, undefined))) {
    const key = one.group.toLowerCase().replace(/\s+/g, "");
    if (/github\.(?:workflow|run_id)/.test(key)) continue;
    const other = known.get(key);
    known.set(key, other ?? one);
    if (!other || ![one, other].some(({ workflow }) => stages.includes(workflow))) continue;
    const events = [...one.workflow.triggers.keys(), ...other.workflow.triggers.keys()];
    if (events.some((event) => mayCancel(one, event) || mayCancel(other, event)))
      yield {
        at: groupPlace(one),
        message: `${other.workflow.file.path} has the same group, so the two workflows cancel each other`,
      };
  }
}

export const cellsShareGroup: Rule = {
  code: "ED312",
  severity: "fails",
  title: "The cells of a matrix cancel each other",
  meaning: "All cells of the job are in one concurrency group. One runs, one waits, and GitHub cancels the others.",
  cure: "Put the matrix into the group, such as `${{ matrix.shard }}`, or write the group at the workflow.",
  *find(subject) {
    for (const one of allOf(subject))
      if (one.job?.hasMatrix && !one.queues && !/\b(?:matrix|strategy)\./.test(one.group))
        yield { at: groupPlace(one), message: `all cells of ${one.job.id} are in one group` };
  },
};

export const groupBetweenStages: Rule = {
  code: "ED313",
  severity: "surprises",
  title: "Another run comes between two stages",
  meaning:
    "A concurrency group at a job is free again when the job ends. Then a job of another run can use the environment before the next stage of this run.",
  cure: "Write `concurrency` at the workflow.",
  *find(subject) {
    for (const job of stageJobs(subject)) {
      const others = job.workflow.jobs.filter((one) => one !== job && runsStages(one, testing));
      const [own] = concurrencyAt(job.workflow, job);
      if (!own || job.hasMatrix || others.length === 0 || !runsStages(job, testing) || isComputed(own.group)) continue;
      yield { at: jobPlace(job, "concurrency"), message: `the group of ${job.id} ends with its job, before the next stage` };
    }
  },
};
