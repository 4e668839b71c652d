import type { Origin, StageName, StageReport } from "../../model/report.ts";
import { budgetUse, headText, shortSha, stageTitle } from "../words.ts";
import { aftermathPart, scorePart } from "./aftermath.ts";
import { booksPart } from "./books.ts";
import { checksPart } from "./checks.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { budgetBar, code, notes, pill } from "./parts.ts";
import { processesPart } from "./processes.ts";
import { testDataPart } from "./test-data.ts";
import { attachmentsPart, testsPart } from "./tests.ts";

/** A stop on the way through the gate; leads to the stage's section. */
export function gateStop(report: StageReport, id: string): Markup {
  return html`<li><a class="stop ${report.verdict}" href="#${id}"><b>${stageTitle(report.stage)}</b>${pill(report.verdict)}
<p>${report.reason}</p>
${budgetBar("Share of the time budget that was used", report.durationMs, report.budgetMs)}<small>${report.environment.name}<br>${budgetUse(report)}</small></a></li>\n`;
}

export function missingStop(stage: StageName): Markup {
  return html`<li><div class="stop missing"><b>${stageTitle(stage)}</b><p>Has not reported.</p></div></li>\n`;
}

export function stageSection(report: StageReport, id: string): Markup {
  return html`<section class="stage" id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${stageTitle(report.stage)} on ${report.environment.name} ${pill(report.verdict)}</h2>
<p class="reason">${report.reason}</p>
${facts(report)}
${notes("bad", "Problems", report.problems)}
${aftermathPart(report)}
${scorePart(report.score, report.checks)}
${checksPart(report.checks)}
${testsPart(report.tests)}
${attachmentsPart(report.attachments)}
${testDataPart(report.cleanup)}
${booksPart(report.books)}
${processesPart(report.servers, report.commands)}
</section>\n`;
}

function facts(report: StageReport): Markup {
  const { commit, origin } = report;
  return html`<dl class="facts">
${fact("Access", report.environment.access)}${fact("Run", code(report.runId))}${origin.cell ? fact("Matrix cell", code(origin.cell)) : nothing}${fact("Commit", code(shortSha(commit.sha)))}
${commit.headSha && commit.headSha !== commit.sha ? fact("Head", code(shortSha(commit.headSha))) : nothing}
${fact("Started", html`<time datetime="${report.startedAt}">${instant(report.startedAt)}</time>`)}
${fact("Took", budgetUse(report))}${fact("From", origin.kind === "terminal" ? (origin.actor ?? "a terminal") : workflow(origin))}
${report.auditHead ? fact("Audit head", code(headText(report.auditHead))) : nothing}
</dl>`;
}

function fact(name: string, value: Markup | string): Markup {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

function workflow({ repository, workflow, job, workflowRun, attempt, actor }: Origin): string {
  const run = workflowRun ? `run ${workflowRun}${attempt && attempt !== "1" ? `, attempt ${attempt}` : ""}` : undefined;
  return [repository, workflow, job, run, actor && `by ${actor}`].filter(Boolean).join(" · ") || "GitHub";
}

/** `2026-11-23 17:10:09 UTC`; what is not such a time is shown as it is. */
function instant(iso: string): string {
  const [, day, time] = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?Z$/.exec(iso) ?? [];
  return day && time ? `${day} ${time} UTC` : iso;
}
