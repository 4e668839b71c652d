import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type AuditLog, auditFile } from "./audit-log.ts";
import { type StageReport, stageNames, worstVerdict } from "./model.ts";
import { toHtml } from "./report/html.ts";
import { toMarkdown } from "./report/markdown.ts";
import { parseReport } from "./report/schema.ts";
import { redacted } from "./secrets.ts";

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

/** Writes report, summary and HTML page. Nothing is written that was not redacted. */
export async function recordReport(
  report: StageReport,
  { records, redact }: { records: string; redact: (text: string) => string },
): Promise<RecordedFiles> {
  const reports = join(records, "reports");
  await mkdir(reports, { recursive: true });
  // Before anything is written in any format: once escaped for JSON, Markdown or HTML, a secret no longer looks like itself.
  const safe = redacted(report, redact);
  const reportText = `${JSON.stringify(safe, undefined, 2)}\n`;
  const files = {
    report: join(reports, `${report.stage}.json`),
    summary: join(records, "summary.md"),
    html: join(records, "report.html"),
    audit: join(records, auditFile),
  };
  await writeWhole(files.report, reportText);
  const all = await reportsOfRun(reports, report.runId);
  await writeWhole(files.summary, toMarkdown(all));
  await writeWhole(files.html, toHtml(all));
  return { ...files, reportText, summaryText: toMarkdown(safe) };
}

/** At once: another stage in this workspace, which reads the reports of the run for its summary, must never see half of one. */
async function writeWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  try {
    await writeFile(draft, text);
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}

/** The reports of one run, in the order of the gate. */
async function reportsOfRun(directory: string, runId: string): Promise<StageReport[]> {
  const names = await readdir(directory);
  const files = stageNames.map((stage) => `${stage}.json`).filter((name) => names.includes(name));
  const reports = await Promise.all(files.map(async (name) => parseReport(await readFile(join(directory, name), "utf8"), name)));
  return reports.filter((report) => report.runId === runId);
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
    const problem = error instanceof Error ? error.message : String(error);
    const verdict = worstVerdict([report.verdict, "error"]);
    const reason = verdict === report.verdict ? report.reason : problem;
    return { ...report, verdict, reason, problems: [...new Set([...report.problems, problem])] };
  }
}
