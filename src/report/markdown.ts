import { type StageReport, worstVerdict } from "../model/report.ts";
import { inlineCode, inlineText } from "./inert.ts";
import { table } from "./markdown/blocks.ts";
import { cutBytes, fitInto, type Loss, listLosses, losses, type Part } from "./markdown/budget.ts";
import { cellWords, stageHeading, stageParts } from "./markdown/stage.ts";
import { budgetUse, cut, missingStages, reportFile, stageTitle, verdictIcons, verdictWords } from "./words.ts";

/** GitHub drops a summary over 1 MiB as a whole, without a word; this leaves room for what others write in the same step. */
const defaultMaxBytes = 1_000_000;

/**
 * The job summary of one stage or of several, in GitHub's Markdown, at most `maxBytes` bytes of UTF-8. When room is short, the least
 * important is left out first and the text says what; names of failed tests go last of all. Everything in a report is untrusted text
 * and comes out harmless.
 */
export function toMarkdown(reports: StageReport | readonly StageReport[], { maxBytes = defaultMaxBytes } = {}): string {
  const all = Array.isArray(reports) ? reports : [reports];
  const parts: Part[] = [
    ...(all.length === 1 ? [] : [{ text: overview(all) }]),
    ...all.flatMap((report) => [{ text: stageHeading(report) }, ...stageParts(report)]),
  ];
  const whole = fitInto(parts, maxBytes);
  if (whole.lost.size === 0) return cutBytes(whole.text, maxBytes);
  const files = all.map((report) => inlineCode(reportFile(report.stage))).join(", ");
  const room = maxBytes - Buffer.byteLength(lossNote(everyLoss(parts), files));
  const fitted = fitInto(parts, room);
  return cutBytes(lossNote(fitted.lost, files) + fitted.text, maxBytes);
}

function overview(reports: readonly StageReport[]): string {
  if (reports.length === 0) return "## 🛑 No stage has reported\n\nWhat was not looked at is not passed.\n\n";
  const verdict = worstVerdict(reports.map((report) => report.verdict));
  const rows = reports.map((report) => [
    verdictWords(report.verdict),
    stageTitle(report.stage) + cellWords(report),
    inlineText(cut(report.environment.name, 100)),
    inlineText(cut(report.reason, 300)),
    budgetUse(report),
  ]);
  const list = table(["Verdict", "Stage", "Environment", "Reason", "Took"], rows);
  const missing = missingStages(reports).map(stageTitle);
  const so = missing.length > 0 ? " so far" : "";
  const rest = missing.length > 0 ? `Not reported: ${missing.join(", ")}.\n\n` : "";
  return `# ${verdictIcons[verdict]} Quality gate${so}: ${verdict}\n\n${list}${rest}`;
}

function lossNote(lost: ReadonlyMap<Loss, number>, files: string): string {
  if (lost.size === 0) return "";
  return `> ✂️ To stay within GitHub's limit for a summary, this was left out: ${listLosses(lost)}. All of it is in ${files}.\n\n`;
}

/** The longest that the note can become. */
function everyLoss(parts: readonly Part[]): ReadonlyMap<Loss, number> {
  const steps = parts.flatMap((part) => part.shorter ?? []);
  return new Map(losses.map((loss) => [loss, Math.max(2, steps.filter((step) => step.loses === loss).length)]));
}
