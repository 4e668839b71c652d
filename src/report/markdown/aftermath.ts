import type { StageReport } from "../../model/report.ts";
import { inlineText, tableCell } from "../inert.ts";
import { alertWords, cut, rollbackLine } from "../words.ts";
import { table } from "./blocks.ts";
import type { Part } from "./budget.ts";

/** What followed from the verdict: a rollback, and who was told. */
export function aftermathParts({ rollback, alerts = [] }: StageReport): Part[] {
  const asked = rollback
    ? [
        {
          text: `### Rollback\n\n${rollback.outcome === "fired" ? "" : "❗ "}${inlineText(cut(rollbackLine(rollback), 1_500))}\n\n`,
        },
      ]
    : [];
  if (alerts.length === 0) return asked;
  const rows = alerts.map((alert) => [
    tableCell(alert.channel),
    tableCell(alert.event),
    `${alert.outcome === "failed" ? "❗ " : ""}${tableCell(alertWords(alert))}`,
    tableCell(cut(alert.problem ?? "", 500)),
  ]);
  const text = `### Alerts\n\n${table(["Channel", "Event", "Outcome", "Problem"], rows)}`;
  return [...asked, { text, shorter: [{ text: "", loses: "alert" }] }];
}
