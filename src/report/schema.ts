import { issuePath, issueText } from "../lib/zod-issues.ts";
import type { StageReport } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { logLine } from "./inert.ts";
import { reportSchema } from "./schema/report.ts";

const example = "such as .env-actions/reports/cleanup.json";

/**
 * Reads a report back.
 * @throws UserError that names the file, each wrong place, and what was expected there
 */
export function parseReport(text: string, file: string): StageReport {
  const data = parseJson(text, file);
  const version = typeof data === "object" && data !== null && "schemaVersion" in data ? data.schemaVersion : undefined;
  if (version === undefined || (typeof data === "object" && data !== null && !("checks" in data)))
    throw new UserError("EA7002", `${file} is JSON, but not a stage report. Give the path of a report, ${example}`);
  if (version !== 1)
    throw new UserError(
      "EA7002",
      `${file} was written by another version of env-actions: expected schemaVersion 1, got ${JSON.stringify(version)?.slice(0, 20)}. Run the stage again with this version of env-actions.`,
    );
  const result = reportSchema.safeParse(data, { error: issueText });
  if (result.success) return result.data;
  const places = result.error.issues.map(({ path, message }) => logLine(`  ${issuePath(path)}: ${message}`));
  const shown = places.slice(0, 10).join("\n");
  const more = places.length > 10 ? `\n  and ${places.length - 10} more` : "";
  throw new UserError(
    "EA7002",
    `${file} does not match the format of a report:\n${shown}${more}\nRun the stage again with this version of env-actions.`,
  );
}

/** The parser's message quotes the text, which may be any file. */
function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const begun = text.trim();
    const why =
      begun === ""
        ? "is empty. It may have been cut off: run the stage again."
        : begun.startsWith("{")
          ? "is not valid JSON. It may have been cut off: run the stage again."
          : `is not JSON, so it is not a stage report. Give the path of a report, ${example}`;
    throw new UserError("EA7002", `${file} ${why}`, { cause: error });
  }
}
