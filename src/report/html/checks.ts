import type { Check, Latency } from "../../model/report.ts";
import { checkRemarks, duration, mostUrgentFirst } from "../words.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { dataTable, pill } from "./parts.ts";

export function checksPart(checks: readonly Check[]): Markup {
  if (checks.length === 0) return html`<p class="bad">Nothing was checked, so nothing is known.</p>`;
  // One scale for the stage, so that bars can be compared.
  const longest = Math.max(1, ...checks.map(({ latency }) => latency?.max ?? 0));
  const rows = mostUrgentFirst(checks).map((check) => [
    pill(check.verdict),
    html`<span class="title">${check.title}</span>${check.message ? html`<p class="message">${check.message}</p>` : nothing}${remark(check)}`,
    check.observed,
    check.expected,
    check.latency ? latencyBar(check.latency, longest) : nothing,
    duration(check.durationMs),
  ]);
  const columns = [
    { title: "Verdict" },
    { title: "Check" },
    { title: "Observed" },
    { title: "Expected" },
    { title: "P50 · P95 · slowest" },
    { title: "Took", numeric: true },
  ];
  return html`<h3>Checks</h3>${dataTable("Checks, what is not passed first", columns, rows)}`;
}

function remark(check: Check): Markup {
  const remarks = checkRemarks(check);
  return remarks === "" ? nothing : html`<p class="message">${remarks}</p>`;
}

function latencyBar({ count, p50, p95, max }: Latency, longest: number): Markup {
  const at = (value: number) => `${((Math.min(value, longest) / longest) * 99).toFixed(1)}%`;
  const label = `${Math.round(p50)} · ${Math.round(p95)} · ${Math.round(max)} ms`;
  return html`<div class="latency"><svg class="bar" role="img" aria-label="P50, P95 and slowest of ${count} samples">
<rect class="slowest" width="${at(max)}" height="100%"/><rect class="p95" width="${at(p95)}" height="100%"/><rect class="p50" width="${at(p50)}" height="100%"/></svg><span>${label}</span></div>`;
}
