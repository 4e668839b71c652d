import { createHash } from "node:crypto";
import { opensTheGate, type StageReport, type Verdict } from "../model/report.ts";
import { inline, sectionsOf, table } from "./html/blocks.ts";
import { timeline } from "./html/charts.ts";
import { html, icon, Markup, nothing, pill } from "./html/markup.ts";
import { style } from "./html/style.ts";
import { gateView } from "./view/report.ts";
import type { GateView, StageView } from "./view/shapes.ts";

/**
 * One self-contained HTML file, without scripts or external content, and with a policy that forbids both. All text in a report is
 * untrusted and is made safe here.
 */
export function toHtml(reports: readonly StageReport[]): string {
  const view = gateView(reports);
  const { verdict, title, headline, explanation, stops, legend } = view;
  const urgent = view.urgent.filter((stage) => isUrgent(stage, verdict));
  const others = view.urgent.filter((stage) => !isUrgent(stage, verdict));
  const picture = view.timeline ? timeline(view.timeline, table(view.timeline.table)) : nothing;
  return html`${new Markup("<!doctype html>")}
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<a class="skip" href="#stages">Skip to the stages</a>
<header>
<p class="kicker">Quality gate</p>
<div class="banner ${verdict}">${icon(verdict)}<div><h1>${headline}</h1><p>${explanation}</p></div></div>
</header>
<nav class="stages" aria-label="Stages of the gate"><ol class="gate">${stops.map(gateStop)}${view.timeline ? html`<li class="more"><a class="stop" href="#timeline">Timeline</a></li>` : nothing}</ol></nav>
<main id="stages">
${urgent.map((stage) => stageSection(stage, { open: true, explained: true }))}${picture}${others.map((stage) => stageSection(stage, { open: others.length === 1 && urgent.length === 0, explained: false }))}
</main>
<footer><h2>What the verdicts mean</h2>
<dl>${legend.map(({ verdict, meaning }) => html`<div><dt>${pill(verdict)}</dt><dd>${meaning}</dd></div>`)}</dl></footer>
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

/** The stages that the banner explains: those that close the gate, or else those with a warning. */
function isUrgent({ verdict }: StageView, ofGate: Verdict): boolean {
  return opensTheGate(ofGate) ? verdict === "degraded" : !opensTheGate(verdict);
}

/** A stage in the overview of the gate; links to the stage's section. */
function gateStop(stop: GateView["stops"][number]): Markup {
  if ("missing" in stop)
    return html`<li><span class="stop missing">${icon("skipped")}<b>${stop.missing}</b> <span class="verdict">${stop.word}</span></span></li>\n`;
  const { id, title, verdict } = stop;
  return html`<li><a class="stop ${verdict}" href="#${id}">${icon(verdict)}<b>${title}</b> <span class="verdict">${verdict}</span></a></li>\n`;
}

/** A link to the anchor inside opens the stage, because browsers open what hides the target. */
function stageSection(stage: StageView, { open, explained }: { open: boolean; explained: boolean }): Markup {
  const { id, title, environment, verdict, reason, facts, time } = stage;
  return html`<details class="stage ${verdict}"${open ? html` open` : nothing}>
<summary><h2>${title} on ${environment}</h2> ${pill(verdict)} <span class="time">${time.text}</span>${explained ? nothing : html`<span class="reason">${reason}</span>`}</summary>
<div class="inside" id="${id}">
${sectionsOf(stage)}<h3>This run</h3>
<dl class="facts">${facts.map(({ name, value }) => html`<div><dt>${name}</dt><dd>${inline(value)}</dd></div>`)}</dl>
</div></details>\n`;
}
