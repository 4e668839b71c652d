import * as core from "@actions/core";
import { checkLine, verdictMarks } from "../app/progress.ts";
import type { Check, Progress } from "../model/report.ts";
import { logLine } from "../report/inert.ts";

/** Whether lines of servers and tests are being printed, which the runner folds up as one group. */
let isGroupOpen = false;

/** Prints progress into the runner's log. Whatever others wrote is made inert: a printed line must never be obeyed as a command. */
export function printProgress(progress: Progress): void {
  // A line after each delete would only repeat what the steps say; at a second signal it is said in full.
  if (progress.kind === "remaining") return;
  const isOutput = progress.kind === "output";
  if (isOutput && !isGroupOpen) core.startGroup(`output of ${logLine(progress.source)}`);
  if (!isOutput && isGroupOpen) core.endGroup();
  isGroupOpen = isOutput;
  if (progress.kind === "warning") core.warning(logLine(progress.text));
  else core.info(logLine(lineOf(progress)));
  // Shown where somebody has switched on debug logging for the run.
  if (progress.kind === "check-finished") core.debug(logLine(detailsOf(progress.check)));
}

function detailsOf({ id, verdict, durationMs, observed, expected, attempts }: Check): string {
  const told = [observed && `observed ${observed}`, expected && `expected ${expected}`, attempts && `${attempts} attempts`];
  return [`${id}: ${verdict} after ${Math.round(durationMs)} ms`, ...told.filter(Boolean)].join(", ");
}

function lineOf(progress: Exclude<Progress, { kind: "warning" | "remaining" }>): string {
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
