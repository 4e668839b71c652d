import type { Check, StageReport } from "../../model/report.ts";
import { inlineCode, inlineText, tableCell } from "../inert.ts";
import {
  budgetUse,
  checkRemarks,
  cut,
  headText,
  mostUrgentFirst,
  shortSha,
  stageTitle,
  verdictIcons,
  verdictWords,
} from "../words.ts";
import { aftermathParts } from "./aftermath.ts";
import { attachmentParts } from "./attachments.ts";
import { table, tableHead, tableRow } from "./blocks.ts";
import { booksParts } from "./books.ts";
import type { Part } from "./budget.ts";
import { processParts } from "./processes.ts";
import { scoreParts } from "./score.ts";
import { testDataParts } from "./test-data.ts";
import { testParts } from "./tests.ts";

const longestText = 500;

/** Verdict and reason: what is never left out. */
export function stageHeading(report: StageReport): string {
  const { stage, verdict, environment, reason } = report;
  const title = `${stageTitle(stage)} on ${inlineText(cut(environment.name, 100))}${cellWords(report)}: ${verdict}`;
  return `## ${verdictIcons[verdict]} ${title}\n\n${inlineText(cut(reason, longestText))}\n\n`;
}

/** Which of several jobs and cells it was; nothing where the job has no matrix. */
export function cellWords({ origin: { cell } }: StageReport): string {
  return cell ? ` (${inlineText(cut(cell, 200))})` : "";
}

export function stageParts(report: StageReport): Part[] {
  return [
    { text: facts(report), shorter: [{ text: "", loses: "table of facts" }] },
    ...aftermathParts(report),
    ...scoreParts(report),
    ...checkParts(report.checks),
    ...testParts(report),
    ...attachmentParts(report.attachments),
    ...testDataParts(report.cleanup),
    ...booksParts(report.books),
    ...processParts(report.servers, report.commands),
    ...problemParts(report.problems),
    ...auditParts(report),
  ];
}

function facts(report: StageReport): string {
  const { environment, commit, runId } = report;
  const head = commit.headSha && commit.headSha !== commit.sha ? `, head ${inlineCode(shortSha(commit.headSha))}` : "";
  const row = [
    tableCell(cut(environment.name, 100)),
    environment.access,
    inlineCode(cut(runId, 100)),
    inlineCode(shortSha(commit.sha)) + head,
    budgetUse(report),
  ];
  return table(["Environment", "Access", "Run", "Commit", "Took"], [row]);
}

function checkParts(checks: readonly Check[]): Part[] {
  if (checks.length === 0) return [];
  return [
    { text: "### Checks\n\n" },
    { text: tableHead(["Verdict", "Check", "Observed", "Expected"]), shorter: [{ text: "", loses: "check" }] },
    ...mostUrgentFirst(checks).map(checkPart),
    { text: "\n" },
  ];
}

function checkPart(check: Check): Part {
  const title = tableCell(cut(check.title, longestText));
  const remarks = checkRemarks(check);
  const text = tableRow([
    verdictWords(check.verdict),
    (check.message ? `**${title}**<br>${tableCell(cut(check.message, 1_000))}` : title) + (remarks && `<br>_${remarks}_`),
    tableCell(cut(check.observed ?? "", longestText)),
    tableCell(cut(check.expected ?? "", longestText)),
  ]);
  return { text, shorter: [{ text: "", loses: check.verdict === "passed" ? "passed check" : "check" }] };
}

/** Outside of the log: who rewrites that can't rewrite this. */
function auditParts({ auditHead }: StageReport): Part[] {
  return auditHead ? [{ text: `Audit head: ${inlineCode(headText(auditHead))}\n\n` }] : [];
}

function problemParts(problems: readonly string[]): Part[] {
  if (problems.length === 0) return [];
  const lines = problems.map(
    (problem): Part => ({
      text: `- ❗ ${inlineText(cut(problem, 1_000))}\n`,
      shorter: [{ text: "", loses: "problem" }],
    }),
  );
  return [{ text: "### Problems\n\n" }, ...lines, { text: "\n" }];
}
