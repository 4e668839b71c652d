import { appendFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type StageReport, stageNames } from "./model.ts";
import { type AuditEntry, auditLine, verifyAudit } from "./report/audit.ts";
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

/** Writes report, summary, HTML page and audit line. Nothing is written that was not redacted. */
export async function recordReport(
  report: StageReport,
  options: { records: string; redact: (text: string) => string },
): Promise<RecordedFiles> {
  const { records, redact } = options;
  const reports = join(records, "reports");
  await mkdir(reports, { recursive: true });
  // Before anything is written in any format: once escaped for JSON, Markdown or HTML, a secret no longer looks like itself.
  const safe = redacted(report, redact);
  const reportText = `${JSON.stringify(safe, undefined, 2)}\n`;
  const files = {
    report: join(reports, `${report.stage}.json`),
    summary: join(records, "summary.md"),
    html: join(records, "report.html"),
    audit: join(records, "audit.jsonl"),
  };
  await writeFile(files.report, reportText);
  const all = await reportsOfRun(reports, report.runId);
  await writeFile(files.summary, toMarkdown(all));
  await writeFile(files.html, toHtml(all));
  await appendAudit(files.audit, safe);
  return { ...files, reportText, summaryText: toMarkdown(safe) };
}

/** The same value with every text in it redacted, keys included. */
function redacted<Value>(value: Value, redact: (text: string) => string): Value {
  if (typeof value === "string") return redact(value) as Value;
  if (Array.isArray(value)) return value.map((item) => redacted(item, redact)) as Value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [redact(key), redacted(item, redact)])) as Value;
}

/** The reports of one run, in the order of the gate. */
async function reportsOfRun(directory: string, runId: string): Promise<StageReport[]> {
  const names = await readdir(directory);
  const files = stageNames.map((stage) => `${stage}.json`).filter((name) => names.includes(name));
  const reports = await Promise.all(files.map(async (name) => parseReport(await readFile(join(directory, name), "utf8"), name)));
  return reports.filter((report) => report.runId === runId);
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
  const text = await textOf(file);
  const { line } = auditLine(verifyAudit(text).lastHash, entry);
  // A line that a killed run left half written stays as it is, and visible: the log is only ever added to.
  await appendFile(file, `${text === "" || text.endsWith("\n") ? "" : "\n"}${line}\n`);
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
