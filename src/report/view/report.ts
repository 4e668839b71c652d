import {
  type Check,
  type CommandReport,
  type Origin,
  opensTheGate,
  type ServerReport,
  type StageReport,
  stageNames,
  type Verdict,
  verdicts,
  worstVerdict,
} from "../../model/report.ts";
import {
  alertWords,
  budgetUse,
  checkRemarks,
  commandEnd,
  duration,
  headText,
  missingStages,
  reportFile,
  rollbackLine,
  scoreLine,
  shortSha,
  stageTitle,
  verdictMeanings,
} from "../words.ts";
import type { Block, Cell, Fact, GateView, Inline, Row, Section, StageView } from "./shapes.ts";
import { booksSection, cleanupSection } from "./test-data.ts";
import { attachmentsSection, testsSection } from "./tests.ts";

/** Builds the view of a report. Fields that people should see are added here, or in the views of tests and test data. */

/** All stages in the order of the gate. A stage may occur several times, once for each environment. */
export function gateView(reports: readonly StageReport[]): GateView {
  const verdict = worstVerdict(reports.map((report) => report.verdict));
  const missing = missingStages(reports);
  const sorted = stageNames.flatMap((stage) => reports.filter((report) => report.stage === stage));
  const stages = sorted.map((report, index) => ({
    stage: report.stage,
    view: stageView(report, `${report.stage}-${index + 1}`),
  }));
  return {
    verdict,
    title: reports.length === 0 ? "No stage has reported" : `Quality gate${missing.length > 0 ? " so far" : ""}: ${verdict}`,
    headline: headline(verdict, reports),
    explanation: explanation(reports),
    stops: stageNames.flatMap((name): GateView["stops"] =>
      missing.includes(name)
        ? [{ missing: stageTitle(name) }]
        : stages.filter(({ stage }) => stage === name).map(({ view }) => view),
    ),
    stages: stages.map(({ view }) => view),
    legend: verdicts.map((each) => ({ verdict: each, meaning: verdictMeanings[each] })),
  };
}

function headline(verdict: Verdict, reports: readonly StageReport[]): string {
  if (reports.length === 0) return "No stage has reported";
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
  if (deciding.length === 0) return `${reports.map((report) => stageTitle(report.stage)).join(", ")}: passed.`;
  return deciding.map((report) => `${stageTitle(report.stage)}: ${report.reason}`).join(" ");
}

/** @param id unique among the stages shown together */
export function stageView(report: StageReport, id: string): StageView {
  const { stage, environment, origin, verdict, reason } = report;
  const sections: (Section | undefined)[] = [
    problemsSection(report.problems),
    rollbackSection(report),
    alertsSection(report),
    scoreSection(report),
    checksSection(report.checks),
    testsSection(report.tests, stage),
    attachmentsSection(report.attachments),
    cleanupSection(report.cleanup),
    booksSection(report.books),
    processesSection(report.servers, report.commands),
    auditSection(report),
  ];
  return {
    id,
    title: stageTitle(stage),
    environment: environment.name,
    ...(origin.cell ? { cell: origin.cell } : {}),
    verdict,
    reason,
    time: { text: budgetUse(report), used: report.durationMs, budget: report.budgetMs },
    file: reportFile(stage),
    facts: facts(report),
    sections: sections.filter((section) => section !== undefined),
  };
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

function problemsSection(problems: readonly string[]): Section | undefined {
  if (problems.length === 0) return undefined;
  return { title: "Problems", blocks: [{ kind: "list", tone: "bad", items: problems, loses: "problem" }] };
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
  const tone = rollbackTones[rollback.outcome];
  return { title: "Rollback", blocks: [{ kind: "text", line: [rollbackLine(rollback)], ...(tone ? { tone } : {}) }] };
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
  return { title: "Alerts", blocks: [{ kind: "table", title: "Alerts about this verdict", columns, rows, loses: "alert" }] };
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
    title: "Score",
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

const urgency: Record<Verdict, number> = { failed: 0, error: 1, degraded: 2, skipped: 3, passed: 4 };

/** Most urgent first, then passed checks and checks that do not count; otherwise in the order of checking. */
function mostUrgentFirst(checks: readonly Check[]): Check[] {
  const place = ({ verdict, dryRun }: Check) => (dryRun ? urgency.passed : urgency[verdict]);
  return [...checks].sort((a, b) => place(a) - place(b));
}

function checksSection(checks: readonly Check[]): Section {
  if (checks.length === 0)
    return {
      title: "Checks",
      blocks: [{ kind: "text", line: ["No check ran, so the state of the environment is unknown."], tone: "bad" }],
    };
  // One scale per stage, so that bars are comparable.
  const longest = Math.max(1, ...checks.map(({ latency }) => latency?.max ?? 0));
  const rows = mostUrgentFirst(checks).map(
    (check): Row => ({
      cells: [
        { verdict: check.verdict },
        checkCell(check),
        check.observed,
        check.expected,
        check.latency && { latency: check.latency, longest },
        duration(check.durationMs),
      ],
      loses: check.verdict === "passed" ? "passed check" : "check",
    }),
  );
  const columns = [
    { title: "Verdict" },
    { title: "Check" },
    { title: "Observed" },
    { title: "Expected" },
    { title: "Latency: P50 · P95 · slowest", detail: true as const },
    { title: "Time", numeric: true as const, detail: true as const },
  ];
  return {
    title: "Checks",
    blocks: [{ kind: "table", title: "Checks, those that did not pass first", columns, rows, loses: "check" }],
  };
}

function checkCell(check: Check): Cell {
  const below = [check.message, checkRemarks(check)].filter(Boolean);
  return { line: check.verdict === "passed" && below.length === 0 ? [check.title] : [{ strong: check.title }], below };
}

function processesSection(servers: readonly ServerReport[], commands: readonly CommandReport[]): Section | undefined {
  if (servers.length === 0 && commands.length === 0) return undefined;
  const titled = (titles: readonly string[]) => titles.map((title) => ({ title }));
  const loses = "table of servers or commands";
  const serverRows = servers.map((server): Row => {
    const ready: Inline = server.readyMs === undefined ? { strong: "never", tone: "bad" } : duration(server.readyMs);
    return { cells: [server.name, ready, server.ended, port(server), server.log && { code: server.log }] };
  });
  const commandRows = commands.map((command): Row => {
    const { log, durationMs } = command;
    return { cells: [{ code: command.command }, commandEnd(command), duration(durationMs), log && { code: log }] };
  });
  const tables: Block[] = [
    {
      kind: "table",
      title: "Servers",
      columns: titled(["Server", "Ready after", "End", "Port", "Log"]),
      rows: serverRows,
      loses,
    },
    { kind: "table", title: "Commands", columns: titled(["Command", "End", "Time", "Log"]), rows: commandRows, loses },
  ];
  return {
    title: "Servers and commands",
    blocks: [
      ...tables.filter((block) => block.kind === "table" && block.rows.length > 0),
      ...[
        ...servers.map(({ name, tail }) => output(name, tail)),
        ...commands.map(({ command, tail }) => output(command, tail)),
      ].flat(),
    ],
  };
}

function port({ port, portFreed }: ServerReport): Inline {
  if (port === undefined) return "";
  if (portFreed === undefined) return String(port);
  return portFreed ? `${port}, released` : { strong: `${port} is still in use`, tone: "bad" };
}

function output(name: string, tail: readonly string[] | undefined): Block[] {
  if (!tail || tail.length === 0) return [];
  const title = ["Last lines of ", { code: name }];
  const label = `Last lines of ${name}`;
  return [{ kind: "output", title, label, text: tail.join("\n"), open: true, loses: "output of a server or command" }];
}

/** Shows the head outside the log, because rewriting the log does not change it here. */
function auditSection({ auditHead }: StageReport): Section | undefined {
  if (!auditHead) return undefined;
  const line = ["Audit head, to verify the audit log with: ", { code: headText(auditHead) }];
  return { blocks: [{ kind: "text", line }] };
}
