import { createHash } from "node:crypto";
import { opensTheGate, type StageReport, stageNames, type Verdict, worstVerdict } from "../model/report.ts";
import { html, Markup } from "./html/markup.ts";
import { icon } from "./html/parts.ts";
import { gateStop, missingStop, stageSection } from "./html/stage.ts";
import { style } from "./html/style.ts";
import { missingStages, stageTitle } from "./words.ts";

/**
 * One HTML file with everything in it: no script, nothing loaded from anywhere, and a policy that forbids both. Everything in a
 * report is untrusted text and comes out harmless.
 */
export function toHtml(reports: readonly StageReport[]): string {
  const verdict = worstVerdict(reports.map((report) => report.verdict));
  // In the order of the gate; a stage may be there several times, for several environments.
  const sorted = stageNames.flatMap((stage) => reports.filter((report) => report.stage === stage));
  const stops = sorted.map((report, index) => ({ report, id: `${report.stage}-${index + 1}` }));
  const missing = missingStages(reports);
  const gate = stageNames.map((stage) =>
    missing.includes(stage)
      ? missingStop(stage)
      : stops.filter(({ report }) => report.stage === stage).map(({ report, id }) => gateStop(report, id)),
  );
  return html`${new Markup("<!doctype html>")}
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Quality gate: ${verdict}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<a class="skip" href="#stages">To the stages</a>
<header>
<h1>Quality gate</h1>
<div class="banner ${verdict}">${icon(verdict)}<div><strong>${headline(verdict, reports)}</strong><p>${summarise(reports)}</p></div></div>
<nav aria-label="Stages of the gate"><ol class="gate">${gate}</ol></nav>
</header>
<main id="stages">
${stops.map(({ report, id }) => stageSection(report, id))}
</main>
<footer>Passed: we looked, and it is right. Degraded: it works, inside a warning band. Failed: we looked, and it is wrong. Error: we could not look.</footer>
</body>
</html>
`.text;
}

const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

function headline(verdict: Verdict, reports: readonly StageReport[]): string {
  if (reports.length === 0) return "No stage has reported";
  if (!opensTheGate(verdict)) return `The gate is closed: ${verdict}`;
  // Permission needs every stage; one that did not report has not passed.
  if (missingStages(reports).length > 0) return `So far: ${verdict}`;
  return verdict === "passed" ? "The gate is open: passed" : "The gate is open, with a warning: degraded";
}

/** The stages that decided it, each with its reason. */
function summarise(reports: readonly StageReport[]): string {
  if (reports.length === 0) return "What was not looked at is not passed.";
  const closing = reports.filter((report) => !opensTheGate(report.verdict));
  const warning = reports.filter((report) => report.verdict === "degraded");
  const deciding = closing.length > 0 ? closing : warning;
  if (deciding.length === 0) return `${reports.map((report) => stageTitle(report.stage)).join(", ")}: passed.`;
  return deciding.map((report) => `${stageTitle(report.stage)}: ${report.reason}`).join(" ");
}
