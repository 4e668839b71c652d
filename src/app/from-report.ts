import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AuditLog, auditFile } from "../audit/log.ts";
import { checkRunner } from "../checks/run-check.ts";
import { isRunId } from "../cleanup/ownership/identity.ts";
import { commitOf, originOf } from "../evidence/origin.ts";
import { errorText } from "../lib/error-text.ts";
import { makeOwnDirectory, recordsDirectory, writeOwn } from "../lib/plain-file.ts";
import { redacted } from "../lib/redaction/redactor.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import type { Commit, Progress, StageReport } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { parseReport } from "../report/schema.ts";
import type { SecretKeeper, StageContext } from "../stages/context.ts";
import { readConfiguration } from "./run-stage.ts";
import { secretKeeper } from "./secret-keeper.ts";

/** A request to undo or repair what a stage's report lists. */
export interface ReportRequest {
  /** Absolute path of the workspace. */
  workspace: string;
  configFile: string;
  environment?: string;
  /** Relative to the workspace, or absolute. */
  reportFile: string;
  /** If false, the plan is only shown. */
  execute: boolean;
  env: Readonly<Record<string, string | undefined>>;
  cancel: AbortSignal;
  onProgress: (progress: Progress) => void;
  /** The process's own; created if absent. */
  secrets?: SecretKeeper;
}

/** A report, and a context to connect to its environment. */
export interface FromReport {
  report: StageReport;
  /** Without Redis: only the warehouse can be restored. */
  context: StageContext;
  commit: Commit;
  /** Redacts a result, adds audit problems, and writes it to `.env-actions/<name>`. */
  record<Result extends { problems: string[] }>(result: Result, name: string): Promise<Result>;
}

/**
 * @param check throws if there is nothing to undo in the report; then neither the configuration nor its variables are read
 * @throws UserError before anything is sent
 */
export async function fromReport(request: ReportRequest, check: (report: StageReport) => void): Promise<FromReport> {
  const { workspace, env } = request;
  const report = await readReport(resolve(workspace, request.reportFile), request.reportFile);
  const named = request.environment ?? report.environment.name;
  if (named !== report.environment.name)
    throw new UserError(
      "EA7004",
      `${request.reportFile} is about the environment ${report.environment.name}, not about ${named}: leave out --environment, or name another report`,
    );
  check(report);
  const secrets = request.secrets ?? secretKeeper(() => undefined);
  const { config, tables, environment } = await readConfiguration({ ...request, environment: named }, secrets);
  if (environment.access !== "test-data")
    throw new UserError("EA2002", `the environment ${named} is read-only: nothing may be restored there`);
  if (!environment.databricks)
    throw new UserError(
      "EA3013",
      `the environment ${named} has no databricks, so nothing can be restored: add databricks: { host: … } to it`,
    );

  const records = join(workspace, recordsDirectory);
  await makeOwnDirectory(records);
  const [commit, origin] = [await commitOf(env, workspace), originOf(env)];
  const who = {
    who: origin.actor ?? "unknown",
    run: report.runId,
    ...(report.gateId ? { gate: report.gateId } : {}),
    environment: named,
    stage: report.stage,
    key: config.audit.key?.reveal(),
  };
  const log = new AuditLog(join(records, auditFile), who, secrets.redact);
  // As in a stage, the work goes on if an audit line cannot be written, and the result reports the gap.
  const notAudited = new Set<string>();
  const audit = (note: AuditEvent) => log.write(note).catch((error: unknown) => void notAudited.add(errorText(error)));
  const signal = AbortSignal.any([request.cancel, AbortSignal.timeout(config.stages.cleanup.budget)]);
  const context: StageContext = {
    stage: report.stage,
    config,
    tables,
    environment: { ...environment, redis: undefined },
    runId: report.runId,
    runStarted: Number(report.runId.split("_")[0]),
    workspace,
    records,
    env,
    signal,
    check: checkRunner({ rules: [], signal }),
    onProgress: (progress) => request.onProgress(redacted(progress, secrets.redact)),
    audit,
    secrets,
    overrides: {},
  };
  return {
    report,
    context,
    commit,
    async record(result, name) {
      const told = redacted({ ...result, problems: [...result.problems, ...notAudited] }, secrets.redact);
      return await recorded(told, join(records, name), name);
    },
  };
}

/** Always returns the result. If it could not be written to the file, it says so. */
async function recorded<Result extends { problems: string[] }>(result: Result, file: string, name: string): Promise<Result> {
  try {
    await writeOwn(file, `${JSON.stringify(result, undefined, 2)}\n`);
    return result;
  } catch (error) {
    return { ...result, problems: [...result.problems, `${name} could not be written: ${errorText(error)}`] };
  }
}

async function readReport(file: string, named: string): Promise<StageReport> {
  let content: string;
  try {
    content = await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "the file does not exist" : code === "EISDIR" ? "it is a folder" : errorText(error);
    throw new UserError("EA7001", `${named} cannot be read: ${why}. Name a report such as .env-actions/reports/cleanup.json`, {
      cause: error,
    });
  }
  const report = parseReport(content, named);
  // The run id ends up in a comment before every statement, in a file name, and in every audit line.
  if (!isRunId(report.runId))
    throw new UserError(
      "EA7002",
      `${named}: expected a runId such as 1763920000000_1a2b3c4d, got ${JSON.stringify(report.runId.slice(0, 40))}: this report was not written by env-actions`,
    );
  return report;
}
