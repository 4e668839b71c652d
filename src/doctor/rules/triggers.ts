import { group, isGroup, list, text } from "../../config/path.ts";
import { isAction } from "../action-reference.ts";
import { before, configuredStages, judgedJobs, runsIn, runsStages, runsWith, stageWorkflows, testing } from "../gate.ts";
import type { Place, Rule } from "../rule.ts";
import { type Job, jobPlace, type Step, stepPlace, type Trigger, type Workflow } from "../workflow.ts";

/** When the gate runs: events and their filters. */

function triggerPlace({ file }: Workflow, { path }: Trigger, ...key: string[]): Place {
  return file.keyPlace([...path, ...key]);
}

const gateWorkflows = (workflows: readonly Workflow[]): Workflow[] =>
  workflows.filter((workflow) => judgedJobs(workflow).some((job) => runsStages(job, testing)));

export const mergeGroup: Rule = {
  code: "ED201",
  severity: "surprises",
  title: "The gate doesn't run in a merge queue",
  meaning:
    "The workflow runs on `pull_request` and not on `merge_group`. With a merge queue, a required check of it is never reported there, and each entry waits until it is removed.",
  cure: "Add `merge_group:` beside `pull_request:`. Without a merge queue it has no effect.",
  *find({ workflows }) {
    const gates = gateWorkflows(workflows);
    if (gates.some(({ triggers }) => triggers.has("merge_group"))) return;
    for (const workflow of gates) {
      const trigger = workflow.triggers.get("pull_request");
      if (trigger)
        yield { at: triggerPlace(workflow, trigger), message: "the gate runs on pull_request, but not on merge_group" };
    }
  },
};

export const pathFilters: Rule = {
  code: "ED202",
  severity: "fails",
  title: "The gate has a path filter",
  meaning:
    "GitHub doesn't start the workflow if a change touches other files only. A required check then stays pending, and the pull request can't be merged.",
  cure: "Remove the filter. To skip work, let the first job look at the changed files, and let the gate's last job accept that.",
  *find({ workflows }) {
    for (const workflow of gateWorkflows(workflows))
      for (const event of ["pull_request", "pull_request_target", "merge_group"])
        for (const key of ["paths", "paths-ignore"]) {
          const trigger = workflow.triggers.get(event);
          if (trigger?.filters[key] === undefined) continue;
          const at = triggerPlace(workflow, trigger, key);
          yield { at, message: `${event} has ${key}: for all other changes, a required check of this workflow stays pending` };
        }
  },
};

export const branchFilters: Rule = {
  code: "ED203",
  severity: "surprises",
  title: "The gate has a branch filter",
  meaning:
    "A pull request into another branch runs no gate. If its target is changed later, nothing starts either: a change of the target is no new commit, and the required check stays pending.",
  cure: "Remove the filter: branch rules already say where the check is required.",
  *find({ workflows }) {
    for (const workflow of gateWorkflows(workflows))
      for (const event of ["pull_request", "pull_request_target", "merge_group"])
        for (const key of ["branches", "branches-ignore"]) {
          const trigger = workflow.triggers.get(event);
          if (trigger?.filters[key] === undefined) continue;
          yield { at: triggerPlace(workflow, trigger, key), message: `${event} runs the gate for some branches only` };
        }
  },
};

const commitTypes = ["opened", "synchronize", "reopened"];

export const eventTypes: Rule = {
  code: "ED204",
  severity: "surprises",
  title: "The gate doesn't run for each new commit",
  meaning: "`types` leaves out an activity by which a pull request gets a commit, so that this commit has no result.",
  cure: "Remove `types`, or list at least `opened`, `synchronize` and `reopened`.",
  *find({ workflows }) {
    for (const workflow of gateWorkflows(workflows)) {
      const trigger = workflow.triggers.get("pull_request");
      const types =
        trigger &&
        (list(trigger.filters.types) ?? (text(trigger.filters.types) === undefined ? undefined : [trigger.filters.types]));
      const missing = types ? commitTypes.filter((type) => !types.includes(type)) : [];
      if (trigger && missing.length > 0)
        yield { at: triggerPlace(workflow, trigger, "types"), message: `pull_request has types without ${missing.join(", ")}` };
    }
  },
};

/** Events that give a job secrets although people without write access cause them. */
const privileged = ["pull_request_target", "workflow_run", "issue_comment", "issues", "discussion", "discussion_comment"];
const foreignCommit = /head[._]?(?:sha|ref|branch|repo)|refs\/pull\//i;
const foreignCheckout = /\bgh pr checkout\b|\bpull\/(?:\$|[^\s/]+\/)/;

export const foreignHead: Rule = {
  code: "ED205",
  severity: "unsafe",
  title: "Code of a fork gets credentials",
  meaning:
    "The event gives the job secrets although anybody can cause it, and the job checks out the commit of the pull request. env-actions refuses such a commit unless `foreign-head` names it; other steps run it with all that the job has.",
  cure: "Use `pull_request`, or let a maintainer start the workflow and type the SHA that was reviewed, as in the guide about forks.",
  *find({ workflows }) {
    for (const workflow of workflows)
      for (const job of workflow.jobs) {
        const events = privileged.filter((event) => workflow.triggers.has(event) && runsIn(job, event) !== "no");
        if (events.length === 0 || job.stages.length === 0) continue;
        const named = job.stages.every(({ step }) => {
          const head = text(step.with["foreign-head"]);
          return head !== undefined && !/github\.(?:event|head_ref)/.test(head);
        });
        const step = named ? undefined : job.steps.find(checksOutForeign);
        if (step)
          yield {
            at: stepPlace(step),
            message: `on ${events.join(", ")} this step checks out a commit that anybody may have written`,
          };
      }
  },
};

function checksOutForeign(step: Step): boolean {
  if (step.run !== undefined) return foreignCheckout.test(step.run);
  const { ref, repository } = step.with;
  return isAction(step.uses, "actions/checkout") && [ref, repository].some((value) => foreignCommit.test(text(value) ?? ""));
}

function deploymentContexts(state: string, environment: string | undefined): Record<string, string> {
  return {
    "github.event_name": "deployment_status",
    "github.event.deployment_status.state": state,
    ...(environment === undefined
      ? {}
      : { "github.event.deployment.environment": environment, "github.event.deployment_status.environment": environment }),
  };
}

const onDeployment = (workflows: readonly Workflow[]): Job[] =>
  workflows
    .filter(({ triggers }) => triggers.has("deployment_status"))
    .flatMap(({ jobs }) => jobs.filter((job) => job.stages.length > 0));

export const anyStatus: Rule = {
  code: "ED206",
  severity: "surprises",
  title: "Smoke runs for a deployment that didn't succeed",
  meaning:
    "GitHub sends `deployment_status` for each state: pending, in progress, failure, inactive. The job runs for all of them.",
  cure: "Add `if: github.event.deployment_status.state == 'success'` to the job.",
  *find({ workflows }) {
    for (const job of onDeployment(workflows))
      if (runsAfterFailure(job))
        yield { at: jobPlace(job), message: `the job ${job.id} runs on deployment_status, whatever the state is` };
  },
};

/** A condition that names the state, and depends on something unknown too, is given the benefit of the doubt. */
function runsAfterFailure(job: Job): boolean {
  const runs = runsWith(job, deploymentContexts("failure", undefined));
  return (
    runs === "yes" ||
    (runs === "unknown" && ![job, ...before(job)].some(({ condition }) => condition?.includes("deployment_status.state")))
  );
}

export const deploymentLoop: Rule = {
  code: "ED207",
  severity: "fails",
  title: "A job starts itself again",
  meaning:
    "The job runs after a deployment to an environment, and names the same environment. GitHub records the job as a deployment to it, whose success starts the job again.",
  cure: "Give the job an environment of its own, such as `production-smoke`, or compare `github.event.deployment.environment` in its `if`.",
  *find({ workflows }) {
    for (const job of onDeployment(workflows)) {
      const written = job.workflow.file.at([...job.path, "environment"]);
      const name = text(isGroup(written) ? written.name : written);
      if (name === undefined || name.includes("${{") || group(written).deployment === false) continue;
      if (runsWith(job, deploymentContexts("success", name)) === "yes")
        yield {
          at: jobPlace(job, "environment"),
          message: `the job ${job.id} runs after each deployment to ${name}, and is itself a deployment to it`,
        };
    }
  },
};

export const noSweep: Rule = {
  code: "ED208",
  severity: "surprises",
  title: "Nothing deletes what lost runs leave behind",
  meaning:
    "If a runner is lost, nothing deletes the test data of its run. No job runs the stage cleanup, and preflight doesn't delete expired data.",
  cure: "Run cleanup with `scope: expired` on a `schedule`, or set `stages.preflight.sweep: true`.",
  *find(subject) {
    const { configuration } = subject;
    const sweeps = stageWorkflows(subject).some(({ jobs }) => jobs.some((job) => runsStages(job, ["cleanup"])));
    if (!configuration || sweeps || configuration.file.at(["stages", "preflight", "sweep"]) === true) return;
    const seen = new Set<string>();
    for (const { use, name, environment } of configuredStages(subject)) {
      const hasData = environment.databricks !== undefined || environment.redis !== undefined;
      if (seen.has(name) || !hasData || environment.access !== "test-data" || !["integration", "e2e"].includes(use.stage))
        continue;
      seen.add(name);
      yield { at: configuration.file.keyPlace(["environments", name]), message: `no job sweeps expired test data in ${name}` };
    }
  },
};
