import { isGroup, text } from "../../config/path.ts";
import { suggestion } from "../../lib/nearest.ts";
import type { StageName } from "../../model/report.ts";
import { isAlwaysTrueText, runsAlways, truthOf } from "../expression.ts";
import {
  allTexts,
  before,
  environmentOf,
  isComputed,
  judgedJobs,
  requiredEvents,
  runsIn,
  stageJobs,
  stageWorkflows,
} from "../gate.ts";
import type { Found, Rule, Subject } from "../rule.ts";
import { type Job, jobPlace, type StageUse, stepPlace, type Workflow } from "../workflow.ts";

/** In which order stages run, and which job says the result. */

/** The jobs that decide, and the job that says their result, if there is one. */
interface Ending {
  workflow: Workflow;
  jobs: Job[];
  last: Job | undefined;
}

/** Workflows whose result needs a last job, because several jobs decide about it. */
function endings({ workflows }: Subject): Ending[] {
  return workflows.flatMap((workflow) => {
    const jobs = judgedJobs(workflow);
    if (jobs.length < 2) return [];
    const events = requiredEvents.filter((event) => workflow.triggers.has(event));
    const candidates = workflow.jobs.filter(
      (job) =>
        !jobs.includes(job) &&
        jobs.some(({ id }) => job.needs.includes(id)) &&
        events.some((event) => runsIn(job, event) !== "no"),
    );
    const weight = (job: Job): number =>
      jobs.filter((one) => before(job, false).has(one)).length * 2 + (runsAlways(job.condition) ? 1 : 0);
    const [last] = candidates.sort((a, b) => weight(b) - weight(a));
    return [{ workflow, jobs, last }];
  });
}

export const noLastJob: Rule = {
  code: "ED301",
  severity: "unsafe",
  title: "A skipped gate counts as success",
  meaning:
    "If a stage fails, the jobs after it are skipped, and GitHub accepts a skipped job as success of a required check. A job with `!cancelled()` is skipped when the run is cancelled.",
  cure: "Add a last job that needs every stage's job, with `if: always()` and the action `gate`, or a step that fails unless each result is `success`. Require this job, and only it.",
  *find(subject) {
    yield* skippedAlone(subject);
    for (const { jobs, last } of endings(subject)) {
      if (last && !runsAlways(last.condition))
        yield {
          at: jobPlace(last),
          message: `the job ${last.id} waits for the stages, but is skipped if one of them fails: it has no if: always()`,
        };
      else if (!last) {
        const final = jobs.at(-1);
        if (final)
          yield { at: jobPlace(final), message: `no last job combines the results of ${jobs.map(({ id }) => id).join(", ")}` };
      }
    }
  },
};

/** One job is its own gate, unless it can be skipped. In an event in which it never runs, it is not taken for the gate. */
function* skippedAlone({ workflows }: Subject): Iterable<Found> {
  for (const workflow of workflows) {
    const [only, ...others] = judgedJobs(workflow);
    const events = requiredEvents.filter((event) => workflow.triggers.has(event));
    if (!only || others.length > 0 || !events.some((event) => runsIn(only, event) === "unknown")) continue;
    if (workflow.jobs.some((job) => job.needs.includes(only.id) && runsAlways(job.condition))) continue;
    yield { at: jobPlace(only, "if"), message: `the job ${only.id} is skipped if this condition isn't met` };
  }
}

export const stageNotNeeded: Rule = {
  code: "ED302",
  severity: "unsafe",
  title: "A stage decides nothing",
  meaning: "The gate's last job doesn't need the job of this stage. If the stage fails, the gate is green all the same.",
  cure: "Add the job to `needs` of the last job, and compare its result there.",
  *find(subject) {
    for (const { jobs, last } of endings(subject)) {
      if (!last || !runsAlways(last.condition)) continue;
      const reached = before(last, false);
      const forgotten = jobs.filter((job) => !reached.has(job));
      if (forgotten.length > 0)
        yield {
          at: jobPlace(last, "needs"),
          message: `the job ${last.id} doesn't need ${forgotten.map(({ id }) => id).join(", ")}`,
        };
    }
  },
};

export const resultsNotRead: Rule = {
  code: "ED303",
  severity: "unsafe",
  title: "The gate's last job accepts jobs that didn't run",
  meaning:
    "The last job always runs. It is green unless its step compares the result of each job with `success`: `skipped` and `cancelled` are no failure.",
  cure: 'Let its step be `uses: classwaves/env-actions/gate@…` with `needs: ${{ toJson(needs) }}`, or compare all results: `RESULTS: ${{ join(needs.*.result, \' \') }}` in `env`, and `test "$RESULTS" = "success success"` in `run`.',
  *find(subject) {
    for (const { last } of endings(subject)) {
      if (!last || !runsAlways(last.condition)) continue;
      const texts = allTexts(last.workflow.file.at(last.path)).join("\n");
      const looks = /\bneeds\b[^\n]{0,300}\bresult\b|toJSON\(\s*needs\s*\)/i.test(texts);
      const isStrict = /\bsuccess\b|skipped|toJSON\(\s*needs\s*\)/i.test(texts.replace(/\b(?:success|always)\s*\(/g, ""));
      // The action finds the evidence itself, so it never takes a stage for passed that didn't run.
      if (last.gates.length > 0) continue;
      if (!looks)
        yield { at: jobPlace(last), message: `the job ${last.id} never looks at the results of the jobs that it needs` };
      else if (!isStrict) yield { at: jobPlace(last), message: `the job ${last.id} doesn't notice a job that was skipped` };
    }
  },
};

const stagesInOrder: readonly StageName[] = ["preflight", "integration", "e2e", "smoke"];

/** The stage whose evidence a stage needs. One that the configuration leaves out is not asked for. */
function stageBefore({ configuration }: Subject, stage: StageName): StageName | undefined {
  const earlier = stagesInOrder.slice(0, Math.max(0, stagesInOrder.indexOf(stage)));
  return earlier.findLast((one) => configuration?.file.at(["stages", one]) !== false);
}

export const wrongOrder: Rule = {
  code: "ED304",
  severity: "fails",
  title: "A stage starts without the evidence that it needs",
  meaning:
    "Integration needs passed evidence of preflight, e2e of integration, and smoke of e2e or a `deployment`: from the same workflow run, commit and environment. Otherwise the stage refuses to start.",
  cure: "Run the stage before in an earlier step, or in a job that this job `needs`, with the same `environment`.",
  *find(subject) {
    for (const job of stageJobs(subject)) {
      // The caller of a reusable workflow may have run it.
      if (job.workflow.triggers.has("workflow_call")) continue;
      for (const [index, use] of job.stages.entries()) {
        const needed = stageBefore(subject, use.stage);
        if (!needed || !use.jobStep || (use.stage === "smoke" && followsElse(subject, use))) continue;
        const earlier = [...job.stages.slice(0, index), ...[...before(job)].flatMap(({ stages }) => stages)];
        const found = earlier.filter(({ stage }) => stage === needed);
        const why = found.length === 0 ? whereInstead(job, needed) : whyOtherEnvironment(subject, use, found);
        if (why !== undefined)
          yield { at: stepPlace(use.jobStep), message: `${use.stage} needs evidence of ${needed}, but ${why}` };
      }
    }
  },
};

/** Smoke may follow a deployment, or nothing. */
function followsElse({ configuration }: Subject, { step }: StageUse): boolean {
  return Boolean(step.with.deployment) || configuration?.file.at(["stages", "smoke", "follows"]) === "nothing";
}

function whereInstead(job: Job, needed: StageName): string {
  const elsewhere = job.workflow.jobs.find(({ stages }) => stages.some(({ stage }) => stage === needed));
  if (!elsewhere) return `no job of this workflow runs ${needed}`;
  return elsewhere === job ? `the step with ${needed} comes later` : `the job ${job.id} doesn't need the job ${elsewhere.id}`;
}

function whyOtherEnvironment({ configuration }: Subject, use: StageUse, found: readonly StageUse[]): string | undefined {
  const own = environmentOf(use, configuration);
  const others = found.map((one) => environmentOf(one, configuration));
  // An environment that doesn't exist is a mistake of its own.
  const isKnown = (name: string | undefined) => name !== undefined && configuration?.environments[name] !== undefined;
  if (own === undefined || ![own, ...others].every(isKnown)) return undefined;
  const promoted = use.stage === "smoke" ? text(configuration?.environments[own]?.promotedFrom) : undefined;
  if (others.some((other) => other === own || other === promoted)) return undefined;
  return `that runs in ${[...new Set(others)].join(", ")}, not in ${own}`;
}

export const impossibleGate: Rule = {
  code: "ED308",
  severity: "fails",
  title: "The gate can't pass in an event",
  meaning:
    "The last job compares the result of a job that never runs in this event with `success`. It is skipped there, so the gate fails each time.",
  cure: "Let the job run in the event, or let the gate allow the skip: `allow-skips` of the action `gate`.",
  *find(subject) {
    for (const { workflow, jobs, last } of endings(subject)) {
      if (!last || !runsAlways(last.condition)) continue;
      const texts = allTexts(workflow.file.at(last.path)).join("\n");
      if (/skipped/.test(texts) || last.steps.some((step) => step.with["allow-skips"] ?? step.with["allowed-skips"])) continue;
      for (const event of requiredEvents.filter((one) => workflow.triggers.has(one) && runsIn(last, one) === "yes")) {
        const never = jobs.filter((job) => last.needs.includes(job.id) && runsIn(job, event) === "no");
        if (never[0])
          yield {
            at: jobPlace(never[0], "if"),
            message: `in ${event}, ${never.map(({ id }) => id).join(", ")} never runs, so ${last.id} fails`,
          };
      }
    }
  },
};

export const skippedStage: Rule = {
  code: "ED309",
  severity: "unsafe",
  title: "A job is green although its stage was skipped",
  meaning: "A step that is skipped by its `if` leaves the job green. Nothing says that the stage didn't run.",
  cure: "Move the condition to the job, and let the gate's last job notice the skip; or use the action `gate`, which asks for the evidence.",
  *find({ workflows }) {
    for (const workflow of workflows) {
      if (workflow.jobs.some(({ gates }) => gates.length > 0)) continue;
      const events = requiredEvents.filter((event) => workflow.triggers.has(event));
      for (const job of judgedJobs(workflow))
        for (const { stage, step } of job.stages) {
          const maySkip = events.some(
            (event) => runsIn(job, event) !== "no" && truthOf(step.condition, { "github.event_name": event }) !== "yes",
          );
          if (stage !== "cleanup" && maySkip)
            yield {
              at: stepPlace(step, "if"),
              message: `if this condition isn't met, ${stage} doesn't run, and the job ${job.id} is green`,
            };
        }
    }
  },
};

export const textCondition: Rule = {
  code: "ED305",
  severity: "unsafe",
  title: "A condition is always true",
  meaning: "With text outside `${{ }}`, GitHub reads the whole condition as a text, and a text that isn't empty is true.",
  cure: "Put `${{ }}` around the whole condition, or leave it out.",
  *find(subject) {
    for (const workflow of stageWorkflows(subject))
      for (const job of workflow.jobs) {
        const message = "this condition has text outside ${{ }}, so it is always true";
        if (job.condition !== undefined && isAlwaysTrueText(job.condition)) yield { at: jobPlace(job, "if"), message };
        for (const step of job.steps)
          if (step.condition !== undefined && isAlwaysTrueText(step.condition)) yield { at: stepPlace(step, "if"), message };
      }
  },
};

export const failureIgnored: Rule = {
  code: "ED306",
  severity: "unsafe",
  title: "A failed stage counts as success",
  meaning: "With `continue-on-error`, a job is green although its stage failed.",
  cure: "Remove `continue-on-error`. Tests that may fail belong under `quarantine` in the configuration, with a date.",
  *find(subject) {
    for (const job of stageJobs(subject)) {
      const { file } = job.workflow;
      if (mayBeTrue(file.at([...job.path, "continue-on-error"])))
        yield { at: jobPlace(job, "continue-on-error"), message: `the job ${job.id} is green although a stage failed` };
      // A drift may be what the next job removes: its result is an output.
      const stages = job.stages.filter(({ stage }) => stage !== "drift");
      for (const step of new Set(stages.flatMap(({ step, jobStep }) => (jobStep ? [step, jobStep] : []))))
        if (mayBeTrue(step.file.at([...step.path, "continue-on-error"])))
          yield {
            at: step.file.keyPlace([...step.path, "continue-on-error"]),
            message: "the step is green although its stage failed",
          };
    }
  },
};

function mayBeTrue(value: unknown): boolean {
  return value === true || value === "true" || isComputed(value);
}

export const failFast: Rule = {
  code: "ED307",
  severity: "surprises",
  title: "One failed cell cancels the others",
  meaning:
    "Without `fail-fast: false`, GitHub cancels the other cells of a matrix as soon as one fails. They stop in the middle of their tests, and you don't see what else fails.",
  cure: "Add `fail-fast: false` under `strategy`.",
  *find(subject) {
    for (const job of stageJobs(subject)) {
      const strategy = job.workflow.file.at([...job.path, "strategy"]);
      if (job.hasMatrix && isGroup(strategy) && strategy["fail-fast"] !== false && !isComputed(strategy["fail-fast"]))
        yield { at: jobPlace(job, "strategy"), message: `the matrix of ${job.id} has no fail-fast: false` };
    }
  },
};

export const unknownNeed: Rule = {
  code: "ED314",
  severity: "fails",
  title: "A job needs a job that doesn't exist",
  meaning: "GitHub refuses a workflow in which `needs` names an unknown job, and then runs none of its jobs.",
  cure: "Write the id of the job, which is its key under `jobs`, and not its `name`.",
  *find(subject) {
    for (const { file, jobs } of stageWorkflows(subject))
      for (const { id, unknownNeeds } of jobs)
        for (const { name, path } of unknownNeeds) {
          const ids = jobs.map((job) => job.id).filter((other) => other !== id);
          yield { at: file.valuePlace(path), message: `no job is ${JSON.stringify(name)}; ${suggestion(name, ids)}` };
        }
  },
};

/** The name that a branch rule knows; `undefined` if only a run knows it, or if there are several. */
function checkName(job: Job): string | undefined {
  const name = text(job.workflow.file.at([...job.path, "name"])) ?? job.id;
  return job.hasMatrix || job.uses !== undefined || isComputed(name) ? undefined : name;
}

/** The jobs that a branch rule is meant to require: those with the action `gate`, or else the last ones, or the only ones. */
function requiredJobs(subject: Subject): Set<Job> {
  const last = new Map(endings(subject).map((ending) => [ending.workflow, ending.last]));
  const required = subject.workflows.flatMap((workflow) => {
    const gates = workflow.jobs.filter((job) => job.gates.length > 0);
    if (gates.length > 0) return gates;
    const judged = judgedJobs(workflow);
    return judged.length === 1 ? judged : (last.get(workflow) ?? []);
  });
  return new Set(required);
}

export const sameCheck: Rule = {
  code: "ED315",
  severity: "unsafe",
  title: "Two jobs report the required check",
  meaning:
    "A branch rule knows a required check by its name only, and that is the `name` of the job, or else its id. If two jobs of an event have one name, the result of the other job can block a pull request, or let it be merged although the gate failed.",
  cure: "Give each of the two jobs a `name` of its own, and require that of the gate.",
  *find(subject) {
    const all = subject.workflows.flatMap(({ jobs }) => jobs);
    const required = requiredJobs(subject);
    for (const gate of required)
      for (const other of all) {
        const name = checkName(gate);
        // Of two gates, the later one is named.
        const isSecond = !required.has(other) || all.indexOf(other) > all.indexOf(gate);
        if (other === gate || !isSecond || name === undefined || checkName(other) !== name) continue;
        const event = requiredEvents.find((one) => mayMeet(gate, other, one));
        if (event !== undefined)
          yield {
            at: jobPlace(other, ...(other.workflow.file.at([...other.path, "name"]) === undefined ? [] : ["name"])),
            message: `on ${event}, the job ${gate.id} of ${gate.workflow.file.name} also reports the check ${JSON.stringify(name)}`,
          };
      }
  },
};

/** Whether both jobs can run for the same change. Filters and conditions may have been written so that only one does. */
function mayMeet(one: Job, other: Job, event: string): boolean {
  const triggers = [one, other].map(({ workflow }) => workflow.triggers.get(event));
  const runs = [one, other].map((job) => runsIn(job, event));
  const filtered = triggers.filter((trigger) => trigger && Object.keys(trigger.filters).length > 0);
  return (
    triggers.every((trigger) => trigger !== undefined) &&
    !runs.includes("no") &&
    runs.includes("yes") &&
    (one.workflow === other.workflow || filtered.length < 2)
  );
}
