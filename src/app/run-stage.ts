import { join } from "node:path";
import { AuditLog, auditFile } from "../audit/log.ts";
import { resolveTables } from "../config/classwaves.ts";
import { loadConfig, selectEnvironment } from "../config/load.ts";
import { uploadAttachments, uploadLogs } from "../evidence/attachments.ts";
import { evidenceOf } from "../evidence/evidence.ts";
import { commitOf, originOf } from "../evidence/origin.ts";
import { redactedArtifacts } from "../evidence/redacted-bytes.ts";
import { evidenceStore } from "../evidence/store.ts";
import type { ArtifactService } from "../github/artifacts.ts";
import { makeOwnDirectory, NotAPlainFile, recordsDirectory, writeOwn } from "../lib/plain-file.ts";
import { redacted } from "../lib/redaction/redacted.ts";
import { secretsOfVariables } from "../lib/redaction/variables.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import type { Origin, Progress, StageName, StageReport } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { type AfterVerdict, applyRollback, sendAlerts } from "../notifications/after-verdict.ts";
import { blankOwnEnvironment } from "../processes/own-environment.ts";
import { childSummary } from "../report/child-summary.ts";
import { rollbackLine } from "../report/words.ts";
import { beginLedger, childEnvironment, prepareChildSummary, takeChildSummary } from "../stages/child-environment.ts";
import type { Overrides, SecretKeeper, StageContext } from "../stages/context.ts";
import type { CutShort } from "../stages/cut-short.ts";
import { runStage } from "../stages/run.ts";
import { loadDriver } from "../warehouse/access.ts";
import { beginExecution, endExecution } from "./executions.ts";
import { type Identity, identify, whyNoRunOfToday } from "./identify-run.ts";
import { decided, type RecordedFiles, recordReport } from "./record.ts";
import { redactLogs } from "./redacted-logs.ts";
import { secretKeeper } from "./secret-keeper.ts";

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
  /** The cell of the job's matrix, as text. */
  cell?: string;
  /** The gate run that this stage belongs to, where the caller runs several stages. */
  gateId?: string;
  /** Told what a post step would need, before anything is made in the environment. */
  onBegin?: (begun: Begun) => void;
  /** In place of running the stage: it was killed, and this is its post step. */
  cutShort?: Omit<Begun, "configText"> & CutShort & { configText: string | undefined };
  env: Readonly<Record<string, string | undefined>>;
  cancel: AbortSignal;
  onProgress: (progress: Progress) => void;
  /** Told the way into the run's audit log, for what is decided outside of the stage; what it returns resolves when the line is on disk. */
  onAuditLog?: (write: (note: AuditEvent) => Promise<void>) => void;
  /** Told every secret before anything that may hold it is printed; needed where `secrets` is not given. */
  onSecret?: (secret: string) => void;
  /** What the whole process knows to be secret; where none is given, one is made for this stage. */
  secrets?: SecretKeeper;
  /** Where the runner offers it: carries evidence from job to job. */
  artifacts?: ArtifactService;
}

/** An execution that has begun. Enough to clean up after it in another process, also where its workspace was cleaned. */
export interface Begun {
  runId: string;
  gateId: string;
  environment: string;
  /** ISO 8601. */
  startedAt: string;
  /** The configuration file as it was read, without secrets. */
  configText: string;
}

export interface StageAnswer {
  report: StageReport;
  files: RecordedFiles;
}

/** From configuration to recorded report. @throws UserError for the user's mistakes, before anything is started. */
export async function performStage(asked: StageRequest): Promise<StageAnswer> {
  const { stage, workspace, env } = asked;
  const secrets = asked.secrets ?? secretKeeper(asked.onSecret ?? (() => undefined));
  const request = withoutSecrets(asked, secrets);
  if (request.githubToken) secrets.add(request.githubToken);
  const { config, configText, tables, environment } = await readConfiguration(request, secrets);
  const records = join(workspace, recordsDirectory);
  await makeRecords(records);
  // The cell is compared, so that it is the same everywhere: in reports, where no secret may stand, and in our own records.
  const cell = request.cell === undefined ? undefined : secrets.redact(request.cell);
  const origin = originOf(env, cell);
  // Git answers meanwhile: every stage that has a warehouse needs its driver, and loading that holds the process.
  const [commit] = await Promise.all([commitOf(env, workspace), environment.databricks ? loadDriver() : undefined]);
  const store = evidenceStore(join(records, "evidence"), request.artifacts);
  const identity: Identity = request.cutShort
    ? continued(request.cutShort)
    : await identify({
        ...{ stage, env, config, environment, store, records, commit, origin },
        ...{ gateId: request.gateId, scope: request.overrides?.scope },
        ...{ deployment: request.deployment, githubToken: request.githubToken, cancel: request.cancel },
      });
  const { runId, gateId } = identity;
  // What a run writes is no part of the project.
  await writeOwn(join(records, ".gitignore"), "*\n");
  if (!request.cutShort) {
    await beginExecution(records, { runId, gateId, stage, environment: environment.name, origin: placeOf(origin) });
    await beginLedger({ stage, records, runId });
    request.onBegin?.({ runId, gateId, environment: environment.name, startedAt: new Date().toISOString(), configText });
  }

  const key = config.audit.key?.reveal();
  // Whoever could read it could write lines of the log.
  if (key !== undefined) blankOwnEnvironment((name) => env[name] === key);
  const auditedRun = { who: origin.actor ?? "unknown", run: runId, gate: gateId, environment: environment.name, stage, key };
  const audit = new AuditLog(join(records, auditFile), auditedRun, secrets.redact);
  request.onAuditLog?.((note) => audit.write(note));
  const context: Omit<StageContext, "signal" | "audit" | "check"> = {
    stage,
    config,
    tables,
    environment,
    runId,
    runStarted: Number(runId.split("_")[0]),
    gateId,
    cleans: identity.cleans,
    workspace,
    records,
    env,
    onProgress: request.onProgress,
    secrets,
    overrides: request.overrides ?? {},
  };
  if (env.GITHUB_STEP_SUMMARY) await prepareChildSummary(context);
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
    cutShort: request.cutShort,
  });
  await endExecution(records, runId);
  // A server may have printed a token before we were handed it.
  const notRedacted = secrets.generation === known ? [] : await redactLogs(found, workspace, secrets);
  const afterVerdict = afterVerdictOf(request, context, audit);
  // In this order: what was rolled back stands before the decision in the log, and nobody is told of a verdict that still may change.
  const concluded = await sendAlerts(await decided(await applyRollback(found, afterVerdict), audit), afterVerdict);
  const anchored = { ...concluded, ...(audit.head ? { auditHead: audit.head } : {}) };
  const { report, files, notes } = await recordReport(anchored, { records, redact: secrets.redact });
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
  const written = env.GITHUB_STEP_SUMMARY ? await takeChildSummary(context) : "";
  return { report, files: { ...files, summaryText: files.summaryText + childSummary(secrets.redact(written)) } };
}

/** @throws UserError where one of its folders is a link: what a run writes would land elsewhere */
async function makeRecords(records: string): Promise<void> {
  try {
    for (const folder of ["logs", "reports", "evidence"]) await makeOwnDirectory(join(records, folder));
  } catch (error) {
    if (error instanceof NotAPlainFile) throw new UserError(error.code, error.message, { cause: error });
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && unwritable.has(code))
      throw new UserError(
        "EA9101",
        `${records} is not writable (${code}), and everything that a stage records goes there: give this user the right to write to it, or set working-directory to another folder`,
        { cause: error },
      );
    throw error;
  }
}

/** What the file system answers where nothing can be written. */
const unwritable: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS", "ENOSPC", "ENOTDIR", "ENOENT"]);

function continued({ runId, gateId }: Pick<Begun, "runId" | "gateId">): Identity {
  const refusal = whyNoRunOfToday(runId);
  if (refusal !== undefined)
    throw new UserError("EA2009", `the runner's state names a run that cannot belong to this job: ${refusal}`);
  return { runId, gateId, cleans: { runs: [], leftAlone: [] }, refusal: undefined, problems: [] };
}

function placeOf({ workflowRun, attempt, job, cell, step }: Origin) {
  return { workflowRun, attempt, job, ...(cell ? { cell } : {}), ...(step ? { step } : {}) };
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

function afterVerdictOf(
  request: StageRequest,
  context: Omit<StageContext, "signal" | "audit" | "check">,
  audit: AuditLog,
): AfterVerdict {
  const { environment, records, workspace, env, secrets, stage } = context;
  return {
    alerts: environment.alerts,
    // Of a smoke that was killed nobody knows what it would have seen: a person decides.
    rollback: request.cutShort ? undefined : environment.rollback,
    deployment: request.deployment,
    githubToken: request.githubToken,
    cancelled: request.cancel.aborted || request.cutShort?.cancelledBy !== undefined,
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
  request: Pick<StageRequest, "workspace" | "env" | "configFile" | "environment"> & {
    cutShort?: { configText: string | undefined };
  },
  secrets: Pick<SecretKeeper, "add" | "guess">,
) {
  const { workspace, env, configFile } = request;
  const loaded = await loadConfig({
    file: configFile,
    cwd: workspace,
    env,
    ...(request.environment ? { environment: request.environment } : {}),
    // As it was when the stage began: a later step may have checked out another, or removed it.
    ...(request.cutShort?.configText === undefined ? {} : { text: request.cutShort.configText }),
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
  return {
    config: loaded.config,
    configText: loaded.text,
    tables: resolveTables(loaded.config.testData),
    environment: { ...environment, name },
  };
}
