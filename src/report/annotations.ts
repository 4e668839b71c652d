import { posix } from "node:path";
import { count, numberText } from "../lib/count.ts";
import { errorText } from "../lib/error-text.ts";
import type { Check, StageReport } from "../model/report.ts";
import type { CrashedSuite, TestCase } from "../model/test-results.ts";
import type { UserError } from "../model/user-error.ts";
import { plainText } from "./inert.ts";
import { failureOf } from "./view/frames.ts";
import { pageAsLine } from "./view/pages.ts";
import { failureBefore, flakyBefore } from "./view/past.ts";
import type { Message } from "./view/shapes.ts";
import { driftMessages } from "./view/staging-lines.ts";
import {
  account,
  checkRemarks,
  cut,
  endWords,
  isRollbackWrong,
  observedApart,
  reportFile,
  rollbackLine,
  sentence,
  stageTitle,
  urgentChecks,
} from "./words.ts";

/** What GitHub shows beside the code and on the page of a run: which annotations a report has, and how they fit into its limits. */

export interface Annotation {
  level: "error" | "warning" | "notice";
  title: string;
  /** Plain text, not Markdown; may have several lines. */
  message: string;
  /** Relative to the repository. */
  file?: string;
  line?: number;
  column?: number;
}

/** GitHub shows ten annotations of each level per step, and silently drops the rest. */
const mostOfALevel = 10;
const longestTitle = 200;
const longestMessage = 4_000;

/**
 * A stage's annotations, most important first, at most ten of each level. If there are more, the tenth says how many. Each test
 * that failed is an error at its file and line.
 * @param folder the workspace relative to the repository, where GitHub looks for files
 */
export function toAnnotations(report: StageReport, folder = "."): Annotation[] {
  const groups = messagesOf(report);
  return (["error", "warning", "notice"] as const)
    .flatMap((level) => shown(report, level, groups[level]))
    .map((one) => (one.file === undefined ? one : { ...one, file: inFolder(folder, one.file) }));
}

/** All messages of each level in groups, most important group first. */
function messagesOf(report: StageReport): Record<Annotation["level"], readonly (readonly Message[])[]> {
  const { tests, checks, rollback, alerts = [], problems } = report;
  const all = tests?.failures ?? [];
  const failures = all.filter(({ quarantinedUntil }) => quarantinedUntil === undefined);
  const crashed = tests?.crashedSuites ?? [];
  const quarantined = all.filter(({ quarantinedUntil }) => quarantinedUntil !== undefined);
  const urgent = urgentChecks(report).causes;
  const urgentMessages = (...verdicts: Check["verdict"][]) =>
    urgent
      .filter(({ verdict }) => verdicts.includes(verdict))
      .map((check) => ({ ...checkMessage(check), ...placeOf(check, report) }));
  const skipped = checks.filter(({ dryRun, verdict }) => !dryRun && verdict === "skipped");
  // Other outcomes are notices.
  const rollbackIsWrong = rollback !== undefined && isRollbackWrong(rollback);
  const rollbacks = rollback ? [{ title: `Rollback: ${rollback.outcome}`, text: rollbackLine(rollback) }] : [];
  return {
    // Tests come first, because they say what to change. Checks follow, those that others explain not at all.
    error: [
      failures.filter(({ file }) => file !== undefined).map((test) => testMessage(endWords(test), test)),
      failures.filter(({ file }) => file === undefined).map((test) => testMessage(endWords(test), test)),
      crashed.filter(({ quarantinedUntil }) => quarantinedUntil === undefined).map(suiteMessage),
      driftMessages(report),
      urgentMessages("failed", "error"),
      rollbackIsWrong ? rollbacks : [],
      problems.map((problem) => ({ title: `${stageTitle(report.stage)}: problem`, text: problem })),
    ],
    warning: [
      urgentMessages("degraded"),
      alerts
        .filter(({ outcome }) => outcome === "failed")
        .map(({ channel, event, problem = "" }) => ({ title: `Alert not sent: ${channel}, ${event}`, text: problem })),
      quarantined.map((test) => testMessage("failed in quarantine", test)),
      crashed.filter(({ quarantinedUntil }) => quarantinedUntil !== undefined).map(suiteMessage),
      (tests?.flakyTests ?? []).map((test) => testMessage("flaky", test)),
      (tests?.disagreements ?? []).map((text) => ({ title: "The test reports disagree", text })),
    ],
    notice: [
      skipped.map(checkMessage),
      checks.filter((check) => check.dryRun && check.verdict !== "passed").map(checkMessage),
      rollbackIsWrong ? [] : rollbacks,
      (report.cleanup?.notes ?? []).map((text) => ({ title: "Test data", text })),
    ],
  };
}

function testMessage(word: string, test: TestCase): Message {
  const { message, stack } = account(test);
  const { own, others } = failureOf(stack ?? "");
  const project = test.project ? ` (${test.project})` : "";
  const phrases = test.status === "flaky" ? flakyBefore(test.past) : failureBefore(test.past);
  const before = phrases.length === 0 ? [] : [`${sentence(phrases.join(", "))}.`];
  return {
    title: `Test ${word}: ${test.name}${project}`,
    text: [pageAsLine([message, own, others].filter(Boolean).join("\n")) || "The test report has no message.", ...before].join(
      "\n",
    ),
    ...(test.file === undefined ? {} : { file: test.file }),
    ...(test.line === undefined ? {} : { line: test.line }),
  };
}

function suiteMessage({ file, message, past }: CrashedSuite): Message {
  const phrases = failureBefore(past);
  const before = phrases.length === 0 ? [] : [`${sentence(phrases.join(", "))}.`];
  return { title: `Could not be loaded: ${file}`, text: [pageAsLine(message), ...before].join("\n"), file };
}

function checkMessage(check: Check): Message {
  const observed = observedApart(check);
  const seen = [
    ...(observed === undefined ? [] : [`observed: ${observed}`]),
    ...(check.expected === undefined ? [] : [`expected: ${check.expected}`]),
  ].join("; ");
  const text = [check.message, seen, checkRemarks(check)].filter(Boolean).join("\n");
  return { title: `${check.title}: ${check.verdict}`, text: pageAsLine(text) || "The check gave no details." };
}

/** What differs is beside the original's line, or the name of the copy. */
function placeOf({ id }: Check, { staging }: StageReport): Pick<Message, "file" | "line"> {
  return id.startsWith("drift.") ? (staging?.drift?.place ?? {}) : {};
}

/**
 * Selects from groups, most important first. Each group gets at least one place, so that a hundred failed tests do not hide
 * remaining test data.
 */
function shown({ stage }: StageReport, level: Annotation["level"], groups: readonly (readonly Message[])[]): Annotation[] {
  const all = groups.flat();
  if (all.length <= mostOfALevel) return all.map((message) => toAnnotation(level, message));
  const places = mostOfALevel - 1;
  const sure = new Set(groups.flatMap((group) => group.slice(0, 1)));
  let free = places - sure.size;
  const picked = all.filter((one) => sure.has(one) || free-- > 0);
  const rest = all.length - picked.length;
  const message = `GitHub shows at most ${mostOfALevel} annotations of a level for each step. The job summary has more of them, and ${reportFile(stage)} has all ${numberText(all.length)}.`;
  return [
    ...picked.map((one) => toAnnotation(level, one)),
    annotation(level, `${stageTitle(stage)}: ${count(rest, `more ${level}`)}`, message),
  ];
}

function toAnnotation(level: Annotation["level"], { title, text, ...place }: Message): Annotation {
  return annotation(level, title, text, place);
}

/** All text in a report is untrusted: what comes out is plain, and as short as GitHub wants it. */
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

function inFolder(folder: string, file: string): string {
  const isAbsolute = posix.isAbsolute(file) || /^[A-Za-z]:[\\/]/.test(file);
  return isAbsolute ? file : posix.join(folder.replaceAll("\\", "/"), file);
}

/**
 * The user's mistakes, each at its place in the file; a single annotation if they are not in a file.
 * @param folder the folder of the files relative to the repository, where GitHub looks for them
 */
export function mistakeAnnotations(error: UserError, folder = "."): Annotation[] {
  const { mistakes } = error;
  const message = errorText(error);
  if (mistakes.length === 0) return [annotation("error", "env-actions: invalid input or configuration", message)];
  const placed = mistakes.map(({ code, file, line, column, message: what }) =>
    annotation("error", "env-actions: invalid configuration", `${code}: ${what}`, {
      file: inFolder(folder, file),
      line,
      column,
    }),
  );
  if (placed.length <= mostOfALevel) return placed;
  const left = placed.length - mostOfALevel + 1;
  return [...placed.slice(0, mostOfALevel - 1), annotation("error", `env-actions: ${count(left, "more mistake")}`, message)];
}
