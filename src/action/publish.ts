import * as core from "@actions/core";
import type { StageAnswer } from "../app/run-stage.ts";
import { errorText } from "../lib/error-text.ts";
import { toAnnotations } from "../report/annotations.ts";

/** Puts the result where GitHub shows it: annotations and the job's summary. */
export async function publish({ report, files }: StageAnswer): Promise<void> {
  for (const { level, message, title, file, line } of toAnnotations(report)) {
    const properties = { title, ...(file ? { file } : {}), ...(line ? { startLine: line } : {}) };
    if (level === "error") core.error(message, properties);
    else if (level === "warning") core.warning(message, properties);
    else core.notice(message, properties);
  }
  // Not on every runner (act in host mode has one, a bare container may not).
  if (!process.env.GITHUB_STEP_SUMMARY) return;
  try {
    await core.summary.addRaw(files.summaryText, true).write();
  } catch (error) {
    // The verdict stands without it: it is in the log, in the report and in the outputs.
    core.warning(`The job summary could not be written: ${errorText(error).replace(/\.$/, "")}. Read it in ${files.summary}.`);
  }
}
