import type { GitHub } from "../github/api.ts";
import type { Evidence, StageName } from "../model/report.ts";
import { type GateResult, type JobResultLine, judgeGate, type StageResult } from "./judge.ts";

/**
 * A workflow run that has ended, as another workflow sees it. On a pull request from a fork, the run's own token may not comment, and its
 * code could have written every artifact: so the verdict is GitHub's record of the jobs, and evidence only fills in the table.
 */

export interface FinishedRun {
  id: number;
  attempt: number;
  /** The file of the workflow, which names it in GitHub's API. */
  workflow: number;
  /** The event that started it. */
  event: string;
  headSha: string;
  headBranch: string;
  /** `owner/name`, of a fork too. */
  headRepository: string;
}

/** @returns undefined if the event is not about a workflow run of a branch */
export function readFinishedRun(event: unknown): FinishedRun | undefined {
  const run = memberOf(event, "workflow_run");
  const found = {
    id: memberOf(run, "id"),
    attempt: memberOf(run, "run_attempt"),
    workflow: memberOf(run, "workflow_id"),
    event: memberOf(run, "event"),
    headSha: memberOf(run, "head_sha"),
    headBranch: memberOf(run, "head_branch"),
    headRepository: memberOf(memberOf(run, "head_repository"), "full_name"),
  };
  const { id, attempt, workflow, event: started, headSha, headBranch, headRepository } = found;
  if (typeof id !== "number" || typeof attempt !== "number" || typeof workflow !== "number") return undefined;
  if (typeof started !== "string" || typeof headSha !== "string" || typeof headBranch !== "string") return undefined;
  if (typeof headRepository !== "string") return undefined;
  return { id, attempt, workflow, event: started, headSha, headBranch, headRepository };
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

interface Place {
  owner: string;
  repo: string;
}

export type PullRequest = { number: number } | { none: string };

/**
 * The open pull request whose head this run tested. GitHub names none in the event if the head is in a fork.
 * @throws GitHubError
 */
export async function pullRequestOf(api: GitHub, { owner, repo }: Place, run: FinishedRun): Promise<PullRequest> {
  const [headOwner = ""] = run.headRepository.split("/");
  const open = await api.paginate(api.rest.pulls.list, {
    ...{ owner, repo, state: "open" },
    head: `${headOwner}:${run.headBranch}`,
    per_page: 100,
  });
  // `repo` is null if the fork was deleted, although GitHub's description doesn't say so.
  const own = open.filter(({ head }) => head.sha === run.headSha && head.repo?.full_name === run.headRepository);
  const [first] = own;
  if (!first) return { none: "no open pull request has this commit as its head: it was closed, or has a newer commit" };
  if (own.length > 1)
    return { none: `${own.length} pull requests have this head, and GitHub does not say to which of them the run belongs` };
  return { number: first.number };
}

/**
 * Whether a newer run of the same workflow, or a newer attempt, has taken the place of this one: its result would be old news.
 * @throws GitHubError
 */
export async function isReplaced(api: GitHub, { owner, repo }: Place, run: FinishedRun): Promise<boolean> {
  const { data: now } = await api.rest.actions.getWorkflowRun({ owner, repo, run_id: run.id });
  if ((now.run_attempt ?? 1) > run.attempt) return true;
  const { data } = await api.rest.actions.listWorkflowRuns({
    ...{ owner, repo, workflow_id: run.workflow, event: run.event },
    head_sha: run.headSha,
    per_page: 100,
  });
  // Not `null` by GitHub's description, and `null` all the same if the fork was deleted.
  const repositoryOf = (one: { head_repository: unknown }) => memberOf(one.head_repository, "full_name");
  return data.workflow_runs.some((one) => one.id > run.id && repositoryOf(one) === run.headRepository);
}

export interface RecordedJob {
  name: string;
  /** GitHub's word, such as `success`; null if the job has not ended. */
  conclusion: string | null;
}

/** @throws GitHubError */
export async function jobsOf(api: GitHub, { owner, repo }: Place, run: FinishedRun): Promise<RecordedJob[]> {
  const jobs = await api.paginate(api.rest.actions.listJobsForWorkflowRunAttempt, {
    ...{ owner, repo, run_id: run.id, attempt_number: run.attempt },
    per_page: 100,
  });
  return jobs.map(({ name, conclusion }) => ({ name, conclusion }));
}

interface FinishedQuestion {
  jobs: readonly RecordedJob[];
  /** The name of the gate's job; in a reusable workflow GitHub writes `<caller> / <name>`. */
  job: string;
  run: FinishedRun;
  repository: string;
  /** What could be read, of whatever run. */
  evidence: readonly Evidence[];
  /** Where the stages had to run; undefined if anywhere will do. */
  environment: string | undefined;
  now: number;
}

export function judgeFinishedRun(question: FinishedQuestion): GateResult {
  const { jobs, job } = question;
  const gates = jobs.filter(({ name }) => name === job || name.endsWith(` / ${job}`));
  const others = jobs.filter((one) => !gates.includes(one) && one.conclusion !== "success");
  const rows = others.map(({ name, conclusion }): JobResultLine => {
    const result = conclusion === "skipped" || conclusion === "cancelled" ? conclusion : "failure";
    return { job: name, result, isOpen: result === "skipped", why: `GitHub's record: ${conclusion ?? "not ended"}` };
  });
  const stages = stagesIn(question);
  return { ...lowered(recorded(gates, job), stages), stages, jobs: rows };
}

type Conclusion = Pick<GateResult, "outcome" | "why">;

function recorded(gates: readonly RecordedJob[], job: string): Conclusion {
  const [first] = gates;
  if (!first) return { outcome: "error", why: `the run has no job named ${job}: name the gate's job in the input \`job\`` };
  const bad = gates.find(({ conclusion }) => conclusion !== "success");
  if (!bad) return { outcome: "passed", why: `the job ${first.name} succeeded` };
  if (bad.conclusion === "cancelled") return { outcome: "cancelled", why: `the job ${bad.name} was cancelled` };
  return { outcome: "failed", why: `the job ${bad.name} did not succeed: ${bad.conclusion ?? "it has not ended"}` };
}

/** A degraded gate is a success for GitHub. Evidence may take something from a success, and adds nothing to it. */
function lowered(result: Conclusion, stages: readonly StageResult[]): Conclusion {
  const degraded = stages.filter(({ outcome }) => outcome === "degraded");
  if (result.outcome !== "passed" || degraded.length === 0) return result;
  const unproven = degraded.find((stage) => stage.unproven !== undefined)?.unproven;
  const why = unproven === undefined ? "not every stage passed without warnings" : `nothing was proven about ${unproven}`;
  return { outcome: "degraded", why: `${result.why}, but ${why}` };
}

/** Only stages that left evidence of this run and commit. */
function stagesIn({ evidence, run, repository, environment, now }: FinishedQuestion): StageResult[] {
  const ours = evidence.filter(
    ({ commit, origin }) =>
      origin.repository === repository && origin.workflowRun === String(run.id) && (commit.headSha ?? commit.sha) === run.headSha,
  );
  const stages = [...new Set(ours.map(({ stage }): StageName => stage))];
  return stages.flatMap((stage) => {
    const ofStage = ours.filter((one) => one.stage === stage);
    return judgeGate({
      ...{ jobs: [], stages: [stage], leftOut: [], allowedSkips: [], evidence: ofStage, unread: {} },
      ...{ event: run.event, now, maxAgeMs: Number.POSITIVE_INFINITY, project: undefined },
      // Whatever stood in for it: the gate's own job decided whether it may.
      ...{ environment, standIn: ofStage.find((one) => one.environment !== environment)?.environment },
      commit: ofStage[0]?.commit ?? { sha: run.headSha },
      origin: { kind: "github", repository, workflowRun: String(run.id), attempt: String(run.attempt) },
    }).stages;
  });
}
