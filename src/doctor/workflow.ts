import { type ActionName, actionNames, actionOf } from "../action/interface.ts";
import { group, isGroup, list, type Path, text } from "../config/path.ts";
import { nearest } from "../lib/nearest.ts";
import { type StageName, stageNames } from "../model/report.ts";
import { stageOfTask, stagingTasks } from "../model/staging.ts";
import { type ActionReference, actionReference } from "./action-reference.ts";
import { callsPublishedGate, inlined } from "./reusable.ts";
import type { Place } from "./rule.ts";
import type { YamlFile } from "./yaml-file.ts";

/** Workflows as the rules read them. Values keep the paths at which they stand, and so their places. */

export interface Workflow {
  file: YamlFile;
  /** By event. */
  triggers: ReadonlyMap<string, Trigger>;
  jobs: readonly Job[];
}

export interface Trigger {
  path: Path;
  /** Filters such as `paths`; empty for an event without any. */
  filters: Readonly<Record<string, unknown>>;
}

export interface Job {
  workflow: Workflow;
  id: string;
  path: Path;
  /** Where a name is no job's, the one that was probably meant: so one typing mistake is one finding. */
  needs: readonly string[];
  unknownNeeds: readonly UnknownNeed[];
  condition: string | undefined;
  steps: readonly Step[];
  /** Labels of the runner; `undefined` if they are not written out. */
  runsOn: readonly string[] | undefined;
  /** The reusable workflow that this job calls. */
  uses: string | undefined;
  /** Stages in the order in which they run, also those of a local action or workflow that is called. */
  stages: readonly StageUse[];
  /** The steps that judge what the stages found. */
  gates: readonly Step[];
  /** The steps that write the result of another run on its pull request. */
  comments: readonly Step[];
  /** Steps that answer a deployment. */
  approvals: readonly Step[];
  dashboards: readonly Step[];
  hasMatrix: boolean;
}

/** A name under `needs` that no job of the workflow has. */
export interface UnknownNeed {
  name: string;
  path: Path;
  meant: string | undefined;
}

export interface Step {
  file: YamlFile;
  path: Path;
  uses: ActionReference | undefined;
  run: string | undefined;
  with: Readonly<Record<string, unknown>>;
  env: Readonly<Record<string, unknown>>;
  condition: string | undefined;
}

/** One stage of env-actions that a job runs. */
export interface StageUse {
  stage: StageName;
  /** The step with the inputs, in the workflow or in a local action. */
  step: Step;
  /** The job's own step; the same, unless a local action is between. `undefined` if a called workflow runs it. */
  jobStep: Step | undefined;
  reference: ActionReference;
  /** The steps of the job that run before, also those inside local actions. */
  earlier: readonly Step[];
}

/** Local actions and workflows, by their path relative to the repository. */
export interface LocalFiles {
  actions: ReadonlyMap<string, YamlFile>;
  workflows: ReadonlyMap<string, YamlFile>;
}

/** Local actions may call each other; GitHub allows ten levels. */
const deepest = 10;

export function workflowOf(file: YamlFile, local: LocalFiles): Workflow {
  const jobs: Job[] = [];
  const workflow: Workflow = { file, triggers: triggersOf(file), jobs };
  for (const id of Object.keys(group(file.at(["jobs"])))) jobs.push(jobOf(workflow, id, local));
  return workflow;
}

/** `on:` is one event, a list of events, or a group of events with their filters. */
function triggersOf(file: YamlFile): Map<string, Trigger> {
  const on = file.at(["on"]);
  if (typeof on === "string") return new Map([[on, { path: ["on"], filters: {} }]]);
  const events = list(on);
  if (events)
    return new Map(
      events.flatMap((event, index) => (typeof event === "string" ? [[event, { path: ["on", index], filters: {} }]] : [])),
    );
  return new Map(Object.entries(group(on)).map(([event, filters]) => [event, { path: ["on", event], filters: group(filters) }]));
}

function jobOf(workflow: Workflow, id: string, local: LocalFiles): Job {
  const { file } = workflow;
  const path = ["jobs", id];
  const job = group(file.at(path));
  const steps = stepsAt(file, [...path, "steps"]);
  const uses = text(job.uses);
  const all = steps.flatMap((step) => leavesOf(step, local, 0));
  const { needs, unknownNeeds } = needsOf(job.needs, [...path, "needs"], Object.keys(group(file.at(["jobs"]))));
  const call = uses !== undefined && callsPublishedGate(uses) ? inlined(file, path, uses) : undefined;
  return {
    workflow,
    id,
    path,
    needs,
    unknownNeeds,
    condition: conditionOf(job.if),
    steps,
    runsOn: labelsOf(job["runs-on"]),
    uses,
    stages: uses === undefined ? stagesOf(steps, local) : calledStages(uses, local, 0),
    gates: all.filter((step) => workOf(step, local) === "gate"),
    comments: all.filter((step) => workOf(step, local) === "comment"),
    approvals: all.filter((step) => workOf(step, local) === "approve"),
    dashboards: all.filter((step) => workOf(step, local) === "dashboard"),
    hasMatrix: isGroup(group(job.strategy).matrix) || typeof group(job.strategy).matrix === "string",
    ...call,
  };
}

function needsOf(written: unknown, path: Path, ids: readonly string[]): Pick<Job, "needs" | "unknownNeeds"> {
  const unknownNeeds: UnknownNeed[] = [];
  const items = list(written) ?? (written === undefined ? [] : [written]);
  const needs = items.flatMap((name, index) => {
    if (typeof name !== "string") return [];
    const known = ids.find((id) => id.toLowerCase() === name.toLowerCase());
    if (known !== undefined) return [known];
    const meant = nearest(name, ids);
    unknownNeeds.push({ name, path: Array.isArray(written) ? [...path, index] : path, meant });
    return meant === undefined ? [] : [meant];
  });
  return { needs, unknownNeeds };
}

export function stepsAt(file: YamlFile, path: Path): Step[] {
  return (list(file.at(path)) ?? []).map((value, index) => {
    const step = group(value);
    const uses = text(step.uses);
    return {
      file,
      path: [...path, index],
      uses: uses === undefined ? undefined : actionReference(uses),
      run: text(step.run),
      with: group(step.with),
      env: group(step.env),
      condition: conditionOf(step.if),
    };
  });
}

/** The stages that steps run, themselves or through local actions. */
function stagesOf(steps: readonly Step[], local: LocalFiles): StageUse[] {
  const earlier: Step[] = [];
  const found: StageUse[] = [];
  for (const jobStep of steps)
    for (const step of leavesOf(jobStep, local, 0)) {
      const work = workOf(step, local);
      const stage = work === "staging" ? stagingStage(step) : stageNames.find((one) => one === work);
      if (stage !== undefined && step.uses) found.push({ stage, step, jobStep, reference: step.uses, earlier: [...earlier] });
      earlier.push(step);
    }
  return found;
}

/** By the input `task`. One that is computed could be any: all of them need the same. */
function stagingStage({ with: given }: Step): StageName {
  const task = stagingTasks.find((one) => one === given.task);
  return task === undefined ? "drift" : stageOfTask(task);
}

/** A step, or the steps of the local action that it uses. */
function leavesOf(step: Step, local: LocalFiles, depth: number): Step[] {
  const action = step.uses?.kind === "local" ? local.actions.get(step.uses.path) : undefined;
  const inner = action && !isOurAction(action) && depth < deepest ? stepsAt(action, ["runs", "steps"]) : [];
  return inner.length > 0 ? inner.flatMap((one) => leavesOf(one, local, depth + 1)) : [step];
}

function workOf(step: Step, local: LocalFiles): ActionName | undefined {
  const { uses } = step;
  const action = uses?.kind === "local" ? local.actions.get(uses.path) : undefined;
  const isOurs = uses?.kind === "env-actions" || (action !== undefined && isOurAction(action));
  return isOurs ? (uses?.stage ?? workInput(step)) : undefined;
}

/** In a checkout of env-actions, and in a copy of it, its actions are local. */
function isOurAction(action: YamlFile): boolean {
  return /^env-actions\b/.test(text(action.at(["name"])) ?? "");
}

function calledStages(uses: string, local: LocalFiles, depth: number): StageUse[] {
  const file = local.workflows.get(uses.replace(/^\.\//, ""));
  if (!file || depth > deepest) return [];
  return Object.entries(group(file.at(["jobs"]))).flatMap(([id, job]) => {
    const called = text(group(job).uses);
    if (called !== undefined) return calledStages(called, local, depth + 1);
    const steps = stepsAt(file, ["jobs", id, "steps"]);
    return stagesOf(steps, local).map((use) => ({ ...use, jobStep: undefined }));
  });
}

/** Each step of a job that runs an action of env-actions. */
export function actionSteps(job: Job): { action: ActionName; step: Step }[] {
  return [
    ...job.stages.map(({ stage, step }) => ({ action: actionOf(stage), step })),
    ...job.gates.map((step) => ({ action: "gate" as const, step })),
    ...job.comments.map((step) => ({ action: "comment" as const, step })),
    ...job.approvals.map((step) => ({ action: "approve" as const, step })),
    ...job.dashboards.map((step) => ({ action: "dashboard" as const, step })),
  ];
}

export function workInput(step: Step): ActionName | undefined {
  return actionNames.find((work) => work === step.with.stage);
}

/** A condition may be written as `true`, without quotes. */
function conditionOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : typeof value === "boolean" ? String(value) : undefined;
}

/** `runs-on` is a label, a list of labels, or a group of runners with labels. */
function labelsOf(value: unknown): string[] | undefined {
  if (!isGroup(value)) return oneOrMore(value);
  const labels = oneOrMore(value.labels) ?? [];
  return text(value.group) === undefined ? labels : ["self-hosted", ...labels];
}

export function oneOrMore(value: unknown): string[] | undefined {
  if (typeof value === "string") return [value];
  return list(value)?.filter((item) => typeof item === "string");
}

/** Where a job, or its key, is declared. */
export function jobPlace(job: Job, ...key: string[]): Place {
  return job.workflow.file.keyPlace([...job.path, ...key]);
}

export function stepPlace(step: Step, ...key: (string | number)[]): Place {
  return step.file.valuePlace([...step.path, ...key]);
}

/** A job's own value, or the workflow's if the job has none. */
export function inherited(job: Job, key: string): { value: unknown; path: Path } | undefined {
  for (const path of [[...job.path, key], [key]]) {
    const value = job.workflow.file.at(path);
    if (value !== undefined) return { value, path };
  }
  return undefined;
}
