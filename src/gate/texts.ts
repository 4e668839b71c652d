import { inlineText } from "../report/inert.ts";
import { cut, sentence, stageTitle } from "../report/words.ts";
import type { GateOutcome, GateResult, StageOutcome } from "./judge.ts";

/** The gate as people read it: in the job's summary, and as a comment on the pull request. */

const icons: Record<StageOutcome | GateOutcome, string> = {
  passed: "✅",
  degraded: "⚠️",
  failed: "❌",
  error: "❌",
  missing: "❌",
  cancelled: "⏹️",
  skipped: "⏭️",
  "left out": "➖",
};

const longestReason = 500;
/** Of a matrix: those that did not pass come first, and say the most. */
const mostExecutions = 50;
/**
 * Of one of the two lists. A comment has at most 65,536 characters, and escaping makes a text up to twelve times as long: that is 36,000
 * for the reasons of five stages and of the gate.
 */
const mostCharacters = 10_000;
const longestName = 100;

/** @param commit as the text names it */
export function gateMarkdown({ outcome, why, stages, jobs }: GateResult, commit: string): string {
  const rows = stages.flatMap(({ stage, outcome: ended, why: reason, executions }) => [
    [
      `${icons[ended]} ${ended}`,
      stageTitle(stage),
      cell(executions.length === 0 || ended === "error" ? reason : about(executions.length, reason)),
    ],
  ]);
  const executions = stages.flatMap(({ stage, executions: all }) =>
    all.length < 2
      ? []
      : all.map(({ job, environment, verdict }) => [
          `${icons[verdict === "skipped" ? "missing" : verdict]} ${cell(verdict, longestName)}`,
          stageTitle(stage),
          cell(job, longestName),
          cell(environment, longestName),
        ]),
  );
  const passes = (row: readonly string[]) => Number(row[0]?.endsWith(" passed") ?? false);
  const sorted = executions.toSorted((a, b) => passes(a) - passes(b));
  const jobRows = jobs.map(({ job, isOpen, result, why: reason }) => [
    `${isOpen ? icons.skipped : icons[result === "cancelled" ? "cancelled" : "failed"]} ${result}`,
    cell(job, longestName),
    cell(reason),
  ]);
  const listedJobs = fitting(jobRows);
  const listed = fitting(sorted);
  const rest = sorted.slice(listed.length);
  return [
    `# ${icons[outcome]} Gate ${outcome}`,
    `${inlineText(sentence(cut(why, longestReason)))}. Commit ${inlineText(commit.slice(0, 12))}.`,
    table(["Result", "Stage", "What"], rows),
    ...(listedJobs.length > 0 ? [table(["Result", "Job", "What"], listedJobs)] : []),
    ...(jobRows.length > listedJobs.length ? [`${jobRows.length - listedJobs.length} more jobs did not succeed.`] : []),
    ...(listed.length > 0 ? [table(["Result", "Stage", "Job", "Environment"], listed)] : []),
    ...(rest.length > 0 ? [restLine(rest.length, rest.filter((row) => passes(row) === 0).length)] : []),
  ]
    .join("\n\n")
    .concat("\n");
}

function restLine(number: number, notPassed: number): string {
  return notPassed === 0 ? `${number} more passed.` : `${number} more, of which ${notPassed} did not pass without warnings.`;
}

/** The first of the rows, as many as there is space for. */
function fitting(rows: readonly (readonly string[])[]): string[][] {
  let length = 0;
  const first: string[][] = [];
  for (const row of rows.slice(0, mostExecutions)) {
    length += row.join(" | ").length;
    if (length > mostCharacters) break;
    first.push([...row]);
  }
  return first;
}

/** One line for the log and for annotations. */
export function gateLine({ outcome, why }: GateResult): string {
  return `gate ${outcome}: ${cut(why, longestReason)}`;
}

function about(number: number, reason: string): string {
  return number > 3 ? `${number} jobs and cells` : reason;
}

function cell(text: string, longest = longestReason): string {
  return inlineText(cut(text, longest));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}
