import { isBad } from "../../history/ask/executions.ts";
import { count, numberText } from "../../lib/count.ts";
import { folded, html, type Markup, nothing, pill } from "../../report/html/markup.ts";
import { duration } from "../../report/words.ts";
import type { Beside } from "../view/beside.ts";
import { type LatencyView, slowdownOf } from "../view/latencies.ts";
import type { DashboardView } from "../view/view.ts";
import { latencyCurve } from "./charts.ts";
import { about, type Section, table, time } from "./pieces.ts";

/** How long checks take. */

const mostCurves = 12;
const mostRows = 60;

export function latency({ latencies, beside }: DashboardView): Section {
  const content =
    latencies.length === 0
      ? about("No check has measured a latency.")
      : html`${about("What needs attention is first: checks that failed, then those that are slower than usual. The bold figure is the newest run's; with many runs, a point of the line is the median of several. The line is the P95, the dotted line the median, and the band from the P50 to the P95 that were usual in the 20 runs before. A dashed line is the limit, and a cross a run that failed or could not measure.")}
<div class="graphs">${latencies.slice(0, mostCurves).map(graph)}</div>
${beside.map(besideTable)}
<h3>All checks with a latency</h3>
${overview(latencies)}`;
  return { id: "latency", title: "Latency of each check", short: "Latency", content };
}

function graph(one: LatencyView): Markup {
  const { environment, stage, check, title, limit, points, runs } = one;
  const rows = points.map(({ label, runs, p50, p95, slowest, bad }) => [
    label,
    numberText(runs),
    ...[p50, p95, slowest].map((value) => (value === undefined ? undefined : milliseconds(value))),
    numberText(bad),
  ]);
  const columns = ["Time", "Runs", "P50", "P95", "Slowest P95", "Failed"].map((name, at) => ({ title: name, numeric: at > 0 }));
  const label = `${title} on ${environment}`;
  return html`<figure class="graph"><figcaption><b>${title}</b> <span class="place">${environment} · ${stage}${check === title ? nothing : html` · <code>${check}</code>`}</span><div>${newest(one)}</div></figcaption>
${latencyCurve(`P95 of ${label} over ${count(runs, "run")}; the table below has the values`, points, limit)}
${folded("The same as a table", table({ title: `Latency of ${label}, ${stage}`, columns, rows }))}</figure>\n`;
}

/** `P95 211 ms, usually 64 to 180 ms, limit 500 ms` */
function newest(one: LatencyView): Markup {
  const { last, usual, limit, verdict, missedAt } = one;
  const range = usual ? html`, usually ${milliseconds(usual.p50)} to ${milliseconds(usual.p95)}` : nothing;
  const most = limit === undefined ? nothing : html`, limit ${milliseconds(limit)}`;
  const none = missedAt === undefined ? nothing : html`at ${time(missedAt)} without a measurement; before that, `;
  const now = isBad(verdict) ? html`${pill(verdict)} ${none}` : nothing;
  return html`${now}P95 <b class="${isSlow(one) ? "warning" : ""}">${milliseconds(last.latency.p95)}</b>${range}${most}`;
}

/** Only for the eye: whether it is slower than by chance, the comparison of samples says. */
function isSlow(one: LatencyView): boolean {
  return slowdownOf(one) > 1.5;
}

const mostCompared = 40;

/** Each run counts once, with its median; the word says what the runs show, and no more. */
function besideTable({ environment, reference, checks }: Beside): Markup {
  const columns = [
    { title: "Check" },
    { title: `${environment} is` },
    { title: "Times as long", numeric: true },
    { title: "Between", numeric: true },
    { title: "Runs", numeric: true },
  ];
  const rows = checks
    .slice(0, mostCompared)
    .map(({ check, title, word, ratio, low, high, runsA, runsB }) => [
      html`${title}${check === title ? nothing : html` <code>${check}</code>`}`,
      word === "slower" ? html`<b class="warning">${word}</b>` : word,
      ratio === undefined ? "unknown" : `${ratio.toFixed(2)}`,
      low === undefined || high === undefined ? undefined : `${low.toFixed(2)} and ${high.toFixed(2)}`,
      `${numberText(runsA)} and ${numberText(runsB)}`,
    ]);
  return html`<h3>${environment} beside ${reference}</h3>
${table({ title: `Latency of ${environment} beside ${reference}`, columns, rows, of: checks.length })}`;
}

function overview(latencies: readonly LatencyView[]): Markup {
  const columns = [
    { title: "Check" },
    { title: "Environment" },
    ...["Newest P95", "Usual P50", "Usual P95", "Limit", "Runs"].map((title) => ({ title, numeric: true })),
    { title: "Newest run" },
  ];
  const rows = latencies
    .slice(0, mostRows)
    .map(({ title, check, environment, stage, last, usual, limit, runs, verdict, missedAt }) => [
      html`${title}${check === title ? nothing : html` <code>${check}</code>`}`,
      `${environment} · ${stage}`,
      missedAt === undefined
        ? milliseconds(last.latency.p95)
        : html`<span class="place">none; before ${milliseconds(last.latency.p95)}</span>`,
      usual && milliseconds(usual.p50),
      usual && milliseconds(usual.p95),
      limit === undefined ? undefined : milliseconds(limit),
      numberText(runs),
      html`${verdict} ${time(missedAt ?? last.at)}`,
    ]);
  return table({ title: "Latency of all checks", columns, rows, of: latencies.length });
}

/** Small ones need their decimals. */
export function milliseconds(value: number): string {
  if (value >= 100 || value === 0) return duration(value);
  return `${value >= 10 ? value.toFixed(0) : value.toFixed(1)} ms`;
}
