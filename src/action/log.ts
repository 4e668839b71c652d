import * as core from "@actions/core";
import { checkLine, verdictMarks } from "../app/progress.ts";
import type { Check, Progress } from "../model/report.ts";
import { logLine } from "../report/inert.ts";

/** Whether we are inside a group of output from servers and tests, which the runner's log folds. */
let isGroupOpen = false;

/**
 * Prints progress to the runner's log. Text from others is made safe, so that the runner never obeys a printed line as a command.
 */
export function printProgress(progress: Progress): void {
  // A line after each delete would repeat the steps. The second signal prints what remains in full.
  if (progress.kind === "remaining" || progress.kind === "table-done") return;
  const isOutput = progress.kind === "output";
  if (isOutput && !isGroupOpen) core.startGroup(`output of ${logLine(progress.source)}`);
  if (!isOutput && isGroupOpen) core.endGroup();
  isGroupOpen = isOutput;
  if (progress.kind === "warning") core.warning(logLine(progress.text));
  else core.info(logLine(lineOf(progress)));
  // Visible if debug logging is on for the run.
  if (progress.kind === "check-finished") core.debug(logLine(detailsOf(progress.check)));
}

function detailsOf({ id, verdict, durationMs, observed, expected, attempts }: Check): string {
  const told = [observed && `observed ${observed}`, expected && `expected ${expected}`, attempts && `${attempts} attempts`];
  return [`${id}: ${verdict} after ${Math.round(durationMs)} ms`, ...told.filter(Boolean)].join(", ");
}

function lineOf(progress: Exclude<Progress, { kind: "warning" | "remaining" | "table-done" }>): string {
  switch (progress.kind) {
    case "stage-started":
      return `${progress.stage} in ${progress.environment}, at most ${Math.round(progress.budgetMs / 1000)} s`;
    case "check-finished":
      return checkLine(progress.check);
    case "step":
      return `· ${progress.text}`;
    case "output":
      return `${progress.source} | ${progress.line}`;
    case "stage-finished":
      return `${verdictMarks[progress.report.verdict]} ${progress.stage} ${progress.report.verdict}: ${progress.report.reason}`;
  }
}
