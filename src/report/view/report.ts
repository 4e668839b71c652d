import {
  type Origin,
  opensTheGate,
  type StageReport,
  stageNames,
  type Verdict,
  verdicts,
  worstVerdict,
} from "../../model/report.ts";
import {
  alertWords,
  budgetUse,
  headText,
  isRollbackWrong,
  isStaging,
  isWatch,
  leftOut,
  leftOutStages,
  missingStages,
  notRun,
  reportFile,
  rollbackLine,
  scoreLine,
  sentence,
  shortSha,
  stageTitle,
  verdictMeanings,
} from "../words.ts";
import { calmChecksSection, isExplained, leadSection } from "./checks.ts";
import { latencyChart } from "./latency.ts";
import { endReason } from "./messages.ts";
import { stageBefore } from "./past.ts";
import { processesSection } from "./processes.ts";
import type { Fact, GateView, Inline, Row, Section, StageView } from "./shapes.ts";
import { stagingSections } from "./staging.ts";
import { booksSection, cleanupSection } from "./test-data.ts";
import { attachmentsSection, testsSection } from "./tests.ts";
import { gateTimeline } from "./timeline.ts";

/** Builds the view of a report. Fields that people should see are added here, or in the views of tests and test data. */

/**
 * What people read of the reports of a gate run: the verdict of all and what it means, and each stage as {@link stageView} shows it,
 * in the order of the gate. A stage may occur several times, once for each environment.
 */
export function gateView(reports: readonly StageReport[]): GateView {
  const verdict = worstVerdict(reports.map((report) => report.verdict));
  const missing = missingStages(reports);
  const outside = leftOutStages(reports);
  const sorted = stageNames.flatMap((stage) => reports.filter((report) => report.stage === stage));
  const stages = sorted.map((report, index) => {
    const { stage, runId } = report;
    // The short name is that of the newest report.
    const isOnly = sorted.filter((other) => other.stage === stage).length === 1;
    const file = reportFile(stage, isOnly ? undefined : runId);
    return { stage, view: stageView(report, { id: `${stage}-${index + 1}`, file }) };
  });
  const timeline = gateTimeline(sorted);
  return {
    verdict,
    kicker: isStaging(reports) ? "Staging" : "Quality gate",
    title: isWatch(reports)
      ? `Smoke, without evidence of a release: ${verdict}`
      : isStaging(reports)
        ? `Staging: ${verdict}`
        : reports.length === 0
          ? "No stage has reported"
          : `Quality gate${missing.length > 0 && opensTheGate(verdict) ? " so far" : ""}: ${verdict}`,
    headline: headline(verdict, reports),
    explanation: explanation(reports),
    stops: stageNames.flatMap((name): GateView["stops"] =>
      missing.includes(name)
        ? [{ missing: stageTitle(name), word: notRun }]
        : outside.includes(name)
          ? [{ missing: stageTitle(name), word: leftOut }]
          : stages.filter(({ stage }) => stage === name).map(({ view }) => view),
    ),
    stages: stages.map(({ view }) => view),
    ...(timeline ? { timeline } : {}),
    urgent: mostUrgentFirst(stages.map(({ view }) => view)),
    legend: verdicts.map((each) => ({ verdict: each, meaning: verdictMeanings[each] })),
  };
}

const urgency: Record<Verdict, number> = { failed: 0, error: 0, degraded: 1, skipped: 2, passed: 3 };

/** Stages that close the gate, in its order, because the first may explain the others; then warnings, then the rest. */
function mostUrgentFirst(stages: readonly StageView[]): StageView[] {
  return [...stages].sort((a, b) => urgency[a.verdict] - urgency[b.verdict]);
}

function headline(verdict: Verdict, reports: readonly StageReport[]): string {
  if (reports.length === 0) return "No stage has reported";
  if (isWatch(reports)) return `Smoke, without evidence of a release: ${verdict}`;
  if (isStaging(reports)) return `The copy of production: ${verdict}`;
  if (!opensTheGate(verdict)) return `The gate is closed: ${verdict}`;
  // The gate needs every stage; a stage without a report has not passed.
  if (missingStages(reports).length > 0) return `So far: ${verdict}`;
  return verdict === "passed" ? "The gate is open: passed" : "The gate is open, with a warning: degraded";
}

/** The stages that decided the verdict, with their reasons. */
function explanation(reports: readonly StageReport[]): string {
  if (reports.length === 0) return "Nothing was checked, so nothing has passed.";
  const closing = reports.filter((report) => !opensTheGate(report.verdict));
  const warning = reports.filter((report) => report.verdict === "degraded");
  const deciding = closing.length > 0 ? closing : warning;
  if (deciding.length === 0) {
    const passed = stageNames.filter((name) => reports.some(({ stage }) => stage === name));
    return `${passed.map((name) => stageTitle(name)).join(", ")}: passed.`;
  }
  return deciding.map((report) => `${stageTitle(report.stage)}: ${report.reason}`).join(" ");
}

/**
 * What people read of one report: its verdict and reason, facts about the run, and one section for each thing that it has.
 * @param id unique among the stages shown together @param file the report, relative to the workspace
 */
export function stageView(report: StageReport, { id, file }: Pick<StageView, "id" | "file">): StageView {
  const { stage, environment, origin, verdict, reason } = report;
  const sections: (Section | undefined)[] = [
    leadSection(report, file),
    rollbackSection(report),
    alertsSection(report),
    scoreSection(report),
    testsSection(report.tests),
    attachmentsSection(report.attachments),
    calmChecksSection(report),
    cleanupSection(report.cleanup, report.books),
    booksSection(report.books, report.isolation),
    ...stagingSections(report),
    processesSection(report, { explained: isExplained(report) }),
    auditSection(report),
  ];
  return {
    id,
    title: stageTitle(stage),
    environment: environment.name,
    ...(origin.cell ? { cell: origin.cell } : {}),
    verdict,
    reason: [reason, ...stageBefore(report).map((phrase) => `${sentence(phrase)}.`)].join(" "),
    tally: endReason(report),
    time: { text: budgetUse(report), used: report.durationMs, budget: report.budgetMs },
    file,
    facts: facts(report),
    sections: withLatencies(
      report,
      sections.filter((section) => section !== undefined),
    ),
  };
}

/** The latencies belong to the checks, and lead the report if one of them needs attention. */
function withLatencies({ checks }: StageReport, sections: readonly Section[]): readonly Section[] {
  const chart = latencyChart(checks);
  if (!chart) return sections;
  const isSlow = checks.some(({ latency, verdict, dryRun }) => latency && verdict !== "passed" && !dryRun);
  const place = sections.find(({ what }) => what === (isSlow ? "lead" : "checks"));
  return sections.map((section) => (section === place ? { ...section, chart } : section));
}

function facts(report: StageReport): Fact[] {
  const { commit, origin, environment } = report;
  return [
    { name: "Environment", value: environment.name },
    { name: "Access", value: environment.access },
    { name: "Run", value: { code: report.runId } },
    ...(origin.cell ? [{ name: "Matrix cell", value: { code: origin.cell } }] : []),
    { name: "Commit", value: { code: shortSha(commit.sha) } },
    ...(commit.headSha && commit.headSha !== commit.sha
      ? [{ name: "Head commit", value: { code: shortSha(commit.headSha) } }]
      : []),
    ...(report.leftOut ? [{ name: "Left out by the configuration", value: report.leftOut.map(stageTitle).join(", ") }] : []),
    ...(report.follows ? [{ name: "Follows", value: "nothing: not proven that what is deployed is what was tested" }] : []),
    { name: "Time", value: budgetUse(report) },
    { name: "Started", value: instant(report.startedAt), detail: true },
    { name: "Started by", value: origin.kind === "terminal" ? (origin.actor ?? "a terminal") : workflow(origin), detail: true },
  ];
}

function workflow({ repository, workflow, job, workflowRun, attempt, actor }: Origin): string {
  const run = workflowRun ? `run ${workflowRun}${attempt && attempt !== "1" ? `, attempt ${attempt}` : ""}` : undefined;
  return [actor, repository, workflow, job, run].filter(Boolean).join(" · ") || "GitHub";
}

/** Formats a time as `2026-11-23 17:10:09 UTC`; anything else is unchanged. */
function instant(iso: string): string {
  const [, day, time] = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?Z$/.exec(iso) ?? [];
  return day && time ? `${day} ${time} UTC` : iso;
}

const rollbackTones = {
  fired: undefined,
  "dry-run": "warning",
  "already-fired": "warning",
  "not-fired": "warning",
  failed: "bad",
  unknown: "bad",
} as const;

function rollbackSection({ rollback }: StageReport): Section | undefined {
  if (!rollback) return undefined;
  const tone = isRollbackWrong(rollback) ? "bad" : rollbackTones[rollback.outcome];
  return {
    what: "rollback",
    title: "Rollback",
    blocks: [{ kind: "text", line: [rollbackLine(rollback)], ...(tone ? { tone } : {}) }],
  };
}

function alertsSection({ alerts = [] }: StageReport): Section | undefined {
  if (alerts.length === 0) return undefined;
  const rows = alerts.map((alert): Row => {
    const words = alertWords(alert);
    return {
      cells: [alert.channel, alert.event, alert.outcome === "failed" ? { strong: words, tone: "bad" } : words, alert.problem],
      loses: "alert",
    };
  });
  const columns = ["Channel", "Event", "Outcome", "Problem"].map((title) => ({ title }));
  return {
    what: "alerts",
    title: "Alerts",
    blocks: [{ kind: "table", title: "Alerts about this verdict", columns, rows, loses: "alert" }],
  };
}

/** How the checks add up to the score. */
function scoreSection({ score, checks }: StageReport): Section | undefined {
  if (!score) return undefined;
  const rows = score.checks.map(({ id, weight, key, dryRun, points }, index): Row => {
    const verdict = checks[index]?.verdict;
    const counted = dryRun || verdict === "skipped" ? "not counted" : `${points} of ${weight}`;
    const how = [key ? "key check: its failure fails the stage" : "", dryRun ? "dry run" : ""].filter(Boolean).join(", ");
    return { cells: [verdict ? { verdict } : "", { code: id }, counted, how] };
  });
  const columns = [{ title: "Verdict" }, { title: "Check" }, { title: "Points", numeric: true as const }, { title: "Remark" }];
  return {
    what: "score",
    title: "Score",
    brief: scoreLine(score),
    ...(score.percent >= score.pass ? { quiet: true as const } : {}),
    blocks: [
      { kind: "text", line: [{ strong: scoreLine(score) }] },
      ...(score.unmatched.length > 0
        ? [
            {
              kind: "text" as const,
              line: ["No check of this run matches: ", ...codes(score.unmatched)],
              tone: "warning" as const,
            },
          ]
        : []),
      { kind: "table", title: "How each check counts", folded: true, columns, rows, loses: "table of the score" },
    ],
  };
}

function codes(texts: readonly string[]): Inline[] {
  const most = 20;
  const listed = texts.slice(0, most).flatMap((code, index): Inline[] => (index === 0 ? [{ code }] : [", ", { code }]));
  return texts.length > most ? [...listed, ` and ${texts.length - most} more`] : listed;
}

/** Shows the head outside the log, because rewriting the log does not change it here. */
function auditSection({ auditHead }: StageReport): Section | undefined {
  if (!auditHead) return undefined;
  const line = ["Audit head, to verify the audit log with: ", { code: headText(auditHead) }];
  return { what: "audit", quiet: true, blocks: [{ kind: "text", line }] };
}
