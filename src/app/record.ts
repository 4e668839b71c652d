import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type AuditLog, auditFile } from "../audit/log.ts";
import { errorText } from "../lib/error-text.ts";
import { takeLock } from "../lib/lock-file.ts";
import { makeOwnDirectory, NotAPlainFile, readOwn, writeOwn } from "../lib/plain-file.ts";
import { redacted } from "../lib/redaction/redacted.ts";
import { type StageName, type StageReport, stageNames, worstVerdict } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { toHtml } from "../report/html.ts";
import { toMarkdown } from "../report/markdown.ts";
import { parseReport } from "../report/schema.ts";

/** Absolute paths of what a stage left behind, and the two texts that travel further. */
export interface RecordedFiles {
  report: string;
  summary: string;
  html: string;
  audit: string;
  reportText: string;
  /** This stage's summary alone; the file has those of the whole run. */
  summaryText: string;
}

/**
 * Writes report, summary and HTML page. Nothing is written that was not redacted.
 * @returns the report as it was written, redacted, and what else could not be done
 */
export async function recordReport(
  report: StageReport,
  { records, redact }: { records: string; redact: (text: string) => string },
): Promise<{ report: StageReport; files: RecordedFiles; notes: string[] }> {
  const reports = join(records, "reports");
  await makeOwnDirectory(reports);
  // Before anything is written in any format: once escaped for JSON, Markdown or HTML, a secret no longer looks like itself.
  const safe = redacted(report, redact);
  const reportText = `${JSON.stringify(safe, undefined, 2)}\n`;
  const files = {
    // Of this execution alone: another job in this workspace may run the same stage.
    report: join(reports, `${report.stage}-${report.runId}.json`),
    summary: join(records, "summary.md"),
    html: join(records, "report.html"),
    audit: join(records, auditFile),
  };
  await writeOwn(files.report, reportText);
  // Under the name that people and scripts look for: the newest of the stage.
  await writeOwn(join(reports, `${report.stage}.json`), reportText);
  // One at a time: else the slower of two would write a summary that lacks what the faster has just reported.
  const notes = await alone(join(records, "summary.lock"), async () => {
    const found = await otherReports(reports, safe);
    // A test may have written the others anew: they are redacted once more.
    const all = [safe, ...found.others.map((other) => redacted(other, redact))].sort(byStageAndTime);
    await writeOwn(files.summary, toMarkdown(all));
    await writeOwn(files.html, toHtml(all));
    return found.notes;
  });
  return { report: safe, files: { ...files, reportText, summaryText: toMarkdown(safe) }, notes };
}

const lockWithinMs = 5_000;

/** Where the lock cannot be had it is done all the same, and said: a summary that lacks another job is better than none. */
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
 * The other reports of the same gate run that this workspace has: on a runner of every job and cell, in a terminal the newest of each
 * other stage. What cannot be read takes nothing from this stage: a workspace that is used again may hold reports of an older version,
 * or half of one.
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
      // Of another gate run, or this very report under its other name.
      if (runId !== undefined && (runId === own.runId ? stage === own.stage : (gateId ?? runId) !== own.gateId)) continue;
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

/** `integration.json`, and of each execution `integration-<run id>.json`. */
function reportName(stage: StageName): RegExp {
  return new RegExp(`^${stage}(?:-\\d{13}_[0-9a-f]{8})?\\.json$`);
}

/**
 * Writes the stage's own decision, the last line of its audit log. Where that cannot be written the report is no pass: the log would
 * lack the very line that says so. After this its verdict is final.
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
