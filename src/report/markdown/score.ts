import type { StageReport } from "../../model/report.ts";
import { inlineCode, inlineText } from "../inert.ts";
import { cut, scoreLine } from "../words.ts";
import { details, table } from "./blocks.ts";
import type { Part } from "./budget.ts";

/** How the checks were weighed together. */
export function scoreParts({ score, checks }: StageReport): Part[] {
  if (!score) return [];
  const rows = score.checks.map(({ id, weight, key, dryRun, points }, index) => {
    const how = [key ? "key" : "", dryRun ? "dry run" : ""].filter(Boolean).join(", ");
    const counted = dryRun || checks[index]?.verdict === "skipped" ? "not counted" : `${points} of ${weight}`;
    return [inlineCode(cut(id, 200)), checks[index]?.verdict ?? "", counted, how];
  });
  const unmatched = score.unmatched
    .slice(0, 20)
    .map((glob) => inlineCode(cut(glob, 200)))
    .join(", ");
  const note = unmatched === "" ? "" : `No check has such an id: ${unmatched}.\n\n`;
  const list = details("How each check counts", table(["Check", "Verdict", "Points", "Counts as"], rows));
  return [
    { text: `**${inlineText(scoreLine(score))}**\n\n${note}` },
    { text: list, shorter: [{ text: "", loses: "table of the score" }] },
  ];
}
