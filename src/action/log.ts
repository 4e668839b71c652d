import * as core from "@actions/core";
import { checkLine, verdictMarks } from "../app/progress.ts";
import type { Progress } from "../model.ts";
import { logLine } from "../report/inert.ts";

/** Prints progress into the runner's log. Whatever others wrote is made inert: a printed line must never be obeyed as a command. */
export function printProgress(progress: Progress): void {
  // A line after each delete would only repeat what the steps say; at a second signal it is said in full.
  if (progress.kind === "remaining") return;
  if (progress.kind === "warning") core.warning(logLine(progress.text));
  else core.info(logLine(lineOf(progress)));
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
