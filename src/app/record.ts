import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type AuditLog, auditFile } from "../audit/log.ts";
import { errorText } from "../lib/error-text.ts";
import { takeLock } from "../lib/lock-file.ts";
import { makeOwnDirectory, NotAPlainFile, readOwn, writeOwn } from "../lib/plain-file.ts";
import { redacted } from "../lib/redaction/redactor.ts";
import { type StageName, type StageReport, stageNames, type Verdict, worstVerdict } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { toHtml } from "../report/html.ts";
import { toMarkdown } from "../report/markdown.ts";

/** Absolute paths of the files that a stage wrote, and the text of its report. */
export interface RecordedFiles {
  report: string;
  summary: string;
  html: string;
  audit: string;
  reportText: string;
}

/**
 * Writes the report, and the summary and the HTML page of all stages of the gate run that reported in this workspace; all redacted.
 * @returns the redacted report as written, and notes about what could not be done
 */
export async function recordReport(
  report: StageReport,
  { records, redact }: { records: string; redact: (text: string) => string },
): Promise<{ report: StageReport; files: RecordedFiles; notes: string[] }> {
  const reports = join(records, "reports");
  await makeOwnDirectory(reports);
  // Redact before formatting: a secret escaped for JSON, Markdown or HTML is harder to find.
  const safe = redacted(report, redact);
  const reportText = `${JSON.stringify(safe, undefined, 2)}\n`;
  const files = {
    // Named by run id, because another job in this workspace may run the same stage.
    report: join(reports, `${report.stage}-${report.runId}.json`),
    summary: join(records, "summary.md"),
    html: join(records, "report.html"),
    audit: join(records, auditFile),
  };
  await writeOwn(files.report, reportText);
  // The well-known name, for people and scripts: the latest report of the stage.
  await writeOwn(join(reports, `${report.stage}.json`), reportText);
  // One process at a time. Otherwise the slower of two would write a summary without the faster one's report.
  const notes = await alone(join(records, "summary.lock"), async () => {
    const found = await otherReports(reports, safe);
    // A test may have rewritten the other reports, so they are redacted again.
    const all = [safe, ...found.others.map((other) => redacted(other, redact))].sort(byStageAndTime);
    await writeOwn(files.summary, toMarkdown(all));
    await writeOwn(files.html, toHtml(all));
    return found.notes;
  });
  return { report: safe, files: { ...files, reportText }, notes };
}

const lockWithinMs = 5_000;

/** If the lock cannot be taken, the work is done anyway and a note says so: a summary without another job is better than none. */
async function alone(lock: string, work: () => Promise<string[]>): Promise<string[]> {
  let unlock: (() => Promise<void>) | undefined;
  let note: string[] = [];
  try {
    unlock = await takeLock(lock, lockWithinMs);
  } catch (error) {
    const why = errorText(error);
    note = [`summary.md and report.html may be incomplete, because another stage ended at the same time: ${why}`];
  }
  try {
    return [...note, ...(await work())];
  } finally {
    await unlock?.();
  }
}

function byStageAndTime(a: StageReport, b: StageReport): number {
  return stageNames.indexOf(a.stage) - stageNames.indexOf(b.stage) || Date.parse(a.startedAt) - Date.parse(b.startedAt);
}

/**
 * The other reports of the same gate run in this workspace: on a runner those of every job and cell, in a terminal the latest of
 * each stage. Reports that cannot be read are skipped, because a reused workspace may have old or incomplete ones.
 */
async function otherReports(directory: string, own: StageReport): Promise<{ others: StageReport[]; notes: string[] }> {
  const others = new Map<string, StageReport>();
  const notes = new Map<StageName, string>();
  for (const name of (await readdir(directory)).sort()) {
    const stage = stageNames.find((one) => reportName(one).test(name));
    if (!stage) continue;
    try {
      const text = (await readOwn(join(directory, name))).toString("utf8");
      const [runId, gateId] = ["runId", "gateId"].map((member) => new RegExp(`"${member}":\\s*"([^"]*)"`).exec(text)?.[1]);
      // From another gate run, or this same report under its other name.
      if (runId !== undefined && (runId === own.runId ? stage === own.stage : (gateId ?? runId) !== own.gateId)) continue;
      const { parseReport } = await import("../report/schema.ts");
      const report = parseReport(text, name);
      const key = own.origin.workflowRun === undefined ? stage : report.runId;
      if (key !== own.stage && !(Date.parse(others.get(key)?.startedAt ?? "") > Date.parse(report.startedAt)))
        others.set(key, report);
    } catch (error) {
      if (!(error instanceof UserError || error instanceof NotAPlainFile)) throw error;
      notes.set(stage, `the summary does not include ${stage}: ${errorText(error)}`);
    }
  }
  return { others: [...others.values()], notes: [...notes.values()] };
}

/** `integration.json`, and `integration-<run id>.json` for each execution. */
function reportName(stage: StageName): RegExp {
  return new RegExp(`^${stage}(?:-\\d{13}_[0-9a-f]{8})?\\.json$`);
}

/**
 * Writes the stage's verdict as the last line of its audit log. If that fails, the report cannot pass, because the log would lack
 * that line. After this the verdict is final.
 */
export async function decided(report: StageReport, audit: AuditLog): Promise<StageReport> {
  try {
    await audit.write(
      {
        action: "decision",
        details: { verdict: report.verdict, reason: report.reason, commit: report.commit.headSha ?? report.commit.sha },
        counts: { deletedRows: report.cleanup?.deletedRows ?? 0, deletedKeys: report.cleanup?.deletedKeys ?? 0 },
      },
      report.finishedAt,
    );
    return report;
  } catch (error) {
    const problem = errorText(error);
    const verdict = worstVerdict([report.verdict, "error"]);
    const reason = verdict === report.verdict ? report.reason : problem;
    return { ...report, verdict, reason, problems: [...new Set([...report.problems, problem])] };
  }
}

/** 0: passed or degraded. 1: failed. 3: error. Status 2, for user errors, is decided before any verdict. */
export function exitStatus(verdicts: readonly Verdict[]): number {
  if (verdicts.includes("failed")) return 1;
  if (verdicts.includes("error")) return 3;
  return 0;
}
