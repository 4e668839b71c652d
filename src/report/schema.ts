import type { z } from "../lib/zod.ts";
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
  const result = reportSchema.safeParse(data, { error: inWords });
  if (result.success) return result.data;
  const places = result.error.issues.map(({ path, message }) => logLine(`  ${pathText(path)}: ${message}`));
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

const kinds: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  null: "null",
  number: "a number",
  object: "an object",
  record: "an object",
  string: "a text",
};

/** Says what was expected, but never shows the value, which may be anything. */
function inWords(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "missing" : `expected ${kinds[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `expected ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "unrecognized_keys":
      return `unexpected: ${issue.keys.map((key) => JSON.stringify(key.slice(0, 40))).join(", ")}`;
    case "too_small":
      return `expected ${issue.minimum} or more`;
    case "too_big":
      return `expected ${issue.maximum} or less`;
    default:
      return "unexpected value";
  }
}

/** Formats a path as `checks[3].verdict`. */
function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return text.replace(/^\./, "") || "top level";
}
