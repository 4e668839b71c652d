import { createHash } from "node:crypto";
import { opensTheGate, type StageReport, type Verdict } from "../model/report.ts";
import { inline, sectionsOf, table } from "./html/blocks.ts";
import { timeline } from "./html/charts.ts";
import { html, icon, Markup, nothing, pill } from "./html/markup.ts";
import { Room } from "./html/room.ts";
import { style } from "./html/style.ts";
import { gateView } from "./view/report.ts";
import type { GateView, StageView } from "./view/shapes.ts";
import { cut } from "./words.ts";

/** With more, browsers and readers need seconds to open the page. Its frame has the rest of 3 MB. */
const mostBytes = 2_800_000;
const longestReason = 4_000;
/** In the title of a fold. */
const shortReason = 500;
/** With more, as of a large matrix, each would have too little room. Those after them say what they are, and where the rest is. */
const mostStages = 50;
/** Of the room, for the timeline. */
const shareOfTimeline = 1 / 10;

/**
 * The page of all stages that ran: the view of their reports, drawn section by section. One self-contained HTML file, without scripts or external content, and with a policy that forbids both. All text in a report is
 * untrusted and is made safe here.
 */
export function toHtml(reports: readonly StageReport[]): string {
  const view = gateView(reports);
  const { verdict, title, headline, explanation, stops, legend } = view;
  const whole = view.urgent.slice(0, mostStages);
  const urgent = whole.filter((stage) => isUrgent(stage, verdict));
  const others = whole.filter((stage) => !isUrgent(stage, verdict));
  const room = new Room(mostBytes);
  const { timeline: times } = view;
  const picture = times
    ? room.part(shareOfTimeline, (inside) => timeline(times, table(times.table, { room: inside }), inside))
    : nothing;
  // Those that need no attention are short, and leave their room to the others.
  const calm = stageSections(others, { open: others.length === 1 && urgent.length === 0, explained: false }, room, urgent.length);
  const attended = stageSections(urgent, { open: true, explained: true }, room, 0);
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
<p class="kicker">${view.kicker}</p>
<div class="banner ${verdict}">${icon(verdict)}<div><h1>${headline}</h1><p>${cut(explanation, longestReason)}</p></div></div>
</header>
<nav class="stages" aria-label="Stages of the gate"><ol class="gate">${stops.map(gateStop)}${view.timeline ? html`<li class="more"><a class="stop" href="#timeline">Timeline</a></li>` : nothing}</ol></nav>
<main id="stages">
${attended}${picture}${calm}${view.urgent.slice(mostStages).map(briefSection)}
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

interface Look {
  open: boolean;
  explained: boolean;
}

/** Each stage has the same share of the room, and what those before it left. @param later how many stages are drawn after these */
function stageSections(stages: readonly StageView[], look: Look, room: Room, later: number): Markup[] {
  const drawn = (stage: StageView, share: number) => room.part(share, (inside) => stageSection(stage, look, inside));
  return stages.map((stage, at) => drawn(stage, 1 / (stages.length - at + later)));
}

function stageSection(stage: StageView, look: Look, room: Room): Markup {
  const inside = html`${sectionsOf(stage, room)}<h3>This run</h3>
<dl class="facts">${stage.facts.map(({ name, value }) => html`<div><dt>${name}</dt><dd>${inline(value)}</dd></div>`)}</dl>`;
  return stageFold(stage, look, inside);
}

function briefSection(stage: StageView): Markup {
  const inside = html`<p class="note">Only ${mostStages} stages are shown in full. All of this one is in ${inline({ code: stage.file })}.</p>`;
  return stageFold(stage, { open: false, explained: false }, inside);
}

/** A link to the anchor inside opens the stage, because browsers open what hides the target. */
function stageFold({ id, title, environment, verdict, reason, time }: StageView, look: Look, inside: Markup): Markup {
  const said = look.explained ? nothing : html`<span class="reason">${cut(reason, shortReason)}</span>`;
  return html`<details class="stage ${verdict}"${look.open ? html` open` : nothing}>
<summary><h2>${title} on ${environment}</h2> ${pill(verdict)} <span class="time">${time.text}</span>${said}</summary>
<div class="inside" id="${id}">
${inside}
</div></details>\n`;
}
