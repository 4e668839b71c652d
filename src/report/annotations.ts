import { posix } from "node:path";
import { count } from "../lib/count.ts";
import { errorText } from "../lib/error-text.ts";
import type { Check, StageReport } from "../model/report.ts";
import type { TestCase } from "../model/test-results.ts";
import type { UserError } from "../model/user-error.ts";
import { plainText } from "./inert.ts";
import { account, checkRemarks, cut, reportFile, rollbackLine, stageTitle } from "./words.ts";

export interface Annotation {
  level: "error" | "warning" | "notice";
  title: string;
  /** Text, not Markdown; may have several lines. */
  message: string;
  /** Relative to the workspace. */
  file?: string;
  line?: number;
  column?: number;
}

/** GitHub shows ten of a level a step, and drops the rest without a word. */
const mostOfALevel = 10;
const longestTitle = 200;
const longestMessage = 4_000;

/**
 * What a stage has to say beside the code, the most important first, and at most ten of each level. Where there are more, the
 * tenth says how many.
 */
export function toAnnotations(report: StageReport): Annotation[] {
  const all = report.tests?.failures ?? [];
  const failures = all.filter(({ quarantinedUntil }) => quarantinedUntil === undefined);
  const quarantined = all.filter(({ quarantinedUntil }) => quarantinedUntil !== undefined);
  const checks = (...verdicts: Check["verdict"][]) =>
    report.checks.filter((check) => !check.dryRun && verdicts.includes(check.verdict));
  const uncounted = report.checks.filter((check) => check.dryRun && check.verdict !== "passed");
  const unsent = (report.alerts ?? []).filter(({ outcome }) => outcome === "failed");
  return [
    ...shown(report, "error", [
      failures.filter(({ file }) => file !== undefined).map((test) => testAnnotation("error", "failed", test)),
      checks("failed", "error").map((check) => checkAnnotation("error", check)),
      rollbackAnnotations(report, "error"),
      (report.tests?.crashedSuites ?? []).map(({ file, message }) =>
        annotation("error", `Could not be loaded: ${file}`, message, { file }),
      ),
      failures.filter(({ file }) => file === undefined).map((test) => testAnnotation("error", "failed", test)),
      report.problems.map((problem) => annotation("error", `${stageTitle(report.stage)}: problem`, problem)),
    ]),
    ...shown(report, "warning", [
      checks("degraded").map((check) => checkAnnotation("warning", check)),
      unsent.map(({ channel, event, problem = "" }) => annotation("warning", `Alert not sent: ${channel}, ${event}`, problem)),
      quarantined.map((test) => testAnnotation("warning", "failed in quarantine", test)),
      (report.tests?.flakyTests ?? []).map((test) => testAnnotation("warning", "flaky", test)),
      (report.tests?.disagreements ?? []).map((text) => annotation("warning", "The test reports disagree", text)),
    ]),
    ...shown(report, "notice", [
      checks("skipped").map((check) => checkAnnotation("notice", check)),
      uncounted.map((check) => checkAnnotation("notice", check)),
      rollbackAnnotations(report, "notice"),
      (report.cleanup?.notes ?? []).map((note) => annotation("notice", "Test data", note)),
    ]),
  ];
}

/**
 * The user's mistakes, each at its place in the file; one for all where they stand in no file.
 * @param folder of the files, relative to the repository, where GitHub looks for them
 */
export function mistakeAnnotations(error: UserError, folder = "."): Annotation[] {
  const { mistakes } = error;
  const message = errorText(error);
  if (mistakes.length === 0) return [annotation("error", "env-actions: invalid input or configuration", message)];
  const placed = mistakes.map(({ code, file, line, column, message: what }) =>
    annotation("error", "env-actions: invalid configuration", `${code}: ${what}`, {
      file: posix.isAbsolute(file) ? file : posix.join(folder, file),
      line,
      column,
    }),
  );
  if (placed.length <= mostOfALevel) return placed;
  const left = placed.length - mostOfALevel + 1;
  return [...placed.slice(0, mostOfALevel - 1), annotation("error", `env-actions: ${count(left, "more mistake")}`, message)];
}

/**
 * Picks from groups, the most important first. Each group is sure of one place, so that a hundred failed tests do not hide that
 * test data is left behind.
 */
function shown(report: StageReport, level: Annotation["level"], groups: readonly (readonly Annotation[])[]): Annotation[] {
  const all = groups.flat();
  if (all.length <= mostOfALevel) return all;
  const places = mostOfALevel - 1;
  const sure = new Set(groups.flatMap((group) => group.slice(0, 1)));
  let free = places - sure.size;
  const picked = all.filter((one) => sure.has(one) || free-- > 0);
  const rest = all.length - picked.length;
  const message = `GitHub shows ten of a kind. The job summary and ${reportFile(report.stage)} have all ${all.length}.`;
  return [...picked, annotation(level, `${stageTitle(report.stage)}: ${count(rest, `more ${level}`)}`, message)];
}

function testAnnotation(level: Annotation["level"], word: string, test: TestCase): Annotation {
  const { message, stack } = account(test);
  const text = [message, stack].filter(Boolean).join("\n") || "The report holds no message.";
  const project = test.project ? ` (${test.project})` : "";
  return annotation(level, `Test ${word}: ${test.name}${project}`, text, { file: test.file, line: test.line });
}

/** What could not be done is an error; what was, or must not be done, is worth knowing. */
function rollbackAnnotations({ rollback }: StageReport, level: "error" | "notice"): Annotation[] {
  if (!rollback) return [];
  const wrong = rollback.outcome === "failed" || rollback.outcome === "unknown";
  return wrong === (level === "error") ? [annotation(level, `Rollback: ${rollback.outcome}`, rollbackLine(rollback))] : [];
}

function checkAnnotation(level: Annotation["level"], check: Check): Annotation {
  const seen = [
    ...(check.observed === undefined ? [] : [`observed: ${check.observed}`]),
    ...(check.expected === undefined ? [] : [`expected: ${check.expected}`]),
  ].join("; ");
  const text =
    [check.message, seen, checkRemarks(check)].filter(Boolean).join("\n") || `It is ${check.verdict}; nothing more was said.`;
  return annotation(level, `${check.title}: ${check.verdict}`, text);
}

function annotation(
  level: Annotation["level"],
  title: string,
  message: string,
  { file, line, column }: Pick<Annotation, "file" | "line" | "column"> = {},
): Annotation {
  return {
    level,
    title: cut(plainText(title).replace(/\s+/g, " ").trim(), longestTitle),
    message: cut(plainText(message), longestMessage),
    ...(file === undefined ? {} : { file: plainText(file).replaceAll("\n", " ") }),
    ...(file === undefined || line === undefined ? {} : { line, ...(column === undefined ? {} : { column }) }),
  };
}
