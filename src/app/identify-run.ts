import { join } from "node:path";
import { newRunId, whyNotCurrentRun } from "../cleanup/run-id.ts";
import { leftOutStages } from "../config/left-out.ts";
import type { Config } from "../config/schema.ts";
import { judgeStageBefore, type SequenceAnswer, stageBefore } from "../evidence/evidence.ts";
import type { EvidenceStore } from "../evidence/store.ts";
import { errorText } from "../lib/error-text.ts";
import { isThisProcess } from "../lib/lock-file.ts";
import { NotAPlainFile, readOwn, writeOwn } from "../lib/plain-file.ts";
import { type Commit, isStagingStage, type Origin, type StageName, stageNames } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { runsTests } from "../stages/child-environment.ts";
import type { RunsToClean, StageContext, Unproven } from "../stages/context.ts";
import { alreadyUnderWay, type Execution, executions, isUnderWay } from "./executions.ts";

/** The parts of a stage request that its identity depends on. */
export interface IdentityRequest {
  stage: StageName;
  env: Readonly<Record<string, string | undefined>>;
  config: Config;
  environment: StageContext["environment"];
  store: EvidenceStore;
  /** Absolute path of `.env-actions`. */
  records: string;
  commit: Commit;
  origin: Origin;
  /** As `projectOf` gives it. */
  project: string | undefined;
  /** Set by callers that run several stages in one process. */
  gateId: string | undefined;
  /** For cleanup. */
  scope: "run" | "expired" | "all" | undefined;
  deployment: string | undefined;
  /** Replaces `stages.smoke.follows`. */
  follows: "nothing" | undefined;
  githubToken: string | undefined;
  cancel: AbortSignal;
}

export interface Identity {
  /** Unique to this execution. */
  runId: string;
  /** Shared by the stages of one gate. */
  gateId: string;
  /** The runs whose test data a cleanup of scope `run` deletes. */
  cleans: RunsToClean;
  /** Why the stage must not start. */
  refusal: string | undefined;
  /** It starts although nothing shows that what is deployed is what was tested: what was found in place of that. */
  unproven?: Unproven | undefined;
  problems: string[];
}

const noRuns: RunsToClean = { runs: [], leftAlone: [] };

/**
 * Decides which execution this is, which gate run it belongs to, and whether it may start.
 *
 * Every execution – job, matrix cell, step – gets its own run id, because cleanup deletes by run id: with a shared one, a
 * finished cell would delete data that another cell still uses. The gate run connects the stages: on a runner it is the workflow
 * run, in a terminal it began with the last preflight in this workspace.
 * @throws UserError
 */
export async function identify(request: IdentityRequest): Promise<Identity> {
  const named = namedRun(request);
  const runId = named ?? newRunId();
  const gateFile = join(request.records, "run.json");
  const underWay = request.gateId ?? workflowGate(request.origin) ?? (await readGate(gateFile, request.origin));
  const identity = { runId, gateId: underWay ?? runId, cleans: noRuns, refusal: undefined, problems: [] };

  if (request.stage === "preflight") {
    const gateId = request.gateId ?? workflowGate(request.origin) ?? runId;
    await beginGate(gateFile, gateId, request.origin);
    return { ...identity, gateId };
  }
  // Outside the gate: in a terminal each is a run of its own.
  if (isStagingStage(request.stage)) return { ...identity, gateId: request.gateId ?? workflowGate(request.origin) ?? runId };
  if (request.stage === "cleanup") {
    if (request.scope !== "run") return identity;
    return { ...identity, ...(await runsToClean(request, named, underWay)) };
  }
  return { ...identity, ...(await mayStart(request, underWay, runId)) };
}

/**
 * The run id that the user set, for this execution or for a cleanup. Ignored on a runner: an id in the workflow's `env` would be
 * shared by all jobs and cells without anybody noticing.
 */
function namedRun({ env, stage, origin, config }: IdentityRequest): string | undefined {
  const named = env.ENV_ACTIONS_RUN_ID || undefined;
  if (named === undefined) return undefined;
  const refusal = whyNotCurrentRun(named, { now: Date.now(), maxAgeMs: config.evidence.maxAge });
  if (refusal)
    throw new UserError(
      "EA2004",
      `ENV_ACTIONS_RUN_ID: ${refusal}. Unset it to begin a new run. To delete what an older run left, run \`env-actions cleanup --scope expired --execute\``,
    );
  if (origin.kind === "github" && stage !== "cleanup")
    throw new UserError(
      "EA2004",
      `ENV_ACTIONS_RUN_ID is set, but on a runner every ${stage} gets its own run id: jobs and matrix cells that share one delete each other's test data. Remove it from \`env\`; the output \`run-id\` has the id. Only cleanup with \`scope: run\` uses the variable`,
    );
  return named;
}

/** A job ends within a day, and so does its post step. */
const longestJobMs = 86_400_000;

/**
 * Why a run id from a file or the runner's state cannot belong to this job. Tests can write both, and with an old timestamp every
 * production row would look newer than the run.
 */
export function whyNoRunOfToday(runId: string): string | undefined {
  return whyNotCurrentRun(runId, { now: Date.now(), maxAgeMs: longestJobMs }, "a day");
}

function workflowGate({ kind, workflowRun }: Origin): string | undefined {
  return kind === "github" && workflowRun ? `github-${workflowRun}` : undefined;
}

/**
 * The runs that scope `run` covers: the run that was named; on a runner, the earlier steps of this job and cell and every
 * finished stage of this workflow run; in a terminal, the whole gate run. Executions that still run elsewhere are left alone.
 * @throws UserError if there are none, because the report would claim that their data is gone
 */
async function runsToClean(
  { records, environment, origin, store }: IdentityRequest,
  named: string | undefined,
  gateId: string | undefined,
): Promise<Partial<Identity>> {
  const known = await executions(records);
  if (named !== undefined) {
    const execution = known.find((one) => one.runId === named);
    if (execution && !isThisProcess(execution.process) && isUnderWay(execution)) throw alreadyUnderWay(execution);
    return {
      cleans: { runs: [{ runId: named, tracked: execution !== undefined && runsTests(execution.stage) }], leftAlone: [] },
    };
  }
  const here = known.filter(
    (one) =>
      one.gateId === gateId &&
      one.environment === environment.name &&
      mayMakeTestData(one.stage, environment) &&
      isOwn(one, origin),
  );
  const [busy, ended] = [here.filter(isUnderWay), here.filter((one) => !isUnderWay(one))];
  const elsewhere = origin.workflowRun === undefined ? { runs: [], problems: [] } : await endedStages(store, origin, environment);
  const tracked = new Map([
    // Their ledger is on the other machine; they have deleted what it lists themselves.
    ...elsewhere.runs.map((runId) => [runId, false] as const),
    ...ended.map(({ runId, stage }) => [runId, runsTests(stage)] as const),
  ]);
  const runs = [...tracked]
    .map(([runId, has]) => ({ runId, tracked: has }))
    .filter(({ runId }) => whyNoRunOfToday(runId) === undefined)
    .sort((a, b) => (a.runId < b.runId ? -1 : 1));
  const leftAlone = [
    ...busy.map(whyLeftAlone),
    ...[...tracked.keys()].flatMap((runId) => {
      const why = whyNoRunOfToday(runId);
      return why === undefined ? [] : [`a file in .env-actions names run ${runId}, which was not cleaned up: ${why}`];
    }),
  ];
  if (runs.length === 0)
    throw new UserError(
      "EA2006",
      leftAlone.join("\n") ||
        "scope run deletes the test data of one gate, and no run was found in this workspace: name the run with ENV_ACTIONS_RUN_ID, or use scope expired",
    );
  return { cleans: { runs, leftAlone }, problems: elsewhere.problems };
}

/** On a runner, the steps of a job run one after another, so earlier ones have ended. Other jobs may still run. */
function isOwn(execution: Execution, origin: Origin): boolean {
  if (origin.workflowRun === undefined) return true;
  return execution.origin.job === origin.job && execution.origin.cell === origin.cell;
}

type Started = Pick<StageContext["environment"], "servers" | "tasks">;

/** Tests receive a run id, and so do servers and tasks, which preflight can start too. */
function mayMakeTestData(stage: StageName, { servers, tasks }: Started): boolean {
  if (stage !== "preflight") return runsTests(stage);
  return [...Object.values(servers), ...tasks].some(({ stages }) => stages.includes(stage));
}

/** A stage leaves evidence only when it has ended. */
async function endedStages(
  store: EvidenceStore,
  origin: Origin,
  environment: StageContext["environment"],
): Promise<{ runs: string[]; problems: string[] }> {
  const found = await Promise.all(
    stageNames.filter((stage) => mayMakeTestData(stage, environment)).map((stage) => store.find(stage)),
  );
  const ended = found
    .flatMap(({ evidence }) => evidence)
    .filter((one) => one.origin.workflowRun === origin.workflowRun && one.environment === environment.name);
  return { runs: ended.map(({ runId }) => runId), problems: found.flatMap(({ problems }) => problems) };
}

function whyLeftAlone({ runId, stage, process: { pid } }: Execution): string {
  return `run ${runId} of ${stage} is still in progress (process ${pid}), so its test data was kept: the run deletes it when it ends. If it no longer runs, name it with ENV_ACTIONS_RUN_ID`;
}

async function mayStart(
  request: IdentityRequest,
  underWay: string | undefined,
  runId: string,
): Promise<Pick<Identity, "gateId" | "refusal" | "unproven" | "problems">> {
  const { stage, config, environment, store, records, commit, origin, project } = request;
  const leftOut = leftOutStages(config);
  const needed = stageBefore(stage, leftOut);
  if (needed === undefined) return { gateId: underWay ?? runId, refusal: undefined, problems: [] };
  const { evidence, problems, unread } = await store.find(needed);
  const { answer, accepted } = judgeStageBefore({
    stage,
    leftOut,
    environments: [environment.name, ...(stage === "smoke" && environment.promotedFrom ? [environment.promotedFrom] : [])],
    ...{ commit, origin, project, evidence },
    gateId: underWay,
    cutOff: store.cutOff,
    deployment: stage === "smoke" && request.deployment ? await followedDeployment(request) : undefined,
    now: Date.now(),
    maxAgeMs: config.evidence.maxAge,
  });
  const found = accepted[0] && (accepted[0].gateId ?? accepted[0].runId);
  if (found && !underWay) await beginGate(join(records, "run.json"), found, origin);
  const unknown = unread.length > 0 && accepted.length > 0 ? whyUnknown(stage, needed, unread) : undefined;
  const missing = answer.allowed ? unknown : answer.why;
  if (missing !== undefined && stage === "smoke" && !request.deployment && followsNothing(request)) {
    // In a terminal the last gate of the workspace has nothing to do with it.
    const gateId = request.gateId ?? workflowGate(origin) ?? runId;
    return {
      gateId,
      refusal: undefined,
      unproven: unprovenBy(request.env, evidence.length > 0 ? missing : undefined),
      problems: [],
    };
  }
  return { gateId: underWay ?? found ?? runId, refusal: answer.allowed ? unknown : answer.why, problems };
}

function followsNothing({ follows, config }: IdentityRequest): boolean {
  return (follows ?? config.stages.smoke.follows) === "nothing";
}

function unprovenBy({ GITHUB_EVENT_NAME: event }: IdentityRequest["env"], found: string | undefined): Unproven {
  const deployment = event === "deployment_status" || event === "deployment" ? event : undefined;
  return { ...(found ? { found } : {}), ...(deployment ? { event: deployment } : {}) };
}

/** Evidence that cannot be read may be from a cell that failed. */
function whyUnknown(stage: StageName, needed: StageName, unread: readonly string[]): string {
  return `${stage} needs passed evidence of ${needed} from every job and cell, and this evidence cannot be read: ${unread.join(", ")}. Try again. If that does not help, run ${needed} again.`;
}

/** A deployment named by a workflow counts only if GitHub says that it succeeded with the tested commit. */
async function followedDeployment(request: IdentityRequest): Promise<SequenceAnswer> {
  const { deployment: id = "", githubToken, env, cancel, config, environment, commit, origin } = request;
  if (origin.kind === "terminal")
    return { allowed: true, why: `it follows deployment ${id}, as named by ${origin.actor ?? "somebody"}` };
  const refuse = (why: string): SequenceAnswer => ({ allowed: false, why: `smoke should follow deployment ${id}, but ${why}` });
  const [{ GitHubError, gitHub }, { verifyDeployment }] = await Promise.all([
    import("../github/api.ts"),
    import("../github/deployments.ts"),
  ]);
  try {
    const api = await gitHub(githubToken, env, { cancel });
    const answer = await verifyDeployment(api, {
      ...{ repository: origin.repository ?? "", id, commit, now: Date.now(), maxAgeMs: config.evidence.maxAge },
      // A preview's deployment of the same commit says nothing about production.
      environmentName: environment.deployedAs ?? environment.name,
    });
    return answer.verified ? { allowed: true, why: answer.why } : refuse(answer.why);
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    return refuse(`that could not be verified: ${errorText(error)}`);
  }
}

/** Atomic, because another stage may be reading it. */
async function beginGate(file: string, gateId: string, origin: Origin): Promise<void> {
  await writeOwn(file, `${JSON.stringify({ gateId, workflowRun: origin.workflowRun })}\n`);
}

/** The gate run of this workspace. Ignores one of a workflow run, whose files a self-hosted runner may have kept. */
async function readGate(file: string, origin: Origin): Promise<string | undefined> {
  let text: string;
  try {
    text = (await readOwn(file)).toString("utf8");
  } catch (error) {
    // A link here names no gate run; the next write replaces it.
    if (error instanceof NotAPlainFile || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const gate = JSON.parse(text) as { gateId?: unknown; workflowRun?: unknown };
    return typeof gate.gateId === "string" && gate.workflowRun === origin.workflowRun ? gate.gateId : undefined;
  } catch {
    // An incomplete file of a stopped run names no gate run.
    return undefined;
  }
}
