import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AuditLog, auditFile } from "../audit/log.ts";
import { checkRunner } from "../checks/run-check.ts";
import { proveWarehouse } from "../cleanup/execute/proof.ts";
import { readLedger } from "../cleanup/ledger/ledger.ts";
import { isRunId } from "../cleanup/run-id.ts";
import { dependencyLevels } from "../cleanup/tables/catalog.ts";
import { executeRepair } from "../cleanup/undo/repair.ts";
import { planRepair, type RepairPlan, type RepairResult } from "../cleanup/undo/repair-plan.ts";
import { executeUndo, planUndo, type UndoResult } from "../cleanup/undo/restore-rows.ts";
import { commitOf, originOf } from "../evidence/evidence.ts";
import { errorText } from "../lib/error-text.ts";
import { makeOwnDirectory, recordsDirectory, writeOwn } from "../lib/plain-file.ts";
import { redacted } from "../lib/redaction/redactor.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import type { Commit, Progress, StageReport } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { parseReport } from "../report/schema.ts";
import { ledgerFile, runPrefixes } from "../stages/child-environment.ts";
import { withComparedReaders, withWriters } from "../stages/connections.ts";
import { type SecretKeeper, type StageContext, step } from "../stages/context.ts";
import { readConfiguration } from "./read-configuration.ts";
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
  /** Milliseconds; half an hour if absent. A large table takes minutes, and a stage's cleanup has to be quick. */
  budgetMs?: number | undefined;
  env: Readonly<Record<string, string | undefined>>;
  cancel: AbortSignal;
  onProgress: (progress: Progress) => void;
  /** The process's own; created if absent. */
  secrets?: SecretKeeper;
}

const restoreBudgetMs = 30 * 60_000;

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
  const signal = AbortSignal.any([request.cancel, AbortSignal.timeout(request.budgetMs ?? restoreBudgetMs)]);
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
    notAudited: () => [...notAudited][0],
    secrets,
    // A restored table is compared with nothing.
    history: async () => undefined,
    baseline: new Map(),
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

export interface RepairAsked extends ReportRequest {
  /** The digest of the plan that was shown; required to write. */
  planDigest?: string;
}

/**
 * Restores old values in real rows that a test changed. The stage's report names the rows, and the tables' history has the
 * values.
 * @throws UserError before anything is sent; WrongTarget before anything is written; WarehouseFailure
 */
export async function performRepair(request: RepairAsked): Promise<RepairResult> {
  const { execute, planDigest, reportFile } = request;
  if (execute && planDigest === undefined)
    throw new UserError(
      "EA1105",
      "repair --execute requires the digest of a plan that you have seen: run repair without --execute, read the plan, and add --plan-digest DIGEST",
    );
  const { report, context, commit, record } = await fromReport(request, ({ cleanup }) => {
    if (!cleanup?.touched?.length)
      throw new UserError("EA7003", `${reportFile} names no real row that a test changed: there is nothing to repair`);
  });
  const { tables, config, environment, audit } = context;
  const asked = {
    report,
    tables,
    testData: { ...config.testData, prefixes: runPrefixes(config) },
    ledger: await readLedger(ledgerFile(context)),
    now: Date.now(),
  };
  const decided = (plan: RepairPlan, writes: boolean) =>
    audit({
      action: "decision",
      details: {
        what: "repair-plan",
        report: reportFile,
        digest: plan.result.digest,
        execute: writes,
        commit: commit.headSha ?? commit.sha,
      },
      counts: countsOf(plan),
    });
  if (!execute)
    return await withComparedReaders(context, async ({ warehouse }) => {
      if (!warehouse) throw new Error("no warehouse was opened");
      proveWarehouse(environment, await warehouse.identity());
      const plan = await planRepair(warehouse, asked);
      await decided(plan, false);
      return await record(plan.result, "repair.json");
    });
  return await withWriters(context, context.signal, async ({ warehouse }) => {
    if (!warehouse) throw new Error("no warehouse was opened");
    proveWarehouse(environment, await warehouse.identity());
    const plan = await planRepair(warehouse, asked);
    // With nothing to write, no digest has to match: a second repair reports that it is done.
    const writes = plan.cells.length === 0 || plan.result.digest === planDigest;
    await decided(plan, writes);
    if (plan.cells.length === 0 && plan.result.digest !== planDigest)
      plan.result.notes.push("nothing is left to restore: the digest belongs to an earlier plan");
    if (writes) return await record(await executeRepair({ warehouse, environment, audit }, plan), "repair.json");
    plan.result.problems.push(
      `the plan has changed since it was shown: its digest is now ${plan.result.digest}. Nothing was written; read the new plan and pass its digest`,
    );
    return await record(plan.result, "repair.json");
  });
}

/** `schema.table` → number of cells to write. */
function countsOf({ cells }: RepairPlan): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(cells, ({ table }) => table)].map(([table, some]) => [table, some.length]));
}

/**
 * Restores rows that a stage's cleanup deleted. The report names them, and the tables' history has them.
 * @throws UserError before anything is sent; WarehouseFailure; WrongTarget before anything is written
 */
export async function performUndo(request: ReportRequest): Promise<UndoResult> {
  const { report, context, commit, record } = await fromReport(request, ({ cleanup, stage, isolation }) => {
    if (isolation && isolation.by !== "prefixes")
      throw new UserError(
        "EA7003",
        `${request.reportFile} is about a run with tables of its own (${isolation.branch.join(", ")}), which were dropped with everything in them: nothing can be undone, and nothing has to be, because the shared tables were left alone`,
      );
    if (!cleanup || cleanup.dryRun)
      throw new UserError(
        "EA7003",
        `${request.reportFile} is the report of a stage that deleted nothing: there is nothing to undo. If a later run of ${stage} replaced ${stage}.json, name ${stage}-<run id>.json beside it`,
      );
  });
  const { tables, config, environment, audit } = context;
  const asked = { report, tables, protectedTables: config.testData.protectedTables };
  const onStep = (text: string) => step(context, text);
  const result = request.execute
    ? await withWriters(context, context.signal, async ({ warehouse }) => {
        if (!warehouse) throw new Error("no warehouse was opened");
        const plan = await planUndo(warehouse, asked, onStep);
        const planned = plan.result.tables.map(({ table, restorable }) => [table, restorable] as const);
        await audit({
          action: "decision",
          details: { what: "undo", report: request.reportFile, commit: commit.headSha ?? commit.sha },
          counts: Object.fromEntries(planned),
        });
        const order = new Map(dependencyLevels(tables).flatMap((level, index) => level.map((name) => [name, index] as const)));
        return withTimeLimit(await executeUndo({ warehouse, environment, audit, onStep }, plan, order), context.signal);
      })
    : await withComparedReaders(context, async ({ warehouse }) => {
        if (!warehouse) throw new Error("no warehouse was opened");
        return withTimeLimit((await planUndo(warehouse, asked, onStep)).result, context.signal);
      });
  return await record(result, "undo.json");
}

/** A table is restored by one statement or not at all, so the next undo continues with the others. */
function withTimeLimit(result: UndoResult, signal: AbortSignal): UndoResult {
  if (!signal.aborted) return result;
  const why =
    "the time was up, or undo was cancelled: run it again, with a longer --budget; what is back already is left as it is";
  return { ...result, problems: [...result.problems, why] };
}
