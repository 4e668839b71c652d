import { join, relative } from "node:path";
import { AuditLog, auditFile } from "../audit/log.ts";
import { budgetFor } from "../config/budgets.ts";
import { resolveTables } from "../config/classwaves.ts";
import { leftOutStages } from "../config/left-out.ts";
import { loadConfig, selectEnvironment } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { writePredicate } from "../evidence/attestation/statement.ts";
import { chooseCarrier } from "../evidence/carriers/choose.ts";
import { commitOf, evidenceOf, originOf, projectOf } from "../evidence/evidence.ts";
import { evidenceFileName, evidenceStore, uploadAttachments, uploadLogs, uploadRecords } from "../evidence/store.ts";
import type { ArtifactService } from "../github/artifacts.ts";
import { makeOwnDirectory, NotAPlainFile, recordsDirectory, writeOwn } from "../lib/plain-file.ts";
import { InvalidProxy, proxiesIn, proxySecrets } from "../lib/proxy/choice.ts";
import { redacted } from "../lib/redaction/redactor.ts";
import { secretsOfVariables } from "../lib/redaction/variables.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import { isStagingStage, type Origin, type Progress, type StageName, type StageReport } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import type { AfterVerdict } from "../notifications/after-verdict.ts";
import { blankOwnEnvironment } from "../processes/own-environment.ts";
import { childSummary } from "../report/markdown.ts";
import { rollbackLine } from "../report/words.ts";
import { beginLedger, childEnvironment, prepareChildSummary, takeChildSummary } from "../stages/child-environment.ts";
import type { CutShort, Overrides, SecretKeeper, StageContext } from "../stages/context.ts";
import { runStage } from "../stages/run.ts";
import { concludeAndRecord } from "./conclude.ts";
import { beginExecution, endExecution } from "./executions.ts";
import { historyOf } from "./history.ts";
import { type Identity, identify, whyNoRunOfToday } from "./identify-run.ts";
import type { RecordedFiles } from "./record.ts";
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
  /** `predicate`: what can be signed about the evidence, if there is something. */
  files: RecordedFiles & { evidence: string; predicate?: string };
}

/**
 * Runs a stage, from reading the configuration to writing the report.
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
  const context: Omit<StageContext, "signal" | "audit" | "check"> = {
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
  const evidence = join(
    records,
    "evidence",
    evidenceFileName({ stage, environment: report.environment.name, runId: report.runId }),
  );
  const server = env.GITHUB_SERVER_URL;
  // Nobody knows whether what was seen is this commit.
  const isProven = identity.unproven === undefined;
  const predicate = isProven
    ? await writePredicate(records, report, { configFile: project ?? request.configFile, configText, server })
    : undefined;
  const notUploaded = request.artifacts
    ? [
        ...(await uploadAttachments(request.artifacts, report, workspace)),
        ...(await uploadLogs(request.artifacts, report, workspace)),
        ...(await uploadRecords(
          request.artifacts,
          report,
          workspace,
          [files.html, ...(config.audit.upload ? [files.audit] : [])].map((file) =>
            relative(workspace, file).replaceAll("\\", "/"),
          ),
        )),
      ]
    : [];
  // The stage has already reported its end, so later problems are reported separately.
  const afterwards = report.problems.slice(found.problems.length);
  if (report.rollback) request.onProgress({ kind: "warning", stage, text: rollbackLine(report.rollback) });
  const unsent = (report.alerts ?? []).flatMap(({ channel, event, problem }) =>
    problem ? [`the alert to ${channel} (${event}): ${problem}`] : [],
  );
  for (const problem of [...unsent, ...identity.problems, ...notRedacted, ...afterwards, ...notes, ...problems, ...notUploaded])
    request.onProgress({ kind: "warning", stage, text: problem });
  const written = env.GITHUB_STEP_SUMMARY ? await takeChildSummary(context) : "";
  const summaryText = files.summaryText + childSummary(secrets.redact(written));
  return { report, files: { ...files, summaryText, evidence, ...(predicate ? { predicate } : {}) } };
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
  context: Omit<StageContext, "signal" | "audit" | "check">,
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

/** Before anything connects. @throws UserError if a variable names no proxy */
function checkProxies(env: StageRequest["env"]): void {
  try {
    proxiesIn(env);
  } catch (error) {
    if (error instanceof InvalidProxy) throw new UserError(error.code, error.message, { cause: error });
    throw error;
  }
}

/** Reads the configuration of the request and registers its secrets. @throws UserError */
export async function readConfiguration(
  request: Pick<StageRequest, "workspace" | "env" | "configFile" | "environment"> & {
    cutShort?: { configText: string | undefined };
    /** For the tasks about a copy: only in its environment. */
    ofCopy?: boolean;
  },
  secrets: Pick<SecretKeeper, "add" | "guess">,
) {
  const { workspace, env, configFile } = request;
  for (const secret of proxySecrets(env)) secrets.add(secret);
  checkProxies(env);
  const loaded = await loadConfig({
    file: configFile,
    cwd: workspace,
    env,
    ...(request.environment ? { environment: request.environment } : {}),
    ...(request.ofCopy ? { ofCopy: true } : {}),
    // The text from when the stage began: a later step may have checked out another version, or removed it.
    ...(request.cutShort?.configText === undefined ? {} : { text: request.cutShort.configText }),
  });
  for (const secret of loaded.secrets) secrets.add(secret.reveal());
  if (request.ofCopy) refuseOthers(loaded.config, request);
  const { name, environment } = selectEnvironment(
    loaded.config,
    request.environment || (request.ofCopy ? loaded.config.staging?.copy : undefined),
  );
  const configured = [
    environment.environment,
    ...[...environment.tasks, ...Object.values(environment.servers)].map((process) => process.environment),
    loaded.config.stages.integration.environment,
    loaded.config.stages.e2e.environment,
  ];
  // Secrets that were only guessed from variable names are known now, with the configuration's exceptions.
  secrets.guess([]);
  for (const secret of secretsOfVariables([env, ...configured], loaded.config.secrets)) secrets.add(secret);
  return {
    config: loaded.config,
    configText: loaded.text,
    configPlace: loaded.placeOf,
    tables: resolveTables(loaded.config.testData),
    environment: { ...environment, name },
    original: loaded.original,
  };
}

/** @throws UserError if there is no copy, or another environment was named */
function refuseOthers({ staging }: Config, { configFile, environment }: Pick<StageRequest, "configFile" | "environment">): void {
  if (!staging)
    throw new UserError(
      "EA2134",
      `${configFile} has no copy of production: add staging: { original: …, copy: … } with the names of two environments`,
    );
  if (environment && environment !== staging.copy)
    throw new UserError(
      "EA2135",
      `the tasks about a copy run in ${staging.copy} (staging.copy in ${configFile}), not in ${environment}: leave out --environment (in a workflow: the input environment)`,
    );
}
