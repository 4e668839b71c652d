import type { Chart, Dots, Flow, Lane, Timeline } from "../view/chart-shapes.ts";
import { html, icon, type Markup, nothing } from "./markup.ts";
import { type Room, shownOf } from "./room.ts";

/**
 * Charts as static SVG. Words stand beside the drawing as text of the page, so they keep their size on every screen; positions in
 * the drawing are percentages.
 */

export function chart(one: Chart, table: Markup): Markup {
  return one.kind === "dots" ? dots(one, table) : flow(one);
}

function percent(share: number): string {
  return `${(Math.min(1, Math.max(0, share)) * 100).toFixed(2)}%`;
}

/** At least a sliver, so that a short part is seen. */
function width(from: number, to: number): string {
  return percent(Math.max(to - from, 0.003));
}

const partWords: Record<Lane["bars"][number]["what"], string> = {
  stage: "stage",
  starting: "server starts",
  running: "server runs",
  tests: "tests",
  created: "test data created",
  deletion: "deletion",
};

/** A picture with more cannot be seen at once. */
const mostLanes = 200;

export function timeline({ title, note, lanes, ticks, breaks, table: _, ...rest }: Timeline, table: Markup, room: Room): Markup {
  const grid = [
    ...ticks.map(({ at }) => html`<line class="grid" x1="${percent(at)}" x2="${percent(at)}" y1="-7" y2="27"/>`),
    ...breaks.map(
      ({ from, to }) => html`<rect class="break" x="${percent(from)}" width="${percent(to - from)}" y="-7" height="34"/>`,
    ),
  ];
  const used = new Set(lanes.flatMap(({ bars }) => bars.map(({ what }) => what)));
  const rows = room.fill(lanes, mostLanes, ({ label, verdict, bars, text }) => {
    const drawn = bars.map(({ what, from, to }) => {
      const colour = what === "stage" ? (verdict ?? "skipped") : what;
      const height = what === "stage" ? "12" : "8";
      const y = what === "stage" ? "4" : "6";
      return html`<rect class="bar-${colour}" x="${percent(from)}" y="${y}" width="${width(from, to)}" height="${height}" rx="2"/>`;
    });
    const name = verdict
      ? html`<b>${icon(verdict)}${label}</b> <span class="verdict">${verdict}</span>`
      : html`<span class="part">${label}</span>`;
    return html`<li class="${verdict ? "lane whole" : "lane"}"><span class="label">${name}</span><svg class="plot" role="img" aria-label="${label}: ${text}">${grid}${drawn}</svg><span class="value">${text}</span></li>\n`;
  });
  const keys = (["starting", "running", "tests", "created", "deletion"] as const).filter((what) => used.has(what));
  const axis = ticks.map(({ at, label }) => {
    const anchor = at < 0.05 ? "start" : at > 0.95 ? "end" : "middle";
    return html`<text x="${percent(at)}" y="12" text-anchor="${anchor}">${label}</text>`;
  });
  const pauses = breaks.length > 0 ? html` Shaded: ${breaks.map(({ label }) => label).join(", ")}, drawn shorter.` : nothing;
  return html`<section class="card" id="${rest.kind}" aria-labelledby="timeline-title"><figure class="chart timeline">
<figcaption><h2 id="timeline-title">${title}</h2></figcaption>
<ul class="lanes">${rows}<li class="lane axis" aria-hidden="true"><span class="label"></span><svg class="plot" aria-hidden="true">${axis}</svg><span class="value"></span></li></ul>
<ul class="legend">${keys.map((what) => html`<li>${swatch(what)}${partWords[what]}</li>`)}</ul>
<p class="note">${note}${pauses}</p>${shownOf(rows.length, lanes.length, "line", undefined)}</figure>
${table}</section>\n`;
}

function swatch(what: string): Markup {
  return html`<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect class="bar-${what}" width="10" height="10" rx="2"/></svg>`;
}

/** Each mark has its own shape. Radii are in pixels, positions in percent. */
const marks = {
  sample: (x: string) => html`<circle class="sample" cx="${x}" cy="10" r="2.5"/>`,
  p50: (x: string) => html`<circle class="p50" cx="${x}" cy="10" r="5"/>`,
  p95: (x: string) => html`<svg x="${x}" y="10" overflow="visible"><path class="p95" d="M0-6 6 0 0 6-6 0Z"/></svg>`,
  slowest: (x: string) => html`<circle class="slowest" cx="${x}" cy="10" r="4"/>`,
};

function dots({ title, note, rows, rest }: Dots, table: Markup): Markup {
  const drawn = rows.map(({ label, verdict, text, marks: all, limit, band }) => {
    const from = all.find(({ what }) => what === "p50")?.at ?? 0;
    // A single sample has no spread.
    const to = all.find(({ what }) => what === "slowest")?.at ?? from;
    const line = limit
      ? html`<rect class="over" x="${percent(limit.at)}" width="${percent(1 - limit.at)}" y="0" height="20"/><line class="limit" x1="${percent(limit.at)}" x2="${percent(limit.at)}" y1="0" y2="20"/>`
      : nothing;
    const range = band
      ? html`<rect class="band" x="${percent(band.from)}" width="${width(band.from, band.to)}" y="2" height="16"/>`
      : nothing;
    const said = `${text}${limit ? `, ${limit.text}` : ""}${band ? `; ${band.text}` : ""}`;
    return html`<li class="lane"><span class="label">${verdict === "passed" ? nothing : icon(verdict)}${label}</span><svg class="plot" role="img" aria-label="${label}: ${all.length > 1 ? "P50, P95, slowest: " : ""}${said}">${range}${line}<line class="base" x1="0" x2="100%" y1="10" y2="10"/><line class="spread" x1="${percent(from)}" x2="${percent(to)}" y1="10" y2="10"/>${all.map(({ what, at }) => marks[what](percent(at)))}</svg><span class="value">${text}</span><span class="value limit-text">${limit?.text}</span></li>\n`;
  });
  const key = (what: keyof typeof marks, words: string) =>
    html`<li><svg class="swatch wide" viewBox="0 0 20 20" aria-hidden="true">${marks[what]("10")}</svg>${words}</li>`;
  return html`<figure class="chart dots"><figcaption><h4>${title}: P50 · P95 · slowest</h4></figcaption>
<ul class="lanes">${drawn}</ul>
<ul class="legend">${key("p50", "P50")}${key("p95", "P95")}${key("slowest", "slowest")}${key("sample", "sample")}<li><svg class="swatch wide" viewBox="0 0 20 20" aria-hidden="true"><rect class="band" x="0" y="2" width="20" height="16"/></svg>P50 to P95 of earlier runs</li><li><svg class="swatch wide" viewBox="0 0 20 20" aria-hidden="true"><line class="limit" x1="10" x2="10" y1="0" y2="20"/></svg>limit of P95</li></ul>
<p class="note">${note}</p>${rest === undefined ? nothing : html`<p class="note">${rest}</p>`}${table}</figure>\n`;
}

const flowWords = { deleted: "deleted", left: "left", unknown: "unknown", planned: "would be deleted" };

function flow({ title, steps, rows, rest }: Flow): Markup {
  const used = new Set(rows.flatMap(({ parts }) => parts.map(({ what }) => what)));
  const drawn = rows.map(({ label, parts, text }) => {
    let x = 0;
    const bars = parts.map(({ what, share }) => {
      const bar = html`<rect class="bar-${what}" x="${percent(x)}" y="5" width="${width(0, share)}" height="10"/>`;
      x += share;
      return bar;
    });
    return html`<li class="lane"><span class="label"><code>${label}</code></span><svg class="plot" role="img" aria-label="${label}: ${text}">${bars}</svg><span class="value">${text}</span></li>\n`;
  });
  const keys = (["deleted", "left", "unknown", "planned"] as const).filter((what) => used.has(what));
  return html`<figure class="chart flow"><figcaption><h4>${title}</h4></figcaption>
<ol class="steps">${steps.map(({ label, amount, tone }) => html`<li><span>${label}</span><b class="${tone ?? ""}">${amount}</b></li>`)}</ol>
<ul class="lanes">${drawn}</ul>
<ul class="legend">${keys.map((what) => html`<li>${swatch(what)}${flowWords[what]}</li>`)}</ul>
${rest === undefined ? nothing : html`<p class="note">${rest}</p>`}</figure>\n`;
}
