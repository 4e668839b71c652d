import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AuditLog, auditFile } from "./audit-log.ts";
import { sentence } from "./checks/check.ts";
import { commitOf, originOf } from "./gate/origin.ts";
import { type AuditNote, type Progress, type StageReport, UserError } from "./model.ts";
import { redacted } from "./redaction/redacted.ts";
import { parseReport } from "./report/schema.ts";
import { secretKeeper } from "./secrets.ts";
import { withReaders, withWriters } from "./stages/connections.ts";
import type { SecretKeeper, StageContext } from "./stages/context.ts";
import { readConfiguration, recordsDirectory } from "./suite.ts";
import { levelsOf } from "./testdata/graph.ts";
import { executeUndo, planUndo, type UndoResult } from "./testdata/undo.ts";

export interface UndoRequest {
  /** Absolute path of the workspace. */
  workspace: string;
  configFile: string;
  environment?: string;
  /** The report of the stage whose deletes are undone; relative to the workspace, or absolute. */
  reportFile: string;
  /** Else it is only shown. */
  execute: boolean;
  env: Readonly<Record<string, string | undefined>>;
  cancel: AbortSignal;
  onProgress: (progress: Progress) => void;
  /** The process's own; one is made where none is given. */
  secrets?: SecretKeeper;
}

/**
 * Puts back what the cleanup of a stage deleted, as its report tells, from the history of the tables.
 * @throws UserError before anything is sent; WarehouseFailure; WrongPlace before anything is written
 */
export async function performUndo(request: UndoRequest): Promise<UndoResult> {
  const { workspace, env, execute } = request;
  const report = await readReport(resolve(workspace, request.reportFile), request.reportFile);
  const named = request.environment ?? report.environment.name;
  if (named !== report.environment.name)
    throw new UserError(`${request.reportFile} is about the environment ${report.environment.name}, not about ${named}`);
  const secrets = request.secrets ?? secretKeeper(() => undefined);
  const { config, tables, environment } = await readConfiguration({ ...request, environment: named }, secrets);
  if (environment.access !== "test-data")
    throw new UserError(`the environment ${named} is read-only: nothing may be put back there`);
  if (!environment.databricks) throw new UserError(`the environment ${named} has no databricks: there is nothing to put back to`);

  const records = join(workspace, recordsDirectory);
  await mkdir(records, { recursive: true });
  const [commit, origin] = [await commitOf(env, workspace), originOf(env)];
  const who = { who: origin.actor ?? "unknown", run: report.runId, environment: named, stage: report.stage };
  const log = new AuditLog(join(records, auditFile), who, secrets.redact);
  // As in a stage: rows are put back although a line could not be written, and the result says that the log has a gap.
  const notAudited = new Set<string>();
  const audit = (note: AuditNote) => log.write(note).catch((error: unknown) => void notAudited.add(sentence(error)));
  const context: StageContext = {
    stage: report.stage,
    config,
    tables,
    environment,
    runId: report.runId,
    runStarted: Number(report.runId.split("_")[0]),
    workspace,
    records,
    env,
    signal: AbortSignal.any([request.cancel, AbortSignal.timeout(config.stages.cleanup.budget)]),
    onProgress: (progress) => request.onProgress(redacted(progress, secrets.redact)),
    audit,
    secrets,
    overrides: {},
  };
  const asked = { report, tables, protectedTables: config.testData.protectedTables };
  const result = execute
    ? await withWriters(
        { ...context, environment: { ...environment, redis: undefined } },
        context.signal,
        async ({ warehouse }) => {
          if (!warehouse) throw new Error("no warehouse was opened");
          const plan = await planUndo(warehouse, asked);
          const planned = plan.result.tables.map(({ table, restorable }) => [table, restorable] as const);
          await audit({
            action: "decision",
            details: { what: "undo", report: request.reportFile, commit: commit.headSha ?? commit.sha },
            counts: Object.fromEntries(planned),
          });
          const order = new Map(levelsOf(tables).flatMap((level, index) => level.map((name) => [name, index] as const)));
          return await executeUndo({ warehouse, environment, audit }, plan, order);
        },
      )
    : await withReaders({ ...context, environment: { ...environment, redis: undefined } }, async ({ warehouse }) => {
        if (!warehouse) throw new Error("no warehouse was opened");
        return (await planUndo(await warehouse(), asked)).result;
      });
  result.problems.push(...notAudited);
  return await recorded(redacted(result, secrets.redact), join(records, "undo.json"));
}

/** What was put back is told in any case: where it could not be written down, it says that, too. */
async function recorded(result: UndoResult, file: string): Promise<UndoResult> {
  try {
    await writeFile(file, `${JSON.stringify(result, undefined, 2)}\n`);
    return result;
  } catch (error) {
    return { ...result, problems: [...result.problems, `undo.json could not be written: ${sentence(error)}`] };
  }
}

async function readReport(file: string, named: string): Promise<StageReport> {
  let content: string;
  try {
    content = await readFile(file, "utf8");
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : String(error);
    throw new UserError(`${named} cannot be read: ${why}; name a report such as .env-actions/reports/cleanup.json`);
  }
  const report = parseReport(content, named);
  if (!report.cleanup || report.cleanup.dryRun)
    throw new UserError(`${named} is the report of a stage that deleted nothing: there is nothing to undo`);
  return report;
}
