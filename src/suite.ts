import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Aftermath, announced, rolledBack } from "./aftermath.ts";
import { AuditLog, auditFile } from "./audit-log.ts";
import { resolveTables } from "./config/classwaves.ts";
import { loadConfig, selectEnvironment } from "./config/load.ts";
import type { Config } from "./config/schema.ts";
import type { ArtifactService } from "./gate/artifacts.ts";
import { uploadAttachments, uploadLogs } from "./gate/attachments.ts";
import { verifyDeployment } from "./gate/deployment.ts";
import { evidenceOf, judgeSequence, type SequenceAnswer, stageBefore } from "./gate/evidence.ts";
import { gitHub } from "./gate/github.ts";
import { GitHubError } from "./gate/github-error.ts";
import { commitOf, originOf } from "./gate/origin.ts";
import { redactedArtifacts } from "./gate/redacted-bytes.ts";
import { type EvidenceStore, evidenceStore } from "./gate/store.ts";
import {
  type AuditNote,
  type Commit,
  type Evidence,
  type Origin,
  type Progress,
  type StageName,
  type StageReport,
  UserError,
} from "./model.ts";
import { decided, type RecordedFiles, recordReport } from "./record.ts";
import { redactLogs } from "./redacted-logs.ts";
import { redacted } from "./redaction/redacted.ts";
import { secretsOfVariables } from "./redaction/variables.ts";
import { rollbackLine } from "./report/words.ts";
import { secretKeeper } from "./secrets.ts";
import { childEnvironment } from "./stages/child-environment.ts";
import type { Overrides, SecretKeeper, StageContext } from "./stages/context.ts";
import { runStage } from "./stages/run.ts";
import { isRunId, newRunId } from "./testdata/identity.ts";

/** One stage, as the action and the terminal ask for it. */
export interface StageRequest {
  stage: StageName;
  /** Absolute path of the workspace. */
  workspace: string;
  /** Relative to the workspace, or absolute. */
  configFile: string;
  environment?: string;
  /** Milliseconds, in place of the configured budget. */
  budgetMs?: number;
  overrides?: Overrides;
  /** The deployment that smoke follows: on a runner its id, which GitHub is asked about; in a terminal a person's word. */
  deployment?: string;
  githubToken?: string;
  env: Readonly<Record<string, string | undefined>>;
  cancel: AbortSignal;
  onProgress: (progress: Progress) => void;
  /** Told the way into the run's audit log, for what is decided outside of the stage; what it returns resolves when the line is on disk. */
  onAuditLog?: (write: (note: AuditNote) => Promise<void>) => void;
  /** Told every secret before anything that may hold it is printed; needed where `secrets` is not given. */
  onSecret?: (secret: string) => void;
  /** What the whole process knows to be secret; where none is given, one is made for this stage. */
  secrets?: SecretKeeper;
  /** Where the runner offers it: carries evidence from job to job. */
  artifacts?: ArtifactService;
}

export interface StageAnswer {
  report: StageReport;
  files: RecordedFiles;
}

/** Everything a run writes is below it. */
export const recordsDirectory = ".env-actions";

/** From configuration to recorded report. @throws UserError for the user's mistakes, before anything is started. */
export async function performStage(asked: StageRequest): Promise<StageAnswer> {
  const { stage, workspace, env } = asked;
  const secrets = asked.secrets ?? secretKeeper(asked.onSecret ?? (() => undefined));
  const request = withoutSecrets(asked, secrets);
  if (request.githubToken) secrets.add(request.githubToken);
  const { config, tables, environment } = await readConfiguration(request, secrets);
  const records = join(workspace, recordsDirectory);
  const [commit, origin] = [await commitOf(env, workspace), originOf(env)];
  const store = evidenceStore(join(records, "evidence"), request.artifacts);
  const identity = await identify(request, config, environment, store, records, { commit, origin });
  await mkdir(join(records, "logs"), { recursive: true });
  // What a run writes is no part of the project.
  await writeFile(join(records, ".gitignore"), "*\n");

  const auditedRun = { who: origin.actor ?? "unknown", run: identity.runId, environment: environment.name, stage };
  const audit = new AuditLog(join(records, auditFile), auditedRun, secrets.redact);
  request.onAuditLog?.((note) => audit.write(note));
  const context: Omit<StageContext, "signal" | "audit"> = {
    stage,
    config,
    tables,
    environment,
    runId: identity.runId,
    runStarted: Number(identity.runId.split("_")[0]),
    workspace,
    records,
    env,
    onProgress: request.onProgress,
    secrets,
    overrides: request.overrides ?? {},
  };
  const budgetMs = request.budgetMs ?? config.stages[stage].budget;
  const known = secrets.generation;
  const found = await runStage({
    context,
    audit: (note) => audit.write(note),
    cancel: request.cancel,
    budgetMs,
    commit,
    origin,
    refusal: identity.refusal,
  });
  // A server may have printed a token before we were handed it.
  const notRedacted = secrets.generation === known ? [] : await redactLogs(found, workspace, secrets);
  const aftermath = aftermathOf(request, context, audit);
  // In this order: what was rolled back stands before the decision in the log, and nobody is told of a verdict that still may change.
  const concluded = await announced(await decided(await rolledBack(found, aftermath), audit), aftermath);
  const { report, files, notes } = await recordReport(concluded, { records, redact: secrets.redact });
  const problems = await store.keep(evidenceOf(report, files.reportText), [{ name: `${stage}.json`, content: files.reportText }]);
  const notUploaded = request.artifacts
    ? [
        ...(await uploadAttachments(request.artifacts, report, workspace)),
        ...(await uploadLogs(request.artifacts, report, workspace)),
      ]
    : [];
  // The stage has told its end already; what came after that is told by itself.
  const afterwards = report.problems.slice(found.problems.length);
  if (report.rollback) request.onProgress({ kind: "warning", stage, text: rollbackLine(report.rollback) });
  const unsent = (report.alerts ?? []).flatMap(({ channel, event, problem }) =>
    problem ? [`the alert to ${channel} (${event}): ${problem}`] : [],
  );
  for (const problem of [...unsent, ...identity.problems, ...notRedacted, ...afterwards, ...notes, ...problems, ...notUploaded])
    request.onProgress({ kind: "warning", stage, text: problem });
  return { report, files };
}

/** What is told on the way is printed, and what is uploaded stays: nothing of it holds a secret. */
function withoutSecrets(asked: StageRequest, secrets: SecretKeeper): StageRequest {
  return {
    ...asked,
    onProgress(progress) {
      // Each line of output was redacted together with those around it, before it was logged.
      asked.onProgress(progress.kind === "output" ? progress : redacted(progress, secrets.redact));
    },
    ...(asked.artifacts ? { artifacts: redactedArtifacts(asked.artifacts, secrets) } : {}),
  };
}

function aftermathOf(request: StageRequest, context: Omit<StageContext, "signal" | "audit">, audit: AuditLog): Aftermath {
  const { environment, records, workspace, env, secrets, stage } = context;
  return {
    alerts: environment.alerts,
    rollback: environment.rollback,
    deployment: request.deployment,
    githubToken: request.githubToken,
    cancelled: request.cancel.aborted,
    cancel: request.cancel,
    records,
    workspace,
    env,
    commandEnv: childEnvironment(context, {}),
    audit: (note) => audit.write(note),
    secrets,
    onLine: (line) => request.onProgress({ kind: "output", stage, source: "rollback", line }),
  };
}

/** The configuration as the request names it, with its secrets told. @throws UserError */
export async function readConfiguration(
  request: Pick<StageRequest, "workspace" | "env" | "configFile" | "environment">,
  secrets: Pick<SecretKeeper, "add" | "guess">,
) {
  const { workspace, env, configFile } = request;
  const loaded = await loadConfig({
    file: configFile,
    cwd: workspace,
    env,
    ...(request.environment ? { environment: request.environment } : {}),
  });
  for (const secret of loaded.secrets) secrets.add(secret.reveal());
  const { name, environment } = selectEnvironment(loaded.config, request.environment);
  const configured = [
    environment.environment,
    ...Object.values(environment.servers).map((server) => server.environment),
    loaded.config.stages.integration.environment,
    loaded.config.stages.e2e.environment,
  ];
  // What was only guessed from names before is known now, with the exceptions that the configuration makes.
  secrets.guess([]);
  for (const secret of secretsOfVariables([env, ...configured], loaded.config.secrets)) secrets.add(secret);
  return { config: loaded.config, tables: resolveTables(loaded.config.testData), environment: { ...environment, name } };
}

interface Identity {
  runId: string;
  /** Why the stage must not start. */
  refusal: string | undefined;
  problems: string[];
}

/**
 * Which run this is, and whether the stage may start. Preflight begins a run; the others continue it: the run under way is named
 * by the environment, by this workspace, or by the evidence of the stage before.
 */
async function identify(
  request: StageRequest,
  config: Config,
  environment: StageContext["environment"],
  store: EvidenceStore,
  records: string,
  { commit, origin }: { commit: Commit; origin: Origin },
): Promise<Identity> {
  const { stage, env } = request;
  const named = env.ENV_ACTIONS_RUN_ID || undefined;
  if (named !== undefined && !isRunId(named))
    throw new UserError(
      `ENV_ACTIONS_RUN_ID is "${named}", but a run is called like ${newRunId()}: <milliseconds>_<8 hexadecimal digits>`,
    );
  const runFile = join(records, "run.json");
  const underWay = named ?? (await readRun(runFile, origin));
  const needed = stageBefore(stage);
  if (stage === "preflight")
    return { runId: await beginRun(runFile, named ?? newRunId(), origin), refusal: undefined, problems: [] };
  // The run's test data of a run that nobody knows is nothing, and would be said to be gone.
  if (stage === "cleanup" && request.overrides?.scope === "run" && underWay === undefined)
    throw new UserError(
      "scope run deletes what one run made, and no run is under way in this workspace: name it with ENV_ACTIONS_RUN_ID, or take scope expired",
    );
  if (needed === undefined) return { runId: underWay ?? newRunId(), refusal: undefined, problems: [] };

  const { evidence, problems } = await store.find(needed);
  const environments = [environment.name, ...(stage === "smoke" && environment.promotedFrom ? [environment.promotedFrom] : [])];
  const deployment =
    stage === "smoke" && request.deployment ? await followedDeployment(request, config, commit, origin) : undefined;
  const judge = (candidate: Evidence | undefined) =>
    judgeSequence({
      stage,
      environments,
      commit,
      origin,
      runId: underWay,
      evidence: candidate,
      deployment,
      now: Date.now(),
      maxAgeMs: config.evidence.maxAge,
    });
  const accepted = evidence.find((candidate) => judge(candidate).allowed);
  const answer = judge(accepted ?? evidence.find((candidate) => environments.includes(candidate.environment)) ?? evidence[0]);
  const runId = underWay ?? accepted?.runId ?? newRunId();
  if (accepted && !underWay) await beginRun(runFile, runId, origin);
  return { runId, refusal: answer.allowed ? undefined : answer.why, problems };
}

/** A deployment that a workflow names is believed only when GitHub says that it succeeded, with the commit that is looked at. */
async function followedDeployment(
  request: StageRequest,
  config: Config,
  commit: Commit,
  origin: Origin,
): Promise<SequenceAnswer> {
  const { deployment: id = "", githubToken, env, cancel } = request;
  if (origin.kind === "terminal")
    return { allowed: true, why: `it follows deployment ${id}, as ${origin.actor ?? "somebody"} says` };
  const refuse = (why: string): SequenceAnswer => ({ allowed: false, why: `smoke was to follow deployment ${id}, but ${why}` });
  try {
    const api = await gitHub(githubToken, env, { cancel });
    const question = { repository: origin.repository ?? "", id, commit, now: Date.now(), maxAgeMs: config.evidence.maxAge };
    const answer = await verifyDeployment(api, question);
    return answer.verified ? { allowed: true, why: answer.why } : refuse(answer.why);
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    return refuse(`that could not be verified: ${error.message}`);
  }
}

async function beginRun(file: string, runId: string, origin: Origin): Promise<string> {
  await mkdir(resolve(file, ".."), { recursive: true });
  await writeFile(file, `${JSON.stringify({ runId, workflowRun: origin.workflowRun })}\n`);
  return runId;
}

/** The run that this workspace is in; not one of another workflow run, whose files a self-hosted runner may still have. */
async function readRun(file: string, origin: Origin): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const run = JSON.parse(text) as { runId?: unknown; workflowRun?: unknown };
    return typeof run.runId === "string" && isRunId(run.runId) && run.workflowRun === origin.workflowRun ? run.runId : undefined;
  } catch {
    // A torn file of a stopped run names no run.
    return undefined;
  }
}
