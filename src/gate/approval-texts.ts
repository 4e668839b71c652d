import { inlineText } from "../report/inert.ts";
import { cut, sentence } from "../report/words.ts";
import type { Approval, ApprovalOutcome } from "./approval.ts";
import type { GateResult } from "./judge.ts";

/** An approval as people read it: at the deployment, and in the job's summary. */

/** GitHub's limit for a comment at a deployment. */
const longestComment = 1_024;
const longestReasons = [300, 120, 40, 10];
const longestWhy = 2_000;

export interface CommentFacts {
  commit: string;
  run: number;
  attempt: number | undefined;
}

/** What the evidence says, within GitHub's limit: the conclusion first, then as many stages as there is space for. */
export function approvalComment({ outcome, why, stages }: GateResult, { commit, run, attempt }: CommentFacts): string {
  const head = `env-actions gate ${outcome}: ${fitting(sentence(why), 500)}`;
  const foot = `Commit ${inlineText(commit.slice(0, 12))}, run ${run}${attempt === undefined ? "" : `, attempt ${attempt}`}.`;
  const lines: string[] = [];
  let left = longestComment - head.length - foot.length - 4;
  for (const { stage, outcome: ended, why: reason } of stages) {
    const line = `- ${stage} ${ended}: ${fitting(reason, 400)}`;
    if (line.length >= left) break;
    left -= line.length + 1;
    lines.push(line);
  }
  return [head, "", ...lines, "", foot].join("\n");
}

/** Escaping makes a text up to twelve times as long, and a cut through an escaped character would show the rest of it. */
function fitting(text: string, longest: number): string {
  return longestReasons.map((length) => inlineText(cut(text, length))).find((one) => one.length <= longest) ?? "";
}

const icons: Partial<Record<ApprovalOutcome, string>> = { approved: "✅", "already-approved": "✅", abstained: "⏸️" };

/** Whether the deployment may go on, and the evidence permits it. */
export function isApproved({ outcome }: Approval, isOpen: boolean): boolean {
  return isOpen && (outcome === "approved" || outcome === "already-approved");
}

export function approvalMarkdown(approval: Approval, environment: string, isOpen: boolean): string {
  const { outcome, why, notes } = approval;
  const icon = isOpen || outcome !== "already-approved" ? (icons[outcome] ?? "❌") : "❌";
  const said = [why, ...notes].map((text) => `- ${inlineText(sentence(cut(text, longestWhy)))}`);
  return [`# ${icon} Deployment to ${inlineText(cut(environment, 100))}: ${words(outcome)}`, said.join("\n")]
    .join("\n\n")
    .concat("\n\n");
}

/** One line for the log and for annotations. */
export function approvalLine({ outcome, why, notes }: Approval): string {
  return `approval ${words(outcome)}: ${cut([why, ...notes].join("; "), longestWhy)}`;
}

function words(outcome: ApprovalOutcome): string {
  return outcome.replaceAll("-", " ");
}
