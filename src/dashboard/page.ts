import { createHash } from "node:crypto";
import { count } from "../lib/count.ts";
import type { HistoryRecord } from "../model/history.ts";
import { verdicts } from "../model/report.ts";
import { html, Markup, nothing, pill } from "../report/html/markup.ts";
import { htmlText } from "../report/inert.ts";
import { verdictMeanings } from "../report/words.ts";
import { data } from "./html/data.ts";
import { gates } from "./html/gates.ts";
import { healthNow, healthOverTime } from "./html/health.ts";
import { latency } from "./html/latency.ts";
import { lead } from "./html/lead.ts";
import { about, card, type Section, time } from "./html/pieces.ts";
import { copies, expires, unknown } from "./html/rest.ts";
import { script } from "./html/script.ts";
import { style } from "./html/style.ts";
import { flaky, passRates, slowest } from "./html/tests.ts";
import { span } from "./view/times.ts";
import { type DashboardOptions, type DashboardView, dashboardView } from "./view/view.ts";

const newestName = "env-actions-newest";

/**
 * One HTML file that shows a history: without external content, and with a policy that allows its own style sheet and its one script,
 * and nothing else. The same records give the same page, wherever they come from and in any order. All text in records is untrusted
 * and is made safe here.
 */
export function dashboardHtml(records: readonly HistoryRecord[], options: DashboardOptions): string {
  const view = dashboardView(records, options);
  const sections = view.records === 0 ? [] : sectionsOf(view);
  const newest = view.span ? Date.parse(view.span.newest) : undefined;
  return html`${new Markup("<!doctype html>")}
<html lang="en" data-stale-after="${view.staleAfterMs}"${newest === undefined ? nothing : html` data-newest="${newest}"`}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="${newestName}" content="${view.span?.newest ?? ""}">
<title>${view.title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<p class="kicker">env-actions dashboard</p>
<h1>${view.title}</h1>
${whenMade(view)}
</header>
${sections.length > 0 ? html`<nav class="stages" aria-label="Sections"><ol class="gate">${sections.map(({ id, short }) => html`<li><a class="stop" href="#${id}">${short}</a></li>`)}</ol></nav>\n` : nothing}<main id="content" class="page">
${sections.length > 0 ? html`${lead(view)}${sections.map(card)}` : nothingYet(view)}
</main>
<footer><h2>What the verdicts mean</h2>
<dl>${verdicts.map((verdict) => html`<div><dt>${pill(verdict)}</dt><dd>${verdictMeanings[verdict]}</dd></div>`)}</dl></footer>
<script>${new Markup(script)}</script>
</body>
</html>
`.text;
}

const hashOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const policy = [
  "default-src 'none'",
  `style-src ${hashOf(style)}`,
  `script-src ${hashOf(script)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

function sectionsOf(view: DashboardView): Section[] {
  return [healthNow, healthOverTime, gates, latency, passRates, flaky, slowest, data, copies, expires, unknown].map((draw) =>
    draw(view),
  );
}

function whenMade({ span: of, now, staleAfterMs, records }: DashboardView): Markup {
  const made = new Date(now).toISOString();
  if (!of) return html`<p class="when">Made at ${time(made)} UTC, without any record.</p>`;
  const age = now - Date.parse(of.newest);
  const isStale = !(age <= staleAfterMs);
  return html`<p class="when"><b>Newest record: ${time(of.newest)} UTC</b>, ${span(Math.max(0, age))} before this page was made at ${time(made)}. <b id="age" role="status"></b> ${count(records, "record")}. All times are in UTC.</p>
${isStale ? html`<div class="notes warning"><p><b>The data is stale.</b> The newest record was already ${span(age)} old when this page was made. It says how the environments were, not how they are.</p></div>` : nothing}`;
}

function nothingYet({ unreadable }: DashboardView): Markup {
  return html`<section class="card empty-page" aria-labelledby="empty"><h2 id="empty">There is no history yet</h2>
${about("Each run of a stage leaves a record, and this page shows them. To get the first ones:")}
<ol><li>Set <code>history.store</code> in the configuration to a place that outlives the runner, such as a branch of the repository or a folder that every job reaches. With <code>workspace</code>, records are in <code>.env-actions/history</code>, which a runner of GitHub forgets.</li>
<li>Run a stage: <code>env-actions preflight</code>.</li>
<li>Make this page again: <code>env-actions dashboard</code>.</li></ol>
${unreadable.length > 0 ? html`<div class="notes bad"><h3>${count(unreadable.length, "file")} of the history could not be read</h3><ul>${unreadable.slice(0, 20).map(({ name, why }) => html`<li><code>${name}</code>: ${why}</li>`)}</ul></div>` : nothing}</section>\n`;
}

/**
 * When the newest record of a page ended, so that an older page is not written over a newer one.
 * @param page HTML that `dashboardHtml` made, or anything else
 * @returns undefined if it is no such page, or has no record
 */
/** Whether a file is such a page, also one without records. */
export function isDashboard(text: string): boolean {
  return text.includes(`<meta name="${newestName}"`);
}

export function newestIn(page: string): string | undefined {
  const start = `<meta name="${newestName}" content="`;
  const at = page.indexOf(start);
  if (at === -1) return undefined;
  const content = page.slice(at + start.length, page.indexOf('"', at + start.length));
  return content !== "" && htmlText(content) === content && Number.isFinite(Date.parse(content)) ? content : undefined;
}
