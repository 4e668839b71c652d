import { appendFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type StageReport, stageNames } from "./model.ts";
import { type AuditEntry, auditLine } from "./report/audit.ts";
import { toHtml } from "./report/html.ts";
import { toMarkdown } from "./report/markdown.ts";

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

/** Writes report, summary, HTML page and audit line. Nothing is written that was not redacted. */
export async function recordReport(
  report: StageReport,
  options: { records: string; redact: (text: string) => string },
): Promise<RecordedFiles> {
  const { records, redact } = options;
  const reports = join(records, "reports");
  await mkdir(reports, { recursive: true });
  const reportText = redact(`${JSON.stringify(report, undefined, 2)}\n`);
  const files = {
    report: join(reports, `${report.stage}.json`),
    summary: join(records, "summary.md"),
    html: join(records, "report.html"),
    audit: join(records, "audit.jsonl"),
  };
  await writeFile(files.report, reportText);
  const all = await reportsOfRun(reports, report.runId);
  await writeFile(files.summary, redact(toMarkdown(all)));
  await writeFile(files.html, redact(toHtml(all)));
  await appendAudit(files.audit, report);
  return { ...files, reportText, summaryText: redact(toMarkdown(report)) };
}

/** The reports of one run, in the order of the gate. */
async function reportsOfRun(directory: string, runId: string): Promise<StageReport[]> {
  const names = await readdir(directory);
  const texts = await Promise.all(
    stageNames
      .filter((stage) => names.includes(`${stage}.json`))
      .map((stage) => readFile(join(directory, `${stage}.json`), "utf8")),
  );
  return texts.map((text) => JSON.parse(text) as StageReport).filter((report) => report.runId === runId);
}

async function appendAudit(file: string, report: StageReport): Promise<void> {
  const entry: AuditEntry = {
    at: report.finishedAt,
    who: report.origin.actor ?? "unknown",
    run: report.runId,
    environment: report.environment.name,
    stage: report.stage,
    action: "decision",
    details: { verdict: report.verdict, reason: report.reason, commit: report.commit.headSha ?? report.commit.sha },
    counts: { deletedRows: report.cleanup?.deletedRows ?? 0, deletedKeys: report.cleanup?.deletedKeys ?? 0 },
  };
  const { line } = auditLine(await lastHash(file), entry);
  await appendFile(file, `${line}\n`);
}

async function lastHash(file: string): Promise<string | undefined> {
  try {
    const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
    return (JSON.parse(lines.at(-1) ?? "{}") as { hash?: string }).hash;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
