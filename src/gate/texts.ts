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
          `${icons[verdict === "skipped" ? "missing" : verdict]} ${verdict}`,
          stageTitle(stage),
          cell(job),
          cell(environment),
        ]),
  );
  const sorted = executions.toSorted((a, b) => Number(a[0]?.includes("passed")) - Number(b[0]?.includes("passed")));
  const listed = sorted.slice(0, mostExecutions);
  const rest = sorted.length - listed.length;
  return [
    `# ${icons[outcome]} Gate ${outcome}`,
    `${sentence(cut(why, longestReason))} Commit ${inlineText(commit.slice(0, 12))}.`.replace(/^./, (first) =>
      first.toUpperCase(),
    ),
    table(["Result", "Stage", "What"], rows),
    ...(jobs.length > 0
      ? [
          table(
            ["Result", "Job", "What"],
            jobs.map(({ job, isOpen, result, why: reason }) => [
              `${isOpen ? icons.skipped : icons[result === "cancelled" ? "cancelled" : "failed"]} ${result}`,
              cell(job),
              cell(reason),
            ]),
          ),
        ]
      : []),
    ...(listed.length > 0 ? [table(["Result", "Stage", "Job", "Environment"], listed)] : []),
    ...(rest > 0 ? [`${rest} more passed.`] : []),
  ]
    .join("\n\n")
    .concat("\n");
}

/** One line for the log and for annotations. */
export function gateLine({ outcome, why }: GateResult): string {
  return `gate ${outcome}: ${cut(why, longestReason)}`;
}

function about(number: number, reason: string): string {
  return number > 3 ? `${number} jobs and cells` : reason;
}

function cell(text: string): string {
  return inlineText(cut(text, longestReason));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}
