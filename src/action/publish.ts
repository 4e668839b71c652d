import * as core from "@actions/core";
import type { StageAnswer } from "../app/run-stage.ts";
import { errorText } from "../lib/error-text.ts";
import { toAnnotations } from "../report/annotations.ts";

/** Publishes the result on GitHub: annotations and the job's summary. */
export async function publish({ report, files }: StageAnswer): Promise<void> {
  for (const { level, message, title, file, line } of toAnnotations(report)) {
    const properties = { title, ...(file ? { file } : {}), ...(line ? { startLine: line } : {}) };
    if (level === "error") core.error(message, properties);
    else if (level === "warning") core.warning(message, properties);
    else core.notice(message, properties);
  }
  // Some runners have no summary, such as act in host mode or a bare container.
  if (!process.env.GITHUB_STEP_SUMMARY) return;
  try {
    await core.summary.addRaw(files.summaryText, true).write();
  } catch (error) {
    // The verdict does not depend on the summary: the log, the report and the outputs have it too.
    core.warning(`The job summary could not be written: ${errorText(error).replace(/\.$/, "")}. Read it in ${files.summary}.`);
  }
}
