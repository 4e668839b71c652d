import { type Check, opensTheGate, type StageReport, type Verdict } from "../../model/report.ts";
import { checkRemarks, duration, followsLine, repeatsTests, urgentChecks } from "../words.ts";
import { failureBlocks } from "./failures.ts";
import { pageAsLine } from "./pages.ts";
import { latencyBefore } from "./past.ts";
import { outputBlocks } from "./processes.ts";
import type { Block, Cell, Inline, Row, Section } from "./shapes.ts";

/** The checks of a report as tables, and what needs attention in it. */

/**
 * What needs attention in a report: failed tests, problems, and the table of the checks that did not pass. It stands right under the
 * verdict, and has each cause once.
 * @param file the report, for what is not drawn
 */
export function leadSection(report: StageReport, file: string): Section | undefined {
  const { causes, consequences } = urgentChecks(report);
  const { problems, checks, tests } = report;
  const blocks: Block[] = [
    ...failureBlocks(tests, file),
    ...(problems.length > 0
      ? [{ kind: "list", title: "Problems", tone: "bad", items: problems, loses: "problem" } as const]
      : []),
    ...(causes.length > 0
      ? [
          checkTable(
            "Checks that did not pass",
            causes.map((check) => withoutNames(check, report)),
          ),
        ]
      : []),
    ...(consequences.length > 0 ? [{ kind: "text", line: [followsLine(consequences, checks)], tone: "info" } as const] : []),
    ...(isExplained(report) ? [] : outputBlocks(report, { open: true })),
    ...(checks.length === 0
      ? [{ kind: "text", line: ["No check ran, so the state of the environment is unknown."], tone: "bad" } as const]
      : []),
  ];
  if (blocks.length === 0) return undefined;
  return { what: "lead", title: opensTheGate(report.verdict) ? "What needs attention" : "What went wrong", blocks };
}

/** Whether failed tests say more than the ends of logs. */
export function isExplained(report: StageReport): boolean {
  return opensTheGate(report.verdict) || showsTests(report);
}

function showsTests({ tests }: StageReport): boolean {
  return (tests?.failures.length ?? 0) + (tests?.crashedSuites.length ?? 0) > 0;
}

/** The failed tests stand right above, so their names need not stand here as well. */
function withoutNames(check: Check, report: StageReport): Check {
  if (check.verdict === "degraded" || !repeatsTests(check) || !showsTests(report)) return check;
  const { message: _, ...rest } = check;
  return rest;
}

const urgency: Record<Verdict, number> = { failed: 0, error: 1, degraded: 2, skipped: 3, passed: 4 };

/** Checks that need no attention: those that passed, were skipped, or do not count; otherwise in the order of checking. */
export function calmChecksSection(report: StageReport): Section | undefined {
  const { causes, consequences } = urgentChecks(report);
  const urgent = new Set([...causes, ...consequences]);
  const calm = report.checks.filter((check) => !urgent.has(check));
  const shown = [...calm, ...consequences].sort((a, b) => place(a) - place(b));
  if (shown.length === 0) return undefined;
  return {
    what: "checks",
    title: "Checks",
    brief: checksBrief(calm, consequences.length),
    quiet: true,
    blocks: [checkTable(urgent.size > 0 ? "Other checks" : "Checks", shown)],
  };
}

function place({ verdict, dryRun }: Check): number {
  return dryRun ? urgency.passed : urgency[verdict];
}

/** `23 passed, 1 skipped, 1 not counted`. */
function checksBrief(checks: readonly Check[], consequences: number): string {
  const counted = checks.filter(({ dryRun }) => !dryRun);
  const amounts: [number, string][] = [
    [counted.filter(({ verdict }) => verdict === "passed").length, "passed"],
    [counted.filter(({ verdict }) => verdict === "skipped").length, "skipped"],
    [checks.length - counted.length, "not counted"],
    [consequences, "not counted again"],
  ];
  return amounts.flatMap(([amount, word]) => (amount > 0 ? [`${amount} ${word}`] : [])).join(", ");
}

/** A row for each check: verdict, title with message, observed, expected, latency, time. */
function checkTable(title: string, checks: readonly Check[]): Block {
  const rows = checks.map(
    (check): Row => ({
      cells: [
        { verdict: check.verdict },
        checkCell(check),
        observedCell(check),
        check.expected,
        check.latency && { latency: check.latency },
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
  return { kind: "table", title, columns, rows, loses: "check" };
}

/** A latency means more beside what is usual. */
function observedCell({ observed, past }: Check): string | undefined {
  const line = observed && pageAsLine(observed);
  const before = latencyBefore(past);
  return before === undefined ? line : [line, before].filter(Boolean).join("; ");
}

function checkCell(check: Check): Cell {
  const below: Inline[] = [pageAsLine(check.message ?? ""), checkRemarks(check)].filter((text) => text !== "");
  return { line: check.verdict === "passed" && below.length === 0 ? [check.title] : [{ strong: check.title }], below };
}
