import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type AuditLog, auditFile } from "./audit-log.ts";
import { type StageName, type StageReport, stageNames, UserError, worstVerdict } from "./model.ts";
import { redacted } from "./redaction/redacted.ts";
import { toHtml } from "./report/html.ts";
import { toMarkdown } from "./report/markdown.ts";
import { parseReport } from "./report/schema.ts";

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
  const { others, notes } = await otherReports(reports, safe);
  const all = stageNames.flatMap((stage) =>
    stage === safe.stage ? [safe] : [others.get(stage) ?? []].flat().map((other) => redacted(other, redact)),
  );
  await writeWhole(files.summary, toMarkdown(all));
  await writeWhole(files.html, toHtml(all));
  return { report: safe, files: { ...files, reportText, summaryText: toMarkdown(safe) }, notes };
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

/**
 * The reports of the other stages of the same run. What cannot be read takes nothing from this stage: a workspace that is used again may
 * hold reports of an older version, or half of one.
 */
async function otherReports(
  directory: string,
  { stage, runId }: StageReport,
): Promise<{ others: Map<StageName, StageReport>; notes: string[] }> {
  const names = await readdir(directory);
  const others = new Map<StageName, StageReport>();
  const notes: string[] = [];
  for (const other of stageNames) {
    const name = `${other}.json`;
    if (other === stage || !names.includes(name)) continue;
    const text = await readFile(join(directory, name), "utf8");
    try {
      const report = parseReport(text, name);
      if (report.runId === runId) others.set(other, report);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const said = /"runId":\s*"([^"]*)"/.exec(text)?.[1];
      // Of another run, or of nobody knows which: that of this run would be missed.
      if (said === undefined || said === runId) notes.push(`the summary is without ${other}: ${error.message}`);
    }
  }
  return { others, notes };
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
