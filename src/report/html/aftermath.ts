import type { Score, StageReport } from "../../model/report.ts";
import { alertWords, rollbackLine, scoreLine } from "../words.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { code, dataTable, folded, notes, pill } from "./parts.ts";

/** How the checks were weighed together. */
export function scorePart(score: Score | undefined, checks: StageReport["checks"]): Markup {
  if (!score) return nothing;
  const rows = score.checks.map(({ id, weight, key, dryRun, points }, index) => {
    const verdict = checks[index]?.verdict;
    const counted = dryRun || verdict === "skipped" ? "not counted" : `${points} of ${weight}`;
    const how = [key ? "key" : "", dryRun ? "dry run" : ""].filter(Boolean).join(", ");
    return [verdict ? pill(verdict) : nothing, code(id), counted, how];
  });
  const columns = [{ title: "Verdict" }, { title: "Check" }, { title: "Points", numeric: true }, { title: "Counts as" }];
  return html`<h3>Score</h3><p>${scoreLine(score)}</p>
${notes("info", "No check has such an id", score.unmatched)}
${folded("How each check counts", dataTable("How each check counts", columns, rows))}`;
}

/** What followed from the verdict: a rollback, and who was told. */
export function aftermathPart({ rollback, alerts = [] }: StageReport): Markup {
  const asked = rollback
    ? html`<h3>Rollback</h3><p class="${rollback.outcome === "fired" ? "" : "bad"}">${rollbackLine(rollback)}</p>`
    : nothing;
  if (alerts.length === 0) return asked;
  const columns = [{ title: "Channel" }, { title: "Event" }, { title: "Outcome" }, { title: "Problem" }];
  const rows = alerts.map((alert) => [alert.channel, alert.event, alertWords(alert), alert.problem]);
  return html`${asked}<h3>Alerts</h3>${dataTable("Who was told", columns, rows)}`;
}
