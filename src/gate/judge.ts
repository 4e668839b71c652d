import { currentEvidence, isOfProject, whyNotOfThisRun } from "../evidence/evidence.ts";
import { type Commit, type Evidence, type Origin, opensTheGate, type StageName, type Verdict } from "../model/report.ts";
import type { AllowedSkip, Job } from "./needs.ts";

/** Decides whether a pull request or a merge group passes: from how its jobs ended, and from what the stages left as evidence. */

export interface GateQuestion {
  jobs: readonly Job[];
  /** The stages that must have passed, in their order. */
  stages: readonly StageName[];
  /** Stages that the configuration leaves out on purpose. */
  leftOut: readonly StageName[];
  allowedSkips: readonly AllowedSkip[];
  /** All evidence that was found, of whatever run. */
  evidence: readonly Evidence[];
  /** Artifacts by stage that exist, and cannot be read. */
  unread: Readonly<Partial<Record<StageName, readonly string[]>>>;
  /** Why evidence of other jobs can't be seen here, and what to do; undefined if it can. */
  cutOff?: string | undefined;
  /** The name of GitHub's event. */
  event: string | undefined;
  commit: Commit;
  origin: Origin;
  /** The gate's own project; undefined if it read no configuration: then it judges every project that left evidence. */
  project?: string | undefined;
  /** Where every stage must have run; undefined if anywhere will do. */
  environment?: string | undefined;
  /** Where they may have run instead, because this run gets no credentials. */
  standIn?: string | undefined;
  now: number;
  maxAgeMs: number;
}

/**
 * `cancelled`: no failure was seen, but the run did not get to its end. `missing`: there is no evidence, and no allowed reason for that.
 * Only `passed`, `degraded`, and what is left out or skipped for an allowed reason open the gate.
 */
export type StageOutcome = Exclude<Verdict, "skipped"> | "cancelled" | "missing" | "skipped" | "left out";
export type GateOutcome = "passed" | "degraded" | "failed" | "error" | "cancelled";

export interface StageResult {
  stage: StageName;
  outcome: StageOutcome;
  isOpen: boolean;
  why: string;
  /** The environment about which nothing is known, because the stage ran in its stand-in. */
  unproven?: string | undefined;
  /** Each job and cell that ran it. */
  executions: readonly { job: string; environment: string; verdict: Verdict }[];
}

export interface JobResultLine {
  job: string;
  result: Job["result"];
  isOpen: boolean;
  why: string;
}

export interface GateResult {
  outcome: GateOutcome;
  /** One sentence. */
  why: string;
  stages: readonly StageResult[];
  /** Only the jobs that did not succeed. */
  jobs: readonly JobResultLine[];
}

/** Every stage and every job must be open: what is unknown or absent does not pass. */
export function judgeGate(question: GateQuestion): GateResult {
  const stages = [
    ...question.stages.map((stage) => judgeStage(stage, question)),
    ...question.leftOut.map(
      (stage): StageResult => ({
        stage,
        outcome: "left out",
        isOpen: true,
        why: "the configuration leaves it out",
        executions: [],
      }),
    ),
  ];
  const jobs = question.jobs.filter(({ result }) => result !== "success").map((job) => judgeJob(job, question));
  const proven = stages.some(({ outcome }) => opensTheGate(outcome as Verdict));
  return { ...conclusion(stages, jobs, proven, question), stages, jobs };
}

function judgeStage(stage: StageName, question: GateQuestion): StageResult {
  const { evidence, origin, unread, project } = question;
  const isOfThisRun = (one: Evidence) =>
    one.origin.repository === origin.repository &&
    one.origin.workflowRun !== undefined &&
    one.origin.workflowRun === origin.workflowRun;
  const ofStage = evidence.filter((one) => one.stage === stage);
  const ofThisRun = ofStage.filter(isOfThisRun);
  const others = new Set<string>();
  const counted = currentEvidence(ofThisRun).filter((one) => {
    const isOwn = isOfProject(one, project);
    if (!isOwn && one.project !== undefined) others.add(one.project);
    return isOwn;
  });
  const executions = counted.map((one) => ({ job: jobOf(one), environment: one.environment, verdict: one.verdict }));
  const say = (outcome: StageOutcome, isOpen: boolean, why: string): StageResult => ({ stage, outcome, isOpen, why, executions });
  const unreadable = unread[stage] ?? [];
  if (counted.length === 0 && unreadable.length === 0) {
    const elsewhere = ofStage.filter((one) => !isOfThisRun(one));
    return withoutEvidence(stage, question, say, { projects: [...others], elsewhere });
  }
  const ran = (one: Evidence) => whereRan(one, project === undefined);
  const bad = counted.filter(({ verdict }) => !opensTheGate(verdict));
  if (bad.length > 0) {
    const why = list(bad.map((one) => `${one.verdict} in ${ran(one)}`));
    if (unreadable.length === 0 && bad.every((one) => one.verdict === "error" && isCancelled(one, question)))
      return say("cancelled", false, `${why}: its job was cancelled`);
    return say(bad.some(({ verdict }) => verdict === "failed") ? "failed" : "error", false, why);
  }
  if (unreadable.length > 0)
    return say(
      "error",
      false,
      `evidence that cannot be read may be of a job or cell that failed: ${list(unreadable)}. Run the gate's job again`,
    );
  for (const one of counted) {
    const wrong = whyNotOfThisRun(one, question);
    if (wrong !== undefined) return say("error", false, `${ran(one)}: ${wrong}`);
  }
  const absent = projectsWithout(counted, question);
  if (absent.length > 0) return say("missing", false, `none left evidence of ${stage} for ${list(absent)}`);
  const { environment } = question;
  const standIn = question.standIn === environment ? undefined : question.standIn;
  const isIn = (place: string | undefined) => counted.some((one) => one.environment === place);
  if (environment !== undefined) {
    if (!isIn(environment) && !isIn(standIn))
      return say(
        "missing",
        false,
        `none left evidence of ${stage} for the environment ${environment}: found ${list(counted.map(ran))}`,
      );
    // Beside a cell that ran in the stand-in, another one proves only its own part.
    if (isIn(standIn)) {
      const why = list(counted.map(ran));
      return isIn(environment)
        ? say("degraded", true, `${why}; not all of it ran in ${environment}`)
        : { ...say("degraded", true, `${why}; nothing was proven about ${environment}`), unproven: environment };
    }
  }
  const isDegraded = counted.some(({ verdict }) => verdict === "degraded");
  return say(isDegraded ? "degraded" : "passed", true, `${list(counted.map(ran))}`);
}

/**
 * The post step of a cancelled stage leaves an error. GitHub calls a job cancelled only if no cell of it failed, so the error is no other
 * one. Within a reusable workflow, jobs have ids that `needs` doesn't name.
 */
function isCancelled({ origin: { job } }: Evidence, { jobs }: GateQuestion): boolean {
  const own = jobs.find(({ id }) => id === job);
  return own ? own.result === "cancelled" : isCancelledRun(jobs);
}

/** Jobs that need a cancelled one are skipped; those that need a failed one, too. */
function isCancelledRun(jobs: readonly Job[]): boolean {
  return jobs.some(({ result }) => result === "cancelled") && jobs.every(({ result }) => result !== "failure");
}

/** If the gate is for all projects, a stage of one says nothing about the same stage of another. */
function projectsWithout(counted: readonly Evidence[], { evidence, origin, project }: GateQuestion): string[] {
  if (project !== undefined) return [];
  const ofThisRun = evidence.filter((one) => one.origin.workflowRun === origin.workflowRun);
  const known = new Set(ofThisRun.flatMap((one) => one.project ?? []));
  const present = new Set(counted.map((one) => one.project));
  return [...known].filter((one) => !present.has(one));
}

/** Why there is none is known from the jobs only as far as one of them did not succeed. */
function withoutEvidence(
  stage: StageName,
  { jobs, allowedSkips, cutOff, project, origin }: GateQuestion,
  say: (outcome: StageOutcome, isOpen: boolean, why: string) => StageResult,
  found: { projects: readonly string[]; elsewhere: readonly Evidence[] },
): StageResult {
  const own = jobs.find(({ id }) => id === stage);
  const skip = allowedSkips.find(({ name }) => name === stage);
  const isSkipped = own ? own.result === "skipped" : jobs.some(({ result }) => result === "skipped");
  if (skip?.allowed && isSkipped) return say("skipped", true, `skipped for an allowed reason${reasonOf(skip)}`);
  const named = (result: Job["result"]) => jobs.filter((job) => job.result === result).map(({ id }) => id);
  const only = (ids: string[]) => (own ? [stage] : ids);
  if (own ? own.result === "failure" : named("failure").length > 0)
    return say(
      "missing",
      false,
      `it left no evidence, and ${jobsWord(only(named("failure")))} failed: the log says where it ended`,
    );
  if (own ? own.result === "cancelled" : named("cancelled").length > 0)
    return say("cancelled", false, `it left no evidence, and ${jobsWord(only(named("cancelled")))} was cancelled`);
  if (isSkipped && isCancelledRun(jobs))
    return say(
      "cancelled",
      false,
      `it did not run: ${jobsWord(only(named("skipped")))} was skipped, and ${jobsWord(named("cancelled"))} was cancelled`,
    );
  if (isSkipped)
    return say(
      "missing",
      false,
      `it did not run: ${jobsWord(only(named("skipped")))} was skipped${skip ? ", and the reason that `allow-skips` names does not hold now" : ""}. A skipped job proves nothing`,
    );
  if (found.projects.length > 0)
    return say(
      "missing",
      false,
      `none left evidence of ${stage} for the configuration ${project}: found evidence for ${list(found.projects)}. Compare the inputs \`config\` and \`working-directory\``,
    );
  if (cutOff !== undefined) return say("error", false, `evidence of other jobs cannot be read: ${cutOff}`);
  if (origin.workflowRun === undefined)
    return say("missing", false, "the gate cannot tell which evidence is of its own workflow run: GITHUB_RUN_ID is empty");
  if (found.elsewhere.length > 0)
    return say(
      "missing",
      false,
      `none left evidence of ${stage} in this workflow run: found evidence of ${list(unique(found.elsewhere.map((one) => whereFrom(one, origin))))}`,
    );
  return say(
    "missing",
    false,
    `${own ? `job ${stage} succeeded, but it left no evidence` : `every job that the gate waited for succeeded, but none left evidence of ${stage}`}: it did not run, or its evidence was deleted or has expired. Add \`uses: classwaves/env-actions/${stage}@…\` to a job, or set \`stages.${stage}: false\` in the configuration`,
  );
}

function judgeJob({ id, result }: Job, { allowedSkips, event }: GateQuestion): JobResultLine {
  const line = (isOpen: boolean, why: string): JobResultLine => ({ job: id, result, isOpen, why });
  if (result === "cancelled")
    return line(
      false,
      event === "merge_group" ? "cancelled; a merge queue cancels the runs of a group that it takes apart" : "cancelled",
    );
  if (result !== "skipped") return line(false, "failed");
  const skip = allowedSkips.find(({ name }) => name === id);
  if (skip?.allowed) return line(true, `skipped for an allowed reason${reasonOf(skip)}`);
  return line(
    false,
    skip ? "skipped, but the reason that `allow-skips` names does not hold now" : "skipped, and `allow-skips` does not name it",
  );
}

function conclusion(
  stages: readonly StageResult[],
  jobs: readonly JobResultLine[],
  proven: boolean,
  { event, jobs: all, standIn }: GateQuestion,
): Pick<GateResult, "outcome" | "why"> {
  const closed = stages.filter(({ isOpen }) => !isOpen);
  const closedJobs = jobs.filter(({ isOpen }) => !isOpen);
  const named = (outcomes: readonly StageOutcome[]) => closed.filter(({ outcome }) => outcomes.includes(outcome));
  const failed = named(["failed", "missing"]);
  const notCancelled = closedJobs.filter(({ result }) => result !== "cancelled");
  const failedJobs = isCancelledRun(all) ? [] : notCancelled;
  if (failed.length > 0)
    return {
      outcome: "failed",
      why: list(failed.map(({ stage, outcome }) => `${stage} ${outcome === "missing" ? "has no evidence" : outcome}`)),
    };
  const errors = named(["error"]);
  if (errors.length > 0) return { outcome: "error", why: `${list(errors.map(({ stage }) => stage))} could not be judged` };
  if (failedJobs.length > 0)
    return {
      outcome: "failed",
      why: list(failedJobs.map(({ job, result }) => `job ${job} ${result === "failure" ? "failed" : "was skipped"}`)),
    };
  if (closed.length > 0 || closedJobs.length > 0)
    return {
      outcome: "cancelled",
      why:
        event === "merge_group"
          ? "the run was cancelled, as a merge queue does with a group that it takes apart; nothing failed"
          : "the run was cancelled; nothing failed",
    };
  if (!proven) return { outcome: "failed", why: "no stage ran, so nothing was proven" };
  const unproven = stages.filter((stage) => stage.unproven !== undefined);
  if (unproven.length > 0)
    return {
      outcome: "degraded",
      why: `${list(unproven.map(({ stage }) => stage))} ran in ${standIn}, because a fork gets no credentials; nothing was proven about ${unproven[0]?.unproven}`,
    };
  const degraded = stages.filter(({ outcome }) => outcome === "degraded");
  return degraded.length > 0
    ? { outcome: "degraded", why: `${list(degraded.map(({ stage }) => stage))} passed with warnings` }
    : { outcome: "passed", why: "every stage passed" };
}

function jobOf({ origin: { job = "a job without a name", cell } }: Evidence): string {
  return cell ? `${job} (${cell})` : job;
}

/** @param named whether to name the configuration, because the gate is for all */
function whereRan(one: Evidence, named: boolean): string {
  const configuration = named && one.project !== undefined ? `, configuration ${one.project}` : "";
  return `job ${jobOf(one)}, environment ${one.environment}${configuration}`;
}

function whereFrom({ origin: { repository, workflowRun } }: Evidence, own: Origin): string {
  if (repository !== own.repository) return `the repository ${repository ?? "of a terminal"}`;
  return workflowRun === undefined ? "a terminal" : `the workflow run ${workflowRun}`;
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)];
}

function jobsWord(ids: readonly string[]): string {
  return `${ids.length === 1 ? "job" : "jobs"} ${list(ids)}`;
}

function reasonOf({ reason }: AllowedSkip): string {
  return reason ? `: ${reason}` : "";
}

function list(words: readonly string[]): string {
  return words.length <= 1 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
