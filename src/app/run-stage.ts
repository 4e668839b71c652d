import { join, relative } from "node:path";
import { AuditLog, auditFile } from "../audit/log.ts";
import { budgetFor } from "../config/budgets.ts";
import { leftOutStages } from "../config/left-out.ts";
import { writePredicate } from "../evidence/attestation/statement.ts";
import { chooseCarrier } from "../evidence/carriers/choose.ts";
import { commitOf, evidenceOf, originOf, projectOf } from "../evidence/evidence.ts";
import { evidenceFileName, evidenceStore, uploadAttachments, uploadLogs, uploadRecords } from "../evidence/store.ts";
import type { ArtifactService } from "../github/artifacts.ts";
import type { RecordFacts } from "../history/record/of-report.ts";
import { makeOwnDirectory, NotAPlainFile, recordsDirectory, writeOwn } from "../lib/plain-file.ts";
import { redacted } from "../lib/redaction/redactor.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import { isStagingStage, type Origin, type Progress, type StageName, type StageReport } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import type { AfterVerdict } from "../notifications/after-verdict.ts";
import { blankOwnEnvironment } from "../processes/own-environment.ts";
import { childSummary, toMarkdown } from "../report/markdown.ts";
import { rollbackLine } from "../report/words.ts";
import { beginLedger, childEnvironment, prepareChildSummary, takeChildSummary } from "../stages/child-environment.ts";
import type { CutShort, Overrides, SecretKeeper, StageContext } from "../stages/context.ts";
import { runStage } from "../stages/run.ts";
import { beginExecution, endExecution } from "./executions.ts";
import { historyOf } from "./history.ts";
import { type Identity, identify, whyNoRunOfToday } from "./identify-run.ts";
import { readPast, withPast } from "./past.ts";
import { readConfiguration } from "./read-configuration.ts";
import { decided, type RecordedFiles, recordReport } from "./record.ts";
import { secretKeeper } from "./secret-keeper.ts";

/** A request to run one stage, from the action or the terminal. */
export interface StageRequest {
  stage: StageName;
  /** Absolute path of the workspace. */
  workspace: string;
  /** Relative to the workspace, or absolute. */
  configFile: string;
  environment?: string;
  /** Milliseconds; overrides the configured budget. */
  budgetMs?: number;
  overrides?: Overrides;
  /** The deployment that smoke checks. On a runner its id, which GitHub confirms; in a terminal, free text. */
  deployment?: string;
  /** Smoke needs neither evidence nor a deployment, whatever the configuration says. */
  follows?: "nothing";
  githubToken?: string;
  /** The matrix cell of the job, as text. */
  cell?: string;
  /** The gate run of this stage, if the caller runs several stages. */
  gateId?: string;
  /** Called with what a post step needs, before anything is created in the environment. */
  onBegin?: (begun: Begun) => void;
  /** Set in the post step of a stage that was killed; then the stage itself isn't run. */
  cutShort?: Omit<Begun, "configText"> & CutShort & { configText: string | undefined };
  env: Readonly<Record<string, string | undefined>>;
  cancel: AbortSignal;
  onProgress: (progress: Progress) => void;
  /**
   * Called with a function that writes to the run's audit log, for decisions made outside the stage. Its promise resolves when
   * the line is on disk.
   */
  onAuditLog?: (write: (note: AuditEvent) => Promise<void>) => void;
  /** Called with every secret before any text that may contain it is printed. Required if `secrets` is absent. */
  onSecret?: (secret: string) => void;
  /** All secrets that the process knows; created for this stage if absent. */
  secrets?: SecretKeeper;
  /** Carries evidence between jobs, if the runner supports it. */
  artifacts?: ArtifactService;
}

/** A started execution, with all that another process needs to clean up after it, even if the workspace is gone. */
export interface Begun {
  runId: string;
  gateId: string;
  environment: string;
  /** ISO 8601. */
  startedAt: string;
  /** The configuration file as read, without secrets. */
  configText: string;
}

export interface StageAnswer {
  report: StageReport;
  /** `predicate`: what can be signed about the evidence, if there is something. `summaryText`: for the job summary. */
  files: RecordedFiles & { evidence: string; predicate?: string; summaryText: string };
}

/**
 * Runs a stage, from reading the configuration to writing the report: which environment, which run, whether it may start; the stage
 * itself; then what it leaves, which is its files, its evidence and what is uploaded.
 * @throws UserError for user errors, before anything starts
 */
export async function performStage(asked: StageRequest): Promise<StageAnswer> {
  const { stage, workspace, env } = asked;
  // Git answers in the meantime, on another core: reading the configuration and loading the warehouse driver block this process.
  const tested = commitOf(env, workspace);
  const secrets = asked.secrets ?? secretKeeper(asked.onSecret ?? (() => undefined));
  const request = await withoutSecrets(asked, secrets);
  if (request.githubToken) secrets.add(request.githubToken);
  const { config, configText, configPlace, tables, environment, original } = await readConfiguration(
    { ...request, ofCopy: isStagingStage(stage) },
    secrets,
  );
  const leftOut = leftOutStages(config);
  if (leftOut.includes(stage))
    throw new UserError(
      "EA5007",
      `stages.${stage} is false in ${request.configFile}, so the gate leaves ${stage} out: remove this step, or write the settings of the stage in place of false`,
    );
  const budgetMs = budgetFor(config, stage, request.budgetMs);
  const records = join(workspace, recordsDirectory);
  await makeRecords(records);
  // The cell is compared later, so it must be redacted everywhere: in reports, which must not contain secrets, and in our own
  // records.
  const cell = request.cell === undefined ? undefined : secrets.redact(request.cell);
  const origin = originOf(env, cell);
  if (environment.databricks) await loadWarehouse();
  const commit = await tested;
  const project = projectOf(env, workspace, request.configFile);
  const { store: place, maxAge: maxAgeMs } = config.evidence;
  const { carrier, cutOff } = await chooseCarrier({ store: place, maxAgeMs, env, artifacts: request.artifacts });
  const store = evidenceStore(join(records, "evidence"), carrier, cutOff);
  const identity: Identity = request.cutShort
    ? continued(request.cutShort)
    : await identify({
        ...{ stage, env, config, environment, store, records, commit, origin, project },
        ...{ gateId: request.gateId, scope: request.overrides?.scope },
        ...{ deployment: request.deployment, follows: request.follows, githubToken: request.githubToken, cancel: request.cancel },
      });
  const { runId, gateId } = identity;
  // Keeps the files of a run out of the project's repository.
  await writeOwn(join(records, ".gitignore"), "*\n");
  if (!request.cutShort) {
    await beginExecution(records, { runId, gateId, stage, environment: environment.name, origin: placeOf(origin) });
    await beginLedger({ stage, records, runId });
    request.onBegin?.({ runId, gateId, environment: environment.name, startedAt: new Date().toISOString(), configText });
  }

  const key = config.audit.key?.reveal();
  // Any process that can read the key could forge audit lines.
  if (key !== undefined) blankOwnEnvironment((name) => env[name] === key);
  const auditedRun = { who: origin.actor ?? "unknown", run: runId, gate: gateId, environment: environment.name, stage, key };
  const audit = new AuditLog(join(records, auditFile), auditedRun, secrets.redact);
  request.onAuditLog?.((note) => audit.write(note));
  const context: Omit<StageContext, "signal" | "audit" | "notAudited" | "check"> = {
    stage,
    config,
    configPlace,
    tables,
    environment,
    ...(original ? { original } : {}),
    runId,
    runStarted: Number(runId.split("_")[0]),
    gateId,
    ...(project === undefined ? {} : { project }),
    cleans: identity.cleans,
    workspace,
    records,
    env,
    onProgress: request.onProgress,
    secrets,
    history: historyOf({
      ...{ config, records, workspace, env, cancel: request.cancel },
      ...(request.githubToken ? { githubToken: request.githubToken } : {}),
    }),
    baseline: new Map(),
    overrides: request.overrides ?? {},
  };
  if (env.GITHUB_STEP_SUMMARY) await prepareChildSummary(context);
  const known = secrets.generation;
  const found = await runStage({
    context,
    audit: (note) => audit.write(note),
    cancel: request.cancel,
    budgetMs,
    commit,
    origin,
    refusal: identity.refusal,
    unproven: identity.unproven,
    cutShort: request.cutShort,
  });
  await endExecution(records, runId);
  // A server may have printed a token before we received it.
  const notRedacted =
    secrets.generation === known ? [] : await (await import("./redact-logs.ts")).redactLogs(found, workspace, secrets);
  const { report, files, notes } = await concludeAndRecord(found, context, afterVerdictOf(request, context, audit), audit);
  const problems = await store.keep(evidenceOf(report, files.reportText, project), [
    { name: `${stage}.json`, content: files.reportText },
  ]);
  const evidenceFile = { stage, environment: report.environment.name, runId: report.runId };
  const evidence = join(records, "evidence", evidenceFileName(evidenceFile));
  // Nobody knows whether what was seen is this commit.
  const isProven = identity.unproven === undefined;
  const ranBy = { configFile: project ?? request.configFile, configText, server: env.GITHUB_SERVER_URL };
  const predicate = isProven ? await writePredicate(records, report, ranBy) : undefined;
  const notUploaded = request.artifacts
    ? await uploadFiles(request.artifacts, report, workspace, [files.html, ...(config.audit.upload ? [files.audit] : [])])
    : [];
  // The stage has already reported its end, so later problems are reported separately.
  const afterwards = report.problems.slice(found.problems.length);
  if (report.rollback) request.onProgress({ kind: "warning", stage, text: rollbackLine(report.rollback) });
  const said = [...unsentAlerts(report), ...identity.problems, ...notRedacted, ...afterwards];
  for (const text of [...said, ...notes, ...problems, ...notUploaded]) request.onProgress({ kind: "warning", stage, text });
  const written = env.GITHUB_STEP_SUMMARY ? await takeChildSummary(context) : "";
  // Of this stage alone; the file has all stages of the gate run.
  const summaryText = toMarkdown(report) + childSummary(secrets.redact(written));
  return { report, files: { ...files, summaryText, evidence, ...(predicate ? { predicate } : {}) } };
}

/** Attachments of tests, logs of servers and tests, and files of the stage's records. @returns what could not be uploaded */
async function uploadFiles(artifacts: ArtifactService, report: StageReport, workspace: string, files: readonly string[]) {
  const inWorkspace = files.map((file) => relative(workspace, file).replaceAll("\\", "/"));
  return [
    ...(await uploadAttachments(artifacts, report, workspace)),
    ...(await uploadLogs(artifacts, report, workspace)),
    ...(await uploadRecords(artifacts, report, workspace, inWorkspace)),
  ];
}

function unsentAlerts({ alerts = [] }: StageReport): string[] {
  return alerts.flatMap(({ channel, event, problem }) => (problem ? [`the alert to ${channel} (${event}): ${problem}`] : []));
}

/** Also reads the driver, because that takes long and blocks the process. */
async function loadWarehouse(): Promise<void> {
  const { loadDriver } = await import("../warehouse/access.ts");
  await loadDriver();
}

/** @throws UserError if one of its folders is a link, because the files of the run would be written elsewhere */
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

/** File system errors for a place that cannot be written. */
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

/** Redacts what is printed as progress and what is uploaded. */
async function withoutSecrets(asked: StageRequest, secrets: SecretKeeper): Promise<StageRequest> {
  const { artifacts } = asked;
  return {
    ...asked,
    onProgress(progress) {
      // Each output line was already redacted together with its neighbours before it was logged.
      asked.onProgress(progress.kind === "output" ? progress : redacted(progress, secrets.redact));
    },
    ...(artifacts ? { artifacts: (await import("../evidence/redacted-bytes.ts")).redactedArtifacts(artifacts, secrets) } : {}),
  };
}

function afterVerdictOf(
  request: StageRequest,
  context: Omit<StageContext, "signal" | "audit" | "notAudited" | "check">,
  audit: AuditLog,
): AfterVerdict {
  const { environment, records, workspace, env, secrets, stage, history, project } = context;
  return {
    history,
    ...(project === undefined ? {} : { project }),
    alerts: environment.alerts,
    // What a killed smoke would have found is unknown, so a person has to decide.
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

/**
 * From what the stage found to what it leaves, in this order: the rollback; the final verdict, as the last line of the audit log;
 * alerts; what earlier runs say; the report with summary and HTML page; the record for later runs. The record comes right after
 * the alerts, because whoever is killed in between sends them again.
 * @returns the report as it was written, its files, and what could not be done
 */
async function concludeAndRecord(
  found: StageReport,
  {
    history,
    baseline,
    env,
    records,
    project,
    secrets: { redact },
  }: Omit<StageContext, "signal" | "audit" | "notAudited" | "check">,
  after: AfterVerdict,
  audit: AuditLog,
) {
  // Reads in parallel, so the stage does not wait. After a cancel, the runner leaves only seconds.
  const reading = after.cancelled ? Promise.resolve({}) : readPast(found, history);
  const { report: concluded, facts, release } = await conclude(found, after, audit);
  try {
    const { report: placed, notes: ofPast } = await withPast(concluded, await reading, { env, redact, project });
    const anchored = { ...placed, ...(audit.head ? { auditHead: audit.head } : {}) };
    const { report, files, notes } = await recordReport(anchored, { records, redact });
    const { remember } = await import("./remember.ts");
    const known = { ...facts, baseline, ...(project === undefined ? {} : { project: redact(project) }) };
    const notRemembered = await remember(report, { history, env, redact, facts: known });
    return { report, files, notes: [...ofPast, ...notes, ...notRemembered] };
  } finally {
    await release?.();
  }
}

/** The order matters: the rollback comes before the verdict in the log, and alerts go out only when the verdict is final. */
async function conclude(
  found: StageReport,
  after: AfterVerdict,
  audit: AuditLog,
): Promise<{ report: StageReport; facts: RecordFacts; release?: () => Promise<void> }> {
  if (!after.rollback && !after.alerts) return { report: await decided(found, audit), facts: {} };
  const { applyRollback, sendAlerts } = await import("../notifications/after-verdict.ts");
  const { report: rolledBack, again = false } = await applyRollback(found, after);
  const { report, memory, release } = await sendAlerts(await decided(rolledBack, audit), after);
  return { report, facts: { rollbackAgain: again, ...(memory ? { alerts: memory } : {}) }, release };
}
